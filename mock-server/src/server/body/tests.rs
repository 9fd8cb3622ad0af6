use futures_util::stream;
use http_body_util::StreamBody;

use super::*;
use crate::server::capacity::{Capacity, Use};

type Parts = Vec<&'static [u8]>;

const SHORT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(400));

fn underway() -> Arc<Underway> {
    let capacity = Capacity::new(1, 0, 8);
    let place = futures_util::FutureExt::now_or_never(capacity.admit(Use::Exchange));
    Arc::new(place.unwrap()).ask(false)
}

/// A body that comes in parts, and then ends or not.
fn body(parts: Parts, ends: bool) -> Body {
    use futures_util::StreamExt as _;

    let parts = stream::iter(parts).map(|it| Ok::<_, std::io::Error>(Frame::data(it.into())));
    if ends {
        Body::new(StreamBody::new(parts))
    } else {
        Body::new(StreamBody::new(parts.chain(stream::pending())))
    }
}

#[tokio::test]
async fn a_body_is_read_whole_or_not_at_all() {
    let bodies = Bodies::of(100, SHORT);
    let read = async |parts, ends| {
        let mut body = bodies.meter(body(parts, ends), underway());
        let read = body.read(6, false).await;
        (read, body.is_whole())
    };
    let (whole, _) = read(vec![b"abc", b"def"], true).await;
    assert_eq!(whole.unwrap(), "abcdef");
    let (empty, _) = read(vec![], true).await;
    assert_eq!(empty.unwrap(), "");
    let (long, is_whole) = read(vec![b"abcdefg", b"hij"], true).await;
    assert!(matches!(long, Err(BodyError::TooLarge(6))) && is_whole);
    let (slow, is_whole) = read(vec![b"abc"], false).await;
    assert!(matches!(slow, Err(BodyError::TooSlow(..))), "{slow:?}");
    assert!(!is_whole);
    assert_eq!(bodies.state.read(|it| it.held), 0);
    assert!(bodies.state.read(|it| it.bodies.is_empty()));
}

#[tokio::test]
async fn a_body_that_drips_ends_too() {
    use futures_util::StreamExt as _;

    let drip = stream::unfold((), |()| async {
        time::sleep_until(Instant::now() + SHORT.0 / 2).await;
        let drop = Frame::data(Bytes::from_static(b"."));
        Some((Ok::<_, std::io::Error>(drop), ()))
    });
    let drip = Body::new(StreamBody::new(drip.boxed()));
    let started = Instant::now();
    let read = Bodies::of(100, SHORT)
        .meter(drip, underway())
        .read(50, false)
        .await;
    assert!(matches!(read, Err(BodyError::TooSlow(..))), "{read:?}");
    assert!(started.elapsed() >= SHORT.1);
}

#[tokio::test]
async fn the_oldest_unfinished_body_gives_way_to_a_new_one() {
    let bodies = Bodies::of(10, (STALL, WHOLE));
    let unfinished = |name: &'static [u8]| {
        let mut metered = bodies.meter(body(vec![name], false), underway());
        tokio::spawn(async move { metered.read(100, false).await })
    };
    let first = unfinished(b"1234");
    tokio::task::yield_now().await;
    let second = unfinished(b"5678");
    tokio::task::yield_now().await;
    let mut third = bodies.meter(body(vec![b"abcd"], true), underway());
    assert_eq!(third.read(100, false).await.unwrap(), "abcd");
    let given_up = first.await.unwrap();
    assert!(
        matches!(given_up, Err(BodyError::NoRoom(10))),
        "{given_up:?}"
    );
    assert!(!second.is_finished());
    // What is whole is kept while it is answered, and a body larger than all room is refused.
    let mut large = bodies.meter(body(vec![b"0123456789"], true), underway());
    let refused = large.read(100, false).await;
    assert!(matches!(refused, Err(BodyError::NoRoom(10))), "{refused:?}");
    second.await.unwrap().unwrap_err();
    drop((third, large));
    assert_eq!(bodies.state.read(|it| it.held), 0);
}
