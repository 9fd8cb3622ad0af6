//! Certificates for any name, by an authority that lives as long as the run.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use entra_mock::scratch::Scratch;
use parking_lot::Mutex;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::PrivateKeyDer;

/// An authority whose key is never written.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    made: Mutex<HashMap<String, Arc<ServerConfig>>>,
    pub(super) ca_file: PathBuf,
    pub(super) bundle_file: PathBuf,
    /// The folder of the files.
    _folder: Scratch,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut it = formatter.debug_struct("Authority");
        it.field("ca_file", &self.ca_file).finish_non_exhaustive()
    }
}

impl Authority {
    /// Makes an authority, and files with its certificate behind those that are trusted anyway.
    pub(super) fn new(ca_file: &Path, bundle_file: &Path) -> std::io::Result<Self> {
        let mut params = CertificateParams::default();
        let name = "entra-conformance strangers, for one run";
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(std::io::Error::other)?;
        let certificate = params.self_signed(&key).map_err(std::io::Error::other)?;
        let pem = certificate.pem();
        let folder = Scratch::new("entra-conformance-")?;
        let write = |name: &str, beside: &Path| {
            let path = folder.path().join(name);
            let mut text = std::fs::read_to_string(beside)?;
            if !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&pem);
            std::fs::write(&path, text).map(|()| path)
        };
        Ok(Self {
            ca_file: write("ca.pem", ca_file)?,
            bundle_file: write("ca-bundle.pem", bundle_file)?,
            issuer: Issuer::new(params, key),
            made: Mutex::default(),
            _folder: folder,
        })
    }

    /// A TLS configuration with a certificate for a name; made once each.
    pub(super) fn config(&self, name: &str) -> Result<Arc<ServerConfig>, String> {
        let name = name.to_ascii_lowercase();
        let mut made = self.made.lock();
        if let Some(config) = made.get(&name) {
            return Ok(Arc::clone(config));
        }
        let config = Arc::new(self.make(&name)?);
        if made.len() < NAMES {
            made.insert(name, Arc::clone(&config));
        }
        Ok(config)
    }

    fn make(&self, name: &str) -> Result<ServerConfig, String> {
        let text = |error: rcgen::Error| error.to_string();
        let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(text)?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(text)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(text)?;
        let private = PrivateKeyDer::try_from(key.serialize_der())?;
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .map_err(|error| error.to_string())?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// How many names have certificates at hand.
const NAMES: usize = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_made_once_for_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let beside = folder.path().join("ca.pem");
        std::fs::write(&beside, "the mock's").unwrap();
        let authority = Authority::new(&beside, &beside).unwrap();
        let text = std::fs::read_to_string(&authority.ca_file).unwrap();
        assert!(
            text.starts_with("the mock's\n-----BEGIN CERTIFICATE"),
            "{text}"
        );
        let first = authority.config("graph.notmicrosoft.com").unwrap();
        let second = authority.config("GRAPH.notmicrosoft.com").unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        let gone = authority.ca_file.clone();
        drop(authority);
        assert!(!gone.exists());
    }
}
