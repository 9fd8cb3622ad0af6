//! Signing keys: a ring for each sign-in cloud, made on first use and kept on disk.
//!
//! A tenant signs with the key at its `key_generation` and publishes its neighbours, too: the
//! next key appears before it is used, the previous one stays for tokens still in use.
//! Source: learn.microsoft.com/entra/identity-platform/signing-key-rollover.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use rcgen::{CertificateParams, DnType};
use serde::{Deserialize, Serialize};

use super::access::VerifyError;
use super::seal::Sealer;
use super::verified::{Verified, VerifiedTokens};
use crate::environment::SignInCloud;
use crate::file;
use crate::lock::{Mutex, rank};

/// The key rings of all sign-in clouds.
#[derive(Debug)]
pub struct KeyRings {
    rings: [KeyRing; 3],
    verified: VerifiedTokens,
}

/// The signing keys of one sign-in cloud.
#[derive(Debug)]
pub struct KeyRing {
    cloud: SignInCloud,
    directory: Option<PathBuf>,
    keys: Mutex<rank::SigningKeys, Vec<Slot>>,
}

/// A place in a ring. Who needs a key while it is made waits for it alone, not for the ring.
type Slot = Arc<OnceLock<Arc<SigningKey>>>;

/// A signing key with its certificate.
pub struct SigningKey {
    pair: KeyPair,
    random: SystemRandom,
    public: PublicKey,
    verifying: DecodingKey,
}

/// The public half, as the key set shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicKey {
    /// base64url SHA-1 of the certificate; also `x5t`.
    pub kid: String,
    /// The modulus, base64url.
    pub n: String,
    /// The exponent, base64url.
    pub e: String,
    /// The certificate, standard base64 of DER.
    pub x5c: String,
}

/// A signing key as a state file has it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StoredKey {
    /// Whose ring.
    pub cloud: SignInCloud,
    /// The place in the ring.
    pub generation: u32,
    /// PKCS#8, base64.
    pub key: String,
    /// The certificate, DER, base64.
    pub certificate: String,
}

impl KeyRings {
    /// Rings whose keys are kept in a directory (files of mode 0600), or in memory only.
    pub fn new(directory: Option<&Path>) -> Self {
        let ring = |cloud| KeyRing {
            cloud,
            directory: directory.map(Path::to_owned),
            keys: Mutex::new(Vec::new()),
        };
        Self {
            rings: SignInCloud::ALL.map(ring),
            verified: VerifiedTokens::default(),
        }
    }

    /// The ring of a cloud.
    pub fn of(&self, cloud: SignInCloud) -> &KeyRing {
        &self.rings[cloud as usize]
    }

    /// The keys made so far.
    pub fn stored(&self) -> Vec<StoredKey> {
        let mut stored = Vec::new();
        for cloud in SignInCloud::ALL {
            let slots = self.of(cloud).keys.read(Clone::clone);
            for (generation, slot) in (0..).zip(&slots) {
                if let Some(key) = slot.get() {
                    stored.push(key.store(cloud, generation));
                }
            }
        }
        stored
    }

    /// Puts stored keys into their places, whatever was there; `None`, and nothing changed, if one
    /// is no key.
    pub fn restore(&self, stored: &[StoredKey]) -> Option<()> {
        let keys = stored
            .iter()
            .map(|it| Some((it, SigningKey::decode(&it.key, &it.certificate)?)))
            .collect::<Option<Vec<_>>>()?;
        for (place, key) in keys {
            self.of(place.cloud)
                .put(place.generation as usize, Arc::new(key));
        }
        self.verified.forget();
        Some(())
    }

    /// Verifies an access token as [`verify_access_token`](super::verify_access_token) does, and
    /// remembers it.
    pub(crate) fn verify(
        &self,
        token: &str,
        sealer: &Sealer,
    ) -> Result<Arc<Verified>, VerifyError> {
        self.verified.verify(token, self, sealer)
    }

    /// The key with this id, in whichever cloud, among the keys made so far.
    pub fn find(&self, kid: &str) -> Option<(SignInCloud, u32, Arc<SigningKey>)> {
        SignInCloud::ALL.into_iter().find_map(|cloud| {
            self.of(cloud).keys.read(|keys| {
                let mut made = (0..).zip(keys).filter_map(|(at, it)| Some((at, it.get()?)));
                let (generation, key) = made.find(|(_, key)| key.public.kid == kid)?;
                Some((cloud, generation, Arc::clone(key)))
            })
        })
    }
}

impl KeyRing {
    /// The key at a generation; made (some 100 ms) or read from disk when first asked for.
    pub fn key(&self, generation: u32) -> Arc<SigningKey> {
        let index = generation as usize;
        let slot = self.keys.write(|keys| {
            if keys.len() <= index {
                keys.resize_with(index + 1, Slot::default);
            }
            Arc::clone(&keys[index])
        });
        Arc::clone(slot.get_or_init(|| Arc::new(self.load_or_make(index))))
    }

    fn put(&self, index: usize, key: Arc<SigningKey>) {
        self.keys.write(|keys| {
            if keys.len() <= index {
                keys.resize_with(index + 1, Slot::default);
            }
            // Another slot: who waits for the old one gets what was there.
            keys[index] = Arc::new(OnceLock::from(key));
        });
    }

    /// The keys that a tenant at this generation publishes: previous, current, next.
    pub fn published(&self, generation: u32) -> Vec<Arc<SigningKey>> {
        (generation.saturating_sub(1)..=generation + 1)
            .map(|it| self.key(it))
            .collect()
    }

    fn path(&self, index: usize) -> Option<PathBuf> {
        Some(
            self.directory
                .as_ref()?
                .join(format!("signing-{}-{index}.key", self.cloud)),
        )
    }

    /// The key on disk, or a new one: processes that share a folder share its keys.
    fn load_or_make(&self, index: usize) -> SigningKey {
        let make = || SigningKey::make(&self.cloud.facts().key_subject);
        let Some(path) = self.path(index) else {
            return make().0;
        };
        let kept = file::read_or_create(&path, || make().1);
        if let Some(key) = kept.as_deref().ok().and_then(SigningKey::from_text) {
            return key;
        }
        let (key, text) = make();
        if let Err(error) = file::write(&path, text.as_bytes(), 0o600) {
            tracing::warn!(path = %path.display(), %error, "the signing key is not kept");
        }
        key
    }
}

impl SigningKey {
    /// A new key, and its text for the disk.
    fn make(subject: &str) -> (Self, String) {
        // Both steps fail only where the process can't get memory or randomness.
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("an RSA key can be made");
        let der: Pkcs8V1Der<'_> = pair.as_der().expect("a key made here can be encoded");
        let certificate = certificate(der.as_ref(), subject);
        let text = format!(
            "{}\n{}\n",
            STANDARD.encode(der.as_ref()),
            STANDARD.encode(&certificate)
        );
        (Self::new(pair, &certificate), text)
    }

    fn from_text(text: &str) -> Option<Self> {
        let (key, certificate) = text.trim().split_once('\n')?;
        Self::decode(key, certificate)
    }

    fn decode(key: &str, certificate: &str) -> Option<Self> {
        let pair = KeyPair::from_pkcs8(&STANDARD.decode(key).ok()?).ok()?;
        Some(Self::new(pair, &STANDARD.decode(certificate).ok()?))
    }

    fn store(&self, cloud: SignInCloud, generation: u32) -> StoredKey {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().expect("a key made here can be encoded");
        StoredKey {
            cloud,
            generation,
            key: STANDARD.encode(der.as_ref()),
            certificate: self.public.x5c.clone(),
        }
    }

    fn new(pair: KeyPair, certificate: &[u8]) -> Self {
        let thumbprint = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
        let components = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let verifying = DecodingKey::from_rsa_raw_components(&components.n, &components.e);
        let public = PublicKey {
            kid: URL_SAFE_NO_PAD.encode(thumbprint),
            n: URL_SAFE_NO_PAD.encode(components.n),
            e: URL_SAFE_NO_PAD.encode(components.e),
            x5c: STANDARD.encode(certificate),
        };
        Self {
            pair,
            random: SystemRandom::new(),
            public,
            verifying,
        }
    }

    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// From when to when the certificates of signing keys are valid, as the service writes dates.
    pub(crate) fn validity() -> (&'static str, &'static str) {
        ("01/01/2025 00:00:00", "01/01/2035 00:00:00")
    }

    /// The key id.
    pub fn kid(&self) -> &str {
        &self.public.kid
    }

    /// Signs with RSASSA-PKCS1-v1_5 and SHA-256 (RS256).
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut out = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &self.random, message, &mut out)
            .expect("an RSA key of 2048 bits signs any message");
        out
    }

    /// The public half, as `jsonwebtoken` verifies with it.
    pub(super) fn verifying(&self) -> &DecodingKey {
        &self.verifying
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("SigningKey")
            .field("kid", &self.public.kid)
            .finish_non_exhaustive()
    }
}

/// A self-signed certificate over the key, as the key set's `x5c` has it.
fn certificate(pkcs8: &[u8], subject: &str) -> Vec<u8> {
    let key = rcgen::KeyPair::try_from(pkcs8).expect("a key made here can be read");
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, subject);
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2035, 1, 1);
    let certificate = params.self_signed(&key).expect("a key made here can sign");
    certificate.der().to_vec()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jsonwebtoken::Algorithm;

    use super::*;

    #[test]
    fn keys_are_kept_private_and_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let first = KeyRings::new(Some(directory.path()))
            .of(SignInCloud::Global)
            .key(0);
        let again = KeyRings::new(Some(directory.path()));
        let key = again.of(SignInCloud::Global).key(0);
        assert_eq!(first.public(), key.public());
        assert_eq!(key.kid().len(), 27);
        assert_eq!(key.public().n.len(), 342);
        assert_eq!(key.public().e, "AQAB");
        let found = again.find(key.kid()).unwrap();
        assert_eq!((found.0, found.1), (SignInCloud::Global, 0));

        let file = directory.path().join("signing-global-0.key");
        assert!(file::is_of_mode(&file, 0o600));
    }

    #[test]
    fn stored_keys_sign_in_other_rings() {
        let rings = KeyRings::new(None);
        let key = rings.of(SignInCloud::China).key(1);
        let mut stored = rings.stored();
        assert_eq!(stored.len(), 1);
        let others = KeyRings::new(None);
        others.restore(&stored).unwrap();
        assert_eq!(others.of(SignInCloud::China).key(1).public(), key.public());
        stored[0].key.truncate(80);
        assert!(others.restore(&stored).is_none());
        assert_eq!(others.of(SignInCloud::China).key(1).public(), key.public());
    }

    #[test]
    fn rings_that_make_a_key_at_once_agree() {
        let directory = tempfile::tempdir().unwrap();
        let kids: Vec<String> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..3)
                .map(|_| {
                    let folder = directory.path();
                    scope.spawn(move || {
                        let rings = KeyRings::new(Some(folder));
                        rings.of(SignInCloud::China).key(0).kid().to_owned()
                    })
                })
                .collect();
            makers.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
    }

    #[test]
    fn a_broken_key_file_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("signing-us-gov-0.key"), "rubbish").unwrap();
        let key = KeyRings::new(Some(directory.path()))
            .of(SignInCloud::UsGov)
            .key(0);
        let signature = URL_SAFE_NO_PAD.encode(key.sign(b"message"));
        let verifies = |message: &[u8]| {
            jsonwebtoken::crypto::verify(&signature, message, key.verifying(), Algorithm::RS256)
                .unwrap()
        };
        assert!(verifies(b"message") && !verifies(b"other"));
    }
}
