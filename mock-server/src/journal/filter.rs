//! Which entries of the journal are meant.

use std::collections::BTreeSet;

use super::{Entry, Exchange, Level, Surface};
use crate::directory::{ApplicationId, ObjectId, TenantId};

/// Conditions that entries must fulfil, all of them. Without any, all entries do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Filter {
    /// Later than this position.
    pub since: u64,
    /// About this tenant.
    pub tenant: Option<TenantId>,
    /// Of one of these clients.
    pub clients: Option<BTreeSet<ApplicationId>>,
    /// Of one of these users.
    pub users: Option<BTreeSet<ObjectId>>,
    /// At this kind of endpoint.
    pub surface: Option<Surface>,
    /// Answered with a status of this range.
    pub status: Option<(u16, u16)>,
    /// With this grant, in its short spelling.
    pub grant: Option<String>,
    /// Answered at this level.
    pub level: Option<Level>,
}

impl Filter {
    /// Whether an entry is meant. Events, faults and clocks have a tenant only.
    pub fn fits(&self, entry: &Entry) -> bool {
        entry.number() > self.since
            && self.tenant.is_none_or(|it| entry.tenant() == Some(it))
            && match entry {
                Entry::Exchange(exchange) => self.fits_exchange(exchange),
                Entry::Event(_) | Entry::Fault(_) | Entry::Clock(_) | Entry::State(_) => {
                    !self.is_about_exchanges()
                }
            }
    }

    fn fits_exchange(&self, exchange: &Exchange) -> bool {
        self.clients
            .as_ref()
            .is_none_or(|it| exchange.client.is_some_and(|client| it.contains(&client)))
            && self
                .users
                .as_ref()
                .is_none_or(|it| exchange.user.is_some_and(|user| it.contains(&user)))
            && self.surface.is_none_or(|it| exchange.surface == it)
            && self
                .status
                .is_none_or(|(from, to)| (from..=to).contains(&exchange.status))
            && (self.grant.is_none() || exchange.grant == self.grant)
            && (self.level.is_none() || exchange.level == self.level)
    }

    fn is_about_exchanges(&self) -> bool {
        self.clients.is_some()
            || self.users.is_some()
            || self.surface.is_some()
            || self.status.is_some()
            || self.grant.is_some()
            || self.level.is_some()
    }
}

/// The range that a status means: `400`, or `4xx`.
pub fn status_range(text: &str) -> Option<(u16, u16)> {
    if let Some(class @ ("1" | "2" | "3" | "4" | "5")) = text.strip_suffix("xx") {
        let class: u16 = class.parse().ok()?;
        return Some((class * 100, class * 100 + 99));
    }
    let status = text.parse().ok().filter(|it| (100..600).contains(it))?;
    Some((status, status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_a_number_or_a_class() {
        assert_eq!(status_range("400"), Some((400, 400)));
        assert_eq!(status_range("4xx"), Some((400, 499)));
        for wrong in ["", "xx", "9xx", "44xx", "600", "-1", "4x"] {
            assert_eq!(status_range(wrong), None, "{wrong}");
        }
    }
}
