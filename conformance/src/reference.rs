//! The built-in reference connector.

use tokio::io::{AsyncRead, AsyncWrite};

/// Serves the connector protocol.
pub async fn serve(_reader: impl AsyncRead, _writer: impl AsyncWrite) {}
