//! A content as it is sent: the whole, or a part of it.

use std::io;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, StatusCode, header, request};
use bytes::Bytes;
use uuid::Uuid;

use super::Streamed;
use crate::drives::Blob;
use crate::graph::error::GraphError;
use crate::graph::files::{name, refusal, ticket};
use crate::picture::{self, Frame};
use crate::world::Tenant;

/// The content, or a part of it.
pub(super) fn download(
    tenant: &Tenant,
    (drive, item, version): (&str, Uuid, Option<u32>),
    parts: &request::Parts,
) -> Result<Response<Body>, GraphError> {
    let (content, name, tag, number) = tenant
        .read_drives(|drives| {
            let item = drives.get(drive)?.get(item)?;
            let content = match version {
                None => item.content.clone()?,
                Some(number) => {
                    let found = item.versions.iter().find(|it| it.number == number)?;
                    found.content.clone()
                }
            };
            Some((content, item.name.clone(), item.e_tag(), item.version))
        })
        .ok_or_else(refusal::not_found)?;
    let length = content.length();
    let header_of = |name| parts.headers.get(name).and_then(|it| it.to_str().ok());
    // A tag has a comma in it.
    let same = |it: &str| it.trim() == "*" || it.contains(tag.as_str());
    if header_of(header::IF_NONE_MATCH).is_some_and(same) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        let tag = HeaderValue::from_str(&tag).ok();
        let headers = response.headers_mut();
        headers.extend(tag.map(|it| (header::ETAG, it)));
        return Ok(response);
    }
    // Of another content than the client has a part of, it gets the whole: RFC 9110, section 13.1.5.
    let current = header_of(header::IF_RANGE).is_none_or(same);
    let range = header_of(header::RANGE).filter(|_| current);
    let range = range.map(|it| ranged(it, length));
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let mut put = |name: header::HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(header::ACCEPT_RANGES, "bytes");
    put(header::CONTENT_TYPE, name::mime(&name));
    put(header::CACHE_CONTROL, "private");
    put(header::ETAG, &tag);
    put(
        header::HeaderName::from_static("ctag"),
        &format!("{},{number}", tag.trim_matches('"')),
    );
    let encoded = percent_encoding::utf8_percent_encode(&name, ticket::IN_PATH);
    let plain: String = name
        .chars()
        .map(|it| {
            if it.is_ascii_graphic() && it != '"' || it == ' ' {
                it
            } else {
                '_'
            }
        })
        .collect();
    put(
        header::CONTENT_DISPOSITION,
        &format!("attachment;filename*=utf-8''{encoded};filename=\"{plain}\""),
    );
    let (from, to) = match range {
        Some(Some(Err(()))) => {
            put(header::CONTENT_RANGE, &format!("bytes */{length}"));
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            return Ok(response);
        }
        Some(Some(Ok((from, to)))) => {
            put(
                header::CONTENT_RANGE,
                &format!("bytes {from}-{}/{length}", to - 1),
            );
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            (from, to)
        }
        // What is no range of bytes is as if it were not there: RFC 9110, section 14.2.
        Some(None) | None => (0, length),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, (to - from).into());
    if parts.method != Method::HEAD {
        *response.body_mut() = body(content, from, to);
    }
    response.extensions_mut().insert(Streamed);
    Ok(response)
}

/// A small picture of a content.
pub(super) fn picture(
    tenant: &Tenant,
    (drive, item): (&str, Uuid),
    frame: Frame,
) -> Result<Response<Body>, GraphError> {
    let content = tenant
        .read_drives(|drives| drives.get(drive)?.get(item)?.content.clone())
        .ok_or_else(refusal::not_found)?;
    let made = content
        .whole(picture::MOST)
        .and_then(|it| picture::smaller(&it, frame))
        .ok_or_else(refusal::not_found)?;
    let mut response = Response::new(Body::from(made));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    Ok(response)
}

/// Reads `Range`: none where it is not one range of bytes, an error where nothing is in it.
fn ranged(text: &str, length: u64) -> Option<Result<(u64, u64), ()>> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| {
        let digits = text.bytes().all(|it| it.is_ascii_digit());
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let (first, last) = (first.trim(), last.trim());
    let (from, to) = match (first, last) {
        ("", "") => return None,
        ("", last) => (length.saturating_sub(number(last)?), length),
        (first, "") => (number(first)?, length),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, last.saturating_add(1).min(length))
        }
    };
    Some(if from < to { Ok((from, to)) } else { Err(()) })
}

/// A content as it is read from disk, a piece at a time. A piece comes from the page cache: that is
/// shorter than a change of threads. Its room serves again once it was sent.
fn body(content: Blob, from: u64, to: u64) -> Body {
    let start = (from, Bytes::new());
    let pieces = futures_util::stream::try_unfold(start, move |(at, before)| {
        let next = piece(&content, before, (at, to));
        std::future::ready(next.map(|bytes| {
            let next = at + bytes.len() as u64;
            (!bytes.is_empty()).then(|| (bytes.clone(), (next, bytes)))
        }))
    });
    Body::from_stream(pieces)
}

/// The next piece of a content; none at the end.
fn piece(content: &Blob, before: Bytes, (at, to): (u64, u64)) -> io::Result<Bytes> {
    if at >= to {
        return Ok(Bytes::new());
    }
    let most = usize::try_from(to - at).unwrap_or(PIECE).min(PIECE);
    let room = before.try_into_mut().unwrap_or_default();
    let bytes = content.read_into(room, at, most)?;
    if bytes.is_empty() {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// Nothing but the bytes of a piece is in memory.
const PIECE: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_read_as_http_has_them() {
        assert_eq!(ranged("bytes=0-9", 100), Some(Ok((0, 10))));
        assert_eq!(ranged("bytes=90-", 100), Some(Ok((90, 100))));
        assert_eq!(ranged("bytes=-5", 100), Some(Ok((95, 100))));
        assert_eq!(ranged("bytes=50-1000", 100), Some(Ok((50, 100))));
        assert_eq!(ranged("bytes=100-", 100), Some(Err(())));
        assert_eq!(ranged("bytes=-0", 100), Some(Err(())));
        for none in [
            "items=0-1",
            "bytes=",
            "bytes=-",
            "bytes=5-1",
            "bytes=0-1,3-4",
        ] {
            assert_eq!(ranged(none, 100), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn any_range_is_inside_or_refused(text in "bytes=[0-9]{0,22}-[0-9]{0,22}", length: u64, other: String) {
            ranged(&other, length);
            if let Some(Ok((from, to))) = ranged(&text, length) {
                prop_assert!(from < to && to <= length);
            }
        }
    }
}
