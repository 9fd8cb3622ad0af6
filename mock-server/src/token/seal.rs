//! Sealing: what the mock hands out and gets back is encrypted, not stored.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::lock::{RwLock, rank};

/// Encrypts and authenticates values for their way through a client.
#[derive(Debug)]
pub struct Sealer {
    current: RwLock<rank::SealingSecret, Secret>,
}

#[derive(Debug)]
struct Secret {
    bytes: [u8; 32],
    key: Arc<LessSafeKey>,
    marking: Arc<hmac::Key>,
}

/// A value that this mock did not seal, or sealed for another purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not sealed by this mock, or sealed for another purpose")]
pub struct SealError;

impl Sealer {
    /// A sealer with a new secret of the operating system's randomness.
    pub fn new() -> Self {
        Self::from_secret(fresh())
    }

    /// A sealer that opens what one with the same secret sealed.
    pub fn from_secret(secret: [u8; 32]) -> Self {
        Self {
            current: RwLock::new(Secret::new(secret)),
        }
    }

    /// The secret, for state files.
    pub fn secret(&self) -> [u8; 32] {
        self.current.read(|it| it.bytes)
    }

    /// Takes another secret: what was sealed with it opens again, what was sealed since does not.
    pub fn replace(&self, secret: [u8; 32]) {
        let secret = Secret::new(secret);
        self.current.write(|it| *it = secret);
    }

    /// Takes a new secret: nothing that was sealed so far opens any more.
    pub fn renew(&self) {
        self.replace(fresh());
    }

    fn key(&self) -> Arc<LessSafeKey> {
        self.current.read(|it| Arc::clone(&it.key))
    }

    /// What nobody without the secret can tell of a text.
    pub(crate) fn mark(&self, text: &str) -> [u8; MARK] {
        let key = self.current.read(|it| Arc::clone(&it.marking));
        let tag = hmac::sign(&key, text.as_bytes());
        let mut mark = [0; MARK];
        mark.copy_from_slice(&tag.as_ref()[..MARK]);
        mark
    }

    /// Seals a value for a purpose such as `refresh_token`. The text is URL-safe.
    pub fn seal<T: Serialize>(&self, purpose: &'static str, value: &T) -> String {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).expect("the operating system gives randomness");
        // Values of ours always serialize: they hold no maps with other keys than strings.
        let mut sealed = serde_json::to_vec(value).expect("sealed values serialize");
        let key = self.key();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(purpose.as_bytes()),
            &mut sealed,
        )
        .expect("a token is shorter than the limit of AES-GCM");
        let mut out = nonce.to_vec();
        out.extend_from_slice(&sealed);
        URL_SAFE_NO_PAD.encode(out)
    }

    /// Opens what [`Self::seal`] sealed for the same purpose.
    pub fn open<T: DeserializeOwned>(
        &self,
        purpose: &'static str,
        text: &str,
    ) -> Result<T, SealError> {
        let mut bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| SealError)?;
        if bytes.len() < NONCE_LEN {
            return Err(SealError);
        }
        let (nonce, sealed) = bytes.split_at_mut(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let key = self.key();
        let plain = key
            .open_in_place(nonce, Aad::from(purpose.as_bytes()), sealed)
            .map_err(|_| SealError)?;
        serde_json::from_slice(plain).map_err(|_| SealError)
    }
}

impl Secret {
    fn new(bytes: [u8; 32]) -> Self {
        // 32 bytes are the key length of AES-256.
        let key = UnboundKey::new(&AES_256_GCM, &bytes).expect("the secret has the key length");
        Self {
            bytes,
            key: Arc::new(LessSafeKey::new(key)),
            // Two uses of one secret: AES and HMAC share nothing but it.
            marking: Arc::new(hmac::Key::new(HMAC_SHA256, &bytes)),
        }
    }
}

fn fresh() -> [u8; 32] {
    let mut secret = [0; 32];
    // The operating system's generator does not fail on the supported platforms.
    rand::fill(&mut secret).expect("the operating system gives randomness");
    secret
}

impl Default for Sealer {
    fn default() -> Self {
        Self::new()
    }
}

/// So many bytes has a mark.
pub(crate) const MARK: usize = 16;

/// How codes, refresh tokens and cookies of sessions begin, as recorded ones do, so that everybody
/// sees what they are.
pub(crate) const SEALED_PREFIX: &str = "1.A";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_secret_and_purpose_open() {
        let sealer = Sealer::new();
        let sealed = sealer.seal("code", &("alice", 7));
        assert_eq!(
            sealer.open::<(String, u8)>("code", &sealed),
            Ok(("alice".into(), 7))
        );
        assert_eq!(
            sealer.open::<(String, u8)>("refresh_token", &sealed),
            Err(SealError)
        );
        assert_eq!(
            Sealer::new().open::<(String, u8)>("code", &sealed),
            Err(SealError)
        );
        let again = Sealer::from_secret(sealer.secret());
        assert!(again.open::<(String, u8)>("code", &sealed).is_ok());
        assert_ne!(sealed, sealer.seal("code", &("alice", 7)));

        let kept = sealer.secret();
        sealer.renew();
        assert!(sealer.open::<(String, u8)>("code", &sealed).is_err());
        sealer.replace(kept);
        assert!(sealer.open::<(String, u8)>("code", &sealed).is_ok());
    }

    #[test]
    fn a_changed_or_short_text_does_not_open() {
        let sealer = Sealer::new();
        let mut sealed = sealer.seal("code", &1).into_bytes();
        sealed[20] = if sealed[20] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(sealed).unwrap();
        for text in [
            changed.as_str(),
            "",
            "AAAA",
            "not base64 !",
            "AAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(sealer.open::<u8>("code", text), Err(SealError), "{text}");
        }
    }
}
