//! What Exchange refuses: mail, calendars, contacts and mailbox settings.

use axum::http::StatusCode;

use super::GraphError;

impl GraphError {
    /// A limit of Outlook: the text as reported by clients.
    pub(crate) fn application_throttled(limit: &str, retry_after: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "ApplicationThrottled",
            format!("Application is over its {limit} limit."),
        )
        .with_header("retry-after", retry_after.to_string())
    }

    /// An id that can't be read.
    pub(crate) fn malformed_id() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "ErrorInvalidIdMalformed",
            "Id is malformed.",
        )
    }

    /// Sorting and filtering do not fit together.
    pub(crate) fn inefficient_filter() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "InefficientFilter",
            "The restriction or sort order is too complex for this operation.",
        )
    }

    /// A parameter that is missing or wrong. Unverified: the texts of most callers.
    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ErrorInvalidParameter", message)
    }

    /// An Outlook request that can't be done. Unverified: the texts of most callers.
    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ErrorInvalidRequest", message)
    }

    /// Nobody, or not only people, to send to.
    pub(crate) fn invalid_recipients() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "ErrorInvalidRecipients",
            "At least one recipient is not valid.",
        )
    }

    /// A MIME body that is no base64.
    pub(crate) fn invalid_mime_base64() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "ErrorMimeContentInvalidBase64String",
            "Invalid base64 string for MIME content.",
        )
    }

    /// A time zone that nobody knows. Unverified: code and text.
    pub(crate) fn unknown_time_zone(name: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "TimeZoneNotSupportedException",
            format!(
                "A valid TimeZone value must be specified. The following TimeZone value is not \
                 supported: '{name}'."
            ),
        )
    }

    /// A permission of Outlook, or a right in the mailbox, is missing.
    pub(crate) fn mailbox_denied() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "ErrorAccessDenied",
            "Access is denied. Check credentials and try again.",
        )
    }

    /// No right to send as that account.
    pub(crate) fn send_as_denied() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "ErrorSendAsDenied",
            "The user account which was used to submit this request does not have the right to \
             send mail on behalf of the specified sending account.",
        )
    }

    /// No such item or folder.
    pub(crate) fn item_not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ErrorItemNotFound",
            "The specified object was not found in the store.",
        )
    }

    /// No such user, on an Outlook path.
    pub(crate) fn invalid_user(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ErrorInvalidUser",
            format!("The requested user '{name}' is invalid."),
        )
    }

    /// A user without a mailbox.
    pub(crate) fn no_mailbox() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "MailboxNotEnabledForRESTAPI",
            "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
        )
    }

    /// A user without a photo. Unverified: the text.
    pub(crate) fn no_photo() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ImageNotFound",
            "The photo wasn't found.",
        )
    }

    /// A folder of that name exists.
    pub(crate) fn folder_exists() -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "ErrorFolderExists",
            "A folder with the specified name already exists.",
        )
    }

    /// `If-Match` names another state.
    pub(crate) fn precondition_failed() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "ErrorIrresolvableConflict",
            "The send or update operation could not be performed because the change key passed in \
             the request does not match the current change key for the item.",
        )
    }

    /// A delta token that is too old.
    pub(crate) fn sync_state_not_found() -> Self {
        Self::new(
            StatusCode::GONE,
            "syncStateNotFound",
            "The sync state generation is not found. Please re-synchronize.",
        )
    }

    /// More than the limit. Unverified: code and text.
    pub(crate) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "ErrorMessageSizeExceeded",
            "The message exceeds the maximum supported size.",
        )
    }
}
