//! Extended properties of Outlook items: part of Graph, and not kept by the mock.
//!
//! Whoever asks for them is refused, since an empty answer would be taken for the truth. Whoever
//! sets them beside other members is served, and the journal is marked: libraries set them with
//! each event (O365/python-o365, O365/calendar.py).

use axum::http::StatusCode;

use super::call::Call;
use super::endpoint::Workload;
use super::error::GraphError;
use super::odata::query::option_of;

/// Refuses a request to Exchange that filters by or expands extended properties.
pub(super) fn refuse(call: &Call<'_>) -> Result<(), GraphError> {
    let asked = call.endpoint.workload == Workload::Mailbox
        && call.parameters_sent.iter().any(|(name, value)| {
            matches!(option_of(name), Some("expand" | "filter"))
                && value.to_ascii_lowercase().contains(NAME)
        });
    if !asked {
        return Ok(());
    }
    Err(GraphError::new(
        StatusCode::NOT_IMPLEMENTED,
        "NotInTheMock",
        format!("{WHAT} are part of Microsoft Graph, and entra-mock does not do them."),
    )
    .not_in_the_mock(WHAT))
}

/// What a body sets and the mock does not keep, for the journal.
pub(super) fn not_kept(call: &Call<'_>) -> Option<String> {
    // A member's name: inside of a text its closing quote would be escaped.
    let member = format!("{NAME}\"");
    let set = call.endpoint.workload == Workload::Mailbox
        && call
            .body
            .windows(member.len())
            .any(|window| window.eq_ignore_ascii_case(member.as_bytes()));
    set.then(|| WHAT.to_owned())
}

const WHAT: &str =
    "extended properties (singleValueExtendedProperties, multiValueExtendedProperties)";
const NAME: &str = "valueextendedproperties";
