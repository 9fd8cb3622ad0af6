//! Extended properties of Outlook items: part of Graph, and not in the mock. They are refused
//! wherever they are named, since an empty answer would be taken for the truth.

use axum::http::StatusCode;

use super::call::Call;
use super::endpoint::Workload;
use super::error::GraphError;
use super::odata::query::option_of;

/// Refuses a request to Exchange that filters by, expands or sets extended properties.
pub(super) fn refuse(call: &Call<'_>) -> Result<(), GraphError> {
    if call.endpoint.workload != Workload::Mailbox {
        return Ok(());
    }
    let asked = call.parameters_sent.iter().any(|(name, value)| {
        matches!(option_of(name), Some("expand" | "filter"))
            && value.to_ascii_lowercase().contains(NAME)
    });
    // A member's name: inside of a text its closing quote would be escaped.
    let member = format!("{NAME}\"");
    let set = call
        .body
        .windows(member.len())
        .any(|window| window.eq_ignore_ascii_case(member.as_bytes()));
    if asked || set {
        let what =
            "extended properties (singleValueExtendedProperties, multiValueExtendedProperties)";
        return Err(GraphError::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotInTheMock",
            format!("{what} are part of Microsoft Graph, and entra-mock does not do them."),
        )
        .not_in_the_mock(what));
    }
    Ok(())
}

const NAME: &str = "valueextendedproperties";
