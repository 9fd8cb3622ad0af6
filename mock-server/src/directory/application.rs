//! App registrations, their credentials, and service principals.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;
use x509_parser::error::X509Error;
use x509_parser::time::ASN1Time;

use super::{ApplicationId, ObjectId, Risk, TenantId};

/// An app registration: the definition of an app in its home tenant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// The application id, `client_id` on the wire.
    pub app_id: ApplicationId,
    /// The object id of the registration (not of a service principal).
    pub object_id: ObjectId,
    /// The name by which events, seed files and the ready file call the app, such as `own-app`.
    pub alias: String,
    /// The name on consent pages.
    pub display_name: String,
    /// The publisher's name, with the blue badge if verified.
    #[serde(default)]
    pub publisher: Publisher,
    /// Whose accounts may use the app.
    #[serde(default)]
    pub sign_in_audience: SignInAudience,
    /// Redirect URIs with their platform.
    #[serde(default)]
    pub redirect_uris: Vec<RedirectUri>,
    /// `isFallbackPublicClient`: treated as public where no redirect URI takes part.
    #[serde(default)]
    pub fallback_public_client: bool,
    /// `oauth2AllowIdTokenImplicitFlow`.
    #[serde(default)]
    pub implicit_id_token: bool,
    /// `oauth2AllowImplicitFlow`.
    #[serde(default)]
    pub implicit_access_token: bool,
    /// Client secrets.
    #[serde(default)]
    pub secrets: Vec<PasswordCredential>,
    /// Certificates.
    #[serde(default)]
    pub certificates: Vec<KeyCredential>,
    /// Federated identity credentials.
    #[serde(default)]
    pub federated_credentials: Vec<FederatedCredential>,
    /// The static list of permissions, `requiredResourceAccess`.
    #[serde(default)]
    pub required_resource_access: Vec<RequiredResourceAccess>,
    /// The API that the app exposes, if any.
    #[serde(default)]
    pub api: Option<ExposedApi>,
    /// `logoutUrl` of the web platform.
    #[serde(default)]
    pub logout_url: Option<String>,
    /// Who may change the registration without a directory role: users and service principals.
    #[serde(default)]
    pub owners: BTreeSet<ObjectId>,
    /// `isDisabled`: no new tokens for the app, in any tenant.
    #[serde(default)]
    pub disabled: bool,
    /// Other properties that Graph has set, such as `notes`, by their names in Graph.
    #[serde(default)]
    pub profile: Map<String, Value>,
    /// When the registration was made.
    pub created: Timestamp,
}

/// The publisher of an app.
#[derive(Clone, Debug, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Publisher {
    /// The name on consent pages.
    pub name: Option<String>,
    /// Whether the publisher is verified.
    #[serde(default)]
    pub verified: bool,
    /// Whether Microsoft judges the app risky: users may not consent to it.
    #[serde(default)]
    pub risky: bool,
}

/// Whose accounts may use an app, `signInAudience`.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub enum SignInAudience {
    /// Accounts of the home tenant.
    #[default]
    #[serde(rename = "AzureADMyOrg")]
    SingleTenant,
    /// Work or school accounts of any tenant.
    #[serde(rename = "AzureADMultipleOrgs")]
    MultiTenant,
    /// Any tenant's and personal accounts.
    #[serde(rename = "AzureADandPersonalMicrosoftAccount")]
    MultiTenantAndPersonal,
    /// Personal accounts only.
    #[serde(rename = "PersonalMicrosoftAccount")]
    Personal,
}

/// A registered redirect URI.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedirectUri {
    /// The URI as registered.
    pub uri: String,
    /// The platform under which it is registered; decides the client class.
    pub platform: Platform,
}

/// The platform of a redirect URI, which decides how a client must authenticate.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// Mobile and desktop applications: public client.
    PublicClient,
    /// Single-page application: public client, PKCE and `Origin` required.
    Spa,
    /// Web: confidential client.
    Web,
}

/// A client secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PasswordCredential {
    /// The id of the secret (not its value).
    pub key_id: Uuid,
    /// The description.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The value.
    pub secret: String,
    /// Valid from.
    pub start: Timestamp,
    /// Valid until.
    pub end: Timestamp,
}

/// A certificate registered on an app.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyCredential {
    /// The id of the credential.
    pub key_id: Uuid,
    /// The description.
    #[serde(default)]
    pub display_name: Option<String>,
    /// The certificate, DER; base64 in files.
    #[serde(with = "crate::base64_bytes")]
    pub certificate: Vec<u8>,
    /// Valid from.
    pub start: Timestamp,
    /// Valid until.
    pub end: Timestamp,
}

impl KeyCredential {
    /// The credential of a certificate (DER): it is valid as long as the certificate.
    pub(crate) fn read(
        key_id: Uuid,
        display_name: Option<String>,
        certificate: Vec<u8>,
    ) -> Result<Self, x509_parser::nom::Err<X509Error>> {
        let (_, parsed) = x509_parser::parse_x509_certificate(&certificate)?;
        let validity = parsed.validity();
        // Certificates without an end name one that lies after all that can be told here.
        let at =
            |time: ASN1Time, beyond| Timestamp::from_second(time.timestamp()).unwrap_or(beyond);
        Ok(Self {
            key_id,
            display_name,
            start: at(validity.not_before, Timestamp::MIN),
            end: at(validity.not_after, Timestamp::MAX),
            certificate,
        })
    }
}

/// Trust in another issuer's tokens as client assertions.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FederatedCredential {
    /// The id of the credential. In a seed file derived from its name where it is absent.
    #[serde(default)]
    pub id: Uuid,
    /// The name.
    pub name: String,
    /// `iss` of accepted assertions.
    pub issuer: String,
    /// `sub` of accepted assertions.
    pub subject: String,
    /// `aud` of accepted assertions.
    pub audience: String,
    /// What the credential is for, in the words of who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The issuer's keys, a JWKS document: the mock asks no other host.
    #[serde(default)]
    pub jwks: Option<Value>,
}

/// Permissions of one API in an app's static list.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequiredResourceAccess {
    /// The API.
    pub resource: ApplicationId,
    /// Delegated permissions by name.
    #[serde(default)]
    pub scopes: BTreeSet<String>,
    /// Application permissions by name.
    #[serde(default)]
    pub roles: BTreeSet<String>,
}

/// The API that an app exposes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExposedApi {
    /// Application ID URIs, such as `api://…`.
    #[serde(default)]
    pub identifier_uris: Vec<String>,
    /// Delegated permissions.
    #[serde(default)]
    pub scopes: Vec<ExposedScope>,
    /// Application permissions.
    #[serde(default)]
    pub roles: Vec<ExposedRole>,
    /// `requestedAccessTokenVersion`: 1 (also when absent) or 2.
    #[serde(default)]
    pub access_token_version: Option<u8>,
    /// Clients whose users are not asked.
    #[serde(default)]
    pub pre_authorized: BTreeSet<ApplicationId>,
    /// Clients that are consented together with this API.
    #[serde(default)]
    pub known_clients: BTreeSet<ApplicationId>,
}

/// A delegated permission of an app's own API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExposedScope {
    /// The id.
    pub id: Uuid,
    /// The name, such as `access_as_user`.
    pub value: String,
    /// What consent pages say.
    #[serde(default)]
    pub display_name: String,
    /// Whether only an administrator may consent.
    #[serde(default)]
    pub admin_only: bool,
    /// Whether it can be asked for.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Texts that Graph has set, by their names in Graph.
    #[serde(default)]
    pub details: Map<String, Value>,
}

/// An application permission of an app's own API.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExposedRole {
    /// The id.
    pub id: Uuid,
    /// The name.
    pub value: String,
    /// What consent pages say.
    #[serde(default)]
    pub display_name: String,
    /// Whether it can be granted.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Texts that Graph has set, and to whom it can be granted, by their names in Graph.
    #[serde(default)]
    pub details: Map<String, Value>,
}

impl ExposedRole {
    /// Whether apps can hold it: by default they can.
    pub fn is_for_apps(&self) -> bool {
        let members = self.details.get("allowedMemberTypes");
        members.is_none_or(|it| {
            let list = it.as_array().into_iter().flatten();
            list.into_iter().any(|it| it == "Application")
        })
    }
}

/// An app's instance in a tenant (enterprise application).
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServicePrincipal {
    /// The object id of the service principal: `oid` and `sub` of app-only tokens.
    pub object_id: ObjectId,
    /// The app.
    pub app_id: ApplicationId,
    /// The tenant in which the app is registered.
    pub home_tenant: TenantId,
    /// `accountEnabled`: without it nobody gets a token.
    pub enabled: bool,
    /// `appRoleAssignmentRequired`: only assigned users may sign in.
    #[serde(default)]
    pub assignment_required: bool,
    /// Users assigned to the app.
    #[serde(default)]
    pub assigned_users: BTreeSet<ObjectId>,
    /// When the app appeared in the tenant.
    #[schemars(with = "String")]
    pub created: Timestamp,
    /// The risk of the service principal, as Identity Protection sets it.
    #[serde(default)]
    pub risk: Risk,
    /// The only mailboxes that the app may open as itself, where an application access policy of
    /// Exchange says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mailboxes: Option<BTreeSet<ObjectId>>,
    /// Other properties that Graph has set, such as `tags`, by their names in Graph.
    #[serde(default)]
    pub profile: Map<String, Value>,
}

impl ServicePrincipal {
    /// The instance of an app that appears in a tenant: enabled, for everybody.
    pub fn new(
        object_id: ObjectId,
        app_id: ApplicationId,
        home_tenant: TenantId,
        created: Timestamp,
    ) -> Self {
        Self {
            object_id,
            app_id,
            home_tenant,
            enabled: true,
            assignment_required: false,
            assigned_users: BTreeSet::new(),
            created,
            risk: Risk::None,
            mailboxes: None,
            profile: Map::new(),
        }
    }
}

impl Application {
    /// A registration of which only the ids are known: the rest is what the service takes where
    /// nothing is said.
    ///
    /// Source: learn.microsoft.com/graph/api/resources/application.
    pub fn new(app_id: ApplicationId, object_id: ObjectId, created: Timestamp) -> Self {
        Self {
            app_id,
            object_id,
            alias: app_id.to_string(),
            display_name: String::new(),
            publisher: Publisher::default(),
            sign_in_audience: SignInAudience::MultiTenantAndPersonal,
            redirect_uris: Vec::new(),
            fallback_public_client: false,
            implicit_id_token: false,
            implicit_access_token: false,
            secrets: Vec::new(),
            certificates: Vec::new(),
            federated_credentials: Vec::new(),
            required_resource_access: Vec::new(),
            api: None,
            logout_url: None,
            owners: BTreeSet::new(),
            disabled: false,
            profile: Map::new(),
            created,
        }
    }

    /// The registered redirect URI that a request's URI matches.
    ///
    /// The comparison is exact, path case included; the port is ignored for `localhost` and
    /// loopback addresses. Source: learn.microsoft.com/entra/identity-platform/reply-url.
    pub fn redirect_uri(&self, requested: &str) -> Option<&RedirectUri> {
        self.redirect_uris
            .iter()
            .find(|registered| registered.uri == requested)
            .or_else(|| {
                let requested = without_loopback_port(requested)?;
                self.redirect_uris.iter().find(|registered| {
                    without_loopback_port(&registered.uri).is_some_and(|it| it == requested)
                })
            })
    }

    /// Whether the app may be used in a tenant, being registered in another or the same one.
    /// Unverified: that an app that was closed to other tenants is not found there any more.
    pub fn may_be_used_in(&self, tenant: TenantId, home: TenantId) -> bool {
        tenant == home || self.is_multi_tenant()
    }

    /// Whether accounts of other tenants may use the app.
    pub fn is_multi_tenant(&self) -> bool {
        matches!(
            self.sign_in_audience,
            SignInAudience::MultiTenant | SignInAudience::MultiTenantAndPersonal
        )
    }

    /// Whether the app is a public client where no redirect URI takes part in the request.
    ///
    /// Only the switch decides there. Source:
    /// MicrosoftDocs/SupportArticles-docs, error-aadsts7000218.
    pub fn is_public_by_default(&self) -> bool {
        self.fallback_public_client
    }
}

fn yes() -> bool {
    true
}

/// The URI with its port removed, if its host is a loopback name; `None` for others.
fn without_loopback_port(uri: &str) -> Option<String> {
    let mut parsed = url::Url::parse(uri).ok()?;
    let loopback = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1"));
    (loopback && matches!(parsed.scheme(), "http" | "https")).then(|| {
        // A URL with a host always takes a port.
        let _ = parsed.set_port(None);
        parsed.to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(uris: &[(&str, Platform)]) -> Application {
        let app_id = ApplicationId(Uuid::nil());
        Application {
            sign_in_audience: SignInAudience::SingleTenant,
            redirect_uris: uris
                .iter()
                .map(|(uri, platform)| RedirectUri {
                    uri: (*uri).into(),
                    platform: *platform,
                })
                .collect(),
            ..Application::new(app_id, ObjectId(Uuid::nil()), Timestamp::UNIX_EPOCH)
        }
    }

    #[test]
    fn redirect_uris_match_exactly_but_for_a_loopback_port() {
        let app = app(&[
            ("https://app.example/Callback", Platform::Web),
            ("http://localhost", Platform::PublicClient),
        ]);
        assert!(app.redirect_uri("https://app.example/Callback").is_some());
        assert!(app.redirect_uri("https://app.example/callback").is_none());
        assert!(app.redirect_uri("https://app.example/Callback/").is_none());
        assert!(
            app.redirect_uri("https://app.example:444/Callback")
                .is_none()
        );
        assert!(app.redirect_uri("http://localhost:53124").is_some());
        assert!(app.redirect_uri("http://localhost:53124/").is_some());
        assert!(app.redirect_uri("http://localhost:53124/other").is_none());
        assert!(app.redirect_uri("https://localhost:53124").is_none());
    }

    #[test]
    fn the_platform_comes_with_the_uri() {
        let app = app(&[("https://spa.example/", Platform::Spa)]);
        assert_eq!(
            app.redirect_uri("https://spa.example/").unwrap().platform,
            Platform::Spa
        );
    }

    #[test]
    fn a_certificate_without_an_end_stays_valid() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut request = rcgen::CertificateParams::default();
        // RFC 5280, section 4.1.2.5, says so, a second before the next year.
        request.not_after = rcgen::date_time_ymd(9999, 12, 31);
        let certificate = request.self_signed(&key).unwrap().der().to_vec();
        let name = Some("endless".to_owned());
        let read = KeyCredential::read(Uuid::nil(), name, certificate).unwrap();
        assert_eq!(read.end, Timestamp::MAX);
        assert_eq!(read.display_name.as_deref(), Some("endless"));
        assert!(KeyCredential::read(Uuid::nil(), None, vec![0x30]).is_err());
    }
}
