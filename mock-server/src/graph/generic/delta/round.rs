//! What a delta token says.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::odata::parser::{Expression, parse};

/// A round: what is asked of which changes, and how far its pages have come.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Round {
    /// The changes after this number are told.
    pub(super) after: u64,
    /// Those up to this number were on pages before.
    pub(super) cursor: u64,
    /// Those up to this number belong to the round, once it has a page.
    pub(super) until: Option<u64>,
    /// Whether the round begins with everything.
    pub(super) initial: bool,
    /// Whether nothing is told, and only a link wanted.
    #[serde(skip)]
    pub(super) latest: bool,
    /// The changes of a page.
    pub(super) size: Option<usize>,
    /// The members that are shown.
    pub(super) select: Option<Vec<String>>,
    /// `$filter` as it was sent.
    pub(super) filter: Option<String>,
    /// The parameters that narrow a calendar view.
    pub(super) window: Vec<(String, String)>,
    /// When the round began, in seconds.
    pub(super) issued: i64,
}

impl Round {
    /// The round at its next page.
    pub(super) fn next_page(&self, cursor: u64, until: u64, size: Option<usize>) -> Self {
        Self {
            cursor,
            until: Some(until),
            size,
            ..self.clone()
        }
    }

    /// The round after this one.
    pub(super) fn next_round(&self, until: u64, now: Timestamp) -> Self {
        Self {
            after: until,
            cursor: until,
            until: None,
            initial: false,
            latest: false,
            size: None,
            issued: now.as_second(),
            ..self.clone()
        }
    }

    /// The filter, read again.
    pub(super) fn filter(&self, call: &Call<'_>) -> Result<Option<Expression>, GraphError> {
        // It was read when the round began.
        if let Some(filter) = &call.query.filter {
            return Ok(Some(filter.clone()));
        }
        let read = |text: &String| parse(text).map_err(|_| GraphError::bad_request(MALFORMED));
        self.filter.as_ref().map(read).transpose()
    }

    pub(super) fn write(&self) -> String {
        // Numbers and texts always serialize.
        let inside = serde_json::to_vec(self).unwrap_or_default();
        format!("{BEGINNING}{}", URL_SAFE_NO_PAD.encode(inside))
    }

    pub(super) fn read(token: &str) -> Option<Self> {
        let inside = URL_SAFE_NO_PAD
            .decode(token.strip_prefix(BEGINNING)?)
            .ok()?;
        serde_json::from_slice(&inside).ok()
    }
}

/// What a delta token begins with.
const BEGINNING: &str = "R0u5uHzB";
const MALFORMED: &str = "Badly formed token.";
