//! Whether a caller may use an endpoint: permissions of the token, and rights in a mailbox.
//!
//! A permission covers weaker ones of the same resource: `X.ReadWrite` > `X.Read` >
//! `X.ReadBasic`; `X.Read.Shared` and `X.Read.All` cover the own data, too. `Mail.ReadWrite`
//! does not cover `Mail.Send`. Unverified: which of these the service itself implies.

use crate::directory::{ApplicationId, Directory, MailboxRight, ObjectId, User};

use super::endpoint::{Endpoint, Operation, Workload};
use super::error::GraphError;

/// In whose name a token speaks, with what it holds.
#[derive(Clone, Debug)]
pub(crate) enum Actor {
    /// The app itself, with its app roles.
    Application(Vec<String>),
    /// A user, with the scopes.
    User(ObjectId, Vec<String>),
}

/// How much of the data a caller may see.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// Without bodies and attachments: only a `ReadBasic` permission is held.
    Basic,
    /// Everything.
    Full,
    /// The sites, lists and items into which the app was let: only a permission that selects is
    /// held.
    Selected,
}

impl Actor {
    /// The user, if the token speaks for one.
    pub(crate) fn user(&self) -> Option<ObjectId> {
        match self {
            Self::Application(_) => None,
            Self::User(user, _) => Some(*user),
        }
    }

    fn held(&self) -> &[String] {
        match self {
            Self::Application(held) | Self::User(_, held) => held,
        }
    }

    /// Whether the token holds nothing at all.
    pub(crate) fn is_powerless(&self) -> bool {
        self.held().is_empty()
    }

    /// What the token holds, for a refusal that lists it.
    pub(crate) fn listed(&self) -> String {
        self.held().join(", ")
    }

    /// Whether the token holds a permission that reaches other people's data, or a stronger one.
    pub(crate) fn holds_beyond_own(&self, needed: &str) -> bool {
        self.held().iter().any(|held| {
            covers(held, needed) && matches!(held.rsplit('.').next(), Some("All" | "Shared"))
        })
    }

    /// Whether the token holds a permission, or a stronger one; of `A+B` both.
    pub(crate) fn holds(&self, needed: &str) -> bool {
        needed
            .split('+')
            .all(|needed| self.held().iter().any(|held| covers(held, needed)))
    }
}

/// Whether the token's permissions suffice for an endpoint. `own`: the path leads to the user's
/// own data, or to nobody's in particular.
pub(crate) fn permissions(
    actor: &Actor,
    endpoint: &Endpoint,
    own: bool,
) -> Result<Reach, GraphError> {
    let accepted = match actor {
        Actor::Application(_) => &endpoint.application,
        Actor::User(..) if own => &endpoint.delegated,
        Actor::User(..) => &endpoint.delegated_other,
    };
    let sufficient: Vec<&String> = accepted
        .iter()
        .filter(|needed| actor.holds(needed))
        .collect();
    if sufficient.is_empty() {
        return Err(match endpoint.workload {
            Workload::Directory => GraphError::directory_denied(),
            Workload::Mailbox => GraphError::mailbox_denied(),
        });
    }
    let basic = |name: &String| name.split('.').nth(1) == Some("ReadBasic");
    let only_basic = accepted.iter().any(|it| !basic(it)) && sufficient.iter().all(|it| basic(it));
    Ok(if only_basic && endpoint.workload == Workload::Mailbox {
        Reach::Basic
    } else {
        Reach::Full
    })
}

/// Whether a user has one of the directory roles that an endpoint asks of people. The directory
/// is asked, not the token's `wids`. Unverified: which of both the service asks.
///
/// Source: learn.microsoft.com/graph/permissions-overview, "Delegated permissions": the app can
/// do no more than the user.
pub(crate) fn directory_role(user: Option<&User>, endpoint: &Endpoint) -> Result<(), GraphError> {
    if endpoint.roles.is_empty() || user.is_some_and(|it| it.has_role(&endpoint.roles)) {
        Ok(())
    } else {
        Err(GraphError::directory_denied())
    }
}

/// Whether application access policies of Exchange let an app open a mailbox as itself.
///
/// Source: learn.microsoft.com/graph/auth-limit-mailbox-access.
pub(crate) fn access_policy(
    directory: &Directory,
    client: ApplicationId,
    owner: ObjectId,
) -> Result<(), GraphError> {
    let only = directory
        .service_principal(client)
        .and_then(|it| it.mailboxes.as_ref());
    if only.is_none_or(|it| it.contains(&owner)) {
        Ok(())
    } else {
        Err(GraphError::blocked_by_access_policy())
    }
}

/// Whether a user has the right in another's mailbox that an operation needs.
pub(crate) fn mailbox_right(
    owner: &User,
    caller: ObjectId,
    operation: Operation,
) -> Result<(), GraphError> {
    let granted = match operation {
        Operation::SendMail => {
            if owner
                .grants_mailbox_right(caller, &[MailboxRight::SendAs, MailboxRight::SendOnBehalf])
            {
                return Ok(());
            }
            return Err(GraphError::send_as_denied());
        }
        _ => owner.grants_mailbox_right(caller, &[MailboxRight::FullAccess]),
    };
    if granted {
        Ok(())
    } else {
        Err(GraphError::mailbox_denied())
    }
}

/// Whether holding one permission satisfies another.
fn covers(held: &str, needed: &str) -> bool {
    if held.eq_ignore_ascii_case(needed) {
        return true;
    }
    let (Some(held), Some(needed)) = (Parts::of(held), Parts::of(needed)) else {
        return false;
    };
    let levels = match (held.rank, needed.rank) {
        (Some(held), Some(needed)) => held >= needed,
        _ => held.level.eq_ignore_ascii_case(needed.level),
    };
    let reach = match needed.suffix {
        "" => matches!(held.suffix, "" | "All" | "Shared"),
        needed => held.suffix == needed,
    };
    held.resource.eq_ignore_ascii_case(needed.resource) && levels && reach
}

/// `Calendars.ReadWrite.Shared` taken apart.
struct Parts<'a> {
    resource: &'a str,
    level: &'a str,
    rank: Option<u8>,
    suffix: &'a str,
}

impl<'a> Parts<'a> {
    fn of(name: &'a str) -> Option<Self> {
        let mut parts = name.split('.');
        let (resource, level) = (parts.next()?, parts.next()?);
        let suffix = parts.next().unwrap_or("");
        if parts.next().is_some() {
            return None;
        }
        let rank = match level {
            "ReadBasic" => Some(0),
            "Read" => Some(1),
            "ReadWrite" => Some(2),
            // Source: the descriptions of `Sites.Manage.All` and `Sites.FullControl.All`.
            "Manage" => Some(3),
            "FullControl" => Some(4),
            _ => None,
        };
        Some(Self {
            resource,
            level,
            rank,
            suffix,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stronger_permissions_cover_weaker_ones_of_the_same_resource() {
        for (held, needed) in [
            ("Mail.ReadWrite", "Mail.Read"),
            ("Mail.Read", "Mail.ReadBasic"),
            ("Mail.Read.Shared", "Mail.Read"),
            ("Mail.ReadWrite.Shared", "Mail.Read.Shared"),
            ("User.Read.All", "User.Read"),
            ("mail.read", "Mail.Read"),
        ] {
            assert!(covers(held, needed), "{held} covers {needed}");
        }
        for (held, needed) in [
            ("Mail.Read", "Mail.ReadWrite"),
            ("Mail.ReadWrite", "Mail.Send"),
            ("Mail.Send", "Mail.Read"),
            ("Mail.ReadWrite", "Mail.Read.Shared"),
            ("User.Read", "User.Read.All"),
            ("User.ReadBasic.All", "User.Read"),
            ("Calendars.Read", "Contacts.Read"),
            ("openid", "User.Read"),
        ] {
            assert!(!covers(held, needed), "{held} does not cover {needed}");
        }
    }
}
