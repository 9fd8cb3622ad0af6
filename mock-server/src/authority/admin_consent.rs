//! Consent of an administrator for the whole tenant, asked for by a link: v1 and v2.
//!
//! Source: learn.microsoft.com/entra/identity-platform/v2-admin-consent and
//! /v2-oauth2-client-creds-grant-flow.

use axum::response::Response;

use super::authorize;
use super::authorize::answer::Fields;
use super::error::{AuthorityError, PAGE};
use super::flow::{AdminConsentRequest, Flow, Purpose, ResponseMode, Target};
use super::form::Form;
use super::interaction::{self, Ask, Halt, Kind, Person, frame};
use super::pages::consent as pages;
use super::pages::notice;
use super::permissions::{self, Apis};
use super::resolve::{CONSUMERS_TENANT, Requested, graph_id};
use super::session::Login;
use super::sign_in::Realm;
use super::visit::Visit;
use crate::aadsts::{Endpoint, Place};
use crate::consent::ResourceScopes;
use crate::directory::{Application, ConsentType};

/// What an administrator is asked to grant.
struct Wanted {
    scopes: Vec<ResourceScopes>,
    roles: Vec<ResourceScopes>,
    /// It is the whole static list: what is no longer on it is revoked.
    whole_list: bool,
}

/// Begins with the link.
pub(crate) fn start(
    visit: &mut Visit,
    segment: &str,
    version: u8,
    form: &Form,
) -> Result<Flow, Box<Response>> {
    let known = authorize::client(visit, segment, form).and_then(|app| {
        visit.for_app(&app);
        check_place(segment, version)?;
        form.refuse_repeated(&["redirect_uri", "state", "scope"])?;
        let realm = Realm::of_segment(visit.world(), &visit.arrival, segment, None)?;
        if let Realm::One(tenant) = &realm {
            visit.at(tenant);
            interaction::exists_in(&app, tenant)?;
        }
        let redirect_uri = redirect_uri(form, version, &app)?;
        Ok(AdminConsentRequest {
            version,
            client: app.app_id,
            redirect_uri,
            state: form.typed("state").map(str::to_owned),
            scope: String::new(),
        })
    });
    let mut request = match known {
        Ok(request) => request,
        Err(refusal) => return Err(Box::new(visit.error_page(&refusal))),
    };
    if version == 2 {
        match form.required("scope") {
            Ok(scope) => scope.clone_into(&mut request.scope),
            Err(refusal) => return Err(Box::new(refuse(visit, &request, &refusal))),
        }
    }
    Ok(Flow::new(Purpose::AdminConsent(request), segment, visit))
}

/// At v2 consent is for a tenant or `organizations`; v1 takes `common`, too.
///
/// Source: f-bader/EntraID-ErrorCodes; learn.microsoft.com/entra/identity-platform/v2-admin-consent.
fn check_place(segment: &str, version: u8) -> Result<(), AuthorityError> {
    let is = |name: &str| segment.eq_ignore_ascii_case(name);
    if version == 2 && (is("common") || is("consumers") || is(CONSUMERS_TENANT)) {
        return Err(AuthorityError::aadsts(9002328));
    }
    Ok(())
}

/// Somebody is signed in: whether that is an administrator, and what is to be granted.
pub(crate) fn go_on(
    visit: &mut Visit,
    flow: &mut Flow,
    request: &AdminConsentRequest,
    person: &Person,
) -> Result<Response, Halt> {
    let app = visit.app.clone().ok_or_else(stale)?;
    let wanted = wanted(visit, request, &app, person).map_err(Halt::App)?;
    let apis = Apis::of(visit.world(), &person.tenant);
    let mut lines = person.tenant.read(|it| apis.lines(it, &wanted.scopes));
    lines.extend(apis.role_lines(&wanted.roles));
    let card = permissions::card(visit.world(), &person.tenant, &app);
    let (frame, upn) = (frame(visit, flow), person.user.user_principal_name.as_str());
    if !may_grant(person, &wanted) {
        // An application administrator is refused the application permissions of Graph only.
        let code = if person.user.may_manage_applications() {
            90093
        } else if app.publisher.risky {
            900941
        } else {
            90094
        };
        let refusal = AuthorityError::aadsts(code)
            .with("name", &app.display_name)
            .with("tenant", frame.tenant.as_deref().unwrap_or_default());
        visit.note(&refusal);
        let page =
            pages::need_admin_approval(&frame, upn, &card, &lines, (code, &refusal.text(PAGE)));
        return Err(Ask::halt(Kind::Approval, page, refusal));
    }
    if app.publisher.risky {
        visit.note(&AuthorityError::aadsts(900981));
    }
    let page = pages::admin_consent(&frame, upn, &card, &lines);
    Err(Ask::halt(
        Kind::AdminConsent,
        page,
        AuthorityError::aadsts(65001),
    ))
}

/// The administrator accepted.
pub(crate) fn grant(
    visit: &mut Visit,
    flow: &Flow,
    request: &AdminConsentRequest,
    login: &Login,
) -> Result<Response, Halt> {
    let app = visit.app.clone().ok_or_else(stale)?;
    let tenant = visit.tenant.clone().ok_or_else(stale)?;
    let user = tenant.read(|it| it.user(login.user).cloned().ok_or_else(stale))?;
    let person = Person {
        tenant,
        user,
        login: login.clone(),
    };
    let wanted = wanted(visit, request, &app, &person).map_err(Halt::App)?;
    if !may_grant(&person, &wanted) {
        return Err(stale());
    }
    authorize::can_appear(&person.tenant, &app).map_err(Halt::App)?;
    authorize::create_principal(visit.world(), &person.tenant, &app);
    let now = person.tenant.now();
    let random = &visit.world().random;
    person.tenant.write(|directory| {
        if wanted.whole_list {
            // "May revoke" in the document. Unverified: when it does; roles stay.
            directory.withdraw_for_everybody(app.app_id);
        }
        for of in &wanted.scopes {
            let everybody = ConsentType::AllPrincipals;
            let scopes = of.scopes.iter().cloned();
            directory.grant(random.uuid(), app.app_id, of.resource, everybody, scopes);
        }
        for of in &wanted.roles {
            for role in &of.scopes {
                directory.assign_role(random.uuid(), app.app_id, of.resource, role, now);
            }
        }
    });
    visit.decide(format!(
        "{} consented for the tenant",
        person.user.user_principal_name
    ));
    visit.correlate(Some(&flow.correlation.to_string()));
    let mut fields = Fields::default();
    let tenant = person.tenant.id.to_string();
    if request.version == 1 {
        fields.put("tenant", tenant);
        fields.put_some("state", request.state.as_deref());
        fields.put("admin_consent", "True");
    } else {
        fields.put("admin_consent", "True");
        fields.put("tenant", tenant);
        fields.put("scope", &request.scope);
        fields.put_some("state", request.state.as_deref());
    }
    Ok(send(
        visit,
        request,
        fields,
        "Permissions were granted for your organization.",
        true,
    ))
}

/// Tells the app of a refusal.
pub(crate) fn refuse(
    visit: &mut Visit,
    request: &AdminConsentRequest,
    refusal: &AuthorityError,
) -> Response {
    if request.redirect_uri.is_none() {
        return visit.error_page(refusal);
    }
    let place = Place::versioned(Endpoint::AdminConsent, request.version);
    refusal.annotate(place, &mut visit.annotation);
    let mut fields = Fields::default();
    fields.put("error", refusal.answer(place).error);
    fields.put(
        "error_description",
        refusal.description(place, &visit.trace()),
    );
    let root = visit.arrival.authority_root();
    fields.put_some("error_uri", refusal.error_uri(place, &root).as_deref());
    if request.version == 2 {
        // `True` on failure, too. Source: MicrosoftDocs/azure-docs#114009.
        fields.put("admin_consent", "True");
    }
    fields.put_some("state", request.state.as_deref());
    send(visit, request, fields, "The request failed.", false)
}

/// The person pressed Cancel: on the consent page (`declined`), or on another one.
///
/// Source: MicrosoftDocs/azure-docs#114009 (v2, the consent page) and #41053 (v1, a page before it);
/// v2-admin-consent and v2-oauth2-client-creds-grant-flow show older answers. Unverified: that v1
/// answers on the consent page as v2 does.
pub(crate) fn cancel(visit: &mut Visit, request: &AdminConsentRequest, declined: bool) -> Response {
    if declined && request.redirect_uri.is_some() {
        return refuse(visit, request, &AuthorityError::aadsts(65004));
    }
    visit.annotation.error = Some("access_denied".to_owned());
    visit.decide("the person cancelled");
    let mut fields = Fields::cancelled();
    fields.put_some("state", request.state.as_deref());
    send(
        visit,
        request,
        fields,
        "You cancelled the request. Nothing was granted.",
        false,
    )
}

fn send(
    visit: &mut Visit,
    request: &AdminConsentRequest,
    fields: Fields,
    text: &str,
    good: bool,
) -> Response {
    let Some(uri) = &request.redirect_uri else {
        let title = if good {
            "Permissions granted"
        } else {
            "Nothing was granted"
        };
        let page = notice::message("admin-consent-done", title, text, good);
        return visit.show(page.tenant(visit.organization()));
    };
    // The state is among the fields, at its place.
    let target = Target {
        redirect_uri: uri.clone(),
        mode: ResponseMode::Query,
        state: None,
    };
    fields.send(&target, &visit.world().random)
}

/// v1 allows path segments behind a registered URI, v2 does not.
fn redirect_uri(
    form: &Form,
    version: u8,
    app: &Application,
) -> Result<Option<String>, AuthorityError> {
    let Some(requested) = form.get("redirect_uri")? else {
        return if version == 1 {
            Ok(None)
        } else {
            Err(AuthorityError::missing("redirect_uri"))
        };
    };
    authorize::check_absolute(requested)?;
    let below = |registered: &str| {
        let base = registered.trim_end_matches('/');
        requested
            .strip_prefix(base)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    let known = app.redirect_uri(requested).is_some()
        || version == 1 && app.redirect_uris.iter().any(|it| below(&it.uri));
    if known {
        return Ok(Some(requested.to_owned()));
    }
    Err(AuthorityError::aadsts(50011)
        .with("redirect_uri", requested)
        .with("app", app.app_id.to_string()))
}

/// v1 asks for all that is registered; v2 for the named scopes, or with `.default` for all that
/// is registered, application permissions included.
fn wanted(
    visit: &Visit,
    request: &AdminConsentRequest,
    app: &Application,
    person: &Person,
) -> Result<Wanted, AuthorityError> {
    if request.version == 1 {
        let scopes = app
            .required_resource_access
            .iter()
            .filter(|access| !access.scopes.is_empty())
            .map(|it| ResourceScopes {
                resource: it.resource,
                scopes: it.scopes.clone(),
            })
            .collect();
        return Ok(Wanted {
            scopes,
            roles: permissions::static_roles(app),
            whole_list: true,
        });
    }
    let requested =
        Requested::parse_for_consent(visit.world(), &person.tenant, &request.scope, app)?;
    let scopes = person
        .tenant
        .read(|it| requested.for_consent(app, it, person.user.id, true));
    let all = requested.resources.iter().any(|it| it.default);
    Ok(Wanted {
        scopes,
        roles: if all {
            permissions::static_roles(app)
        } else {
            Vec::new()
        },
        whole_list: all,
    })
}

/// Global and privileged role administrators grant anything; application administrators all but
/// the application permissions of Graph.
///
/// Source: learn.microsoft.com/entra/identity/enterprise-apps/grant-admin-consent, prerequisites.
fn may_grant(person: &Person, wanted: &Wanted) -> bool {
    let roles_of_graph = wanted.roles.iter().any(|it| it.resource == graph_id());
    person.user.may_consent_for_tenant() || person.user.may_manage_applications() && !roles_of_graph
}

fn stale() -> Halt {
    Halt::Page(AuthorityError::aadsts(90013).with(
        "reason",
        "Invalid input received from the user. What the page asked for has changed: start again.",
    ))
}
