//! The forms of the pages: what a person typed and pressed.

use axum::response::Response;

use super::error::{AuthorityError, PAGE};
use super::flow::{Flow, Purpose};
use super::form::Form;
use super::interaction::{self, Ask, Halt, Kind, ask_to_sign_in, realm};
use super::journey::{cancel, stop, walk};
use super::pages::account;
use super::resolve::{Client, OtherCloud};
use super::session::Login;
use super::sign_in::{Failure, Found, Proof, Realm};
use super::visit::Visit;
use super::{admin_consent, authorize, consent_requests};
use crate::directory::{Event, HighRisk, Risk, UserPrincipalName};

/// Answers a form.
pub(crate) fn submit(visit: &mut Visit, form: &Form) -> Response {
    let Some(mut flow) = form
        .typed("flow")
        .and_then(|text| Flow::open(text, &visit.world().sealer))
    else {
        // Unverified: the code is own knowledge; the service shows an error page, too.
        let refusal = AuthorityError::aadsts(90013).with("reason", STALE_FORM);
        return visit.error_page(&refusal);
    };
    visit.correlate(Some(&flow.correlation.to_string()));
    if let Err(refusal) = recognize(visit, &flow) {
        return visit.error_page(&refusal);
    }
    if flow.is_expired(visit) {
        return visit.error_page(&AuthorityError::aadsts(50089));
    }
    let halt = match act(visit, &mut flow, form) {
        Ok(response) => return response,
        Err(halt) => halt,
    };
    stop(visit, &flow, halt)
}

/// The app of a page that was open: as it is now.
fn recognize(visit: &mut Visit, flow: &Flow) -> Result<(), AuthorityError> {
    let Some(client) = flow.client() else {
        return Ok(());
    };
    let id = client.to_string();
    let (_, app) = Client::find(visit.world(), &visit.arrival, &id, &flow.segment)?;
    visit.for_app(&app);
    match &flow.purpose {
        Purpose::Authorize(request) => {
            authorize::check_registered(&app, &request.target.redirect_uri)
        }
        _ => Ok(()),
    }
}

fn act(visit: &mut Visit, flow: &mut Flow, form: &Form) -> Result<Response, Halt> {
    let realm = realm(visit, flow)?;
    if let Realm::One(tenant) = &realm {
        visit.at(tenant);
    }
    if let Some(name) = form.typed("pick") {
        return sign_in(visit, flow, &realm, name, Proof::QuickPick);
    }
    if let Some(account) = form.typed("account") {
        flow.login = picked(visit, &realm, account);
        return walk(visit, flow);
    }
    match form.typed("action").unwrap_or("") {
        "next" => match form.typed("loginfmt") {
            None => {
                flow.name = None;
                // Unverified: the service checks this in the browser, without a code.
                let error = (50059, "Enter a valid user name.");
                Err(ask_to_sign_in(visit, flow, &realm, Some(error), None))
            }
            Some(name) => {
                find(visit, flow, &realm, name)?;
                Err(ask_to_sign_in(visit, flow, &realm, None, None))
            }
        },
        "back" => {
            flow.name = None;
            flow.other_account = true;
            Err(ask_to_sign_in(visit, flow, &realm, None, None))
        }
        "sign-in" => {
            let name = form
                .typed("loginfmt")
                .map(str::to_owned)
                .or_else(|| flow.name.clone())
                .unwrap_or_default();
            let password = form.typed("passwd").unwrap_or("");
            sign_in(visit, flow, &realm, &name, Proof::Password(password))
        }
        "security-key" => {
            let name = flow
                .name
                .clone()
                .or_else(|| form.typed("loginfmt").map(str::to_owned))
                .unwrap_or_default();
            sign_in(visit, flow, &realm, &name, Proof::SecurityKey)
        }
        "change-password" => change_password(visit, flow, &realm, form),
        "other-account" => {
            flow.login = None;
            flow.name = None;
            flow.other_account = true;
            flow.fresh = false;
            Err(ask_to_sign_in(visit, flow, &realm, None, None))
        }
        "cancel" => {
            let consents = |kind| matches!(kind, Kind::AdminConsent | Kind::Consent);
            let declined = matches!(walk(visit, flow), Err(Halt::Ask(ask)) if consents(ask.kind));
            Ok(cancel(visit, flow, declined))
        }
        action => decide(visit, flow, form, action),
    }
}

/// The answer to a page further on: which one is found by walking the way again.
fn decide(visit: &mut Visit, flow: &mut Flow, form: &Form, action: &str) -> Result<Response, Halt> {
    let ask = match walk(visit, flow) {
        Err(Halt::Ask(ask)) => ask,
        other => return other,
    };
    let Some(login) = flow.login.clone() else {
        return Err(Halt::Ask(ask));
    };
    if form.typed("page").is_some_and(|seen| seen != ask.page.name) {
        // The answer to a page that is not the one to be answered now.
        return Err(Halt::Ask(ask));
    }
    match (ask.kind, action) {
        (Kind::Mfa, "approve") => {
            let mfa_time = Some(visit.now());
            improve(visit, flow, Login { mfa_time, ..login });
        }
        (Kind::Registration, "register") => {
            let user = login.user.to_string();
            if let Some(tenant) = visit.tenant.clone() {
                // The user was found while the way was walked.
                let _ = visit
                    .world()
                    .apply(&tenant, &Event::RegisterSecondFactor { user });
            }
            let mfa_time = Some(visit.now());
            improve(visit, flow, Login { mfa_time, ..login });
        }
        (Kind::CompliantDevice, "compliant-device") => {
            let login = Login {
                compliant_device: true,
                ..login
            };
            improve(visit, flow, login);
        }
        (Kind::Mfa, "deny") => {
            let refusal = AuthorityError::aadsts(50074);
            return Err(Halt::Page(refusal));
        }
        (Kind::Terms, "accept") => {
            if let Some(tenant) = &visit.tenant {
                tenant.write(|it| it.accepted_terms.insert(login.user));
            }
        }
        (Kind::Consent, "accept") => {
            let for_tenant = form.typed("orgconsent") == Some("true");
            authorize::consent(visit, flow, &login, for_tenant)?;
        }
        (Kind::Approval, "request") => {
            let reason = form
                .typed("justification")
                .map(str::trim)
                .filter(|it| !it.is_empty());
            let Some(reason) = reason else {
                return Err(authorize::ask_for_approval(
                    visit,
                    flow,
                    &login,
                    Some("Enter a justification: your administrators read it."),
                )?);
            };
            authorize::request_approval(visit, flow, &login, reason)?;
        }
        (Kind::AdminConsent, "accept") => {
            if let Purpose::AdminConsent(request) = flow.purpose.clone() {
                return admin_consent::grant(visit, flow, &request, &login);
            }
            authorize::consent(visit, flow, &login, true)?;
        }
        (Kind::Device, "accept") => {
            if let Purpose::DeviceLogin(request) = &mut flow.purpose {
                request.confirmed = true;
            }
        }
        (Kind::Review, "approve" | "deny" | "block") => {
            let app = form.typed("app").unwrap_or("");
            let justification = form
                .typed("justification")
                .map(str::trim)
                .filter(|it| !it.is_empty());
            let decision = (action, justification);
            return consent_requests::review(visit, flow, &login, app, decision);
        }
        _ => return Err(Halt::Ask(ask)),
    }
    walk(visit, flow)
}

/// The person has shown more than before.
fn improve(visit: &mut Visit, flow: &mut Flow, login: Login) {
    visit.session.remember(&login);
    flow.login = Some(login);
}

/// Looks an account up, and takes note of its name.
fn find(visit: &mut Visit, flow: &mut Flow, realm: &Realm, name: &str) -> Result<Found, Halt> {
    let app = visit
        .app
        .as_ref()
        .map(|app| app.app_id.to_string())
        .unwrap_or_default();
    match realm.find(visit.world(), name, &app) {
        Ok(found) => {
            visit.at(&found.tenant);
            visit.annotation.user = Some(found.user);
            flow.name = Some(name.trim().to_owned());
            Ok(found)
        }
        Err(failure) => {
            flow.name = None;
            if let Some(refusal) = of_another_cloud(visit, flow, name) {
                return Err(Halt::Page(refusal));
            }
            Err(failed(visit, flow, realm, failure))
        }
    }
}

/// The refusal of an account whose domain is in another cloud.
fn of_another_cloud(visit: &Visit, flow: &Flow, name: &str) -> Option<AuthorityError> {
    let domain = UserPrincipalName::new(name.trim()).domain().to_owned();
    let other = OtherCloud::of_domain(visit.world(), visit.arrival.cloud, &domain)?;
    let client = flow.client().map(|id| id.to_string());
    let redirect_uri = match &flow.purpose {
        Purpose::Authorize(request) => Some(request.target.redirect_uri.as_str()),
        _ => None,
    };
    other.page_refusal(visit.world(), client.as_deref(), redirect_uri)
}

fn sign_in(
    visit: &mut Visit,
    flow: &mut Flow,
    realm: &Realm,
    name: &str,
    proof: Proof<'_>,
) -> Result<Response, Halt> {
    let found = find(visit, flow, realm, name)?;
    match found.sign_in(proof, &visit.world().random) {
        Ok(login) => {
            visit.session.remember(&login);
            flow.login = Some(login);
            flow.fresh = true;
            flow.failures = 0;
            walk(visit, flow)
        }
        Err(failure) => {
            if matches!(&failure, Failure::Inline(error) if error.code == 50126) {
                flow.failures += 1;
                lock_out(visit, flow, &found);
            }
            Err(failed(visit, flow, realm, failure))
        }
    }
}

/// Smart lockout after ten wrong passwords.
///
/// Source: learn.microsoft.com/entra/identity/authentication/howto-password-smart-lockout.
fn lock_out(visit: &Visit, flow: &mut Flow, found: &Found) {
    if flow.failures < 10 {
        return;
    }
    flow.failures = 0;
    let (tenant, user) = found.password_holder();
    // The user was found a moment ago; one deleted since needs no lock.
    let _ = visit.world().apply(
        &tenant,
        &Event::LockUser {
            user: user.to_string(),
        },
    );
}

fn failed(visit: &mut Visit, flow: &Flow, realm: &Realm, failure: Failure) -> Halt {
    match failure {
        Failure::Inline(error) => {
            visit.note(&error);
            let text = error.text(PAGE);
            ask_to_sign_in(visit, flow, realm, Some((error.code, &text)), None)
        }
        Failure::Expired => ask_for_new_password(visit, flow, None),
        // Who asks for an administrator's consent hears of a person from elsewhere.
        // Source: MicrosoftDocs/azure-docs#114009, whose text hides the name.
        Failure::Page(refusal)
            if refusal.code == 50020 && matches!(flow.purpose, Purpose::AdminConsent(_)) =>
        {
            Halt::App(refusal.with("user", "{EmailHidden}"))
        }
        Failure::Page(refusal) => Halt::Page(refusal),
    }
}

/// The page for a new password, again: the old one has expired, or whoever is signed in is at risk.
fn ask_for_new_password(visit: &mut Visit, flow: &Flow, error: Option<(u32, &str)>) -> Halt {
    let refusal = AuthorityError::aadsts(why_a_new_password(flow));
    visit.note(&refusal);
    let frame = interaction::frame(visit, flow);
    let name = flow.name.as_deref().unwrap_or("");
    if flow.login.is_some() {
        let text = refusal.text(PAGE);
        let page = account::change_password(&frame, name, (refusal.code, &text), error);
        return Ask::halt(Kind::NewPassword, page, refusal);
    }
    let notice = (refusal.code, "Your password has expired. Choose a new one.");
    let page = account::change_password(&frame, name, notice, error);
    Ask::halt(Kind::SignIn, page, refusal)
}

/// Only somebody at risk is signed in when a new password is asked for.
fn why_a_new_password(flow: &Flow) -> u32 {
    if flow.login.is_some() { 50135 } else { 50055 }
}

fn change_password(
    visit: &mut Visit,
    flow: &mut Flow,
    realm: &Realm,
    form: &Form,
) -> Result<Response, Halt> {
    // Who is signed in, and at risk, has a name, too.
    let signed_in = flow.login.as_ref().and_then(|login| {
        let tenant = visit.world().tenant(visit.arrival.cloud, login.tenant)?;
        tenant.read(|directory| Some(directory.user(login.user)?.user_principal_name.to_string()))
    });
    let name = flow.name.clone().or(signed_in).unwrap_or_default();
    let found = find(visit, flow, realm, &name)?;
    let current = form.typed("passwd").unwrap_or("");
    let wanted = form.typed("newpasswd").unwrap_or("");
    let why = why_a_new_password(flow);
    let problem = match found.sign_in(Proof::Password(current), &visit.world().random) {
        Err(Failure::Inline(error)) => Some((error.code, error.text(PAGE))),
        Err(Failure::Page(refusal)) => return Err(Halt::Page(refusal)),
        Ok(_) | Err(Failure::Expired) if wanted.is_empty() => {
            Some((why, "Enter a new password.".to_owned()))
        }
        Ok(_) | Err(Failure::Expired) if form.typed("confirmpasswd") != Some(wanted) => {
            Some((why, "The two new passwords differ.".to_owned()))
        }
        Ok(_) | Err(Failure::Expired) if wanted == current => Some((
            why,
            "The new password must differ from the old one.".to_owned(),
        )),
        Ok(_) | Err(Failure::Expired) => None,
    };
    if let Some((code, text)) = problem {
        return Err(ask_for_new_password(visit, flow, Some((code, &text))));
    }
    let (tenant, user) = found.password_holder();
    let event = Event::ChangePassword {
        user: user.to_string(),
        password: Some(wanted.to_owned()),
    };
    if visit.world().apply(&tenant, &event).is_err() {
        // Deleted between the two lines above.
        return Err(Halt::Page(
            AuthorityError::aadsts(50034).with("user", &name),
        ));
    }
    // A new password ends the risk of an account where the tenant lets users help themselves.
    let (risky, user) = found.tenant.read(|directory| {
        let remedy = directory.policies.high_risk == HighRisk::ChangePassword;
        let user = directory.user(found.user);
        let risky = remedy && user.is_some_and(|user| user.risk == Risk::High);
        (risky, found.user.to_string())
    });
    if risky {
        let remediated = Event::SetUserRisk {
            user,
            risk: Risk::None,
            policy: None,
        };
        // The password of the same user was changed a moment ago.
        let _ = visit.world().apply(&found.tenant, &remediated);
    }
    sign_in(visit, flow, realm, &name, Proof::Password(wanted))
}

/// The account of the session that a tile names.
fn picked(visit: &mut Visit, realm: &Realm, tile: &str) -> Option<Login> {
    let known = realm.signed_in(&visit.state.world, &mut visit.session);
    known
        .into_iter()
        .find(|login| format!("{} {}", login.tenant, login.user) == tile)
}

const STALE_FORM: &str = "Invalid input received from the user. The sign-in page is too old or \
    incomplete: go back to the application and sign in again.";
