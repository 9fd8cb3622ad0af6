//! How contents go up: at once, or in fragments by a session that outlives a lost connection.
//!
//! Source: learn.microsoft.com/graph/api/driveitem-put-content, /driveitem-createuploadsession
//! ("Resuming an in-progress upload", "Upload errors").

use reqwest::header::CONTENT_RANGE;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::files::{CONFLICT, raw};
use super::graph::Session;
use super::http::throttled;
use super::mutant::Mutant;
use super::problem::Problem;
use crate::case::Category;

/// Where a content goes.
pub(super) struct Place {
    /// `…/root:/Reports/May.txt`, without the colon that closes it.
    pub(super) path: String,
    /// What happens where the name is taken; nothing, and what is there is written over.
    pub(super) conflict: Option<String>,
}

/// Sends a content with one request.
pub(super) async fn at_once(
    session: &Session<'_>,
    place: &Place,
    bytes: &[u8],
) -> Result<Value, Problem> {
    let mut url = session.url(&format!("{}:/content", place.path))?;
    if let Some(conflict) = &place.conflict {
        url.query_pairs_mut().append_pair(CONFLICT, conflict);
    }
    let answer = session.exchange(&Method::PUT, &url, Some(raw(bytes)));
    answer.await?.read()
}

/// Sends a content in fragments. A session that is gone is begun anew, once.
pub(super) async fn by_session(
    session: &Session<'_>,
    place: &Place,
    bytes: &[u8],
) -> Result<Value, Problem> {
    let mut begun = 0;
    loop {
        begun += 1;
        let path = format!("{}:/createUploadSession", place.path);
        let mut body = json!({});
        if let Some(conflict) = &place.conflict {
            body["item"] = json!({ CONFLICT: conflict });
        }
        let made = session.send(Method::POST, &path, &[], Some(&body)).await?;
        let url = made["uploadUrl"].as_str().ok_or_else(|| {
            Problem::unavailable("Microsoft Graph names no address for the upload")
        })?;
        let last = begun > 1 || session.connection.is(Mutant::GivesUpEndedUploads);
        match send_all(session, url, bytes).await? {
            Sent::Whole(item) => return Ok(item),
            Sent::Gone if last => {
                return Err(Problem::unavailable("the upload session has ended"));
            }
            Sent::Gone => {}
        }
    }
}

/// How an upload ended.
enum Sent {
    /// All is there: the item.
    Whole(Value),
    /// There is no such session (any more).
    Gone,
}

/// Sends what the session wants next, until it has all.
async fn send_all(session: &Session<'_>, url: &str, bytes: &[u8]) -> Result<Sent, Problem> {
    let is = |mutant| session.connection.is(mutant);
    let mut from = 0;
    let mut lost = 0;
    while from < bytes.len() {
        let to = bytes.len().min(from + FRAGMENT);
        let range = format!("bytes {from}-{}/{}", to - 1, bytes.len());
        let fragment = bytes[from..to].to_vec();
        let put = |request: RequestBuilder| {
            let request = request.header(CONTENT_RANGE, &range);
            request.body(fragment.clone())
        };
        let answer = session.at_site(Method::PUT, url, put).await;
        let (status, body) = match answer {
            Ok(answer) => answer,
            Err(problem) if problem.category != Category::Unavailable => return Err(problem),
            Err(problem) if lost >= LOST || is(Mutant::GivesUpLostFragments) => {
                return Err(problem);
            }
            Err(_) if is(Mutant::TakesLostFragmentsForWritten) => {
                from = to;
                continue;
            }
            Err(_) => {
                // Whether it arrived, the session knows.
                lost += 1;
                match expected(session, url).await? {
                    Some(next) => from = next,
                    None => return Ok(Sent::Gone),
                }
                continue;
            }
        };
        match status {
            StatusCode::ACCEPTED => from = next(&body).unwrap_or(to),
            it if it.is_success() => return Ok(Sent::Whole(body)),
            StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(Sent::Gone),
            StatusCode::RANGE_NOT_SATISFIABLE if is(Mutant::TakesLostFragmentsForWritten) => {
                from = to;
            }
            StatusCode::RANGE_NOT_SATISFIABLE if lost < LOST => {
                lost += 1;
                match expected(session, url).await? {
                    Some(next) => from = next,
                    None => return Ok(Sent::Gone),
                }
            }
            other => return Err(refused(other, &body)),
        }
    }
    if is(Mutant::TakesLostFragmentsForWritten) {
        return Ok(Sent::Whole(json!({})));
    }
    Err(Problem::unavailable(
        "the upload session has all fragments, and makes no file of them",
    ))
}

/// The first byte that the session misses; nothing where there is no such session.
async fn expected(session: &Session<'_>, url: &str) -> Result<Option<usize>, Problem> {
    let (status, body) = session.at_site(Method::GET, url, |it| it).await?;
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
        it if it.is_success() => Ok(Some(next(&body).unwrap_or_default())),
        other => Err(refused(other, &body)),
    }
}

fn next(body: &Value) -> Option<usize> {
    let range = body["nextExpectedRanges"][0].as_str()?;
    range.split('-').next()?.parse().ok()
}

fn refused(status: StatusCode, body: &Value) -> Problem {
    let code = body["error"]["code"].as_str().unwrap_or_default();
    let message = format!("the upload was answered {status} {code}");
    match status {
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => {
            Problem::new(Category::Conflict, message)
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Problem::new(Category::AccessDenied, message)
        }
        other if other == StatusCode::TOO_MANY_REQUESTS || other.is_server_error() => {
            throttled(other, None, message)
        }
        _ => Problem::new(Category::InvalidConfiguration, message),
    }
}

/// Larger ones go by a session: bytes.
pub(super) const SIMPLE: usize = 4 << 20;

/// The length of a fragment, a multiple of 320 KiB: bytes.
const FRAGMENT: usize = 320 << 10;

/// So many lost answers in an upload are borne.
const LOST: u32 = 5;
