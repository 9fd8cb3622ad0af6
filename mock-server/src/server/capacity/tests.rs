use super::place::GRACE;
use super::*;

/// Whether a place was told to end.
fn ends(place: &Place) -> bool {
    *place.end.borrow() != End::Open
}

fn http(capacity: &Arc<Capacity>) -> Arc<Place> {
    let place = Arc::new(capacity.try_admit(Use::Exchange).unwrap());
    place.speaks_http();
    place
}

/// Long enough after now that all that can be spared may be.
fn later(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

#[test]
fn the_longest_idle_connection_gives_way() {
    let capacity = Capacity::new(3, 1, 8);
    let places = [http(&capacity), http(&capacity), http(&capacity)];
    // The first works, the second has just worked.
    let underway = places[0].ask(false);
    drop(places[1].ask(false));
    assert!(capacity.try_admit(Use::Exchange).is_none());
    capacity.make_room(Use::Exchange, later(0));
    assert_eq!(places.each_ref().map(|it| ends(it)), [false, false, true]);
    capacity.make_room(Use::Exchange, later(0));
    assert_eq!(places.each_ref().map(|it| ends(it)), [false, true, true]);
    // Nothing is left that can be spared: the first is answered.
    capacity.make_room(Use::Exchange, later(9999));
    assert!(!ends(&places[0]));
    drop(underway);
    capacity.make_room(Use::Exchange, later(0));
    assert!(ends(&places[0]));
    drop(places);
    assert!(
        capacity
            .state
            .read(|it| it.waiting.iter().all(BTreeSet::is_empty))
    );
}

#[test]
fn a_client_that_is_slow_gives_way_where_none_is_idle() {
    let capacity = Capacity::new(3, 0, 8);
    let [reading, starting, answered] = std::array::from_fn(|_| http(&capacity));
    let body = reading.ask(false);
    body.reads(true);
    starting.arrived();
    let _underway = answered.ask(false);
    let end = || [&reading, &starting, &answered].map(|it| ends(it));
    capacity.make_room(Use::Exchange, later(0));
    assert_eq!(end(), [false, false, false]);
    capacity.make_room(Use::Exchange, later(2));
    assert_eq!(end(), [false, true, false]);
    capacity.make_room(Use::Exchange, later(6));
    assert_eq!(end(), [true, true, false]);
}

#[tokio::test]
async fn a_place_is_had_as_soon_as_one_is_free() {
    let capacity = Capacity::new(1, 0, 8);
    let first = http(&capacity);
    let next = tokio::spawn({
        let capacity = Arc::clone(&capacity);
        async move { capacity.admit(Use::Exchange).await }
    });
    first.ends().await;
    assert!(!next.is_finished());
    drop(first);
    next.await.unwrap();
}

#[tokio::test]
async fn the_control_port_has_places_of_its_own() {
    let capacity = Capacity::new(1, 1, 8);
    let place = http(&capacity);
    let _underway = place.ask(false);
    assert!(capacity.try_admit(Use::Exchange).is_none());
    let control = capacity.try_admit(Use::Control).unwrap();
    assert!(capacity.try_admit(Use::Control).is_none());
    // But not to serve exchanges by them.
    assert!(!control.becomes_exchange().await);
}

#[test]
fn exchanges_leave_the_control_port_its_places() {
    let capacity = Capacity::new(3, 1, 9);
    let control = capacity.try_admit(Use::Control).unwrap();
    control.speaks_http();
    let exchange = http(&capacity);
    capacity.make_room(Use::Exchange, later(0));
    assert!(!ends(&control));
    assert!(ends(&exchange));
    capacity.make_room(Use::Exchange, later(9999));
    assert!(!ends(&control));
    // What it has beyond these is not its own.
    let more = capacity.try_admit(Use::Control).unwrap();
    more.speaks_http();
    capacity.make_room(Use::Exchange, later(0));
    assert!(ends(&control));
    // It makes room for itself.
    capacity.make_room(Use::Control, later(0));
    assert!(ends(&more));
}

#[test]
fn every_wait_for_a_client_ends() {
    let capacity = Capacity::new(9, 0, 9);
    let shaking = Arc::new(capacity.try_admit(Use::Exchange).unwrap());
    let [idle, asking, stalled, answered] = std::array::from_fn(|_| http(&capacity));
    asking.arrived();
    stalled.stalls(true);
    let _underway = answered.ask(false);
    let end = || [&shaking, &idle, &asking, &stalled, &answered].map(|it| ends(it));
    for (seconds, expected) in [
        (29, [false; 5]),
        (31, [true, false, true, false, false]),
        (59, [true, false, true, false, false]),
        (61, [true, false, true, true, false]),
        (299, [true, false, true, true, false]),
        (301, [true, true, true, true, false]),
        (9999, [true, true, true, true, false]),
    ] {
        capacity.sweep(later(seconds));
        assert_eq!(end(), expected, "{seconds}");
    }
}

#[tokio::test]
async fn a_request_that_came_while_the_end_was_announced_is_answered() {
    let capacity = Capacity::new(1, 0, 8);
    let place = http(&capacity);
    capacity.make_room(Use::Exchange, later(0));
    place.ends().await;
    let underway = place.ask(false);
    let cut = time::timeout(GRACE * 3, place.is_cut()).await;
    assert!(cut.is_err());
    drop(underway);
    time::timeout(GRACE * 3, place.is_cut()).await.unwrap();
}

#[test]
fn a_tunnel_is_idle_since_its_last_byte() {
    let capacity = Capacity::new(2, 0, 8);
    let older = http(&capacity);
    older.tunnels();
    let newer = http(&capacity);
    older.arrived();
    capacity.make_room(Use::Exchange, later(0));
    assert!(ends(&newer) && !ends(&older));
    capacity.sweep(later(301));
    assert!(ends(&older));
}
