//! The form that the user filled: checked before any request is sent.

use std::fmt;

use serde_json::{Map, Value};

use super::assertion::ClientCertificate;
use super::clouds::Cloud;
use super::guise::Guise;
use super::mutant::{Kind, Mutant};
use super::problem::Problem;
use super::style::Style;
use crate::case::AuthMethod;
use crate::protocol::Connect;

/// Checked settings of a connection.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) cloud: Cloud,
    pub(super) client_id: String,
    pub(super) credential: Credential,
    /// The tenant segment of the authority.
    pub(super) tenant: String,
    pub(super) flow: Flow,
    /// The mailbox that is opened instead of the user's own.
    pub(super) shared_mailbox: Option<String>,
    /// Whether the connector is to have a defect.
    pub(super) kind: Kind,
    /// What the connector is for.
    pub(super) guise: Guise,
}

/// How the client proves who it is.
#[derive(Clone)]
pub(super) enum Credential {
    /// Signed assertions.
    Certificate(ClientCertificate),
    /// None: a public client.
    None,
    /// A secret.
    Secret(String),
}

/// For whom the connection acts.
#[derive(Clone, Debug)]
pub(super) enum Flow {
    /// The app itself, in the mailbox of an account.
    AppOnly { account: String },
    /// A user who signs in.
    Delegated {
        scopes: Vec<String>,
        redirect_uri: String,
    },
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Certificate(_) => "Certificate",
            Self::None => "None",
            Self::Secret(_) => "Secret",
        })
    }
}

impl Settings {
    /// Checks what the user filled in.
    pub(super) fn of(
        connect: &Connect,
        now: i64,
        kind: Kind,
        guise: Guise,
    ) -> Result<Self, Problem> {
        let form = Form(&connect.settings, kind);
        let mut cloud = match connect.environment.as_deref() {
            Some(_) if kind.is(Mutant::IgnoresTheEnvironment) => Cloud::of(None)?,
            Some("us-gov-l5") if kind.is(Mutant::MixesUpGovernmentClouds) => {
                Cloud::of(Some("us-gov-l4"))?
            }
            environment => Cloud::of(environment)?,
        };
        if let Some(endpoints) = &connect.endpoints {
            endpoints
                .authority
                .trim_end_matches('/')
                .clone_into(&mut cloud.authority);
            endpoints
                .graph
                .trim_end_matches('/')
                .clone_into(&mut cloud.graph);
        }
        let client_id = form.required("client_id")?;
        if !is_guid(&client_id) && !checks_nothing(kind) {
            return Err(Problem::configuration(format!(
                "the client id must be a GUID such as 11111111-2222-3333-4444-555555555555, not '{client_id}'"
            )));
        }
        let method = connect.auth_method;
        let credential = match method {
            AuthMethod::ClientCertificate => {
                let pfx = form.required("certificate")?;
                // A file without a password has the empty one.
                let password = form.optional("certificate_password").unwrap_or_default();
                match ClientCertificate::open(&pfx, &password, now) {
                    Ok(certificate) => Credential::Certificate(certificate),
                    Err(_) if checks_nothing(kind) => Credential::Secret(pfx),
                    Err(problem) => return Err(problem),
                }
            }
            AuthMethod::AuthorizationCode => form
                .optional("client_secret")
                .map_or(Credential::None, Credential::Secret),
            _ => Credential::Secret(form.required("client_secret")?),
        };
        let credential = match credential {
            Credential::Secret(secret) if kind.is(Mutant::EncodesTheSecretTwice) => {
                Credential::Secret(
                    url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
                )
            }
            credential => credential,
        };
        let tenant = match method {
            // The vendor's app serves work and school accounts of all tenants.
            AuthMethod::AuthorizationCode => "organizations".to_owned(),
            AuthMethod::OwnApp => form
                .optional("tenant_id")
                .unwrap_or_else(|| "common".to_owned()),
            _ => form.required("tenant_id")?,
        };
        let tenant = if kind.is(Mutant::IgnoresTheTenant) && !method.is_app_only()
            || kind.is(Mutant::AppOnlyAtCommon) && method.is_app_only()
        {
            "common".to_owned()
        } else {
            if !checks_nothing(kind) {
                check_tenant(&tenant, method.is_app_only())?;
            }
            tenant
        };
        let flow = if method.is_app_only() {
            Flow::AppOnly {
                account: form.account()?,
            }
        } else {
            Flow::Delegated {
                scopes: form.scopes()?,
                redirect_uri: form.redirect_uri()?,
            }
        };
        let shared_mailbox = form
            .optional("shared_mailbox")
            .filter(|_| !kind.is(Mutant::IgnoresTheSharedMailbox));
        Ok(Self {
            cloud,
            client_id,
            credential,
            tenant,
            flow,
            shared_mailbox,
            kind,
            guise,
        })
    }

    /// `https://…/{tenant}`.
    pub(super) fn authority(&self) -> String {
        format!("{}/{}", self.cloud.authority, self.tenant)
    }

    /// A scope with the name of this environment's Graph: a short name would mean another Graph
    /// where environments share a sign-in cloud.
    pub(super) fn qualified(&self, scope: &str) -> String {
        let is_public = self.cloud.resource == "https://graph.microsoft.com";
        if OPENID.contains(&scope)
            || scope.contains("://")
            || is_public && self.kind.has(Style::ShortScopes)
        {
            return scope.to_owned();
        }
        format!("{}/{scope}", self.cloud.resource)
    }
}

struct Form<'a>(&'a Map<String, Value>, Kind);

impl Form<'_> {
    fn optional(&self, name: &str) -> Option<String> {
        let text = self.0.get(name)?.as_str()?;
        let text = if name.contains("secret") || name.contains("password") {
            text
        } else {
            text.trim()
        };
        Some(text.to_owned()).filter(|it| !it.is_empty())
    }

    fn required(&self, name: &str) -> Result<String, Problem> {
        match self.optional(name) {
            Some(text) => Ok(text),
            None if checks_nothing(self.1) => Ok("undefined".to_owned()),
            None => Err(Problem::configuration(format!(
                "the field '{name}' is empty: it is required here"
            ))),
        }
    }

    fn account(&self) -> Result<String, Problem> {
        match self.required("account") {
            Err(_) if self.1.is(Mutant::GuessesTheAccount) => Ok("admin@contoso.com".to_owned()),
            account => account,
        }
    }

    fn scopes(&self) -> Result<Vec<String>, Problem> {
        let mut scopes: Vec<String> = match self.0.get("scopes") {
            Some(Value::Array(list)) => list
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        scopes.dedup();
        if self.1.is(Mutant::AsksForMorePermissions) {
            scopes.push("Contacts.ReadWrite".to_owned());
        }
        if scopes.is_empty() {
            return Err(Problem::configuration(
                "no scopes: add at least one permission",
            ));
        }
        Ok(scopes)
    }

    fn redirect_uri(&self) -> Result<String, Problem> {
        let uri = match self.required("redirect_uri") {
            Ok(_) if self.1.is(Mutant::IgnoresTheRedirectUri) => "https://localhost/cb".to_owned(),
            uri => uri?,
        };
        match url::Url::parse(&uri) {
            Ok(parsed) if parsed.fragment().is_none() => Ok(uri),
            _ => Err(Problem::configuration(format!(
                "'{uri}' is no redirect URI"
            ))),
        }
    }
}

fn check_tenant(tenant: &str, app_only: bool) -> Result<(), Problem> {
    let shared = ["common", "organizations", "consumers"].contains(&tenant);
    if app_only && shared {
        return Err(Problem::configuration(format!(
            "tenant '{tenant}' names no organization: an app-only connection needs a tenant id or domain"
        )));
    }
    let is_domain = tenant.contains('.')
        && tenant
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || matches!(it, '.' | '-'));
    if shared || is_guid(tenant) || is_domain {
        return Ok(());
    }
    Err(Problem::configuration(format!(
        "'{tenant}' is neither a tenant id (a GUID) nor a domain such as contoso.onmicrosoft.com"
    )))
}

/// Whether a mutant sends what was filled in as it is.
fn checks_nothing(kind: Kind) -> bool {
    kind.is(Mutant::ChecksNoFields) || kind.is(Mutant::InsistsOnWrongFields)
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

/// Scopes that belong to no resource.
pub(super) const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];
