//! What the tokens of delta queries hold: where a round stands, and what the first request asked
//! for.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::graph::error::GraphError;

/// Where a round of delta queries stands.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// The folder.
    #[serde(rename = "f")]
    pub(super) folder: u64,
    /// The changes from here on are told; none in the first round, which tells all messages.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(super) since: Option<u64>,
    /// The position of the mailbox when the round began.
    #[serde(rename = "u")]
    pub(super) until: u64,
    /// The last entry that was told.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(super) cursor: Option<Cursor>,
    /// The options of the first request.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) options: Vec<(String, String)>,
}

/// The place of an entry in a round. It does not move when others come or go meanwhile.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(super) struct Cursor(i64, i64);

impl Cursor {
    /// By the time of receipt, newest first.
    pub(super) fn newest_first(received: Timestamp, key: u64) -> Self {
        Self(-received.as_millisecond(), -key.cast_signed())
    }

    /// By the item.
    pub(super) fn by_key(key: u64) -> Self {
        Self(0, key.cast_signed())
    }
}

impl State {
    /// The token.
    pub(super) fn write(&self) -> String {
        // Numbers and texts can always be written.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a token.
    pub(super) fn read(token: &str) -> Result<Self, GraphError> {
        URL_SAFE_NO_PAD
            .decode(token)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(GraphError::bad_delta_token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_a_wrong_one_refused() {
        let state = State {
            folder: 3,
            since: Some(1),
            until: 9,
            cursor: Some(Cursor::by_key(7)),
            options: vec![("$select".into(), "id".into())],
        };
        assert_eq!(State::read(&state.write()), Ok(state.clone()));
        for token in ["", "latest", &state.write()[1..], "e30"] {
            assert!(State::read(token).is_err(), "{token}");
        }
    }
}
