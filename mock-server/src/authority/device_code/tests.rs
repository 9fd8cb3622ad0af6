use uuid::Uuid;

use super::*;

fn request(tenant: u128) -> Request {
    Request {
        client: ApplicationId(Uuid::from_u128(9)),
        cloud: SignInCloud::Global,
        tenant: Some(TenantId(Uuid::from_u128(tenant))),
        scope: "Mail.Read".to_owned(),
        resource: None,
    }
}

fn after(start: Timestamp, by: SignedDuration) -> Timestamp {
    start.saturating_add(by).unwrap()
}

#[test]
fn a_clock_that_moved_ahead_ends_no_sign_in_of_another_tenant() {
    let (store, random, start) = (Store::default(), Random::seeded(1), Timestamp::UNIX_EPOCH);
    let kept = store.create(request(1), start, &random);
    let gone = store.create(request(2), start, &random);
    let tomorrow = after(start, SignedDuration::from_hours(24));
    store.create(request(2), tomorrow, &random);
    assert!(store.find(&kept.device_code).is_some());
    assert!(store.find(&gone.device_code).is_none());
}

#[test]
fn only_a_rush_of_polls_is_too_soon() {
    let (store, random, start) = (Store::default(), Random::seeded(1), Timestamp::UNIX_EPOCH);
    let code = store.create(request(1), start, &random).device_code;
    let later = after(start, INTERVAL);
    assert!(!store.poll(&code, start, start), "the first");
    assert!(store.poll(&code, start, start));
    assert!(!store.poll(&code, start, later), "a frozen clock");
    assert!(!store.poll(&code, later, later), "a clock that was moved");
    assert!(!store.poll("unknown", later, later));
}

#[test]
fn what_is_decided_stays_so() {
    let (store, random) = (Store::default(), Random::seeded(1));
    let pending = store.create(request(1), Timestamp::UNIX_EPOCH, &random);
    let typed = format!(
        " {}-{} ",
        pending.user_code[..4].to_lowercase(),
        &pending.user_code[4..]
    );
    assert!(
        store
            .find_by_user_code(SignInCloud::Global, &typed)
            .is_some(),
        "{typed}"
    );
    assert!(store.decline(&pending.device_code));
    assert!(!store.decline(&pending.device_code));
    store.remove(&pending.device_code);
    assert!(
        store
            .find_by_user_code(SignInCloud::Global, &typed)
            .is_none()
    );
}
