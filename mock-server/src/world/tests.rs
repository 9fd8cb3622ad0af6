//! Every change of a directory is noted.

use std::sync::Arc;

use super::*;
use crate::directory::{ChangeAction, ChangedKind};
use crate::journal::Redaction;
use crate::world::seed::SeedContext;

fn world() -> (World, Arc<Tenant>) {
    let world = World::new(
        Random::seeded(1),
        Arc::new(KeyRings::new(None)),
        Sealer::new(),
        Journal::new(10, Redaction::On),
    );
    let now = Clock::real().now();
    let tenant = world
        .add_default(&SeedContext {
            now,
            client_certificate: Some(certificate()),
        })
        .remove(0);
    (world, tenant)
}

fn certificate() -> Vec<u8> {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["client".to_owned()]).unwrap();
    parameters.self_signed(&key).unwrap().der().to_vec()
}

#[test]
fn every_change_is_in_the_log_whoever_makes_it() {
    let (world, tenant) = world();
    let last = || tenant.read(|it| it.changes.last());
    assert_eq!(last(), 0, "set-up is no change");
    let user = "alice".to_owned();
    world
        .apply(&tenant, &Event::DisableUser { user: user.clone() })
        .unwrap();
    let alice = tenant.read(|it| it.find_user("alice").unwrap().id);
    // What changes nothing is no change.
    tenant.write(|it| it.users[&alice].enabled = false);
    tenant.write(|it| it.users[&alice].display_name = "Alice Baker".to_owned());
    let client = tenant.read(|it| it.app_id("own-app").unwrap());
    tenant.write(|it| it.grants.retain(|grant| grant.client != client));
    tenant.write(|it| drop(it.users.shift_remove(&alice)));
    let found: Vec<_> = tenant.read(|it| {
        let changes = it.changes.since(0).unwrap();
        changes
            .map(|it| (it.number, it.kind, it.event.clone(), it.action.clone()))
            .collect()
    });
    let members =
        |names: &[&str]| ChangeAction::Updated(names.iter().map(|it| (*it).to_owned()).collect());
    let by_event = Some("disable-user".to_owned());
    assert_eq!(
        found,
        [
            (1, ChangedKind::User, by_event, members(&["enabled"])),
            (2, ChangedKind::User, None, members(&["display_name"])),
            (3, ChangedKind::PermissionGrant, None, ChangeAction::Deleted),
            (4, ChangedKind::User, None, ChangeAction::Deleted),
        ]
    );
    let after = tenant.read(|it| it.changes.since(3).unwrap().count());
    assert_eq!(after, 1);
}

#[test]
fn a_reader_that_comes_too_late_is_told_to_begin_anew() {
    let (_, tenant) = world();
    let alice = tenant.read(|it| it.find_user("alice").unwrap().id);
    for number in 0..10_010 {
        tenant.write(|it| it.users[&alice].display_name = format!("Alice {number}"));
    }
    let first = tenant.read(|it| it.changes.since(0).map(|_| ()).unwrap_err().first);
    assert_eq!(first, 11);
    assert_eq!(
        tenant.read(|it| it.changes.since(10).unwrap().count()),
        10_000
    );
    assert_eq!(
        tenant.read(|it| it.changes.since(10_010).unwrap().count()),
        0
    );
}
