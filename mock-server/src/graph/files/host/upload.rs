//! The fragments of an upload, and what comes of them.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answered;
use crate::drives::{Blob, Fragment, LIFE, Session};
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::files::draw::{self, Style};
use crate::graph::files::{refusal, session};
use crate::world::{Tenant, World};

/// A request to an upload session.
pub(super) struct Asked<'a> {
    pub(super) world: &'a Arc<World>,
    pub(super) tenant: &'a Arc<Tenant>,
    pub(super) origin: &'a str,
    pub(super) number: Uuid,
    pub(super) now: Timestamp,
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
    pub(super) fn put(
        &self,
        headers: &HeaderMap,
        upload: &Blob,
    ) -> Result<Response<Body>, GraphError> {
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
            if let Some(declared) = fragment.total {
                let total = *session.total.get_or_insert(declared);
                if total != declared {
                    return Err(refusal::other_total(total, declared));
                }
            }
            if session.total.is_some_and(|it| fragment.last >= it) {
                return Err(refusal::invalid(
                    "The Content-Range header goes beyond the length of the content.",
                ));
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
            let is_whole = session.total == Some(session.content.length());
            Ok((is_whole, session.deferred))
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
    pub(super) fn status(&self) -> Result<Response<Body>, GraphError> {
        let (expected, expires) = self.session(|session| Ok(expected(session)))?;
        Ok(answered(
            StatusCode::OK,
            &json!({"expirationDateTime": expires, "nextExpectedRanges": expected}),
        ))
    }

    /// Gives the upload up.
    pub(super) fn cancel(&self) -> Result<Response<Body>, GraphError> {
        self.session(|_| Ok(()))?;
        self.tenant
            .write_drives(|drives| drives.sessions.remove(&self.number));
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        Ok(response)
    }

    /// Makes the file. A session whose name was taken meanwhile stays.
    pub(super) fn commit(&self) -> Result<Response<Body>, GraphError> {
        let session = self.session(|session| {
            // Who does not say how long it is says when it is whole.
            let there = session.content.length();
            let open = session.total.is_none() && session.deferred && there > 0;
            if !open && session.total != Some(there) {
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
