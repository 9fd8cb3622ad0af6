//! Content encodings of Graph: compressed requests are read, answers are compressed if asked.
//!
//! Sources: microsoftgraph/msgraph-sdk-design#71 (the gateway takes compressed bodies) and
//! middleware/DecompressionHandler.md (it answers in gzip); RFC 9110, sections 8.4 and 12.5.3.

use std::io::{Read, Write as _};

use axum::http::{HeaderMap, HeaderValue, header};
use bytes::Bytes;
use flate2::Compression;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use flate2::write::GzEncoder;

/// Why a body could not be decoded.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Refused {
    /// It is not of the encoding that it is said to have.
    Broken(String),
    /// It is larger than the limit.
    TooLarge,
    /// Nobody here reads the encoding.
    Unknown(String),
}

/// A body without its encodings, at most `most` bytes of it: what unfolds to more is not unfolded
/// to its end.
pub(super) fn decode(headers: &HeaderMap, body: Bytes, most: usize) -> Result<Bytes, Refused> {
    let mut body = body;
    let encodings = encodings(headers);
    if encodings.len() > MOST {
        return Err(Refused::Unknown(encodings.join(", ")));
    }
    // The last applied comes off first.
    for encoding in encodings.iter().rev() {
        body = match encoding.as_str() {
            "identity" => body,
            "gzip" | "x-gzip" => unfold(GzDecoder::new(&*body), most, encoding)?,
            // By the standard a zlib stream; some clients send the bare one.
            "deflate" => match unfold(ZlibDecoder::new(&*body), most, encoding) {
                Err(Refused::Broken(_)) => unfold(DeflateDecoder::new(&*body), most, encoding)?,
                found => found?,
            },
            _ => return Err(Refused::Unknown(encoding.clone())),
        };
    }
    Ok(body)
}

/// Compresses an answer with gzip where the request asks for it and the body gains by it.
pub(super) fn encode(asked: &HeaderMap, headers: &mut HeaderMap, body: &Bytes) -> Option<Bytes> {
    let kind = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let is_text = kind.starts_with("application/json") || kind.starts_with("text/");
    if !is_text || body.len() < SHORTEST || !takes_gzip(asked) {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    // Writing to memory does not fail.
    encoder.write_all(body).ok()?;
    let folded = encoder.finish().ok()?;
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.remove(header::CONTENT_LENGTH);
    Some(folded.into())
}

fn unfold(from: impl Read, most: usize, encoding: &str) -> Result<Bytes, Refused> {
    let mut found = Vec::new();
    let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    from.take(bound)
        .read_to_end(&mut found)
        .map_err(|_| Refused::Broken(encoding.to_owned()))?;
    if found.len() > most {
        return Err(Refused::TooLarge);
    }
    Ok(found.into())
}

fn encodings(headers: &HeaderMap) -> Vec<String> {
    elements(headers, header::CONTENT_ENCODING)
        .map(str::to_ascii_lowercase)
        .collect()
}

/// Whether `Accept-Encoding` names gzip, or everything, and does not exclude it.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let mut by_star = false;
    for element in elements(asked, header::ACCEPT_ENCODING) {
        let mut parts = element.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let quality = parts.find_map(|it| it.strip_prefix("q=")?.trim().parse().ok());
        let wanted = quality.unwrap_or(1.0_f32) > 0.0;
        match name.to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => return wanted,
            "*" => by_star = wanted,
            _ => {}
        }
    }
    by_star
}

fn elements(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','))
        .map(str::trim)
        .filter(|it| !it.is_empty())
}

/// Nobody packs a body more often; each layer is work.
const MOST: usize = 3;
/// Shorter bodies gain nothing. Unverified: where the service draws the line.
const SHORTEST: usize = 256;

#[cfg(test)]
mod tests;
