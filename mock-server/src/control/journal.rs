//! The journal: read, waited for, followed.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::routing;
use futures_util::stream;
use tokio::sync::broadcast::error::RecvError;

use super::problem::{Problem, json_response};
use crate::directory::TenantId;
use crate::journal::Entry;
use crate::server::Core;

pub(super) fn routes() -> Router<Arc<Core>> {
    Router::new()
        .route("/api/v1/journal", routing::get(read).delete(clear))
        .route("/api/v1/journal/follow", routing::get(follow))
}

/// `?since=N` skips older entries, `tenant=ID` others' entries, `wait=SECONDS` waits (at most a
/// minute) until there is one.
async fn read(State(core): State<Arc<Core>>, RawQuery(query): RawQuery) -> Response<Body> {
    let query = query.unwrap_or_default();
    let mut since = 0;
    let mut wait = 0;
    let mut tenant: Option<TenantId> = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let parsed = match &*name {
            "since" => value.parse().map(|it| since = it).is_ok(),
            "wait" => value.parse().map(|it: u64| wait = it.min(60)).is_ok(),
            "tenant" => value.parse().map(|it| tenant = Some(it)).is_ok(),
            _ => false,
        };
        if !parsed {
            return Problem::new(StatusCode::BAD_REQUEST, "unknown or malformed parameter")
                .detail(format!(
                    "'{name}={value}': expected since=NUMBER, wait=SECONDS or tenant=ID"
                ))
                .respond();
        }
    }
    let journal = &core.world.journal;
    let fits = |entry: &Entry| tenant.is_none_or(|tenant| entry.tenant() == Some(tenant));
    let mut feed = journal.follow();
    let collect = || -> Vec<_> {
        journal
            .since(since)
            .into_iter()
            .filter(|entry| fits(entry))
            .collect()
    };
    let mut entries = collect();
    if entries.is_empty() && wait > 0 {
        let deadline = Duration::from_secs(wait);
        let _ = tokio::time::timeout(deadline, async {
            while let Ok(entry) = feed.recv().await {
                if entry.number() > since && fits(&entry) {
                    break;
                }
            }
        })
        .await;
        entries = collect();
    }
    json_response(StatusCode::OK, &entries)
}

async fn clear(State(core): State<Arc<Core>>) -> Response<Body> {
    core.world.journal.clear();
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// Entries as they are written, as server-sent events.
async fn follow(State(core): State<Arc<Core>>) -> Response<Body> {
    let feed = core.world.journal.follow();
    let events = stream::unfold(feed, |mut feed| async move {
        match feed.recv().await {
            Ok(entry) => {
                let json = serde_json::to_string(&*entry).unwrap_or_default();
                let event = format!("id: {}\ndata: {json}\n\n", entry.number());
                Some((Ok::<_, Infallible>(event), feed))
            }
            // A slow reader loses the oldest, and is told.
            Err(RecvError::Lagged(lost)) => {
                Some((Ok(format!("event: lost\ndata: {lost}\n\n")), feed))
            }
            Err(RecvError::Closed) => None,
        }
    });
    let mut response = Response::new(Body::from_stream(events));
    let kind = HeaderValue::from_static("text/event-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
