//! The reviewers' page of the admin-consent workflow.
//!
//! Source: learn.microsoft.com/entra/identity/enterprise-apps/review-admin-consent-requests.

use axum::response::Response;

use super::error::AuthorityError;
use super::flow::{Flow, Purpose};
use super::interaction::{Ask, Halt, Kind, Person, frame};
use super::pages::consent::{self as pages, RequestCard, Requestor};
use super::permissions::{self, Apis};
use super::session::Login;
use super::visit::Visit;
use crate::consent::ResourceScopes;
use crate::directory::{ApplicationId, ConsentRequest, ConsentRequestStatus, Event, User};

/// Begins with the link to the page.
pub(crate) fn start(visit: &mut Visit, segment: &str) -> Flow {
    Flow::new(Purpose::ConsentRequests, segment, visit)
}

/// Somebody is signed in: shows the requests to a reviewer.
pub(crate) fn go_on(visit: &mut Visit, flow: &mut Flow, person: &Person) -> Result<Response, Halt> {
    Err(list(visit, flow, person, None)?)
}

/// The reviewer decided about the requests for an app.
pub(crate) fn review(
    visit: &mut Visit,
    flow: &mut Flow,
    login: &Login,
    app: &str,
    (action, justification): (&str, Option<&str>),
) -> Result<Response, Halt> {
    let tenant = visit.tenant.clone().ok_or_else(not_a_reviewer)?;
    let user = tenant.read(|it| it.user(login.user).cloned().ok_or_else(not_a_reviewer))?;
    let person = Person {
        tenant,
        user,
        login: login.clone(),
    };
    let sees =
        |request: &ConsentRequest| request.client.to_string() == app && sees(&person.user, request);
    if !person
        .tenant
        .read(|it| it.consent_requests.iter().any(sees))
        || action == "approve" && !person.user.may_manage_applications()
    {
        return Err(not_a_reviewer());
    }
    if action != "approve" && justification.is_none() {
        let message = (
            false,
            "Enter a justification: the people who asked read it.",
        );
        return Err(list(visit, flow, &person, Some(message))?);
    }
    let app = app.to_owned();
    let justification = justification.map(str::to_owned);
    let (event, done) = match action {
        "approve" => (
            Event::ApproveRequest { app },
            "Approved: the app may be used by everybody.",
        ),
        "block" => (
            Event::BlockRequest { app, justification },
            "Blocked: nobody can use or request the app.",
        ),
        _ => (
            Event::DenyRequest { app, justification },
            "Denied: users may ask again.",
        ),
    };
    let (good, message) = match visit.world().apply(&person.tenant, &event) {
        Ok(_) => (true, done.to_owned()),
        Err(error) => (false, format!("Nothing was changed: {error}.")),
    };
    visit.decide(message.clone());
    Err(list(visit, flow, &person, Some((good, &message)))?)
}

fn list(
    visit: &mut Visit,
    flow: &Flow,
    person: &Person,
    message: Option<(bool, &str)>,
) -> Result<Halt, Halt> {
    let requests: Vec<ConsentRequest> = person.tenant.read(|directory| {
        let all = directory.consent_requests.iter().rev();
        all.filter(|it| sees(&person.user, it)).cloned().collect()
    });
    if requests.is_empty() && !is_reviewer(person) {
        return Err(not_a_reviewer());
    }
    let apis = Apis::of(visit.world(), &person.tenant);
    let mut cards: Vec<RequestCard> = Vec::new();
    for request in &requests {
        let Some(card) = card(visit, person, &apis, request) else {
            continue;
        };
        // One request for an app, of many users: a reviewer decides about all of them at once.
        let open = |it: &&mut RequestCard| it.status == "pending" && it.app.id == card.app.id;
        match cards.iter_mut().find(open) {
            Some(first) if card.status == "pending" => first.join(card),
            _ => cards.push(card),
        }
    }
    let upn = person.user.user_principal_name.as_str();
    let may_approve = person.user.may_manage_applications();
    let page = pages::requests(&frame(visit, flow), upn, &cards, message, may_approve);
    Ok(Ask::halt(Kind::Review, page, not_authorized()))
}

fn card(
    visit: &Visit,
    person: &Person,
    apis: &Apis,
    request: &ConsentRequest,
) -> Option<RequestCard> {
    let cloud = person.tenant.environment.cloud();
    let (_, app) = visit.world().application(cloud, request.client)?;
    let scopes: Vec<ResourceScopes> = request
        .scopes
        .iter()
        .map(|(resource, scopes): &(ApplicationId, _)| ResourceScopes {
            resource: *resource,
            scopes: scopes.clone(),
        })
        .collect();
    let app = permissions::card(visit.world(), &person.tenant, &app);
    person.tenant.read(|directory| {
        let expired = request.expires <= person.tenant.now();
        let day = |at: jiff::Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
        let user = directory.users.get(&request.user).map_or_else(
            || request.user.to_string(),
            |it| it.user_principal_name.to_string(),
        );
        Some(RequestCard {
            app,
            requestors: vec![Requestor {
                user,
                reason: request.reason.clone(),
                dates: format!(
                    "asked {}, expires {}",
                    day(request.created),
                    day(request.expires)
                ),
            }],
            review: request
                .review
                .as_ref()
                .and_then(|it| it.justification.clone()),
            status: match request.status {
                ConsentRequestStatus::Approved => "approved",
                ConsentRequestStatus::Blocked => "blocked",
                ConsentRequestStatus::Denied => "denied",
                ConsentRequestStatus::Pending if expired => "expired",
                ConsentRequestStatus::Pending => "pending",
            },
            permissions: apis.lines(directory, &scopes),
        })
    })
}

/// Reviewers see the requests that were made while they were named, and go on seeing those.
fn sees(user: &User, request: &ConsentRequest) -> bool {
    if request.reviewers.is_empty() {
        user.may_manage_applications()
    } else {
        request.reviewers.contains(&user.id)
    }
}

/// The named reviewers; without any, those who may consent.
fn is_reviewer(person: &Person) -> bool {
    person.tenant.read(|directory| {
        let reviewers = &directory.policies.admin_consent_requests.reviewers;
        if reviewers.is_empty() {
            person.user.may_manage_applications()
        } else {
            reviewers.contains(&person.user.id)
        }
    })
}

fn not_authorized() -> AuthorityError {
    AuthorityError::aadsts(90093)
}

fn not_a_reviewer() -> Halt {
    Halt::Page(not_authorized())
}
