//! The change log of a directory: what changed, when, and by what.
//!
//! Every write of a tenant's directory ends with [`Directory::note_changes`], so that whatever
//! changes it, an event, Graph or a page, is in the log: under a number that only grows, by which
//! readers (an audit log, a delta) go on where they stopped.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::Directory;
use super::objects::{Touched, Watched};

/// What kind of object changed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ChangedKind {
    /// An app registration.
    Application,
    /// An application permission of an app.
    AppRoleAssignment,
    /// A request for consent.
    ConsentRequest,
    /// A delegated permission grant.
    PermissionGrant,
    /// The settings of the tenant.
    Policies,
    /// An app's instance in the tenant.
    ServicePrincipal,
    /// A user.
    User,
}

/// What became of an object.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeAction {
    /// It was made.
    Created,
    /// It is gone for good.
    Deleted,
    /// These of its members have other values.
    Updated(Vec<String>),
}

/// An entry of the change log.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// Grows by one with each change of the tenant.
    pub number: u64,
    /// When, by the tenant's clock.
    pub at: Timestamp,
    /// The event that did it; none where Graph, a page or a test wrote.
    pub event: Option<String>,
    /// What kind of object changed.
    pub kind: ChangedKind,
    /// Its id; empty for what the tenant has once.
    pub id: String,
    /// What became of it.
    pub action: ChangeAction,
}

/// The newest changes of a directory.
#[derive(Clone, Debug, Default)]
pub struct ChangeLog {
    last: u64,
    /// Shared by copies of the directory, until one of them changes.
    kept: Arc<VecDeque<Change>>,
}

/// The changes after a number are not all kept any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("changes before number {first} are not kept any more: begin anew")]
pub struct Forgotten {
    /// The first number that is kept.
    pub first: u64,
}

impl ChangeLog {
    /// The number of the last change, 0 before the first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The changes after a number, oldest first.
    ///
    /// # Errors
    ///
    /// Some of them are not kept any more.
    pub fn since(&self, number: u64) -> Result<impl Iterator<Item = &Change>, Forgotten> {
        let first = self.kept.front().map_or(self.last + 1, |it| it.number);
        if number + 1 < first {
            return Err(Forgotten { first });
        }
        Ok(self.kept.iter().filter(move |it| it.number > number))
    }

    fn add(&mut self, at: Timestamp, event: Option<&str>, what: What) {
        self.last += 1;
        let kept = Arc::make_mut(&mut self.kept);
        if kept.len() == CAPACITY {
            kept.pop_front();
        }
        kept.push_back(Change {
            number: self.last,
            at,
            event: event.map(str::to_owned),
            kind: what.kind,
            id: what.id,
            action: what.action,
        });
    }
}

struct What {
    kind: ChangedKind,
    id: String,
    action: ChangeAction,
}

impl Directory {
    /// Forgets what set-up touched: the log begins with what happens later.
    pub(crate) fn forget_touched(&mut self) {
        self.users.take_touched();
        self.applications.take_touched();
        self.service_principals.take_touched();
        self.grants.take_before();
        self.app_role_assignments.take_before();
        self.consent_requests.take_before();
        self.policies.take_before();
    }

    /// Writes into the change log what was touched since this was done last.
    pub(crate) fn note_changes(&mut self, at: Timestamp, event: Option<&str>) {
        let mut all = Vec::new();
        of_objects(ChangedKind::User, self.users.take_touched(), &mut all);
        let apps = self.applications.take_touched();
        of_objects(ChangedKind::Application, apps, &mut all);
        let principals = self.service_principals.take_touched();
        of_objects(ChangedKind::ServicePrincipal, principals, &mut all);
        let kind = ChangedKind::PermissionGrant;
        of_list(kind, &mut self.grants, |it| it.id.to_string(), &mut all);
        let kind = ChangedKind::AppRoleAssignment;
        let assignments = &mut self.app_role_assignments;
        of_list(kind, assignments, |it| it.id.to_string(), &mut all);
        let kind = ChangedKind::ConsentRequest;
        let requests = &mut self.consent_requests;
        of_list(kind, requests, |it| it.id.to_string(), &mut all);
        if let Some(before) = self.policies.take_before() {
            let members = changed_members(&before, &*self.policies);
            if !members.is_empty() {
                all.push(What {
                    kind: ChangedKind::Policies,
                    id: String::new(),
                    action: ChangeAction::Updated(members),
                });
            }
        }
        for what in all {
            self.changes.add(at, event, what);
        }
    }
}

fn of_objects<K: ToString, V: Serialize>(
    kind: ChangedKind,
    touched: Vec<Touched<K, V>>,
    all: &mut Vec<What>,
) {
    for (id, before, after) in touched {
        let action = match (before, after) {
            (None, None) => continue,
            (None, Some(_)) => ChangeAction::Created,
            (Some(_), None) => ChangeAction::Deleted,
            (Some(before), Some(after)) => {
                let members = changed_members(&*before, &*after);
                if members.is_empty() {
                    continue;
                }
                ChangeAction::Updated(members)
            }
        };
        let id = id.to_string();
        all.push(What { kind, id, action });
    }
}

fn of_list<T: Clone + Serialize>(
    kind: ChangedKind,
    list: &mut Watched<Vec<T>>,
    id: impl Fn(&T) -> String,
    all: &mut Vec<What>,
) {
    let Some(before) = list.take_before() else {
        return;
    };
    let new: IndexMap<String, &T> = list.iter().map(|it| (id(it), it)).collect();
    let old: IndexMap<String, &T> = before.iter().map(|it| (id(it), it)).collect();
    for (id, old) in &old {
        let action = match new.get(id) {
            None => ChangeAction::Deleted,
            Some(new) => match changed_members(*old, *new) {
                members if members.is_empty() => continue,
                members => ChangeAction::Updated(members),
            },
        };
        let id = id.clone();
        all.push(What { kind, id, action });
    }
    for id in new.keys().filter(|id| !old.contains_key(*id)) {
        let (id, action) = (id.clone(), ChangeAction::Created);
        all.push(What { kind, id, action });
    }
}

/// The names of the members that differ, values left out: some are secrets.
fn changed_members<T: Serialize>(before: &T, after: &T) -> Vec<String> {
    let object = |it: &T| match serde_json::to_value(it) {
        Ok(Value::Object(members)) => members,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (object(before), object(after));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .cloned()
        .collect()
}

/// How many changes are kept.
const CAPACITY: usize = 10_000;
