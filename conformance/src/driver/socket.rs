//! Sockets with a path, which Unix has.

#[cfg(unix)]
pub(super) use unix::connect;
#[cfg(not(unix))]
pub(super) use without::connect;

#[cfg(unix)]
mod unix {
    use std::io;

    use tokio::net::UnixStream;
    use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

    /// Connects to a socket: what it says, and what it hears.
    pub(in crate::driver) async fn connect(
        path: &str,
    ) -> io::Result<(OwnedReadHalf, OwnedWriteHalf)> {
        Ok(UnixStream::connect(path).await?.into_split())
    }
}

#[cfg(not(unix))]
mod without {
    use std::io;

    use tokio::io::{Empty, Sink};

    /// Refused: there are none.
    pub(in crate::driver) async fn connect(_: &str) -> io::Result<(Empty, Sink)> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this system has no Unix sockets; use tcp:HOST:PORT",
        ))
    }
}
