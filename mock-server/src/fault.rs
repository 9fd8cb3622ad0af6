//! Faults: what goes wrong on purpose. A fault says which exchanges it may touch, which of them it
//! touches, and what it does; acting is the server's part.

use parking_lot::Mutex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::directory::{ApplicationId, Event, ObjectId};
use crate::journal::Surface;
use crate::random::Random;

/// A scripted misbehaviour of the service or of the network, in one tenant.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fault {
    /// Which exchanges it may touch; all if absent.
    #[serde(default)]
    pub on: FaultTarget,
    /// Which of them it touches; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<FaultWhen>,
    /// What it does.
    #[serde(rename = "do")]
    pub action: FaultAction,
}

/// Which exchanges a fault may touch: those that fit all that is said.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct FaultTarget {
    /// The surfaces; any if empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub surfaces: Vec<FaultSurface>,
    /// The path, `*` for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The grant type in its short spelling, such as `refresh_token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// The app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ApplicationId>,
    /// The user, as far as the token tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<ObjectId>,
}

/// A surface that faults act on.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names of the surfaces")]
pub enum FaultSurface {
    Any,
    Authorize,
    Discovery,
    Graph,
    Keys,
    Token,
}

/// Which of the exchanges a fault touches, counted from 1.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FaultWhen {
    /// Those after an event of this name.
    AfterEvent(String),
    /// From one to another.
    Between {
        /// The first.
        from: u32,
        /// The last.
        to: u32,
    },
    /// Each with this probability.
    Chance(f64),
    /// Every so many.
    Every(u32),
    /// The one with this number.
    Nth(u32),
    /// Those within so many seconds of the tenant's time.
    Until(u32),
}

/// What a fault does.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum FaultAction {
    /// The request has no effect; the answer is this AADSTS code.
    Aadsts(u32),
    /// Answers so many milliseconds late.
    Delay(u64),
    /// Answers without a body.
    Empty,
    /// An event happens at that very request, before it is handled.
    Event(Event),
    /// The request has no effect; the answer is this error of Graph.
    GraphError {
        /// The HTTP status.
        status: u16,
        /// The error's code.
        code: String,
    },
    /// Answers with a body of a gigabyte.
    HugeBody,
    /// The request takes effect, and the connection ends without an answer.
    LoseResponse,
    /// Answers with JSON that ends too early.
    MalformedJson,
    /// The request has no effect; the answer leads elsewhere.
    Redirect(String),
    /// The connection breaks.
    Reset(ResetAt),
    /// Answers slowly, over so many milliseconds.
    SlowBody(u64),
    /// The request has no effect; the answer has this HTTP status and no reason.
    Status(u16),
    /// The request has no effect: 429.
    Throttle {
        /// The value of `Retry-After`: seconds or an HTTP date; none if absent.
        #[serde(default, rename = "retry-after")]
        retry_after: Option<String>,
    },
    /// Announces the whole answer, and sends half of it.
    Truncate,
    /// Answers with another content type.
    WrongContentType(String),
}

/// Where a connection breaks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResetAt {
    /// After the headers of the answer.
    AfterHeaders,
    /// Before the request is handled.
    BeforeHeaders,
    /// In the middle of the answer's body.
    MidBody,
}

impl FaultAction {
    /// The name, such as `throttle`.
    pub fn name(&self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            Ok(serde_json::Value::Object(map)) => map
                .into_iter()
                .next()
                .map(|(name, _)| name)
                .unwrap_or_default(),
            _ => String::new(),
        }
    }
}

/// What is known of an exchange before it is handled.
#[derive(Clone, Debug, Default)]
pub struct FaultFacts {
    /// The surface.
    pub surface: Option<Surface>,
    /// The path.
    pub path: String,
    /// The grant type in its short spelling.
    pub grant: Option<String>,
    /// The app.
    pub client: Option<ApplicationId>,
    /// The user.
    pub user: Option<ObjectId>,
}

/// The faults of a tenant.
#[derive(Debug, Default)]
pub struct Faults {
    set: Mutex<Vec<Active>>,
}

#[derive(Clone, Debug)]
struct Active {
    number: u64,
    fault: Fault,
    /// How many exchanges could have been touched.
    met: u32,
    /// When it was set, in seconds of the tenant's time.
    since: i64,
    /// Whether the event came after which it acts.
    event_came: bool,
}

impl Faults {
    /// Sets a fault, and returns its number.
    pub fn add(&self, fault: Fault, now: i64) -> u64 {
        let mut set = self.set.lock();
        let number = set.last().map_or(1, |last| last.number + 1);
        set.push(Active {
            number,
            fault,
            met: 0,
            since: now,
            event_came: false,
        });
        number
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        self.set.lock().clear();
    }

    /// The faults with their numbers.
    pub fn list(&self) -> Vec<(u64, Fault)> {
        let set = self.set.lock();
        set.iter().map(|it| (it.number, it.fault.clone())).collect()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.set.lock().is_empty()
    }

    /// Takes note that an event happened.
    pub(crate) fn event_happened(&self, name: &str) {
        for active in self.set.lock().iter_mut() {
            if matches!(&active.fault.when, Some(FaultWhen::AfterEvent(wanted)) if wanted == name) {
                active.event_came = true;
            }
        }
    }

    /// The fault that touches an exchange: the first that fits. All that fit count it.
    pub(crate) fn touching(
        &self,
        facts: &FaultFacts,
        now: i64,
        random: &Random,
    ) -> Option<(u64, FaultAction)> {
        let mut touched = None;
        for active in self.set.lock().iter_mut() {
            if !active.fault.on.fits(facts) {
                continue;
            }
            active.met += 1;
            if touched.is_none() && active.acts(now, random) {
                touched = Some((active.number, active.fault.action.clone()));
            }
        }
        touched
    }
}

impl Active {
    fn acts(&self, now: i64, random: &Random) -> bool {
        match &self.fault.when {
            None => true,
            Some(FaultWhen::AfterEvent(_)) => self.event_came,
            Some(FaultWhen::Between { from, to }) => (*from..=*to).contains(&self.met),
            Some(FaultWhen::Chance(chance)) => {
                let drawn = u32::from_be_bytes(random.bytes::<4>());
                f64::from(drawn) / f64::from(u32::MAX) < *chance
            }
            Some(FaultWhen::Every(every)) => *every > 0 && self.met.is_multiple_of(*every),
            Some(FaultWhen::Nth(nth)) => self.met == *nth,
            Some(FaultWhen::Until(seconds)) => now - self.since < i64::from(*seconds),
        }
    }
}

impl FaultTarget {
    fn fits(&self, facts: &FaultFacts) -> bool {
        let surface = self.surfaces.is_empty()
            || self.surfaces.iter().any(|wanted| match wanted {
                FaultSurface::Any => true,
                FaultSurface::Authorize => facts.surface == Some(Surface::Authorize),
                FaultSurface::Discovery => facts.surface == Some(Surface::Discovery),
                FaultSurface::Graph => facts.surface == Some(Surface::Graph),
                FaultSurface::Keys => facts.surface == Some(Surface::Keys),
                FaultSurface::Token => facts.surface == Some(Surface::Token),
            });
        surface
            && self.path.as_ref().is_none_or(|it| is_like(it, &facts.path))
            && (self.grant.is_none() || self.grant == facts.grant)
            && (self.client.is_none() || self.client == facts.client)
            && (self.user.is_none() || self.user == facts.user)
    }
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn is_like(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let Some(last) = pattern.contains('*').then(|| parts.next_back()).flatten() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(path: &str) -> FaultFacts {
        FaultFacts {
            surface: Some(Surface::Graph),
            path: path.to_owned(),
            ..FaultFacts::default()
        }
    }

    fn touched(when: Option<FaultWhen>, times: i64) -> Vec<i64> {
        let faults = Faults::default();
        let random = Random::seeded(1);
        let fault = Fault {
            on: FaultTarget {
                surfaces: vec![FaultSurface::Graph],
                ..FaultTarget::default()
            },
            when,
            action: FaultAction::Status(503),
        };
        faults.add(fault, 0);
        (1..=times)
            .filter(|now| faults.touching(&facts("/v1.0/me"), *now, &random).is_some())
            .collect()
    }

    #[test]
    fn each_trigger_picks_its_exchanges() {
        assert_eq!(touched(None, 3), [1, 2, 3]);
        assert_eq!(touched(Some(FaultWhen::Nth(2)), 4), [2]);
        assert_eq!(touched(Some(FaultWhen::Every(3)), 7), [3, 6]);
        let between = FaultWhen::Between { from: 2, to: 3 };
        assert_eq!(touched(Some(between), 5), [2, 3]);
        assert_eq!(touched(Some(FaultWhen::Until(3)), 5), [1, 2]);
        assert!(touched(Some(FaultWhen::Chance(0.0)), 20).is_empty());
        assert_eq!(touched(Some(FaultWhen::Chance(1.0)), 5).len(), 5);
        let some = touched(Some(FaultWhen::Chance(0.5)), 100).len();
        assert!((30..70).contains(&some), "{some}");
    }

    #[test]
    fn an_event_switches_a_fault_on() {
        let faults = Faults::default();
        let random = Random::seeded(1);
        let fault = Fault {
            on: FaultTarget::default(),
            when: Some(FaultWhen::AfterEvent("disable-user".to_owned())),
            action: FaultAction::Empty,
        };
        faults.add(fault, 0);
        assert!(faults.touching(&facts("/"), 1, &random).is_none());
        faults.event_happened("enable-user");
        assert!(faults.touching(&facts("/"), 1, &random).is_none());
        faults.event_happened("disable-user");
        assert!(faults.touching(&facts("/"), 1, &random).is_some());
    }

    #[test]
    fn paths_are_matched_with_stars() {
        for (pattern, path, fits) in [
            ("/v1.0/me", "/v1.0/me", true),
            ("/v1.0/me", "/v1.0/me/messages", false),
            ("*/messages", "/v1.0/me/messages", true),
            ("/v1.0/*/messages*", "/v1.0/users/a/messages/1", true),
            ("/v1.0/*", "/beta/me", false),
            ("*", "", true),
        ] {
            assert_eq!(is_like(pattern, path), fits, "{pattern} {path}");
        }
    }
}
