//! Conditional access policies, and what they look at.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;

use super::super::{ConditionalAccessPolicy, Demand, Directory, Networks, PolicyState};
use super::account::called;
use super::{Applied, EventError, set};
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
    ) -> Result<Applied, EventError> {
        let users = match user {
            Some(user) => BTreeSet::from([self.user_id(user)?]),
            None => BTreeSet::new(),
        };
        let apps = match app {
            Some(app) => BTreeSet::from([self.app_id(app)?]),
            None => BTreeSet::new(),
        };
        let whom = match user {
            Some(user) => called(self.user_mut(user)?),
            None => "everybody".to_owned(),
        };
        let wherever = match app {
            Some(app) => format!(" who uses {}", self.app_name(app)?),
            None => String::new(),
        };
        let from = if networks.any() {
            " from the networks named"
        } else {
            ""
        };
        let policy = ConditionalAccessPolicy {
            id: random.uuid(),
            users,
            apps,
            networks,
            demand,
            since,
            created: None,
            display_name: None,
            state: PolicyState::Enabled,
        };
        let all = &mut self.policies.conditional_access;
        let is_new = !all
            .iter()
            .any(|it| it.anticipates(&policy) && it.networks == policy.networks);
        all.push(policy);
        let what = demanded(demand);
        Ok(Applied::either(
            is_new,
            format!("a policy {what} {whom}{wherever}{from}"),
            format!("a policy {what} {whom}{wherever}{from} already"),
        ))
    }

    pub(super) fn set_client_address(
        &mut self,
        address: Option<&str>,
    ) -> Result<Applied, EventError> {
        let address = address.map(address_of).transpose()?;
        let changed = set(&mut self.client_address, address);
        let what = match address {
            Some(address) => format!("all clients come from {address}"),
            None => "clients come from where they really do".to_owned(),
        };
        Ok(Applied::either(
            changed,
            what.clone(),
            format!("{what} already"),
        ))
    }
}

/// What a policy does to whom it applies.
fn demanded(demand: Demand) -> String {
    let what = match demand {
        Demand::AppProtection => "demands a protected app of",
        Demand::ApprovedApp => "demands an approved app of",
        Demand::Block => "blocks",
        Demand::CompliantDevice => "demands a compliant device of",
        Demand::HybridJoinedDevice => "demands a device of the domain of",
        Demand::Mfa => "demands a second factor of",
        Demand::MfaFrequency(every) => {
            return format!("demands a second factor each {} s of", every.as_secs());
        }
        Demand::SignInFrequency(every) => {
            return format!("demands a sign-in each {} s of", every.as_secs());
        }
        Demand::TermsOfUse => "demands accepted terms of use of",
        Demand::TokenProtection => "demands tokens bound to the device of",
    };
    what.to_owned()
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
