//! Consent on the way to a code: the decision, the pages, the records.

use std::sync::Arc;

use crate::authority::error::{AuthorityError, PAGE};
use crate::authority::flow::{Flow, Prompt, Purpose};
use crate::authority::interaction::{Ask, Halt, Kind, Person, frame};
use crate::authority::pages::consent::{self as pages, PermissionLine};
use crate::authority::permissions::{self, Apis};
use crate::authority::resolve::{Requested, graph_id};
use crate::authority::session::Login;
use crate::authority::visit::Visit;
use crate::consent::{self as policy, Decision, Refusal, ResourceScopes};
use crate::directory::{Application, ConsentType, Directory, Event, ObjectId, ServicePrincipal};
use crate::random::Random;
use crate::world::{Tenant, World};

use super::registration;

/// What is to be consented to, and by whom.
struct Question {
    app: Arc<Application>,
    apis: Apis,
    wanted: Vec<ResourceScopes>,
    decision: Decision,
    /// An API that is consented together with its known client, and what it wants itself.
    bundled: Option<(Application, Vec<ResourceScopes>)>,
    /// The app has no service principal in the tenant yet.
    new_here: bool,
    /// v1 `prompt=admin_consent`: for the tenant, whatever is granted.
    for_tenant: bool,
}

/// Passes if all is granted, otherwise asks.
pub(crate) fn settle(visit: &mut Visit, flow: &mut Flow, person: &Person) -> Result<(), Halt> {
    let question = ask(visit, flow, person)?;
    let ask = match &question.decision {
        Decision::Granted => {
            if question.new_here {
                registration::can_appear(&person.tenant, &question.app).map_err(Halt::App)?;
                create_principal(visit.world(), &person.tenant, &question.app);
            }
            return Ok(());
        }
        Decision::AskUser(missing) if question.for_tenant => {
            admin_page(visit, flow, person, &question, missing)
        }
        Decision::AskUser(missing) => user_page(visit, flow, person, &question, missing),
        Decision::AskAdministrator { missing, refusal } => {
            approval_page(visit, flow, person, &question, (missing, *refusal), None)
        }
    };
    Err(ask)
}

/// The page on which the user asks an administrator, with an error.
pub(crate) fn ask_for_approval(
    visit: &mut Visit,
    flow: &mut Flow,
    login: &Login,
    error: Option<&str>,
) -> Result<Halt, Halt> {
    let person = person(visit, login)?;
    let question = ask(visit, flow, &person)?;
    match &question.decision {
        Decision::AskAdministrator { missing, refusal } => Ok(approval_page(
            visit,
            flow,
            &person,
            &question,
            (missing, *refusal),
            error,
        )),
        _ => Err(stale()),
    }
}

/// Records the consent that the person has given on the page.
pub(crate) fn consent(
    visit: &mut Visit,
    flow: &mut Flow,
    login: &Login,
    for_tenant: bool,
) -> Result<(), Halt> {
    let person = person(visit, login)?;
    let question = ask(visit, flow, &person)?;
    let Decision::AskUser(missing) = question.decision else {
        return Err(stale());
    };
    // The checkbox is shown to those only who may consent for the tenant; a forged field counts
    // for nothing.
    let for_tenant = for_tenant && (person.user.is_global_administrator() || question.for_tenant);
    registration::can_appear(&person.tenant, &question.app).map_err(Halt::App)?;
    create_principal(visit.world(), &person.tenant, &question.app);
    let consent = if for_tenant {
        ConsentType::AllPrincipals
    } else {
        ConsentType::Principal(person.user.id)
    };
    let random = &visit.world().random;
    record(random, &person.tenant, &question.app, consent, missing);
    if let Some((api, missing)) = question.bundled {
        record(random, &person.tenant, &api, consent, missing);
    }
    flow.consented = true;
    flow.consented_for_tenant = for_tenant;
    Ok(())
}

/// Sends the user's request to the reviewers: for the app, and for an API that is consented
/// together with it. Unverified: that these are two requests, each decided by itself.
pub(crate) fn request_approval(
    visit: &mut Visit,
    flow: &mut Flow,
    login: &Login,
    reason: &str,
) -> Result<(), Halt> {
    let person = person(visit, login)?;
    let question = ask(visit, flow, &person)?;
    let Decision::AskAdministrator { missing, refusal } = question.decision else {
        return Err(stale());
    };
    if !refusal.may_request {
        return Err(stale());
    }
    registration::can_appear(&person.tenant, &question.app).map_err(Halt::App)?;
    // The request names an app of the tenant, so the app appears there now. The service makes
    // the service principal when a reviewer decides. Unverified: no document says when.
    create_principal(visit.world(), &person.tenant, &question.app);
    request(visit, &person, &question.app, &missing, reason)?;
    if let Some((api, missing)) = question.bundled {
        request(visit, &person, &api, &missing, reason)?;
    }
    Ok(())
}

/// A request for permissions of an app, which the tenant has.
fn request(
    visit: &Visit,
    person: &Person,
    app: &Application,
    missing: &[ResourceScopes],
    reason: &str,
) -> Result<(), Halt> {
    let graph = graph_id();
    let scopes = missing
        .iter()
        .flat_map(|of| of.scopes.iter().map(move |scope| (of.resource, scope)))
        .map(|(resource, scope)| {
            if resource == graph {
                scope.clone()
            } else {
                format!("{resource}/{scope}")
            }
        })
        .collect();
    let event = Event::RequestConsent {
        app: app.app_id.to_string(),
        user: person.user.id.to_string(),
        scopes,
        reason: Some(reason.to_owned()),
    };
    visit
        .world()
        .apply(&person.tenant, &event)
        .map(drop)
        .map_err(|_| Halt::Page(AuthorityError::aadsts(90090)))
}

/// Makes the app appear in a tenant.
pub(crate) fn create_principal(world: &World, tenant: &Arc<Tenant>, app: &Application) {
    let Some((home, _)) = world.application(tenant.environment.cloud(), app.app_id) else {
        return;
    };
    let now = tenant.now();
    tenant.write(|it| {
        if !it.service_principals.contains_key(&app.app_id) {
            let id = ObjectId(world.random.uuid());
            let principal = ServicePrincipal::new(id, app.app_id, home.id, now);
            it.service_principals.insert(app.app_id, principal);
        }
    });
}

fn record(
    random: &Random,
    tenant: &Tenant,
    app: &Application,
    consent: ConsentType,
    granted: Vec<ResourceScopes>,
) {
    tenant.write(|directory| {
        for of in granted {
            directory.grant(random.uuid(), app.app_id, of.resource, consent, of.scopes);
        }
    });
}

fn ask(visit: &Visit, flow: &Flow, person: &Person) -> Result<Question, Halt> {
    let app = visit.app.clone().ok_or_else(stale)?;
    let (scope, resource, prompt) = match &flow.purpose {
        Purpose::Authorize(request) => (
            request.scope.clone(),
            request.resource.clone(),
            request.prompt,
        ),
        Purpose::DeviceLogin(request) => (request.scope.clone(), request.resource.clone(), None),
        Purpose::AdminConsent(_) | Purpose::ConsentRequests => return Err(stale()),
    };
    let for_tenant = prompt == Some(Prompt::AdminConsent) && !flow.consented;
    let force = (prompt == Some(Prompt::Consent) && !flow.consented) || for_tenant;
    let apis = Apis::of(visit.world(), &person.tenant);
    let requested = match &resource {
        Some(resource) => Requested::of_resource(visit.world(), &person.tenant, resource),
        None => Requested::parse_for_consent(visit.world(), &person.tenant, &scope, &app),
    }
    .map_err(Halt::App)?;
    if let Purpose::Authorize(request) = &flow.purpose
        && let Some(resource) = &request.indicator
    {
        super::check_indicator(visit.world(), &person.tenant, &requested, resource)
            .map_err(Halt::Page)?;
    }
    // The token endpoint says the same of what is asked for here.
    for entry in &requested.resources {
        entry.check_itself(&app).map_err(Halt::App)?;
    }
    registration::check(
        visit.world(),
        &person.tenant,
        &app,
        &requested,
        person.user.id,
    )
    .map_err(Halt::App)?;
    let (wanted, new_here, decision, bundled) = person.tenant.read(|directory| {
        let wanted = requested.for_consent(&app, directory, person.user.id, force);
        let new_here = directory.service_principal(app.app_id).is_none();
        let mut decision = policy::decide(directory, &app, &person.user, &wanted, force);
        if new_here && decision == Decision::Granted && !flow.consented && !wanted.is_empty() {
            // A new app asks in any case.
            decision = policy::decide(directory, &app, &person.user, &wanted, true);
        }
        if for_tenant
            && !person.user.may_manage_applications()
            && let Decision::AskUser(missing) = decision
        {
            decision = Decision::AskAdministrator {
                missing,
                refusal: Refusal::of(directory, &app),
            };
        }
        let mut bundled = None;
        if decision != Decision::Granted
            && let Some(api) = bundled_api(directory, &app, &requested)
        {
            let wanted: Vec<ResourceScopes> = api
                .required_resource_access
                .iter()
                .filter(|access| !access.scopes.is_empty())
                .map(|access| ResourceScopes {
                    resource: access.resource,
                    scopes: access.scopes.clone(),
                })
                .collect();
            match policy::decide(directory, &api, &person.user, &wanted, force) {
                Decision::Granted => {}
                Decision::AskUser(missing) => bundled = Some((api, missing)),
                // What the API needs an administrator for, the client needs one for, too.
                Decision::AskAdministrator { missing, refusal } => {
                    if let Decision::AskUser(own) = decision {
                        decision = Decision::AskAdministrator {
                            missing: own,
                            refusal,
                        };
                    }
                    bundled = Some((api, missing));
                }
            }
        }
        (wanted, new_here, decision, bundled)
    });
    Ok(Question {
        app,
        apis,
        wanted,
        decision,
        bundled,
        new_here,
        for_tenant,
    })
}

/// The API whose `.default` is asked for and that knows the client: both are consented at once.
///
/// Source: learn.microsoft.com/troubleshoot/entra/entra-id/app-integration/bundle-consent-application-registrations.
fn bundled_api(
    directory: &Directory,
    app: &Application,
    requested: &Requested,
) -> Option<Application> {
    let asked = requested.resources.iter().filter(|it| it.default);
    asked
        .filter_map(|it| directory.applications.get(&it.resource.audience.resource))
        .find(|api| {
            let exposed = api.api.as_ref();
            exposed.is_some_and(|it| it.known_clients.contains(&app.app_id))
        })
        .cloned()
}

impl Question {
    /// Permissions as lines of a page, those of a bundled API after the app's own.
    fn lines(&self, person: &Person, own: &[ResourceScopes]) -> Vec<PermissionLine> {
        person.tenant.read(|directory| {
            let mut lines = self.apis.lines(directory, own);
            if let Some((api, scopes)) = &self.bundled {
                lines.extend(self.apis.lines(directory, scopes).into_iter().map(|line| {
                    PermissionLine {
                        through: Some(api.display_name.clone()),
                        ..line
                    }
                }));
            }
            lines
        })
    }
}

fn user_page(
    visit: &mut Visit,
    flow: &Flow,
    person: &Person,
    question: &Question,
    missing: &[ResourceScopes],
) -> Halt {
    let shown = if question.new_here {
        &question.wanted
    } else {
        missing
    };
    let lines = question.lines(person, shown);
    warn_of_risk(visit, &question.app);
    let card = permissions::card(visit.world(), &person.tenant, &question.app);
    let page = pages::consent(
        &frame(visit, flow),
        person.user.user_principal_name.as_str(),
        &card,
        &lines,
        person.user.is_global_administrator(),
    );
    Ask::halt(Kind::Consent, page, not_consented(&question.app))
}

fn admin_page(
    visit: &mut Visit,
    flow: &Flow,
    person: &Person,
    question: &Question,
    missing: &[ResourceScopes],
) -> Halt {
    let lines = question.lines(person, missing);
    warn_of_risk(visit, &question.app);
    let card = permissions::card(visit.world(), &person.tenant, &question.app);
    let upn = person.user.user_principal_name.as_str();
    let page = pages::admin_consent(&frame(visit, flow), upn, &card, &lines);
    Ask::halt(Kind::AdminConsent, page, not_consented(&question.app))
}

fn approval_page(
    visit: &mut Visit,
    flow: &Flow,
    person: &Person,
    question: &Question,
    (missing, refusal): (&[ResourceScopes], Refusal),
    error: Option<&str>,
) -> Halt {
    let upn = person.user.user_principal_name.as_str();
    let client = question.app.app_id;
    let lines = question.lines(person, missing);
    let now = person.tenant.now();
    let pending = person
        .tenant
        .read(|it| policy::request_is_pending(it, client, person.user.id, now));
    let card = permissions::card(visit.world(), &person.tenant, &question.app);
    let frame = frame(visit, flow);
    let code = refusal.aadsts();
    let may_request = refusal.may_request;
    let refusal = AuthorityError::aadsts(code)
        .with("name", &question.app.display_name)
        .with("tenant", frame.tenant.as_deref().unwrap_or_default());
    visit.note(&refusal);
    let page = if pending && may_request {
        pages::approval_requested(&frame, upn, &card)
    } else if may_request {
        pages::request_approval(&frame, upn, &card, &lines, code, error)
    } else {
        pages::need_admin_approval(&frame, upn, &card, &lines, (code, &refusal.text(PAGE)))
    };
    Ask::halt(Kind::Approval, page, not_consented(&question.app))
}

/// Administrators are warned of a risky app, and may go on.
fn warn_of_risk(visit: &mut Visit, app: &Application) {
    if app.publisher.risky {
        visit.note(&AuthorityError::aadsts(900981));
    }
}

/// AADSTS65001 as the authorize endpoint says it.
fn not_consented(app: &Application) -> AuthorityError {
    AuthorityError::aadsts(65001)
        .with("app", app.app_id.to_string())
        .with("name", &app.display_name)
}

fn person(visit: &Visit, login: &Login) -> Result<Person, Halt> {
    let tenant = visit.tenant.clone().ok_or_else(stale)?;
    let user = tenant.read(|it| it.user(login.user).cloned().ok_or_else(stale))?;
    Ok(Person {
        tenant,
        user,
        login: login.clone(),
    })
}

/// The state changed between the page and its form.
fn stale() -> Halt {
    Halt::Page(AuthorityError::aadsts(90013).with(
        "reason",
        "Invalid input received from the user. What the page asked for has changed: go back to \
         the application and sign in again.",
    ))
}
