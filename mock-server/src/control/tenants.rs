//! Tenants, their clocks, and events in them.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::api::{Api, Operation};
use super::consequence::{Consequence, of_event};
use super::problem::{Answer, Problem, json_response, no_content, text_response};
use super::request::Json;
use super::state::{FORMATS, Format};
use crate::clock::Clock;
use crate::directory::{Directory, Event, EventError, UserKind};
use crate::environment::Environment;
use crate::journal::ClockMove;
use crate::server::{Core, ReadyEnvironment};
use crate::store::Documents;
use crate::world::Tenant;
use crate::world::seed::SeedFile;

const TENANTS: &str = "/api/v1/tenants";
const TENANT: &str = "/api/v1/tenants/{tenant}";
const EXPORT: &str = "/api/v1/tenants/{tenant}/export";
const CLOCK: &str = "/api/v1/tenants/{tenant}/clock";
const EVENTS: &str = "/api/v1/tenants/{tenant}/events";
const EVENTS_ANYWHERE: &str = "/api/v1/events";

pub(super) fn serve(api: Api) -> Api {
    api.serve(
        Operation::get(TENANTS, "listTenants", "All tenants")
            .answers::<Vec<ReadyEnvironment>>(200, "As the ready file describes them"),
        routing::get(list),
    )
    .serve(
        Operation::post(
            TENANTS,
            "createTenant",
            "Makes a tenant: a fresh copy of the default one, or those of a seed file",
        )
        .body::<NewTenant>()
        .answers::<ReadyEnvironment>(201, "The tenant; of a seed file, the first one")
        .problems(&[409]),
        routing::post(create),
    )
    .serve(
        Operation::get(TENANT, "showTenant", "A tenant with its users and apps")
            .answers::<ReadyEnvironment>(200, "As the ready file describes it")
            .problems(&[404]),
        routing::get(show),
    )
    .serve(
        Operation::delete(
            TENANT,
            "deleteTenant",
            "Forgets a tenant with all that is in it",
        )
        .answers_nothing("It is gone")
        .problems(&[404]),
        routing::delete(remove),
    )
    .serve(
        Operation::get(
            EXPORT,
            "exportTenant",
            "The seed file that makes the tenant again",
        )
        .choice("format", &FORMATS, "The form of the file")
        .answers::<SeedFile>(
            200,
            "The tenant, and those of its guests and of the apps installed in it",
        )
        .answers_as::<SeedFile>("application/yaml", "The seed file")
        .problems(&[404]),
        routing::get(export),
    )
    .serve(
        Operation::get(CLOCK, "showClock", "The tenant's time")
            .answers::<ClockView>(200, "The time")
            .problems(&[404]),
        routing::get(clock),
    )
    .serve(
        Operation::post(
            CLOCK,
            "moveClock",
            "Moves, stops or resets the tenant's time",
        )
        .body::<ClockMove>()
        .answers::<ClockView>(200, "The time afterwards")
        .problems(&[404]),
        routing::post(move_clock),
    )
    .serve(
        Operation::post(EVENTS, "applyEvent", "Makes something happen in the tenant")
            .body::<Event>()
            .answers::<Consequence>(200, "It happened: what it did, and to whom")
            .problems(&[404, 409]),
        routing::post(event),
    )
    .serve(
        Operation::post(
            EVENTS_ANYWHERE,
            "applyEventAnywhere",
            "Makes something happen in the first tenant that knows the user and the app",
        )
        .body::<Event>()
        .answers::<Consequence>(200, "It happened: what it did, and to whom")
        .problems(&[404, 409]),
        routing::post(event_anywhere),
    )
}

/// A tenant to make: by template, or by a seed file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewTenant {
    /// Where the copy of the template lives; office365 if absent.
    #[serde(default)]
    environment: Option<Environment>,
    /// `default`, which is also meant if absent.
    #[serde(default)]
    template: Option<String>,
    /// A seed file, instead of environment and template.
    #[serde(default)]
    seed: Option<SeedFile>,
}

#[derive(Debug, JsonSchema, Serialize)]
struct ClockView {
    /// The tenant's time.
    #[schemars(with = "String")]
    now: Timestamp,
    /// Whether it stands still.
    frozen: bool,
    /// How many seconds it is ahead of real time.
    ahead: i64,
}

async fn list(State(core): State<Arc<Core>>) -> Answer {
    let tenants: Vec<_> = core
        .world
        .tenants()
        .iter()
        .map(|tenant| core.ready_environment(tenant))
        .collect();
    Ok(json_response(StatusCode::OK, &tenants))
}

async fn create(State(core): State<Arc<Core>>, Json(wanted): Json<NewTenant>) -> Answer {
    let tenant = match wanted.seed {
        Some(_) if wanted.environment.is_some() || wanted.template.is_some() => {
            return Err(Problem::bad_request(
                "two worlds",
                "'seed' says everything: leave out 'environment' and 'template'",
            ));
        }
        Some(seed) => add_seed(&core, &seed)?,
        None => from_template(&core, &wanted)?,
    };
    let mut response = json_response(StatusCode::CREATED, &core.ready_environment(&tenant));
    // An id has digits, letters and hyphens only.
    if let Ok(location) = HeaderValue::try_from(format!("{TENANTS}/{}", tenant.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

fn from_template(core: &Core, wanted: &NewTenant) -> Result<Arc<Tenant>, Problem> {
    if let Some(template) = wanted.template.as_ref().filter(|it| *it != "default") {
        return Err(Problem::bad_request(
            "unknown template",
            format!("there is no template '{template}': use 'default', or leave it out"),
        ));
    }
    let environment = wanted.environment.unwrap_or(Environment::Office365);
    Ok(core.world.create_tenant(environment, &core.context))
}

/// Adds the tenants of a seed file, unless one would take another's place.
fn add_seed(core: &Core, seed: &SeedFile) -> Result<Arc<Tenant>, Problem> {
    let unusable = |detail| Problem::bad_request("the seed does not make a world", detail);
    seed.check_version()
        .map_err(|error| unusable(error.to_string()))?;
    let directories = seed
        .directories(&core.context)
        .map_err(|error| unusable(error.to_string()))?;
    let world = &core.world;
    for (index, directory) in directories.iter().enumerate() {
        let cloud = directory.environment.cloud();
        let earlier = &directories[..index];
        let taken = world.tenant(cloud, directory.id).is_some()
            || earlier
                .iter()
                .any(|it| it.id == directory.id && it.environment.cloud() == cloud)
            || directory
                .domains
                .iter()
                .any(|domain| world.tenant_of_domain(cloud, domain).is_some())
            || directory
                .applications
                .keys()
                .any(|app| world.application(cloud, *app).is_some());
        if taken {
            let detail = format!(
                "a tenant with the id, a domain or a client id of '{}' exists already: delete it, \
                 or give other ids",
                directory.domain()
            );
            return Err(Problem::new(StatusCode::CONFLICT, "the tenant exists").detail(detail));
        }
    }
    let tenants = world
        .add_seed(seed, &core.context)
        .map_err(|error| unusable(error.to_string()))?;
    tenants
        .into_iter()
        .next()
        .ok_or_else(|| unusable("it has no tenants".to_owned()))
}

async fn show(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Answer {
    let tenant = find(&core, &name)?;
    Ok(json_response(
        StatusCode::OK,
        &core.ready_environment(&tenant),
    ))
}

async fn remove(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Answer {
    let tenant = find(&core, &name)?;
    core.remove_tenant(tenant.environment.cloud(), tenant.id);
    Ok(no_content())
}

async fn export(
    State(core): State<Arc<Core>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let exports = core.exports.clone();
    exports
        .run(move || export_tenant(&core, &name, query))
        .await
}

fn export_tenant(core: &Core, name: &str, query: Option<String>) -> Answer {
    let tenant = find(core, name)?;
    let format = Format::take(query)?;
    let file = SeedFile::of(&with_homes(core, &tenant), &core.context);
    Ok(match format {
        Format::Json => json_response(StatusCode::OK, &file),
        Format::Yaml => text_response(StatusCode::OK, "application/yaml", file.to_yaml()),
    })
}

/// The tenant, and the home tenants of its guests and of the apps that are installed in it.
fn with_homes(core: &Core, tenant: &Tenant) -> Vec<(Directory, Documents)> {
    let (directory, documents) = tenant.contents();
    let mut all = vec![(directory.clone(), documents)];
    let apps = directory.service_principals.values();
    let guests = directory.users.values().filter_map(|user| match user.kind {
        UserKind::Guest { home_tenant } => home_tenant,
        UserKind::Member => None,
    });
    for home in apps.map(|it| it.home_tenant).chain(guests) {
        if all.iter().all(|it| it.0.id != home)
            && let Some(home) = core.world.tenant(tenant.environment.cloud(), home)
        {
            all.push(home.contents());
        }
    }
    all
}

async fn clock(State(core): State<Arc<Core>>, Path(name): Path<String>) -> Answer {
    let tenant = find(&core, &name)?;
    Ok(json_response(StatusCode::OK, &view(&tenant)))
}

async fn move_clock(
    State(core): State<Arc<Core>>,
    Path(name): Path<String>,
    Json(change): Json<ClockMove>,
) -> Answer {
    let tenant = find(&core, &name)?;
    core.world
        .move_clock(&tenant, change)
        .map_err(|error| Problem::bad_request("not an amount of time", error))?;
    Ok(json_response(StatusCode::OK, &view(&tenant)))
}

async fn event(
    State(core): State<Arc<Core>>,
    Path(name): Path<String>,
    Json(event): Json<Event>,
) -> Answer {
    let tenant = find(&core, &name)?;
    let consequence = of_event(&core.world, &tenant, &event).map_err(|error| impossible(&error))?;
    Ok(json_response(StatusCode::OK, &consequence))
}

/// The user or the app of the event tells the tenant: the first one that knows them.
async fn event_anywhere(State(core): State<Arc<Core>>, Json(event): Json<Event>) -> Answer {
    let mut told: Option<EventError> = None;
    for tenant in core.world.tenants() {
        match of_event(&core.world, &tenant, &event) {
            Ok(consequence) => return Ok(json_response(StatusCode::OK, &consequence)),
            Err(error) if !error.is_of_a_name() => return Err(impossible(&error)),
            Err(error) => {
                if told.as_ref().is_none_or(|it| help(it) < help(&error)) {
                    told = Some(error);
                }
            }
        }
    }
    Err(told.map_or_else(
        || Problem::new(StatusCode::CONFLICT, "there is no tenant"),
        |error| impossible(&error),
    ))
}

/// How well an error of one tenant among several fits what was meant.
fn help(error: &EventError) -> u8 {
    match error {
        EventError::UnknownPermission(_) => 2,
        EventError::UnknownUser { nearest, .. } | EventError::UnknownApp { nearest, .. } => {
            u8::from(nearest.is_some())
        }
        _ => 0,
    }
}

fn impossible(error: &EventError) -> Problem {
    let (status, title) = match error {
        EventError::NotPossible(_) => (StatusCode::CONFLICT, "the event does not fit the state"),
        _ => (StatusCode::NOT_FOUND, "unknown name"),
    };
    Problem::new(status, title).detail(error.to_string())
}

/// A tenant by id or domain.
pub(super) fn find(core: &Core, name: &str) -> Result<Arc<Tenant>, Problem> {
    let tenants = core.world.tenants();
    let found = tenants
        .iter()
        .find(|tenant| tenant.id.to_string() == name || tenant.read(|it| it.has_domain(name)));
    found.cloned().ok_or_else(|| {
        let known: Vec<_> = tenants
            .iter()
            .take(8)
            .map(|tenant| tenant.read(|it| it.domain().to_owned()))
            .collect();
        Problem::not_found(
            "no such tenant",
            format!(
                "there is no tenant '{name}'; there are {}",
                known.join(", ")
            ),
        )
    })
}

fn view(tenant: &Tenant) -> ClockView {
    ClockView {
        now: tenant.now(),
        ahead: tenant.now().as_second() - Clock::real().now().as_second(),
        frozen: tenant.clock.state().frozen.is_some(),
    }
}
