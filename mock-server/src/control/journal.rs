//! The journal: read, waited for, followed.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing;
use futures_util::stream;
use tokio::sync::broadcast::error::RecvError;
use utoipa::openapi::schema::Type;

use super::api::{Api, Operation};
use super::problem::{Answer, Problem, json_response, no_content, text_response};
use super::request::Parameters;
use super::tenants::find;
use crate::clock;
use crate::directory::{ApplicationId, ObjectId, TenantId};
use crate::journal::{Entry, Filter, GRANTS, Level, Surface, status_range};
use crate::notation::did_you_mean;
use crate::server::Core;

pub(super) fn serve(api: Api) -> Api {
    let read_operation = Operation::get("/api/v1/journal", "readJournal", "Entries, oldest first");
    let wait_operation = Operation::get(
        "/api/v1/journal/wait",
        "waitForEntry",
        "The first entry that fits, kept or to come",
    )
    .query(
        "deadline",
        Type::String,
        "How long to wait, such as 5s; 30s if absent, 10m at most",
    );
    let follow_operation = Operation::get(
        "/api/v1/journal/follow",
        "followJournal",
        "Entries as they are written, as server-sent events",
    );
    api.serve(
        filtered(read_operation)
            .query("last", Type::Integer, "Only the newest so many of them")
            .answers::<Vec<Entry>>(200, "The entries that are kept and fit"),
        routing::get(read),
    )
    .serve(
        Operation::delete("/api/v1/journal", "clearJournal", "Forgets all entries")
            .answers_nothing("They are forgotten; numbers go on"),
        routing::delete(clear),
    )
    .serve(
        filtered(wait_operation)
            .answers::<Entry>(200, "The entry")
            .problems(&[408]),
        routing::get(wait),
    )
    .serve(
        filtered(follow_operation).answers_as::<String>(
            "text/event-stream",
            "An event for each entry, its number as id",
        ),
        routing::get(follow),
    )
}

/// Documents the parameters of [`filter`].
fn filtered(operation: Operation) -> Operation {
    operation
        .query("since", Type::Integer, "Later than this position")
        .query("tenant", Type::String, "About this tenant: id or domain")
        .query("client", Type::String, "Of this client: client id or alias")
        .query(
            "user",
            Type::String,
            "Of this user: object id, sign-in name or alias",
        )
        .query(
            "surface",
            Type::String,
            "The kind of endpoint, such as token or graph",
        )
        .query("status", Type::String, "The status, such as 400 or 4xx")
        .query("grant", Type::String, "The grant, such as refresh_token")
        .choice(
            "level",
            &Level::ALL.map(Level::name),
            "How much of a request of Graph the mock does",
        )
}

const KNOWN: &str = "since, tenant, client, user, surface, status, grant, level";

fn filter(core: &Core, parameters: &mut Parameters) -> Result<Filter, Problem> {
    let text = |text: &str| Some(text.to_owned());
    let since = parameters.take("since", "a number", |it| it.parse().ok())?;
    let tenant = parameters.take("tenant", "an id or a domain", text)?;
    let client = parameters.take("client", "a client id or an alias", text)?;
    let user = parameters.take("user", "an object id, a sign-in name or an alias", text)?;
    let surfaces = format!("one of {}", Surface::NAMES.join(", "));
    let surface = parameters.take("surface", &surfaces, surface)?;
    let status = parameters.take("status", "a status such as 400, or 4xx", status_range)?;
    let grants = format!("one of {}", GRANTS.join(", "));
    let grant = parameters.take("grant", &grants, |it| {
        GRANTS.contains(&it).then(|| it.to_owned())
    })?;
    let levels = "one of modelled, generic, unsupported, absent";
    let level = parameters.take("level", levels, Level::named)?;
    let tenant = tenant.map(|name| tenant_id(core, &name)).transpose()?;
    Ok(Filter {
        since: since.unwrap_or(0),
        tenant,
        clients: client
            .map(|name| clients(core, tenant, &name))
            .transpose()?,
        users: user.map(|name| users(core, tenant, &name)).transpose()?,
        surface,
        status,
        grant,
        level,
    })
}

fn surface(text: &str) -> Option<Surface> {
    serde_json::from_value(text.into()).ok()
}

/// An id counts as it is: the tenant may be gone, and still be in the journal.
fn tenant_id(core: &Core, name: &str) -> Result<TenantId, Problem> {
    match name.parse() {
        Ok(id) => Ok(id),
        Err(_) => find(core, name).map(|tenant| tenant.id).map_err(|_| {
            let known = core.world.tenants();
            unknown(
                "tenant",
                name,
                known.iter().flat_map(|it| it.read(|it| it.domains.clone())),
            )
        }),
    }
}

fn clients(
    core: &Core,
    tenant: Option<TenantId>,
    name: &str,
) -> Result<BTreeSet<ApplicationId>, Problem> {
    if let Ok(id) = name.parse() {
        return Ok(BTreeSet::from([id]));
    }
    let tenants = core.world.tenants();
    let mut found = BTreeSet::new();
    for it in &tenants {
        let named: Vec<ApplicationId> = it.read(|directory| {
            let apps = directory.applications.values();
            let named = apps.filter(|app| app.alias == name);
            named.map(|app| app.app_id).collect()
        });
        // With a tenant named: what is registered there, or elsewhere and has come there.
        let come = |app: &ApplicationId| {
            tenant.is_none_or(|wanted| {
                wanted == it.id
                    || tenants
                        .iter()
                        .filter(|other| other.id == wanted)
                        .filter(|other| other.environment.cloud() == it.environment.cloud())
                        .any(|other| other.read(|it| it.service_principal(*app).is_some()))
            })
        };
        found.extend(named.into_iter().filter(come));
    }
    if found.is_empty() {
        let known = tenants.iter().flat_map(|it| {
            it.read(|it| {
                let apps = it.applications.values();
                apps.map(|app| app.alias.clone()).collect::<Vec<_>>()
            })
        });
        return Err(unknown("client", name, known));
    }
    Ok(found)
}

fn users(core: &Core, tenant: Option<TenantId>, name: &str) -> Result<BTreeSet<ObjectId>, Problem> {
    if let Ok(id) = name.parse() {
        return Ok(BTreeSet::from([id]));
    }
    let tenants = core.world.tenants();
    let found: BTreeSet<ObjectId> = tenants
        .iter()
        .filter(|it| tenant.is_none_or(|wanted| wanted == it.id))
        .filter_map(|it| it.read(|it| Some(it.find_user(name)?.id)))
        .collect();
    if found.is_empty() {
        let known = tenants.iter().flat_map(|it| {
            it.read(|it| {
                let users = it.users.values();
                users
                    .flat_map(|user| [user.alias.clone(), user.user_principal_name.to_string()])
                    .collect::<Vec<_>>()
            })
        });
        return Err(unknown("user", name, known));
    }
    Ok(found)
}

fn unknown(what: &str, name: &str, known: impl IntoIterator<Item = String>) -> Problem {
    let known: BTreeSet<String> = known.into_iter().collect();
    let nearest = did_you_mean(name, known.iter().map(String::as_str));
    Problem::bad_request(
        "unknown name",
        format!("'{what}={name}': there is no such {what}{nearest}"),
    )
}

async fn read(State(core): State<Arc<Core>>, RawQuery(query): RawQuery) -> Response {
    let readers = core.readers.clone();
    readers.run(move || read_kept(&core, query)).await
}

fn read_kept(core: &Core, query: Option<String>) -> Answer {
    let mut parameters = Parameters::new(query)?;
    let filter = filter(core, &mut parameters)?;
    let last = parameters.take("last", "a number", |it| it.parse::<usize>().ok())?;
    parameters.finish(&format!("{KNOWN}, last"))?;
    let kept = core.world.journal.since(filter.since);
    let entries: Vec<_> = kept.iter().filter(|entry| filter.fits(entry)).collect();
    let skip = last.map_or(0, |last| entries.len().saturating_sub(last));
    Ok(json_response(StatusCode::OK, &&entries[skip..]))
}

async fn wait(State(core): State<Arc<Core>>, RawQuery(query): RawQuery) -> Answer {
    let mut parameters = Parameters::new(query)?;
    let filter = filter(&core, &mut parameters)?;
    let deadline = parameters.take(
        "deadline",
        "an amount of time up to 10m, such as 5s",
        |it| {
            let deadline = Duration::try_from(clock::duration(it).ok()?).ok()?;
            (deadline <= LONGEST_WAIT).then_some(deadline)
        },
    )?;
    parameters.finish(&format!("{KNOWN}, deadline"))?;
    let deadline = deadline.unwrap_or(WAIT);
    match core.world.journal.wait_for_entry(&filter, deadline).await {
        Some(entry) => Ok(json_response(StatusCode::OK, &*entry)),
        None => Err(
            Problem::new(StatusCode::REQUEST_TIMEOUT, "nothing fitted").detail(format!(
                "no entry fitted within {} ms",
                deadline.as_millis()
            )),
        ),
    }
}

async fn clear(State(core): State<Arc<Core>>) -> Answer {
    core.world.journal.clear();
    Ok(no_content())
}

/// Entries as they are written, as server-sent events; with `since`, first those that are kept.
async fn follow(State(core): State<Arc<Core>>, RawQuery(query): RawQuery) -> Answer {
    let mut parameters = Parameters::new(query)?;
    let mut filter = filter(&core, &mut parameters)?;
    parameters.finish(KNOWN)?;
    let journal = &core.world.journal;
    // Subscribed before it is read: nothing falls between.
    let feed = journal.follow();
    let kept = if filter.since > 0 {
        journal.since(filter.since)
    } else {
        Vec::new()
    };
    let before: String = kept
        .iter()
        .filter(|entry| filter.fits(entry))
        .map(|entry| event(entry))
        .collect();
    if let Some(newest) = kept.last() {
        filter.since = newest.number();
    }
    let first = stream::once(async move { Ok::<_, Infallible>(before) });
    let rest = stream::unfold((feed, filter), |(mut feed, filter)| async move {
        loop {
            match feed.recv().await {
                Ok(entry) if filter.fits(&entry) => {
                    return Some((Ok(event(&entry)), (feed, filter)));
                }
                Ok(_) => {}
                // A slow reader loses the oldest, and is told.
                Err(RecvError::Lagged(lost)) => {
                    let told = format!("event: lost\ndata: {lost}\n\n");
                    return Some((Ok(told), (feed, filter)));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    });
    let body = Body::from_stream(stream::StreamExt::chain(first, rest));
    let mut response = text_response(StatusCode::OK, "text/event-stream", body);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn event(entry: &Entry) -> String {
    let json = serde_json::to_string(entry).unwrap_or_default();
    format!("id: {}\ndata: {json}\n\n", entry.number())
}

const WAIT: Duration = Duration::from_secs(30);

const LONGEST_WAIT: Duration = Duration::from_mins(10);
