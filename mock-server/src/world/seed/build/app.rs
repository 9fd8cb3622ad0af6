//! The app registrations of a seed file.

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Map;

use super::super::{SeedApi, SeedApp, SeedError, SeedPermissions, derived};
use super::Build;
use crate::directory::{
    Application, ApplicationId, ExposedApi, ExposedRole, ExposedScope, KeyCredential, ObjectId,
    PasswordCredential, Platform, Publisher, RedirectUri, RequiredResourceAccess,
};
use crate::environment::GRAPH_APPLICATION_ID;
use crate::permission::{MicrosoftApi, PermissionKind};

impl Build<'_> {
    pub(super) fn application(
        &self,
        alias: &str,
        seed: &SeedApp,
    ) -> Result<Application, SeedError> {
        let domain = &self.seed.domain;
        let app_id = self
            .seed
            .client_id(alias)
            .expect("the app stands in this tenant");
        let text = |template: &String| {
            let native = self.seed.environment.cloud().authority_root();
            template
                .replace("{client_id}", &app_id.to_string())
                .replace("{domain}", domain)
                .replace(
                    "{nativeclient}",
                    &format!("{native}/common/oauth2/nativeclient"),
                )
        };
        let uris = [
            (&seed.redirect_uris.web, Platform::Web),
            (&seed.redirect_uris.spa, Platform::Spa),
            (&seed.redirect_uris.public_client, Platform::PublicClient),
        ];
        let start = self.before_now(24);
        let certificates = seed
            .certificates
            .iter()
            .map(|certificate| self.certificate(alias, certificate))
            .collect::<Result<_, _>>()?;
        let permissions = &seed.permissions;
        self.known(alias, &permissions.delegated, PermissionKind::Delegated)?;
        self.known(alias, &permissions.application, PermissionKind::Application)?;
        Ok(Application {
            app_id,
            object_id: ObjectId(derived(domain, "application", alias)),
            alias: alias.to_owned(),
            display_name: seed.name.clone(),
            publisher: Publisher {
                name: seed.publisher.clone(),
                verified: seed.verified,
                risky: seed.risky,
            },
            sign_in_audience: seed.audience,
            redirect_uris: uris
                .into_iter()
                .flat_map(|(uris, platform)| {
                    uris.iter().map(move |uri| RedirectUri {
                        uri: text(uri),
                        platform,
                    })
                })
                .collect(),
            fallback_public_client: seed.public_client,
            implicit_id_token: seed.implicit_id_token,
            implicit_access_token: seed.implicit_access_token,
            secrets: seed
                .secrets
                .iter()
                .enumerate()
                .map(|(index, it)| PasswordCredential {
                    key_id: derived(domain, "secret", &format!("{alias}/{index}")),
                    display_name: None,
                    secret: it
                        .value
                        .clone()
                        .unwrap_or_else(|| secret(domain, &format!("{alias}/{index}"))),
                    start,
                    end: it.end.unwrap_or_else(|| self.before_now(-24 * 730)),
                })
                .collect(),
            certificates,
            federated_credentials: seed
                .federated_credentials
                .iter()
                .cloned()
                .map(|mut it| {
                    if it.id.is_nil() {
                        it.id = derived(domain, "federated", &format!("{alias}/{}", it.name));
                    }
                    it
                })
                .collect(),
            required_resource_access: self.required(alias, permissions)?,
            api: seed
                .api
                .as_ref()
                .map(|api| self.api(alias, api, &text))
                .transpose()?,
            logout_url: None,
            owners: BTreeSet::new(),
            disabled: false,
            profile: Map::new(),
            created: start,
        })
    }

    fn api(
        &self,
        alias: &str,
        seed: &SeedApi,
        text: &dyn Fn(&String) -> String,
    ) -> Result<ExposedApi, SeedError> {
        let id =
            |kind: &str, value: &str| derived(&self.seed.domain, kind, &format!("{alias}/{value}"));
        Ok(ExposedApi {
            identifier_uris: seed.uris.iter().map(text).collect(),
            scopes: seed
                .scopes
                .iter()
                .map(|scope| ExposedScope {
                    id: id("scope", &scope.value),
                    value: scope.value.clone(),
                    display_name: scope.display_name.clone(),
                    admin_only: scope.admin_only,
                    enabled: true,
                    details: Map::new(),
                })
                .collect(),
            roles: seed
                .roles
                .iter()
                .map(|role| ExposedRole {
                    id: id("role", &role.value),
                    value: role.value.clone(),
                    display_name: role.display_name.clone(),
                    enabled: true,
                    details: Map::new(),
                })
                .collect(),
            access_token_version: seed.access_token_version,
            pre_authorized: seed
                .pre_authorized
                .iter()
                .map(|client| {
                    Ok(self
                        .app(client, &format!("apps.{alias}.api.pre_authorized"))?
                        .0)
                })
                .collect::<Result<_, _>>()?,
            known_clients: seed
                .known_clients
                .iter()
                .map(|client| {
                    Ok(self
                        .app(client, &format!("apps.{alias}.api.known_clients"))?
                        .0)
                })
                .collect::<Result<_, _>>()?,
        })
    }

    /// The static list: Graph first, then other apps' APIs.
    fn required(
        &self,
        alias: &str,
        permissions: &SeedPermissions,
    ) -> Result<Vec<RequiredResourceAccess>, SeedError> {
        let graph: ApplicationId = GRAPH_APPLICATION_ID.parse().expect("a UUID");
        let mut required = Vec::new();
        let of_exchange = |it: &&String| super::api_of(it) == MicrosoftApi::Exchange;
        let (exchange, roles): (BTreeSet<&String>, BTreeSet<&String>) =
            permissions.application.iter().partition(of_exchange);
        if !(permissions.delegated.is_empty() && roles.is_empty()) {
            required.push(RequiredResourceAccess {
                resource: graph,
                scopes: permissions.delegated.clone(),
                roles: roles.into_iter().cloned().collect(),
            });
        }
        if !exchange.is_empty() {
            required.push(RequiredResourceAccess {
                resource: ApplicationId(MicrosoftApi::Exchange.application_id()),
                scopes: BTreeSet::new(),
                roles: exchange.into_iter().cloned().collect(),
            });
        }
        for (api, scopes) in &permissions.apis {
            let place = format!("apps.{alias}.permissions.apis");
            let (resource, _) = self.app(api, &place)?;
            self.exposed(api, scopes, PermissionKind::Delegated, &place)?;
            required.push(RequiredResourceAccess {
                resource,
                scopes: scopes.clone(),
                roles: BTreeSet::new(),
            });
        }
        Ok(required)
    }

    fn certificate(&self, alias: &str, text: &str) -> Result<KeyCredential, SeedError> {
        let place = format!("apps.{alias}.certificates");
        let der = if text == "generated" {
            self.context.client_certificate.clone().ok_or_else(|| {
                self.wrong(
                    &place,
                    "no client certificate was generated in this run".to_owned(),
                )
            })?
        } else {
            let base64: String = text
                .lines()
                .filter(|line| !line.starts_with("-----"))
                .map(str::trim)
                .collect();
            STANDARD.decode(base64).map_err(|error| {
                self.wrong(
                    &place,
                    format!("expected PEM, base64 of a DER certificate, or 'generated': {error}"),
                )
            })?
        };
        let key_id = derived(
            &self.seed.domain,
            "certificate",
            &format!("{alias}/{}", der.len()),
        );
        KeyCredential::read(key_id, None, der)
            .map_err(|_| self.wrong(&place, "this is not an X.509 certificate".to_owned()))
    }
}

/// A client secret in the form that Entra gives them, always the same for the same names.
pub(in crate::world::seed) fn secret(domain: &str, name: &str) -> String {
    let digest = digest::digest(&digest::SHA256, format!("{domain} {name}").as_bytes());
    let text = URL_SAFE_NO_PAD.encode(digest).replace('-', ".");
    format!("{}8Q~{}", &text[..3], &text[3..37])
}
