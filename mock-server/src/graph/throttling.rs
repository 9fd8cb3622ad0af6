//! Graph's own limits, where the world's switches ask for them: `mailbox-concurrency` for
//! requests in flight, `throttling-limits` for counts.
//!
//! Rows of `data/graph-limits.csv`, `data/graph-unit-costs.csv` and
//! `data/graph-unit-costs-of-members.csv`. Source:
//! learn.microsoft.com/graph/throttling-limits and /graph/throttling. Not here: the limit of an
//! app over all tenants, uploads in megabytes, and limits of services that the mock does not have.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::bearer::Caller;
use super::call::Target;
use super::endpoint::{Endpoint, Operation, Workload};
use super::error::GraphError;
use super::odata::query::Query;
use crate::limit::{Key, Permit};

/// What a request that may go on brings along.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    /// The place of a request to a mailbox, until it is answered.
    pub(super) permit: Option<Permit>,
    /// What the answer tells of resource units.
    pub(super) headers: Vec<(&'static str, String)>,
}

/// Counts a request that is permitted, and refuses it where a limit is reached. Refused requests
/// count, too. Unverified: that requests without permission do not.
pub(super) fn admit(
    caller: &Caller,
    endpoint: &Endpoint,
    target: Option<&Target>,
    query: &Query,
) -> Result<Admitted, GraphError> {
    let now = caller.tenant.now();
    let (throttling_limits, mailbox_concurrency, units_of_tenant) =
        caller.tenant.read(|directory| {
            let switches = &directory.switches;
            (
                switches.throttling_limits,
                switches.mailbox_concurrency,
                units_limit(directory.users.len()),
            )
        });
    match endpoint.workload {
        Workload::Mailbox => {
            let Some(target) = target else {
                return Ok(Admitted::default());
            };
            let key = |limit| Key {
                limit,
                app: Some(caller.client),
                mailbox: Some(target.user),
            };
            if throttling_limits {
                let limit = limit("mailbox-requests");
                let used = count(caller, key("mailbox-requests"), 1, limit, now);
                if used.count > limit.amount {
                    // Unverified: the name of the limit.
                    return Err(GraphError::application_throttled(
                        "RequestRate",
                        seconds(used.left),
                    ));
                }
            }
            let mut admitted = Admitted::default();
            if mailbox_concurrency {
                let limit = limit("mailbox-concurrency");
                let most = usize::try_from(limit.amount).unwrap_or(usize::MAX);
                let entered = caller.tenant.limits.enter(key("mailbox-concurrency"), most);
                admitted.permit = Some(entered.ok_or_else(|| {
                    let wait = limit.retry_after.unwrap_or(1);
                    GraphError::application_throttled("MailboxConcurrency", wait)
                })?);
            }
            Ok(admitted)
        }
        Workload::Directory => {
            let cost = cost(endpoint, query);
            let mut admitted = Admitted::default();
            admitted
                .headers
                .push(("x-ms-resource-unit", cost.to_string()));
            if throttling_limits {
                identity(caller, endpoint, cost, units_of_tenant, now, &mut admitted)?;
            }
            Ok(admitted)
        }
    }
}

/// Counts a request to sites and drives, and refuses it where a limit of SharePoint is reached; what
/// the answer tells of the limit.
///
/// Source: learn.microsoft.com/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online.
/// Not here: limits of a day, of bytes, and of an app over all tenants.
pub(super) fn admit_to_sites(
    caller: &Caller,
    cost: u64,
) -> Result<Vec<(&'static str, String)>, GraphError> {
    let (is_limited, licenses) = caller
        .tenant
        .read(|it| (it.switches.throttling_limits, it.users.len()));
    if !is_limited {
        return Ok(Vec::new());
    }
    let now = caller.tenant.now();
    let key = |limit, app, mailbox| Key {
        limit,
        app,
        mailbox,
    };
    let refused = |left: SignedDuration| {
        let error = super::files::refusal::throttled();
        error.with_header("retry-after", seconds(left).to_string())
    };
    if let Some(user) = caller.actor.user() {
        let limit = limit("sites-user");
        let used = count(caller, key("sites-user", None, Some(user)), 1, limit, now);
        if used.count > limit.amount {
            return Err(refused(used.left));
        }
    }
    let (of_app, of_tenant) = match licenses {
        0..=1000 => ("sites-app-1k", "sites-tenant-1k"),
        1001..=5000 => ("sites-app-5k", "sites-tenant-5k"),
        5001..=15_000 => ("sites-app-15k", "sites-tenant-15k"),
        15_001..=50_000 => ("sites-app-50k", "sites-tenant-50k"),
        _ => ("sites-app-more", "sites-tenant-more"),
    };
    let tenant = limit(of_tenant);
    let used = count(caller, key("sites-tenant", None, None), cost, tenant, now);
    if used.count > tenant.amount {
        return Err(refused(used.left));
    }
    let app = limit(of_app);
    let whose = key("sites-app", Some(caller.client), None);
    let used = count(caller, whose, cost, app, now);
    let remaining = app.amount.saturating_sub(used.count);
    // Told from 80 % on, of this limit alone.
    let told = [
        ("ratelimit-limit", app.amount),
        ("ratelimit-remaining", remaining),
        ("ratelimit-reset", seconds(used.left)),
    ];
    let told = told.map(|(name, value)| (name, value.to_string()));
    if used.count > app.amount {
        let error = refused(used.left);
        return Err(told
            .into_iter()
            .fold(error, |error, (name, value)| error.with_header(name, value)));
    }
    if used.count * 100 < app.amount * 80 {
        return Ok(Vec::new());
    }
    Ok(told.to_vec())
}

/// The limits of the directory: policies, writes, resource units.
fn identity(
    caller: &Caller,
    endpoint: &Endpoint,
    cost: u64,
    units: &'static str,
    now: Timestamp,
    admitted: &mut Admitted,
) -> Result<(), GraphError> {
    let key = |limit, app| Key {
        limit,
        app,
        mailbox: None,
    };
    let (app, tenant) = (caller.client, caller.tenant.id);
    if is_about_policies(endpoint) {
        let limit = limit("policies");
        if count(caller, key("policies", None), 1, limit, now).count > limit.amount {
            // This one has no Retry-After.
            return Err(GraphError::throttled());
        }
    }
    let refused = |scope: String, information: &str, left: SignedDuration| {
        GraphError::throttled()
            .with_header("retry-after", seconds(left).to_string())
            .with_header("x-ms-throttle-scope", scope)
            .with_header("x-ms-throttle-information", information)
    };
    if endpoint.method != Method::GET {
        for (name, scope, whose) in [
            (
                "identity-writes",
                format!("Tenant_Application/Write/{app}/{tenant}"),
                Some(app),
            ),
            (
                "tenant-writes",
                format!("Tenant/Write/{app}/{tenant}"),
                None,
            ),
        ] {
            let limit = limit(name);
            let used = count(caller, key(name, whose), 1, limit, now);
            if used.count > limit.amount {
                return Err(refused(scope, "WriteLimitExceeded", used.left));
            }
        }
    }
    let limit = limit(units);
    let used = count(caller, key("identity-units", Some(app)), cost, limit, now);
    if used.count > limit.amount {
        let scope = format!("Tenant_Application/ReadWrite/{app}/{tenant}");
        return Err(refused(scope, "ResourceUnitLimitExceeded", used.left));
    }
    // In hundredths, shown only above 0.8.
    let hundredths = used.count * 100 / limit.amount;
    if hundredths > 80 {
        let share = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        admitted
            .headers
            .push(("x-ms-throttle-limit-percentage", share));
    }
    Ok(())
}

fn count(
    caller: &Caller,
    key: Key,
    cost: u64,
    limit: &Limit,
    now: Timestamp,
) -> crate::limit::Usage {
    let length = SignedDuration::from_secs(limit.seconds);
    caller.tenant.limits.count(key, cost, length, now)
}

/// Whole seconds, at least one.
fn seconds(left: SignedDuration) -> u64 {
    let whole = u64::try_from(left.as_secs()).unwrap_or(0);
    let part = left.subsec_nanos() > 0;
    (whole + u64::from(part)).max(1)
}

/// The resource units of a request: base cost, less one with `$select` or a page below twenty,
/// one more with `$expand`, and at least one.
fn cost(endpoint: &Endpoint, query: &Query) -> u64 {
    let base = COSTS.get(&endpoint.operation).copied().unwrap_or(1);
    adjusted(base, query)
}

/// The resource units of a request that the model alone answers, by the last name of its path.
pub(super) fn cost_of_member(method: &Method, last: &str, query: &Query) -> u64 {
    let row = MEMBERS
        .iter()
        .find(|row| row.method == method.as_str() && row.member == last);
    adjusted(row.map_or(1, |it| it.units), query)
}

fn adjusted(base: u64, query: &Query) -> u64 {
    let more = u64::from(!query.expand.is_empty());
    let less = u64::from(query.select.is_some()) + u64::from(query.top.is_some_and(|it| it < 20));
    (base + more).saturating_sub(less).max(1)
}

/// Tenants are small, medium or large by their users.
fn units_limit(users: usize) -> &'static str {
    match users {
        0..50 => "identity-units-small",
        50..=500 => "identity-units-medium",
        _ => "identity-units-large",
    }
}

fn is_about_policies(endpoint: &Endpoint) -> bool {
    use Operation as O;
    matches!(
        endpoint.operation,
        O::ListPolicies
            | O::CreatePolicy
            | O::GetPolicy
            | O::UpdatePolicy
            | O::DeletePolicy
            | O::ConfirmCompromised
            | O::DismissRisk
    )
}

#[derive(Debug, Deserialize)]
struct Limit {
    #[serde(rename = "limit")]
    name: String,
    amount: u64,
    seconds: i64,
    retry_after: Option<u64>,
}

fn limit(name: &str) -> &'static Limit {
    LIMITS
        .iter()
        .find(|it| it.name == name)
        // A test asks for each row.
        .expect("the limit stands in data/graph-limits.csv")
}

static LIMITS: LazyLock<Vec<Limit>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../data/graph-limits.csv").as_bytes())
        .deserialize()
        .map(|row| row.expect("data/graph-limits.csv fits its types"))
        .collect()
});

#[derive(Debug, Deserialize)]
struct MemberCost {
    method: String,
    member: String,
    units: u64,
}

static MEMBERS: LazyLock<Vec<MemberCost>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../data/graph-unit-costs-of-members.csv").as_bytes())
        .deserialize()
        .map(|row| row.expect("data/graph-unit-costs-of-members.csv fits its types"))
        .collect()
});

static COSTS: LazyLock<HashMap<Operation, u64>> = LazyLock::new(|| {
    csv::Reader::from_reader(include_str!("../../data/graph-unit-costs.csv").as_bytes())
        .deserialize()
        .map(|row| row.expect("data/graph-unit-costs.csv fits its types"))
        .collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_that_is_asked_for_has_a_row_and_each_row_is_asked_for() {
        let asked = [
            "mailbox-requests",
            "mailbox-concurrency",
            units_limit(49),
            units_limit(50),
            units_limit(501),
            "identity-writes",
            "tenant-writes",
            "policies",
            "sites-user",
            "sites-app-1k",
            "sites-app-5k",
            "sites-app-15k",
            "sites-app-50k",
            "sites-app-more",
            "sites-tenant-1k",
            "sites-tenant-5k",
            "sites-tenant-15k",
            "sites-tenant-50k",
            "sites-tenant-more",
        ];
        for name in asked {
            assert!(limit(name).amount > 0, "{name}");
        }
        let rows: Vec<&str> = LIMITS.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(rows, asked);
    }

    #[test]
    fn a_tenant_of_fifty_to_five_hundred_users_is_a_medium_one() {
        let names = [0, 49, 50, 500, 501].map(units_limit);
        let [small, medium, large] = [
            "identity-units-small",
            "identity-units-medium",
            "identity-units-large",
        ];
        assert_eq!(names, [small, small, medium, medium, large]);
    }
}
