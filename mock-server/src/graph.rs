//! The Graph hosts: bearer check, permission check, OData, a handler for each resource.
//!
//! Every path is looked up in the table of endpoints; what is not there gets Graph's own 400 and
//! a note in the journal, so that a user sees what the mock does not do.

mod access;
mod applications;
mod areas;
mod attachments;
mod batch;
mod bearer;
mod calendars;
mod call;
mod collection;
mod contacts;
mod delta;
mod directory_query;
mod dispatch;
mod endpoint;
mod error;
mod events;
mod expand;
mod extended;
mod extension_values;
pub(crate) mod files;
mod folders;
mod gateway;
mod generic;
mod governance;
mod grants;
mod link;
mod link_id;
mod lists;
mod message;
mod messages;
mod metadata;
mod mime;
mod odata;
mod organization;
mod outlook;
mod path;
mod people;
mod photos;
mod policies;
mod prefer;
mod request;
mod respond;
mod schema;
mod search_folders;
mod sending;
mod service_principals;
mod settings;
mod text;
mod throttling;
mod time_zone;
mod users;

use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use bytes::Bytes;

pub(crate) use self::error::{GraphError, usual_message};

use self::call::Reply;
use self::path::Path;
use self::request::Request;
use crate::apart::Apart;
use crate::environment::Environment;
use crate::exchange::{Annotation, Arrival};
use crate::journal::{Direction, Level, TokenKind, TokenUse, fingerprint};
use crate::world::World;

/// How much of Graph the mock does.
pub(crate) mod coverage {
    pub(crate) use super::generic::coverage::{Area, Covered};
    use crate::environment::SignInCloud;

    /// All documented requests in a cloud.
    pub(crate) fn all(cloud: SignInCloud) -> impl Iterator<Item = Covered> {
        super::areas::install();
        super::generic::coverage::all(cloud)
    }

    /// How many documented requests of each area have which level.
    pub(crate) fn areas(cloud: SignInCloud, below: &str) -> Vec<Area> {
        super::areas::install();
        super::generic::coverage::areas(cloud, below)
    }

    /// The same as a table.
    #[cfg(feature = "cli")]
    pub(crate) fn table(cloud: SignInCloud, below: &str) -> String {
        super::areas::install();
        super::generic::coverage::table(cloud, below)
    }
}

/// What Graph says to an access token now: nothing, or the message of its refusal.
pub(crate) fn refusal_of(world: &World, environment: Environment, token: &str) -> Option<String> {
    bearer::check(world, environment, token, Ipv4Addr::LOCALHOST.into())
        .err()
        .map(|error| error.message.into())
}

/// Whether a request that brings a content may bring it: its bearer is good, or the address of a
/// site to which it goes. Others are refused before a byte of it is kept.
pub(crate) fn takes_content(
    world: &World,
    arrival: &Arrival,
    uri: &Uri,
    headers: &HeaderMap,
) -> bool {
    if files::host::is_path(uri.path()) {
        return files::host::is_open(world, uri);
    }
    let environment = bearer::environment_of(arrival.environment, arrival.cloud);
    bearer::token_of(headers)
        .is_ok_and(|it| bearer::check(world, environment, it, arrival.address).is_ok())
}

/// The address of a library.
pub(crate) fn address_of(drive: &crate::drives::Drive) -> String {
    files::draw::library(drive)
}

/// How the service behind a path throttles.
pub(crate) fn throttled(path: &str, cloud: crate::environment::SignInCloud) -> GraphError {
    if generic::is_sharepoint(path, cloud) {
        files::refusal::throttled()
    } else {
        GraphError::throttled()
    }
}

/// A refusal that no handler gives: a fault's.
pub(crate) fn refuse(
    world: &World,
    arrival: &Arrival,
    headers: &HeaderMap,
    error: GraphError,
    mut annotation: Annotation,
) -> Response<body::Body> {
    let environment = bearer::environment_of(arrival.environment, arrival.cloud);
    annotation.environment = Some(environment);
    if let Ok(token) = bearer::token_of(headers) {
        note_presented(&mut annotation, token);
    }
    answer(world, arrival, headers, Err(error), annotation)
}

/// Notes the token of a request, and what it claims.
fn note_presented(annotation: &mut Annotation, token: &str) {
    note_token(annotation, token);
    respond::note_claims(annotation, token);
}

/// Notes the token of a request.
fn note_token(annotation: &mut Annotation, token: &str) {
    annotation.tokens.push(TokenUse {
        kind: TokenKind::Access,
        direction: Direction::Presented,
        fingerprint: fingerprint(token),
        family: None,
        generation: None,
    });
}

/// Answers, and notes a refusal.
fn answer(
    world: &World,
    arrival: &Arrival,
    headers: &HeaderMap,
    outcome: Result<Reply, GraphError>,
    mut annotation: Annotation,
) -> Response<body::Body> {
    match &outcome {
        Ok(reply) => {
            if reply.unsupported.is_some() {
                annotation.unsupported.clone_from(&reply.unsupported);
            }
        }
        Err(error) => {
            annotation.error = Some(error.code.to_string());
            annotation.decision = Some(error.message.to_string());
            annotation.unsupported = error.unsupported.as_deref().map(str::to_owned);
            annotation.level = level(annotation.level, error);
        }
    }
    respond::respond(world, arrival, headers, outcome, annotation)
}

/// The level of a refused request.
fn level(known: Option<Level>, error: &GraphError) -> Option<Level> {
    if error.is_not_in_the_mock() {
        Some(Level::Unsupported)
    } else {
        known
    }
}

/// The Graph hosts.
#[derive(Debug)]
pub(crate) struct Graph {
    world: Arc<World>,
    apart: Apart,
}

impl Graph {
    /// The Graph of a world.
    pub(crate) fn new(world: Arc<World>) -> Self {
        areas::install();
        Self {
            world,
            apart: Apart::new(),
        }
    }

    /// Answers a request. The edge has limited and buffered its body; Graph's own limit is an
    /// answer of its own.
    pub(crate) async fn serve(
        &self,
        mut parts: Parts,
        arrival: Arrival,
        body: Bytes,
    ) -> Response<body::Body> {
        if let Some(response) = gateway::instead(&parts.method, parts.version, &parts.headers) {
            return response;
        }
        let upload = parts.extensions.remove();
        let request = Request {
            upload,
            world: Arc::clone(&self.world),
            arrival: Arc::new(arrival),
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body,
        };
        // Its name has a `$`, be it encoded.
        let may_be_batch = request.uri.path().contains(['$', '%']);
        if may_be_batch && Path::parse(&request.uri).is_ok_and(|path| path.is_batch()) {
            self.apart.run(move || request.respond()).await
        } else {
            request.respond()
        }
    }
}

/// Graph as a service of its own.
#[cfg(test)]
pub(crate) fn router(world: Arc<World>) -> axum::Router {
    use http_body_util::BodyExt as _;

    let graph = Arc::new(Graph::new(world));
    axum::Router::new().fallback(async move |request: axum::extract::Request| {
        let (mut parts, body) = request.into_parts();
        let arrival: Arrival = parts.extensions.remove().expect("where it arrived");
        let body = body.collect().await.expect("a body").to_bytes();
        graph.serve(parts, arrival, body).await
    })
}

/// The largest request. Source: microsoftgraph/microsoft-graph-docs-contrib#682.
pub(crate) const MAX_BODY: usize = 4 << 20;

#[cfg(test)]
mod tests;
