//! `entra-mock ca trust` and `untrust`: the root certificate in the stores of the user, for
//! browsers and other programs that read no variable. Nothing is done unless it is asked for, and
//! all of it is undone: a record beside the certificate says where it went.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use serde::{Deserialize, Serialize};

use super::{Failure, print};
use crate::server::CertificateAuthority;

/// The name of the certificate in stores, which is that of its subject.
const NAME: &str = "entra-mock local test authority";

/// The record, in the data folder.
const RECORD: &str = "trusted.json";

/// Where the certificate was put.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Record {
    stores: Vec<Trusted>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Trusted {
    store: Store,
    /// Whether the store was made for it.
    made: bool,
    /// The SHA-256 fingerprint of the certificate, as the store's own tools name it.
    fingerprint: String,
}

/// A store of certificates that belongs to the user.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Store {
    /// The login keychain of macOS: Safari, Chrome, and programs that ask the system.
    Keychain,
    /// A database of NSS: Chromium and Firefox on Linux, Firefox everywhere.
    Nss(PathBuf),
    /// The user's roots of Windows: Edge, Chrome, .NET, and programs that ask the system.
    WindowsRoots,
}

/// Puts the certificate into the stores of the user.
pub(super) fn trust(authority: &CertificateAuthority, folder: &Path) -> Result<ExitCode, Failure> {
    let home = home()?;
    let stores = stores(&home);
    let file = authority.file();
    let mut record = read(folder)?;
    let mut failed = Vec::new();
    for store in stores {
        // An older certificate of the same name would be taken for this one.
        let before = take(&mut record, &store);
        if before.is_some() {
            let _ = store.remove(before.as_ref());
        }
        match store.add(file) {
            Ok(made) => {
                let made = made || before.as_ref().is_some_and(|it| it.made);
                let fingerprint = authority.fingerprint();
                print(&format!("trusted by  {store}\n"));
                record.stores.push(Trusted {
                    store,
                    made,
                    fingerprint,
                });
                // At once: what is not written down is not undone.
                write(folder, &record)?;
            }
            Err(problem) => failed.push(format!("{store}: {problem}")),
        }
    }
    if !failed.is_empty() {
        return Err(Failure::usage(failed.join("\nerror: ")));
    }
    print("\nUndo it with: entra-mock ca untrust\n");
    Ok(ExitCode::SUCCESS)
}

/// Takes the certificate out of all stores into which it was put.
pub(super) fn untrust(folder: &Path) -> Result<ExitCode, Failure> {
    let mut record = read(folder)?;
    if record.stores.is_empty() {
        print("it is in no store: entra-mock ca trust has put it into none\n");
        return Ok(ExitCode::SUCCESS);
    }
    let mut failed = Vec::new();
    for trusted in std::mem::take(&mut record.stores) {
        let store = trusted.store.clone();
        match store.remove(Some(&trusted)) {
            Ok(()) => print(&format!("removed from  {store}\n")),
            Err(problem) => {
                failed.push(format!("{store}: {problem}"));
                record.stores.push(trusted);
            }
        }
    }
    write(folder, &record)?;
    if failed.is_empty() {
        Ok(ExitCode::SUCCESS)
    } else {
        Err(Failure::usage(failed.join("\nerror: ")))
    }
}

fn home() -> Result<PathBuf, Failure> {
    let home = std::env::home_dir().filter(|it| it.is_dir());
    home.ok_or_else(|| Failure::usage("there is no home folder: set HOME"))
}

/// The stores of a user, those that are there; on Linux also Chromium's, which is made.
fn stores(home: &Path) -> Vec<Store> {
    if cfg!(windows) {
        // Firefox reads them as well (security.enterprise_roots.enabled), and the certutil of
        // Windows knows nothing of its databases.
        // Source: support.mozilla.org, "Set up Certificate Authorities (CAs) in Firefox".
        return vec![Store::WindowsRoots];
    }
    let mut stores = Vec::new();
    if cfg!(target_os = "macos") {
        stores.push(Store::Keychain);
    } else {
        stores.push(Store::Nss(home.join(".pki/nssdb")));
        stores.extend(database(home.join("snap/chromium/current/.pki/nssdb")));
    }
    let firefox = [
        ".mozilla/firefox",
        "snap/firefox/common/.mozilla/firefox",
        ".var/app/org.mozilla.firefox/.mozilla/firefox",
        "Library/Application Support/Firefox/Profiles",
    ];
    for folder in firefox {
        let profiles = fs::read_dir(home.join(folder))
            .into_iter()
            .flatten()
            .flatten();
        let mut found: Vec<Store> = profiles.filter_map(|it| database(it.path())).collect();
        found.sort_by_key(ToString::to_string);
        stores.extend(found);
    }
    stores
}

/// A folder that has a database of NSS.
fn database(folder: PathBuf) -> Option<Store> {
    folder
        .join(DATABASE[0])
        .is_file()
        .then_some(Store::Nss(folder))
}

impl Store {
    /// Adds the certificate, and says whether the store was made for it.
    fn add(&self, certificate: &Path) -> Result<bool, String> {
        match self {
            Self::Keychain => {
                let arguments = ["add-trusted-cert", "-r", "trustRoot", "-p", "ssl"];
                call(Command::new("security").args(arguments).arg(certificate))?;
                Ok(false)
            }
            Self::Nss(folder) => {
                let made = !folder.join(DATABASE[0]).is_file();
                if made {
                    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
                    nss(folder, ["-N", "--empty-password"])?;
                }
                // Trusted to sign for TLS servers, and for nothing else.
                let file = certificate.as_os_str();
                let arguments = ["-A", "-n", NAME, "-t", "C,,", "-i"].map(OsStr::new);
                nss(folder, arguments.into_iter().chain([file]))?;
                Ok(made)
            }
            Self::WindowsRoots => {
                let arguments = ["-user", "-addstore", "Root"];
                call(Command::new("certutil").args(arguments).arg(certificate))?;
                Ok(false)
            }
        }
    }

    /// Removes the certificate, and the store if it was made for it and has nothing else.
    fn remove(&self, trusted: Option<&Trusted>) -> Result<(), String> {
        let Some(trusted) = trusted else {
            return Ok(());
        };
        match self {
            Self::Keychain => {
                let fingerprint = trusted.fingerprint.replace(':', "");
                let arguments = ["delete-certificate", "-t", "-Z", &fingerprint];
                call(Command::new("security").args(arguments))
            }
            Self::Nss(folder) => {
                if !folder.join(DATABASE[0]).is_file() {
                    // Whoever removed the store removed the certificate.
                    return Ok(());
                }
                let list = |folder: &Path| nss_output(folder, ["-L"]);
                while list(folder)?.contains(NAME) {
                    nss(folder, ["-D", "-n", NAME])?;
                }
                if trusted.made && holds_nothing(&list(folder)?) {
                    remove_database(folder).map_err(|error| error.to_string())?;
                }
                Ok(())
            }
            Self::WindowsRoots => {
                let arguments = ["-user", "-delstore", "Root", NAME];
                call(Command::new("certutil").args(arguments))
            }
        }
    }
}

impl std::fmt::Display for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Keychain => formatter.write_str("the login keychain"),
            Self::Nss(folder) => write!(formatter, "{}", folder.display()),
            Self::WindowsRoots => formatter.write_str("the user's roots of Windows"),
        }
    }
}

/// Whether a listing of certutil has no certificate: its lines end with three sets of flags.
fn holds_nothing(listing: &str) -> bool {
    let is_certificate = |line: &str| {
        let flags = line.split_whitespace().last().unwrap_or_default();
        flags.matches(',').count() == 2 && flags != "SSL,S/MIME,JAR/XPI"
    };
    !listing.lines().any(is_certificate)
}

/// Removes the database and the folders above it that are empty then.
fn remove_database(folder: &Path) -> io::Result<()> {
    for file in DATABASE {
        match fs::remove_file(folder.join(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    // A folder that holds something else stays.
    let _ = fs::remove_dir(folder);
    if let Some(above) = folder
        .parent()
        .filter(|it| it.file_name().is_some_and(|name| name == ".pki"))
    {
        let _ = fs::remove_dir(above);
    }
    Ok(())
}

/// The files of a database.
const DATABASE: [&str; 3] = ["cert9.db", "key4.db", "pkcs11.txt"];

fn nss<S: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> Result<(), String> {
    nss_output(folder, arguments).map(|_| ())
}

fn nss_output<S: AsRef<OsStr>>(
    folder: &Path,
    arguments: impl IntoIterator<Item = S>,
) -> Result<String, String> {
    let mut database = std::ffi::OsString::from("sql:");
    database.push(folder);
    let mut command = Command::new("certutil");
    output(command.args(arguments).arg("-d").arg(database))
}

fn call(command: &mut Command) -> Result<(), String> {
    output(command).map(|_| ())
}

fn output(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(std::process::Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!(
                "'{program}' is not there: install libnss3-tools (Debian, Ubuntu), nss-tools \
                 (Fedora) or nss (Homebrew)"
            ),
            _ => format!("cannot run '{program}': {error}"),
        })?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("{program}: {}", said.trim()))
    }
}

/// Takes what is recorded of a store out of the record.
fn take(record: &mut Record, store: &Store) -> Option<Trusted> {
    let at = record.stores.iter().position(|it| it.store == *store)?;
    Some(record.stores.remove(at))
}

fn read(folder: &Path) -> Result<Record, Failure> {
    let path = folder.join(RECORD);
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text)
            .map_err(|error| Failure::usage(format!("{}: {error}", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Record::default()),
        Err(error) => Err(Failure::usage(format!("{}: {error}", path.display()))),
    }
}

fn write(folder: &Path, record: &Record) -> Result<(), Failure> {
    let path = folder.join(RECORD);
    let written = if record.stores.is_empty() {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    } else {
        let text = serde_json::to_string_pretty(record).map_err(Failure::usage)?;
        crate::file::write(&path, text.as_bytes(), 0o600)
    };
    written.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_without_certificates_holds_nothing() {
        let heading = "\nCertificate Nickname        Trust Attributes\n                    SSL,S/MIME,JAR/XPI\n\n";
        assert!(holds_nothing(heading));
        assert!(!holds_nothing(&format!(
            "{heading}Some other root          CT,C,C\n"
        )));
        assert!(!holds_nothing(&format!(
            "{heading}{NAME}                  C,,\n"
        )));
    }
}
