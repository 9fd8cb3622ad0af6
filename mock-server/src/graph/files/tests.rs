//! Drives over HTTP.

mod access;
mod delta;
mod host;
mod hostile;
mod items;
mod links;
mod lists;
mod scale;
mod sharing;
mod thumbnails;

use std::net::Ipv4Addr;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;

use crate::drives::Blob;
use crate::environment::Site;
use crate::exchange::Arrival;
use crate::graph::tests::{Answer, Bench, Token};

/// A bench with a drive of Alice's.
pub(super) struct Drive {
    pub(super) bench: Bench,
    pub(super) alice: Token,
}

impl Drive {
    pub(super) fn new() -> Self {
        let bench = Bench::new();
        let alice = bench.delegated("alice", &["Files.ReadWrite.All"]);
        Self { bench, alice }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.bench.get(&self.alice, path).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Answer {
        self.bench.post(&self.alice, path, body).await
    }

    pub(super) async fn send(&self, method: &str, path: &str, body: Value) -> Answer {
        self.bench.send(method, &self.alice, path, &[], body).await
    }

    /// Writes a file; its content is the text as JSON has it.
    pub(super) async fn put(&self, path: &str, text: &str) -> Answer {
        let path = format!("/v1.0/me/drive/root:/{path}:/content");
        self.send("PUT", &path, Value::from(text)).await
    }

    /// Asks a site's host.
    pub(super) async fn ask(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Told {
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        let host = parts.uri.host().unwrap().to_owned();
        let Some(Site::SharePoint(environment)) = Site::of_host(&host) else {
            panic!("{host} is no host of a site");
        };
        let arrival = Arrival {
            cloud: environment.cloud(),
            environment: Some(environment),
            origin: format!("https://{host}"),
            real_host: true,
            retired: None,
            address: Ipv4Addr::LOCALHOST.into(),
            admitted_tenants: None,
            issuer_as_addressed: false,
            refused: None,
        };
        let world = self.bench.world();
        let upload = Blob::of(&world.contents, body).unwrap();
        let answer = super::host::serve(&world, &parts, &arrival, Some(upload));
        Told::read(answer).await
    }
}

/// What a host answers.
pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) headers: axum::http::HeaderMap,
    pub(super) bytes: Vec<u8>,
}

impl Told {
    async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        Self {
            status: parts.status,
            headers: parts.headers,
            bytes: body.collect().await.unwrap().to_bytes().to_vec(),
        }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    #[track_caller]
    pub(super) fn expect(self, status: u16) -> Self {
        let text = String::from_utf8_lossy(&self.bytes);
        assert_eq!(self.status.as_u16(), status, "{text}");
        self
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().unwrap())
    }
}
