//! What Graph refuses, and with which words: one constructor for each refusal.
//!
//! Codes and texts as recorded from the service by client libraries and their issues; where no
//! recording is known, a constructor says so.

mod exchange;
mod service;

use std::borrow::Cow;
use std::net::IpAddr;

use axum::http::{Method, StatusCode};

pub(crate) use self::service::{Service, usual_message};
use crate::store::Full;

/// A refusal of Graph.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct GraphError {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// `error.code`.
    pub(crate) code: Cow<'static, str>,
    /// `error.message`.
    pub(crate) message: Box<str>,
    /// Who answers; none: the service behind the endpoint.
    pub(crate) service: Option<Service>,
    /// What goes into `WWW-Authenticate`, on 401.
    pub(crate) challenge: Option<Challenge>,
    /// Further headers of the answer.
    pub(crate) headers: Box<[(&'static str, String)]>,
    /// `code` of the inner error.
    pub(crate) inner: Option<&'static str>,
    /// What the mock does not do, for the journal.
    pub(crate) unsupported: Option<Box<str>>,
}

/// The kinds of `WWW-Authenticate`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Challenge {
    /// Get a new token.
    Bearer,
    /// Get a token that satisfies these claims (JSON).
    Claims(String),
}

impl From<Full> for GraphError {
    fn from(error: Full) -> Self {
        Self::new(
            StatusCode::INSUFFICIENT_STORAGE,
            "quotaLimitReached",
            error.to_string(),
        )
        .not_in_the_mock("more documents in a tenant")
    }
}

impl GraphError {
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        let code = code.into();
        Self {
            status,
            service: Service::of_code(&code),
            code,
            message: message.into().into(),
            challenge: None,
            headers: Box::default(),
            inner: None,
            unsupported: None,
        }
    }

    /// Marks the refusal as something that the mock does not do.
    pub(crate) fn not_in_the_mock(mut self, what: impl Into<String>) -> Self {
        self.unsupported = Some(what.into().into());
        self
    }

    /// Whether it says that the mock lacks what Graph documents.
    pub(crate) fn is_not_in_the_mock(&self) -> bool {
        self.status == StatusCode::NOT_IMPLEMENTED
    }

    /// Says more closely what is wrong, as `SharePoint` does.
    pub(crate) fn with_inner(mut self, code: &'static str) -> Self {
        self.inner = Some(code);
        self
    }

    /// Names the service behind the endpoint, unless the code is another's.
    pub(crate) fn of_service(mut self, service: Service) -> Self {
        self.service.get_or_insert(service);
        self
    }

    /// Adds a header to the answer.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        let mut headers = self.headers.into_vec();
        headers.push((name, value.into()));
        self.headers = headers.into_boxed_slice();
        self
    }

    // 401.

    /// The token is missing or not good.
    pub(crate) fn invalid_token(message: impl Into<String>) -> Self {
        Self {
            challenge: Some(Challenge::Bearer),
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                "InvalidAuthenticationToken",
                message,
            )
        }
    }

    /// Continuous access evaluation: the token was issued before a critical event.
    pub(crate) fn claims_challenge(valid_from: i64) -> Self {
        // The space after the comma is the service's.
        let claims = format!(
            "{{\"access_token\":{{\"nbf\":{{\"essential\":true, \"value\":\"{valid_from}\"}}}}}}"
        );
        Self {
            challenge: Some(Challenge::Claims(claims)),
            ..Self::invalid_token(REVOKED)
        }
    }

    /// The client is at an address that a policy blocks: a token for this address is needed.
    /// Unverified: the text, and that `xms_rp_ipaddr` stands beside `nbf`.
    pub(crate) fn location_challenge(now: i64, from: IpAddr) -> Self {
        let claims = format!(
            "{{\"access_token\":{{\"nbf\":{{\"essential\":true, \"value\":\"{now}\"}}, \
             \"xms_rp_ipaddr\":{{\"value\":\"{from}\"}}}}}}"
        );
        Self {
            challenge: Some(Challenge::Claims(claims)),
            ..Self::invalid_token(ELSEWHERE)
        }
    }

    /// Too many requests.
    ///
    /// Source: learn.microsoft.com/graph/throttling, which prints the answer.
    pub(crate) fn throttled() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequests",
            "Please retry again later.",
        )
    }

    /// Neither scopes nor roles. Unverified: the text.
    pub(crate) fn no_permissions() -> Self {
        Self {
            challenge: Some(Challenge::Bearer),
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                "NoPermissionsInAccessToken",
                "The token contains no permissions, or permissions can not be understood.",
            )
        }
    }

    /// The tenant does not know the caller.
    pub(crate) fn identity_not_found() -> Self {
        Self {
            challenge: Some(Challenge::Bearer),
            ..Self::new(
                StatusCode::UNAUTHORIZED,
                "Authorization_IdentityNotFound",
                "The identity of the calling application could not be established.",
            )
        }
    }

    // 400.

    /// What the gateway can't parse.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// App-only access to `/me`.
    pub(crate) fn me_needs_a_user() -> Self {
        Self::bad_request("/me request is only valid with delegated authentication flow.")
    }

    /// A segment of the path that does not exist.
    pub(crate) fn unknown_segment(segment: &str) -> Self {
        Self::bad_request(format!("Resource not found for the segment '{segment}'."))
    }

    /// The first segment is no version. Unverified: the text.
    pub(crate) fn unknown_version(segment: &str) -> Self {
        Self::bad_request(format!("Invalid version: {segment}."))
    }

    /// A `$select` or `$expand` of a member that the type does not have.
    pub(crate) fn unknown_select(property: &str, of: &str) -> Self {
        Self::bad_request(format!(
            "Parsing OData Select and Expand failed: Could not find a property named '{property}' \
             on type 'microsoft.graph.{of}'."
        ))
    }

    /// A `$expand` of a member that leads nowhere.
    ///
    /// Source: OData/odata.net, `ExpandItemBinder_PropertyIsNotANavigationPropertyOrComplexProperty`.
    pub(crate) fn no_navigation(property: &str, of: &str) -> Self {
        Self::bad_request(format!(
            "Parsing OData Select and Expand failed: Property '{property}' on type \
             'microsoft.graph.{of}' is not a navigation property or complex property. Only \
             navigation properties can be expanded."
        ))
    }

    /// A `$filter` or `$orderby` of a member that the type does not have.
    pub(crate) fn unknown_property(property: &str, of: &str) -> Self {
        Self::bad_request(format!(
            "Could not find a property named '{property}' on type 'microsoft.graph.{of}'."
        ))
    }

    /// A query option that is not written right. Unverified: the text after the option's name.
    pub(crate) fn invalid_query(option: &str, problem: &str) -> Self {
        Self::bad_request(format!("Invalid query option '{option}': {problem}."))
    }

    /// A directory query that needs `ConsistencyLevel: eventual`.
    pub(crate) fn unsupported_query(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_UnsupportedQuery", message)
    }

    /// A directory request with a wrong value.
    pub(crate) fn directory_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    /// A property that a new object needs.
    pub(crate) fn value_required(name: &str, of: &str) -> Self {
        let mut letters = of.chars();
        let first = letters.next().map(|it| it.to_ascii_uppercase());
        let of: String = first.into_iter().chain(letters).collect();
        Self::directory_request(format!(
            "A value is required for property '{name}' of resource '{of}'."
        ))
    }

    /// A property that nobody writes. Unverified: the text.
    pub(crate) fn read_only(name: &str) -> Self {
        Self::directory_request(format!("Property '{name}' is read-only and cannot be set."))
    }

    /// A property that the service takes, and the mock does not keep.
    pub(crate) fn not_written(resource: &str, name: &str) -> Self {
        Self::directory_request(format!(
            "entra-mock does not keep property '{name}' of resource '{resource}'."
        ))
        .not_in_the_mock(format!("writing '{name}' of a {resource}"))
    }

    /// An identifier URI of a stranger. Source: the answer that Azure/Industrial-IoT was given.
    pub(crate) fn host_not_on_verified_domain(uri: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "HostNameNotOnVerifiedDomain",
            format!(
                "Values of identifierUris property must use a verified domain of the organization \
                 or its subdomain: '{uri}'"
            ),
        )
    }

    /// `$expand` of something that can't be expanded.
    pub(crate) fn expand_not_supported(property: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "ExpandNotSupported",
            format!(
                "Expand is not allowed for property '{property}' according to the entity schema."
            ),
        )
    }

    /// A link that is there already.
    ///
    /// Source: learn.microsoft.com/graph/api/group-post-members, and issues of clients.
    pub(crate) fn already_linked(navigation: &str) -> Self {
        Self::directory_request(format!(
            "One or more added object references already exist for the following modified \
             properties: '{navigation}'."
        ))
    }

    /// A body that is no JSON or not marked as such.
    pub(crate) fn unreadable_body() -> Self {
        Self::bad_request(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and \
             payload is of valid JSON format.",
        )
    }

    /// A body with a member that the type does not have. Unverified: the text is the OData
    /// library's.
    pub(crate) fn unknown_member(member: &str, of: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "RequestBodyRead",
            format!(
                "The property '{member}' does not exist on type 'microsoft.graph.{of}'. Make sure \
                 to only use property names that are defined by the type or mark the type as open \
                 type."
            ),
        )
    }

    /// A body with a value of the wrong type. Source: microsoftgraph/msgraph-sdk-powershell#3159.
    pub(crate) fn wrong_type(expected: &str, found: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "RequestBodyRead",
            format!("Cannot convert the literal '{found}' to the expected type '{expected}'."),
        )
    }

    /// A body with an object or a list where something else must be.
    ///
    /// Source: OData/odata.net, `JsonReaderExtensions_UnexpectedNodeDetected`.
    pub(crate) fn unexpected_node(found: &str, expected: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "RequestBodyRead",
            format!(
                "An unexpected '{found}' node was found when reading from the JSON reader. A \
                 '{expected}' node was expected."
            ),
        )
    }

    // 403.

    /// A permission of the directory is missing.
    pub(crate) fn directory_denied() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    }

    // 404.

    /// No such directory object.
    pub(crate) fn resource_not_found(id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Request_ResourceNotFound",
            format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects \
                 are not present."
            ),
        )
    }

    // Other.

    /// More than a request may hold. Source: microsoftgraph/microsoft-graph-docs-contrib#682.
    pub(crate) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "BadRequest",
            "The maximum request length supported is 4MB.",
        )
    }

    /// The path exists in the directory, the method does not.
    /// Source: microsoftgraph/microsoft-graph-docs#119.
    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        )
    }

    /// Names the methods that the path has.
    pub(crate) fn with_allowed(self, methods: &[&Method]) -> Self {
        let allowed: Vec<&str> = methods.iter().map(|it| it.as_str()).collect();
        self.with_header("allow", allowed.join(", "))
    }

    /// `$batch` by another method than POST. Source: davidmoten/odata-client#64.
    pub(crate) fn batch_needs_post() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "UnknownError",
            "Method not allowed",
        )
        .with_header("allow", "POST")
    }

    /// A body that is compressed in a way that Graph does not read. Clients send it again plainly.
    /// Source: microsoftgraph/msgraph-sdk-design, middleware/CompressionHandler.md. Unverified: code
    /// and text.
    pub(crate) fn unsupported_encoding(name: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            format!("The content encoding '{name}' is not supported."),
        )
        .with_header("accept-encoding", "gzip, deflate")
    }

    /// An object with the same key exists.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "Request_MultipleObjectsWithSameKeyValue",
            message,
        )
    }
}

/// What continuous access evaluation tells of a client at a blocked address.
const ELSEWHERE: &str = "Continuous access evaluation resulted in challenge with result: \
    InteractionRequired and code: LocationConditionEvaluationSatisfied";
/// What continuous access evaluation tells of a token from before an event.
const REVOKED: &str = "Continuous access evaluation resulted in challenge with result: \
                       InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp";
