//! Conditional access policies, and what they look at.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;

use super::super::{
    ConditionalAccessPolicy, Demand, Directory, Networks, PolicyState, TenantId, UserKind,
};
use super::EventError;
use crate::random::Random;

impl Directory {
    /// Adds a policy for a user and an app; where one is not named, for all.
    pub(super) fn add_policy(
        &mut self,
        (user, app): (Option<&String>, Option<&String>),
        networks: Networks,
        demand: Demand,
        since: Timestamp,
        random: &Random,
    ) -> Result<(), EventError> {
        let users = match user {
            Some(user) => BTreeSet::from([self.user_id(user)?]),
            None => BTreeSet::new(),
        };
        let apps = match app {
            Some(app) => BTreeSet::from([self.app_id(app)?]),
            None => BTreeSet::new(),
        };
        let id = random.uuid();
        self.policies
            .conditional_access
            .push(ConditionalAccessPolicy {
                id,
                users,
                apps,
                networks,
                demand,
                since,
                created: None,
                display_name: None,
                state: PolicyState::Enabled,
            });
        Ok(())
    }

    /// The tenant that knows a guest's password.
    pub(super) fn home_tenant(&mut self, guest: &str) -> Result<TenantId, EventError> {
        match self.user_mut(guest)?.kind {
            UserKind::Guest {
                home_tenant: Some(home),
            } => Ok(home),
            _ => Err(EventError::NotPossible(format!(
                "user '{guest}' is no guest from another tenant"
            ))),
        }
    }
}

/// Networks in CIDR notation; a single address is a network of one.
pub(super) fn networks(texts: Option<&[String]>) -> Result<Vec<IpNet>, EventError> {
    let texts = texts.unwrap_or_default();
    let parse = |text: &String| {
        text.parse()
            .or_else(|_| address_of(text).map(IpNet::from))
            .map_err(|_| {
                EventError::NotPossible(format!(
                    "'{text}' is neither a network, such as 203.0.113.0/24, nor an IP address"
                ))
            })
    };
    texts.iter().map(parse).collect()
}

/// An IP address.
pub(super) fn address_of(text: &str) -> Result<IpAddr, EventError> {
    text.parse()
        .map_err(|_| EventError::NotPossible(format!("'{text}' is not an IP address")))
}
