//! The endpoints of Graph that the mock serves, with the permissions that each accepts.
//!
//! Rows of `data/graph-endpoints.csv`. Sources: microsoftgraph/microsoft-graph-devx-content,
//! permissions/new/permissions.json; microsoftgraph/microsoft-graph-docs, api-reference/v1.0/api.

mod operation;

use std::sync::LazyLock;

use axum::http::{Method, StatusCode};
use serde::Deserialize;

pub(crate) use self::operation::Operation;
use super::path::{IN_PATH, is_key};
use crate::directory::DirectoryRole;
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
    /// The permissions of a user for the own data, one suffices; `A+B` means both.
    pub(crate) delegated: Vec<String>,
    /// The permissions of a user for another's data.
    pub(crate) delegated_other: Vec<String>,
    /// The permissions of an app as itself.
    pub(crate) application: Vec<String>,
    /// The status of success.
    pub(crate) success: StatusCode,
    /// The directory roles of which a user needs one, unless it is about the user's own account;
    /// empty: none is needed. The global administrator has them all.
    pub(crate) roles: Vec<DirectoryRole>,
    path: Vec<Segment>,
    absent_in: Vec<SignInCloud>,
    only_beta: bool,
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
    /// To a path that has only these other methods; the service behind it.
    OtherMethods(Vec<&'static Method>, Workload),
    /// Nowhere: the segment that is not known.
    Nothing(String),
}

#[derive(Debug)]
enum Segment {
    Fixed(String),
    Placeholder(&'static str),
    /// `/me` or `/users/{id}`.
    User,
    /// `/users/{id}` only.
    UserById,
}

impl Endpoint {
    /// All endpoints.
    pub(crate) fn all() -> &'static [Self] {
        &TABLE
    }

    /// The endpoint of a request that only the model knows: its guard is the model's.
    pub(crate) fn of_the_model(
        method: &Method,
        workload: Workload,
        creates: bool,
    ) -> &'static Self {
        OF_THE_MODEL
            .iter()
            .find(|it| {
                it.method == *method
                    && it.workload == workload
                    && (it.success == StatusCode::CREATED) == creates
            })
            .unwrap_or(&OF_THE_MODEL[0])
    }

    /// Whether a permission counts only together with another one.
    pub(crate) fn combines(&self, permission: &str) -> bool {
        let lists = [&self.delegated, &self.delegated_other, &self.application];
        let mut combined = lists.into_iter().flatten().filter(|it| it.contains('+'));
        combined.any(|it| it.split('+').any(|one| one == permission))
    }

    /// Whether the path leads to a user.
    pub(crate) fn has_user(&self) -> bool {
        self.path
            .iter()
            .any(|segment| matches!(segment, Segment::User | Segment::UserById))
    }

    /// Whether the path is there for the signed-in user, too.
    pub(crate) fn has_me(&self) -> bool {
        self.path
            .iter()
            .any(|segment| matches!(segment, Segment::User))
    }

    /// Whether the endpoint exists in a cloud and a version of the API.
    pub(crate) fn exists_in(&self, cloud: SignInCloud, version: &str) -> bool {
        !self.absent_in.contains(&cloud) && (!self.only_beta || version == "beta")
    }

    /// The version in which the endpoint certainly exists.
    #[cfg(test)]
    pub(crate) fn version(&self) -> &'static str {
        if self.only_beta { "beta" } else { "v1.0" }
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
                Segment::User | Segment::UserById => text.push_str("/users/{id}"),
            }
        }
        text
    }

    /// The path behind whose data it leads to, with keys in parentheses:
    /// `/mailFolders('inbox')/messages`.
    pub(crate) fn beyond_owner(&self, parameters: &Parameters) -> String {
        let mut text = String::new();
        for segment in &self.path {
            match segment {
                Segment::Fixed(name) => text.extend(["/", name]),
                Segment::Placeholder(name) => {
                    let key = parameters.get(name).replace('\'', "''");
                    let key = percent_encoding::utf8_percent_encode(&key, IN_PATH);
                    text.extend(["('", &key.to_string(), "')"]);
                }
                Segment::User | Segment::UserById => {}
            }
        }
        text
    }

    /// What a path means here, if it leads here; else where it leaves.
    fn parameters(&self, segments: &[String]) -> Result<Parameters, usize> {
        // Most do not lead here: copies are made for the one that does.
        self.walk(segments, |_, _| {})?;
        let mut parameters = Parameters::default();
        self.walk(segments, |name, value| match name {
            Some(name) => parameters.values.push((name, value.to_owned())),
            None => parameters.user = Some(value.to_owned()),
        })?;
        Ok(parameters)
    }

    /// Goes along a path, and tells the values of placeholders, and of the user, which has no name.
    fn walk(
        &self,
        segments: &[String],
        mut tell: impl FnMut(Option<&'static str>, &str),
    ) -> Result<(), usize> {
        let mut at = 0;
        for part in &self.path {
            let segment = segments.get(at).ok_or(at)?;
            match part {
                Segment::Fixed(name) => {
                    if !same(name, segment) {
                        return Err(at);
                    }
                }
                Segment::Placeholder(_) if !is_key(segment) => return Err(at),
                Segment::Placeholder(name) => tell(Some(name), segment),
                Segment::User if segment.eq_ignore_ascii_case("me") => {
                    if at > 0 {
                        return Err(at);
                    }
                }
                Segment::User | Segment::UserById if segment.eq_ignore_ascii_case("users") => {
                    at += 1;
                    let user = segments.get(at).ok_or(at)?;
                    if !is_key(user) {
                        return Err(at);
                    }
                    tell(None, user);
                }
                Segment::User | Segment::UserById => return Err(at),
            }
            at += 1;
        }
        if at < segments.len() { Err(at) } else { Ok(()) }
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
pub(crate) fn find(
    method: &Method,
    segments: &[String],
    cloud: SignInCloud,
    version: &str,
) -> Found {
    let mut furthest = 0;
    let mut others: Vec<&Method> = Vec::new();
    let mut workload = Workload::Directory;
    let there = |it: &&Endpoint| it.exists_in(cloud, version);
    for endpoint in Endpoint::all().iter().filter(there) {
        match endpoint.parameters(segments) {
            Ok(parameters) if endpoint.method == *method => {
                return Found::Endpoint(endpoint, parameters);
            }
            Ok(_) if others.contains(&&endpoint.method) => {}
            Ok(_) => {
                others.push(&endpoint.method);
                workload = endpoint.workload;
            }
            Err(at) => furthest = furthest.max(at),
        }
    }
    if !others.is_empty() {
        return Found::OtherMethods(others, workload);
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
    roles: String,
}

static OF_THE_MODEL: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
    let mut all = Vec::new();
    for method in [
        Method::GET,
        Method::POST,
        Method::PATCH,
        Method::PUT,
        Method::DELETE,
    ] {
        for workload in [Workload::Directory, Workload::Mailbox] {
            for success in [StatusCode::OK, StatusCode::CREATED] {
                all.push(Endpoint {
                    operation: Operation::Generic,
                    method: method.clone(),
                    workload,
                    delegated: Vec::new(),
                    delegated_other: Vec::new(),
                    application: Vec::new(),
                    success,
                    roles: Vec::new(),
                    path: Vec::new(),
                    absent_in: Vec::new(),
                    only_beta: false,
                });
            }
        }
    }
    all
});

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
            roles: list(&row.roles)
                .into_iter()
                .map(|name| {
                    serde_json::from_value(name.into()).expect("a role of the table is one")
                })
                .collect(),
            only_beta: list(&row.absent_in).iter().any(|name| name == "v1.0"),
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
        Some("user-by-id") => Segment::UserById,
        // A handful of names, made once for the life of the program.
        Some(name) => Segment::Placeholder(String::from(name).leak()),
    }
}
