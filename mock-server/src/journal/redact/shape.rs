//! Secrets by their shape: tokens, codes and keys that are known for what they are wherever they
//! are, whoever made them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Whether a secret may begin with these bytes, the first one lowest.
pub(super) fn may_begin(word: u64) -> bool {
    let [first, second, .., sixth, _, _] = word.to_le_bytes();
    let pair = usize::from(u16::from_le_bytes([first, second]));
    BEGINNINGS[pair / 64] & (1 << (pair % 64)) != 0 || sixth == b'~'
}

/// So many bytes tell whether a secret may begin.
pub(super) const LOOKED_AT: usize = 6;

/// A bit for each pair of bytes with which a secret begins.
static BEGINNINGS: [u64; 1024] = {
    const PAIRS: [&[u8; 2]; 14] = [
        b"ey", b"0.", b"1.", b"AA", b"BA", b"CA", b"DA", b"EA", b"FA", b"GA", b"HA", b"Ew", b"MI",
        b"--",
    ];
    let mut bits = [0; 1024];
    let mut at = 0;
    while at < PAIRS.len() {
        let pair = u16::from_le_bytes(*PAIRS[at]) as usize;
        bits[pair / 64] |= 1 << (pair % 64);
        at += 1;
    }
    bits
};

/// The end of the secret that begins at a position, if one does.
pub(super) fn end(text: &[u8], at: usize) -> Option<usize> {
    match text[at] {
        b'e' => jwt(text, at),
        b'0' | b'1' => sealed(text, at),
        b'A'..=b'H' => device_code(text, at).or_else(|| opaque(text, at)),
        b'M' => key(text, at),
        b'-' => pem(text, at),
        _ => None,
    }
    .or_else(|| client_secret(text, at))
}

/// A JWT, signed, unsigned or encrypted: three parts or five, of which the last may be empty, the
/// first an object in base64. Sources: RFC 7515, section 7.1; RFC 7516, section 7.1; RFC 7519,
/// section 6.
fn jwt(text: &[u8], at: usize) -> Option<usize> {
    if !text[at..].starts_with(b"eyJ") {
        return None;
    }
    let mut end = run(text, at, is_base64_url);
    if end < at + 8 {
        return None;
    }
    let mut parts = 1;
    while parts < 5 && text.get(end) == Some(&b'.') {
        let next = run(text, end + 1, is_base64_url);
        // A full stop ends a sentence, but for an unsigned JWT, which ends with one.
        if next == end + 1 && parts != 2 {
            break;
        }
        end = next;
        parts += 1;
    }
    (parts > 1 && end >= at + JWT_AT_LEAST).then_some(end)
}

/// What the service and the mock seal: authorization codes, refresh tokens, cookies.
/// Source: recorded sign-ins, where they begin with `0.A` or `1.A`.
fn sealed(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at + 1..at + 3) != Some(b".A") || is_inside(text, at, |it| it.is_ascii_digit()) {
        return None;
    }
    let mut end = run(text, at + 2, is_base64_url);
    if end < at + SEALED_AT_LEAST {
        return None;
    }
    // The service's have several parts.
    while text.get(end) == Some(&b'.') {
        let next = run(text, end + 1, is_base64_url);
        if next < end + 9 {
            break;
        }
        end = next;
    }
    Some(end)
}

/// A device code. Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code, and
/// recorded ones, which begin with a letter and `AQABAAEA`.
fn device_code(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at + 1..at + 9) != Some(b"AQABAAEA") {
        return None;
    }
    let end = run(text, at, is_base64_url);
    (end >= at + DEVICE_CODE_AT_LEAST).then_some(end)
}

/// An access token that is no JWT, as personal accounts get it.
/// Source: learn.microsoft.com/entra/identity-platform/access-tokens, "Token formats".
fn opaque(text: &[u8], at: usize) -> Option<usize> {
    if !text[at..].starts_with(b"Ew") || is_inside(text, at, is_of_word) {
        return None;
    }
    // The mock's are URL-safe, the service's are not.
    let safe = run(text, at, is_base64_url);
    let end = if text[at..safe].iter().any(|it| matches!(it, b'-' | b'_')) {
        safe
    } else {
        run(text, at, is_base64)
    };
    (end >= at + OPAQUE_AT_LEAST).then_some(end)
}

/// A private key or a PKCS#12 file in base64: DER that begins with a sequence whose first member is
/// the version. A certificate begins with another sequence.
/// Sources: RFC 5958, section 2; RFC 7292, section 4; RFC 8017, appendix A.1.2; RFC 5915.
fn key(text: &[u8], at: usize) -> Option<usize> {
    if !text[at..].starts_with(b"MI") || is_inside(text, at, is_of_word) {
        return None;
    }
    let head = STANDARD.decode(text.get(at..at + 16)?).ok()?;
    // The length in one byte, in two or in three.
    let version = match head.get(1)? {
        0x81 => 3,
        0x82 => 4,
        0x83 => 5,
        _ => 2,
    };
    let is_private = head[0] == 0x30
        && matches!(head.get(version..version + 3)?, [2, 1, 0 | 1 | 3])
        && matches!(head.get(version + 3)?, 2 | 4 | 0x30);
    if !is_private {
        return None;
    }
    let mut end = run(text, at, is_base64);
    // Lines.
    loop {
        let next = run(text, end, |it| it.is_ascii_whitespace());
        let line = run(text, next, is_base64);
        if next == end || line == next {
            break;
        }
        end = line;
    }
    (end >= at + KEY_AT_LEAST).then_some(end)
}

/// A private key in PEM, whole or begun.
fn pem(text: &[u8], at: usize) -> Option<usize> {
    let rest = text[at..].strip_prefix(b"-----BEGIN ")?;
    let label = run(rest, 0, |it| it.is_ascii_uppercase() || it == b' ');
    if !rest[..label].ends_with(b"PRIVATE KEY") || !rest[label..].starts_with(b"-----") {
        return None;
    }
    let body = &rest[label + 5..];
    let before = text.len() - body.len();
    let last = find(body, b"-----END ")
        .and_then(|begin| Some(begin + 9 + find(&body[begin + 9..], b"-----")? + 5));
    Some(before + last.unwrap_or(body.len()))
}

/// A client secret as the service makes it: 40 characters, of which the fourth to sixth are a
/// digit, `Q` and `~`.
/// Source: gitleaks/gitleaks, rule azure-ad-client-secret.
fn client_secret(text: &[u8], at: usize) -> Option<usize> {
    if text.get(at + 5) != Some(&b'~') || text[at + 4] != b'Q' || !text[at + 3].is_ascii_digit() {
        return None;
    }
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'~' | b'.' | b'-');
    let end = run(text, at, is_letter);
    (end >= at + SECRET_AT_LEAST).then_some(end)
}

fn run(text: &[u8], from: usize, of: impl Fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    from + rest.iter().position(|it| !of(*it)).unwrap_or(rest.len())
}

fn is_inside(text: &[u8], at: usize, of: impl Fn(u8) -> bool) -> bool {
    at > 0 && of(text[at - 1])
}

fn is_base64_url(it: u8) -> bool {
    // Some clients pad the parts. Source: wire captures of azure-identity for Python (aio).
    it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'=')
}

fn is_base64(it: u8) -> bool {
    it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/' | b'=')
}

/// Of base64, but for what separates the parts of a path and of a form too.
fn is_of_word(it: u8) -> bool {
    it.is_ascii_alphanumeric() || matches!(it, b'+' | b'-' | b'_')
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|it| it == what)
}

// Shorter ones are no whole tokens.
const JWT_AT_LEAST: usize = 24;
const SEALED_AT_LEAST: usize = 40;
const DEVICE_CODE_AT_LEAST: usize = 24;
const OPAQUE_AT_LEAST: usize = 200;
const KEY_AT_LEAST: usize = 64;
const SECRET_AT_LEAST: usize = 37;

#[cfg(test)]
mod tests {
    use super::*;

    /// The first secret of a text.
    fn found(text: &str) -> Option<&str> {
        let bytes = text.as_bytes();
        let may_begin = |at: &usize| {
            let mut word = [0; 8];
            let rest = &bytes[*at..bytes.len().min(at + 8)];
            word[..rest.len()].copy_from_slice(rest);
            may_begin(u64::from_le_bytes(word))
        };
        let mut places = (0..bytes.len()).filter(may_begin);
        places.find_map(|at| Some(&text[at..end(bytes, at)?]))
    }

    #[test]
    fn tokens_are_known_by_their_shape_wherever_they_are() {
        let long = "Ab0-_".repeat(60);
        for token in [
            "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl".to_owned(),
            "eyJhbGciOiJub25lIn0.eyJhdWQiOiJ4In0.".to_owned(),
            "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0=.c2ln=".to_owned(),
            "eyJhbGciOiJSU0EtT0FFUCJ9.a2V5a2V5.aXY.Y2lwaGVy.dGFn".to_owned(),
            format!("1.A{long}"),
            format!("0.A{long}.{long}.{long}"),
            format!("FAQABAAEA{}", "0f".repeat(32)),
            format!("Ew{long}"),
            format!("abc8Q~{}", "x".repeat(34)),
        ] {
            for (before, after) in [("", ""), ("/v1.0/", "/x"), ("is ", ", and"), ("\"", "\"")] {
                let text = format!("{before}{token}{after}");
                assert_eq!(found(&text), Some(token.as_str()), "{text}");
            }
        }
    }

    #[test]
    fn a_sentence_ends_without_its_full_stop() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln";
        assert_eq!(found(&format!("the token {token}. It")), Some(token));
    }

    #[test]
    fn private_keys_are_told_from_certificates() {
        use rcgen::{CertificateParams, KeyPair};

        let pair = KeyPair::generate().unwrap();
        let key = STANDARD.encode(pair.serialize_der());
        assert_eq!(found(&key), Some(key.as_str()));
        let pem = pair.serialize_pem();
        assert_eq!(found(&format!("x {pem}y")), Some(pem.trim_end()));
        let lines = key.as_bytes().chunks(60);
        let lines: Vec<&str> = lines.map(|it| str::from_utf8(it).unwrap()).collect();
        let folded = lines.join("\r\n");
        assert_eq!(found(&folded), Some(folded.as_str()));
        let certificate = CertificateParams::default().self_signed(&pair).unwrap();
        assert_eq!(found(&STANDARD.encode(certificate.der())), None);
        assert_eq!(found(&certificate.pem()), None);
    }

    #[test]
    fn other_texts_are_no_secrets() {
        for text in [
            "",
            "eyJ",
            "eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZX19fQ==",
            "eyJhbGciOiJSUzI1NiJ9",
            "version 1.A of the file",
            "https://graph.microsoft.com/v1.0/me/messages?$skiptoken=AAAAAAAA",
            "AAMkAGI2TG93AAA=",
            "MIME-Version: 1.0",
            "-----BEGIN PUBLIC KEY-----",
            "Ew and others",
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
