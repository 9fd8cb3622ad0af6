//! Placeholders: names in braces, such as `{alice.upn}`, for what only a tenant can tell.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::axis::{AuthMethod, UnknownName};
use crate::environment::{Environment, SignInCloud};
use crate::world::TenantDescription;

/// What a placeholder stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Placeholder {
    /// The name without braces.
    pub name: String,
    /// What stands in its place.
    pub value: String,
    /// Whether it must not be seen in a URL, a message or a log.
    pub secret: bool,
}

/// Why a placeholder cannot be filled.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FillError {
    /// No such placeholder.
    #[error(transparent)]
    Unknown(#[from] UnknownName),
    /// The brace does not end.
    #[error("a placeholder in '{0}' has no closing brace")]
    Unclosed(String),
    /// The filled value no longer fits its type.
    #[error("with its placeholders filled the value does not fit: {0}")]
    Misfit(String),
}

/// What an environment tells: its hosts, and its neighbours by name (see [`neighbours`]).
pub fn of_environment(environment: Environment) -> Vec<Placeholder> {
    let login = environment.cloud().facts();
    let alias = login
        .hosts
        .iter()
        .find(|host| **host != login.authority_host)
        .unwrap_or(&login.authority_host);
    let mut all = vec![
        plain("environment", environment.slug()),
        plain("graph-host", environment.graph_host()),
        plain("graph-root", environment.graph_root()),
        plain("login-host", &login.authority_host),
        plain("login-host.alias", alias),
    ];
    for (name, neighbour) in neighbours(environment) {
        all.push(plain(name, neighbour.slug()));
        all.push(plain(format!("{name}.graph-root"), neighbour.graph_root()));
    }
    all
}

/// The environments that `other-cloud` and `other-graph` mean: one over another sign-in cloud, and
/// one with another Graph (over the same sign-in cloud where there is one).
pub fn neighbours(environment: Environment) -> [(&'static str, Environment); 2] {
    let other_cloud = if environment.cloud() == SignInCloud::Global {
        Environment::UsGovL4
    } else {
        Environment::Office365
    };
    let other_graph = match environment {
        Environment::UsGovL4 => Environment::UsGovL5,
        Environment::UsGovL5 => Environment::UsGovL4,
        Environment::Office365 | Environment::China => other_cloud,
    };
    [("other-cloud", other_cloud), ("other-graph", other_graph)]
}

/// What a tenant tells: itself, its people and its apps, each name behind a prefix. `app` is the
/// app of the auth method.
pub fn of_tenant(
    prefix: &str,
    method: AuthMethod,
    description: &TenantDescription,
) -> Vec<Placeholder> {
    let mut all = vec![
        plain("tenant.id", description.tenant.id.to_string()),
        plain("tenant.domain", &description.tenant.domain),
    ];
    for (alias, user) in &description.users {
        all.push(plain(format!("{alias}.id"), user.id.to_string()));
        all.push(plain(format!("{alias}.upn"), &user.upn));
        all.push(secret(format!("{alias}.password"), &user.password));
    }
    if let Some(mailbox) = &description.shared_mailbox {
        all.push(plain("shared-mailbox", mailbox));
    }
    for (alias, app) in &description.apps {
        let own = (alias == method.app()).then_some("app");
        for alias in [Some(alias.as_str()), own].into_iter().flatten() {
            all.push(plain(
                format!("{alias}.client_id"),
                app.client_id.to_string(),
            ));
            all.push(plain(
                format!("{alias}.tenant_id"),
                app.tenant_id.to_string(),
            ));
            if let Some(value) = &app.client_secret {
                all.push(secret(format!("{alias}.client_secret"), value));
            }
            if let Some(uri) = app.redirect_uris.first() {
                all.push(plain(format!("{alias}.redirect_uri"), uri));
            }
        }
    }
    for placeholder in &mut all {
        placeholder.name.insert_str(0, prefix);
    }
    all
}

fn plain(name: impl Into<String>, value: impl Into<String>) -> Placeholder {
    Placeholder {
        name: name.into(),
        value: value.into(),
        secret: false,
    }
}

fn secret(name: impl Into<String>, value: impl Into<String>) -> Placeholder {
    Placeholder {
        secret: true,
        ..plain(name, value)
    }
}

/// Fills the placeholders of a text. Doubled braces stand for themselves.
///
/// # Errors
///
/// A placeholder is none, or does not end.
pub fn fill_text(values: &BTreeMap<String, String>, template: &str) -> Result<String, FillError> {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(position) = rest.find(['{', '}']) {
        let (plain, brace) = rest.split_at(position);
        text.push_str(plain);
        if let Some(after) = brace.strip_prefix("{{") {
            text.push('{');
            rest = after;
        } else if let Some(after) = brace.strip_prefix('}') {
            text.push('}');
            rest = after.strip_prefix('}').unwrap_or(after);
        } else {
            let (name, after) = brace[1..]
                .split_once('}')
                .ok_or_else(|| FillError::Unclosed(template.to_owned()))?;
            let value = values.get(name).ok_or_else(|| {
                UnknownName::new("placeholder", name, values.keys().map(String::as_str))
            })?;
            text.push_str(value);
            rest = after;
        }
    }
    text.push_str(rest);
    Ok(text)
}

/// Fills the placeholders in all texts of a JSON value.
///
/// # Errors
///
/// A placeholder is none, or does not end.
pub fn fill_value(values: &BTreeMap<String, String>, value: &Value) -> Result<Value, FillError> {
    Ok(match value {
        Value::String(text) => Value::String(fill_text(values, text)?),
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|it| fill_value(values, it))
                .collect::<Result<_, _>>()?,
        ),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| Ok((fill_text(values, name)?, fill_value(values, value)?)))
                .collect::<Result<_, FillError>>()?,
        ),
        other => other.clone(),
    })
}

/// Fills the placeholders in all texts of something that a scenario says: an event, a step's
/// settings, a check's expectation.
///
/// # Errors
///
/// A placeholder is none, does not end, or stands where its value cannot.
pub fn fill<T: Serialize + DeserializeOwned>(
    values: &BTreeMap<String, String>,
    it: &T,
) -> Result<T, FillError> {
    let misfit = |error: serde_json::Error| FillError::Misfit(error.to_string());
    let value = serde_json::to_value(it).map_err(misfit)?;
    serde_json::from_value(fill_value(values, &value)?).map_err(misfit)
}
