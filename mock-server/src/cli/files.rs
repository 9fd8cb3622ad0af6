//! `entra-mock cert` and `entra-mock ca`: files for clients.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Failure, print, trust};
use crate::clock::Clock;
use crate::server::{CertificateAuthority, ClientCertificate, Validity, default_data_directory};

#[derive(Debug, Args)]
pub(super) struct Cert {
    /// Folder for the files
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,

    /// Name of the files and in the certificate
    #[arg(long, default_value = "client-certificate")]
    name: String,

    /// Password of the .pfx file
    #[arg(long, default_value = "entra-mock")]
    password: String,

    /// Make a certificate that expired yesterday
    #[arg(long, conflicts_with = "not_yet_valid")]
    expired: bool,

    /// Make a certificate that becomes valid in a month
    #[arg(long)]
    not_yet_valid: bool,

    /// Encrypt the .pfx file with AES-256 and SHA-256, which some libraries cannot read, instead of
    /// the older form that all of them read
    #[arg(long)]
    modern: bool,
}

#[derive(Debug, Args)]
pub(super) struct Ca {
    /// Print the certificate instead of its path
    #[arg(long, conflicts_with_all = ["show", "remove"])]
    print: bool,

    /// Print for which names it may sign, how long it is valid, and its fingerprint
    #[arg(long, conflicts_with = "remove")]
    show: bool,

    /// Remove the certificate and its key; the next start makes new ones
    #[arg(long)]
    remove: bool,

    /// Folder for the root certificate and the keys
    #[arg(long, global = true, value_name = "DIR", env = "ENTRA_MOCK_DATA_DIR")]
    data_dir: Option<PathBuf>,

    #[command(subcommand)]
    stores: Option<Stores>,
}

#[derive(Clone, Copy, Debug, clap::Subcommand)]
enum Stores {
    /// Put the certificate into the stores of your user, for browsers and others that read no
    /// variable: NSS on Linux, the login keychain of macOS, the user's roots of Windows
    Trust,
    /// Take it out of all stores into which `trust` has put it
    Untrust,
}

impl Cert {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        let validity = if self.expired {
            Validity::Expired
        } else if self.not_yet_valid {
            Validity::NotYetValid
        } else {
            Validity::Now
        };
        let now = Clock::real().now();
        let mut made = ClientCertificate::generate(&self.name, validity, &self.password, now);
        if self.modern {
            made = made.with_modern_pfx();
        }
        let base64 = made.pfx_base64();
        let files: [(&str, &[u8]); 4] = [
            ("pem", made.certificate_pem.as_bytes()),
            ("key", made.key_pem.as_bytes()),
            ("pfx", &made.pfx),
            ("pfx.base64", base64.as_bytes()),
        ];
        let mut written = Vec::new();
        for (ending, contents) in files {
            let path = self.out.join(format!("{}.{ending}", self.name));
            crate::file::write(&path, contents, 0o600).map_err(|error| {
                Failure::usage(format!("cannot write {}: {error}", path.display()))
            })?;
            written.push(path.display().to_string());
        }
        print(&format!(
            "certificate  {}\nprivate key  {}\nPKCS#12      {} (password: {})\nbase64       {}\n\n\
             x5t          {}\nx5t#S256     {}\nthumbprint   {}\n\n\
             Register it: entra-mock event add-certificate --app APP --certificate \"$(grep -v -- \
             ----- {} | tr -d '\\n')\"\n",
            written[0],
            written[1],
            written[2],
            self.password,
            written[3],
            made.sha1_thumbprint(),
            made.sha256_thumbprint(),
            made.hex_thumbprint(),
            written[0],
        ));
        Ok(ExitCode::SUCCESS)
    }
}

impl Ca {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        let folder = self.data_dir.unwrap_or_else(default_data_directory);
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        if matches!(self.stores, Some(Stores::Untrust)) {
            return trust::untrust(&folder);
        }
        if self.remove {
            let removed = CertificateAuthority::remove(&folder).map_err(Failure::usage)?;
            for path in &removed {
                print(&format!("removed  {}\n", path.display()));
            }
            eprintln!(
                "note: where the root certificate was installed (browsers, keychains, trust \
                 stores), remove it there, too: its name is 'entra-mock local test authority'"
            );
            return Ok(ExitCode::SUCCESS);
        }
        let authority = CertificateAuthority::open(&folder, &[], Clock::real().now())
            .map_err(Failure::usage)?;
        if let Some(notice) = authority.notice() {
            eprintln!("note: {notice}");
        }
        if matches!(self.stores, Some(Stores::Trust)) {
            return trust::trust(&authority, &folder);
        }
        if self.print {
            print(authority.pem());
        } else if self.show {
            print(&shown(&authority));
        } else {
            print(&format!("{}\n", authority.file().display()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// What a person wants to know before trusting it.
fn shown(authority: &CertificateAuthority) -> String {
    let names: String = authority
        .permitted_names()
        .map(|name| format!("  {name}\n"))
        .collect();
    format!(
        "file         {}\nSHA-256      {}\nvalid until  {}\n\nIt may sign certificates of TLS \
         servers for these names and all names below them,\nand for the addresses 127.0.0.0/8 and \
         ::1:\n{names}\nIts key never leaves this machine: {} (mode 0600).\n",
        authority.file().display(),
        authority.fingerprint(),
        authority.valid_until().strftime("%Y-%m-%d"),
        authority.file().with_extension("key").display(),
    )
}
