//! The endpoints of Graph that the mock serves, with the permissions that each accepts.
//!
//! Rows of `data/graph-endpoints.csv`. Sources: microsoftgraph/microsoft-graph-devx-content,
//! permissions/new/permissions.json; microsoftgraph/microsoft-graph-docs, api-reference/v1.0/api.

use std::sync::LazyLock;

use axum::http::{Method, StatusCode};
use serde::Deserialize;

use crate::environment::SignInCloud;

/// A method and a path with what they need.
#[derive(Debug)]
pub(crate) struct Endpoint {
    /// What it does.
    pub(crate) operation: Operation,
    /// The method.
    pub(crate) method: Method,
    /// Whose words the refusals have.
    pub(crate) workload: Workload,
    /// The permissions of a user for the own data, one suffices.
    pub(crate) delegated: Vec<String>,
    /// The permissions of a user for another's data.
    pub(crate) delegated_other: Vec<String>,
    /// The permissions of an app as itself.
    pub(crate) application: Vec<String>,
    /// The status of success.
    pub(crate) success: StatusCode,
    path: Vec<Segment>,
    absent_in: Vec<SignInCloud>,
}

/// The service behind an endpoint.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Workload {
    /// The directory.
    Directory,
    /// Exchange.
    Mailbox,
}

/// What an endpoint does: a handler for each.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Operation {
    AcceptEvent,
    AddMessageAttachment,
    CalendarView,
    CancelEvent,
    CopyMessage,
    CountContacts,
    CountFolders,
    CountMessages,
    CountUsers,
    CreateCalendar,
    CreateChildFolder,
    CreateContact,
    CreateContactFolder,
    CreateEvent,
    CreateFolder,
    CreateForward,
    CreateMessage,
    CreateReply,
    CreateReplyAll,
    DeclineEvent,
    DeleteCalendar,
    DeleteContact,
    DeleteEvent,
    DeleteFolder,
    DeleteMessage,
    DeleteMessageAttachment,
    DeltaMessages,
    ForwardMessage,
    GetCalendar,
    GetContact,
    GetContactFolder,
    GetEvent,
    GetFolder,
    GetMailboxSetting,
    GetMailboxSettings,
    GetManager,
    GetMessage,
    GetMessageAttachment,
    GetMessageAttachmentContent,
    GetMessageContent,
    GetOrganization,
    GetPhoto,
    GetPhotoContent,
    GetUser,
    ListCalendars,
    ListCategories,
    ListChildFolders,
    ListContactFolders,
    ListContacts,
    ListEventAttachments,
    ListEventInstances,
    ListEvents,
    ListFolders,
    ListMemberOf,
    ListMessageAttachments,
    ListMessages,
    ListOrganization,
    ListUsers,
    MoveFolder,
    MoveMessage,
    PermanentDeleteMessage,
    Reply,
    ReplyAll,
    RevokeSignInSessions,
    SendMail,
    SendMessage,
    TentativelyAcceptEvent,
    UpdateCalendar,
    UpdateContact,
    UpdateEvent,
    UpdateFolder,
    UpdateMailboxSettings,
    UpdateMessage,
}

/// What the segments of a path mean.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Parameters {
    /// `{user}`: none for `/me`.
    pub(crate) user: Option<String>,
    /// The other placeholders with their values.
    pub(crate) values: Vec<(&'static str, String)>,
}

/// Where a path leads.
#[derive(Debug)]
pub(crate) enum Found {
    /// To an endpoint.
    Endpoint(&'static Endpoint, Parameters),
    /// To a path that has other methods only.
    OtherMethod,
    /// Nowhere: the segment that is not known.
    Nothing(String),
}

#[derive(Debug)]
enum Segment {
    Fixed(String),
    Placeholder(&'static str),
    User,
}

impl Endpoint {
    /// All endpoints.
    pub(crate) fn all() -> &'static [Self] {
        &TABLE
    }

    /// Whether the path leads to a user.
    pub(crate) fn has_user(&self) -> bool {
        self.path
            .iter()
            .any(|segment| matches!(segment, Segment::User))
    }

    /// Whether the endpoint exists in a cloud.
    pub(crate) fn exists_in(&self, cloud: SignInCloud) -> bool {
        !self.absent_in.contains(&cloud)
    }

    /// The endpoint as a template: `GET /me/messages/{message}`.
    pub(crate) fn template(&self, me: bool) -> String {
        let mut text = self.method.to_string();
        text.push(' ');
        for segment in &self.path {
            match segment {
                Segment::Fixed(name) => text.extend(["/", name]),
                Segment::Placeholder(name) => text.extend(["/{", name, "}"]),
                Segment::User if me => text.push_str("/me"),
                Segment::User => text.push_str("/users/{id}"),
            }
        }
        text
    }

    fn parameters(&self, segments: &[String]) -> Result<Parameters, usize> {
        let mut parameters = Parameters::default();
        let mut at = 0;
        for part in &self.path {
            let segment = segments.get(at).ok_or(at)?;
            match part {
                Segment::Fixed(name) => {
                    if !same(name, segment) {
                        return Err(at);
                    }
                }
                Segment::Placeholder(_) if segment.starts_with('$') || same("delta", segment) => {
                    return Err(at);
                }
                Segment::Placeholder(name) => parameters.values.push((name, segment.clone())),
                Segment::User if segment.eq_ignore_ascii_case("me") => {
                    if at > 0 {
                        return Err(at);
                    }
                }
                Segment::User if segment.eq_ignore_ascii_case("users") => {
                    at += 1;
                    let user = segments.get(at).ok_or(at)?;
                    if user.starts_with('$') || user == "delta" {
                        return Err(at);
                    }
                    parameters.user = Some(user.clone());
                }
                Segment::User => return Err(at),
            }
            at += 1;
        }
        if at < segments.len() {
            Err(at)
        } else {
            Ok(parameters)
        }
    }
}

impl Parameters {
    /// The value of a placeholder; empty where the path has none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.find(name).unwrap_or("")
    }

    /// The value of a placeholder.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.values
            .iter()
            .find(|(it, _)| *it == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Finds the endpoint of a path (segments after the version, keys in segments of their own).
pub(crate) fn find(method: &Method, segments: &[String], cloud: SignInCloud) -> Found {
    let mut furthest = 0;
    let mut other_method = false;
    for endpoint in Endpoint::all().iter().filter(|it| it.exists_in(cloud)) {
        match endpoint.parameters(segments) {
            Ok(parameters) if endpoint.method == *method => {
                return Found::Endpoint(endpoint, parameters);
            }
            Ok(_) => other_method = true,
            Err(at) => furthest = furthest.max(at),
        }
    }
    if other_method {
        return Found::OtherMethod;
    }
    let last = segments.len().saturating_sub(1);
    Found::Nothing(
        segments
            .get(furthest.min(last))
            .cloned()
            .unwrap_or_default(),
    )
}

/// Compares a segment with a fixed name: any case, and with or without a function's parentheses
/// or a namespace (`delta()`, `microsoft.graph.delta`).
fn same(name: &str, segment: &str) -> bool {
    let segment = segment.strip_suffix("()").unwrap_or(segment);
    let segment = segment.strip_prefix("microsoft.graph.").unwrap_or(segment);
    name.eq_ignore_ascii_case(segment)
}

#[derive(Deserialize)]
struct Row {
    operation: Operation,
    method: String,
    path: String,
    workload: Workload,
    delegated: String,
    delegated_other: String,
    application: String,
    success: u16,
    absent_in: String,
}

static TABLE: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
    let list = |text: &str| {
        text.split(';')
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    csv::Reader::from_reader(include_str!("../../data/graph-endpoints.csv").as_bytes())
        .deserialize()
        // The file is part of the program; a test reads it.
        .map(|row: Result<Row, _>| row.expect("data/graph-endpoints.csv fits its types"))
        .map(|row| Endpoint {
            operation: row.operation,
            method: row
                .method
                .parse()
                .expect("a method of the table is a method"),
            workload: row.workload,
            delegated: list(&row.delegated),
            delegated_other: list(&row.delegated_other),
            application: list(&row.application),
            success: StatusCode::from_u16(row.success).expect("a status of the table is one"),
            path: row.path.split('/').skip(1).map(segment).collect(),
            absent_in: list(&row.absent_in)
                .iter()
                .filter_map(|name| match name.as_str() {
                    "usgov" => Some(SignInCloud::UsGov),
                    "china" => Some(SignInCloud::China),
                    _ => None,
                })
                .collect(),
        })
        .collect()
});

fn segment(text: &str) -> Segment {
    match text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        None => Segment::Fixed(text.to_owned()),
        Some("user") => Segment::User,
        // A handful of names, made once for the life of the program.
        Some(name) => Segment::Placeholder(String::from(name).leak()),
    }
}
