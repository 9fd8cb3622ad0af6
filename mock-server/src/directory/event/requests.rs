//! What reviewers decide about consent requests.

use jiff::{SignedDuration, Timestamp};

use super::super::{ConsentRequest, ConsentRequestStatus, ConsentType, Directory, Review};
use super::account::called;
use super::apply::later;
use super::{Applied, EventError};
use crate::permission::PermissionKind;
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
    ) -> Result<Applied, EventError> {
        let client = self.app_id(app)?;
        let name = self.app_name(app)?;
        let scopes = self.permissions(scopes, PermissionKind::Delegated)?;
        let who = called(self.user_mut(user)?);
        let user = self.user_id(user)?;
        let policy = &self.policies.admin_consent_requests;
        let days = i64::from(policy.duration_days);
        let reviewers = policy.reviewers.clone();
        self.consent_requests.push(ConsentRequest {
            id: random.uuid(),
            client,
            user,
            scopes,
            reason,
            created: now,
            expires: later(now, SignedDuration::from_hours(24 * days)),
            status: ConsentRequestStatus::Pending,
            reviewers,
            review: None,
        });
        Ok(Applied::changed(format!(
            "a request of {who} for {name} is open for {days} days"
        )))
    }

    pub(super) fn approve_request(
        &mut self,
        app: &str,
        now: Timestamp,
        random: &Random,
    ) -> Result<Applied, EventError> {
        let approved = ConsentRequestStatus::Approved;
        let closed = self.close_requests(app, approved, None, now)?;
        self.principal_or_new(app, now, random)?;
        let count = closed.len();
        for request in closed {
            for (resource, scopes) in request.scopes {
                let everybody = ConsentType::AllPrincipals;
                self.grant(random.uuid(), request.client, resource, everybody, scopes);
            }
        }
        Ok(Applied::changed(format!(
            "{count} request(s) for {} approved: consent for the tenant",
            self.app_name(app)?
        )))
    }

    pub(super) fn deny_request(
        &mut self,
        app: &str,
        justification: Option<&str>,
        now: Timestamp,
    ) -> Result<Applied, EventError> {
        let denied = ConsentRequestStatus::Denied;
        let closed = self.close_requests(app, denied, justification, now)?;
        Ok(Applied::changed(format!(
            "{} request(s) for {} denied",
            closed.len(),
            self.app_name(app)?
        )))
    }

    pub(super) fn block_request(
        &mut self,
        app: &str,
        justification: Option<&str>,
        now: Timestamp,
        random: &Random,
    ) -> Result<Applied, EventError> {
        let blocked = ConsentRequestStatus::Blocked;
        let closed = self.close_requests(app, blocked, justification, now)?;
        self.principal_or_new(app, now, random)?.enabled = false;
        Ok(Applied::changed(format!(
            "{} request(s) for {name} blocked, and {name} disabled",
            closed.len(),
            name = self.app_name(app)?
        )))
    }

    /// Decides about all open requests for an app.
    fn close_requests(
        &mut self,
        app: &str,
        status: ConsentRequestStatus,
        justification: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<ConsentRequest>, EventError> {
        let client = self.app_id(app)?;
        let mut closed = Vec::new();
        for request in self.consent_requests.iter_mut() {
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
