//! What drives refuse, and with which words.

use axum::http::StatusCode;

use crate::drives::Refused;
use crate::graph::error::GraphError;

fn refusal(status: u16, code: &'static str, inner: &'static str, text: &str) -> GraphError {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let error = GraphError::new(status, code, text);
    if inner.is_empty() {
        error
    } else {
        error.with_inner(inner)
    }
}

/// There is no such item. Source: python-sample-console-app#8, rclone/rclone issues.
pub(in crate::graph) fn not_found() -> GraphError {
    refusal(404, "itemNotFound", "", "The resource could not be found.")
}

/// A request that makes no sense.
pub(in crate::graph) fn invalid(text: &str) -> GraphError {
    refusal(400, "invalidRequest", "", text)
}

/// The id is none of a drive. Unverified: the text.
pub(in crate::graph) fn malformed_drive() -> GraphError {
    invalid("The provided drive id appears to be malformed, or does not represent a valid drive.")
}

/// The id is of an item of another drive. Source: microsoftgraph/msgraph-sdk-java#504.
pub(in crate::graph) fn other_drive() -> GraphError {
    invalid("The provided item ID is not valid for the requested drive")
}

/// A name that the service does not take.
/// Source: abraunegg/onedrive#1342, OneDrive/onedrive-api-docs#1446.
pub(in crate::graph) fn bad_name(path: &str) -> GraphError {
    refusal(
        400,
        "invalidRequest",
        "nameContainsInvalidCharacters",
        &format!("One or more invalid characters are present in the path ({path})."),
    )
}

/// A path that is too long. Source: rclone/rclone, backend/onedrive (`pathIsTooLong`).
/// Unverified: the text.
pub(in crate::graph) fn long_path() -> GraphError {
    refusal(
        400,
        "invalidRequest",
        "pathIsTooLong",
        "The specified path is too long.",
    )
}

/// The caller may not. Source: acsone/msgraphfs#9.
pub(in crate::graph) fn denied() -> GraphError {
    refusal(403, "accessDenied", "", "Access denied")
}

/// The name is taken. Source: microsoftgraph/msgraph-sdk-java#374.
pub(in crate::graph) fn name_taken() -> GraphError {
    refusal(
        409,
        "nameAlreadyExists",
        "",
        "The specified item name already exists.",
    )
}

/// The tag of `If-Match` is an older one. Source: skilion/onedrive#366.
pub(in crate::graph) fn tag_differs() -> GraphError {
    refusal(
        412,
        "resourceModified",
        "",
        "ETag does not match current item's value",
    )
}

/// Somebody else has checked the file out. Source: microsoftgraph/microsoft-graph-explorer-v4#3435.
pub(in crate::graph) fn locked() -> GraphError {
    refusal(
        423,
        "notAllowed",
        "resourceLocked",
        "The resource you are attempting to access is locked",
    )
}

/// Too many requests. Source: OneDrive/onedrive-api-docs#1307, #843.
pub(in crate::graph) fn throttled() -> GraphError {
    refusal(
        429,
        "activityLimitReached",
        "throttledRequest",
        "The request has been throttled",
    )
}

/// There is no room. Source: lavinir/hassio-onedrive-backup#140.
pub(in crate::graph) fn no_room() -> GraphError {
    refusal(507, "quotaLimitReached", "", "Insufficient Space Available")
}

/// The content is too large. Unverified: the text.
pub(in crate::graph) fn too_large() -> GraphError {
    refusal(
        413,
        "invalidRequest",
        "maxFileSizeExceeded",
        "The file is larger than the service takes in one request.",
    )
}

/// A folder has no content. Source: microsoftgraph/microsoft-graph-docs#12238.
pub(in crate::graph) fn no_content_of_folder() -> GraphError {
    refusal(
        400,
        "notSupported",
        "",
        "Cannot upload content to an item representing a folder.",
    )
}

/// A session would write a folder. Source: issues of client libraries.
pub(in crate::graph) fn no_session_on_folder() -> GraphError {
    refusal(
        409,
        "invalidRequest",
        "",
        "Cannot create an upload session on a folder",
    )
}

/// The file is being uploaded already. Source: rclone/rclone#8558.
pub(in crate::graph) fn session_exists() -> GraphError {
    refusal(
        409,
        "nameAlreadyExists",
        "",
        "An upload session already exists for this file",
    )
}

/// A session that has ended, or never was. Source: abraunegg/onedrive, OneDrive/onedrive-api-docs.
pub(in crate::graph) fn no_session() -> GraphError {
    refusal(
        404,
        "itemNotFound",
        "uploadSessionNotFound",
        "The upload session was not found",
    )
}

/// A fragment is there already. Source: OneDrive/onedrive-api-docs#64.
pub(in crate::graph) fn overlap() -> GraphError {
    refusal(
        416,
        "invalidRange",
        "fragmentOverlap",
        "Uploaded fragment overlaps with existing data.",
    )
}

/// A fragment before this one is missing. Source: OneDrive/onedrive-api-docs#1273.
pub(in crate::graph) fn gap() -> GraphError {
    refusal(
        416,
        "invalidRange",
        "fragmentOutOfOrder",
        "The uploaded fragment is not contiguous with the last one",
    )
}

/// The whole has another length than before. Source: OneDrive/onedrive-api-docs#1332.
pub(in crate::graph) fn other_total(before: u64, now: u64) -> GraphError {
    let text = format!(
        "The current upload session is for {before} total bytes, but the current fragment \
         declares a total of {now}."
    );
    refusal(400, "invalidRequest", "fragmentLengthMismatch", &text)
}

/// The token of a delta is none. Source: live measurements in public code, 2026-09.
pub(in crate::graph) fn malformed_token() -> GraphError {
    invalid("Provided sync token is malformed")
}

/// All has to be read again. Source: learn.microsoft.com/graph/api/driveitem-delta.
pub(in crate::graph) fn resync(location: String) -> GraphError {
    refusal(
        410,
        "resyncRequired",
        "resyncChangesApplyDifferences",
        "Resync required. Replace any local items with the server's version (including deletes) \
         if you're sure that the service was up to date with your local changes when you last \
         sync'd. Upload any local changes that the server doesn't know about.",
    )
    .with_header("location", location)
}

/// Nobody like that is known. Source: alcionai/corso.
pub(in crate::graph) fn nobody() -> GraphError {
    refusal(
        400,
        "noResolvedUsers",
        "",
        "One or more users could not be resolved",
    )
}

/// What a drive says.
pub(in crate::graph) fn of(refused: Refused) -> GraphError {
    match refused {
        Refused::NotFound => not_found(),
        Refused::NameTaken => name_taken(),
        // Unverified: the texts of these.
        Refused::IntoItself => invalid("The destination folder is a descendant of the item."),
        Refused::NoFolder => invalid("The parent of an item must be a folder."),
        Refused::NoFile => no_content_of_folder(),
        Refused::Root => invalid("Operation not allowed against the root folder"),
        Refused::Quota | Refused::TooMany => no_room(),
    }
}
