//! A request to Graph, from its path to the handler that answers it.

use std::sync::Arc;

use axum::body;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::response::Response;
use bytes::Bytes;

use super::access::{self, Actor};
use super::bearer::{self, Caller};
use super::call::{Call, Payload, Reply, Target};
use super::endpoint::{self, Endpoint, Found, Parameters, Workload};
use super::error::{GraphError, Service};
use super::odata::{self, query::Query};
use super::path::Path;
use super::prefer::{Metadata, Prefer};
use super::{
    MAX_BODY, answer, areas, attachments, batch, directory_query, dispatch, extended, generic,
    metadata, note_token, respond, throttling, users,
};
use crate::drives::Blob;
use crate::environment::{Environment, SignInCloud};
use crate::exchange::{Annotation, Arrival};
use crate::journal::Level;
use crate::limit::{InFlight, Places};
use crate::world::World;

/// Where a request leads.
struct Addressed {
    environment: Environment,
    version: &'static str,
    path: Path,
    endpoint: &'static Endpoint,
    parameters: Parameters,
}

/// A request before anything is known of it.
pub(super) struct Request {
    pub(super) world: Arc<World>,
    pub(super) arrival: Arc<Arrival>,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The body, where it is the content of a file.
    pub(super) upload: Option<Blob>,
}

impl Request {
    pub(super) fn respond(&self) -> Response<body::Body> {
        let mut annotation = Annotation::default();
        let mut places = Places::default();
        let outcome = if self.body.len() > MAX_BODY {
            Err(GraphError::too_large())
        } else {
            let outcome = self.answer(&mut annotation, &mut places);
            if let Ok(reply) = &outcome
                && self.method != Method::GET
            {
                self.audit(&annotation, reply);
            }
            outcome
        };
        let mut response = answer(
            &self.world,
            &self.arrival,
            &self.headers,
            outcome,
            annotation,
        );
        if !places.0.is_empty() {
            response.extensions_mut().insert(InFlight(Arc::new(places)));
        }
        response
    }

    pub(super) fn answer(
        &self,
        annotation: &mut Annotation,
        places: &mut Places,
    ) -> Result<Reply, GraphError> {
        let environment = bearer::environment_of(self.arrival.environment, self.arrival.cloud);
        annotation.environment = Some(environment);
        // Its address is its authorization.
        let part = attachments::Part {
            origin: &self.arrival.origin,
            environment,
            method: &self.method,
            path: self.uri.path(),
            query: self.uri.query().unwrap_or(""),
            headers: &self.headers,
            body: &self.body,
        };
        if let Some(outcome) = attachments::receive(&self.world, &part, annotation) {
            let service = Service::Exchange;
            return outcome
                .map(|reply| Reply { service, ..reply })
                .map_err(|error| error.of_service(service));
        }
        let path = Path::parse(&self.uri)?;
        if path.is_metadata() && self.method == Method::GET {
            path.version()?;
            annotation.endpoint = Some("GET /$metadata".to_owned());
            annotation.level = Some(Level::Modelled);
            return Ok(metadata::answer(environment.cloud()));
        }
        let token = bearer::token_of(&self.headers)?;
        note_token(annotation, token);
        let caller = match bearer::check(&self.world, environment, token, self.arrival.address) {
            Ok(caller) => caller,
            Err(refusal) => {
                respond::note_claims(annotation, token);
                // A refusal tells the tenant's time, too.
                annotation.tenant_time = annotation
                    .tenant
                    .and_then(|tenant| self.world.tenant(environment.cloud(), tenant))
                    .map(|tenant| tenant.now());
                return Err(refusal);
            }
        };
        annotation.tenant = Some(caller.tenant.id);
        annotation.client = Some(caller.client);
        annotation.user = caller.actor.user();
        annotation.tenant_time = Some(caller.tenant.now());
        if path.is_user_info() {
            annotation.endpoint = Some("GET /oidc/userinfo".to_owned());
            annotation.level = Some(Level::Modelled);
            // Source: OpenID Connect Core 1.0, section 5.3.1.
            if ![Method::GET, Method::HEAD, Method::POST].contains(&self.method) {
                let refusal = GraphError::method_not_allowed();
                return Err(refusal.with_allowed(&[&Method::GET, &Method::POST]));
            }
            return users::user_info(&caller);
        }
        let version = path.version()?;
        if path.is_batch() {
            annotation.endpoint = Some(format!("{} /$batch", self.method));
            annotation.level = Some(Level::Modelled);
            return batch::run(self, version, annotation, places);
        }
        let (endpoint, parameters) = match self.endpoint(&path, version, environment.cloud()) {
            Ok(found) => found,
            Err(refusal) => {
                annotation.level = Some(Level::Absent);
                let other_methods = refusal.status == StatusCode::METHOD_NOT_ALLOWED;
                return generic::answer(self, caller, &path, version, other_methods, annotation)
                    .unwrap_or(Err(refusal));
            }
        };
        // Deleted groups are documents; people are the directory's.
        let document = parameters.find("deletedItem").is_some_and(|id| {
            let deleted = generic::membership::DELETED;
            let read = |it: &crate::store::Documents| it.get(deleted, id).is_some();
            caller.tenant.read_documents(read)
        });
        if document {
            return generic::answer(self, caller, &path, version, false, annotation)
                .unwrap_or_else(|| Err(GraphError::method_not_allowed()));
        }
        annotation.endpoint = Some(endpoint.template(parameters.user.is_none()));
        annotation.level = Some(Level::Modelled);
        let service = Service::from(endpoint.workload);
        let found = Addressed {
            environment,
            version,
            path,
            endpoint,
            parameters,
        };
        match self.serve(found, caller, places) {
            Ok(reply) => Ok(Reply { service, ..reply }),
            Err(error) => Err(error.of_service(service)),
        }
    }

    /// Writes what the request changed into the tenant's audit log.
    pub(super) fn audit(&self, annotation: &Annotation, reply: &Reply) {
        let tenant = annotation
            .environment
            .zip(annotation.tenant)
            .and_then(|(environment, id)| self.world.tenant(environment.cloud(), id));
        if let Some(tenant) = tenant {
            areas::logs::audit(&self.world, &tenant, self.uri.path(), annotation, reply);
        }
    }

    /// Answers at an endpoint.
    fn serve(
        &self,
        addressed: Addressed,
        caller: Caller,
        places: &mut Places,
    ) -> Result<Reply, GraphError> {
        let Addressed {
            environment,
            version,
            path,
            endpoint,
            parameters,
        } = addressed;
        let listed = |own| {
            // Which permissions count there is a matter of what was deleted.
            if parameters.find("deletedItem").is_some() {
                return None;
            }
            let cloud = environment.cloud();
            generic::reach(&caller.actor, &path, endpoint, cloud, own)
        };
        let (target, reach) = admit(&caller, endpoint, &parameters, listed)?;
        let parameters_sent: Vec<(String, String)> =
            form_urlencoded::parse(self.uri.query().unwrap_or("").as_bytes())
                .into_owned()
                .collect();
        if endpoint.workload == Workload::Directory {
            directory_query::check_arguments(&parameters_sent)?;
        }
        let mut query = Query::parse(&parameters_sent)?;
        if endpoint.workload == Workload::Mailbox {
            extended::prepare(&mut query)?;
        }
        let admitted = throttling::admit(&caller, endpoint, target.as_ref(), &query)?;
        places.0.extend(admitted.permit);
        let call = Call {
            world: &self.world,
            environment,
            origin: &self.arrival.origin,
            version,
            path: path.sent,
            endpoint,
            parameters,
            client: caller.client,
            actor: caller.actor,
            reach,
            target,
            query,
            parameters_sent,
            headers: &self.headers,
            body: &self.body,
            upload: self.upload.as_ref(),
            prefer: Prefer::of(&self.headers)?,
            metadata: Metadata::of(&self.headers),
            now: caller.tenant.now(),
            tenant: caller.tenant,
        };
        let told = admitted.headers;
        match dispatch::handle(&call) {
            Ok(mut reply) => {
                reply.unsupported = reply
                    .unsupported
                    .take()
                    .or_else(|| options_of_lists(&call, &reply));
                if call.endpoint.workload == Workload::Directory {
                    reply.locate(&call);
                }
                let name = HeaderName::from_static;
                reply
                    .headers
                    .extend(told.into_iter().map(|(it, value)| (name(it), value)));
                Ok(reply)
            }
            Err(error) => Err(told
                .into_iter()
                .fold(error, |error, (name, value)| error.with_header(name, value))),
        }
    }

    fn endpoint(
        &self,
        path: &Path,
        version: &str,
        cloud: SignInCloud,
    ) -> Result<(&'static Endpoint, Parameters), GraphError> {
        let what = || format!("{} /{}", self.method, path.segments[1..].join("/"));
        match endpoint::find(&self.method, &path.segments[1..], cloud, version) {
            Found::Endpoint(endpoint, parameters) => Ok((endpoint, parameters)),
            Found::OtherMethods(methods, workload) => {
                let refusal = match workload {
                    Workload::Directory => GraphError::method_not_allowed(),
                    Workload::Mailbox => GraphError::odata_request_not_supported(),
                };
                Err(refusal.with_allowed(&methods).not_in_the_mock(what()))
            }
            Found::Nothing(segment) => {
                let refusal = GraphError::unknown_segment(&segment);
                // What only this cloud or this version lacks is Graph's own gap.
                let elsewhere = SignInCloud::ALL.into_iter().any(|cloud| {
                    matches!(
                        endpoint::find(&self.method, &path.segments[1..], cloud, "beta"),
                        Found::Endpoint(..)
                    )
                });
                Err(if elsewhere {
                    refusal
                } else {
                    refusal.not_in_the_mock(what())
                })
            }
        }
    }
}

/// Whether the caller may use the endpoint, and for whom. `listed`: how far the published list of
/// permissions lets the token reach, where the endpoint's own row does not.
fn admit(
    caller: &Caller,
    endpoint: &Endpoint,
    parameters: &Parameters,
    listed: impl Fn(bool) -> Option<access::Reach>,
) -> Result<(Option<Target>, access::Reach), GraphError> {
    let has_target = endpoint.has_user();
    caller.tenant.read(|directory| {
        if has_target && parameters.user.is_none() && caller.actor.user().is_none() {
            return Err(GraphError::me_needs_a_user());
        }
        if caller.actor.is_powerless() {
            return Err(match endpoint.workload {
                Workload::Directory => GraphError::directory_denied(),
                Workload::Mailbox => GraphError::no_permissions(),
            });
        }
        let addressed = match (&parameters.user, &caller.actor) {
            (Some(name), _) => directory.user_by_id_or_name(name),
            (None, Actor::User(user, _)) if has_target => directory.user(*user),
            (None, _) => None,
        };
        let own = !has_target
            || parameters.user.is_none()
            || addressed.is_some_and(|user| Some(user.id) == caller.actor.user());
        let reach = access::permissions(&caller.actor, endpoint, own)
            .or_else(|refusal| listed(own).ok_or(refusal))?;
        if let Actor::User(user, _) = &caller.actor
            && !(endpoint.has_me() && own)
        {
            access::directory_role(directory.user(*user), endpoint)?;
        }
        if !has_target {
            return Ok((None, reach));
        }
        let Some(user) = addressed else {
            let name = parameters
                .user
                .clone()
                .or_else(|| caller.actor.user().map(|it| it.to_string()));
            let name = name.unwrap_or_default();
            return Err(match endpoint.workload {
                Workload::Directory => GraphError::resource_not_found(&name),
                // A deleted user's mailbox is soft-deleted, too.
                Workload::Mailbox if parameters.user.is_none() => GraphError::no_mailbox(),
                Workload::Mailbox => GraphError::invalid_user(&name),
            });
        };
        if endpoint.workload == Workload::Mailbox {
            if user.mailbox.is_none() {
                return Err(GraphError::no_mailbox());
            }
            match &caller.actor {
                Actor::User(id, _) if !own => {
                    access::mailbox_right(user, *id, endpoint.operation)?;
                }
                Actor::User(..) => {}
                Actor::Application(_) => {
                    access::access_policy(directory, caller.client, user.id)?;
                }
            }
        }
        let key = parameters
            .user
            .clone()
            .unwrap_or_else(|| user.id.to_string());
        Ok((Some(Target { user: user.id, key }), reach))
    })
}

/// Query options of lists at a single resource of Exchange: they have no effect here, and the
/// journal says so.
///
/// Unverified: what the service does with them.
fn options_of_lists(call: &Call<'_>, reply: &Reply) -> Option<String> {
    let is_single = |it: &Payload| matches!(it, Payload::Json(json) if json.get("value").is_none());
    if call.endpoint.workload != Workload::Mailbox || !is_single(&reply.payload) {
        return None;
    }
    let options: Vec<String> = call
        .parameters_sent
        .iter()
        .filter_map(|(name, _)| odata::query::option_of(name))
        .filter(|it| matches!(*it, "filter" | "orderby" | "search" | "skip" | "top"))
        .map(|it| format!("${it}"))
        .collect();
    (!options.is_empty()).then(|| format!("{} of a single resource", options.join(", ")))
}
