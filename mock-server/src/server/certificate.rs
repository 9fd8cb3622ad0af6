//! The machine's certificate authority.
//!
//! It may sign for the hosts that the mock serves, and for nothing else (name constraints): whoever
//! trusts it exposes no other site. Its key is of use to whoever can read it, so that one that
//! others can read, or have put there, is not used.

mod root;
mod tls;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{self, SHA256};
use jiff::Timestamp;
use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use self::root::Scope;
pub(super) use self::root::set_validity;
pub(super) use self::tls::Configurations;
use crate::file::{self, CustodyError, read_or_create, write, write_if_changed};
use crate::platform::{SYSTEM_BUNDLES, private};

/// The certificate authority of this machine.
#[derive(Debug)]
pub struct CertificateAuthority {
    pem: String,
    key: String,
    scope: Scope,
    until: Timestamp,
    file: PathBuf,
    bundle_file: PathBuf,
    trust_store_file: PathBuf,
    replaced: Option<String>,
}

/// Why the certificate authority can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The file can't be read or written.
    #[error(
        "cannot use the certificate authority {path}: {error}; choose another folder with --data-dir"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// The file holds something else.
    #[error(
        "{path} is not the certificate authority of entra-mock ({problem}); delete it to have a new one made, and trust that one"
    )]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Others could use it, or have put it there.
    #[error("{path} is not used: {problem}; {help}")]
    Exposed {
        /// The file or the folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
        /// What to do.
        help: String,
    },
}

impl CertificateAuthority {
    /// Reads the authority of a data folder, or makes it. One that does not permit all hosts that
    /// the mock serves, or `names`, is replaced: [`CertificateAuthority::replaced`] says why.
    pub fn open(folder: &Path, names: &[String], now: Timestamp) -> Result<Self, CertificateError> {
        let path = folder.join("ca.key");
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| CertificateError::reading(&path, error)
        };
        file::create_folder(folder).map_err(io(folder))?;
        file::check_folder(folder).map_err(io(folder))?;
        // Others that open it at the same time wait: they would see half of it. Where nothing can be
        // written (a read-only folder), nothing is replaced either.
        let _lock = lock(folder).ok();
        let wanted = Scope::wanted(names.iter().cloned());
        let mut text = read_or_create(&path, || root::make(&wanted, now)).map_err(io(&path))?;
        let mut found = Self::parse(&path, text.clone(), folder)?;
        let lacking = found.lacks(&wanted, now);
        if let Some(why) = lacking {
            let kept = found.scope.names.iter().cloned();
            let scope = Scope::wanted(kept.chain(names.iter().cloned()));
            text = root::make(&scope, now);
            write(&path, text.as_bytes(), 0o600).map_err(io(&path))?;
            found = Self::parse(&path, text, folder)?;
            found.replaced = Some(why);
        } else {
            let stored = fs::read_to_string(&found.file).ok();
            if stored.is_some_and(|stored| stored != found.pem) {
                return Err(CertificateError::Broken {
                    path: found.file,
                    problem: "it does not fit ca.key beside it".to_owned(),
                });
            }
        }
        found.write_files()?;
        Ok(found)
    }

    fn parse(path: &Path, text: String, folder: &Path) -> Result<Self, CertificateError> {
        let broken = |problem: String| CertificateError::Broken {
            path: path.to_owned(),
            problem,
        };
        let certificate = CertificateDer::from_pem_slice(text.as_bytes())
            .map_err(|error| broken(format!("no certificate: {error}")))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&certificate)
            .map_err(|error| broken(format!("no certificate: {error}")))?;
        let until = parsed.validity().not_after.timestamp();
        let until = Timestamp::from_second(until)
            .map_err(|error| broken(format!("no end of its validity: {error}")))?;
        let scope = Scope::of(&parsed);
        let (pem, key) = root::parts(text);
        if key.is_empty() {
            return Err(broken("no private key".to_owned()));
        }
        KeyPair::from_pem(&key).map_err(|error| broken(format!("no private key: {error}")))?;
        Ok(Self {
            pem,
            key,
            scope,
            until,
            file: folder.join("ca.pem"),
            bundle_file: folder.join("ca-bundle.pem"),
            trust_store_file: folder.join("trust-store.p12"),
            replaced: None,
        })
    }

    /// Why it has to be replaced, if it has.
    fn lacks(&self, wanted: &Scope, now: Timestamp) -> Option<String> {
        let left = self.until.duration_since(now).as_hours() / 24;
        if left < 0 {
            return Some("it has expired".to_owned());
        }
        if left < root::RENEWED {
            return Some(format!("it ends in {left} days"));
        }
        self.scope.lacks(wanted)
    }

    fn write_files(&self) -> Result<(), CertificateError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| CertificateError::Io { path, error }
        };
        let Self {
            file,
            pem,
            bundle_file,
            trust_store_file,
            ..
        } = self;
        write_if_changed(file, pem.as_bytes(), 0o644).map_err(io(file))?;
        write_if_changed(bundle_file, bundle(pem).as_bytes(), 0o644).map_err(io(bundle_file))?;
        if self.replaced.is_some() {
            // Made again on first use.
            match fs::remove_file(trust_store_file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io(trust_store_file)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The root certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// The file with the root certificate.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The file with the system's roots and ours, for variables that replace the bundle.
    pub fn bundle_file(&self) -> &Path {
        &self.bundle_file
    }

    /// The host names for which it may sign, with all names below them.
    pub fn permitted_names(&self) -> impl Iterator<Item = &str> {
        self.scope.names.iter().map(String::as_str)
    }

    /// When it ends.
    pub fn valid_until(&self) -> Timestamp {
        self.until
    }

    /// The SHA-256 of the certificate, as programs show it.
    pub fn fingerprint(&self) -> String {
        let digest = digest::digest(&SHA256, &self.der());
        let pairs: Vec<String> = digest
            .as_ref()
            .iter()
            .map(|it| format!("{it:02X}"))
            .collect();
        pairs.join(":")
    }

    /// Why an older one was replaced a moment ago, if one was.
    pub fn replaced(&self) -> Option<&str> {
        self.replaced.as_deref()
    }

    /// What to say where an older one was replaced.
    pub(crate) fn notice(&self) -> Option<String> {
        self.replaced.as_ref().map(|why| {
            format!(
                "the root certificate of this machine is a new one, since {why}; where the old one \
                 was installed, install {} instead (it may sign for what `entra-mock ca --show` \
                 lists)",
                self.file.display()
            )
        })
    }

    /// The PKCS#12 trust store for Java, made on first use.
    pub fn trust_store_file(&self) -> io::Result<&Path> {
        if !self.trust_store_file.exists() {
            let store = self.trust_store().map_err(io::Error::other)?;
            write_if_changed(&self.trust_store_file, &store, 0o644)?;
        }
        Ok(&self.trust_store_file)
    }

    fn trust_store(&self) -> Result<Vec<u8>, p12_keystore::error::Error> {
        let certificate = p12_keystore::Certificate::from_der(&self.der())?;
        let mut store = p12_keystore::KeyStore::new();
        store.add_entry(
            "entra-mock",
            p12_keystore::KeyStoreEntry::Certificate(certificate),
        );
        store.writer(TRUST_STORE_PASSWORD).write()
    }

    fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.pem.as_bytes())
            // Parsed when the authority was opened.
            .expect("the authority's certificate is PEM")
    }

    /// Removes the authority of a data folder: from then on nobody can sign with it.
    pub(crate) fn remove(folder: &Path) -> Result<Vec<PathBuf>, CertificateError> {
        let mut removed = Vec::new();
        for name in [
            "ca.key",
            "ca.pem",
            "ca-bundle.pem",
            "trust-store.p12",
            "ca.lock",
        ] {
            let path = folder.join(name);
            match fs::remove_file(&path) {
                Ok(()) => removed.push(path),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(CertificateError::Io { path, error }),
            }
        }
        Ok(removed)
    }
}

impl CertificateError {
    /// What failed with a file that is to be ours alone.
    pub(super) fn reading(path: &Path, error: io::Error) -> Self {
        let path = path.to_owned();
        match error
            .get_ref()
            .and_then(|it| it.downcast_ref::<CustodyError>())
        {
            Some(custody) => Self::Exposed {
                problem: custody.to_string(),
                help: custody.help(&path),
                path,
            },
            None => Self::Io { path, error },
        }
    }
}

/// Held while the files are read or written.
fn lock(folder: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    let file = private(&mut options).open(folder.join("ca.lock"))?;
    file.lock()?;
    Ok(file)
}

/// The system's roots, where they are found, and ours.
fn bundle(pem: &str) -> String {
    let system = SYSTEM_BUNDLES
        .iter()
        .find_map(|path| fs::read_to_string(path).ok());
    let mut bundle = system.unwrap_or_default();
    if bundle.contains(pem.trim()) {
        // Inside of `run --isolated` the system's bundle has it already.
        return bundle;
    }
    if !bundle.is_empty() && !bundle.ends_with('\n') {
        bundle.push('\n');
    }
    bundle.push_str(pem);
    bundle
}

/// The password of the trust store: it guards public certificates.
pub(super) const TRUST_STORE_PASSWORD: &str = "entra-mock";

#[cfg(test)]
mod tests;
