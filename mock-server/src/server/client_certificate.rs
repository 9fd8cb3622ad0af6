//! Client certificates in the forms in which connectors ask for them.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use p12_keystore::{EncryptionAlgorithm, MacAlgorithm};
use rcgen::{CertificateParams, DnType};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::certificate::{CertificateError, set_validity};
use crate::file::{read_or_create, write_if_changed};

/// A client certificate with its private key (RSA, 2048 bits, self-signed).
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The private key, PEM (PKCS#8).
    pub key_pem: String,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// Both as PKCS#12.
    pub pfx: Vec<u8>,
    /// The password of the PKCS#12 file.
    pub password: String,
}

/// When a certificate is valid.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Validity {
    /// It ended yesterday.
    Expired,
    /// It begins in a month.
    NotYetValid,
    /// From yesterday, for two years.
    #[default]
    Now,
}

/// How a PKCS#12 file is encrypted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum PfxForm {
    /// As every library reads it: three keys of DES, and a check by SHA-1. It hides nothing from an
    /// attacker, and nothing here is worth hiding.
    Common,
    /// AES-256 and SHA-256, which `golang.org/x/crypto/pkcs12` and Java before 8u301 do not read.
    Modern,
}

/// Where the files of the mock's own client certificate are.
#[derive(Clone, Debug)]
pub(super) struct ClientCertificateFiles {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) pfx: PathBuf,
}

impl ClientCertificate {
    /// Makes a certificate; takes some 100 ms for the key.
    pub fn generate(name: &str, validity: Validity, password: &str, now: Timestamp) -> Self {
        let (certificate_pem, key_pem) = generate(name, validity, now);
        // Made a moment ago.
        Self::from_pem(certificate_pem, key_pem, password).expect("a certificate made here is PEM")
    }

    /// The same certificate with a PKCS#12 file in AES-256 and SHA-256.
    #[must_use]
    pub fn with_modern_pfx(mut self) -> Self {
        let key = PrivatePkcs8KeyDer::from_pem_slice(self.key_pem.as_bytes());
        // The key was read when the file was made.
        let key = key.expect("the key of a certificate is PEM");
        let made = pfx(
            key.secret_pkcs8_der(),
            &self.certificate,
            &self.password,
            PfxForm::Modern,
        );
        self.pfx = made.expect("a certificate that was written can be written again");
        self
    }

    /// The certificate that the default world registers, kept in a data folder.
    pub(super) fn of_machine(
        folder: &Path,
        now: Timestamp,
    ) -> Result<(Self, ClientCertificateFiles), CertificateError> {
        let path = folder.join("client-certificate.key");
        let io = |path: &Path| {
            let path = path.to_owned();
            move |error| CertificateError::reading(&path, error)
        };
        let make = || {
            let (certificate, key) = generate("entra-mock daemon", Validity::Now, now);
            format!("{certificate}{key}")
        };
        let text = read_or_create(&path, make).map_err(io(&path))?;
        let broken = |problem: &str| CertificateError::Broken {
            path: path.clone(),
            problem: problem.to_owned(),
        };
        let key_at = text
            .find("-----BEGIN PRIVATE KEY")
            .ok_or_else(|| broken("no private key"))?;
        let (certificate_pem, key_pem) = text.split_at(key_at);
        // Up to 0.1.0 it was `client-certificate.pfx`, with another password: a version that runs
        // beside this one keeps its own.
        let pfx_file = folder.join("client.pfx");
        let stored = std::fs::read(&pfx_file).ok();
        let made = Self::assemble(
            certificate_pem.to_owned(),
            key_pem.to_owned(),
            PASSWORD,
            stored,
        )
        .ok_or_else(|| broken("no certificate with an RSA key"))?;
        let files = ClientCertificateFiles {
            certificate: folder.join("client-certificate.pem"),
            key: folder.join("client-key.pem"),
            pfx: pfx_file,
        };
        for (file, contents) in [
            (&files.certificate, made.certificate_pem.as_bytes()),
            (&files.key, made.key_pem.as_bytes()),
            (&files.pfx, made.pfx.as_slice()),
        ] {
            write_if_changed(file, contents, 0o600).map_err(io(file))?;
        }
        Ok((made, files))
    }

    /// `x5t`: base64url of the SHA-1 of the DER.
    pub fn sha1_thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.certificate))
    }

    /// `x5t#S256`: base64url of the SHA-256 of the DER.
    pub fn sha256_thumbprint(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&SHA256, &self.certificate))
    }

    /// The SHA-1 of the DER in hexadecimal, as the portal shows it.
    pub fn hex_thumbprint(&self) -> String {
        let digest = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.certificate);
        digest
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02X}"))
            .collect()
    }

    /// The PKCS#12 file in base64, as connectors' forms want it.
    pub fn pfx_base64(&self) -> String {
        STANDARD.encode(&self.pfx)
    }

    fn from_pem(certificate_pem: String, key_pem: String, password: &str) -> Option<Self> {
        Self::assemble(certificate_pem, key_pem, password, None)
    }

    fn assemble(
        certificate_pem: String,
        key_pem: String,
        password: &str,
        stored_pfx: Option<Vec<u8>>,
    ) -> Option<Self> {
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .ok()?
            .as_ref()
            .to_vec();
        let key = PrivatePkcs8KeyDer::from_pem_slice(key_pem.as_bytes()).ok()?;
        let pfx = match stored_pfx.filter(|pfx| holds(pfx, &certificate)) {
            Some(pfx) => pfx,
            None => pfx(
                key.secret_pkcs8_der(),
                &certificate,
                password,
                PfxForm::Common,
            )?,
        };
        Some(Self {
            certificate_pem,
            key_pem,
            certificate,
            pfx,
            password: password.to_owned(),
        })
    }
}

/// Whether a stored PKCS#12 file is whole, of this certificate, and of the common form: as far as
/// can be seen without its keys, which take a millisecond to derive at every start.
fn holds(pfx: &[u8], certificate: &[u8]) -> bool {
    let thumbprint = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate);
    let contains = |what: &[u8]| pfx.windows(what.len()).any(|it| it == what);
    is_whole(pfx) && contains(&TRIPLE_DES) && contains(thumbprint.as_ref())
}

/// Whether a file has the length that the head of its outermost SEQUENCE says, in two bytes.
fn is_whole(der: &[u8]) -> bool {
    matches!(*der, [0x30, 0x82, high, low, ref rest @ ..]
        if rest.len() == usize::from(u16::from_be_bytes([high, low])))
}

/// pbeWithSHAAnd3-KeyTripleDES-CBC, an object identifier in DER. Source: RFC 7292, appendix C.
const TRIPLE_DES: [u8; 12] = [
    0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01, 0x03,
];

fn pfx(key: &[u8], certificate: &[u8], password: &str, form: PfxForm) -> Option<Vec<u8>> {
    let (encryption, mac) = match form {
        PfxForm::Common => (
            EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc,
            MacAlgorithm::HmacSha1,
        ),
        PfxForm::Modern => (
            EncryptionAlgorithm::PbeWithHmacSha256AndAes256,
            MacAlgorithm::HmacSha256,
        ),
    };
    let chain = p12_keystore::PrivateKeyChain::new(
        digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref(),
        p12_keystore::PrivateKey::from_der(key).ok()?,
        [p12_keystore::Certificate::from_der(certificate).ok()?],
    );
    let mut store = p12_keystore::KeyStore::new();
    store.add_entry(
        "client",
        p12_keystore::KeyStoreEntry::PrivateKeyChain(chain),
    );
    // Few iterations: the key guards nothing, and start-up should not wait for it.
    store
        .writer(password)
        .encryption_algorithm(encryption)
        .mac_algorithm(mac)
        .encryption_iterations(2048)
        .mac_iterations(2048)
        .write()
        .ok()
}

fn generate(name: &str, validity: Validity, now: Timestamp) -> (String, String) {
    // The steps fail only where the process can't get memory or randomness.
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be made");
    let der: Pkcs8V1Der<'_> = pair.as_der().expect("a key made here can be encoded");
    let key = rcgen::KeyPair::try_from(der.as_ref()).expect("a key made here can be read");
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    let (from, until) = match validity {
        Validity::Expired => (-400, -1),
        Validity::NotYetValid => (30, 760),
        Validity::Now => (-1, 730),
    };
    set_validity(&mut params, now, from, until);
    let certificate = params.self_signed(&key).expect("a key made here can sign");
    (certificate.pem(), key.serialize_pem())
}

/// The password of the mock's own PKCS#12 file.
// Not the name of the program: what stands in paths and logs would be taken for this secret.
const PASSWORD: &str = "pfx-password-for-tests";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_stored_file_is_kept_where_it_is_whole_and_of_this_certificate() {
        let now = Clock::real().now();
        let made = ClientCertificate::generate("one", Validity::Now, PASSWORD, now);
        let other = ClientCertificate::generate("two", Validity::Now, PASSWORD, now);
        assert!(holds(&made.pfx, &made.certificate));
        assert!(!holds(&made.pfx, &other.certificate));
        assert!(!holds(&made.pfx[..made.pfx.len() - 1], &made.certificate));
        assert!(!holds(&[], &made.certificate));
        let modern = made.clone().with_modern_pfx();
        assert!(!holds(&modern.pfx, &made.certificate));
    }
}
