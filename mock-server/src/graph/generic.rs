//! What Graph's model alone gives each resource: state, types and permissions.
//!
//! A path that no endpoint of the mock's own serves is walked by type and guarded by the published
//! list of permissions. Then entity sets, contained members and links are read and written as
//! their types say: an empty tenant lists empty, an unknown id is a 404, what was written is read.
//! Actions and functions, and streams, are refused with 501 `NotInTheMock`: nothing is made up.

mod group;
mod guard;
pub(super) mod membership;
mod place;
mod read;
mod route;
mod segment;
mod service;
mod write;

pub(crate) mod coverage;

use axum::http::{HeaderName, Method, StatusCode};

use self::route::{Route, Step, StepKind, Suffix};
use self::segment::Segment;
use self::service::Voice;
use super::Request;
use super::access::{Actor, Reach};
use super::bearer::Caller;
use super::call::{Call, Reply};
use super::endpoint::{self, Endpoint, Found, Parameters, Workload};
use super::error::GraphError;
use super::odata::query::Query;
use super::path::Path;
use super::prefer::{Metadata, Prefer};
use super::throttling;
use crate::exchange::Annotation;
use crate::model::{Member, MemberKind};

/// Answers a request that no endpoint of the mock's own serves; none where the path has one for
/// another method and no document has this one, and where beta may have what v1.0 has not.
pub(super) fn answer(
    request: &Request,
    caller: Caller,
    path: &Path,
    version: &'static str,
    other_methods: bool,
    annotation: &mut Annotation,
) -> Option<Result<Reply, GraphError>> {
    let environment = annotation.environment?;
    let segments = Segment::all(&path.sent).ok()?;
    let route = match route::walk(&segments, environment.cloud()) {
        Ok(route) => route,
        // The model is the whole of v1.0.
        Err(refusal) if version == "v1.0" && !other_methods => {
            return Some(Err(service::spoken(&path.segments[1..], refusal)));
        }
        Err(_) => return None,
    };
    if other_methods && !guard::is_documented(&route, &request.method) {
        return None;
    }
    annotation.endpoint = Some(format!("{} {}", request.method, route.display));
    let service = Voice::of(&route).service();
    Some(match admitted(request, caller, path, version, &route) {
        Ok(reply) => Ok(Reply { service, ..reply }),
        Err(error) => Err(error.of_service(service)),
    })
}

fn admitted(
    request: &Request,
    caller: Caller,
    path: &Path,
    version: &'static str,
    route: &Route,
) -> Result<Reply, GraphError> {
    let voice = Voice::of(route);
    let me = route.steps.first().is_some_and(|it| it.name == "me");
    if me && caller.actor.user().is_none() {
        return Err(GraphError::me_needs_a_user());
    }
    let own = is_own(&caller, route);
    guard::check(&caller.actor, route, &request.method, own, voice)?;
    roles(&caller, route, &request.method, me || own, voice)?;
    let parameters_sent: Vec<(String, String)> =
        form_urlencoded::parse(request.uri.query().unwrap_or("").as_bytes())
            .into_owned()
            .collect();
    // In paging and query options the other services are like the directory. Unverified.
    let workload = if voice.service() == super::error::Service::Exchange {
        Workload::Mailbox
    } else {
        Workload::Directory
    };
    let creates = request.method == Method::POST && route.operation().is_none();
    let call = Call {
        world: &request.world,
        environment: super::bearer::environment_of(
            request.arrival.environment,
            request.arrival.cloud,
        ),
        origin: &request.arrival.origin,
        version,
        path: path.sent.clone(),
        endpoint: Endpoint::of_the_model(&request.method, workload, creates),
        parameters: Parameters::default(),
        client: caller.client,
        actor: caller.actor,
        reach: Reach::Full,
        target: None,
        query: Query::parse(&parameters_sent)?,
        parameters_sent,
        headers: &request.headers,
        body: &request.body,
        prefer: Prefer::of(&request.headers)?,
        metadata: Metadata::of(&request.headers),
        now: caller.tenant.now(),
        tenant: caller.tenant,
    };
    let mut reply = handle(&call, route, voice)?;
    if voice.is_directory() {
        let units = HeaderName::from_static("x-ms-resource-unit");
        let last = route.last().map_or("", |it| it.name);
        let cost = throttling::cost_of_member(&call.endpoint.method, last, &call.query);
        reply.headers.push((units, cost.to_string()));
        reply.locate(&call);
    }
    Ok(reply)
}

fn handle(call: &Call<'_>, route: &Route, voice: &Voice) -> Result<Reply, GraphError> {
    let method = &call.endpoint.method;
    if let Some((at, operation)) = route.operation() {
        let place = place::find(call, route, voice)?;
        let delta = operation.name() == "delta" && at + 1 == route.steps.len();
        if delta && *method == Method::GET && is_stored(place.step) && !is_kept_elsewhere(call) {
            return read::delta(call, &place);
        }
        if *method == Method::POST && at + 1 == route.steps.len() && membership::answers(operation)
        {
            place.exists(call, voice)?;
            return membership::answer(call, operation, &place);
        }
        return Err(not_in_the_mock(&format!("{method} {}", route.display)));
    }
    let properties = properties(route);
    if properties
        .last()
        .is_some_and(|it| it.type_name() == "Stream")
    {
        return Err(not_in_the_mock(&format!("{method} {}", route.display)));
    }
    if !properties.is_empty() {
        let owner = place::owner(call, route, route.steps.len() - properties.len(), voice)?;
        return match (method.as_str(), route.suffix) {
            ("GET", Suffix::None) => read::property(call, &owner, &properties, false, voice),
            ("GET", Suffix::Value) => read::property(call, &owner, &properties, true, voice),
            _ => Err(not_in_the_mock(&format!("{method} {}", route.display))),
        };
    }
    let place = place::find(call, route, voice)?;
    let many = place.step.is_open_collection();
    if UNTRACKED.contains(&place.step.name) && place.step.is_link() {
        return Err(not_in_the_mock(&format!("{method} {}", route.display)));
    }
    match (method.as_str(), route.suffix) {
        ("GET", Suffix::Count) => read::count(call, &place),
        ("GET", Suffix::Ref) => read::links(call, &place, voice),
        ("POST" | "PUT", Suffix::Ref) => write::add_link(call, &place, voice),
        ("DELETE", Suffix::Ref) => write::remove_link(call, &place, voice),
        ("GET", Suffix::None) if many => read::list(call, &place, voice),
        ("GET", Suffix::None) => read::get(call, &place, voice),
        ("POST", Suffix::None) if many && is_stored(place.step) => {
            write::create(call, &place, voice)
        }
        ("PATCH", Suffix::None) if !many && is_stored(place.step) => {
            write::update(call, &place, false, voice)
        }
        ("PUT", Suffix::None)
            if !many && is_stored(place.step) && guard::is_documented(route, method) =>
        {
            write::update(call, &place, true, voice)
        }
        ("DELETE", Suffix::None) if !many && is_stored(place.step) => {
            write::delete(call, &place, voice)
        }
        _ if guard::is_documented(route, method) || route.suffix == Suffix::Value => {
            Err(not_in_the_mock(&format!("{method} {}", route.display)))
        }
        _ => Err(GraphError::method_not_allowed()),
    }
}

/// Whether the collection of a delta is one of the mock's own endpoints: its objects are not among
/// the documents whose changes are known.
fn is_kept_elsewhere(call: &Call<'_>) -> bool {
    let Some((collection, _)) = call.path.rsplit_once('/') else {
        return false;
    };
    let path = collection.parse().ok().and_then(|it| Path::parse(&it).ok());
    path.is_some_and(|path| {
        let found = endpoint::find(
            &Method::GET,
            &path.segments[1..],
            call.cloud(),
            call.version,
        );
        matches!(found, Found::Endpoint(..))
    })
}

/// Whether documents are kept where a step leads, and not only links to them.
fn is_stored(step: &Step) -> bool {
    !step.is_link()
}

/// The members of a document that a path ends with.
fn properties(route: &Route) -> Vec<Member> {
    let mut found: Vec<Member> = route
        .steps
        .iter()
        .rev()
        .map_while(|step| match step.kind {
            StepKind::Member(member) if member.kind() == MemberKind::Property => Some(member),
            _ => None,
        })
        .collect();
    found.reverse();
    found
}

/// Whether a path leads to the caller's own data, or to nobody's in particular.
fn is_own(caller: &Caller, route: &Route) -> bool {
    let Some(key) = guard::person(&route.steps) else {
        return true;
    };
    let route::Key::Id(name) = key else {
        return false;
    };
    let user = caller
        .tenant
        .read(|it| it.user_by_id_or_name(name).map(|it| it.id));
    user.is_some() && user == caller.actor.user()
}

/// Who writes to the directory beyond the own account is an administrator. Unverified: which role
/// the service asks for; the global administrator has them all.
fn roles(
    caller: &Caller,
    route: &Route,
    method: &Method,
    own: bool,
    voice: &Voice,
) -> Result<(), GraphError> {
    let Actor::User(user, _) = &caller.actor else {
        return Ok(());
    };
    let about_own = own && matches!(route.steps.first().map(|it| it.name), Some("me" | "users"));
    // Anybody may create a group, and so manages the groups that the mock lets people write.
    let groups = route.steps.first().is_some_and(|it| it.name == "groups");
    if !voice.is_directory()
        || *method == Method::GET
        || about_own
        || groups
        || route.operation().is_some()
    {
        return Ok(());
    }
    let administrator = caller.tenant.read(|directory| {
        let roles = [crate::directory::DirectoryRole::GlobalAdministrator];
        directory.user(*user).is_some_and(|it| it.has_role(&roles))
    });
    if administrator {
        Ok(())
    } else {
        Err(voice.denied("", ""))
    }
}

/// Navigations that the mock does not keep account of: an empty list would be made up.
const UNTRACKED: [&str; 1] = ["createdObjects"];

/// A documented request that the mock does not do.
fn not_in_the_mock(what: &str) -> GraphError {
    GraphError::new(
        StatusCode::NOT_IMPLEMENTED,
        "NotInTheMock",
        format!("{what} is part of Microsoft Graph, and entra-mock does not do it."),
    )
    .not_in_the_mock(what)
}

#[cfg(test)]
mod tests;
