//! What is different from the default world in a scenario.

use crate::directory::{
    ApplicationId, ConsentType, Event, EventError, ObjectId, Platform, ServicePrincipal,
    SignInAudience, Switches, UserConsent,
};
use crate::environment::GRAPH_APPLICATION_ID;
use crate::world::{AppDescription, Tenant, TenantDescription, World};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::axis::{AuthMethod, UnknownName};

/// What is different from the default world.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct WorldTweaks {
    /// Switches for disputed or optional behaviour, such as `opaque-tokens: true`.
    #[serde(
        deserialize_with = "known_switches",
        skip_serializing_if = "IndexMap::is_empty"
    )]
    #[schemars(with = "Switches")]
    pub switches: IndexMap<String, Value>,
    /// Which permissions users may consent to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_consent: Option<UserConsent>,
    /// Whether users may ask an administrator for consent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_consent_requests: Option<bool>,
    /// Settings of apps by alias; `app` is the app of the case's auth method.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub apps: IndexMap<String, AppTweak>,
    /// Events before the first step.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
}

/// Settings of an app that differ.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct AppTweak {
    /// Whether users of other tenants may sign in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_tenant: Option<bool>,
    /// The platform of its redirect URIs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<AppPlatform>,
    /// Delegated permissions of Graph that an administrator has granted for everybody, instead
    /// of those of the default world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<Vec<String>>,
    /// Application permissions of Graph that an administrator has granted, instead of those of
    /// the default world.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_roles: Option<Vec<String>>,
}

/// The platform of redirect URIs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names of the platforms")]
pub enum AppPlatform {
    PublicClient,
    Spa,
    Web,
}

/// Why a world cannot be changed so.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TweakError {
    /// An event cannot happen.
    #[error(transparent)]
    Event(#[from] EventError),
    /// An app has no registration in reach.
    #[error("the world has no app '{0}'")]
    UnknownApp(String),
    /// A switch is unknown, or its value does not fit.
    #[error("{0}")]
    Switch(String),
}

/// Switches that exist, with values that fit.
fn known_switches<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<IndexMap<String, Value>, D::Error> {
    let switches = IndexMap::<String, Value>::deserialize(deserializer)?;
    let all = switches.iter().map(|it| (it.0.clone(), it.1.clone()));
    serde_json::from_value::<Switches>(Value::Object(all.collect()))
        .map_err(|error| D::Error::custom(error.to_string()))?;
    Ok(switches)
}

impl WorldTweaks {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Changes the tenant of a case. Placeholders have been filled already; `description` says
    /// which application an alias means, those of the vendor included.
    pub fn apply(
        &self,
        world: &World,
        tenant: &Tenant,
        description: &TenantDescription,
        method: AuthMethod,
    ) -> Result<(), TweakError> {
        self.switch(tenant)?;
        tenant.write(|directory| {
            if let Some(consent) = self.user_consent {
                directory.policies.user_consent = consent;
            }
            if let Some(enabled) = self.admin_consent_requests {
                directory.policies.admin_consent_requests.enabled = enabled;
            }
        });
        for (alias, tweak) in &self.apps {
            let alias = if alias == "app" { method.app() } else { alias };
            let app = description
                .apps
                .get(alias)
                .ok_or_else(|| TweakError::UnknownApp(alias.to_owned()))?;
            tweak.apply(alias, world, tenant, app)?;
        }
        for event in &self.events {
            world.apply(tenant, event)?;
        }
        Ok(())
    }

    fn switch(&self, tenant: &Tenant) -> Result<(), TweakError> {
        if self.switches.is_empty() {
            return Ok(());
        }
        tenant.write(|directory| {
            let wrong = |error: serde_json::Error| TweakError::Switch(error.to_string());
            let mut all = serde_json::to_value(&directory.switches).map_err(wrong)?;
            if let Value::Object(members) = &mut all {
                for (name, value) in &self.switches {
                    if !members.contains_key(name) {
                        let known = members.keys().map(String::as_str);
                        let unknown = UnknownName::new("switch", name, known);
                        return Err(TweakError::Switch(unknown.to_string()));
                    }
                    members.insert(name.clone(), value.clone());
                }
            }
            directory.switches = serde_json::from_value(all).map_err(wrong)?;
            Ok(())
        })
    }
}

/// The permissions of a list: a placeholder may stand for several.
fn words(list: &[String]) -> impl Iterator<Item = &str> {
    list.iter().flat_map(|it| it.split_whitespace())
}

impl AppTweak {
    fn apply(
        &self,
        alias: &str,
        world: &World,
        tenant: &Tenant,
        app: &AppDescription,
    ) -> Result<(), TweakError> {
        let cloud = tenant.environment.cloud();
        let id = app.client_id;
        let home = world
            .tenant(cloud, app.tenant_id)
            .ok_or_else(|| TweakError::UnknownApp(alias.to_owned()))?;
        home.write(|directory| {
            let Some(registration) = directory.applications.get_mut(&id) else {
                return;
            };
            if let Some(multi_tenant) = self.multi_tenant {
                registration.sign_in_audience = if multi_tenant {
                    SignInAudience::MultiTenant
                } else {
                    SignInAudience::SingleTenant
                };
            }
            if let Some(platform) = self.platform {
                for uri in &mut registration.redirect_uris {
                    uri.platform = match platform {
                        AppPlatform::PublicClient => Platform::PublicClient,
                        AppPlatform::Spa => Platform::Spa,
                        AppPlatform::Web => Platform::Web,
                    };
                }
            }
        });
        let graph: ApplicationId = GRAPH_APPLICATION_ID
            .parse()
            .map_err(|_| TweakError::UnknownApp("Microsoft Graph".to_owned()))?;
        let now = tenant.now();
        tenant.write(|directory| {
            if let Some(scopes) = &self.consent {
                if !directory.service_principals.contains_key(&id) {
                    let principal = ServicePrincipal::new(
                        ObjectId(world.random.uuid()),
                        id,
                        app.tenant_id,
                        now,
                    );
                    directory.service_principals.insert(id, principal);
                }
                directory
                    .grants
                    .retain(|grant| grant.client != id || grant.resource != graph);
                if !scopes.is_empty() {
                    let consent = ConsentType::AllPrincipals;
                    directory.grant(
                        world.random.uuid(),
                        id,
                        graph,
                        consent,
                        words(scopes).map(str::to_owned),
                    );
                }
            }
            if let Some(roles) = &self.app_roles {
                directory
                    .app_role_assignments
                    .retain(|it| it.client != id || it.resource != graph);
                for role in words(roles) {
                    directory.assign_role(world.random.uuid(), id, graph, role, now);
                }
            }
            Ok(())
        })
    }
}
