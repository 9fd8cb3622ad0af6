//! The facts of a case: who and what there is, and what placeholders stand for.

use std::collections::BTreeMap;

use entra_mock::environment::Environment;
use entra_mock::journal::fingerprint;
use entra_mock::scenario::placeholder;
pub use entra_mock::scenario::placeholder::FillError;
use entra_mock::world::TenantDescription;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::case::{AuthMethod, CertificateForms, ConnectorKind};

/// Who and what there is in a case.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Facts {
    /// The auth method.
    pub auth_method: AuthMethod,
    /// The environment.
    pub environment: Environment,
    /// The kind of the connector, by name.
    #[serde(default)]
    pub kind: String,
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
            kind: String::new(),
            values: BTreeMap::new(),
            secrets: Vec::new(),
        };
        facts.add_tenant("", description);
        for it in placeholder::of_environment(environment) {
            facts.add(it.name, it.value);
        }
        facts.of_kind(None)
    }

    /// The facts for a kind of connectors; the usual one, if it is none that is known.
    #[must_use]
    pub fn of_kind(mut self, kind: Option<&ConnectorKind>) -> Self {
        let kind = kind.unwrap_or_else(|| ConnectorKind::usual());
        let mut all = ConnectorKind::all().iter();
        let found = all.find(|(_, it)| std::ptr::eq(*it, kind));
        self.kind = found.map(|it| it.0.clone()).unwrap_or_default();
        for it in kind.placeholders() {
            self.add(it.name, it.value);
        }
        self
    }

    /// The kind of the connector.
    pub fn kind(&self) -> &'static ConnectorKind {
        let known = ConnectorKind::all().get(&self.kind);
        known.unwrap_or_else(|| ConnectorKind::usual())
    }

    /// The environments of `other-cloud` and `other-graph`, whose tenants a case may name.
    pub fn neighbours(&self) -> impl Iterator<Item = (&'static str, Environment)> {
        placeholder::neighbours(self.environment).into_iter()
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
        for it in placeholder::of_tenant(prefix, self.auth_method, description) {
            if it.secret {
                self.add_secret(it.name, it.value);
            } else {
                self.add(it.name, it.value);
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
        placeholder::fill_text(&self.values, template)
    }

    /// Fills the placeholders in all texts of a JSON value.
    pub fn fill_value(&self, value: &Value) -> Result<Value, FillError> {
        placeholder::fill_value(&self.values, value)
    }

    /// Fills the placeholders in all texts of something that a scenario says: an event, a step's
    /// settings, a check's expectation.
    pub fn fill<T: Serialize + DeserializeOwned>(&self, it: &T) -> Result<T, FillError> {
        placeholder::fill(&self.values, it)
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
