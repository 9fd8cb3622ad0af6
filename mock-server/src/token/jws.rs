//! JWTs that others signed, as client assertions and proofs of possession come in.
//!
//! Real clients spell the same thing in many ways (thumbprints in both base64 alphabets, times as
//! floats or strings, parts with padding).

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use aws_lc_rs::signature::{self, RsaParameters, UnparsedPublicKey};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::directory::KeyCredential;

/// A JWT taken apart.
pub(crate) struct Jwt<'a> {
    /// The header.
    pub(crate) header: Map<String, Value>,
    /// The claims.
    pub(crate) claims: Map<String, Value>,
    /// What is signed.
    pub(crate) message: &'a str,
    /// The signature.
    pub(crate) signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// Takes a compact JWT apart.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (message, signature) = text.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        if claims.contains('.') {
            return None;
        }
        Some(Self {
            header: serde_json::from_slice(&decode(header)?).ok()?,
            claims: serde_json::from_slice(&decode(claims)?).ok()?,
            message,
            signature: decode(signature)?,
        })
    }

    /// A text of the header.
    pub(crate) fn header_text(&self, name: &str) -> Option<&str> {
        self.header.get(name).and_then(Value::as_str)
    }

    /// A text of the claims.
    pub(crate) fn claim_text(&self, name: &str) -> Option<&str> {
        self.claims.get(name).and_then(Value::as_str)
    }

    /// `aud`, one or several.
    pub(crate) fn audiences(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// A time claim in seconds: an integer, a float, or a number in a string.
    pub(crate) fn time(&self, name: &str) -> Option<Timestamp> {
        let seconds = match self.claims.get(name)? {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        let milliseconds = (seconds * 1000.0).clamp(-1e15, 1e15);
        #[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
        Timestamp::from_millisecond(milliseconds as i64).ok()
    }

    /// What the header says about the key, decoded in every way that clients write it.
    pub(crate) fn key_identifiers(&self) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for name in ["x5t#S256", "x5t", "kid"] {
            if let Some(text) = self.header_text(name).filter(|it| !it.is_empty()) {
                found.extend(decode(text));
                found.extend(from_hex(text));
                if name == "kid" {
                    found.push(text.as_bytes().to_vec());
                }
            }
        }
        found
    }

    /// Whether a registered certificate's key made the signature; `None` where the key or the
    /// algorithm is none of RSA.
    pub(crate) fn is_signed_by(&self, key: &KeyCredential) -> Option<bool> {
        let parameters = parameters(self.header_text("alg").unwrap_or_default())?;
        let public = public_key(&key.certificate)?;
        let verified = UnparsedPublicKey::new(parameters, public)
            .verify(self.message.as_bytes(), &self.signature);
        Some(verified.is_ok())
    }
}

/// Whether an identifier of a JWT's header names a key: its thumbprint or its id.
pub(crate) fn identifies(key: &KeyCredential, identifier: &[u8]) -> bool {
    let sha1 = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &key.certificate);
    let sha256 = digest::digest(&SHA256, &key.certificate);
    identifier == sha1.as_ref()
        || identifier == sha256.as_ref()
        || key
            .key_id
            .to_string()
            .as_bytes()
            .eq_ignore_ascii_case(identifier)
}

/// The public key of a certificate.
fn public_key(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(parsed.public_key().subject_public_key.data.to_vec())
}

/// The parameters of an algorithm of RSA.
pub(crate) fn parameters(algorithm: &str) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        "RS256" => &signature::RSA_PKCS1_2048_8192_SHA256,
        "RS384" => &signature::RSA_PKCS1_2048_8192_SHA384,
        "RS512" => &signature::RSA_PKCS1_2048_8192_SHA512,
        "PS256" => &signature::RSA_PSS_2048_8192_SHA256,
        "PS384" => &signature::RSA_PSS_2048_8192_SHA384,
        "PS512" => &signature::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

/// Decodes base64 of either alphabet, with or without padding.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const ENGINE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);
    ENGINE.decode(text.replace('+', "-").replace('/', "_")).ok()
}

/// A thumbprint in hexadecimal, as some clients put it into `kid`.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !matches!(text.len(), 40 | 64) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}
