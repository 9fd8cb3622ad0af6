//! The machine's certificate authority, and certificates for the hosts that the mock serves.
//!
//! The authority may sign for Microsoft's login and Graph hosts and for localhost, and for nothing
//! else (name constraints): whoever trusts it exposes no other site.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{default_provider, sign::any_supported_type};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::environment::Site;
use crate::fault::WrongCertificate;
use crate::file::{read_or_create, write_if_changed};
use crate::lock::{Mutex, rank};

/// The certificate authority of this machine.
#[derive(Debug)]
pub struct CertificateAuthority {
    pem: String,
    key: String,
    file: PathBuf,
    bundle_file: PathBuf,
    trust_store_file: PathBuf,
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
}

impl CertificateAuthority {
    /// Reads the authority of a data folder, or makes it.
    pub fn open(folder: &Path, now: Timestamp) -> Result<Self, CertificateError> {
        let path = folder.join("ca.key");
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| CertificateError::Io { path, error }
        };
        let text = read_or_create(&path, || make(now)).map_err(io(&path))?;
        let broken = |problem: String| CertificateError::Broken {
            path: path.clone(),
            problem,
        };
        let certificate = CertificateDer::from_pem_slice(text.as_bytes())
            .map_err(|error| broken(format!("no certificate: {error}")))?;
        let (_, parsed) = x509_parser::parse_x509_certificate(&certificate)
            .map_err(|error| broken(format!("no certificate: {error}")))?;
        if parsed.validity().not_after.timestamp() < now.as_second() {
            return Err(broken("it has expired".to_owned()));
        }
        let (pem, key) = parts(text);
        if key.is_empty() {
            return Err(broken("no private key".to_owned()));
        }
        KeyPair::from_pem(&key).map_err(|error| broken(format!("no private key: {error}")))?;
        let file = folder.join("ca.pem");
        let stored = fs::read_to_string(&file).ok();
        if stored.as_deref().is_some_and(|stored| stored != pem) {
            return Err(CertificateError::Broken {
                path: file,
                problem: "it does not fit ca.key beside it".to_owned(),
            });
        }
        write_if_changed(&file, pem.as_bytes(), 0o644).map_err(io(&file))?;
        let bundle_file = folder.join("ca-bundle.pem");
        write_if_changed(&bundle_file, bundle(&pem).as_bytes(), 0o644).map_err(io(&bundle_file))?;
        let trust_store_file = folder.join("trust-store.p12");
        Ok(Self {
            pem,
            key,
            file,
            bundle_file,
            trust_store_file,
        })
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

    /// The PKCS#12 trust store for Java, made on first use.
    pub fn trust_store_file(&self) -> io::Result<&Path> {
        if !self.trust_store_file.exists() {
            let store = self.trust_store().map_err(io::Error::other)?;
            write_if_changed(&self.trust_store_file, &store, 0o644)?;
        }
        Ok(&self.trust_store_file)
    }

    fn trust_store(&self) -> Result<Vec<u8>, p12_keystore::error::Error> {
        let der = CertificateDer::from_pem_slice(self.pem.as_bytes())
            // Parsed when the authority was opened.
            .expect("the authority's certificate is PEM");
        let certificate = p12_keystore::Certificate::from_der(&der)?;
        let mut store = p12_keystore::KeyStore::new();
        store.add_entry(
            "entra-mock",
            p12_keystore::KeyStoreEntry::Certificate(certificate),
        );
        store.writer(TRUST_STORE_PASSWORD).write()
    }

    /// A TLS configuration that has a certificate for every host that the mock serves.
    ///
    /// `fallback` is the name for clients that send none; `wrong` is what is wrong with the
    /// certificates on purpose.
    pub(super) fn server_config(
        self: &Arc<Self>,
        fallback: &str,
        now: Timestamp,
        wrong: Option<WrongCertificate>,
    ) -> ServerConfig {
        let resolver = Resolver {
            authority: Arc::clone(self),
            fallback: fallback.to_owned(),
            now,
            wrong,
            made: Mutex::default(),
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            // TLS 1.2 and 1.3 are what the provider has.
            .expect("the provider supports the default versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }

    /// A certificate for a host name, with its key.
    fn issue(
        &self,
        name: &str,
        now: Timestamp,
        wrong: Option<WrongCertificate>,
    ) -> Result<CertifiedKey, rcgen::Error> {
        let (pem, key) = match wrong {
            // An authority that looks the same, with a key that nobody has seen.
            Some(WrongCertificate::Untrusted) => parts(make(now)),
            _ => (self.pem.clone(), self.key.clone()),
        };
        let issuer = Issuer::from_ca_cert_pem(&pem, KeyPair::from_pem(&key)?)?;
        let name = match wrong {
            Some(WrongCertificate::WrongHost) => another_host(name),
            _ => name,
        };
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.subject_alt_names = vec![SanType::DnsName(name.try_into()?)];
        if name == LOCALHOST {
            params
                .subject_alt_names
                .push(SanType::IpAddress([127, 0, 0, 1].into()));
            params
                .subject_alt_names
                .push(SanType::IpAddress(std::net::Ipv6Addr::LOCALHOST.into()));
        }
        let (from, until) = match wrong {
            Some(WrongCertificate::Expired) => (-400, -10),
            _ => (-1, 390),
        };
        set_validity(&mut params, now, from, until);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        let private = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
        let signing =
            any_supported_type(&private).map_err(|_| rcgen::Error::CouldNotParseKeyPair)?;
        Ok(CertifiedKey::new(vec![certificate.der().clone()], signing))
    }
}

/// Hands out certificates by the name that the client asks for; made once each.
#[derive(Debug)]
struct Resolver {
    authority: Arc<CertificateAuthority>,
    fallback: String,
    now: Timestamp,
    wrong: Option<WrongCertificate>,
    made: Mutex<rank::Certificates, HashMap<String, Arc<CertifiedKey>>>,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello
            .server_name()
            .unwrap_or(&self.fallback)
            .to_ascii_lowercase();
        if name != LOCALHOST && Site::of_host(&name).is_none() {
            // The authority may not sign for it; the client gets an alert.
            return None;
        }
        if let Some(key) = self.made.read(|made| made.get(&name).map(Arc::clone)) {
            return Some(key);
        }
        // Made outside of the lock: other handshakes need not wait. Of two that are made the first
        // is used.
        let key = Arc::new(self.authority.issue(&name, self.now, self.wrong).ok()?);
        Some(
            self.made
                .write(|made| Arc::clone(made.entry(name).or_insert(key))),
        )
    }
}

/// A host of ours that is another one.
fn another_host(name: &str) -> &'static str {
    let mut hosts = Site::all_hosts();
    hosts.find(|it| *it != name).unwrap_or(LOCALHOST)
}

/// Certificate and key of an authority's text.
fn parts(text: String) -> (String, String) {
    match text.find(PRIVATE_KEY) {
        Some(at) => (text[..at].to_owned(), text[at..].to_owned()),
        None => (text, String::new()),
    }
}

/// A new authority: certificate and key in one text.
fn make(now: Timestamp) -> String {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "entra-mock local test authority");
    params
        .distinguished_name
        .push(DnType::OrganizationName, "entra-mock");
    set_validity(&mut params, now, -1, 3650);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let names = Site::all_hosts().chain([LOCALHOST]);
    let mut permitted: Vec<GeneralSubtree> = names
        .map(|name| GeneralSubtree::DnsName(name.to_owned()))
        .collect();
    permitted.push(GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix(
        [127, 0, 0, 0],
        8,
    )));
    permitted.push(GeneralSubtree::IpAddress(CidrSubnet::from_v6_prefix(
        std::net::Ipv6Addr::LOCALHOST.octets(),
        128,
    )));
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted,
        excluded_subtrees: Vec::new(),
    });
    // Both steps fail only where the process can't get memory or randomness.
    let key = KeyPair::generate().expect("a P-256 key can be made");
    let certificate = params.self_signed(&key).expect("a key made here can sign");
    format!("{}{}", certificate.pem(), key.serialize_pem())
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

/// Sets the validity to midnights so many days from a moment.
pub(super) fn set_validity(params: &mut CertificateParams, now: Timestamp, from: i64, until: i64) {
    let day = |days: i64| {
        let moment = now
            .saturating_add(SignedDuration::from_hours(24 * days))
            .unwrap_or(now);
        let date = jiff::tz::Offset::UTC.to_datetime(moment).date();
        let month = u8::try_from(date.month()).unwrap_or(1);
        let day = u8::try_from(date.day()).unwrap_or(1);
        rcgen::date_time_ymd(i32::from(date.year()), month, day)
    };
    params.not_before = day(from);
    params.not_after = day(until);
}

/// Where systems keep their roots: Debian, Fedora, openSUSE, Alpine and macOS.
pub(crate) const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The password of the trust store: it guards public certificates.
pub(super) const TRUST_STORE_PASSWORD: &str = "entra-mock";

const LOCALHOST: &str = "localhost";

/// With what the key begins in an authority's text.
const PRIVATE_KEY: &str = "-----BEGIN PRIVATE KEY";

/// The TLS configurations of a mock: the right one, and those that faults present.
#[derive(Debug)]
pub(super) struct Configurations {
    authority: Arc<CertificateAuthority>,
    now: Timestamp,
    right: Arc<ServerConfig>,
    wrong: Mutex<rank::Certificates, HashMap<WrongCertificate, Arc<ServerConfig>>>,
}

impl Configurations {
    pub(super) fn new(authority: Arc<CertificateAuthority>, now: Timestamp) -> Self {
        Self {
            right: Arc::new(authority.server_config(LOCALHOST, now, None)),
            wrong: Mutex::default(),
            authority,
            now,
        }
    }

    /// The configuration with right certificates, or with wrong ones.
    pub(super) fn get(&self, wrong: Option<WrongCertificate>) -> Arc<ServerConfig> {
        let Some(kind) = wrong else {
            return Arc::clone(&self.right);
        };
        if let Some(config) = self.wrong.read(|made| made.get(&kind).map(Arc::clone)) {
            return config;
        }
        let config = Arc::new(self.authority.server_config(LOCALHOST, self.now, wrong));
        self.wrong
            .write(|made| Arc::clone(made.entry(kind).or_insert(config)))
    }
}
