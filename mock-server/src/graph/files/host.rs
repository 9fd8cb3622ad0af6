//! The hosts of sites: contents, fragments of uploads, and how far a copy is, at addresses that
//! need no bearer, and, on the service's own names, take none.
//!
//! Sources: OneDrive/onedrive-api-docs, docs/rest-api/api/driveitem_get_content.md and
//! driveitem_createuploadsession.md; O365/python-o365#872 (a bearer is refused).

mod content;
mod upload;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Response, StatusCode, Uri, header, request};
use serde_json::{Value, json};
use uuid::Uuid;

use self::content::{download, picture};
use self::upload::Asked;
use super::refusal;
use super::ticket::{Right, Ticket};
use crate::drives::{Blob, BlobError, Writer};
use crate::exchange::{Annotation, Arrival};
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
    let found = ticket(world, parts.uri.path(), parts.uri.query());
    if found.is_none()
        && matches!(parts.method, Method::GET | Method::HEAD)
        && let Some((tenant, drive, item)) = linked(world, parts, arrival)
    {
        annotation.tenant = Some(tenant.id);
        annotation.environment = Some(tenant.environment);
        annotation.endpoint = Some("GET download.aspx".to_owned());
        return download(&tenant, (&drive, item, None), parts);
    }
    let ticket = found.ok_or_else(unauthorized)?;
    let tenant = world
        .tenant(ticket.cloud, ticket.tenant)
        .ok_or_else(unauthorized)?;
    let now = tenant.now();
    annotation.tenant = Some(tenant.id);
    annotation.environment = Some(tenant.environment);
    annotation.tenant_time = Some(now);
    // On a port of localhost a client may not tell the site from Graph, and keeps the bearer: Go
    // compares host names alone. There it is let through.
    let bearer = arrival.real_host && parts.headers.contains_key(header::AUTHORIZATION);
    if bearer && !tenant.read(|it| it.switches.bearers_at_sites) {
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
        (Right::Picture(drive, item, frame), "GET" | "HEAD") => {
            annotation.endpoint = Some("GET thumbnail".to_owned());
            picture(&tenant, (&drive, item), frame)
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

/// The file that a link for everybody leads to: `download.aspx?share=TOKEN`, as rclone makes it of
/// the link, or the link itself with `download=1`.
/// Source: rclone/rclone, backend/onedrive (`PublicLink`).
fn linked(
    world: &World,
    parts: &request::Parts,
    arrival: &Arrival,
) -> Option<(Arc<Tenant>, String, Uuid)> {
    let query = parts.uri.query().unwrap_or_default();
    let parameter = |wanted: &str| {
        let mut all = form_urlencoded::parse(query.as_bytes());
        all.find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.into_owned())
    };
    let last = || parts.uri.path().rsplit('/').next().map(str::to_owned);
    let token = parameter("share").or_else(|| {
        let opened = parameter("download").as_deref() == Some("1");
        opened.then(last).flatten()
    })?;
    world.tenants().into_iter().find_map(|tenant| {
        if tenant.environment.cloud() != arrival.cloud {
            return None;
        }
        let now = tenant.now();
        let found = tenant.read_drives(|it| super::share::open(it, &token, now));
        found.map(|(drive, item)| (tenant, drive, item))
    })
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

/// The largest content of one request.
/// Source: learn.microsoft.com/graph/api/driveitem-put-content (250 MB).
const MOST_CONTENT: u64 = 250 << 20;
