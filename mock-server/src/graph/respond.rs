//! Answers as Graph writes them: headers, the error body, the level of metadata.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::bearer;
use super::call::{Payload, Reply};
use super::error::{Challenge, GraphError};
use super::prefer::{Metadata, Prefer};
use crate::clock::Clock;
use crate::environment::Environment;
use crate::exchange::{Annotation, Arrival};
use crate::world::World;

/// An answer, not yet on its way.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Vec<u8>,
}

/// Answers with what came out.
pub(super) fn respond(
    world: &World,
    arrival: &Arrival,
    sent: &HeaderMap,
    outcome: Result<Reply, GraphError>,
    annotation: Annotation,
) -> Response<Body> {
    let written = write(world, arrival, sent, outcome, &annotation);
    let mut response = Response::new(Body::from(written.bytes));
    *response.status_mut() = written.status;
    *response.headers_mut() = written.headers;
    annotation.attach(response.extensions_mut());
    response
}

/// Writes an answer.
pub(super) fn write(
    world: &World,
    arrival: &Arrival,
    sent: &HeaderMap,
    outcome: Result<Reply, GraphError>,
    annotation: &Annotation,
) -> Written {
    let request_id = world.random.uuid().to_string();
    let client_request_id = sent
        .get("client-request-id")
        .and_then(|value| value.to_str().ok())
        .filter(|it| !it.is_empty())
        .map_or_else(|| request_id.clone(), str::to_owned);
    let now = annotation
        .tenant_time
        .unwrap_or_else(|| Clock::real().now());
    let service = match &outcome {
        Ok(reply) => reply.service,
        Err(error) => error.service.unwrap_or_default(),
    };
    let mut written = match outcome {
        Ok(reply) => success(sent, reply),
        Err(error) => refusal(arrival, error, &request_id, &client_request_id, now),
    };
    let headers = &mut written.headers;
    let mut put = |name: HeaderName, value: &str| {
        // What a client sent may hold what a header can't; then it is left out.
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    put(HeaderName::from_static("request-id"), &request_id);
    put(
        HeaderName::from_static("client-request-id"),
        &client_request_id,
    );
    put(
        HeaderName::from_static("x-ms-ags-diagnostic"),
        &diagnostic(annotation.environment),
    );
    put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    put(header::VARY, "Accept-Encoding");
    put(header::CACHE_CONTROL, service.cache_control());
    put(
        header::DATE,
        &now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
    );
    if sent.contains_key(header::ORIGIN) {
        put(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        put(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    written
}

/// Notes what a token claims, for the journal, whether or not the claims are true.
pub(super) fn note_claims(annotation: &mut Annotation, token: &str) {
    let Some(Value::Object(claims)) = token
        .split('.')
        .nth(1)
        .and_then(|part| URL_SAFE_NO_PAD.decode(part).ok())
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
    else {
        return;
    };
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    annotation.tenant = text("tid").and_then(|it| it.parse().ok());
    annotation.client = text("appid")
        .or_else(|| text("azp"))
        .and_then(|it| it.parse().ok());
    if text("idtyp") != Some("app") {
        annotation.user = text("oid").and_then(|it| it.parse().ok());
    }
}

fn success(sent: &HeaderMap, reply: Reply) -> Written {
    let metadata = Metadata::of(sent);
    let (content_type, bytes) = match reply.payload {
        Payload::Empty => (None, Vec::new()),
        Payload::Raw {
            content_type,
            bytes,
        } => (Some(content_type), bytes),
        Payload::Json(value) => (Some(metadata.content_type()), text_of(metadata, value)),
        Payload::Written(text) if metadata == Metadata::None => {
            // Written here, from JSON values.
            let value = serde_json::from_str(&text).unwrap_or_default();
            (Some(metadata.content_type()), text_of(metadata, value))
        }
        Payload::Written(text) => (Some(metadata.content_type()), text.into_bytes()),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if let Some(value) = content_type.and_then(|it| HeaderValue::from_str(&it).ok()) {
        headers.insert(header::CONTENT_TYPE, value);
        headers.insert("odata-version", HeaderValue::from_static("4.0"));
    }
    let applied = Prefer::of(sent)
        .ok()
        .and_then(|prefer| prefer.applied(reply.status == StatusCode::NO_CONTENT));
    if let Some(applied) = applied.and_then(|it| HeaderValue::from_str(&it).ok()) {
        headers.insert("preference-applied", applied);
    }
    Written {
        status: reply.status,
        headers,
        bytes,
    }
}

fn refusal(
    arrival: &Arrival,
    error: GraphError,
    request_id: &str,
    client_request_id: &str,
    now: Timestamp,
) -> Written {
    let mut body = json!({"error": {"code": error.code, "message": error.message}});
    if error.service.unwrap_or_default().has_inner_error() {
        body["error"]["innerError"] = json!({
            "date": now.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            "request-id": request_id,
            "client-request-id": client_request_id,
        });
        if let Some(code) = error.inner {
            body["error"]["innerError"]["code"] = json!(code);
        }
    }
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(challenge) = error.challenge {
        let mut value = bearer::challenge(&arrival.authority_root());
        if let Challenge::Claims(claims) = challenge {
            value.push_str(", error=\"insufficient_claims\", claims=\"");
            value.push_str(&STANDARD.encode(claims));
            value.push('"');
        }
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
    }
    for (name, value) in error.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    Written {
        status: error.status,
        headers,
        bytes: body.to_string().into_bytes(),
    }
}

/// JSON with as much control information as was asked for.
fn text_of(metadata: Metadata, mut value: Value) -> Vec<u8> {
    if metadata == Metadata::None {
        strip(&mut value);
    }
    value.to_string().into_bytes()
}

/// Takes the control information away, except for links and counts.
fn strip(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(strip),
        Value::Object(map) => {
            let kept: Map<String, Value> = std::mem::take(map)
                .into_iter()
                .filter(|(name, _)| {
                    !name.contains("@odata.")
                        || ["@odata.nextLink", "@odata.deltaLink", "@odata.count"]
                            .contains(&name.as_str())
                })
                .collect();
            *map = kept;
            map.values_mut().for_each(strip);
        }
        _ => {}
    }
}

/// One line, as the front end writes it. Unverified: the data centers of the national clouds.
fn diagnostic(environment: Option<Environment>) -> String {
    let center = match environment {
        None | Some(Environment::Office365) => "East US",
        Some(Environment::UsGovL4) => "USGov Virginia",
        Some(Environment::UsGovL5) => "USDoD East",
        Some(Environment::China) => "China East",
    };
    format!(
        "{{\"ServerInfo\":{{\"DataCenter\":\"{center}\",\"Slice\":\"E\",\"Ring\":\"5\",\
         \"ScaleUnit\":\"003\",\"RoleInstance\":\"BL6PEPF0000E7BB\"}}}}"
    )
}

/// What scripts of other origins may read. Source: dotnet/dev-proxy, ProxyUtils.
const EXPOSED: &str = "ETag, Location, Preference-Applied, Content-Range, request-id, \
                       client-request-id, ReadWriteConsistencyToken, SdkVersion, WWW-Authenticate, \
                       x-ms-client-gcc-tenant, Retry-After";
