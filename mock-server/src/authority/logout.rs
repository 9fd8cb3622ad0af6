//! Signing out of the browser.
//!
//! Source: learn.microsoft.com/entra/identity-platform/v2-protocols-oidc, "Send a sign-out
//! request". The apps' own sign-out pages (front channel) are named in the journal, not called:
//! they are on other hosts, and the mock calls none.

use axum::response::Response;

use super::authorize::answer::escape;
use super::authorize::is_opaque;
use super::error::AuthorityError;
use super::form::Form;
use super::pages::notice;
use super::resolve::TenantSegment;
use super::visit::Visit;

/// Signs out and goes where the app wants, if that is one of an app's redirect URIs.
pub(crate) fn sign_out(visit: &mut Visit, segment: &str, form: &Form) -> Response {
    match TenantSegment::resolve(visit.world(), &visit.arrival, segment) {
        Ok(TenantSegment::Tenant(tenant)) => visit.at(&tenant),
        Ok(_) => {}
        Err(refusal) => return visit.error_page(&refusal),
    }
    if let Err(refusal) = check(form) {
        return visit.error_page(&refusal);
    }
    let told = forget(visit, form.typed("logout_hint"));
    visit.decide(if told.is_empty() {
        "signed out".to_owned()
    } else {
        format!("signed out; front-channel sign-out of {}", told.join(", "))
    });
    let wanted = form.typed("post_logout_redirect_uri");
    match wanted.filter(|uri| is_registered(visit, uri)) {
        Some(uri) => Visit::redirect(&match form.typed("state") {
            Some(state) => {
                let separator = if uri.contains('?') { '&' } else { '?' };
                format!("{uri}{separator}state={}", escape(state))
            }
            None => uri.to_owned(),
        }),
        None => {
            let mut page = notice::message(
                "signed-out",
                "You signed out of your account",
                "It's a good idea to close all browser windows.",
                true,
            );
            // The person is signed out, and stays on this page.
            // Source: f-bader/EntraID-ErrorCodes. Unverified: that the page shows no code.
            if let Some(uri) = wanted {
                visit.note(&AuthorityError::aadsts(700041).with("url", uri));
                page.error_code = Some(700041);
            }
            visit.show(page)
        }
    }
}

/// What a hint must look like: the claim of a token, or a name or an id.
///
/// Source: f-bader/EntraID-ErrorCodes; learn.microsoft.com/entra/identity-platform/v2-protocols-oidc.
fn check(form: &Form) -> Result<(), AuthorityError> {
    form.refuse_repeated(&[
        "client_id",
        "id_token_hint",
        "logout_hint",
        "post_logout_redirect_uri",
        "sid",
        "state",
    ])?;
    let readable =
        |hint: &str| is_opaque(hint) || hint.contains('@') || uuid::Uuid::try_parse(hint).is_ok();
    if !form.typed("logout_hint").is_none_or(readable) {
        return Err(AuthorityError::aadsts(1002017));
    }
    let is_id = |sid: &str| uuid::Uuid::try_parse(sid).is_ok();
    if !form.typed("sid").is_none_or(is_id) {
        return Err(AuthorityError::aadsts(90007));
    }
    Ok(())
}

/// Ends the hinted session, or all. Returns the sign-out pages of the apps concerned.
fn forget(visit: &mut Visit, hint: Option<&str>) -> Vec<String> {
    let mut told = Vec::new();
    let mut hinted = None;
    for login in visit.session.accounts().to_vec() {
        let Some(tenant) = visit.world().tenant(visit.arrival.cloud, login.tenant) else {
            continue;
        };
        let apps: Vec<_> = tenant.read(|directory| {
            visit.annotation.user.get_or_insert(login.user);
            let is_hinted = hint.is_some_and(|hint| {
                directory
                    .user_by_id_or_name(hint)
                    .is_some_and(|user| user.id == login.user)
            });
            if is_hinted {
                hinted = Some(login.clone());
            }
            directory.service_principals.keys().copied().collect()
        });
        let cloud = visit.arrival.cloud;
        let urls = apps
            .iter()
            .filter_map(|app| visit.world().application(cloud, *app)?.1.logout_url.clone());
        told.extend(urls.collect::<Vec<_>>());
    }
    match hinted {
        Some(login) => visit.session.forget(login.tenant, login.user),
        None => visit.session.clear(),
    }
    told.sort();
    told.dedup();
    told
}

/// Any app's redirect URI will do: a sign-out request need not name its app.
fn is_registered(visit: &Visit, uri: &str) -> bool {
    let cloud = visit.arrival.cloud;
    visit
        .world()
        .tenants()
        .iter()
        .filter(|tenant| tenant.environment.cloud() == cloud)
        .any(|tenant| {
            tenant.read(|it| {
                it.applications
                    .values()
                    .any(|app| app.redirect_uri(uri).is_some())
            })
        })
}
