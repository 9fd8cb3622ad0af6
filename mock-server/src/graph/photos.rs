//! Photos: nobody has one, and each place says so in its own words.
//!
//! Source: allodia-eu/email-calendar-sync-engine, fixtures/error/photo_image_not_found.json,
//! photo_invalid_size.json and docs/agent-guidance/graph.md.

use axum::http::StatusCode;

use super::call::{Call, Reply};
use super::contacts;
use super::error::GraphError;

/// `GET …/photo`, `/photo/$value` and `/photos`. Unverified: `/photos`.
pub(super) fn of_user() -> Result<Reply, GraphError> {
    Err(GraphError::no_photo())
}

/// `GET …/photos/{size}` and `/photos/{size}/$value`.
pub(super) fn of_size(call: &Call<'_>) -> Result<Reply, GraphError> {
    let size = call.parameters.get("size");
    if SIZES.iter().any(|known| known.eq_ignore_ascii_case(size)) {
        Err(GraphError::no_photo())
    } else {
        Err(GraphError::no_photo_size())
    }
}

/// `GET …/contacts/{id}/photo` and `/photo/$value`.
pub(super) fn of_contact(call: &Call<'_>) -> Result<Reply, GraphError> {
    let contents = call.mailbox()?;
    contents.read(|contents| {
        contacts::find(call, contents)?;
        // Source of the text: microsoftgraph/microsoft-graph-docs-contrib#7939.
        Err(GraphError::new(
            StatusCode::NOT_FOUND,
            "ErrorItemNotFound",
            "The photo wasn't found.",
        ))
    })
}

/// Source: learn.microsoft.com/graph/api/profilephoto-get.
const SIZES: [&str; 9] = [
    "48x48", "64x64", "96x96", "120x120", "240x240", "360x360", "432x432", "504x504", "648x648",
];
