//! Certificates for the hosts that the mock serves, made by the machine's authority as they are
//! asked for.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use rcgen::{
    CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair, KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{default_provider, sign::any_supported_type};
use rustls::pki_types::PrivateKeyDer;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::CertificateAuthority;
use super::root::{self, LEAF_LIFE, LOCALHOST, set_validity};
use crate::environment::Site;
use crate::fault::WrongCertificate;
use crate::lock::{Mutex, rank};

impl CertificateAuthority {
    /// A TLS configuration that has a certificate for every host that the mock serves.
    ///
    /// `fallback` is the name for clients that send none; `wrong` is what is wrong with the
    /// certificates on purpose.
    fn server_config(
        self: &Arc<Self>,
        fallback: &str,
        names: &[String],
        now: Timestamp,
        wrong: Option<WrongCertificate>,
    ) -> ServerConfig {
        let resolver = Resolver {
            authority: Arc::clone(self),
            fallback: fallback.to_owned(),
            names: names.to_vec(),
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
            Some(WrongCertificate::Untrusted) => root::parts(root::make(&self.scope, now)),
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
            _ => (-1, LEAF_LIFE),
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
    /// Further names of the mock itself.
    names: Vec<String>,
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
        let is_own = name == LOCALHOST || self.names.contains(&name);
        if !is_own && Site::of_host(&name).is_none() {
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

/// The TLS configurations of a mock: the right one, and those that faults present.
#[derive(Debug)]
pub(in crate::server) struct Configurations {
    names: Vec<String>,
    authority: Arc<CertificateAuthority>,
    now: Timestamp,
    right: Arc<ServerConfig>,
    wrong: Mutex<rank::Certificates, HashMap<WrongCertificate, Arc<ServerConfig>>>,
}

impl Configurations {
    pub(in crate::server) fn new(
        authority: Arc<CertificateAuthority>,
        names: &[String],
        now: Timestamp,
    ) -> Self {
        Self {
            right: Arc::new(authority.server_config(LOCALHOST, names, now, None)),
            names: names.to_vec(),
            wrong: Mutex::default(),
            authority,
            now,
        }
    }

    /// The configuration with right certificates, or with wrong ones.
    pub(in crate::server) fn get(&self, wrong: Option<WrongCertificate>) -> Arc<ServerConfig> {
        let Some(kind) = wrong else {
            return Arc::clone(&self.right);
        };
        if let Some(config) = self.wrong.read(|made| made.get(&kind).map(Arc::clone)) {
            return config;
        }
        let (authority, names) = (&self.authority, &self.names);
        let config = Arc::new(authority.server_config(LOCALHOST, names, self.now, wrong));
        self.wrong
            .write(|made| Arc::clone(made.entry(kind).or_insert(config)))
    }
}
