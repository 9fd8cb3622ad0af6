use std::future::Future as _;
use std::sync::Arc;

use futures_util::future::poll_fn;
use http_body_util::BodyExt as _;

use super::*;
use crate::server::capacity::{Capacity, Use};

async fn place(capacity: &Arc<Capacity>) -> Arc<Place> {
    let place = Arc::new(capacity.admit(Use::Exchange).await);
    place.speaks_http();
    place
}

fn bytes(count: usize) -> Body {
    Body::from(vec![0; count])
}

/// Whether a connection was told to end.
async fn is_cut(place: &Place) -> bool {
    let mut end = std::pin::pin!(place.is_cut());
    poll_fn(|context| Poll::Ready(end.as_mut().poll(context).is_ready())).await
}

fn held(answers: &Answers) -> u64 {
    answers.state.read(|it| it.held)
}

#[tokio::test]
async fn the_connection_that_holds_most_gives_way() {
    let capacity = Capacity::new(8, 1, 8);
    let answers = Answers::of(1000, PATIENCE);
    let (many, one, newest) = (
        place(&capacity).await,
        place(&capacity).await,
        place(&capacity).await,
    );
    let several: Vec<_> = (0..3)
        .map(|_| answers.count(bytes(200), many.ask(true), true))
        .collect();
    let single = answers.count(bytes(300), one.ask(true), true);
    assert_eq!(held(&answers), 900);
    let last = answers.count(bytes(300), newest.ask(true), true);
    assert!(is_cut(&many).await);
    assert!(!is_cut(&one).await && !is_cut(&newest).await);
    assert_eq!(held(&answers), 600);
    // What was given up is not counted twice.
    drop(several);
    assert_eq!(held(&answers), 600);
    drop((single, last));
    assert_eq!(held(&answers), 0);
}

#[tokio::test]
async fn an_answer_goes_out_in_pieces_and_counts_until_it_is_taken() {
    let capacity = Capacity::new(8, 1, 8);
    let answers = Answers::of(MOST, PATIENCE);
    let place = place(&capacity).await;
    let whole: Vec<u8> = (0..150_000_u32).map(|it| it.to_le_bytes()[0]).collect();
    let mut answer = answers.count(Body::from(whole.clone()), place.ask(false), false);
    let mut taken = Vec::new();
    let mut sizes = Vec::new();
    while let Some(frame) = answer.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        sizes.push(data.len());
        taken.extend_from_slice(&data);
        assert_eq!(held(&answers), (whole.len() - taken.len()) as u64);
        assert_eq!(answer.size_hint().exact(), Some(held(&answers)));
    }
    assert_eq!(sizes, [PIECE, PIECE, 150_000 - 2 * PIECE]);
    assert!(taken == whole && answer.is_end_stream());
}

#[tokio::test]
async fn who_takes_nothing_is_waited_for_a_minute() {
    let capacity = Capacity::new(8, 1, 8);
    let answers = Answers::of(MOST, PATIENCE);
    let (shut, slow, older) = (
        place(&capacity).await,
        place(&capacity).await,
        place(&capacity).await,
    );
    let _shut = answers.count(bytes(10), shut.ask(true), true);
    // How fast bytes of HTTP/1.1 are taken is seen elsewhere.
    let _older = answers.count(bytes(100_000), older.ask(false), false);
    let mut taken = answers.count(bytes(100_000), slow.ask(true), true);
    let start = Instant::now();
    answers.sweep(start + PATIENCE / 2);
    assert!(!is_cut(&shut).await);
    while Instant::now() == start {}
    taken.frame().await.unwrap().unwrap();
    answers.sweep(start + PATIENCE);
    assert!(is_cut(&shut).await);
    assert!(!is_cut(&slow).await && !is_cut(&older).await);
}
