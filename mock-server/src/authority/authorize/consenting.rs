//! Consent on the way to a code: the decision, the pages, the records.

use std::sync::Arc;

use crate::authority::error::AuthorityError;
use crate::authority::flow::{Flow, Purpose};
use crate::authority::interaction::{Ask, Halt, Kind, Person, frame};
use crate::authority::pages::consent as pages;
use crate::authority::permissions::{self, Apis};
use crate::authority::resolve::{Requested, graph_id};
use crate::authority::session::Login;
use crate::authority::visit::Visit;
use crate::consent::{self as policy, Decision, ResourceScopes};
use crate::directory::{Application, ConsentType, Event, ObjectId, ServicePrincipal};
use crate::random::Random;
use crate::world::{Tenant, World};

use super::request::Prompt;

/// What is to be consented to, and by whom.
struct Question {
    app: Application,
    apis: Apis,
    wanted: Vec<ResourceScopes>,
    decision: Decision,
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
                create_principal(visit.world(), &person.tenant, &question.app);
            }
            return Ok(());
        }
        Decision::AskUser(missing) if question.for_tenant => {
            admin_page(visit, flow, person, &question, missing)
        }
        Decision::AskUser(missing) => user_page(visit, flow, person, &question, missing),
        Decision::AskAdministrator {
            missing,
            may_request,
        } => approval_page(visit, flow, person, &question, missing, *may_request, None),
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
        Decision::AskAdministrator {
            missing,
            may_request,
        } => Ok(approval_page(
            visit,
            flow,
            &person,
            &question,
            missing,
            *may_request,
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
    let for_tenant = for_tenant && (person.user.may_consent_for_tenant() || question.for_tenant);
    create_principal(visit.world(), &person.tenant, &question.app);
    let consent = if for_tenant {
        ConsentType::AllPrincipals
    } else {
        ConsentType::Principal(person.user.id)
    };
    record(
        &visit.world().random,
        &person.tenant,
        &question.app,
        consent,
        missing,
    );
    flow.consented = true;
    flow.consented_for_tenant = for_tenant;
    Ok(())
}

/// Sends the user's request to the reviewers.
pub(crate) fn request_approval(
    visit: &mut Visit,
    flow: &mut Flow,
    login: &Login,
    reason: &str,
) -> Result<(), Halt> {
    let person = person(visit, login)?;
    let question = ask(visit, flow, &person)?;
    let Decision::AskAdministrator {
        missing,
        may_request: true,
    } = question.decision
    else {
        return Err(stale());
    };
    // The request names an app of the tenant, so the app appears there now. The service makes
    // the service principal when a reviewer decides. Unverified: no document says when.
    create_principal(visit.world(), &person.tenant, &question.app);
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
        app: question.app.app_id.to_string(),
        user: person.user.id.to_string(),
        scopes,
        reason: Some(reason.to_owned()),
    };
    visit
        .world()
        .apply(&person.tenant, &event)
        .map_err(|_| Halt::Page(AuthorityError::aadsts(90_090)))
}

/// Makes the app appear in a tenant.
pub(crate) fn create_principal(world: &World, tenant: &Arc<Tenant>, app: &Application) {
    let Some((home, _)) = world.application(tenant.environment.cloud(), app.app_id) else {
        return;
    };
    let now = tenant.now();
    tenant
        .change()
        .service_principals
        .entry(app.app_id)
        .or_insert_with(|| ServicePrincipal {
            object_id: ObjectId(world.random.uuid()),
            app_id: app.app_id,
            home_tenant: home.id,
            enabled: true,
            assignment_required: false,
            assigned_users: std::collections::BTreeSet::new(),
            created: now,
        });
}

fn record(
    random: &Random,
    tenant: &Tenant,
    app: &Application,
    consent: ConsentType,
    granted: Vec<ResourceScopes>,
) {
    let mut directory = tenant.change();
    for of in granted {
        directory.grant(random.uuid(), app.app_id, of.resource, consent, of.scopes);
    }
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
        None => Requested::parse(visit.world(), &person.tenant, &scope),
    }
    .map_err(Halt::App)?;
    let directory = person.tenant.directory();
    let wanted = requested.for_consent(&app, &directory, person.user.id, force);
    let new_here = directory.service_principal(app.app_id).is_none();
    let mut decision = policy::decide(&directory, &app, &person.user, &wanted, force);
    if new_here && decision == Decision::Granted && !flow.consented && !wanted.is_empty() {
        // A new app asks in any case.
        decision = policy::decide(&directory, &app, &person.user, &wanted, true);
    }
    if for_tenant
        && !person.user.may_manage_applications()
        && let Decision::AskUser(missing) = decision
    {
        let may_request = directory.policies.admin_consent_requests.enabled;
        decision = Decision::AskAdministrator {
            missing,
            may_request,
        };
    }
    drop(directory);
    Ok(Question {
        app,
        apis,
        wanted,
        decision,
        new_here,
        for_tenant,
    })
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
    let lines = question.apis.lines(&person.tenant.directory(), shown);
    let card = permissions::card(visit.world(), &person.tenant, &question.app);
    let page = pages::consent(
        &frame(visit, flow),
        person.user.user_principal_name.as_str(),
        &card,
        &lines,
        person.user.may_consent_for_tenant(),
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
    let lines = question.apis.lines(&person.tenant.directory(), missing);
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
    missing: &[ResourceScopes],
    may_request: bool,
    error: Option<&str>,
) -> Halt {
    let upn = person.user.user_principal_name.as_str();
    let client = question.app.app_id;
    let (lines, pending) = {
        let directory = person.tenant.directory();
        let pending =
            policy::request_is_pending(&directory, client, person.user.id, person.tenant.now());
        (question.apis.lines(&directory, missing), pending)
    };
    let card = permissions::card(visit.world(), &person.tenant, &question.app);
    let frame = frame(visit, flow);
    let code = if may_request { 90_095 } else { 90_094 };
    let refusal = AuthorityError::aadsts(code)
        .with("name", &question.app.display_name)
        .with("tenant", frame.tenant.as_deref().unwrap_or_default());
    visit.note(&refusal);
    let page = if pending && may_request {
        pages::approval_requested(&frame, upn, &card)
    } else if may_request {
        pages::request_approval(&frame, upn, &card, &lines, error)
    } else {
        pages::need_admin_approval(&frame, upn, &card, &lines, (code, &refusal.text))
    };
    Ask::halt(Kind::Approval, page, not_consented(&question.app))
}

/// AADSTS65001 as the authorize endpoint says it.
fn not_consented(app: &Application) -> AuthorityError {
    AuthorityError::aadsts(65_001)
        .with("app", app.app_id.to_string())
        .with("name", &app.display_name)
        .error("consent_required")
}

fn person(visit: &Visit, login: &Login) -> Result<Person, Halt> {
    let tenant = visit.tenant.clone().ok_or_else(stale)?;
    let user = tenant
        .directory()
        .user(login.user)
        .cloned()
        .ok_or_else(stale)?;
    Ok(Person {
        tenant,
        user,
        login: login.clone(),
    })
}

/// The state changed between the page and its form.
fn stale() -> Halt {
    Halt::Page(AuthorityError::aadsts(90_013).with(
        "reason",
        "Invalid input received from the user. What the page asked for has changed: go back to \
         the application and sign in again.",
    ))
}
