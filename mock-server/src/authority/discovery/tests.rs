use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::*;
use crate::environment::Environment;
use crate::journal::{Journal, Redaction};
use crate::random::Random;
use crate::server::{ClientCertificate, Validity};
use crate::token::{KeyRings, Sealer};
use crate::world::World;
use crate::world::seed::SeedContext;

struct Mock {
    router: Router,
    world: Arc<World>,
}

impl Mock {
    fn new() -> Self {
        let journal = Journal::new(10, Redaction::On);
        let keys = Arc::new(KeyRings::new(None));
        let world = Arc::new(World::new(Random::seeded(1), keys, Sealer::new(), journal));
        let now = Clock::real().now();
        let client = ClientCertificate::generate("client", Validity::Now, "pw", now);
        world.add_default(&SeedContext {
            now,
            client_certificate: Some(client.certificate),
        });
        let router = crate::authority::router(Arc::clone(&world));
        Self { router, world }
    }

    fn tenant(&self, environment: Environment, domain: &str) -> String {
        let cloud = environment.cloud();
        self.world
            .tenant_of_domain(cloud, domain)
            .unwrap()
            .id
            .to_string()
    }

    async fn get_at(&self, arrival: Arrival, path: &str) -> (u16, Value, HeaderMap) {
        let request = Request::get(path)
            .extension(arrival)
            .body(Body::empty())
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        (parts.status.as_u16(), body, parts.headers)
    }

    async fn get(&self, cloud: SignInCloud, path: &str) -> Value {
        let (status, body, _) = self.get_at(real(cloud), path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

fn real(cloud: SignInCloud) -> Arrival {
    Arrival {
        cloud,
        environment: None,
        origin: cloud.authority_root(),
        real_host: true,
        retired: None,
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        admitted_tenants: None,
        issuer_as_addressed: false,
        refused: None,
    }
}

fn local() -> Arrival {
    Arrival {
        origin: "https://localhost:8443".to_owned(),
        real_host: false,
        environment: Some(Environment::Office365),
        ..real(SignInCloud::Global)
    }
}

#[tokio::test]
async fn a_tenants_document_is_the_services_in_its_order() {
    let mock = Mock::new();
    let id = mock.tenant(Environment::Office365, "contoso.onmicrosoft.com");
    let path = "/contoso.onmicrosoft.com/v2.0/.well-known/openid-configuration";
    let document = mock.get(SignInCloud::Global, path).await;
    // As served by login.microsoftonline.com, but for the tenant.
    let expected = concat!(
        r#"{"token_endpoint":"https://login.microsoftonline.com/{t}/oauth2/v2.0/token","#,
        r#""token_endpoint_auth_methods_supported":["client_secret_post","private_key_jwt","client_secret_basic","#,
        r#""self_signed_tls_client_auth"],"#,
        r#""jwks_uri":"https://login.microsoftonline.com/{t}/discovery/v2.0/keys","#,
        r#""response_modes_supported":["query","fragment","form_post"],"#,
        r#""subject_types_supported":["pairwise"],"#,
        r#""id_token_signing_alg_values_supported":["RS256"],"#,
        r#""response_types_supported":["code","id_token","code id_token","id_token token"],"#,
        r#""scopes_supported":["openid","profile","email","offline_access"],"#,
        r#""issuer":"https://login.microsoftonline.com/{t}/v2.0","#,
        r#""request_uri_parameter_supported":false,"#,
        r#""userinfo_endpoint":"https://graph.microsoft.com/oidc/userinfo","#,
        r#""authorization_endpoint":"https://login.microsoftonline.com/{t}/oauth2/v2.0/authorize","#,
        r#""device_authorization_endpoint":"https://login.microsoftonline.com/{t}/oauth2/v2.0/devicecode","#,
        r#""http_logout_supported":true,"frontchannel_logout_supported":true,"#,
        r#""end_session_endpoint":"https://login.microsoftonline.com/{t}/oauth2/v2.0/logout","#,
        r#""claims_supported":["sub","iss","cloud_instance_name","cloud_instance_host_name","#,
        r#""cloud_graph_host_name","msgraph_host","aud","exp","iat","auth_time","acr","nonce","#,
        r#""preferred_username","name","tid","ver","at_hash","c_hash","email"],"#,
        r#""kerberos_endpoint":"https://login.microsoftonline.com/{t}/kerberos","#,
        r#""mtls_endpoint_aliases":{"token_endpoint":"#,
        r#""https://mtlsauth.microsoft.com/{t}/oauth2/v2.0/token"},"#,
        r#""tls_client_certificate_bound_access_tokens":true,"#,
        r#""tenant_region_scope":"WW","cloud_instance_name":"microsoftonline.com","#,
        r#""cloud_graph_host_name":"graph.windows.net","msgraph_host":"graph.microsoft.com","#,
        r#""rbac_url":"https://pas.windows.net"}"#,
    );
    let region = document["tenant_region_scope"].as_str().unwrap();
    let expected = expected
        .replace("{t}", &id)
        .replace("\"WW\"", &format!("\"{region}\""));
    assert_eq!(document.to_string(), expected);
}

#[tokio::test]
async fn each_cloud_has_its_own_hosts() {
    let mock = Mock::new();
    let cases = [
        (
            Environment::UsGovL4,
            "contosogov.onmicrosoft.us",
            "login.microsoftonline.us",
            "graph.microsoft.us",
            json!("DODCON"),
        ),
        (
            Environment::UsGovL5,
            "contosodod.onmicrosoft.us",
            "login.microsoftonline.us",
            "dod-graph.microsoft.us",
            json!("DOD"),
        ),
        (
            Environment::China,
            "contoso.partner.onmschina.cn",
            "login.partner.microsoftonline.cn",
            "microsoftgraph.chinacloudapi.cn",
            Value::Null,
        ),
    ];
    for (environment, domain, issuer_host, graph, sub_scope) in cases {
        let id = mock.tenant(environment, domain);
        let path = format!("/{id}/v2.0/.well-known/openid-configuration");
        let document = mock.get(environment.cloud(), &path).await;
        assert_eq!(
            document["issuer"],
            format!("https://{issuer_host}/{id}/v2.0")
        );
        assert_eq!(document["msgraph_host"], graph);
        assert_eq!(
            document["userinfo_endpoint"],
            format!("https://{graph}/oidc/userinfo")
        );
        assert_eq!(document["tenant_region_sub_scope"], sub_scope, "{domain}");
    }
    // The shared documents of the US Government name the public Graph.
    let path = "/common/v2.0/.well-known/openid-configuration";
    let document = mock.get(SignInCloud::UsGov, path).await;
    assert_eq!(document["msgraph_host"], "graph.microsoft.com");
    assert_eq!(
        document["issuer"],
        "https://login.microsoftonline.us/{tenantid}/v2.0"
    );
    assert_eq!(document["tenant_region_scope"], Value::Null);
}

#[tokio::test]
async fn links_lead_where_the_client_came_to_but_the_issuer_stays() {
    let mock = Mock::new();
    let id = mock.tenant(Environment::Office365, "contoso.onmicrosoft.com");
    let path = format!("/{id}/v2.0/.well-known/openid-configuration?appid=abc");
    let (_, document, headers) = mock.get_at(local(), &path).await;
    let link = |name: &str| document[name].as_str().unwrap().to_owned();
    let root = "https://localhost:8443";
    assert_eq!(
        link("token_endpoint"),
        format!("{root}/{id}/oauth2/v2.0/token")
    );
    assert_eq!(link("userinfo_endpoint"), format!("{root}/oidc/userinfo"));
    assert_eq!(
        link("jwks_uri"),
        format!("{root}/{id}/discovery/v2.0/keys?appid=abc")
    );
    assert_eq!(
        link("issuer"),
        format!("https://login.microsoftonline.com/{id}/v2.0")
    );
    assert_eq!(headers[header::CACHE_CONTROL], "max-age=86400, private");
    assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");

    for segment in ["common", "organizations", "consumers"] {
        let path = format!("/{segment}/v2.0/.well-known/openid-configuration");
        let (_, document, _) = mock.get_at(local(), &path).await;
        assert_eq!(
            document["userinfo_endpoint"],
            format!("{root}/oidc/userinfo"),
            "{segment}"
        );
    }

    let path = format!("/{id}/.well-known/openid-configuration");
    let v1 = mock.get(SignInCloud::Global, &path).await;
    assert_eq!(v1["issuer"], format!("https://sts.windows.net/{id}/"));
    assert!(
        v1["token_endpoint"]
            .as_str()
            .unwrap()
            .ends_with("/oauth2/token")
    );
}

#[tokio::test]
async fn an_unknown_tenant_is_an_invalid_tenant_here() {
    let mock = Mock::new();
    for segment in [
        "nobody.example",
        "11111111-2222-3333-4444-555555555555",
        // The worldwide login host does not know tenants of China.
        "contosochina.partner.onmschina.cn",
    ] {
        let path = format!("/{segment}/v2.0/.well-known/openid-configuration");
        let (status, body, _) = mock.get_at(real(SignInCloud::Global), &path).await;
        assert_eq!(
            (status, &body["error"]),
            (400, &json!("invalid_tenant")),
            "{body}"
        );
        assert_eq!(body["error_codes"], json!([90002]));
    }
}

#[tokio::test]
async fn keys_have_the_services_members() {
    let mock = Mock::new();
    let v2 = mock
        .get(
            SignInCloud::Global,
            "/contoso.onmicrosoft.com/discovery/v2.0/keys",
        )
        .await;
    let keys = v2["keys"].as_array().unwrap();
    assert!(keys.len() > 1);
    for key in keys {
        let members: Vec<_> = key
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            members,
            [
                "kty",
                "use",
                "kid",
                "x5t",
                "n",
                "e",
                "x5c",
                "cloud_instance_name",
                "issuer"
            ]
        );
        assert_eq!(key["kid"], key["x5t"]);
        assert_eq!(
            key["issuer"],
            "https://login.microsoftonline.com/{tenantid}/v2.0"
        );
        assert_eq!(
            (&key["e"], key["kid"].as_str().unwrap().len()),
            (&json!("AQAB"), 27)
        );
    }
    let v1 = mock
        .get(SignInCloud::Global, "/common/discovery/keys")
        .await;
    let v1 = v1["keys"].as_array().unwrap();
    assert!(v1.iter().all(|key| key.get("issuer").is_none()));
    let kids = |keys: &[Value]| {
        keys.iter()
            .map(|key| key["kid"].clone())
            .collect::<Vec<_>>()
    };
    let all = kids(v1);
    assert!(kids(keys).iter().all(|kid| all.contains(kid)));
}

#[tokio::test]
async fn instance_discovery_knows_the_clouds_and_its_own_address() {
    let mock = Mock::new();
    let ask = |version: &str, authority: &str| {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("api-version", version)
            .append_pair("authorization_endpoint", authority)
            .finish();
        format!("/common/discovery/instance?{query}")
    };
    let known = "https://login.microsoftonline.us/common/oauth2/v2.0/authorize";
    let (_, body, _) = mock.get_at(local(), &ask("1.1", known)).await;
    let endpoint = "https://login.microsoftonline.us/common/v2.0/.well-known/openid-configuration";
    assert_eq!(body["tenant_discovery_endpoint"], endpoint);
    let metadata = body["metadata"].as_array().unwrap();
    assert_eq!(metadata[0]["preferred_cache"], "login.windows.net");
    assert!(metadata.len() >= 3, "{body}");

    // MSAL for Python cuts its own port off; an echo would lead to port 443.
    let cut = "https://localhost/common/oauth2/v2.0/authorize";
    let (_, body, _) = mock.get_at(local(), &ask("1.0", cut)).await;
    let endpoint = "https://localhost:8443/common/v2.0/.well-known/openid-configuration";
    assert_eq!(body, json!({"tenant_discovery_endpoint": endpoint}));

    let cases = [
        (
            ask("1.1", "https://login.example/common/oauth2/v2.0/authorize"),
            50049,
        ),
        (ask("1.1", "no url"), 50050),
        ("/common/discovery/instance".to_owned(), 50050),
    ];
    for (path, expected) in cases {
        let (status, body, _) = mock.get_at(real(SignInCloud::Global), &path).await;
        assert_eq!(
            (status, &body["error_codes"]),
            (400, &json!([expected])),
            "{body}"
        );
        if expected == 50049 {
            assert_eq!(body["error"], "invalid_instance");
        }
    }
}

#[tokio::test]
async fn the_user_realm_tells_managed_from_unknown() {
    let mock = Mock::new();
    let path = "/common/userrealm/alice%40contoso.onmicrosoft.com?api-version=1.0";
    let body = mock.get(SignInCloud::Global, path).await;
    let expected = r#"{"ver":"1.0","account_type":"Managed","domain_name":"contoso.onmicrosoft.com","cloud_instance_name":"microsoftonline.com","cloud_audience_urn":"urn:federation:MicrosoftOnline"}"#;
    assert_eq!(body.to_string(), expected);
    let path = "/common/userrealm/a%40nobody.example?api-version=1.0";
    let body = mock.get(SignInCloud::Global, path).await;
    assert_eq!(body["account_type"], "Unknown");
    let legacy = "/getuserrealm.srf?login=alice%40contoso.onmicrosoft.com&json=1";
    let body = mock.get(SignInCloud::Global, legacy).await;
    assert_eq!(body["NameSpaceType"], "Managed");
}

#[tokio::test]
async fn the_paths_of_all_endpoints_count_in_any_case() {
    let mock = Mock::new();
    let id = mock.tenant(Environment::Office365, "contoso.onmicrosoft.com");
    for path in [
        format!("/{id}/V2.0/.Well-Known/OpenID-Configuration"),
        format!(
            "/{}/v2.0/.well-known/openid-configuration/",
            id.to_uppercase()
        ),
        "/Contoso.onmicrosoft.com/.WELL-KNOWN/openid-configuration".to_owned(),
        format!("/{id}/Discovery/V2.0/Keys"),
        "/Common/Discovery/Keys/".to_owned(),
        "/common/Discovery/instance?api-version=1.1&authorization_endpoint=https://\
         login.microsoftonline.com/common/oauth2/v2.0/authorize"
            .to_owned(),
        "/common/UserRealm/Alice@Contoso.onmicrosoft.com?api-version=1.0".to_owned(),
        "/GetUserRealm.srf?login=alice@contoso.onmicrosoft.com".to_owned(),
    ] {
        mock.get(SignInCloud::Global, &path).await;
    }
}

#[tokio::test]
async fn user_realms_are_answered_in_every_form() {
    let mock = Mock::new();
    let at = async |path: &str| mock.get(SignInCloud::Global, path).await;
    let upn = "alice@contoso.onmicrosoft.com";
    let first = json!({
        "ver": "1.0",
        "account_type": "Managed",
        "domain_name": "contoso.onmicrosoft.com",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_audience_urn": "urn:federation:MicrosoftOnline",
    });
    for path in [
        format!("/common/UserRealm/{upn}?api-version=1.0"),
        format!("/common/userrealm/{upn}"),
        "/common/UserRealm/alice%40contoso.onmicrosoft.com?api-version=1.0".to_owned(),
        format!("/organizations/userrealm/{upn}?api-version=1.0"),
        format!("/common/UserRealm/?user={upn}&api-version=1.0&checkForMicrosoftAccount=false"),
        "/common/UserRealm/?user=contoso.onmicrosoft.com&api-version=1.0".to_owned(),
    ] {
        assert_eq!(at(&path).await, first, "{path}");
    }
    let second = at(&format!("/common/userrealm/?user={upn}&api-version=2.1")).await;
    assert_eq!(second["NameSpaceType"], "Managed");
    assert_eq!(second["Login"], upn);
    assert_eq!(second["TenantBrandingInfo"], Value::Null);
    for path in [
        "/common/UserRealm/a@nobody.example?api-version=1.0",
        "/common/UserRealm/?api-version=1.0",
    ] {
        let unknown = at(path).await;
        assert_eq!(unknown["account_type"], "Unknown", "{path}");
        assert!(unknown.get("domain_name").is_none(), "{path}");
    }
    let unknown = at("/common/userrealm/nobody.example?api-version=2.1").await;
    assert_eq!(unknown["NameSpaceType"], "Unknown");
}

#[tokio::test]
async fn pages_of_other_origins_may_ask_with_headers_of_their_own() {
    let mock = Mock::new();
    for path in [
        "/common/v2.0/.well-known/openid-configuration",
        "/common/.well-known/openid-configuration",
        "/common/discovery/v2.0/keys",
        "/common/discovery/keys",
        "/common/discovery/instance",
    ] {
        let request = Request::options(path)
            .extension(real(SignInCloud::Global))
            .header(header::ORIGIN, "https://spa.example")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "x-note")
            .body(Body::empty())
            .unwrap();
        let response = mock.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let allowed = |name| response.headers()[name].to_str().unwrap();
        assert_eq!(allowed(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
        assert_eq!(
            allowed(header::ACCESS_CONTROL_ALLOW_METHODS),
            "GET, OPTIONS"
        );
        assert_eq!(allowed(header::ACCESS_CONTROL_ALLOW_HEADERS), "*");
    }
}
