//! What a stranger is sent, written to the journal, and what it answers.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use entra_mock::journal::{Exchange, Journal, Names, Surface};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response, header};
use serde_json::{Value, json};

use super::{Visit, host_of};

/// Writes the exchanges of a connection.
#[derive(Debug)]
pub(super) struct Recorder {
    journal: Journal,
    visit: Visit,
    connection: u64,
}

impl Recorder {
    pub(super) fn new(journal: &Journal, visit: Visit) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(FIRST_CONNECTION);
        Self {
            journal: journal.clone(),
            visit,
            connection: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Notes a connection that ended before there was a request.
    pub(super) fn came(&self) {
        let origin = format!("{}://{}", self.visit.scheme, self.visit.target);
        self.journal.exchange(Exchange {
            method: "CONNECT".to_owned(),
            decision: Some("the connection ended before there was a request".to_owned()),
            ..self.exchange(origin)
        });
    }

    /// Notes a request, and answers as somebody does who wants to be believed.
    pub(super) async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = Limited::new(body, BODY_LIMIT).collect().await;
        let body = body.map_or_else(|_| Bytes::new(), http_body_util::Collected::to_bytes);
        let text = |name: header::HeaderName| {
            let value = parts.headers.get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let authority = parts.uri.authority().map(ToString::to_string);
        let named = authority.or_else(|| text(header::HOST));
        let target = named.unwrap_or_else(|| self.visit.target.clone());
        // The port of the connection, where the request does not name one.
        let port = self.visit.target.rsplit_once(':').map(|it| it.1);
        let usual = if self.visit.scheme == "https" {
            "443"
        } else {
            "80"
        };
        let origin = match port.filter(|it| *it != usual && host_of(&target) == target) {
            Some(port) => format!("{}://{target}:{port}", self.visit.scheme),
            None => format!("{}://{target}", self.visit.scheme),
        };
        let redactor = self.journal.redactor();
        let fields = |bytes: &[u8]| redactor.fields(bytes, FIELDS);
        let headers = parts.headers.iter().take(FIELDS);
        let request_headers = headers
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes());
                let value = redactor.header(name.as_str(), &value);
                (name.as_str().to_owned(), value)
            })
            .collect();
        let kind = text(header::CONTENT_TYPE).unwrap_or_default();
        let is_form = kind.contains("x-www-form-urlencoded");
        let request_body = match serde_json::from_slice(&body) {
            _ if is_form || body.is_empty() => None,
            Ok(value) => Some(redactor.json(Names::Credentials, value).into()),
            Err(_) => {
                let text = redactor.body(&String::from_utf8_lossy(&body));
                Some(Value::String(text).into())
            }
        };
        self.journal.exchange(Exchange {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: fields(parts.uri.query().unwrap_or_default().as_bytes()),
            request_headers,
            form: if is_form { fields(&body) } else { Vec::new() },
            request_body,
            status: 200,
            decision: Some("a stranger took it".to_owned()),
            ..self.exchange(origin)
        });
        let answer = json!({
            "value": [],
            "token_type": "Bearer",
            "expires_in": 3600,
            "access_token": "a-token-of-a-stranger",
        });
        let mut response = Response::new(Full::new(Bytes::from(answer.to_string())));
        let json = header::HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }

    fn exchange(&self, origin: String) -> Exchange {
        Exchange {
            origin,
            ..Exchange::empty(Surface::Proxy, self.visit.via.clone(), self.connection)
        }
    }
}

/// Beyond those of the mock.
const FIRST_CONNECTION: u64 = 1 << 32;

const BODY_LIMIT: usize = 1 << 20;
const FIELDS: usize = 200;
