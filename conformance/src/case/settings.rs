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

/// The members of a scope set, if it is the name of one.
///
/// `minimum` and `full` are the sets that the connector's documentation states for the delegated
/// methods; `shared` is the minimum with what a shared mailbox needs.
pub fn scope_set(name: &str) -> Option<&'static [&'static str]> {
    match name {
        "minimum" => Some(&MINIMUM),
        "full" => Some(&FULL),
        "shared" => Some(&SHARED),
        "trigger-shared-mail" => Some(&TRIGGER_SHARED_MAIL),
        _ => None,
    }
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
                (SettingName::Scopes, Value::String(set)) if scope_set(set).is_some() => {
                    json!(scope_set(set))
                }
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
        SettingName::Scopes => return Ok(Some(json!(MINIMUM))),
        SettingName::Environment | SettingName::SharedMailbox => return Ok(None),
    };
    facts.text(&template).map(|text| Some(Value::String(text)))
}

const MINIMUM: [&str; 5] = [
    "openid",
    "offline_access",
    "User.Read",
    "Mail.Read",
    "email",
];

const SHARED: [&str; 6] = [
    "openid",
    "offline_access",
    "User.Read",
    "Mail.Read",
    "Mail.Read.Shared",
    "email",
];

const TRIGGER_SHARED_MAIL: [&str; 4] =
    ["openid", "offline_access", "Mail.Read", "Mail.Read.Shared"];

const FULL: [&str; 17] = [
    "User.Read",
    "User.Read.All",
    "Mail.Read",
    "Mail.Read.Shared",
    "Mail.ReadWrite",
    "Mail.ReadWrite.Shared",
    "Mail.Send",
    "Mail.Send.Shared",
    "MailboxSettings.ReadWrite",
    "Calendars.Read",
    "Calendars.Read.Shared",
    "Calendars.ReadWrite",
    "Calendars.ReadWrite.Shared",
    "profile",
    "openid",
    "email",
    "offline_access",
];
