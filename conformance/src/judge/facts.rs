//! The facts of a case: who and what there is, and what placeholders stand for.

use std::collections::BTreeMap;

use entra_mock::environment::{Environment, SignInCloud};
use entra_mock::journal::fingerprint;
use entra_mock::world::TenantDescription;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::case::{AuthMethod, CertificateForms, UnknownName};

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
        facts.add_tenant("", description);
        facts.add("environment", environment.slug());
        facts.add("graph-host", environment.graph_host());
        facts.add("graph-root", environment.graph_root());
        let login = environment.cloud().facts();
        facts.add("login-host", &login.authority_host);
        let alias = login
            .hosts
            .iter()
            .find(|host| **host != login.authority_host);
        facts.add("login-host.alias", alias.unwrap_or(&login.authority_host));
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
        facts.add("other-cloud.graph-root", other_cloud.graph_root());
        facts.add("other-graph", other_graph.slug());
        facts.add("other-graph.graph-root", other_graph.graph_root());
        facts
    }

    /// The environments of `other-cloud` and `other-graph`, whose tenants a case may name.
    pub fn neighbours(&self) -> impl Iterator<Item = (&'static str, Environment)> {
        ["other-cloud", "other-graph"]
            .into_iter()
            .filter_map(|name| {
                let slug = self.values.get(name)?;
                Some((name, slug.parse().ok()?))
            })
    }

    /// Adds a tenant of another environment: `other-cloud.tenant.id`, `other-cloud.alice.upn`,
    /// `other-cloud.app.client_id`.
    pub fn add_neighbour(&mut self, name: &str, description: &TenantDescription) {
        self.add_tenant(&format!("{name}."), description);
    }

    /// Adds the client certificate in all its forms.
    pub fn add_certificate(&mut self, forms: &CertificateForms) {
        self.add_secret("certificate.pfx", &forms.pfx);
        self.add_secret("certificate.password", &forms.password);
        self.add("certificate.with-line-breaks", &forms.with_line_breaks);
        self.add("certificate.truncated", &forms.truncated);
        self.add("certificate.without-key", &forms.without_key);
        self.add("certificate.without-password", &forms.without_password);
        self.add("certificate.old-encryption", &forms.old_encryption);
    }

    fn add_tenant(&mut self, prefix: &str, description: &TenantDescription) {
        self.add(
            format!("{prefix}tenant.id"),
            description.tenant.id.to_string(),
        );
        self.add(format!("{prefix}tenant.domain"), &description.tenant.domain);
        for (alias, user) in &description.users {
            self.add(format!("{prefix}{alias}.id"), user.id.to_string());
            self.add(format!("{prefix}{alias}.upn"), &user.upn);
            self.add_secret(format!("{prefix}{alias}.password"), &user.password);
        }
        if let Some(mailbox) = &description.shared_mailbox {
            self.add(format!("{prefix}shared-mailbox"), mailbox);
        }
        for (alias, app) in &description.apps {
            let own = (alias == self.auth_method.app()).then_some("app");
            for alias in [Some(alias.as_str()), own].into_iter().flatten() {
                self.add(
                    format!("{prefix}{alias}.client_id"),
                    app.client_id.to_string(),
                );
                self.add(
                    format!("{prefix}{alias}.tenant_id"),
                    app.tenant_id.to_string(),
                );
                if let Some(secret) = &app.client_secret {
                    self.add_secret(format!("{prefix}{alias}.client_secret"), secret);
                }
                if let Some(uri) = app.redirect_uris.first() {
                    self.add(format!("{prefix}{alias}.redirect_uri"), uri);
                }
            }
        }
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
        name.starts_with("certificate.")
            || name.ends_with(".password")
            || name.ends_with(".client_secret")
    };
    serializer.collect_map(values.iter().filter(|(name, _)| !secret(name)))
}
