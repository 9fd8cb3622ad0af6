//! The pages that a person sees: plain forms in a common frame.
//!
//! Every page works without JavaScript and can be driven by a program: forms post a sealed `flow`
//! and an `action`, fields and buttons have stable ids, and `<body data-page>` names the page.
//! Nothing is loaded from elsewhere.

pub(crate) mod account;
pub(crate) mod consent;
pub(crate) mod notice;

use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// What the frame of a page needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// The value of `data-page`.
    pub(crate) name: &'static str,
    /// What the title and the heading say.
    pub(crate) title: String,
    /// The organization, where it is known.
    pub(crate) tenant: Option<String>,
    /// The AADSTS code of an error that the page shows.
    pub(crate) error_code: Option<u32>,
    /// A wide card, for lists.
    pub(crate) wide: bool,
    /// A tick above the heading: something was done.
    pub(crate) done: bool,
    /// The card's contents below the heading.
    pub(crate) body: Markup,
    /// A second card: accounts to pick from.
    pub(crate) side: Option<Markup>,
    /// A script with the nonce that its policy allows.
    pub(crate) script: Option<Script>,
}

/// An inline script of a page.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// The nonce of the content security policy.
    pub(crate) nonce: String,
    /// The code.
    pub(crate) code: &'static str,
}

impl Page {
    /// A page with a heading and contents.
    pub(crate) fn new(name: &'static str, title: impl Into<String>, body: Markup) -> Self {
        Self {
            name,
            title: title.into(),
            tenant: None,
            error_code: None,
            wide: false,
            done: false,
            body,
            side: None,
            script: None,
        }
    }

    /// Names the organization.
    pub(crate) fn tenant(mut self, name: Option<impl Into<String>>) -> Self {
        self.tenant = name.map(Into::into);
        self
    }

    /// Names the error that the page shows.
    pub(crate) fn error_code(mut self, code: Option<u32>) -> Self {
        self.error_code = code;
        self
    }

    /// Makes the card wide.
    pub(crate) fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    /// Shows a tick: something was done.
    pub(crate) fn done(mut self, done: bool) -> Self {
        self.done = done;
        self
    }

    /// Adds the second card.
    pub(crate) fn side(mut self, side: Option<Markup>) -> Self {
        self.side = side;
        self
    }

    /// Adds a script.
    pub(crate) fn script(mut self, script: Script) -> Self {
        self.script = Some(script);
        self
    }

    /// The answer that shows this page.
    pub(crate) fn respond(self, status: StatusCode) -> Response {
        let script = self.script.as_ref().map_or_else(
            || "'none'".to_owned(),
            |script| format!("'nonce-{}'", script.nonce),
        );
        // No `form-action`: browsers apply it to redirects that follow a form, too, and those go
        // to the app's redirect URI, whatever its scheme.
        let policy = format!(
            "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; img-src 'self' data:; \
             style-src '{}'; script-src {script}",
            *STYLE_HASH
        );
        let mut response = Response::new(Body::from(self.markup().into_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("no-store, no-cache"),
        );
        headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
        headers.insert(header::EXPIRES, HeaderValue::from_static("-1"));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("strict-origin-when-cross-origin"),
        );
        // Only ASCII letters, digits and punctuation stand in the policy.
        if let Ok(policy) = HeaderValue::from_str(&policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        response
    }

    fn markup(&self) -> Markup {
        let error_code = self.error_code.map(|code| code.to_string());
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="robots" content="none";
                    title {
                        (self.title)
                        @if let Some(tenant) = &self.tenant { " · " (tenant) }
                        " · entra-mock"
                    }
                    link rel="icon" type="image/svg+xml" href="/favicon.ico";
                    style { (PreEscaped(STYLE)) }
                }
                body data-page=(self.name) data-error-code=[error_code] {
                    a.skip href="#main" { "Skip to the form" }
                    header.banner {
                        span.brand { (PreEscaped(LOGO)) "entra-mock" }
                        span.tag { "Test sign-in, not Microsoft" }
                    }
                    main #main {
                        section.card.wide[self.wide] aria-labelledby="title" {
                            @if let Some(tenant) = &self.tenant {
                                p.tenant { (monogram(tenant)) span #tenant { (tenant) } }
                            }
                            @if self.done { div.big { (PreEscaped(TICK)) } }
                            h1 #title { (self.title) }
                            (self.body)
                        }
                        @if let Some(side) = &self.side { (side) }
                    }
                    footer {
                        "A mock of a sign-in service for tests. Accounts and tokens are worthless; \
                         never enter a real password here."
                    }
                    @if let Some(script) = &self.script {
                        script nonce=(script.nonce) { (PreEscaped(script.code)) }
                    }
                }
            }
        }
    }
}

/// A form that continues a sealed flow. It names its page, so that what was pressed there is never
/// taken for an answer to another page.
pub(crate) fn form(action: &str, flow: &str, page: &str, body: &Markup) -> Markup {
    html! {
        form method="post" action=(action) autocomplete="off" {
            input type="hidden" name="flow" value=(flow);
            @if !page.is_empty() { input type="hidden" name="page" value=(page); }
            (body)
        }
    }
}

/// The two buttons at the end of a form: what to do, and how to get out.
pub(crate) fn actions(primary: (&str, &str), secondary: Option<(&str, &str)>) -> Markup {
    // The primary button is first in the source, so that Enter presses it.
    html! {
        div.actions {
            button.primary #idSIButton9 type="submit" name="action" value=(primary.0) { (primary.1) }
            @if let Some((value, label)) = secondary {
                button.secondary #idBtn_Back type="submit" name="action" value=(value) formnovalidate {
                    (label)
                }
            }
        }
    }
}

/// An error beside a form field, announced to screen readers.
pub(crate) fn alert(id: &str, message: Option<(u32, &str)>) -> Markup {
    html! {
        div aria-live="assertive" {
            @if let Some((code, text)) = message {
                p.alert role="alert" id=(id) data-error-code=(code) {
                    (text) " " span.mono { "AADSTS" (code) }
                }
            }
        }
    }
}

/// The first letter of a name in a tile.
pub(crate) fn monogram(name: &str) -> Markup {
    html! { span.monogram aria-hidden="true" { (initial(name)) } }
}

/// The first letter of a name in a circle.
pub(crate) fn portrait(name: &str) -> Markup {
    html! { span.monogram.round aria-hidden="true" { (initial(name)) } }
}

fn initial(name: &str) -> String {
    name.chars()
        .find(|it| it.is_alphanumeric())
        .map_or_else(|| "?".to_owned(), |it| it.to_uppercase().to_string())
}

static STYLE_HASH: LazyLock<String> = LazyLock::new(|| {
    let digest = digest::digest(&digest::SHA256, STYLE.as_bytes());
    format!("sha256-{}", STANDARD.encode(digest))
});

const STYLE: &str = include_str!("pages/style.css");

/// The mark of the mock: a key ring, in one colour that works on light and dark.
pub(crate) const LOGO: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="#4a5fe0"/><circle cx="12.5" cy="13" r="5" fill="none" stroke="#fff" stroke-width="2.6"/><path d="M16.2 16.6 24 24.4M21 21.4l2.6-2.6" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/></svg>"##;

/// A tick.
pub(crate) const TICK: &str = r#"<svg viewBox="0 0 24 24" aria-hidden="true"><path d="m5 12.5 4.6 4.6L19 7.6" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/></svg>"#;

/// A cross.
pub(crate) const CROSS: &str = r#"<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6.5 6.5l11 11m0-11-11 11" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round"/></svg>"#;
