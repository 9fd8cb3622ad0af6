//! What pages ask of a person: from nobody to a user who may use the app.
//!
//! Each step either passes or says what to ask. `journey` walks over the steps, anew with each form,
//! so that a form that was kept while the directory changed gets today's answer.

use std::sync::Arc;

use super::error::{AuthorityError, PAGE};
use super::flow::{Flow, Prompt, Purpose};
use super::home;
use super::pages::Page;
use super::pages::account::{self, Frame};
use super::refusal::refusal;
use super::resolve::{check_enabled, is_admitted, is_open};
use super::session::Login;
use super::sign_in::{Realm, stands, tile};
use super::visit::Visit;
use crate::directory::{Application, Risk, User};
use crate::environment::GRAPH_APPLICATION_ID;
use crate::token::ClientClass;
use crate::token::validity::{self, Attempt, Invalid, Use};
use crate::world::Tenant;

/// Why the way ends here.
#[derive(Debug)]
pub(crate) enum Halt {
    /// The app is told.
    App(AuthorityError),
    /// A page asks.
    Ask(Box<Ask>),
    /// An error page.
    Page(AuthorityError),
}

/// A page that asks something.
#[derive(Debug)]
pub(crate) struct Ask {
    /// What the page asks for.
    pub(crate) kind: Kind,
    /// The page.
    pub(crate) page: Page,
    /// What an app that forbids pages (`prompt=none`) is told.
    pub(crate) silent: AuthorityError,
}

/// What a page asks for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Consent for the tenant.
    AdminConsent,
    /// A request to an administrator.
    Approval,
    /// A device that is marked as compliant.
    CompliantDevice,
    /// Consent.
    Consent,
    /// That the device is the person's.
    Device,
    /// The second factor.
    Mfa,
    /// A new password, since the account is at risk.
    NewPassword,
    /// The registration of a second factor.
    Registration,
    /// A review of consent requests.
    Review,
    /// A name, a password, an account.
    SignIn,
    /// Terms of use.
    Terms,
}

/// A signed-in user who may use the app, consent aside.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) user: User,
    pub(crate) login: Login,
}

impl Ask {
    /// A page that asks.
    pub(crate) fn halt(kind: Kind, page: Page, silent: AuthorityError) -> Halt {
        Halt::Ask(Box::new(Self { kind, page, silent }))
    }
}

/// Where forms of this flow go and what they carry.
pub(crate) fn frame(visit: &Visit, flow: &Flow) -> Frame {
    Frame {
        action: format!("/{}/login", path_segment(&flow.segment)),
        flow: flow.seal(&visit.world().sealer),
        tenant: visit.organization(),
    }
}

/// The name of the app, for pages.
pub(crate) fn app_name(visit: &Visit) -> Option<String> {
    visit.app.as_ref().map(|app| app.display_name.clone())
}

/// The realm of a flow.
pub(crate) fn realm(visit: &Visit, flow: &Flow) -> Result<Realm, Halt> {
    Realm::of_segment(
        visit.world(),
        &visit.arrival,
        &flow.segment,
        visit.app.as_deref(),
    )
    .map_err(Halt::Page)
}

/// Asks for name or password.
pub(crate) fn ask_to_sign_in(
    visit: &mut Visit,
    flow: &Flow,
    realm: &Realm,
    error: Option<(u32, &str)>,
    note: Option<&str>,
) -> Halt {
    let picks = realm.quick_picks(visit.world());
    let (frame, app) = (frame(visit, flow), app_name(visit));
    let page = if let Some(name) = flow.name.as_deref() {
        account::password(&frame, app.as_deref(), name, error, note, &picks)
    } else {
        let hint = flow.hint().unwrap_or_default();
        account::sign_in(&frame, app.as_deref(), hint, error, &picks)
    };
    Ask::halt(Kind::SignIn, page, login_required())
}

/// A signed-in user whose use of the app nothing forbids; consent is a separate question.
pub(crate) fn reach(visit: &mut Visit, flow: &mut Flow) -> Result<Person, Halt> {
    let realm = realm(visit, flow)?;
    if let Realm::One(tenant) = &realm {
        visit.at(tenant);
        if let Some(app) = &visit.app {
            exists_in(app, tenant).map_err(Halt::Page)?;
        }
    }
    let login = choose(visit, flow, &realm)?;
    let cloud = visit.arrival.cloud;
    let tenant = visit
        .world()
        .tenant(cloud, login.tenant)
        .ok_or_else(|| Halt::Page(gone()))?;
    visit.at(&tenant);
    is_open(&tenant, &tenant.id.to_string()).map_err(Halt::Page)?;
    is_admitted(&visit.arrival, &tenant).map_err(Halt::Page)?;
    home::Account::of(visit.world(), &tenant, login.user).map_err(Halt::Page)?;
    visit.annotation.user = Some(login.user);
    if let Some(app) = &visit.app {
        exists_in(app, &tenant).map_err(Halt::Page)?;
    }
    flow.login = Some(login.clone());
    let user = tenant.read(|it| it.user(login.user).cloned());
    let user = user.ok_or_else(|| Halt::Page(gone()))?;
    let person = Person {
        tenant,
        user,
        login,
    };
    may_use(visit, flow, &realm, &person)?;
    Ok(person)
}

/// Which account to go on with.
fn choose(visit: &mut Visit, flow: &mut Flow, realm: &Realm) -> Result<Login, Halt> {
    if let Some(login) = flow.login.take() {
        let tenant = visit.world().tenant(visit.arrival.cloud, login.tenant);
        if tenant.is_some_and(|tenant| stands(visit.world(), &tenant, &login)) {
            return Ok(login);
        }
        flow.fresh = false;
    }
    let forced = matches!(
        &flow.purpose,
        Purpose::Authorize(request) if request.prompt == Some(Prompt::Login)
    );
    if flow.name.is_none() && forced {
        flow.name = flow.hint().map(str::to_owned);
    }
    if flow.name.is_some() || flow.other_account || forced {
        return Err(ask_to_sign_in(visit, flow, realm, None, None));
    }
    let mut known = realm.signed_in(&visit.state.world, &mut visit.session);
    if let Purpose::Authorize(request) = &flow.purpose {
        if let Some(sid) = &request.sid {
            // Source: reference-error-codes, 160021.
            return known
                .into_iter()
                .find(|it| it.session.to_string() == *sid)
                .ok_or_else(|| Halt::App(AuthorityError::aadsts(160021)));
        }
        if let Some(hinted) = request
            .domain_hint
            .as_deref()
            .and_then(|domain| visit.world().tenant_of_domain(visit.arrival.cloud, domain))
            && matches!(realm, Realm::Any(_))
        {
            known.retain(|login| login.tenant == hinted.id);
        }
    }
    let pick = matches!(
        &flow.purpose,
        Purpose::Authorize(request) if request.prompt == Some(Prompt::SelectAccount)
    );
    // Whoever is to pick an account picks one, whatever the hint says.
    // Source: AzureAD/microsoft-authentication-library-for-dotnet#1047. Others saw the two refused
    // (AzureAD/microsoft-authentication-library-for-js#3315), without a code.
    let hint = flow.hint().filter(|_| !pick || known.is_empty());
    if let Some(hint) = hint.map(str::to_owned) {
        let found = known.iter().find(|login| {
            visit
                .world()
                .tenant(visit.arrival.cloud, login.tenant)
                .is_some_and(|tenant| {
                    tenant.read(|directory| {
                        directory
                            .user_by_id_or_name(&hint)
                            .is_some_and(|user| user.id == login.user)
                    })
                })
        });
        if let Some(login) = found {
            return Ok(login.clone());
        }
        // A hint that names an account leads to its password, any other stands in the field.
        if realm.find(visit.world(), &hint, "").is_ok() {
            flow.name = Some(hint);
        }
        return Err(ask_to_sign_in(visit, flow, realm, None, None));
    }
    match known.len() {
        0 if matches!(realm, Realm::One(_)) && !visit.session.accounts().is_empty() => {
            let name = visit.organization().unwrap_or_default();
            let silent = AuthorityError::aadsts(16003).with("tenant", name);
            Err(told_silently(
                ask_to_sign_in(visit, flow, realm, None, None),
                silent,
            ))
        }
        0 => Err(ask_to_sign_in(visit, flow, realm, None, None)),
        1 if !pick => Ok(known.remove(0)),
        _ => Err(ask_to_pick(visit, flow, &known)),
    }
}

fn ask_to_pick(visit: &Visit, flow: &Flow, known: &[Login]) -> Halt {
    let tiles: Vec<_> = known
        .iter()
        .filter_map(|login| {
            let tenant = visit.world().tenant(visit.arrival.cloud, login.tenant)?;
            tenant.read(|directory| {
                let mut tile = tile(directory.user(login.user)?, Some("signed in"));
                tile.value = format!("{} {}", login.tenant, login.user);
                Some(tile)
            })
        })
        .collect();
    let page = account::pick_account(&frame(visit, flow), app_name(visit).as_deref(), &tiles);
    let silent = AuthorityError::aadsts(16000);
    Ask::halt(Kind::SignIn, page, silent)
}

/// Whether an app exists in a tenant, or may appear there, and is enabled.
pub(crate) fn exists_in(app: &Application, tenant: &Tenant) -> Result<(), AuthorityError> {
    tenant.read(|directory| {
        let principal = directory.service_principal(app.app_id);
        check_enabled(app, principal)?;
        let is_home = directory.applications.contains_key(&app.app_id);
        if is_home || app.is_multi_tenant() {
            return Ok(());
        }
        Err(no_such_app(
            &app.app_id.to_string(),
            &directory.display_name,
        ))
    })
}

/// AADSTS700016.
pub(crate) fn no_such_app(client: &str, directory: &str) -> AuthorityError {
    AuthorityError::aadsts(700016)
        .with("app", client)
        .with("tenant", directory)
}

/// Assignment, risk and conditional access.
fn may_use(visit: &mut Visit, flow: &mut Flow, realm: &Realm, person: &Person) -> Result<(), Halt> {
    let Some(app) = visit.app.clone() else {
        return Ok(());
    };
    let class = match &flow.purpose {
        Purpose::Authorize(request) => request.client_class,
        _ => ClientClass::Public,
    };
    let now = person.tenant.now();
    let address = visit.arrival.address;
    let mut sign_in = person.login.to_app(app.app_id, class, person.login.session);
    if flow.fresh {
        // Whoever gave the password on these pages has done what a sign-in frequency demands,
        // however long the next page was left open.
        sign_in.auth_time = now;
    }
    let upn = person.user.user_principal_name.to_string();
    let refused = person.tenant.read(|directory| {
        let attempt = Attempt {
            now,
            from: directory.seen_from(address),
        };
        let invalid = validity::access(&sign_in, directory, attempt, Use::Interactive).err()?;
        Some((invalid, refusal(invalid, directory, Some(&app), &sign_in)))
    });
    if let Some((invalid, refusal)) = refused {
        return Err(match invalid {
            // Whoever may not register a factor, being at risk, can't go on.
            // Source: reference-error-codes, 53004.
            Invalid::MfaRegistrationRequired if person.user.risk > Risk::Low => {
                Halt::Page(AuthorityError::aadsts(53004))
            }
            Invalid::MfaRegistrationRequired => Ask::halt(
                Kind::Registration,
                account::register_factor(&frame(visit, flow), &upn),
                AuthorityError::aadsts(50072).with("resource", GRAPH_APPLICATION_ID),
            ),
            Invalid::CompliantDeviceRequired => Ask::halt(
                Kind::CompliantDevice,
                account::compliant_device(&frame(visit, flow), &upn),
                refusal,
            ),
            Invalid::PasswordChangeRequired => {
                let text = refusal.text(PAGE);
                let notice = (refusal.code, text.as_str());
                let page = account::change_password(&frame(visit, flow), &upn, notice, None);
                Ask::halt(Kind::NewPassword, page, refusal)
            }
            Invalid::MfaExpired | Invalid::MfaRequired => {
                // The same number while the form is answered.
                let number = 10 + person.login.session.as_bytes()[0] % 90;
                Ask::halt(
                    Kind::Mfa,
                    account::mfa(&frame(visit, flow), &upn, number),
                    refusal,
                )
            }
            Invalid::TermsOfUseRequired => Ask::halt(
                Kind::Terms,
                account::terms_of_use(&frame(visit, flow), &upn),
                refusal,
            ),
            Invalid::SignInFrequency { every, .. } => {
                // A session is refused with codes of its own.
                // Source: f-bader/EntraID-ErrorCodes.
                let code = if every.is_zero() { 70046 } else { 70044 };
                ask_again(visit, flow, realm, &upn, AuthorityError::aadsts(code))
            }
            _ => Halt::Page(refusal),
        });
    }
    if let Purpose::Authorize(request) = &flow.purpose
        && let Some(max_age) = request.max_age
        && !flow.fresh
        && now.duration_since(person.login.auth_time).as_secs() > i64::from(max_age)
    {
        return Err(ask_again(visit, flow, realm, &upn, login_required()));
    }
    Ok(())
}

fn ask_again(
    visit: &mut Visit,
    flow: &mut Flow,
    realm: &Realm,
    upn: &str,
    silent: AuthorityError,
) -> Halt {
    flow.login = None;
    flow.name = Some(upn.to_owned());
    let note = "Your organization's rules ask you to sign in again.";
    told_silently(ask_to_sign_in(visit, flow, realm, None, Some(note)), silent)
}

/// The page, with another refusal for an app that forbids pages.
fn told_silently(halt: Halt, silent: AuthorityError) -> Halt {
    match halt {
        Halt::Ask(ask) => Halt::Ask(Box::new(Ask { silent, ..*ask })),
        other => other,
    }
}

impl Flow {
    /// The sign-in name that the request proposes.
    pub(crate) fn hint(&self) -> Option<&str> {
        match &self.purpose {
            Purpose::Authorize(request) => request.login_hint.as_deref(),
            _ => None,
        }
    }
}

fn login_required() -> AuthorityError {
    AuthorityError::aadsts(50058)
}

fn gone() -> AuthorityError {
    AuthorityError::aadsts(50034)
}

/// A path segment as it may stand in a form's action.
fn path_segment(segment: &str) -> String {
    percent_encoding::utf8_percent_encode(segment, percent_encoding::NON_ALPHANUMERIC)
        .to_string()
        .replace("%2D", "-")
        .replace("%2E", ".")
}
