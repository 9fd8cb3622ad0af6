//! Pages about permissions: consent, consent of an administrator, asking for approval, and the
//! reviewers' list.

use maud::{Markup, PreEscaped, html};

use super::account::Frame;
use super::{CROSS, Page, TICK, actions, form, monogram};

/// The app that asks.
#[derive(Clone, Debug)]
pub(crate) struct AppCard {
    /// Its name.
    pub(crate) name: String,
    /// Its application id.
    pub(crate) id: String,
    /// Its publisher.
    pub(crate) publisher: Option<String>,
    /// Whether the publisher is verified.
    pub(crate) verified: bool,
    /// Whether Microsoft judges it risky.
    pub(crate) risky: bool,
    /// The domain of the tenant in which it is registered.
    pub(crate) home: String,
}

/// A permission on a page.
#[derive(Clone, Debug)]
pub(crate) struct PermissionLine {
    /// The API, unless it is Graph.
    pub(crate) api: Option<String>,
    /// The name, such as `Mail.Read`.
    pub(crate) name: String,
    /// What it allows.
    pub(crate) meaning: String,
    /// Whether only an administrator may consent.
    pub(crate) admin_only: bool,
    /// Whether the app acts as itself with it.
    pub(crate) application: bool,
    /// The API that wants it, where one is consented together with its client.
    pub(crate) through: Option<String>,
}

/// Asks the user for consent.
pub(crate) fn consent(
    frame: &Frame,
    upn: &str,
    app: &AppCard,
    permissions: &[PermissionLine],
    may_consent_for_tenant: bool,
) -> Page {
    let fields = html! {
        @if may_consent_for_tenant {
            label.check for="orgconsent" {
                input #orgconsent type="checkbox" name="orgconsent" value="true";
                span {
                    "Consent on behalf of your organization"
                    small { "Nobody else of the organization will be asked for these permissions." }
                }
            }
        }
        (actions(("accept", "Accept"), Some(("cancel", "Cancel"))))
    };
    let body = html! {
        p.who #displayName { (upn) }
        (app_card(app))
        (risk_warning(app))
        p { "This app would like to:" }
        (list(permissions))
        p.soft {
            "Accepting lets the app use your data as listed, until the consent is withdrawn. \
             You can withdraw it at any time."
        }
        (form(&frame.action, &frame.flow, "consent", &fields))
    };
    Page::new("consent", "Permissions requested", body)
        .tenant(frame.tenant.clone())
        .error_code(app.risky.then_some(RISKY))
        .wide()
}

/// Asks an administrator for consent for the whole organization.
pub(crate) fn admin_consent(
    frame: &Frame,
    upn: &str,
    app: &AppCard,
    permissions: &[PermissionLine],
) -> Page {
    let organization = frame.tenant.as_deref().unwrap_or("your organization");
    let body = html! {
        p.who #displayName { (upn) }
        (app_card(app))
        (risk_warning(app))
        p { "For " strong { (organization) } ", this app would like to:" }
        (list(permissions))
        p.soft {
            "If you accept, the app gets these permissions for all users of the organization, and \
             nobody is asked again."
        }
        (form(&frame.action, &frame.flow, "admin-consent", &actions(("accept", "Accept"), Some(("cancel", "Cancel")))))
    };
    Page::new(
        "admin-consent",
        "Review permissions for your organization",
        body,
    )
    .tenant(frame.tenant.clone())
    .error_code(app.risky.then_some(RISKY))
    .wide()
}

/// Tells the user that only an administrator may consent.
pub(crate) fn need_admin_approval(
    frame: &Frame,
    upn: &str,
    app: &AppCard,
    permissions: &[PermissionLine],
    (code, reason): (u32, &str),
) -> Page {
    let fields = html! {
        (actions(("other-account", "Sign in as administrator"), Some(("cancel", "Back to the app"))))
    };
    let body = html! {
        p.who #displayName { (upn) }
        (app_card(app))
        p.alert.note role="status" { (reason) " " span.mono { "AADSTS" (code) } }
        (list(permissions))
        p.soft {
            "Ask an administrator to grant permission to this app. If you have an administrator's \
             account, sign in with that one."
        }
        (form(&frame.action, &frame.flow, "approval-required", &fields))
    };
    Page::new("approval-required", "Need admin approval", body)
        .tenant(frame.tenant.clone())
        .error_code(Some(code))
        .wide()
}

/// Lets the user ask an administrator.
pub(crate) fn request_approval(
    frame: &Frame,
    upn: &str,
    app: &AppCard,
    permissions: &[PermissionLine],
    code: u32,
    error: Option<&str>,
) -> Page {
    let fields = html! {
        div aria-live="assertive" {
            @if let Some(error) = error { p.alert #justificationError role="alert" { (error) } }
        }
        label for="justification" { "Enter justification for requesting this app" }
        textarea #justification name="justification" maxlength="2000"
            aria-invalid=[error.map(|_| "true")] {}
        (actions(("request", "Request approval"), Some(("cancel", "Cancel"))))
        div.split {
            button.quiet type="submit" name="action" value="other-account" {
                "Have an admin account? Sign in with that account"
            }
        }
    };
    let body = html! {
        p.who #displayName { (upn) }
        (app_card(app))
        p.alert.note role="status" {
            @if app.risky {
                "This app may be risky. If you trust it, ask your administrator to grant you \
                 access. "
            } @else {
                "This app requires an administrator's approval. "
            }
            span.mono { "AADSTS" (code) }
        }
        (list(permissions))
        (form(&frame.action, &frame.flow, "approval-required", &fields))
    };
    Page::new("approval-required", "Approval required", body)
        .tenant(frame.tenant.clone())
        .error_code(Some(code))
        .wide()
}

/// Tells the user that the request waits for a reviewer.
pub(crate) fn approval_requested(frame: &Frame, upn: &str, app: &AppCard) -> Page {
    let body = html! {
        p.who #displayName { (upn) }
        (app_card(app))
        p {
            "Your administrators have been asked to approve this app. You can sign in to it as \
             soon as one of them approves."
        }
        (form(&frame.action, &frame.flow, "approval-requested", &actions(("cancel", "Back to the app"), None)))
    };
    Page::new("approval-requested", "Request sent", body)
        .tenant(frame.tenant.clone())
        .done(true)
}

/// A consent request on the reviewers' page.
#[derive(Clone, Debug)]
pub(crate) struct RequestCard {
    /// The app.
    pub(crate) app: AppCard,
    /// Who asked.
    pub(crate) requestors: Vec<Requestor>,
    /// What the reviewer said.
    pub(crate) review: Option<String>,
    /// The state: `pending`, `approved`, `denied`, `blocked`, `expired`.
    pub(crate) status: &'static str,
    /// For what.
    pub(crate) permissions: Vec<PermissionLine>,
}

/// One of those who asked for an app.
#[derive(Clone, Debug)]
pub(crate) struct Requestor {
    /// The sign-in name.
    pub(crate) user: String,
    /// Why.
    pub(crate) reason: String,
    /// When, and until when.
    pub(crate) dates: String,
}

impl RequestCard {
    /// Adds another request for the same app.
    pub(crate) fn join(&mut self, other: Self) {
        self.requestors.extend(other.requestors);
        for line in other.permissions {
            let known = |it: &PermissionLine| (&it.api, &it.name) == (&line.api, &line.name);
            if !self.permissions.iter().any(known) {
                self.permissions.push(line);
            }
        }
    }
}

/// The reviewers' page; a message is good or bad.
pub(crate) fn requests(
    frame: &Frame,
    upn: &str,
    requests: &[RequestCard],
    message: Option<(bool, &str)>,
    may_approve: bool,
) -> Page {
    let body = html! {
        p.who #displayName { (upn) }
        div aria-live="polite" {
            @match message {
                Some((true, message)) => { p.alert.good role="status" { (message) } }
                Some((false, message)) => { p.alert #reviewError role="alert" { (message) } }
                None => {}
            }
        }
        @if requests.is_empty() { p.soft { "Nobody has asked for an app." } }
        @for request in requests {
            article.request data-app=(request.app.id) data-status=(request.status) {
                (app_card(&request.app))
                (risk_warning(&request.app))
                @for requestor in &request.requestors {
                    p data-requestor=(requestor.user) {
                        strong { (requestor.user) } span.pill { (request.status) }
                        br; span.soft { (requestor.dates) }
                        br; "“" (requestor.reason) "”"
                    }
                }
                @if let Some(review) = &request.review {
                    p.soft { "The reviewer said: “" (review) "”" }
                }
                (list(&request.permissions))
                @if request.status == "pending" {
                    (form(&frame.action, &frame.flow, "consent-requests", &review(&request.app.id, may_approve)))
                }
            }
        }
    };
    Page::new("consent-requests", "Consent requests", body)
        .tenant(frame.tenant.clone())
        .wide()
}

fn review(app: &str, may_approve: bool) -> Markup {
    html! {
        input type="hidden" name="app" value=(app);
        label for={ "justification-" (app) } {
            "Justification (needed to deny or to block)"
        }
        textarea id={ "justification-" (app) } name="justification" maxlength="2000" {}
        div.actions {
            @if may_approve {
                button.primary type="submit" name="action" value="approve" { "Approve" }
            }
            button.secondary type="submit" name="action" value="deny" { "Deny" }
            button.danger type="submit" name="action" value="block" { "Block" }
        }
    }
}

/// What administrators are told of a risky app.
fn risk_warning(app: &AppCard) -> Markup {
    html! {
        @if app.risky {
            p.alert #riskyApp role="alert" {
                "This app may be risky: consent to it only if you know its publisher. "
                span.mono { "AADSTS" (RISKY) }
            }
        }
    }
}

const RISKY: u32 = 900981;

fn app_card(app: &AppCard) -> Markup {
    html! {
        div.app {
            (monogram(&app.name))
            div {
                strong #appName { (app.name) }
                @match (&app.publisher, app.verified) {
                    (Some(publisher), true) => {
                        span.badge.ok { (PreEscaped(TICK)) (publisher) ", verified publisher" }
                    }
                    (Some(publisher), false) => {
                        span.badge { (PreEscaped(CROSS)) (publisher) ", unverified" }
                    }
                    (None, _) => { span.badge { (PreEscaped(CROSS)) (app.home) ", unverified" } }
                }
            }
        }
    }
}

fn list(permissions: &[PermissionLine]) -> Markup {
    html! {
        ul.permissions #permissions {
            @for line in permissions {
                li data-permission=(line.name) {
                    strong {
                        (line.meaning)
                        @if line.admin_only && !line.application { span.pill { "admin only" } }
                        @if line.application { span.pill { "as the app itself" } }
                        @if let Some(api) = &line.through { span.pill { "through " (api) } }
                    }
                    span.soft.mono {
                        @if let Some(api) = &line.api { (api) " / " }
                        (line.name)
                    }
                }
            }
        }
    }
}
