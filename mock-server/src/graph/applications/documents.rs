//! Registrations as Graph shows them.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::call::Call;
use super::super::collection::members;
use crate::directory::{
    Application, ApplicationId, ExposedApi, KeyCredential, PasswordCredential, Platform,
};
use crate::environment::GRAPH_APPLICATION_ID;
use crate::mailbox::{Properties, seconds};
use crate::permission::{Permission, PermissionKind};

/// An app registration.
pub(in crate::graph) fn application(call: &Call<'_>, app: &Application) -> Properties {
    let uris = |platform: Platform| -> Vec<&str> {
        app.redirect_uris
            .iter()
            .filter(|it| it.platform == platform)
            .map(|it| it.uri.as_str())
            .collect()
    };
    let api = app.api.as_ref();
    let with_keys = call
        .query
        .select
        .iter()
        .flatten()
        .any(|it| it.eq_ignore_ascii_case("keyCredentials"));
    let keys: Vec<Value> = app
        .certificates
        .iter()
        .map(|it| key(it, with_keys))
        .collect();
    let passwords: Vec<Value> = app.secrets.iter().map(|it| password(it, false)).collect();
    let access: Vec<Value> = app
        .required_resource_access
        .iter()
        .map(|access| {
            let entry = |(name, kind): (&String, PermissionKind)| {
                let kind_name = match kind {
                    PermissionKind::Delegated => "Scope",
                    PermissionKind::Application => "Role",
                };
                let id = permission_id(call, access.resource, name, kind)?;
                Some(json!({"id": id, "type": kind_name}))
            };
            let scopes = access
                .scopes
                .iter()
                .map(|it| (it, PermissionKind::Delegated));
            let roles = access
                .roles
                .iter()
                .map(|it| (it, PermissionKind::Application));
            let list: Vec<Value> = scopes.chain(roles).filter_map(entry).collect();
            json!({"resourceAppId": access.resource, "resourceAccess": list})
        })
        .collect();
    let settings: Vec<Value> = uris(Platform::Web)
        .iter()
        .map(|uri| json!({"uri": uri, "index": null}))
        .collect();
    let own = json!({
        "id": app.object_id,
        "appId": app.app_id,
        "createdDateTime": seconds(app.created),
        "displayName": app.display_name,
        "identifierUris": api.map_or_else(Vec::new, |it| it.identifier_uris.clone()),
        "isDisabled": app.disabled.then_some(true),
        "isFallbackPublicClient": app.fallback_public_client.then_some(true),
        "publisherDomain": call.tenant.read(|it| it.domain().to_owned()),
        "signInAudience": app.sign_in_audience,
        "appRoles": roles(api),
        "keyCredentials": keys,
        "passwordCredentials": passwords,
        "api": {
            "acceptMappedClaims": null,
            "knownClientApplications": api.map_or_else(Vec::new, |it| it.known_clients.iter().collect()),
            "requestedAccessTokenVersion": api.and_then(|it| it.access_token_version),
            "oauth2PermissionScopes": scopes(api),
            "preAuthorizedApplications": pre_authorized(api),
        },
        "info": info(),
        "publicClient": {"redirectUris": uris(Platform::PublicClient)},
        "requiredResourceAccess": access,
        "verifiedPublisher": publisher(app),
        "web": {
            "homePageUrl": app.profile.get(super::HOME_PAGE),
            "logoutUrl": app.logout_url,
            "redirectUris": uris(Platform::Web),
            "implicitGrantSettings": {
                "enableAccessTokenIssuance": app.implicit_access_token,
                "enableIdTokenIssuance": app.implicit_id_token,
            },
            "redirectUriSettings": settings,
        },
        "spa": {"redirectUris": uris(Platform::Spa)},
    });
    // What nobody can set here.
    let constant = json!({
        "deletedDateTime": null,
        "applicationTemplateId": null,
        "createdByAppId": null,
        "defaultRedirectUri": null,
        "description": null,
        "disabledByMicrosoftStatus": null,
        "groupMembershipClaims": null,
        "isDeviceOnlyAuthSupported": null,
        "notes": null,
        "serviceManagementReference": null,
        "tags": [],
        "tokenEncryptionKeyId": null,
        "uniqueName": null,
        "samlMetadataUrl": null,
        "optionalClaims": null,
        "requestSignatureVerification": null,
        "servicePrincipalLockConfiguration": null,
        "certification": null,
        "addIns": [],
        "parentalControlSettings": {
            "countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow",
        },
    });
    let mut all: Properties = [own, constant].into_iter().flat_map(members).collect();
    show_kept(&mut all, &app.profile);
    all
}

/// Puts in what Graph has set, in its place.
pub(in crate::graph) fn show_kept(all: &mut Properties, profile: &Properties) {
    for (name, value) in profile {
        match (all.get_mut(name), value) {
            (Some(Value::Object(shown)), Value::Object(kept)) => {
                shown.extend(kept.clone());
            }
            (Some(shown), value) => shown.clone_from(value),
            // What stands deeper.
            (None, _) => {}
        }
    }
}

/// Clients whose users are not asked, for all that the API has.
fn pre_authorized(api: Option<&ExposedApi>) -> Vec<Value> {
    let Some(api) = api else {
        return Vec::new();
    };
    let ids: Vec<Uuid> = api.scopes.iter().map(|it| it.id).collect();
    let clients = api.pre_authorized.iter();
    clients
        .map(|app| json!({"appId": app, "delegatedPermissionIds": ids}))
        .collect()
}

/// A secret; its value is told once, when it is made.
pub(in crate::graph) fn password(credential: &PasswordCredential, with_text: bool) -> Value {
    let hint: String = credential.secret.chars().take(3).collect();
    json!({
        "customKeyIdentifier": null,
        "displayName": credential.display_name,
        "endDateTime": seconds(credential.end),
        "hint": hint,
        "keyId": credential.key_id,
        "secretText": with_text.then_some(&credential.secret),
        "startDateTime": seconds(credential.start),
    })
}

/// A certificate; the certificate itself is shown only where `keyCredentials` is selected.
pub(in crate::graph) fn key(credential: &KeyCredential, with_key: bool) -> Value {
    let thumbprint = digest::digest(&SHA1_FOR_LEGACY_USE_ONLY, &credential.certificate);
    json!({
        "customKeyIdentifier": STANDARD.encode(thumbprint),
        "displayName": credential.display_name,
        "endDateTime": seconds(credential.end),
        "key": with_key.then(|| STANDARD.encode(&credential.certificate)),
        "keyId": credential.key_id,
        "startDateTime": seconds(credential.start),
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
    })
}

/// The application permissions of an API.
pub(in crate::graph) fn roles(api: Option<&ExposedApi>) -> Value {
    let roles = api.into_iter().flat_map(|it| &it.roles).map(|it| {
        let shown = json!({
            "allowedMemberTypes": ["Application"],
            "description": it.display_name,
            "displayName": it.display_name,
            "id": it.id,
            "isEnabled": it.enabled,
            "origin": "Application",
            "value": it.value,
        });
        detailed(shown, &it.details)
    });
    Value::Array(roles.collect())
}

/// The delegated permissions of an API.
pub(in crate::graph) fn scopes(api: Option<&ExposedApi>) -> Value {
    let scopes = api.into_iter().flat_map(|it| &it.scopes).map(|it| {
        let mut shown = scope(it.id, &it.value, &it.display_name, it.admin_only);
        shown["isEnabled"] = json!(it.enabled);
        detailed(shown, &it.details)
    });
    Value::Array(scopes.collect())
}

/// A permission with the texts that Graph has set.
fn detailed(mut shown: Value, details: &Properties) -> Value {
    if let Value::Object(map) = &mut shown {
        map.extend(details.clone());
    }
    shown
}

/// A delegated permission.
pub(in crate::graph) fn scope(id: Uuid, value: &str, text: &str, admin_only: bool) -> Value {
    json!({
        "adminConsentDescription": text,
        "adminConsentDisplayName": text,
        "id": id,
        "isEnabled": true,
        "type": if admin_only { "Admin" } else { "User" },
        "userConsentDescription": text,
        "userConsentDisplayName": text,
        "value": value,
    })
}

/// Addresses on consent pages: none.
pub(in crate::graph) fn info() -> Value {
    json!({
        "logoUrl": null,
        "marketingUrl": null,
        "privacyStatementUrl": null,
        "supportUrl": null,
        "termsOfServiceUrl": null,
    })
}

/// The verified publisher, if there is one.
pub(in crate::graph) fn publisher(app: &Application) -> Value {
    let name = app
        .publisher
        .name
        .as_ref()
        .filter(|_| app.publisher.verified);
    json!({"displayName": name, "verifiedPublisherId": null, "addedDateTime": null})
}

fn permission_id(
    call: &Call<'_>,
    resource: ApplicationId,
    name: &str,
    kind: PermissionKind,
) -> Option<Uuid> {
    if resource.to_string() == GRAPH_APPLICATION_ID {
        return Permission::find(name, kind).map(|it| it.id);
    }
    let (_, app) = call.world.application(call.cloud(), resource)?;
    let api = app.api.as_ref()?;
    match kind {
        PermissionKind::Delegated => {
            let found = api.scopes.iter().find(|it| it.value == name);
            found.map(|it| it.id)
        }
        PermissionKind::Application => {
            let found = api.roles.iter().find(|it| it.value == name);
            found.map(|it| it.id)
        }
    }
}
