//! What Graph's model alone gives each resource: state, types and permissions.
//!
//! A path that no endpoint of the mock's own serves is walked by type and guarded by the published
//! list of permissions. Then entity sets, contained members and links are read and written as
//! their types say: an empty tenant lists empty, an unknown id is a 404, what was written is read.
//! Actions and functions, and streams, are refused with 501 `NotInTheMock`: nothing is made up.

mod act;
pub(super) mod behaviour;
mod delta;
pub(super) mod expansion;
mod files;
mod guard;
mod id;
mod lists;
pub(super) mod membership;
mod mirror;
mod place;
mod property;
mod read;
pub(super) mod route;
mod segment;
mod service;
mod site;
mod stream;
mod view;
mod write;

pub(super) mod coverage;

use axum::http::{HeaderName, Method, StatusCode};

use self::act::Act;
use self::route::{Route, Suffix};
use self::segment::Segment;
use self::service::Voice;
use super::Request;
use super::access::{Actor, Reach};
use super::bearer::Caller;
use super::call::{Call, Reply};
use super::endpoint::{Endpoint, Parameters, Workload};
use super::error::GraphError;
use super::odata::query::Query;
use super::path::Path;
use super::prefer::{Metadata, Prefer};
use super::throttling;
use crate::directory::MailboxRight;
use crate::environment::SignInCloud;
use crate::exchange::Annotation;

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
    annotation.level = Some(coverage::level(
        environment.cloud(),
        &route,
        &request.method,
    ));
    let service = if files::leads_into_drive(&route) {
        super::error::Service::Drives
    } else {
        Voice::of(&route).service()
    };
    Some(match admitted(request, caller, path, version, &route) {
        Ok(reply) => Ok(Reply { service, ..reply }),
        Err(error) => Err(error.of_service(service)),
    })
}

/// How far a token reaches at a path by the published list of permissions, where the rows of the
/// mock's own endpoints do not open it.
pub(super) fn reach(
    actor: &Actor,
    path: &Path,
    endpoint: &Endpoint,
    cloud: SignInCloud,
    own: bool,
) -> Option<Reach> {
    let segments = Segment::all(&path.sent).ok()?;
    let route = route::walk(&segments, cloud).ok()?;
    let mut opened = guard::opened_by(actor, &route, &endpoint.method, own);
    // The list leaves out what is needed together with some.
    opened.retain(|name| !endpoint.combines(name));
    let basic = |name: &&str| name.split('.').nth(1) == Some("ReadBasic");
    let mailbox = Voice::of(&route).service() == super::error::Service::Exchange;
    if opened.is_empty() {
        None
    } else if mailbox && opened.iter().all(basic) {
        Some(Reach::Basic)
    } else {
        Some(Reach::Full)
    }
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
    let reach = guard::check(&caller.actor, route, &request.method, own, voice)?;
    roles(&caller, route, &request.method, me || own, voice)?;
    if voice.service() == super::error::Service::Exchange && !own {
        mailbox(&caller, route)?;
    }
    let query_sent = request.uri.query().unwrap_or("");
    let units = if voice.is_sharepoint() {
        throttling::admit_to_sites(&caller, sharepoint_cost(route, &request.method, query_sent))?
    } else {
        Vec::new()
    };
    let parameters_sent: Vec<(String, String)> = form_urlencoded::parse(query_sent.as_bytes())
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
        reach,
        target: None,
        query: Query::parse(&parameters_sent)?,
        parameters_sent,
        headers: &request.headers,
        body: &request.body,
        upload: request.upload.as_ref(),
        prefer: Prefer::of(&request.headers)?,
        metadata: Metadata::of(&request.headers),
        now: caller.tenant.now(),
        tenant: caller.tenant,
    };
    let mut reply = handle(&call, route, voice)?;
    let units = units.into_iter();
    reply
        .headers
        .extend(units.map(|(name, value)| (HeaderName::from_static(name), value)));
    if voice.is_directory() {
        let units = HeaderName::from_static("x-ms-resource-unit");
        let last = route.last().map_or("", |it| it.name);
        let cost = throttling::cost_of_member(&call.endpoint.method, last, &call.query);
        reply.headers.push((units, cost.to_string()));
        reply.locate(&call);
    }
    Ok(reply)
}

/// The resource units of a request to sites and drives: one for a single thing, five for what
/// touches permissions, two for the rest.
///
/// Source: learn.microsoft.com/sharepoint/dev/general-development/how-to-avoid-getting-throttled-or-blocked-in-sharepoint-online.
fn sharepoint_cost(route: &Route, method: &Method, query: &str) -> u64 {
    let plain = |name: &'static str| name.rsplit('.').next().unwrap_or(name);
    let named = |wanted: &[&str]| {
        route
            .steps
            .iter()
            .any(|it| wanted.contains(&plain(it.name)))
    };
    if named(&["permissions", "invite", "createLink"]) || query.contains("permissions") {
        return 5;
    }
    let last = route.last();
    let delta = last.is_some_and(|it| plain(it.name) == "delta");
    let goes_on = delta && query.contains("token=");
    let single = last.is_some_and(|it| !it.is_collection || it.key.is_some());
    if *method == Method::GET && (goes_on || single && !delta) {
        1
    } else {
        2
    }
}

/// Whether SharePoint answers at a path.
pub(super) fn is_sharepoint(path: &str, cloud: SignInCloud) -> bool {
    let route = Segment::all(path)
        .ok()
        .and_then(|it| route::walk(&it, cloud).ok());
    route.is_some_and(|it| Voice::of(&it).is_sharepoint())
}

fn handle(call: &Call<'_>, route: &Route, voice: &Voice) -> Result<Reply, GraphError> {
    if let Some(reply) = lists::answer(call, route, voice) {
        return reply;
    }
    if let Some(reply) = files::answer(call, route, voice) {
        return reply;
    }
    let method = &call.endpoint.method;
    let properties = act::properties(route);
    let end = route.operation().map_or(route.steps.len(), |(at, _)| at) - properties.len();
    let place = place::owner(call, route, end, voice)?;
    let act = act::of(route, method, place.is_link());
    match act {
        Act::Count => read::count(call, &place),
        Act::Create => write::create(call, &place, voice),
        Act::Delete => write::delete(call, &place, voice),
        Act::Delta => delta::answer(call, &place, voice),
        Act::Get => read::get(call, &place, voice),
        Act::Link => write::add_link(call, &place, voice),
        Act::Linked => linked(call, &place, voice),
        Act::Links => read::links(call, &place, voice),
        Act::List => read::list(call, &place, voice),
        Act::Operate => {
            place.exists(call, voice)?;
            let Some((_, operation)) = route.operation() else {
                return Err(GraphError::method_not_allowed());
            };
            let arguments = route.last().map_or(&[][..], |it| &it.arguments);
            match behaviour::operation(place.of, operation.name()) {
                Some(run) => {
                    let subject = behaviour::Subject {
                        arguments,
                        ..place.subject()
                    };
                    run(call, &subject)
                }
                None => membership::answer(call, operation, &place),
            }
        }
        Act::Property => {
            let bare = route.suffix == Suffix::Value;
            read::property(call, &place, &properties, bare, voice)
        }
        Act::Replace => write::update(call, &place, true, voice),
        Act::Stream => {
            let name = properties.last().map_or("$value", |it| it.name());
            match method.as_str() {
                "GET" => stream::read(call, &place, name, voice),
                "DELETE" => stream::delete(call, &place, name, voice),
                _ => stream::write(call, &place, name, voice),
            }
        }
        Act::Unlink => write::remove_link(call, &place, voice),
        Act::Update => write::update(call, &place, false, voice),
        Act::WriteProperty => property::write(call, &place, &properties, voice),
        Act::Unsupported => Err(not_in_the_mock(&format!("{method} {}", route.display))),
        Act::NotAllowed => Err(GraphError::method_not_allowed()),
    }
}

/// Writes through a navigation. With `@odata.id` it is the link that is written, though the path
/// lacks `$ref`: the published permissions write it so. Otherwise what the link leads to is
/// changed, and who takes it away without `$ref` takes the link alone.
///
/// Unverified: that it is the link alone. For members of groups the service is documented to
/// delete the object where the caller may: learn.microsoft.com/graph/api/group-delete-members.
fn linked(call: &Call<'_>, place: &place::Place<'_>, voice: &Voice) -> Result<Reply, GraphError> {
    let names_link = || call.json().is_ok_and(|body| body.contains_key("@odata.id"));
    match call.endpoint.method.as_str() {
        "POST" | "PUT" if names_link() => write::add_link(call, place, voice),
        "POST" => write::create_linked(call, place, voice),
        "DELETE" => write::remove_link(call, place, voice),
        _ => write::update_linked(call, place, voice),
    }
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

/// Whether a person may open the mailbox of another, with whatever scope, and whether an app may
/// open one as itself.
fn mailbox(caller: &Caller, route: &Route) -> Result<(), GraphError> {
    let Some(route::Key::Id(name)) = guard::person(&route.steps) else {
        return Ok(());
    };
    caller.tenant.read(|directory| {
        // Who is not there is not found later.
        let Some(owner) = directory.user_by_id_or_name(name) else {
            return Ok(());
        };
        if owner.mailbox.is_none() {
            return Err(GraphError::no_mailbox());
        }
        match &caller.actor {
            Actor::Application(_) => {
                super::access::access_policy(directory, caller.client, owner.id)
            }
            Actor::User(user, _)
                if owner.grants_mailbox_right(*user, &[MailboxRight::FullAccess]) =>
            {
                Ok(())
            }
            Actor::User(..) => Err(GraphError::mailbox_denied()),
        }
    })
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

/// A documented request that the mock does not do.
pub(super) fn not_in_the_mock(what: &str) -> GraphError {
    GraphError::new(
        StatusCode::NOT_IMPLEMENTED,
        "NotInTheMock",
        format!("{what} is part of Microsoft Graph, and entra-mock does not do it."),
    )
    .not_in_the_mock(what)
}

#[cfg(test)]
mod tests;
