//! What reviewers decide about consent requests.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::super::{ApplicationId, ConsentRequest, ConsentRequestStatus, Directory, Review};
use super::EventError;
use super::apply::{graph, later};
use crate::random::Random;

impl Directory {
    /// A user asks; the reviewers of this moment will see it.
    pub(super) fn request_consent(
        &mut self,
        app: &str,
        user: &str,
        scopes: &[String],
        reason: String,
        now: Timestamp,
        random: &Random,
    ) -> Result<(), EventError> {
        let client = self.app_id(app)?;
        let user = self.user_id(user)?;
        let policy = &self.policies.admin_consent_requests;
        let days = i64::from(policy.duration_days);
        let reviewers = policy.reviewers.clone();
        self.consent_requests.push(ConsentRequest {
            id: random.uuid(),
            client,
            user,
            scopes: by_resource(scopes),
            reason,
            created: now,
            expires: later(now, SignedDuration::from_hours(24 * days)),
            status: ConsentRequestStatus::Pending,
            reviewers,
            review: None,
        });
        Ok(())
    }

    /// Decides about all open requests for an app.
    pub(super) fn close_requests(
        &mut self,
        app: &str,
        status: ConsentRequestStatus,
        justification: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<ConsentRequest>, EventError> {
        let client = self.app_id(app)?;
        let mut closed = Vec::new();
        for request in &mut self.consent_requests {
            let open = request.status == ConsentRequestStatus::Pending && request.expires > now;
            if request.client == client && open {
                request.status = status;
                request.review = Some(Review {
                    at: now,
                    justification: justification.map(str::to_owned),
                });
                closed.push(request.clone());
            }
        }
        if closed.is_empty() {
            return Err(EventError::NotPossible(format!(
                "no consent request for app '{app}' is open"
            )));
        }
        Ok(closed)
    }
}

/// Permissions by API: `Mail.Read` is Graph's, `{application id}/{scope}` another API's.
fn by_resource(scopes: &[String]) -> Vec<(ApplicationId, BTreeSet<String>)> {
    let mut all: Vec<(ApplicationId, BTreeSet<String>)> = Vec::new();
    for scope in scopes {
        let qualified = scope
            .split_once('/')
            .and_then(|(resource, name)| Some((resource.parse().ok()?, name)));
        let (resource, name) = qualified.unwrap_or((graph(), scope.as_str()));
        match all.iter_mut().find(|(it, _)| *it == resource) {
            Some((_, names)) => {
                names.insert(name.to_owned());
            }
            None => all.push((resource, BTreeSet::from([name.to_owned()]))),
        }
    }
    all
}
