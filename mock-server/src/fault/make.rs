//! Faults as a test says them: `Fault::throttle(3).at(FaultSurface::Graph).once()`. All kinds have a
//! [`FaultAction`]; how often and when is a [`FaultWhen`].

use jiff::SignedDuration;

use super::{Fault, FaultAction, FaultSurface, FaultTarget, FaultWhen, ResetAt, RetryAfter};
use crate::notation::Span;

impl Fault {
    /// Does something with every exchange, until more is said.
    pub fn new(action: FaultAction) -> Self {
        Self {
            on: FaultTarget::default(),
            when: None,
            action,
        }
    }

    /// 429 with a `Retry-After` of so many seconds.
    pub fn throttle(seconds: u32) -> Self {
        Self::new(FaultAction::Throttle {
            retry_after: Some(RetryAfter::Seconds(seconds)),
            as_date: false,
            verbatim: None,
        })
    }

    /// An HTTP status without a reason, such as 503.
    pub fn status(status: u16) -> Self {
        Self::new(FaultAction::Status(status))
    }

    /// A refusal of the token service with this AADSTS code.
    pub fn aadsts(code: u32) -> Self {
        Self::new(FaultAction::Aadsts(code))
    }

    /// Answers late.
    pub fn delay(by: SignedDuration) -> Self {
        Self::new(FaultAction::Delay(Span(by)))
    }

    /// The request takes effect, and the connection ends without an answer.
    pub fn lose_response() -> Self {
        Self::new(FaultAction::LoseResponse)
    }

    /// The connection breaks.
    pub fn reset(at: ResetAt) -> Self {
        Self::new(FaultAction::Reset(at))
    }

    /// Only exchanges of a surface, or of several: `.at(FaultSurface::Graph)`.
    #[must_use]
    pub fn at(mut self, surface: FaultSurface) -> Self {
        self.on.surface.0.push(surface);
        self
    }

    /// Only exchanges with a path, in which `*` is any text.
    #[must_use]
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.on.path = Some(path.into());
        self
    }

    /// Only token requests of a grant in its short spelling, such as `refresh_token`.
    #[must_use]
    pub fn grant(mut self, grant: impl Into<String>) -> Self {
        self.on.grant = Some(grant.into());
        self
    }

    /// Only exchanges of an app, by alias or application id.
    #[must_use]
    pub fn client(mut self, app: impl Into<String>) -> Self {
        self.on.client = Some(app.into());
        self
    }

    /// Only exchanges of a user, by alias, sign-in name or object id.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.on.user = Some(user.into());
        self
    }

    /// Only some of them.
    #[must_use]
    pub fn when(mut self, when: FaultWhen) -> Self {
        self.when = Some(when);
        self
    }

    /// Only the first of them.
    #[must_use]
    pub fn once(self) -> Self {
        self.when(FaultWhen::Nth(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_what_files_say() {
        let made = Fault::throttle(3)
            .at(FaultSurface::Graph)
            .path("/v1.0/me/*")
            .client("own-app")
            .user("alice")
            .once();
        let written = "on: {surface: graph, path: /v1.0/me/*, client: own-app, user: alice}\n\
             when: {nth: 1}\ndo: {throttle: {retry-after: 3}}";
        assert_eq!(made, crate::notation::read("fault", written).unwrap());
        let made = Fault::delay(SignedDuration::from_secs(2)).grant("refresh_token");
        let written = "{on: {grant: refresh_token}, do: {delay: 2s}}";
        assert_eq!(made, crate::notation::read("fault", written).unwrap());
    }
}
