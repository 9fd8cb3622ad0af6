//! The hosts of sites: contents, fragments of uploads, and how far a copy is, at addresses that
//! need no bearer, and, on the service's own names, take none.
//!
//! Sources: OneDrive/onedrive-api-docs, docs/rest-api/api/driveitem_get_content.md and
//! driveitem_createuploadsession.md; O365/python-o365#872 (a bearer is refused).

use std::io;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header, request};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::draw::{self, Style};
use super::ticket::{Right, Ticket};
use super::{refusal, session};
use crate::drives::{Blob, BlobError, Fragment, LIFE, Session, Writer};
use crate::exchange::{Annotation, Arrival};
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::world::{Tenant, World};

/// In a response's extensions: its body is not collected, but sent as it is read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streamed;

/// Whether a path is one of a site, on a port of localhost.
pub(crate) fn is_path(path: &str) -> bool {
    path.contains("/_layouts/15/download.aspx") || path.contains("/_api/v2.0/")
}

/// Whether the body of a request is the content of a file.
pub(crate) fn brings_content(method: &Method, path: &str) -> bool {
    let path = path.trim_end_matches('/').to_ascii_lowercase();
    *method == Method::PUT
        && (path.ends_with("/content") && (path.contains("/drive") || path.contains("/shares"))
            || path.ends_with("/uploadsession"))
}

/// A content that is being received.
pub(crate) fn receive(world: &World) -> Writer {
    Writer::new(&world.contents, MOST_CONTENT)
}

/// Answers a request to a site.
pub(crate) fn serve(
    world: &Arc<World>,
    parts: &request::Parts,
    arrival: &Arrival,
    upload: Option<Blob>,
) -> Response<Body> {
    let mut annotation = Annotation {
        environment: arrival.environment,
        ..Annotation::default()
    };
    let outcome = answer(world, parts, arrival, upload, &mut annotation);
    let mut response = match outcome {
        Ok(response) => response,
        Err(error) => {
            annotation.error = Some(error.code.to_string());
            annotation.decision = Some(error.message.to_string());
            refused(&error)
        }
    };
    annotation.attach(response.extensions_mut());
    response
}

/// Whether an address is one that was made here, and its time is not over.
pub(crate) fn is_open(world: &World, uri: &Uri) -> bool {
    ticket(world, uri.path(), uri.query()).is_some_and(|ticket| {
        let tenant = world.tenant(ticket.cloud, ticket.tenant);
        tenant.is_some_and(|it| !ticket.is_over(it.now()))
    })
}

fn answer(
    world: &Arc<World>,
    parts: &request::Parts,
    arrival: &Arrival,
    upload: Option<Blob>,
    annotation: &mut Annotation,
) -> Result<Response<Body>, GraphError> {
    let ticket = ticket(world, parts.uri.path(), parts.uri.query()).ok_or_else(unauthorized)?;
    let tenant = world
        .tenant(ticket.cloud, ticket.tenant)
        .ok_or_else(unauthorized)?;
    let now = tenant.now();
    annotation.tenant = Some(tenant.id);
    annotation.environment = Some(tenant.environment);
    annotation.tenant_time = Some(now);
    // On a port of localhost a client may not tell the site from Graph, and keeps the bearer: Go
    // compares host names alone. There it is let through.
    if arrival.real_host && parts.headers.contains_key(header::AUTHORIZATION) {
        return Err(unauthorized());
    }
    if ticket.is_over(now) {
        return Err(unauthorized());
    }
    let method = parts.method.as_str();
    match (ticket.right, method) {
        (Right::Read(drive, item, version), "GET" | "HEAD") => {
            annotation.endpoint = Some("GET download.aspx".to_owned());
            let mut response = download(&tenant, (&drive, item, version), parts)?;
            // Source: recordings of NangoHQ/integration-templates.
            let id = world.random.uuid().to_string();
            let headers = response.headers_mut();
            for name in ["sprequestguid", "request-id"] {
                let value = HeaderValue::from_str(&id);
                headers.extend(value.map(|it| (header::HeaderName::from_static(name), it)));
            }
            for (name, value) in [
                ("x-sharepointhealthscore", "1"),
                ("microsoftsharepointteamservices", "16.0.0.27006"),
            ] {
                let name = header::HeaderName::from_static(name);
                headers.insert(name, HeaderValue::from_static(value));
            }
            Ok(response)
        }
        (Right::Upload(number), _) => {
            annotation.endpoint = Some(format!("{method} uploadSession"));
            let asked = Asked {
                world,
                tenant: &tenant,
                origin: &arrival.origin,
                number,
                now,
            };
            match method {
                "PUT" => asked.put(&parts.headers, &upload.unwrap_or_default()),
                "POST" => asked.commit(),
                "GET" => asked.status(),
                "DELETE" => asked.cancel(),
                _ => Err(GraphError::method_not_allowed()),
            }
        }
        (Right::Watch(number), "GET") => {
            annotation.endpoint = Some("GET monitor".to_owned());
            watch(&tenant, number)
        }
        _ => Err(GraphError::method_not_allowed()),
    }
}

/// What an address at a site permits.
fn ticket(world: &World, path: &str, query: Option<&str>) -> Option<Ticket> {
    let auth = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .find(|(name, _)| name.eq_ignore_ascii_case("tempauth"))
        .map(|(_, value)| value.into_owned());
    let watched = path.rsplit_once("/monitor/").map(|(_, it)| it.to_owned());
    auth.or(watched).and_then(|it| Ticket::open(world, &it))
}

/// The tenant whose site an address is at: requests to it have no token that tells.
pub(crate) fn tenant_of(world: &World, path: &str, query: Option<&str>) -> Option<Arc<Tenant>> {
    let ticket = ticket(world, path, query)?;
    world.tenant(ticket.cloud, ticket.tenant)
}

/// The content, or a part of it.
fn download(
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
    let range = parts.headers.get(header::RANGE);
    let range = range
        .and_then(|it| it.to_str().ok())
        .map(|it| ranged(it, length));
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let mut put = |name: header::HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(header::ACCEPT_RANGES, "bytes");
    put(header::CONTENT_TYPE, super::name::mime(&name));
    put(header::CACHE_CONTROL, "private");
    put(header::ETAG, &tag);
    put(
        header::HeaderName::from_static("ctag"),
        &format!("{},{number}", tag.trim_matches('"')),
    );
    let encoded = percent_encoding::utf8_percent_encode(&name, super::ticket::IN_PATH);
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

/// A content as it is read from disk, a piece at a time.
fn body(content: Blob, from: u64, to: u64) -> Body {
    let pieces =
        futures_util::stream::try_unfold((content, from), move |(content, at)| async move {
            if at >= to {
                return Ok::<_, io::Error>(None);
            }
            let most = usize::try_from(to - at).unwrap_or(PIECE).min(PIECE);
            let read = tokio::task::spawn_blocking(move || {
                let bytes = content.read(at, most);
                bytes.map(|it| (it, content))
            });
            let (bytes, content) = read.await.map_err(io::Error::other)??;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let next = at + bytes.len() as u64;
            Ok(Some((bytes, (content, next))))
        });
    Body::from_stream(pieces)
}

/// A request to an upload session.
struct Asked<'a> {
    world: &'a Arc<World>,
    tenant: &'a Arc<Tenant>,
    origin: &'a str,
    number: Uuid,
    now: Timestamp,
}

impl Asked<'_> {
    /// Works on the session, if it is there and its time is not over.
    fn session<A>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<A, GraphError>,
    ) -> Result<A, GraphError> {
        self.tenant.write_drives(|drives| {
            drives.tidy(self.now);
            let session = drives.sessions.get_mut(&self.number);
            session.ok_or_else(refusal::no_session).and_then(work)
        })
    }

    /// Takes a fragment.
    fn put(&self, headers: &HeaderMap, upload: &Blob) -> Result<Response<Body>, GraphError> {
        let range = headers.get(header::CONTENT_RANGE);
        let range = range.and_then(|it| it.to_str().ok()).unwrap_or_default();
        // Unverified: the texts of these two.
        let fragment = Fragment::parse(range)
            .ok_or_else(|| refusal::invalid("The Content-Range header is missing or malformed."))?;
        if fragment.length() != upload.length() {
            return Err(refusal::invalid(
                "The Content-Range header does not match the length of the content.",
            ));
        }
        let life = self.now.checked_add(LIFE).unwrap_or(self.now);
        let (is_whole, deferred) = self.session(|session| {
            let total = *session.total.get_or_insert(fragment.total);
            if total != fragment.total {
                return Err(refusal::other_total(total, fragment.total));
            }
            let there = session.content.length();
            if fragment.first < there {
                return Err(refusal::overlap());
            }
            if fragment.first > there {
                return Err(refusal::gap());
            }
            session.content.append(upload);
            session.expires = life;
            Ok((session.content.length() == total, session.deferred))
        })?;
        if is_whole && !deferred {
            return self.commit();
        }
        let (expected, expires) = self.session(|session| Ok(expected(session)))?;
        Ok(answered(
            StatusCode::ACCEPTED,
            &json!({"expirationDateTime": expires, "nextExpectedRanges": expected}),
        ))
    }

    /// What is still to come.
    fn status(&self) -> Result<Response<Body>, GraphError> {
        let (expected, expires) = self.session(|session| Ok(expected(session)))?;
        Ok(answered(
            StatusCode::OK,
            &json!({"expirationDateTime": expires, "nextExpectedRanges": expected}),
        ))
    }

    /// Gives the upload up.
    fn cancel(&self) -> Result<Response<Body>, GraphError> {
        self.session(|_| Ok(()))?;
        self.tenant
            .write_drives(|drives| drives.sessions.remove(&self.number));
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }

    /// Makes the file. A session whose name was taken meanwhile stays.
    fn commit(&self) -> Result<Response<Body>, GraphError> {
        let session = self.session(|session| {
            if session.total != Some(session.content.length()) {
                // Unverified: the text.
                return Err(refusal::invalid("The upload session is not complete."));
            }
            Ok(session.clone())
        })?;
        let (item, is_new) = self.tenant.write_drives(|drives| {
            let made = session::commit(drives, &session, self.now).map_err(|error| {
                if error.status == StatusCode::CONFLICT {
                    // Source: learn.microsoft.com/graph/api/driveitem-createuploadsession.
                    GraphError {
                        message: "Another file exists with the same name as the uploaded session."
                            .into(),
                        ..error
                    }
                } else {
                    error
                }
            })?;
            drives.sessions.remove(&self.number);
            Ok::<_, GraphError>(made)
        })?;
        let drawn = self.drawn(&session.drive, item)?;
        let status = if is_new {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        Ok(answered(status, &drawn))
    }

    fn drawn(&self, drive: &str, item: Uuid) -> Result<Value, GraphError> {
        let environment = self.tenant.environment;
        // Links lead to where the client has come in.
        let graph =
            if crate::environment::Site::of_host(crate::exchange::host_of_origin(self.origin))
                .is_some()
            {
                environment.graph_root()
            } else {
                self.origin.to_owned()
            };
        let call = Call::of_a_site(self.world, self.tenant, &graph, self.now);
        let drawn = self.tenant.read(|directory| {
            self.tenant.read_drives(|drives| {
                let drive = drives.get(drive)?;
                let style = Style {
                    call: &call,
                    directory,
                    with_address: true,
                };
                let mut found = crate::mailbox::Properties::new();
                let context = format!(
                    "{}/$metadata#{}/items/$entity",
                    call.root(),
                    draw::set(&call, drive)
                );
                found.insert("@odata.context".to_owned(), json!(context));
                found.extend(style.item(drive, drive.get(item)?));
                Some(Value::Object(found))
            })
        });
        drawn.ok_or_else(refusal::not_found)
    }
}

/// What is missing. Its end is told once the whole length is known.
/// Source: OneDrive/onedrive-api-docs#1273, #342, #75. The upload task of Microsoft's Graph SDK for
/// Python reads no range without an end.
fn expected(session: &Session) -> (Vec<String>, String) {
    let next = session.content.length();
    let ranges = match session.total {
        Some(total) if total <= next => Vec::new(),
        Some(total) => vec![format!("{next}-{}", total - 1)],
        None => vec![format!("{next}-")],
    };
    (ranges, crate::mailbox::seconds(session.expires))
}

/// How far a copy is. Source: OneDrive/onedrive-api-docs#852.
fn watch(tenant: &Tenant, number: Uuid) -> Result<Response<Body>, GraphError> {
    let outcome = tenant.read_drives(|it| it.jobs.get(&number).map(|it| it.outcome.clone()));
    let body = match outcome.ok_or_else(refusal::not_found)? {
        Ok(id) => json!({"percentageComplete": 100.0, "resourceId": id, "status": "completed"}),
        Err(code) => json!({
            "operation": "ItemCopy", "errorCode": code, "percentageComplete": 0.0,
            "status": "failed",
        }),
    };
    Ok(answered(StatusCode::OK, &body))
}

fn answered(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let kind = "application/json;odata.metadata=minimal;odata.streaming=true;\
                IEEE754Compatible=false;charset=utf-8";
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-store, no-cache"),
    );
    response
}

/// The host itself writes `innererror`, in small letters.
fn refused(error: &GraphError) -> Response<Body> {
    if error.status == StatusCode::UNAUTHORIZED {
        // Source: OneDrive/onedrive-api-docs#640.
        let mut response = Response::new(Body::empty());
        *response.status_mut() = error.status;
        let challenge = HeaderValue::from_static(
            "Bearer realm=\"\",client_id=\"00000003-0000-0ff1-ce00-000000000000\"",
        );
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, challenge);
        return response;
    }
    let mut body = json!({"error": {"code": error.code, "message": error.message}});
    if let Some(inner) = error.inner {
        body["error"]["innererror"] = json!({"code": inner});
    }
    answered(error.status, &body)
}

/// No token of the address, an old one, or a bearer beside it.
fn unauthorized() -> GraphError {
    GraphError::new(
        StatusCode::UNAUTHORIZED,
        "unauthenticated",
        "Invalid audience Uri 'https://graph.microsoft.com/'.",
    )
}

/// What to answer where a content is not taken.
pub(crate) fn not_received(error: &BlobError) -> Response<Body> {
    refused(&match error {
        BlobError::TooLarge(_) => refusal::too_large(),
        BlobError::Full => refusal::no_room(),
        BlobError::Io(error) => {
            tracing::error!(%error, "a content is not kept");
            refusal::no_room()
        }
    })
}

/// Nothing but the bytes of a piece is in memory.
const PIECE: usize = 256 << 10;

/// The largest content of one request.
/// Source: learn.microsoft.com/graph/api/driveitem-put-content (250 MB).
const MOST_CONTENT: u64 = 250 << 20;

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
