//! Bodies that do not arrive as they should.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use jiff::SignedDuration;

/// A body that breaks off after its beginning; the pause lets what came before it leave.
pub(super) fn broken_off(beginning: Bytes) -> Body {
    let begin = stream::once(async move { Ok(beginning) });
    let end = stream::once(async {
        pause(SignedDuration::from_millis(10)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    Body::from_stream(futures_util::StreamExt::chain(begin, end))
}

/// A body in ten pieces, over a time.
pub(super) fn slowly(answer: &Bytes, over: SignedDuration) -> Body {
    let piece = answer.len().div_ceil(10).max(1);
    let pieces: Vec<Bytes> = answer.chunks(piece).map(Bytes::copy_from_slice).collect();
    let pieces = futures_util::StreamExt::then(stream::iter(pieces), move |piece| async move {
        pause(over / 10).await;
        Ok::<_, std::io::Error>(piece)
    });
    Body::from_stream(pieces)
}

/// Real time passes.
#[expect(
    clippy::disallowed_methods,
    reason = "a fault takes real time, as scripted"
)]
pub(super) async fn pause(time: SignedDuration) {
    tokio::time::sleep(Duration::try_from(time).unwrap_or_default()).await;
}
