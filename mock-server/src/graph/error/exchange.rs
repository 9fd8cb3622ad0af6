//! What Exchange refuses: mail, calendars, contacts and mailbox settings.

use axum::http::StatusCode;

use super::{GraphError, Service, usual_message};

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

    /// A parameter that is missing or wrong. Unverified: the texts of most callers.
    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ErrorInvalidParameter", message)
    }

    /// An Outlook request that can't be done. Unverified: the texts of most callers.
    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ErrorInvalidRequest", message)
    }

    /// Nobody to send to. Source: microsoftgraph/msgraph-sdk-dotnet#1891.
    pub(crate) fn no_recipients() -> Self {
        Self::invalid_recipients("A message can't be sent because it contains no recipients.")
    }

    /// Somebody who has no address. Source: microsoftgraph/ruby-connect-rest-sample#15.
    pub(crate) fn unresolved_recipient(name: &str) -> Self {
        Self::invalid_recipients(&format!(
            "Recipient \"{name}\" isn't resolved. All recipients must be resolved before a message \
             can be submitted."
        ))
    }

    fn invalid_recipients(problem: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "ErrorInvalidRecipients",
            format!("At least one recipient is not valid., {problem}"),
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

    /// A time zone that nobody knows. Source: microsoftgraph/msgraph-sample-rubyrailsapp#195.
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

    /// No such user, on an Outlook path.
    pub(crate) fn invalid_user(name: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ErrorInvalidUser",
            format!("The requested user '{name}' is invalid."),
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

    /// A refusal with the words that the table has for its code.
    fn listed(status: StatusCode, code: &'static str) -> Self {
        // A test asks for the words of each code that is used here.
        Self::new(status, code, usual_message(code).unwrap_or_default())
    }

    // 400.

    /// A part of the address that the type behind it does not have, or that does not fit it.
    ///
    /// Source: wslyvh/paperweight#1 (`$filter`), microsoftgraph/microsoft-graph-explorer-v4#3916
    /// (`$select` inside of `$expand`).
    pub(crate) fn parse_uri(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "RequestBroker--ParseUri", message)
    }

    /// Sorting and filtering do not fit together.
    pub(crate) fn inefficient_filter() -> Self {
        Self::listed(StatusCode::BAD_REQUEST, "InefficientFilter")
    }

    /// `$search` and `$orderby` together.
    pub(crate) fn search_with_order() -> Self {
        Self::listed(StatusCode::BAD_REQUEST, "SearchWithOrderBy")
    }

    /// `$search` and `$filter` together. Unverified: the text, made like that of `$orderby`.
    pub(crate) fn search_with_filter() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "SearchWithFilter",
            "The query parameter '$filter' is not supported with '$search'.",
        )
    }

    /// A filter that Exchange can't evaluate.
    ///
    /// Source: albertocavalcante/msgraph-go, graphmock (`endswith`, `any` over recipients);
    /// elie222/inbox-zero.
    pub(crate) fn invalid_filter() -> Self {
        Self::listed(StatusCode::BAD_REQUEST, "ErrorInvalidUrlQueryFilter")
    }

    /// `If-Match` holds no state of an item.
    pub(crate) fn invalid_change_key() -> Self {
        Self::listed(StatusCode::BAD_REQUEST, "ErrorInvalidChangeKey")
    }

    /// A query option that change tracking has not.
    pub(crate) fn invalid_url_query(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ErrorInvalidUrlQuery", message)
    }

    /// A header of a message that is not one's own to set.
    ///
    /// Source: terminal42/contao-notification_center#436.
    pub(crate) fn invalid_header(name: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "InvalidInternetMessageHeader",
            format!("The internet message header name '{name}' should start with 'x-' or 'X-'."),
        )
    }

    /// More headers than a client may set. Source: learn.microsoft.com/graph/api/resources/
    /// internetmessageheader and public clients, which quote the answer.
    pub(crate) fn too_many_headers() -> Self {
        Self::listed(
            StatusCode::BAD_REQUEST,
            "InvalidInternetMessageHeaderCollection",
        )
    }

    /// A body of an abstract type that does not say which type it is.
    ///
    /// Source: microsoftgraph/msgraph-beta-sdk-dotnet#479.
    pub(crate) fn abstract_type(of: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "UnprocessableType",
            format!("Cannot process input of abstract type 'microsoft.graph.{of}'"),
        )
    }

    /// A body of a type that nobody has.
    ///
    /// Source: OData/odata.net, `ValidationUtils_UnrecognizedTypeName`. Unverified: the code.
    pub(crate) fn unknown_type(name: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "RequestBodyRead",
            format!(
                "A type named '{name}' could not be resolved by the model. When a model is \
                 available, each type name must resolve to a valid type."
            ),
        )
        .not_in_the_mock(format!("type {name}"))
    }

    /// A body that can be read, but not be made into a resource: no list where one must be, a
    /// date that is none.
    ///
    /// Source: Systemorph/MeshWeaver#1690 (`attendees: null`),
    /// microsoftgraph/msgraph-sdk-javascript#404 (`range.startDate`). The text ends so.
    pub(crate) fn unable_to_deserialize() -> Self {
        Self::listed(StatusCode::BAD_REQUEST, "UnableToDeserializePostBody")
    }

    /// Members that contradict each other.
    ///
    /// Source: microsoftgraph/microsoft-graph-docs#7919 (an end before the start).
    pub(crate) fn validation_failure() -> Self {
        Self::listed(StatusCode::BAD_REQUEST, "ErrorPropertyValidationFailure")
    }

    /// A mailbox that is full.
    ///
    /// Source: microsoftgraph/microsoft-graph-docs-contrib#7751 (code and text), #6177 (the status of
    /// another text). Unverified: that they come together.
    pub(crate) fn quota_exceeded() -> Self {
        Self::listed(StatusCode::INSUFFICIENT_STORAGE, "ErrorQuotaExceeded")
    }

    /// A message that grows beyond what may be sent.
    pub(crate) fn message_too_large() -> Self {
        Self::listed(StatusCode::BAD_REQUEST, "ErrorMessageSizeExceeded")
    }

    /// A file that is too small for an upload in parts.
    ///
    /// Source of the code: microsoftgraph/microsoft-graph-docs#7044. Unverified: the text.
    pub(crate) fn upload_too_small() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize",
            "Attachment size must be greater than the minimum size allowed.",
        )
    }

    /// A file that is too large for an upload in parts. Unverified: code and text.
    pub(crate) fn upload_too_large() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "ErrorAttachmentSizeLimitExceeded",
            "The attachment size exceeds the allowed limit.",
        )
    }

    /// More people than `getSchedule` takes. Source: microsoftgraph/microsoft-graph-docs#4477.
    pub(crate) fn too_many_schedules(found: usize) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "ErrorMailboxDataArrayTooBig",
            format!(
                "There are too many target users in the EmailAddress array. The allowed size = \
                 100; the actual size = {found}."
            ),
        )
    }

    /// A time for free and busy that ends before it begins, or is too long.
    pub(crate) fn invalid_time_interval() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "ErrorInvalidTimeInterval",
            "The time duration specified for FreeBusyViewOptions.TimeWindow is invalid.",
        )
    }

    // 403.

    /// A permission of Outlook, or a right in the mailbox, is missing.
    pub(crate) fn mailbox_denied() -> Self {
        Self::listed(StatusCode::FORBIDDEN, "ErrorAccessDenied")
    }

    /// An application access policy leaves the mailbox out.
    ///
    /// Source: microsoftgraph/microsoft-graph-docs#21382 and bodies in public code of 2026.
    pub(crate) fn blocked_by_access_policy() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "ErrorAccessDenied",
            "Access to OData is disabled: [RAOP] : Blocked by tenant configured AppOnly \
             AccessPolicy settings.",
        )
    }

    /// No right to send as that account.
    pub(crate) fn send_as_denied() -> Self {
        Self::listed(StatusCode::FORBIDDEN, "ErrorSendAsDenied")
    }

    // 404.

    /// No such item or folder.
    pub(crate) fn item_not_found() -> Self {
        Self::listed(StatusCode::NOT_FOUND, "ErrorItemNotFound")
    }

    /// Nothing to put a new item into.
    ///
    /// Source: microsoftgraph/microsoft-graph-explorer-v4#1061 (an event for a calendar that is
    /// gone): the first sentence alone.
    pub(crate) fn container_not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "ErrorItemNotFound",
            "The specified object was not found in the store.",
        )
    }

    /// A user without a mailbox.
    pub(crate) fn no_mailbox() -> Self {
        Self::listed(StatusCode::NOT_FOUND, "MailboxNotEnabledForRESTAPI")
    }

    /// A user without a photo.
    pub(crate) fn no_photo() -> Self {
        Self::listed(StatusCode::NOT_FOUND, "ImageNotFound")
    }

    /// A size that photos do not have.
    pub(crate) fn no_photo_size() -> Self {
        Self::listed(StatusCode::NOT_FOUND, "ErrorInvalidImageId")
    }

    // Other.

    /// The path exists, the method does not.
    ///
    /// Source: CoasterKaty/PHPGraphMailer#8, microsoftgraph/microsoft-graph-docs-contrib#4152.
    pub(crate) fn odata_request_not_supported() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "ErrorInvalidRequest",
            "The OData request is not supported.",
        )
    }

    /// A folder of that name exists. Unverified: the name after the second sentence.
    pub(crate) fn folder_exists(name: &str) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "ErrorFolderExists",
            format!(
                "A folder with the specified name already exists., Could not create folder \
                 '{name}'."
            ),
        )
    }

    /// A delta token from before what the mailbox remembers.
    ///
    /// Source: microsoftgraph/microsoft-graph-docs#2350 and #2877. The documentation spells the
    /// code `syncStateNotFound`; the wire does not.
    pub(crate) fn sync_state_not_found(generation: u64, highest: u64) -> Self {
        let kept: String = (highest.saturating_sub(2)..=highest)
            .map(|it| format!("[{it}]"))
            .collect();
        Self::new(
            StatusCode::GONE,
            "SyncStateNotFound",
            format!(
                "The sync state generation is not found; \
                 generation={generation};[highest={highest}]{kept}."
            ),
        )
    }

    /// A delta token that can't be read.
    ///
    /// Source: allodia-eu/email-calendar-sync-engine fixtures/error/contacts_delta_token_bad.json.
    pub(crate) fn bad_delta_token() -> Self {
        Self::bad_request("Badly formed token.")
    }

    /// A body of another kind. Source: CoasterKaty/PHPGraphMailer#14. Unverified: how many kinds
    /// are listed, and the end of the text, which is the OData library's.
    pub(crate) fn unsupported_media_type(found: &str) -> Self {
        let kinds = ["Microsoft.OData.ODataMediaType"; 36].join(", ");
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "RequestBodyRead",
            format!(
                "A supported MIME type could not be found that matches the content type of the \
                 response. None of the supported type(s) '{kinds}' matches the content type \
                 '{found}'."
            ),
        )
        .of_service(Service::Exchange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_listed_refusal_has_words() {
        for refusal in [
            GraphError::inefficient_filter(),
            GraphError::search_with_order(),
            GraphError::unable_to_deserialize(),
            GraphError::validation_failure(),
            GraphError::message_too_large(),
            GraphError::invalid_filter(),
            GraphError::invalid_change_key(),
            GraphError::mailbox_denied(),
            GraphError::send_as_denied(),
            GraphError::item_not_found(),
            GraphError::no_mailbox(),
            GraphError::no_photo(),
            GraphError::no_photo_size(),
        ] {
            assert!(!refusal.message.is_empty(), "{refusal:?}");
        }
    }
}
