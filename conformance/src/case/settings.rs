//! The form that the connector's user fills: ordinary values, and what a scenario changes.

use serde_json::{Map, Value, json};

use super::{AuthMethod, ConnectStep, SettingName};
use crate::judge::{Facts, FillError};

/// What the suite gives to `connect` or `reconnect`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FilledForm {
    /// The auth method.
    pub auth_method: AuthMethod,
    /// The environment; absent if the person leaves the field as it is.
    pub environment: Option<String>,
    /// The other fields.
    pub settings: Map<String, Value>,
}

impl FilledForm {
    /// The ordinary values of an auth method, with a step's changes.
    pub fn of(step: &ConnectStep, facts: &Facts) -> Result<Self, FillError> {
        let auth_method = step.auth.unwrap_or(facts.auth_method);
        let mut settings = Map::new();
        for name in fields(auth_method) {
            if let Some(value) = ordinary(*name, auth_method, step, facts)? {
                settings.insert(name.wire().to_owned(), value);
            }
        }
        for (name, value) in &step.settings {
            let value = match (name, value) {
                // The name of a set that the documentation states.
                (SettingName::Scopes, Value::String(set))
                    if facts.kind().scope_set(set).is_some() =>
                {
                    json!(facts.kind().scope_set(set))
                }
                (SettingName::Scopes, list) => each_scope(facts.fill_value(list)?),
                _ => facts.fill_value(value)?,
            };
            if value.is_null() {
                settings.remove(name.wire());
            } else {
                settings.insert(name.wire().to_owned(), value);
            }
        }
        for name in &step.without {
            settings.remove(name.wire());
        }
        let environment = if step.without.contains(&SettingName::Environment) {
            None
        } else {
            match &step.environment {
                Some(name) => Some(facts.text(name)?),
                None => Some(facts.environment.slug().to_owned()),
            }
        };
        Ok(Self {
            auth_method,
            environment,
            settings,
        })
    }
}

/// The scopes of a list: a placeholder may stand for several.
fn each_scope(value: Value) -> Value {
    let Value::Array(list) = value else {
        return value;
    };
    let words = |it: Value| match it {
        Value::String(text) => text.split_whitespace().map(|it| json!(it)).collect(),
        other => vec![other],
    };
    Value::Array(list.into_iter().flat_map(words).collect())
}

fn fields(method: AuthMethod) -> &'static [SettingName] {
    use SettingName::{
        Account, Certificate, CertificatePassword, ClientId, ClientSecret, RedirectUri, Scopes,
        TenantId,
    };
    match method {
        AuthMethod::AuthorizationCode => &[ClientId, ClientSecret, RedirectUri, Scopes],
        AuthMethod::ClientCertificate => &[
            ClientId,
            Certificate,
            CertificatePassword,
            TenantId,
            Account,
        ],
        AuthMethod::ClientCredentials => &[ClientId, ClientSecret, TenantId, Account],
        AuthMethod::DeviceCode | AuthMethod::UsernamePassword => {
            &[ClientId, TenantId, Scopes, Account]
        }
        AuthMethod::OwnApp => &[ClientId, ClientSecret, RedirectUri, Scopes, TenantId],
    }
}

fn ordinary(
    name: SettingName,
    method: AuthMethod,
    step: &ConnectStep,
    facts: &Facts,
) -> Result<Option<Value>, FillError> {
    let template = match name {
        SettingName::Account => format!("{{{}.upn}}", step.user),
        SettingName::Certificate => "{certificate.pfx}".to_owned(),
        SettingName::CertificatePassword => "{certificate.password}".to_owned(),
        SettingName::ClientId => format!("{{{}.client_id}}", method.app()),
        SettingName::ClientSecret => format!("{{{}.client_secret}}", method.app()),
        SettingName::RedirectUri => format!("{{{}.redirect_uri}}", method.app()),
        SettingName::TenantId => "{tenant.id}".to_owned(),
        SettingName::Scopes => return Ok(Some(json!(facts.kind().ordinary_scopes()))),
        SettingName::Environment | SettingName::SharedMailbox => return Ok(None),
    };
    facts.text(&template).map(|text| Some(Value::String(text)))
}
