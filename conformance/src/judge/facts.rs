//! The facts of a case: who and what there is, and what placeholders stand for.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entra_mock::environment::{Environment, SignInCloud};
use entra_mock::journal::fingerprint;
use entra_mock::world::TenantDescription;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::case::{AuthMethod, UnknownName};

/// Who and what there is in a case.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Facts {
    /// The auth method.
    pub auth_method: AuthMethod,
    /// The environment.
    pub environment: Environment,
    /// What placeholders stand for: `tenant.id`, `alice.upn`, `app.client_id`.
    ///
    /// Secrets among them are not written to files.
    #[serde(serialize_with = "without_secrets")]
    pub values: BTreeMap<String, String>,
    /// What must not be seen in a URL, a message or a log.
    pub secrets: Vec<Secret>,
}

/// A secret of a case.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Secret {
    /// Which placeholder has it.
    pub name: String,
    /// What the journal writes in its place.
    pub fingerprint: String,
    /// Itself, while the case runs.
    #[serde(default, skip_serializing)]
    pub value: Option<String>,
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

impl Facts {
    /// The facts of a tenant made for a case.
    pub fn new(
        auth_method: AuthMethod,
        environment: Environment,
        description: &TenantDescription,
    ) -> Self {
        let mut facts = Self {
            auth_method,
            environment,
            values: BTreeMap::new(),
            secrets: Vec::new(),
        };
        facts.add("tenant.id", description.tenant.id.to_string());
        facts.add("tenant.domain", &description.tenant.domain);
        for (alias, user) in &description.users {
            facts.add(format!("{alias}.id"), user.id.to_string());
            facts.add(format!("{alias}.upn"), &user.upn);
            facts.add_secret(format!("{alias}.password"), &user.password);
        }
        if let Some(mailbox) = &description.shared_mailbox {
            facts.add("shared-mailbox", mailbox);
        }
        for (alias, app) in &description.apps {
            let own = (alias == auth_method.app()).then_some("app");
            for alias in [Some(alias.as_str()), own].into_iter().flatten() {
                facts.add(format!("{alias}.client_id"), app.client_id.to_string());
                facts.add(format!("{alias}.tenant_id"), app.tenant_id.to_string());
                if let Some(secret) = &app.client_secret {
                    facts.add_secret(format!("{alias}.client_secret"), secret);
                }
                if let Some(uri) = app.redirect_uris.first() {
                    facts.add(format!("{alias}.redirect_uri"), uri);
                }
            }
        }
        facts.add("environment", environment.slug());
        facts.add("graph-host", environment.graph_host());
        facts.add("graph-root", environment.graph_root());
        facts.add("login-host", &environment.cloud().facts().authority_host);
        // A neighbour over another sign-in cloud, and one with another Graph (over the same
        // sign-in cloud where there is one).
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
        facts.add("other-cloud", other_cloud.slug());
        facts.add("other-cloud.graph-host", other_cloud.graph_host());
        facts.add("other-graph", other_graph.slug());
        facts.add("other-graph.graph-host", other_graph.graph_host());
        facts
    }

    /// Adds the client certificate as a connector's user has it, a `.pfx` with its password, and
    /// the mistakes that people make with it.
    pub fn add_certificate(&mut self, pfx: &[u8], password: &str) {
        let text = STANDARD.encode(pfx);
        let lines: Vec<&str> = text
            .as_bytes()
            .chunks(64)
            .filter_map(|line| std::str::from_utf8(line).ok())
            .collect();
        self.add("certificate.with-line-breaks", lines.join("\n"));
        self.add("certificate.truncated", &text[..text.len() / 2 / 4 * 4]);
        self.add_secret("certificate.pfx", &text);
        self.add_secret("certificate.password", password);
    }

    /// Adds a placeholder.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.values.insert(name.into(), value.into());
    }

    /// Adds a placeholder whose value is a secret.
    pub fn add_secret(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        self.secrets.push(Secret {
            name: name.clone(),
            fingerprint: fingerprint(&value),
            value: Some(value.clone()),
        });
        self.values.insert(name, value);
    }

    /// Fills the placeholders of a text: `{alice.upn}`. Doubled braces stand for themselves.
    pub fn text(&self, template: &str) -> Result<String, FillError> {
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
                let value = self.values.get(name).ok_or_else(|| {
                    UnknownName::new("placeholder", name, self.values.keys().map(String::as_str))
                })?;
                text.push_str(value);
                rest = after;
            }
        }
        text.push_str(rest);
        Ok(text)
    }

    /// Fills the placeholders in all texts of a JSON value.
    pub fn fill_value(&self, value: &Value) -> Result<Value, FillError> {
        Ok(match value {
            Value::String(text) => Value::String(self.text(text)?),
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|it| self.fill_value(it))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| Ok((self.text(name)?, self.fill_value(value)?)))
                    .collect::<Result<_, FillError>>()?,
            ),
            other => other.clone(),
        })
    }

    /// Fills the placeholders in all texts of something that a scenario says: an event, a step's
    /// settings, a check's expectation.
    pub fn fill<T: Serialize + DeserializeOwned>(&self, it: &T) -> Result<T, FillError> {
        let misfit = |error: serde_json::Error| FillError::Misfit(error.to_string());
        let value = serde_json::to_value(it).map_err(misfit)?;
        serde_json::from_value(self.fill_value(&value)?).map_err(misfit)
    }
}

fn without_secrets<S: serde::Serializer>(
    values: &BTreeMap<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let secret = |name: &str| {
        [
            "password",
            "client_secret",
            "pfx",
            "with-line-breaks",
            "truncated",
        ]
        .iter()
        .any(|end| name.ends_with(end))
    };
    serializer.collect_map(values.iter().filter(|(name, _)| !secret(name)))
}
