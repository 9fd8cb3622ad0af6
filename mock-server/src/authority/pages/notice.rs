//! Pages that tell something: errors, the end of a sign-out, device sign-in, and the page that
//! posts an answer to the app.

use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::account::Frame;
use super::{Page, Script, actions, alert, form};

/// What an error page says.
#[derive(Clone, Debug)]
pub(crate) struct ErrorFacts {
    /// The AADSTS code.
    pub(crate) code: u32,
    /// The message, without code.
    pub(crate) message: String,
    /// The code's symbolic name.
    pub(crate) name: Option<String>,
    /// What to do.
    pub(crate) fix: Option<String>,
    /// The request id.
    pub(crate) request: String,
    /// The correlation id.
    pub(crate) correlation: String,
    /// When.
    pub(crate) timestamp: String,
    /// The app, where it is known.
    pub(crate) app: Option<(String, String)>,
    /// The app's redirect URIs, where the request's one is not among them.
    pub(crate) registered: Vec<String>,
}

/// An error that ends the sign-in.
pub(crate) fn error(facts: &ErrorFacts, tenant: Option<String>) -> Page {
    let body = html! {
        p.alert #exceptionMessageContainer role="alert" {
            strong { "AADSTS" (facts.code) ":" } " " (facts.message)
        }
        @if let Some(fix) = &facts.fix { h2 { "What to do" } p #whatToDo { (fix) } }
        @if !facts.registered.is_empty() {
            h2 { "Registered redirect URIs" }
            ul.uris #registered { @for uri in &facts.registered { li.mono { (uri) } } }
        }
        h2 { "Troubleshooting details" }
        dl {
            @if let Some(name) = &facts.name { dt { "Name" } dd.mono { (name) } }
            @if let Some((name, id)) = &facts.app {
                dt { "App" } dd { (name) }
                dt { "App id" } dd.mono { (id) }
            }
            dt { "Request id" } dd.mono #requestId { (facts.request) }
            dt { "Correlation id" } dd.mono #correlationId { (facts.correlation) }
            dt { "Timestamp" } dd.mono #timestamp { (facts.timestamp) }
        }
        p.soft { a href={ "/error?code=" (facts.code) } { "About this code" } }
    };
    Page::new("error", "Sign-in did not work", body)
        .tenant(tenant)
        .error_code(Some(facts.code))
        .wide()
}

/// A code of the table, or that it is not there.
pub(crate) struct CodeFacts<'a> {
    /// The code.
    pub(crate) code: u32,
    /// Its symbolic name.
    pub(crate) name: &'a str,
    /// The OAuth error with which it comes.
    pub(crate) error: &'a str,
    /// What it means.
    pub(crate) meaning: &'a str,
    /// What to do.
    pub(crate) fix: &'a str,
    /// Where that is written.
    pub(crate) source: &'a str,
}

/// The page that explains a code.
pub(crate) fn code_lookup(asked: &str, facts: Option<&CodeFacts<'_>>) -> Page {
    let body = html! {
        form method="get" action="/error" {
            label for="code" { "Error code" }
            input #code type="text" name="code" value=(asked) inputmode="numeric" autocomplete="off";
            (actions_get())
        }
        div aria-live="polite" {
            @match facts {
                Some(facts) => {
                    h2 { "AADSTS" (facts.code) }
                    dl {
                        dt { "Name" } dd.mono { (or_dash(facts.name)) }
                        dt { "Error" } dd.mono { (or_dash(facts.error)) }
                        dt { "Meaning" } dd { (facts.meaning) }
                        dt { "What to do" } dd { (facts.fix) }
                        dt { "Source" } dd { (facts.source) }
                    }
                }
                None if asked.is_empty() => {}
                None => { p.alert { "The mock knows no AADSTS code “" (asked) "”." } }
            }
        }
    };
    Page::new("error-lookup", "AADSTS error codes", body).wide()
}

/// A plain message.
pub(crate) fn message(name: &'static str, title: &str, text: &str, good: bool) -> Page {
    Page::new(name, title, html! { p #message { (text) } }).done(good)
}

/// A plain message in which the person can press a button.
pub(crate) fn question(
    frame: &Frame,
    name: &'static str,
    title: &str,
    text: &str,
    primary: (&str, &str),
    secondary: Option<(&str, &str)>,
) -> Page {
    let body = html! {
        p #message { (text) }
        (form(&frame.action, &frame.flow, name, &actions(primary, secondary)))
    };
    Page::new(name, title, body).tenant(frame.tenant.clone())
}

/// Asks for the code that a device shows.
pub(crate) fn device_code(action: &str, value: &str, error: Option<(u32, &str)>) -> Page {
    let body = html! {
        p.lead { "Enter the code that your app or device shows." }
        form method="post" action=(action) autocomplete="off" {
            (alert("userCodeError", error))
            label for="otc" { "Code" }
            input.code #otc type="text" name="otc" value=(value) autofocus maxlength="16"
                spellcheck="false" autocapitalize="characters"
                aria-invalid=[error.map(|_| "true")];
            (actions(("next", "Next"), None))
        }
        p.soft { "Only enter a code from a source that you trust." }
    };
    Page::new("device-code", "Enter code", body).error_code(error.map(|it| it.0))
}

/// The page that posts an answer to the app's redirect URI (`response_mode=form_post`).
pub(crate) fn form_post(target: &str, fields: &[(String, String)], nonce: String) -> Response {
    let body = html! {
        p { "Signing in is done. If nothing happens, press the button." }
        form method="post" action=(target) name="hiddenform" {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            div.actions { button.primary #idSIButton9 type="submit" { "Continue" } }
        }
    };
    Page::new("form-post", "Working…", body)
        .script(Script {
            nonce,
            code: "document.forms.hiddenform.submit();",
        })
        .respond(StatusCode::OK)
}

fn actions_get() -> maud::Markup {
    html! { div.actions { button.primary #idSIButton9 type="submit" { "Look up" } } }
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}
