//! A connection's bytes, watched: its place learns when the client sends and when it takes no more.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::sync::oneshot;
use tokio::time;

use super::capacity::Place;

/// A stream that tells its place what it does, and is handed back when whoever has it drops it.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: Option<S>,
    place: Arc<Place>,
    seen_any: bool,
    stalled: bool,
    back: Option<oneshot::Sender<S>>,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, place: Arc<Place>) -> (Self, oneshot::Receiver<S>) {
        let (sender, back) = oneshot::channel();
        let watched = Self {
            stream: Some(stream),
            place,
            seen_any: false,
            stalled: false,
            back: Some(sender),
        };
        (watched, back)
    }
}

impl<S: Unpin> Watched<S> {
    fn stream(&mut self) -> Pin<&mut S> {
        // Taken when it is dropped, and not before.
        Pin::new(
            self.stream
                .as_mut()
                .expect("the stream is there until the end"),
        )
    }

    fn wrote<T>(&mut self, written: Poll<T>) -> Poll<T> {
        if self.stalled != written.is_pending() {
            self.stalled = written.is_pending();
            self.place.stalls(self.stalled);
        }
        written
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = self.stream().poll_read(context, buffer);
        let fresh = &buffer.filled()[before..];
        if !fresh.is_empty() {
            if !self.seen_any {
                self.seen_any = true;
                if fresh.starts_with(HTTP2) {
                    self.place.speaks_http2();
                }
            }
            self.place.arrived();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write(context, bytes);
        self.wrote(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = self.stream().poll_flush(context);
        self.wrote(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream().poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = self.stream().poll_write_vectored(context, bytes);
        self.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream
            .as_ref()
            .is_some_and(AsyncWrite::is_write_vectored)
    }
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        if let Some((stream, back)) = self.stream.take().zip(self.back.take()) {
            // Whoever wants it no more lets it close.
            drop(back.send(stream));
        }
    }
}

/// Closes a connection in order: says that nothing more comes, and reads what the client still
/// sends. Closing it with bytes unread would take the answer away from the client.
/// Source: RFC 9112, section 9.6.
pub(super) async fn linger<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) {
    let lingering = async {
        let _ = stream.shutdown().await;
        let mut unread = vec![0; 16 << 10];
        while stream.read(&mut unread).await.is_ok_and(|count| count > 0) {}
    };
    let _ = time::timeout(LINGER, lingering).await;
}

/// With what HTTP/2 begins, and no method of HTTP/1.1 does. Source: RFC 9113, section 3.4.
const HTTP2: &[u8] = b"PRI ";

/// A client has this long to finish what nobody reads.
const LINGER: Duration = Duration::from_secs(5);
