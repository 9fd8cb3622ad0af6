//! What sites and lists refuse, and with which words.

use axum::http::StatusCode;

use crate::graph::error::GraphError;
use crate::graph::files::refusal::invalid;

/// There is no such list. Source: microsoftgraph/msgraph-sdk-java#293.
pub(super) fn no_list() -> GraphError {
    GraphError::new(
        StatusCode::NOT_FOUND,
        "itemNotFound",
        "The specified list was not found",
    )
}

/// A value that does not fit its column. Source: microsoftgraph/microsoft-graph-explorer-v4#3247.
pub(super) fn invalid_request() -> GraphError {
    invalid("Invalid request")
}

/// The list has no such column. Source: answers that clients of lists handle.
/// Unverified: the text.
pub(super) fn unknown_field(name: &str) -> GraphError {
    invalid(&format!("Field '{name}' is not recognized"))
}

/// The column is the service's. Unverified: the text.
pub(super) fn read_only_field(name: &str) -> GraphError {
    invalid(&format!("Field '{name}' is read-only"))
}

/// The column is not indexed. Source: learn.microsoft.com/graph/api/listitem-list, and issues of
/// its documentation.
pub(super) fn not_indexed(name: &str) -> GraphError {
    invalid(&format!(
        "Field '{name}' cannot be referenced in filter or orderby as it is not indexed. Provide \
         the 'Prefer: HonorNonIndexedQueriesWarningMayFailRandomly' header to allow this, but be \
         warned that such queries may fail on large lists."
    ))
}

/// A filter on what is no field. Source: microsoftgraph/microsoft-graph-docs#3962.
pub(super) fn bad_filter() -> GraphError {
    GraphError::bad_request("Invalid filter clause")
}

/// The list is too large for what was asked. Source: microsoftgraph/msgraph-sdk-dotnet#703.
pub(super) fn too_many_rows() -> GraphError {
    crate::graph::files::refusal::throttled()
}

/// The name is taken in the site. The text is SharePoint's own. Unverified: through Graph.
pub(super) fn list_exists() -> GraphError {
    GraphError::new(
        StatusCode::CONFLICT,
        "nameAlreadyExists",
        "A list, survey, discussion board, or document library with the specified title already \
         exists in this Web site.  Please choose another title.",
    )
}

/// The name is taken in the list. The text is SharePoint's own. Unverified: through Graph.
pub(super) fn column_exists(name: &str) -> GraphError {
    GraphError::new(
        StatusCode::CONFLICT,
        "nameAlreadyExists",
        format!("A duplicate field name \"{name}\" was found."),
    )
}

/// Another row has the value. The text is SharePoint's own. Unverified: through Graph.
pub(super) fn duplicate(name: &str) -> GraphError {
    invalid(&format!(
        "The list item could not be added or updated because duplicate values were found in the \
         following field(s) in the list: [{name}]."
    ))
}

/// Rows of a library are made of files. The text is SharePoint's own. Unverified: through Graph.
pub(super) fn library_rows() -> GraphError {
    invalid("To add an item to a document library, use SPFileCollection.Add()")
}

/// There is no room for more. Unverified.
pub(super) fn full() -> GraphError {
    crate::graph::files::refusal::no_room()
}
