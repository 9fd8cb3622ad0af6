//! JWTs that others signed: client assertions, federated assertions, proofs of possession.
//!
//! Real clients spell the same thing in many ways (both base64 alphabets, times as floats or
//! strings, parts with padding): what Entra accepts is taken apart here. Signatures are verified
//! by `jsonwebtoken`.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::{Map, Value};
use x509_parser::public_key::PublicKey as ParsedKey;

use crate::directory::KeyCredential;

/// A JWT taken apart.
pub(crate) struct Jwt<'a> {
    /// The header.
    pub(crate) header: Map<String, Value>,
    /// The claims.
    pub(crate) claims: Map<String, Value>,
    message: &'a str,
    signature: Vec<u8>,
}

/// What a JWT's header says about the key that signed it.
#[derive(Debug)]
pub(crate) struct KeyName<'a> {
    sha1: Option<Vec<u8>>,
    sha256: Option<Vec<u8>>,
    id: Option<&'a str>,
}

/// A public key of RSA.
#[derive(Debug)]
pub(crate) struct RsaKey {
    key: DecodingKey,
    /// Its length in bits.
    pub(crate) bits: usize,
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

    /// A time claim in seconds: an integer, a float, or a number in a string. One beyond all dates
    /// is the last.
    pub(crate) fn time(&self, name: &str) -> Option<Timestamp> {
        let seconds = match self.claims.get(name)? {
            Value::Number(number) => number.as_f64()?,
            Value::String(text) => text.trim().parse().ok().filter(|it: &f64| it.is_finite())?,
            _ => return None,
        };
        let milliseconds = (seconds * 1000.0).clamp(0.0, LAST_MILLISECOND);
        #[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
        Timestamp::from_millisecond(milliseconds as i64).ok()
    }

    /// The algorithm, if it is one of RSA.
    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        match self.header_text("alg")?.parse().ok()? {
            rsa @ (Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512) => Some(rsa),
            _ => None,
        }
    }

    /// What the header says about the key, if anything.
    pub(crate) fn key_name(&self) -> Option<KeyName<'_>> {
        let text = |name: &str| self.header_text(name).filter(|it| !it.is_empty());
        // What cannot be decoded names no key.
        let bytes = |name: &str| text(name).map(|it| decode(it).unwrap_or_default());
        let name = KeyName {
            sha1: bytes("x5t"),
            sha256: bytes("x5t#S256"),
            id: text("kid"),
        };
        (name.sha1.is_some() || name.sha256.is_some() || name.id.is_some()).then_some(name)
    }

    /// Whether a key made the signature.
    pub(crate) fn is_signed_by(&self, key: &RsaKey) -> bool {
        let Some(algorithm) = self.algorithm() else {
            return false;
        };
        let signature = URL_SAFE_NO_PAD.encode(&self.signature);
        crypto::verify(&signature, self.message.as_bytes(), &key.key, algorithm)
            .is_ok_and(|good| good)
    }
}

impl KeyName<'_> {
    /// Whether this is the name of a registered certificate: `x5t` is its SHA-1 and `x5t#S256` its
    /// SHA-256, each in base64; `kid`, where neither is there, its SHA-1 in hexadecimal or base64,
    /// or the id of the credential.
    ///
    /// Source: MicrosoftDocs/entra-docs#1607 and #1301. Unverified: that `kid` counts only without
    /// thumbprints.
    pub(crate) fn names(&self, key: &KeyCredential) -> bool {
        let sha1 = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &key.certificate);
        let sha256 = digest::digest(&SHA256, &key.certificate);
        let is = |said: &Option<Vec<u8>>, digest: &digest::Digest| {
            said.as_ref().is_none_or(|it| it == digest.as_ref())
        };
        if self.sha1.is_some() || self.sha256.is_some() {
            return is(&self.sha1, &sha1) && is(&self.sha256, &sha256);
        }
        self.id.is_some_and(|id| {
            id.eq_ignore_ascii_case(&hexadecimal(sha1.as_ref()))
                || decode(id).is_some_and(|it| it == sha1.as_ref())
                || id.eq_ignore_ascii_case(&key.key_id.to_string())
        })
    }

    /// The name as refusals show it: bytes in hexadecimal, a `kid` as it is.
    pub(crate) fn shown(&self) -> String {
        match (&self.sha1, &self.sha256, self.id) {
            (Some(bytes), _, _) | (None, Some(bytes), _) => hexadecimal(bytes),
            (None, None, Some(id)) => id.to_owned(),
            (None, None, None) => String::new(),
        }
    }
}

impl RsaKey {
    /// The key of a certificate; `None` where it is none of RSA.
    pub(crate) fn of_certificate(der: &[u8]) -> Option<Self> {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
        match certificate.public_key().parsed().ok()? {
            ParsedKey::RSA(key) => Some(Self::of(key.modulus, key.exponent)),
            _ => None,
        }
    }

    /// The key of a member of a JWKS document; `None` where it is none of RSA.
    pub(crate) fn of_jwk(jwk: &Value) -> Option<Self> {
        let part = |name: &str| jwk[name].as_str().and_then(decode);
        Some(Self::of(&part("n")?, &part("e")?))
    }

    fn of(modulus: &[u8], exponent: &[u8]) -> Self {
        // DER has a zero before a first byte that would look like a sign.
        let start = modulus.iter().take_while(|it| **it == 0).count();
        let modulus = &modulus[start..];
        let unused = modulus.first().map_or(0, |it| it.leading_zeros());
        Self {
            key: DecodingKey::from_rsa_raw_components(modulus, exponent),
            bits: (modulus.len() * 8).saturating_sub(unused as usize),
        }
    }
}

/// Whether a key of a JWKS document that has a certificate and its thumbprint has the right one.
pub(crate) fn is_consistent(jwk: &Value) -> bool {
    let thumbprint = jwk["x5t"].as_str().map(decode);
    let certificate = jwk["x5c"][0].as_str().map(decode);
    match (thumbprint, certificate) {
        (Some(thumbprint), Some(certificate)) => {
            let digest = certificate.map(|it| digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &it));
            thumbprint.as_deref() == digest.as_ref().map(AsRef::as_ref)
        }
        _ => true,
    }
}

/// Upper-case hexadecimal digits.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Decodes base64 of either alphabet, with or without padding.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const ENGINE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, CONFIG);
    ENGINE.decode(text.replace('+', "-").replace('/', "_")).ok()
}

/// The last second of 9999 that a timestamp has, in milliseconds.
const LAST_MILLISECOND: f64 = 253_402_207_200_000.0;
