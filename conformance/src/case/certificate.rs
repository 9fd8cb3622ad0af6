//! The client certificate as a connector's user has it, and the mistakes that people make with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p12_keystore::{EncryptionAlgorithm, KeyStore, MacAlgorithm, Pkcs12ImportPolicy};

/// A `.pfx` file in the forms that cases use. Made once for a run: PKCS#12 is slow on purpose.
#[derive(Clone, Debug)]
pub struct CertificateForms {
    /// The password of the file.
    pub password: String,
    /// Base64 of the file, as the field wants it.
    pub pfx: String,
    /// The same with the line breaks that command-line tools put in.
    pub with_line_breaks: String,
    /// The first half: what a field that is too short keeps.
    pub truncated: String,
    /// Base64 of the certificate alone, a `.cer` file.
    pub without_key: String,
    /// Base64 of a file whose password is empty.
    pub without_password: String,
    /// Base64 of a file with the old encryption (3DES, SHA-1) that Windows still exports.
    pub old_encryption: String,
}

/// Why a `.pfx` file has no such forms.
#[derive(Debug, thiserror::Error)]
#[error("the client certificate is not a .pfx file with a private key: {0}")]
pub struct CertificateError(String);

impl CertificateForms {
    /// Makes the forms of a file.
    pub fn new(pfx: &[u8], password: &str) -> Result<Self, CertificateError> {
        let wrong = |error: p12_keystore::error::Error| CertificateError(error.to_string());
        let store =
            KeyStore::from_pkcs12(pfx, password, Pkcs12ImportPolicy::Relaxed).map_err(wrong)?;
        let (_, chain) = store
            .private_key_chain()
            .ok_or_else(|| CertificateError("it has no private key".to_owned()))?;
        let certificate = chain
            .certs()
            .first()
            .ok_or_else(|| CertificateError("it has no certificate".to_owned()))?;
        // The forms guard nothing; a run should not wait for them.
        let write = |password| {
            store
                .writer(password)
                .encryption_iterations(ITERATIONS)
                .mac_iterations(ITERATIONS)
        };
        let old = write(password)
            .encryption_algorithm(EncryptionAlgorithm::PbeWithShaAnd3KeyTripleDesCbc)
            .mac_algorithm(MacAlgorithm::HmacSha1);
        let text = STANDARD.encode(pfx);
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        Ok(Self {
            password: password.to_owned(),
            with_line_breaks: lines.join("\n"),
            truncated: text[..text.len() / 8 * 4].to_owned(),
            without_key: STANDARD.encode(certificate.as_der()),
            without_password: STANDARD.encode(write("").write().map_err(wrong)?),
            old_encryption: STANDARD.encode(old.write().map_err(wrong)?),
            pfx: text,
        })
    }
}

const ITERATIONS: u32 = 2048;
