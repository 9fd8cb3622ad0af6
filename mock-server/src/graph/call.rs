//! One request, once its caller, its endpoint and its preferences are known.

use std::sync::{Arc, LazyLock};

use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::access::{Actor, Reach};
use super::endpoint::{Endpoint, Operation, Parameters, Workload};
use super::error::{GraphError, Service};
use super::extended;
use super::link;
use super::odata::query::Query;
use super::prefer::{Metadata, Prefer};
use super::schema::{self, Misfit};
use crate::directory::{ApplicationId, Event, EventError, ObjectId};
use crate::drives::Blob;
use crate::environment::{Environment, SignInCloud};
use crate::mailbox::{MailboxLock, Properties};
use crate::world::{Tenant, World};

/// What a handler needs.
pub(crate) struct Call<'a> {
    pub(crate) world: &'a World,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) environment: Environment,
    /// Scheme and host as addressed.
    pub(crate) origin: &'a str,
    /// `v1.0` or `beta`.
    pub(crate) version: &'static str,
    /// The path as sent, with the version, single slashes.
    pub(crate) path: String,
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) parameters: Parameters,
    /// The calling app.
    pub(crate) client: ApplicationId,
    pub(crate) actor: Actor,
    pub(crate) reach: Reach,
    pub(crate) target: Option<Target>,
    pub(crate) query: Query,
    pub(crate) parameters_sent: Vec<(String, String)>,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Bytes,
    /// The body, where it is the content of a file.
    pub(crate) upload: Option<&'a Blob>,
    pub(crate) prefer: Prefer,
    pub(crate) metadata: Metadata,
    pub(crate) now: Timestamp,
}

/// The user that a path leads to.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The user.
    pub(crate) user: ObjectId,
    /// The user as named in contexts: the id, or the name as addressed.
    pub(crate) key: String,
}

/// An answer of success.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) payload: Payload,
    pub(crate) headers: Vec<(HeaderName, String)>,
    /// Who answers.
    pub(crate) service: Service,
    /// What the mock does not do of what was asked, for the journal.
    pub(crate) unsupported: Option<String>,
}

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Payload {
    Empty,
    Json(Value),
    /// JSON that is written already.
    Written(String),
    Raw {
        content_type: String,
        bytes: Vec<u8>,
    },
}

impl<'a> Call<'a> {
    /// The sign-in cloud.
    pub(crate) fn cloud(&self) -> SignInCloud {
        self.environment.cloud()
    }

    /// The user that the path leads to. Endpoints under `/me` and `/users/{id}` have one.
    pub(crate) fn target(&self) -> Result<&Target, GraphError> {
        self.target.as_ref().ok_or_else(GraphError::item_not_found)
    }

    /// The contents of the mailbox that the path leads to.
    pub(crate) fn mailbox(&self) -> Result<Arc<MailboxLock>, GraphError> {
        self.mailbox_of(self.target()?.user)
    }

    /// The contents of a user's mailbox.
    pub(crate) fn mailbox_of(&self, user: ObjectId) -> Result<Arc<MailboxLock>, GraphError> {
        self.tenant
            .mailbox(user, self.now)
            .ok_or_else(GraphError::no_mailbox)
    }

    /// Lets an event happen in the caller's tenant.
    pub(crate) fn happen(&self, event: &Event) -> Result<(), GraphError> {
        self.world
            .apply(&self.tenant, event)
            .map(drop)
            .map_err(|error| match error {
                EventError::UnknownUser { name, .. } | EventError::UnknownApp { name, .. } => {
                    GraphError::resource_not_found(&name)
                }
                other => GraphError::directory_request(other.to_string()),
            })
    }

    /// What a query option that does not fit its type leads to.
    pub(crate) fn misfit(&self, misfit: Misfit) -> GraphError {
        match self.endpoint.workload {
            Workload::Directory => misfit.into(),
            Workload::Mailbox => GraphError::parse_uri(misfit.to_string()),
        }
    }

    /// What answers of a site's host are written with: nobody calls, nothing is asked.
    pub(crate) fn of_a_site(
        world: &'a World,
        tenant: &Arc<Tenant>,
        origin: &'a str,
        now: Timestamp,
    ) -> Self {
        static NOTHING: (LazyLock<HeaderMap>, Bytes) =
            (LazyLock::new(HeaderMap::new), Bytes::new());
        Self {
            world,
            tenant: Arc::clone(tenant),
            environment: tenant.environment,
            origin,
            version: "v1.0",
            path: "/v1.0/drives".to_owned(),
            endpoint: Endpoint::of_the_model(&Method::GET, Workload::Directory, false),
            parameters: Parameters::default(),
            client: ApplicationId(uuid::Uuid::nil()),
            actor: Actor::Application(Vec::new()),
            reach: Reach::Full,
            target: None,
            query: Query::default(),
            parameters_sent: Vec::new(),
            headers: &NOTHING.0,
            body: &NOTHING.1,
            upload: None,
            prefer: Prefer::default(),
            metadata: Metadata::Minimal,
            now,
        }
    }

    /// The call of another endpoint by the same caller, to read what it has; without a query.
    pub(crate) fn elsewhere(
        &self,
        endpoint: &'static Endpoint,
        parameters: Parameters,
    ) -> Call<'_> {
        let target = endpoint.has_user().then(|| {
            let name = parameters.user.as_deref().unwrap_or_default();
            let user = self
                .tenant
                .read(|it| it.user_by_id_or_name(name).map(|user| user.id));
            user.map(|user| Target {
                user,
                key: user.to_string(),
            })
        });
        Call {
            world: self.world,
            tenant: Arc::clone(&self.tenant),
            environment: self.environment,
            origin: self.origin,
            version: self.version,
            path: self.path.clone(),
            endpoint,
            parameters,
            client: self.client,
            actor: self.actor.clone(),
            reach: Reach::Full,
            target: target.flatten(),
            query: Query::default(),
            parameters_sent: Vec::new(),
            headers: self.headers,
            body: self.body,
            upload: None,
            prefer: Prefer::default(),
            metadata: Metadata::Minimal,
            now: self.now,
        }
    }

    /// `https://…/v1.0`.
    pub(crate) fn root(&self) -> String {
        format!("{}/{}", self.origin, self.version)
    }

    /// The name of a set under the user, as contexts have it: `users('{key}')/messages`.
    pub(crate) fn set(&self, name: &str) -> String {
        let key = self.target.as_ref().map_or("", |it| it.key.as_str());
        let key = percent_encoding::utf8_percent_encode(key, IN_KEY);
        format!("users('{key}')/{name}")
    }

    /// `@odata.context` of a set, with what `$select` leaves.
    pub(crate) fn context(&self, set: &str, entity: bool) -> Value {
        let select = self
            .query
            .select
            .as_ref()
            .map_or_else(String::new, |it| it.join(","));
        // Source: pnp/pnpcore, MockData of tabs: what is expanded stands with parentheses.
        let generic = self.endpoint.operation == Operation::Generic;
        let expanded = self.query.expand.iter().filter(|_| generic);
        let mut shown: Vec<String> = expanded.map(|it| format!("{}()", it.name)).collect();
        if !select.is_empty() {
            shown.insert(0, select);
        }
        let select = if shown.is_empty() {
            String::new()
        } else {
            format!("({})", shown.join(","))
        };
        let entity = if entity { "/$entity" } else { "" };
        json!(format!("{}/$metadata#{set}{select}{entity}", self.root()))
    }

    /// A single object with its context.
    pub(crate) fn entity(
        &self,
        set: &str,
        of: &str,
        document: Properties,
    ) -> Result<Reply, GraphError> {
        if self.prefer.minimal && self.endpoint.method == Method::PATCH {
            return Ok(Reply::empty(StatusCode::NO_CONTENT));
        }
        let id = document
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned();
        if self.endpoint.workload == Workload::Mailbox {
            super::collection::check_members(self, &self.query, of)?;
            let generic = self.endpoint.operation == Operation::Generic;
            let mut own = (self.query.expand.iter()).filter(|it| !extended::is_one(&it.name));
            // Messages and events expand on their own, and so does what the model alone gives.
            if let (false, Some(expand)) = (
                generic || matches!(of, "message" | "event") || of.ends_with("Attachment"),
                own.next(),
            ) {
                let name = &expand.name;
                return Err(GraphError::expand_not_supported(name)
                    .not_in_the_mock(format!("$expand={name}")));
            }
        }
        let mut expanded = self.expanded(of, &document)?;
        for expand in self
            .query
            .expand
            .iter()
            .filter(|it| extended::is_one(&it.name))
        {
            let value = extended::expanded(&document, expand)?;
            expanded.extend(value.map(|(name, value)| (name.to_owned(), value)));
        }
        let selected = super::collection::project(self, of, document)?;
        let mut found = Map::new();
        found.insert("@odata.context".to_owned(), self.context(set, true));
        self.describe(&mut found, set, of, &id);
        found.extend(selected);
        found.extend(expanded);
        let mut reply = Reply::json(self.endpoint.success, Value::Object(found));
        if let Payload::Json(Value::Object(map)) = &reply.payload
            && let Some(Value::String(etag)) = map.get("@odata.etag")
        {
            reply.headers.push((header::ETAG, etag.clone()));
        }
        if self.endpoint.success == StatusCode::CREATED {
            let location = link::address(self, set, of, &id);
            let location = format!("{}/{location}", self.origin);
            reply.headers.push((header::LOCATION, location));
        }
        Ok(reply)
    }

    /// What `$expand` adds to an object of the directory.
    fn expanded(
        &self,
        of: &str,
        document: &Properties,
    ) -> Result<Vec<(String, Value)>, GraphError> {
        let is_read = self.endpoint.method == Method::GET;
        let generic = self.endpoint.operation == Operation::Generic;
        if self.endpoint.workload != Workload::Directory || !is_read || generic {
            return Ok(Vec::new());
        }
        super::collection::check_members(self, &self.query, of)?;
        super::expand::all(self, of, document)
    }

    /// The control information of full metadata.
    pub(crate) fn describe(&self, found: &mut Properties, set: &str, of: &str, id: &str) {
        if self.metadata == Metadata::Full {
            let link = link::address(self, set, of, id);
            // The edit link is relative to what precedes the set in the address.
            let edited = ["v1.0/", "beta/"]
                .iter()
                .find_map(|it| link.strip_prefix(it));
            let edited = edited
                .or_else(|| link.splitn(3, '/').nth(2))
                .unwrap_or(&link);
            found.insert(
                "@odata.type".to_owned(),
                json!(format!("#microsoft.graph.{of}")),
            );
            found.insert("@odata.editLink".to_owned(), json!(edited));
            found.insert(
                "@odata.id".to_owned(),
                json!(format!("{}/{link}", self.origin)),
            );
        }
    }

    /// The body as an object of a type, its members checked and spelled as Graph does.
    pub(crate) fn object(&self, of: &str) -> Result<Properties, GraphError> {
        let mut body = schema::object(self.cloud(), self.endpoint.workload, of, self.json()?)?;
        extended::check(&mut body)?;
        Ok(body)
    }

    /// The body of an action, which may be empty; names as sent.
    pub(crate) fn action(&self) -> Result<Action, GraphError> {
        if self.body.is_empty() {
            Ok(Action(Map::new()))
        } else {
            self.json().map(Action)
        }
    }

    /// The body where it may be left out.
    pub(crate) fn json_or_nothing(&self) -> Result<Properties, GraphError> {
        if self.body.is_empty() {
            Ok(Properties::new())
        } else {
            self.json()
        }
    }

    /// The body as a JSON object.
    pub(crate) fn json(&self) -> Result<Properties, GraphError> {
        let content_type = self.header(header::CONTENT_TYPE.as_str());
        let kind = content_type
            .split(';')
            .next()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase();
        if kind != "application/json" {
            return Err(match self.endpoint.workload {
                Workload::Mailbox if !kind.is_empty() => {
                    GraphError::unsupported_media_type(content_type)
                }
                _ => GraphError::unreadable_body(),
            });
        }
        match serde_json::from_slice(self.body) {
            Ok(Value::Object(map)) => Ok(map),
            _ => Err(GraphError::unreadable_body()),
        }
    }

    /// A header's text; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }

    /// A query parameter that is no system option.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters_sent
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Checks `If-Match` against the state of an item.
    pub(crate) fn if_match(&self, change_key: &str) -> Result<(), GraphError> {
        let wanted = self.header("if-match").trim();
        let inner = wanted.trim_start_matches("W/").trim_matches('"');
        if wanted.is_empty() || wanted == "*" || inner == change_key {
            Ok(())
        } else if inner.get(..STATE) == change_key.get(..STATE) {
            Err(GraphError::precondition_failed())
        } else {
            Err(GraphError::invalid_change_key())
        }
    }

    /// Whether `If-None-Match` names the state of an item.
    pub(crate) fn not_modified(&self, change_key: &str) -> bool {
        let wanted = self.header("if-none-match").trim();
        !wanted.is_empty() && wanted.trim_start_matches("W/").trim_matches('"') == change_key
    }
}

/// The parameters of an action, found by their names in any case.
#[derive(Debug)]
pub(crate) struct Action(pub(crate) Properties);

impl Action {
    /// Takes a parameter; null counts as absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let key = self
            .0
            .keys()
            .find(|key| key.eq_ignore_ascii_case(name))?
            .clone();
        self.0.shift_remove(&key).filter(|value| !value.is_null())
    }

    /// Takes a text.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, GraphError> {
        let value = self.primitive(name, "String")?;
        Ok(value.and_then(|it| it.as_str().map(str::to_owned)))
    }

    /// Takes a boolean.
    pub(crate) fn boolean(&mut self, name: &str, default: bool) -> Result<bool, GraphError> {
        let value = self.primitive(name, "Boolean")?;
        Ok(value.and_then(|it| it.as_bool()).unwrap_or(default))
    }

    fn primitive(&mut self, name: &str, of: &str) -> Result<Option<Value>, GraphError> {
        self.take(name)
            .map(|value| schema::primitive(of, &value))
            .transpose()
    }

    /// Refuses what nobody has taken.
    pub(crate) fn finish(self, action: &str) -> Result<(), GraphError> {
        match self.0.keys().find(|name| !name.contains('@')) {
            None => Ok(()),
            // Unverified: the text is the OData library's.
            Some(name) => Err(GraphError::new(
                StatusCode::BAD_REQUEST,
                "RequestBodyRead",
                format!(
                    "The parameter '{name}' in the request payload is not a valid parameter for \
                     the operation '{action}'."
                ),
            )),
        }
    }
}

impl Reply {
    fn new(status: StatusCode, payload: Payload) -> Self {
        Self {
            status,
            payload,
            headers: Vec::new(),
            service: Service::default(),
            unsupported: None,
        }
    }

    /// Names the origin in the answer of an action of the directory, as the service does. Source:
    /// Azure/azure-cli, recordings of test_user_scenario (2023: `getMemberGroups`, `getByIds`) and
    /// test_app_credential (2022: `addPassword`). Unverified: that the other environments name
    /// their own Graph.
    pub(crate) fn locate(&mut self, call: &Call<'_>) {
        let is_answer = self.status == StatusCode::OK && matches!(self.payload, Payload::Json(_));
        if is_answer && call.endpoint.method == Method::POST {
            self.headers
                .push((header::LOCATION, call.origin.to_owned()));
        }
    }

    /// A JSON answer.
    pub(crate) fn json(status: StatusCode, value: Value) -> Self {
        Self::new(status, Payload::Json(value))
    }

    /// A JSON answer that is written already.
    pub(crate) fn written(text: String) -> Self {
        Self::new(StatusCode::OK, Payload::Written(text))
    }

    /// An answer without a body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self::new(status, Payload::Empty)
    }

    /// Another kind of body.
    pub(crate) fn raw(content_type: impl Into<String>, bytes: Vec<u8>) -> Self {
        let content_type = content_type.into();
        let payload = Payload::Raw {
            content_type,
            bytes,
        };
        Self::new(StatusCode::OK, payload)
    }
}

/// The letters that all states of a mailbox begin with.
const STATE: usize = 32;

/// What is encoded in the keys of contexts.
const IN_KEY: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
