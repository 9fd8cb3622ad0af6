use jiff::SignedDuration;

use super::*;
use crate::directory::{Event, RevokedBy};
use crate::environment::Environment;
use crate::journal::{Entry, Journal, Redaction};
use crate::mailbox::{Owner, Person};
use crate::random::Random;
use crate::token::{KeyRings, Sealer};
use crate::world::seed::tests::context;

fn world() -> World {
    World::new(
        Random::seeded(1),
        Arc::new(KeyRings::new(None)),
        Sealer::new(),
        Journal::new(10, Redaction::On),
    )
}

fn filled() -> World {
    let world = world();
    world.begin(None, &context()).unwrap();
    world
}

fn again(world: &World) -> World {
    let text = world.snapshot().to_text();
    let other = self::world();
    let snapshot = Snapshot::parse(text.as_bytes()).unwrap();
    other.restore(snapshot).unwrap();
    other
}

#[test]
fn a_world_goes_on_with_everything_that_was_in_it() {
    let world = filled();
    let tenant = &world.defaults()[0];
    let event = Event::RevokeSessions {
        user: "alice".to_owned(),
        by: RevokedBy::Admin,
    };
    world.apply(tenant, &event).unwrap();
    tenant.clock.advance(SignedDuration::from_hours(24));
    let (id, expires) = (world.random.uuid(), tenant.now());
    world.redeemed.redeem(tenant.id, id, expires, expires);
    let kid = world.keys.of(SignInCloud::Global).key(0).kid().to_owned();
    let sealed = world.sealer.seal("code", &1);
    let alice = tenant.read(|it| it.find_user("alice").unwrap().id);
    let owner = tenant.read(|it| Owner::of(it, alice)).unwrap();
    let bob = tenant.read(|it| Person::of_address(it, "bob@x"));
    tenant
        .mailboxes
        .open(&owner, expires)
        .write(|it| it.deliver("Kept", &bob, "text", expires));

    let other = again(&world);
    let kept = &other.defaults()[0];
    assert_eq!(other.tenants().len(), world.tenants().len());
    assert_eq!(kept.id, tenant.id);
    let revocations =
        |of: &Tenant| of.read(|it| it.find_user("alice").unwrap().revocations.clone());
    assert_eq!(revocations(kept), revocations(tenant));
    assert_eq!(kept.clock.state(), tenant.clock.state());
    assert!(other.redeemed.redeem(kept.id, id, expires, expires));
    assert_eq!(other.keys.of(SignInCloud::Global).key(0).kid(), kid);
    assert_eq!(other.sealer.open::<u8>("code", &sealed), Ok(1));
    let mailbox = kept.mailboxes.open(&owner, expires);
    let newest = mailbox.read(|it| it.messages.values().next_back().unwrap().clone());
    assert_eq!(newest.text("subject"), "Kept");
    let app = kept.read(|it| *it.applications.keys().next().unwrap());
    assert!(other.application(SignInCloud::Global, app).is_some());
}

#[test]
fn a_state_is_the_same_text_until_something_happens() {
    let world = filled();
    let (text, pulse) = (world.snapshot().to_text(), world.pulse());
    assert_eq!(world.snapshot().to_text(), text);
    assert_eq!(world.pulse(), pulse);
    world.tenants()[0].write(|it| it.country = "SE".to_owned());
    assert_ne!(world.pulse(), pulse);
    let pulse = world.pulse();
    world.tenants()[1].clock.freeze();
    assert_ne!(world.pulse(), pulse);
}

#[test]
fn ids_of_a_kept_world_are_not_drawn_again() {
    let world = filled();
    let first = self::world().random.uuid();
    let other = again(&world);
    assert_ne!(other.random.uuid(), first);
    assert_ne!(again(&other).random.uuid(), again(&world).random.uuid());
}

#[test]
fn what_is_no_state_is_refused_and_changes_nothing() {
    let world = filled();
    let text = world.snapshot().to_text();
    let newer = text.replacen("\"version\":1", "\"version\":2,\"more\":true", 1);
    let error = Snapshot::parse(newer.as_bytes()).unwrap_err().to_string();
    assert!(error.contains("version 2"), "{error}");
    assert!(error.contains("newer program"), "{error}");
    assert!(Snapshot::parse(&text.as_bytes()[..text.len() / 2]).is_err());
    assert!(Snapshot::parse(b"[]").is_err());

    let wrong: [fn(&mut Snapshot); 4] = [
        |it| it.sealing_secret.truncate(5),
        |it| it.tenants[0].directory.key_generation = u32::MAX,
        |it| it.tenants[1].directory.id = it.tenants[0].directory.id,
        |it| {
            it.signing_keys.push(StoredKey {
                cloud: SignInCloud::Global,
                generation: 0,
                key: "AAAA".to_owned(),
                certificate: "AAAA".to_owned(),
            });
        },
    ];
    for change in wrong {
        let mut snapshot = world.snapshot();
        change(&mut snapshot);
        let error = world.restore(snapshot).unwrap_err();
        assert!(matches!(error, SnapshotError::Value(_)), "{error}");
        assert_eq!(world.snapshot().to_text(), text);
    }
}

#[test]
fn a_world_that_began_again_opens_nothing_from_before() {
    let world = filled();
    let sealed = world.sealer.seal("code", &1);
    let made = world.create_tenant(Environment::Office365, &context());
    assert!(world.tenants().len() > 8);
    world.begin_again(None, &context()).unwrap();
    assert_eq!(world.tenants().len(), 8);
    assert!(world.tenant(SignInCloud::Global, made.id).is_none());
    assert!(world.sealer.open::<u8>("code", &sealed).is_err());
    // The journal says so, and nothing of what was before.
    let entries = world.journal.since(0);
    assert!(matches!(&*entries[0], Entry::State(_)) && entries.len() == 1);
}

#[test]
fn a_tenant_goes_with_the_vendor_that_was_made_for_it() {
    let world = filled();
    let before = world.tenants().len();
    let made = world.create_tenant(Environment::Office365, &context());
    assert_eq!(world.tenants().len(), before + 2);
    // A state keeps who belongs together.
    let other = filled();
    other
        .restore(Snapshot::parse(world.snapshot().to_text().as_bytes()).unwrap())
        .unwrap();
    for world in [&world, &other] {
        world.remove(SignInCloud::Global, made.id).unwrap();
        assert_eq!(world.tenants().len(), before);
    }
    let contoso = world.tenant_of_domain(SignInCloud::Global, "contoso.onmicrosoft.com");
    assert!(contoso.is_some());
}
