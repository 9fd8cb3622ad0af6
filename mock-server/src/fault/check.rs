//! What can be told of a fault before it is set: one that never acts is a mistake.

use axum::http::{HeaderValue, Uri};
use jiff::fmt::rfc2822;

use super::set::Named;
use super::{Fault, FaultAction, FaultSurface, FaultTarget, FaultWhen, RetryAfter};
use crate::aadsts;
use crate::directory::{Event, EventError};
use crate::journal::GRANTS;
use crate::notation::did_you_mean;
use crate::random::Random;
use crate::world::Tenant;

/// Why a fault is not set.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FaultError {
    /// It names somebody whom the tenant does not have, or its event cannot happen.
    #[error(transparent)]
    Name(#[from] EventError),
    /// It would never act, or has a value that cannot be sent.
    #[error("{0}")]
    Wrong(String),
}

fn wrong<T>(text: impl Into<String>) -> Result<T, FaultError> {
    Err(FaultError::Wrong(text.into()))
}

impl Fault {
    /// Checks what needs no tenant: numbers, codes, and whether surface, grant and action fit.
    ///
    /// # Errors
    ///
    /// The fault would never act, or has a value that cannot be sent.
    pub fn check(&self) -> Result<(), FaultError> {
        self.on.check(&self.action)?;
        if let Some(when) = &self.when {
            when.check()?;
        }
        self.action.check()
    }

    /// Finds the app and the user by the tenant's names, and tries the event out.
    fn named(&self, tenant: &Tenant) -> Result<Named, EventError> {
        tenant.read(|directory| {
            let client = self.on.client.as_ref().map(|it| match it.parse() {
                // Any app may ask in this tenant, also one that is not yet there.
                Ok(id) => Ok(id),
                Err(_) => directory.app_id(it),
            });
            let user = self.on.user.as_ref().map(|it| directory.user_id(it));
            if let FaultAction::Event(event) = &self.action {
                // On a copy, and not with the seeded values that the world draws from.
                let tried = directory
                    .clone()
                    .apply(event, tenant.now(), &Random::seeded(0));
                // What is not possible now may be when the fault acts.
                if let Err(error) = tried
                    && error.is_of_a_name()
                {
                    return Err(error);
                }
            }
            Ok(Named {
                client: client.transpose()?,
                user: user.transpose()?,
            })
        })
    }
}

impl Tenant {
    /// Checks a fault and its names, and sets nothing.
    pub(crate) fn check_fault(&self, fault: &Fault) -> Result<(), FaultError> {
        fault.check()?;
        fault.named(self)?;
        Ok(())
    }

    /// Checks a fault and sets it; returns its number.
    pub(crate) fn set_fault(&self, fault: Fault) -> Result<u64, FaultError> {
        fault.check()?;
        let named = fault.named(self)?;
        let now = self.now().as_millisecond();
        Ok(self.faults.add(fault, named, now))
    }
}

impl FaultTarget {
    fn check(&self, action: &FaultAction) -> Result<(), FaultError> {
        let surfaces = &self.surface.0;
        let name = action.name();
        let sensible = action.surfaces();
        let fits = |it: &FaultSurface| *it == FaultSurface::Any || sensible.contains(it);
        if !sensible.is_empty() && !surfaces.is_empty() && !surfaces.iter().any(fits) {
            return wrong(format!(
                "'{name}' never acts on the surface {}: it belongs to {}",
                names(surfaces),
                names(sensible)
            ));
        }
        if let Some(path) = &self.path
            && !path.starts_with(['/', '*'])
        {
            return wrong(format!(
                "the path '{path}' fits no request: a path begins with '/' or '*'"
            ));
        }
        if let Some(grant) = &self.grant {
            if !GRANTS.contains(&grant.as_str()) {
                return wrong(format!(
                    "unknown grant '{grant}'{}: one of {}",
                    did_you_mean(grant, GRANTS),
                    GRANTS.join(", ")
                ));
            }
            let token = [FaultSurface::Any, FaultSurface::Token];
            if !surfaces.is_empty() && !surfaces.iter().any(|it| token.contains(it)) {
                return wrong(format!(
                    "only requests for tokens have a grant, not the surface {}",
                    names(surfaces)
                ));
            }
        }
        if matches!(action, FaultAction::Tls(_))
            && (self.path.is_some()
                || self.grant.is_some()
                || self.client.is_some()
                || self.user.is_some())
        {
            return wrong(
                "'tls' touches connections, of which only 'surface' and 'via' are known: leave \
                 'path', 'grant', 'client' and 'user' out",
            );
        }
        Ok(())
    }
}

impl FaultWhen {
    fn check(&self) -> Result<(), FaultError> {
        match self {
            Self::AfterEvent(name) => {
                let known = Event::names();
                if known.contains(name) {
                    return Ok(());
                }
                let nearest = did_you_mean(name, known.iter().map(String::as_str));
                wrong(format!("unknown event '{name}'{nearest}"))
            }
            Self::Nth(0) | Self::Every(0) | Self::Between { from: 0, .. } => {
                wrong("exchanges are counted from 1, so 0 never comes")
            }
            Self::Between { from, to } if from > to => wrong(format!(
                "from {from} to {to} is nothing: 'from' is the lower one"
            )),
            Self::Chance(chance) if !(*chance > 0.0 && *chance <= 1.0) => wrong(format!(
                "a chance of {chance} is none: write a number above 0 and up to 1, such as 0.5"
            )),
            Self::Until(span) if span.0.is_zero() => {
                wrong("'until' 0s has passed when the fault is set: write an amount such as 20m")
            }
            _ => Ok(()),
        }
    }
}

impl FaultAction {
    fn check(&self) -> Result<(), FaultError> {
        match self {
            Self::Aadsts(code) if aadsts::Row::find(*code).is_none() => wrong(format!(
                "AADSTS{code} is none of the codes that the mock knows; see data/aadsts-codes.csv"
            )),
            Self::Status(status) if !(200..=599).contains(status) => wrong(format!(
                "{status} is no HTTP status of an answer: write one from 200 to 599"
            )),
            Self::GraphError { status, code, .. } => {
                if !(400..=599).contains(status) {
                    return wrong(format!(
                        "{status} is no status of an error: write one from 400 to 599"
                    ));
                }
                if code.is_empty() {
                    return wrong("an error of Graph has a code, such as ErrorItemNotFound");
                }
                Ok(())
            }
            Self::Challenge(challenges) if challenges.is_empty() => {
                wrong("a challenge has a text, such as 'Bearer error=\"insufficient_claims\"'")
            }
            Self::Redirect(to) if !matches!(to.status(), 301..=303 | 307 | 308) => wrong(format!(
                "{} is no status of a redirect: write 301, 302, 303, 307 or 308",
                to.status()
            )),
            Self::Redirect(to) => {
                let to = to.to();
                // A scenario names hosts by placeholders.
                let uri: Option<Uri> = to.replace(['{', '}'], "-").parse().ok();
                if uri.is_none_or(|it| it.scheme().is_none() && !to.starts_with('/')) {
                    return wrong(format!(
                        "'{to}' is no address to redirect to: write a whole URL such as \
                         https://elsewhere.example/"
                    ));
                }
                Ok(())
            }
            Self::WrongContentType(kind)
                if !kind.contains('/') || HeaderValue::from_str(kind).is_err() =>
            {
                wrong(format!(
                    "'{kind}' is no content type: write one such as text/html"
                ))
            }
            Self::Edit { set, remove } if set.is_empty() && remove.is_empty() => {
                wrong("an edit without 'set' and 'remove' changes nothing")
            }
            Self::Throttle {
                retry_after: Some(_),
                verbatim: Some(_),
                ..
            } => wrong("'retry-after' and 'verbatim' are the same header: say one of them"),
            Self::Throttle {
                verbatim: Some(text),
                ..
            } if HeaderValue::from_str(text).is_err() => wrong(format!(
                "'{}' cannot be sent in a header",
                text.escape_debug()
            )),
            Self::Throttle {
                retry_after: Some(after),
                as_date,
                ..
            } => check_retry_after(after, *as_date),
            Self::Throttle { as_date: true, .. } => {
                wrong("'as-date' needs the seconds in 'retry-after'")
            }
            Self::Delay(span) | Self::SlowBody(span) => {
                if span.0.is_zero() || span.0.as_secs() > LONGEST_WAIT {
                    return wrong(format!(
                        "'{span}' is no delay: write an amount of real time up to 10m, such as \
                         500ms"
                    ));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn check_retry_after(after: &RetryAfter, as_date: bool) -> Result<(), FaultError> {
    let text = after.to_string();
    if after.seconds().is_some() {
        return Ok(());
    }
    if as_date {
        return wrong(format!(
            "'as-date' needs seconds in 'retry-after', not '{text}'"
        ));
    }
    if rfc2822::parse(&text).is_err() {
        return wrong(format!(
            "'{text}' is neither a number of seconds nor an HTTP date such as \
             'Wed, 21 Oct 2026 07:28:00 GMT'; 'verbatim' sends what is wrong on purpose"
        ));
    }
    Ok(())
}

fn names(surfaces: &[FaultSurface]) -> String {
    let names = surfaces.iter().filter_map(|it| {
        let name = serde_json::to_value(it).ok()?;
        Some(format!("'{}'", name.as_str()?))
    });
    names.collect::<Vec<_>>().join(", ")
}

/// In seconds of real time.
const LONGEST_WAIT: i64 = 600;

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fault: &str) -> Result<(), String> {
        let fault: Fault = serde_json::from_str(fault).map_err(|error| error.to_string())?;
        fault.check().map_err(|error| error.to_string())
    }

    #[test]
    fn a_fault_that_never_acts_is_refused_with_its_reason() {
        for (fault, reason) in [
            (r#"{"when": {"nth": 0}, "do": "empty"}"#, "counted from 1"),
            (r#"{"when": {"every": 0}, "do": "empty"}"#, "counted from 1"),
            (
                r#"{"when": {"between": {"from": 3, "to": 2}}, "do": "empty"}"#,
                "from 3 to 2 is nothing",
            ),
            (
                r#"{"when": {"chance": 1.5}, "do": "empty"}"#,
                "a chance of 1.5",
            ),
            (r#"{"when": {"chance": 0}, "do": "empty"}"#, "a chance of 0"),
            (r#"{"when": {"until": "0s"}, "do": "empty"}"#, "has passed"),
            (
                r#"{"when": {"after-event": "disable-usr"}, "do": "empty"}"#,
                "did you mean 'disable-user'?",
            ),
            (
                r#"{"on": {"surface": "graph"}, "do": {"aadsts": 50173}}"#,
                "'aadsts' never acts on the surface 'graph'",
            ),
            (
                r#"{"on": {"surface": ["token", "keys"]}, "do": "claims-challenge"}"#,
                "it belongs to 'graph'",
            ),
            (
                r#"{"on": {"surface": "graph", "grant": "refresh_token"}, "do": "empty"}"#,
                "only requests for tokens have a grant",
            ),
            (
                r#"{"on": {"grant": "refresh"}, "do": "empty"}"#,
                "unknown grant 'refresh'",
            ),
            (
                r#"{"on": {"path": "v1.0/me"}, "do": "empty"}"#,
                "begins with '/'",
            ),
            (
                r#"{"on": {"user": "alice"}, "do": {"tls": "expired"}}"#,
                "touches connections",
            ),
            (r#"{"do": {"aadsts": 1}}"#, "AADSTS1 is none"),
            (r#"{"do": {"status": 99}}"#, "99 is no HTTP status"),
            (
                r#"{"do": {"graph-error": {"status": 200, "code": "x"}}}"#,
                "200 is no status of an error",
            ),
            (
                r#"{"do": {"redirect": "elsewhere"}}"#,
                "no address to redirect to",
            ),
            (
                r#"{"do": {"wrong-content-type": "html"}}"#,
                "no content type",
            ),
            (
                r#"{"do": {"throttle": {"retry-after": "soon"}}}"#,
                "neither a number of seconds nor an HTTP date",
            ),
            (
                r#"{"do": {"throttle": {"as-date": true}}}"#,
                "needs the seconds",
            ),
            (r#"{"do": {"delay": "0s"}}"#, "is no delay"),
            (r#"{"do": {"delay": "11m"}}"#, "up to 10m"),
            (r#"{"do": {"delay": 500}}"#, "invalid type"),
        ] {
            let refused = check(fault).expect_err(fault);
            assert!(refused.contains(reason), "{fault}: {refused}");
        }
    }

    #[test]
    fn good_faults_pass() {
        for fault in [
            r#"{"do": "empty"}"#,
            r#"{"on": {"surface": ["graph", "any"]}, "do": {"aadsts": 50173}}"#,
            r#"{"on": {"surface": "token", "grant": "refresh_token"}, "do": "lose-response"}"#,
            r#"{"do": {"throttle": {"retry-after": 7}}}"#,
            r#"{"do": {"throttle": {"retry-after": "7", "as-date": true}}}"#,
            r#"{"do": {"throttle": {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}}}"#,
            r#"{"do": {"throttle": {}}}"#,
            r#"{"do": {"delay": "500ms"}}"#,
            r#"{"on": {"surface": "graph"}, "do": {"tls": "untrusted"}}"#,
            r#"{"do": {"redirect": "https://elsewhere.example/"}}"#,
        ] {
            assert_eq!(check(fault), Ok(()), "{fault}");
        }
    }
}
