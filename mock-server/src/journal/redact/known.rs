//! Secrets by their value: those that the mock knows, wherever they are.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::iter;
use std::sync::Arc;

use super::shape;
use crate::lock::{RwLock, rank};

/// The secrets of all tenants, and those that were theirs a while ago: what was written down with
/// one may be read after it was removed. Cheap to clone; clones are the same.
#[derive(Clone)]
pub struct KnownSecrets {
    known: Arc<RwLock<rank::KnownSecrets, Known>>,
}

#[derive(Default)]
pub(super) struct Known {
    /// How many holders there ever were.
    holders: u64,
    /// Those that each holder has.
    held: HashMap<u64, Vec<Arc<str>>>,
    /// Those that nobody holds any more, or ever held, oldest first.
    former: VecDeque<Arc<str>>,
    /// All, by the bytes with which they begin, the longest first.
    by_start: HashMap<u64, Vec<Secret>>,
    /// How many there are.
    count: usize,
    /// A bit for each of these beginnings, by a hash of it: most places of a text are passed over
    /// by one look.
    starts: Vec<u64>,
}

/// Who has secrets: a tenant. They are former ones when it is dropped.
#[derive(Debug)]
pub struct SecretHolder {
    number: u64,
    known: KnownSecrets,
}

struct Secret {
    text: Arc<str>,
    /// How often it is held, or was.
    times: usize,
}

impl KnownSecrets {
    /// A new holder, which has none yet.
    pub fn holder(&self) -> SecretHolder {
        let number = self.known.write(|known| {
            known.holders += 1;
            known.holders
        });
        SecretHolder {
            number,
            known: self.clone(),
        }
    }

    /// Takes note of a secret that lives for a while, such as the code that a person types.
    pub fn note(&self, secret: &str) {
        if is_recognisable(secret) {
            let secret: Arc<str> = Arc::from(secret);
            self.known.write(|known| {
                known.add(&secret);
                known.retire([secret]);
            });
        }
    }

    /// Looks through them.
    pub(super) fn read<A>(&self, look: impl FnOnce(&Known) -> A) -> A {
        self.known.read(look)
    }
}

impl SecretHolder {
    /// Takes note of the secrets that the holder has now, in place of those that it had.
    pub fn renew<'a>(&self, secrets: impl Iterator<Item = &'a str> + Clone) {
        let secrets = secrets.filter(|it| is_recognisable(it));
        let unchanged = self.known.read(|known| {
            let held = known.held.get(&self.number).map_or(&[][..], Vec::as_slice);
            held.iter().map(|it| &**it).eq(secrets.clone())
        });
        if !unchanged {
            let secrets = secrets.map(Arc::from).collect();
            let known = &self.known.known;
            known.write(|known| known.renew(self.number, secrets));
        }
    }
}

impl Drop for SecretHolder {
    fn drop(&mut self) {
        self.renew(iter::empty());
    }
}

impl Default for KnownSecrets {
    fn default() -> Self {
        Self {
            known: Arc::new(RwLock::new(Known::default())),
        }
    }
}

impl Known {
    /// The next place of a text at which a secret may begin, by its shape or by its first bytes.
    pub(super) fn next(&self, text: &[u8], from: usize) -> Option<usize> {
        let rest = text.get(from..)?;
        let may_begin = |word: u64| {
            let start = word & START;
            let known = match self.starts.as_slice() {
                [] => false,
                starts => {
                    let bit = bit(start, starts.len());
                    starts
                        .get(bit / 64)
                        .is_some_and(|it| it & (1 << (bit % 64)) != 0)
                }
            };
            known || shape::may_begin(word)
        };
        let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
        let within = rest.windows(8).position(|it| {
            // Windows of eight have eight bytes.
            it.first_chunk().is_some_and(|it| may_begin(word(it)))
        });
        within.map(|at| from + at).or_else(|| {
            // The last places have fewer than eight bytes behind them.
            let last = text.len().saturating_sub(7).max(from);
            (last..text.len().saturating_sub(SHORTEST - 1)).find(|at| {
                let mut bytes = [0; 8];
                let rest = &text[*at..];
                bytes[..rest.len()].copy_from_slice(rest);
                may_begin(word(&bytes))
            })
        })
    }

    /// The end of the longest secret that begins at a position of a text.
    pub(super) fn end(&self, text: &[u8], at: usize) -> Option<usize> {
        let alike = self.by_start.get(&start(&text[at..]))?;
        let found = alike
            .iter()
            .find(|it| text[at..].starts_with(it.text.as_bytes()))?;
        Some(at + found.text.len())
    }

    fn renew(&mut self, holder: u64, secrets: Vec<Arc<str>>) {
        for secret in &secrets {
            self.add(secret);
        }
        let before = if secrets.is_empty() {
            self.held.remove(&holder)
        } else {
            self.held.insert(holder, secrets)
        };
        self.retire(before.unwrap_or_default());
    }

    fn add(&mut self, secret: &Arc<str>) {
        let start = start(secret.as_bytes());
        let alike = self.by_start.entry(start).or_default();
        if let Some(known) = alike.iter_mut().find(|it| it.text == *secret) {
            known.times += 1;
            return;
        }
        alike.push(Secret {
            text: Arc::clone(secret),
            times: 1,
        });
        alike.sort_by_key(|it| std::cmp::Reverse(it.text.len()));
        self.count += 1;
        if self.starts.len() * 64 < self.count * BITS_EACH {
            self.draw();
        } else {
            self.mark(start);
        }
    }

    /// They count as former secrets, of which the oldest are forgotten.
    fn retire(&mut self, secrets: impl IntoIterator<Item = Arc<str>>) {
        self.former.extend(secrets);
        if self.former.len() <= FORMER {
            return;
        }
        // A quarter at once, so that it costs nothing on average.
        let most = FORMER - FORMER / 4;
        for secret in self.former.drain(..self.former.len() - most) {
            let start = start(secret.as_bytes());
            let Some(alike) = self.by_start.get_mut(&start) else {
                continue;
            };
            alike.retain_mut(|it| {
                if it.text == secret {
                    it.times -= 1;
                }
                let stays = it.times > 0;
                self.count -= usize::from(!stays);
                stays
            });
            if alike.is_empty() {
                self.by_start.remove(&start);
            }
        }
        self.draw();
    }

    /// Draws the bits anew, with room for as many secrets again.
    fn draw(&mut self) {
        let words = (2 * self.count * BITS_EACH / 64).next_power_of_two();
        self.starts = vec![0; words];
        let starts: Vec<u64> = self.by_start.keys().copied().collect();
        for start in starts {
            self.mark(start);
        }
    }

    fn mark(&mut self, start: u64) {
        let bit = bit(start, self.starts.len());
        self.starts[bit / 64] |= 1 << (bit % 64);
    }
}

impl fmt::Debug for KnownSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Secrets do not get into logs.
        write!(
            formatter,
            "KnownSecrets({})",
            self.known.read(|it| it.count)
        )
    }
}

/// The bytes with which a text begins, as a number.
fn start(text: &[u8]) -> u64 {
    match text.first_chunk::<SHORTEST>() {
        Some(start) => {
            let mut word = [0; 8];
            word[..start.len()].copy_from_slice(start);
            u64::from_le_bytes(word)
        }
        None => 0,
    }
}

/// The bit of a beginning, among those of so many words: a power of two.
fn bit(start: u64, words: usize) -> usize {
    // Fibonacci hashing: the upper half of the product is mixed best.
    let hash = start.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    usize::try_from(hash).unwrap_or_default() & (words * 64 - 1)
}

/// The bytes of a word that count as a beginning.
const START: u64 = (1 << (8 * SHORTEST)) - 1;

/// Whether a secret can be told from other words.
fn is_recognisable(secret: &str) -> bool {
    secret.len() >= SHORTEST && !WORDS.contains(&secret)
}

/// Shorter secrets are replaced only in the fields that are made for them.
const SHORTEST: usize = shape::LOOKED_AT;

/// Words of the protocols, which people choose for secrets too.
const WORDS: [&str; 8] = [
    "authorization_code",
    "client_credentials",
    "client_secret",
    "device_code",
    "openid",
    "password",
    "refresh_token",
    "secret",
];

/// So many former secrets are remembered.
const FORMER: usize = 20_000;

/// Of so many places in a text that begin no secret, one is looked at twice.
const BITS_EACH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(known: &KnownSecrets, text: &str) -> bool {
        let bytes = text.as_bytes();
        known.read(|known| {
            let mut from = 0;
            while let Some(at) = known.next(bytes, from) {
                if known.end(bytes, at).is_some() {
                    return true;
                }
                from = at + 1;
            }
            false
        })
    }

    #[test]
    fn secrets_of_all_tenants_are_known_and_former_ones_for_a_while() {
        let known = KnownSecrets::default();
        assert!(!finds(&known, "nothing is known"));
        let (first, second) = (known.holder(), known.holder());
        first.renew(["first-secret", "common-one"].into_iter());
        second.renew(["common-one"].into_iter());
        for secret in ["first-secret", "common-one"] {
            assert!(finds(&known, &format!("x{secret}y")), "{secret}");
        }
        assert!(!finds(&known, "first-secre"));
        first.renew(["another-one"].into_iter());
        for secret in ["first-secret", "common-one", "another-one"] {
            assert!(finds(&known, secret), "{secret}");
        }
        for number in 0..2 * FORMER {
            known.note(&format!("code-{number}"));
            assert!(known.read(|it| it.former.len()) <= FORMER);
        }
        assert!(!finds(&known, "first-secret"));
        assert!(!finds(&known, "code-0"));
        for secret in ["common-one", "another-one", "code-39999"] {
            assert!(finds(&known, secret), "{secret}");
        }
        assert!(known.read(|it| it.count) <= FORMER + 2);
        drop(first);
        assert!(finds(&known, "another-one"));
        assert_eq!(known.read(|it| it.held.len()), 1);
    }

    #[test]
    fn the_longest_of_secrets_that_begin_alike_is_found() {
        let known = KnownSecrets::default();
        let holder = known.holder();
        holder.renew(["Pw-alice-1", "Pw-alice-12345"].into_iter());
        let text = b"Pw-alice-12345";
        let end = known.read(|known| known.end(text, 0));
        assert_eq!(end, Some(text.len()));
    }

    #[test]
    fn words_and_short_secrets_are_not_looked_for() {
        let known = KnownSecrets::default();
        let holder = known.holder();
        holder.renew(["password", "short"].into_iter());
        assert!(!finds(&known, "grant_type=password short"));
    }

    #[test]
    fn secrets_are_not_printed() {
        let known = KnownSecrets::default();
        known.note("the-secret-itself");
        assert_eq!(format!("{known:?}"), "KnownSecrets(1)");
    }
}
