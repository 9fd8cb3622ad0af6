//! The faults of a tenant, and which of them touches an exchange.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Fault, FaultAction, FaultSurface, FaultTarget, FaultWhen};
use crate::directory::{ApplicationId, ObjectId};
use crate::journal::Surface;
use crate::lock::{Mutex, rank};
use crate::random::Random;

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
    /// The label of the proxy listener.
    pub via: Option<String>,
}

/// The faults of a tenant.
#[derive(Debug, Default)]
pub struct Faults {
    set: Mutex<rank::Faults, Set>,
}

#[derive(Debug, Default)]
struct Set {
    /// How many were ever set: a number is never given twice.
    numbers: u64,
    active: Vec<Active>,
}

/// A fault that is set, with what it did so far.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FaultStatus {
    /// Its number, which the journal names.
    pub number: u64,
    /// How many exchanges fitted it.
    pub met: u32,
    /// How many of them it touched.
    pub touched: u32,
    /// What it does, and to which exchanges.
    pub fault: Fault,
}

#[derive(Clone, Debug)]
struct Active {
    number: u64,
    fault: Fault,
    /// The app and the user that the target names.
    named: Named,
    /// How many exchanges could have been touched.
    met: u32,
    /// How many were.
    touched: u32,
    /// When it was set, in milliseconds of the tenant's time.
    since: i64,
    /// Whether the event came after which it acts.
    event_came: bool,
}

/// The app and the user that a target names, by their ids.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Named {
    pub(super) client: Option<ApplicationId>,
    pub(super) user: Option<ObjectId>,
}

impl Faults {
    /// Sets a fault that was checked, and returns its number.
    pub(super) fn add(&self, fault: Fault, named: Named, now: i64) -> u64 {
        self.set.write(|set| {
            set.numbers += 1;
            let number = set.numbers;
            set.active.push(Active {
                number,
                fault,
                named,
                met: 0,
                touched: 0,
                since: now,
                event_came: false,
            });
            number
        })
    }

    /// Takes a fault away; returns whether it was there.
    pub fn remove(&self, number: u64) -> bool {
        self.set.write(|set| {
            let before = set.active.len();
            set.active.retain(|it| it.number != number);
            set.active.len() < before
        })
    }

    /// Takes all faults away.
    pub fn clear(&self) {
        self.set.write(|it| it.active.clear());
    }

    /// The faults that are set, oldest first.
    pub fn list(&self) -> Vec<FaultStatus> {
        self.set.read(|set| {
            let active = set.active.iter();
            active
                .map(|it| FaultStatus {
                    number: it.number,
                    met: it.met,
                    touched: it.touched,
                    fault: it.fault.clone(),
                })
                .collect()
        })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.set.read(|it| it.active.is_empty())
    }

    /// Takes note that an event happened.
    pub(crate) fn event_happened(&self, name: &str) {
        self.set.write(|set| {
            for active in &mut set.active {
                if matches!(&active.fault.when, Some(FaultWhen::AfterEvent(it)) if it == name) {
                    active.event_came = true;
                }
            }
        });
    }

    /// The fault that touches an exchange, at a moment in milliseconds of the tenant's time: the
    /// first that fits. All that fit count it.
    pub(crate) fn touching(
        &self,
        facts: &FaultFacts,
        now: i64,
        random: &Random,
    ) -> Option<(u64, FaultAction)> {
        self.first(now, random, |active| {
            !matches!(active.fault.action, FaultAction::Tls(_)) && active.fits(facts)
        })
    }

    /// The fault that touches a TLS handshake with a Graph host, a login host, or one that is both,
    /// by the label of the proxy listener.
    pub(crate) fn touching_handshake(
        &self,
        graph: Option<bool>,
        via: Option<&str>,
        now: i64,
        random: &Random,
    ) -> Option<(u64, FaultAction)> {
        self.first(now, random, |active| {
            let target = &active.fault.on;
            matches!(active.fault.action, FaultAction::Tls(_))
                && (target.via.is_none() || target.via.as_deref() == via)
                && target.fits_host(graph)
        })
    }

    fn first(
        &self,
        now: i64,
        random: &Random,
        fits: impl Fn(&Active) -> bool,
    ) -> Option<(u64, FaultAction)> {
        self.set.write(|set| {
            let mut touched = None;
            for active in &mut set.active {
                if !fits(active) {
                    continue;
                }
                active.met += 1;
                if touched.is_none() && active.acts(now, random) {
                    active.touched += 1;
                    touched = Some((active.number, active.fault.action.clone()));
                }
            }
            touched
        })
    }
}

impl Active {
    fn fits(&self, facts: &FaultFacts) -> bool {
        let target = &self.fault.on;
        let fits = |surfaces: &[FaultSurface]| {
            surfaces.is_empty() || surfaces.iter().any(|it| it.is(facts.surface))
        };
        fits(&target.surface.0)
            && fits(self.fault.action.surfaces())
            && target
                .path
                .as_ref()
                .is_none_or(|it| is_like(it, &facts.path))
            && (target.grant.is_none() || target.grant == facts.grant)
            && (target.via.is_none() || target.via == facts.via)
            && (target.client.is_none() || self.named.client == facts.client)
            && (target.user.is_none() || self.named.user == facts.user)
    }

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
            Some(FaultWhen::Until(span)) => i128::from(now - self.since) < span.0.as_millis(),
        }
    }
}

impl FaultTarget {
    /// Whether a host (Graph's, a login host, or both in one) serves one of the surfaces.
    fn fits_host(&self, graph: Option<bool>) -> bool {
        self.surface.is_empty()
            || self.surface.iter().any(|it| match it {
                FaultSurface::Any => true,
                FaultSurface::Graph => graph != Some(false),
                _ => graph != Some(true),
            })
    }
}

impl FaultSurface {
    /// Whether it is a surface of the journal. The device-code endpoint goes with the token
    /// endpoint, all pages with the authorize endpoint.
    fn is(self, surface: Option<Surface>) -> bool {
        match self {
            Self::Any => true,
            Self::Authorize => matches!(
                surface,
                Some(Surface::Authorize | Surface::AdminConsent | Surface::Logout)
            ),
            Self::Discovery => surface == Some(Surface::Discovery),
            Self::Graph => surface == Some(Surface::Graph),
            Self::Keys => surface == Some(Surface::Keys),
            Self::Token => matches!(surface, Some(Surface::Token | Surface::DeviceCode)),
        }
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
    use crate::notation::Many;

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
                surface: Many(vec![FaultSurface::Graph]),
                ..FaultTarget::default()
            },
            when,
            action: FaultAction::Status(503),
        };
        faults.add(fault, Named::default(), 0);
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
        assert_eq!(
            touched(Some(FaultWhen::Until("3ms".parse().unwrap())), 5),
            [1, 2]
        );
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
        faults.add(fault, Named::default(), 0);
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
