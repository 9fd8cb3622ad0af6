//! The paths of the login hosts: their words count in any case, and a slash may follow.
//!
//! Clients spell them differently: MSAL for Go asks `/common/UserRealm/…`
//! (AzureAD/microsoft-authentication-library-for-go, `apps/internal/oauth/ops/authority`), others
//! `/common/userrealm/…`, and both are answered. What stands for a parameter is kept as it is,
//! since answers repeat it.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::Uri;
use axum::routing::MethodRouter;
use tower::ServiceExt as _;

use super::State;

/// Handlers by path.
#[derive(Debug, Default)]
pub(super) struct Routes {
    /// The paths as the router knows them.
    templates: Vec<&'static str>,
    router: Router<Arc<State>>,
}

impl Routes {
    /// Adds a path, with `{parameters}`, and its handlers.
    pub(super) fn route(
        mut self,
        template: &'static str,
        handlers: MethodRouter<Arc<State>>,
    ) -> Self {
        self.templates.push(template);
        self.router = self.router.route(template, handlers);
        self
    }

    /// Adds all that others have.
    pub(super) fn merge(mut self, others: Self) -> Self {
        self.templates.extend(others.templates);
        self.router = self.router.merge(others.router);
        self
    }

    /// The router that finds them; `otherwise` answers to all other paths.
    pub(super) fn into_router<H, T>(self, state: Arc<State>, otherwise: H) -> Router
    where
        H: Handler<T, Arc<State>>,
        T: 'static,
    {
        let router = self.router.fallback(otherwise).with_state(state);
        let templates = self.templates;
        // Paths are rewritten before they are looked up, so around the router that looks them up.
        Router::new().fallback_service(router.map_request(move |mut request: Request| {
            if let Some(uri) = canonical(&templates, request.uri()) {
                *request.uri_mut() = uri;
            }
            request
        }))
    }
}

/// The spelling that the router knows, if it is another one than that of the request.
fn canonical(templates: &[&str], uri: &Uri) -> Option<Uri> {
    let asked = uri.path();
    let bare = asked.strip_suffix('/').unwrap_or(asked);
    let template = templates.iter().find(|it| fits(it, bare))?;
    let mut path = String::with_capacity(asked.len());
    for (word, value) in template.split('/').zip(bare.split('/')).skip(1) {
        path.push('/');
        path.push_str(if is_parameter(word) { value } else { word });
    }
    if path == asked || path.is_empty() {
        return None;
    }
    if let Some(query) = uri.query() {
        path.push('?');
        path.push_str(query);
    }
    path.parse().ok()
}

fn fits(template: &str, path: &str) -> bool {
    let (mut words, mut values) = (template.split('/'), path.split('/'));
    loop {
        match (words.next(), values.next()) {
            (None, None) => return true,
            (Some(word), Some(value)) if is_parameter(word) && !value.is_empty() => {}
            (Some(word), Some(value)) if word.eq_ignore_ascii_case(value) => {}
            _ => return false,
        }
    }
}

fn is_parameter(word: &str) -> bool {
    word.starts_with('{')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATES: [&str; 4] = [
        "/",
        "/{tenant}/userrealm/{user}",
        "/{tenant}/oauth2/v2.0/token",
        "/{tenant}/discovery/instance",
    ];

    #[test]
    fn words_of_a_path_count_in_any_case_and_a_slash_may_follow() {
        for (asked, expected) in [
            (
                "/common/UserRealm/Bob@Contoso.com?api-version=1.0",
                Some("/common/userrealm/Bob@Contoso.com?api-version=1.0"),
            ),
            (
                "/Contoso.com/OAuth2/V2.0/Token/",
                Some("/Contoso.com/oauth2/v2.0/token"),
            ),
            (
                "/common/discovery/instance/?a=1",
                Some("/common/discovery/instance?a=1"),
            ),
            ("/common/discovery/instance?a=1/", None),
            ("/", None),
            ("/common/discovery/instance//", None),
            ("/common/oauth2/v2.0/tokens", None),
            ("//oauth2/v2.0/token", None),
        ] {
            let found = canonical(&TEMPLATES, &asked.parse().unwrap());
            assert_eq!(
                found.map(|it| it.to_string()).as_deref(),
                expected,
                "{asked}"
            );
        }
    }
}
