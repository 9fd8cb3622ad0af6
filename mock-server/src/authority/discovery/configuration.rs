//! The OpenID configuration, v1 and v2.

use serde_json::{Map, Value, json};

use super::super::form::Form;
use super::super::resolve::{CONSUMERS_TENANT, TenantSegment};
use crate::environment::Environment;
use crate::exchange::Arrival;

/// The OpenID configuration of a tenant segment.
pub(super) fn configuration(
    place: &TenantSegment,
    arrival: &Arrival,
    query: Option<&str>,
    version: u8,
) -> Value {
    // A tenant of another cloud is described by its own names, at the address that was asked.
    // Source: learn.microsoft.com/azure/azure-government/documentation-government-plan-identity.
    let cloud = place.cloud(arrival);
    let facts = cloud.facts();
    let root = arrival.authority_root();
    // Every endpoint has the tenant's id, whatever spelling was asked for.
    let segment = match place {
        TenantSegment::Tenant(tenant) => tenant.id.to_string(),
        TenantSegment::Common => "common".to_owned(),
        TenantSegment::Organizations => "organizations".to_owned(),
        TenantSegment::Consumers => "consumers".to_owned(),
    };
    let issuer_tenant = match place {
        TenantSegment::Tenant(tenant) => tenant.id.to_string(),
        TenantSegment::Consumers => CONSUMERS_TENANT.to_owned(),
        TenantSegment::Common | TenantSegment::Organizations => "{tenantid}".to_owned(),
    };
    let environment = match place {
        TenantSegment::Tenant(tenant) => Some(tenant.environment),
        _ => None,
    };
    let graph_host =
        environment.map_or(facts.common_msgraph_host.as_str(), Environment::graph_host);
    let graph_root = match environment {
        Some(environment) => arrival.graph_root(environment),
        None if arrival.real_host => format!("https://{graph_host}"),
        // Graph of the environment whose port was asked.
        None => arrival.origin.clone(),
    };
    let suffix = Form::parse(query.unwrap_or_default().as_bytes())
        .raw("appid")
        .map_or_else(String::new, |app| {
            form_urlencoded::Serializer::for_suffix("?".to_owned(), 1)
                .append_pair("appid", app)
                .finish()
        });
    let base = format!("{root}/{segment}");
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| {
        document.insert(name.to_owned(), value);
    };
    let v2 = version == 2;
    let path =
        |v2_path: &str, v1_path: &str| format!("{base}/{}", if v2 { v2_path } else { v1_path });
    put(
        "token_endpoint",
        json!(path("oauth2/v2.0/token", "oauth2/token")),
    );
    let mut methods = vec![
        "client_secret_post",
        "private_key_jwt",
        "client_secret_basic",
    ];
    if v2 {
        // Source: calvinchengx/entra-emulator, e2e/golden/oidc-discovery.golden.json (2026-07-13).
        // Unverified: its place in the list.
        methods.push("self_signed_tls_client_auth");
    }
    put("token_endpoint_auth_methods_supported", json!(methods));
    let keys = if v2 {
        format!("{base}/discovery/v2.0/keys")
    } else {
        format!("{root}/common/discovery/keys")
    };
    put("jwks_uri", json!(format!("{keys}{suffix}")));
    put(
        "response_modes_supported",
        json!(["query", "fragment", "form_post"]),
    );
    put("subject_types_supported", json!(["pairwise"]));
    put("id_token_signing_alg_values_supported", json!(["RS256"]));
    let response_types = if v2 {
        json!(["code", "id_token", "code id_token", "id_token token"])
    } else {
        json!([
            "code",
            "id_token",
            "code id_token",
            "token id_token",
            "token"
        ])
    };
    put("response_types_supported", response_types);
    let scopes = if v2 {
        json!(["openid", "profile", "email", "offline_access"])
    } else {
        json!(["openid"])
    };
    put("scopes_supported", scopes);
    let issuer = if v2 {
        arrival.issuer(cloud).v2(&issuer_tenant)
    } else {
        arrival.issuer(cloud).v1(&issuer_tenant)
    };
    put("issuer", json!(issuer));
    if v2 {
        put("request_uri_parameter_supported", json!(false));
        put(
            "userinfo_endpoint",
            json!(format!("{graph_root}/oidc/userinfo")),
        );
    } else {
        put("microsoft_multi_refresh_token", json!(true));
    }
    put(
        "authorization_endpoint",
        json!(path("oauth2/v2.0/authorize", "oauth2/authorize")),
    );
    put(
        "device_authorization_endpoint",
        json!(path("oauth2/v2.0/devicecode", "oauth2/devicecode")),
    );
    put("http_logout_supported", json!(true));
    put("frontchannel_logout_supported", json!(true));
    put(
        "end_session_endpoint",
        json!(path("oauth2/v2.0/logout", "oauth2/logout")),
    );
    let claims = if v2 {
        json!([
            "sub",
            "iss",
            "cloud_instance_name",
            "cloud_instance_host_name",
            "cloud_graph_host_name",
            "msgraph_host",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "acr",
            "nonce",
            "preferred_username",
            "name",
            "tid",
            "ver",
            "at_hash",
            "c_hash",
            "email"
        ])
    } else {
        json!([
            "sub",
            "iss",
            "cloud_instance_name",
            "cloud_instance_host_name",
            "cloud_graph_host_name",
            "msgraph_host",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "acr",
            "amr",
            "nonce",
            "email",
            "given_name",
            "family_name",
            "nickname"
        ])
    };
    put("claims_supported", claims);
    if !v2 {
        put(
            "check_session_iframe",
            json!(format!("{base}/oauth2/checksession")),
        );
        put(
            "userinfo_endpoint",
            json!(format!("{base}/openid/userinfo")),
        );
    }
    put("kerberos_endpoint", json!(format!("{base}/kerberos")));
    if v2 {
        // Source: Azure/azure-cli#33062.
        let root = if arrival.real_host {
            format!("https://{}", facts.mtls_host)
        } else {
            root.clone()
        };
        let token = format!("{root}/{segment}/oauth2/v2.0/token");
        put("mtls_endpoint_aliases", json!({"token_endpoint": token}));
        put("tls_client_certificate_bound_access_tokens", json!(true));
    }
    put(
        "tenant_region_scope",
        json!(environment.map(Environment::region_scope)),
    );
    if let Some(sub_scope) = environment.and_then(Environment::region_sub_scope) {
        put("tenant_region_sub_scope", json!(sub_scope));
    }
    put("cloud_instance_name", json!(facts.cloud_instance_name));
    put("cloud_graph_host_name", json!(facts.cloud_graph_host_name));
    put("msgraph_host", json!(graph_host));
    put("rbac_url", json!(facts.rbac_url));
    Value::Object(document)
}
