//! Requests that a browser repeats again and again: AADSTS50196, where a tenant's switch asks for it.
//!
//! The browser carries the count itself, in a sealed cookie. Source:
//! learn.microsoft.com/entra/identity-platform/reference-breaking-changes, "looping clients will be
//! interrupted".

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::session::{attributes, sealed_cookie};
use crate::token::{SEALED_PREFIX, Sealer};

/// What a browser asked for of late.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repetition {
    asked: Vec<Asked>,
    changed: bool,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Asked {
    /// The request, as a hash.
    what: String,
    /// How often.
    times: u32,
    /// Since when, by the clock that counts for it and by the machine's.
    since: (Timestamp, Timestamp),
}

impl Repetition {
    /// Reads the cookie; one that does not open counts as none.
    pub(crate) fn read(headers: &HeaderMap, sealer: &Sealer) -> Self {
        Self {
            asked: sealed_cookie(headers, COOKIE, PURPOSE, sealer).unwrap_or_default(),
            changed: false,
        }
    }

    /// Counts a request, by the text that equal ones have in common. Returns whether it is one too
    /// many.
    pub(crate) fn ask(&mut self, text: &str, now: (Timestamp, Timestamp)) -> bool {
        self.changed = true;
        let what = URL_SAFE_NO_PAD.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..12]);
        // By both clocks: a tenant's may be frozen, or be moved instead of waiting.
        self.asked.retain(|it| {
            now.0.duration_since(it.since.0) < WINDOW && now.1.duration_since(it.since.1) < WINDOW
        });
        let index = self.asked.iter().position(|it| it.what == what);
        let mut asked = match index {
            Some(index) => self.asked.remove(index),
            None => Asked {
                what,
                times: 0,
                since: now,
            },
        };
        asked.times = asked.times.saturating_add(1);
        let too_many = asked.times > MOST;
        self.asked.insert(0, asked);
        self.asked.truncate(KEPT);
        too_many
    }

    /// The cookie for the browser, if something was counted.
    pub(crate) fn cookie(&self, sealer: &Sealer, secure: bool) -> Option<HeaderValue> {
        if !self.changed {
            return None;
        }
        let sealed = sealer.seal(PURPOSE, &self.asked);
        let text = format!("{COOKIE}={SEALED_PREFIX}{sealed}; {}", attributes(secure));
        HeaderValue::from_str(&text).ok()
    }
}

/// So many equal requests within the window are answered.
const MOST: u32 = 15;

const WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// A loop may go over several requests; the cookie stays small.
const KEPT: usize = 4;

const COOKIE: &str = "esctx-loop";

const PURPOSE: &str = "repetition";
