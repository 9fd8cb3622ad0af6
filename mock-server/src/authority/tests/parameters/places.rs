//! The endpoints with all their parameters.

use axum::body::Body;
use axum::http::{Request, header};
use serde_json::Value;

use super::super::objects::uses::{Act, Bench, Known, Use, target};
use crate::authority::browser::tests::{Answer, query};

/// An endpoint, in a version, for a purpose.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    AdminConsent(u8),
    Authorize(u8),
    DeviceCode(u8),
    DevicePage,
    Instance,
    Logout(u8),
    /// A grant of the token endpoint, as a use has it.
    Token(Use),
    UserRealm,
}

/// A valid request.
pub(super) struct Ready {
    path: String,
    is_post: bool,
    cookies: Option<String>,
    pub(super) fields: Vec<(String, String)>,
}

const fn token(act: Act, client: &'static str, version: u8) -> Place {
    Place::Token(Use {
        act,
        client,
        user: match act {
            Act::App => None,
            _ => Some("alice"),
        },
        for_api: false,
        version,
    })
}

impl Place {
    pub(super) fn all() -> [Self; 22] {
        [
            Self::AdminConsent(1),
            Self::AdminConsent(2),
            Self::Authorize(1),
            Self::Authorize(2),
            Self::DeviceCode(1),
            Self::DeviceCode(2),
            Self::DevicePage,
            Self::Instance,
            Self::Logout(1),
            Self::Logout(2),
            token(Act::App, "daemon-secret", 1),
            token(Act::App, "daemon-secret", 2),
            token(Act::Code, "own-app", 1),
            token(Act::Code, "own-app", 2),
            token(Act::OnBehalfOf, "middle-tier-api", 2),
            token(Act::Poll, "native-app", 1),
            token(Act::Poll, "native-app", 2),
            token(Act::Refresh, "own-app", 1),
            token(Act::Refresh, "own-app", 2),
            token(Act::Ropc, "native-app", 1),
            token(Act::Ropc, "native-app", 2),
            Self::UserRealm,
        ]
    }

    /// As `parameters.csv` has it.
    pub(super) fn name(self) -> String {
        match self {
            Self::AdminConsent(version) => format!("adminconsent/v{version}"),
            Self::Authorize(version) => format!("authorize/v{version}"),
            Self::DeviceCode(version) => format!("devicecode/v{version}"),
            Self::DevicePage => "devicepage".to_owned(),
            Self::Instance => "instance".to_owned(),
            Self::Logout(version) => format!("logout/v{version}"),
            Self::Token(usage) => {
                let act = format!("{:?}", usage.act).to_lowercase();
                format!("token/{act}/v{}", usage.version)
            }
            Self::UserRealm => "userrealm".to_owned(),
        }
    }

    /// The parameters that it reads.
    pub(super) fn parameters(self) -> Vec<&'static str> {
        match self {
            Self::AdminConsent(1) => vec!["client_id", "redirect_uri", "state"],
            Self::AdminConsent(_) => vec!["client_id", "redirect_uri", "state", "scope"],
            Self::Authorize(version) => vec![
                "client_id",
                "response_type",
                "redirect_uri",
                if version == 1 { "resource" } else { "scope" },
                "response_mode",
                "state",
                "nonce",
                "prompt",
                "login_hint",
                "domain_hint",
                "code_challenge",
                "code_challenge_method",
                "claims",
                "max_age",
                "client_info",
                "instance_aware",
            ],
            Self::DeviceCode(1) => vec!["client_id", "resource"],
            Self::DeviceCode(_) => vec!["client_id", "scope"],
            Self::DevicePage => vec!["otc"],
            Self::Instance => vec!["api-version", "authorization_endpoint"],
            Self::Logout(_) => vec!["post_logout_redirect_uri", "logout_hint", "state", "sid"],
            Self::Token(usage) => {
                let mut all = vec!["client_id", "grant_type", "claims", "client_info"];
                if usage.has_secret() {
                    all.push("client_secret");
                }
                if usage.act != Act::Poll {
                    all.push(if usage.version == 1 {
                        "resource"
                    } else {
                        "scope"
                    });
                }
                all.extend(match usage.act {
                    Act::Code => vec!["code", "redirect_uri", "code_verifier"],
                    Act::OnBehalfOf => vec!["assertion", "requested_token_use"],
                    Act::Poll => vec!["device_code"],
                    Act::Refresh => vec!["refresh_token"],
                    Act::Ropc => vec!["username", "password"],
                    _ => vec![],
                });
                all
            }
            Self::UserRealm => vec!["api-version"],
        }
    }

    /// A valid request with all parameters.
    pub(super) async fn prepare(self, bench: &Bench) -> Ready {
        let tenant = bench.tenant().id;
        let own = bench.know(person("own-app"));
        let own_scope = "openid profile offline_access User.Read";
        let upn = own.name.as_str();
        let simple = |path: String, is_post: bool, fields: &[(&str, &str)]| Ready {
            path,
            is_post,
            cookies: None,
            fields: fields
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        match self {
            Self::AdminConsent(version) => {
                let v2 = if version == 2 { "v2.0/" } else { "" };
                let mut fields = vec![
                    ("client_id", own.client.as_str()),
                    ("redirect_uri", own.redirect_uri.as_str()),
                    ("state", "s"),
                ];
                if version == 2 {
                    fields.push(("scope", "https://graph.microsoft.com/.default"));
                }
                simple(format!("/{tenant}/{v2}adminconsent"), false, &fields)
            }
            Self::Authorize(version) => {
                let (target, value) = if version == 1 {
                    ("resource", "https://graph.microsoft.com")
                } else {
                    ("scope", own_scope)
                };
                let fields = [
                    ("client_id", own.client.as_str()),
                    ("response_type", "code"),
                    ("redirect_uri", &own.redirect_uri),
                    (target, value),
                    ("response_mode", "query"),
                    ("state", "s t"),
                    ("nonce", "n-1"),
                    ("prompt", "none"),
                    ("login_hint", upn),
                    ("domain_hint", "contoso.onmicrosoft.com"),
                    ("code_challenge", CHALLENGE),
                    ("code_challenge_method", "S256"),
                    ("claims", CLAIMS),
                    ("max_age", "3600"),
                    ("client_info", "1"),
                    ("instance_aware", "true"),
                ];
                let v2 = if version == 2 { "v2.0/" } else { "" };
                let mut browser = bench.mock.browser();
                bench.code(&mut browser, &own).await;
                let path = format!("/{tenant}/oauth2/{v2}authorize");
                Ready {
                    cookies: Some(browser.cookies()),
                    ..simple(path, false, &fields)
                }
            }
            Self::DeviceCode(version) => {
                let native = bench.know(person("native-app"));
                let (v2, field) = if version == 2 {
                    ("v2.0/", ("scope", own_scope))
                } else {
                    ("", ("resource", "https://graph.microsoft.com"))
                };
                let fields = [("client_id", native.client.as_str()), field];
                simple(format!("/{tenant}/oauth2/{v2}devicecode"), true, &fields)
            }
            Self::DevicePage => {
                let usage = person("native-app");
                let known = bench.know(usage);
                let (_, code) = bench.device_code(usage, &known).await;
                let path = "/common/oauth2/deviceauth".to_owned();
                simple(path, true, &[("otc", &code)])
            }
            Self::Instance => simple(
                "/common/discovery/instance".to_owned(),
                false,
                &[
                    ("api-version", "1.1"),
                    (
                        "authorization_endpoint",
                        "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
                    ),
                ],
            ),
            Self::Logout(version) => {
                let v2 = if version == 2 { "v2.0/" } else { "" };
                let fields = [
                    ("post_logout_redirect_uri", own.redirect_uri.as_str()),
                    ("logout_hint", upn),
                    ("state", "s"),
                    ("sid", "11111111-2222-3333-4444-555555555555"),
                ];
                simple(format!("/{tenant}/oauth2/{v2}logout"), false, &fields)
            }
            Self::Token(usage) => token_request(bench, usage).await,
            Self::UserRealm => simple(
                format!("/common/userrealm/{upn}"),
                false,
                &[("api-version", "1.0")],
            ),
        }
    }

    /// Sends it; an error has the code of the refusal, 0 where there is none.
    pub(super) async fn send(
        self,
        bench: &Bench,
        ready: &Ready,
        fields: &[(String, String)],
    ) -> Result<(), u32> {
        let pairs: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let mut browser = bench.mock.browser();
        if let Some(cookies) = &ready.cookies {
            browser.keep(cookies);
        }
        let answer = if ready.is_post {
            let request = Request::post(&ready.path)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            browser.send(request, Body::from(query(&pairs))).await
        } else {
            let uri = format!("{}?{}", ready.path, query(&pairs));
            browser.get(&uri).await
        };
        self.judge(&answer)
    }

    fn judge(self, answer: &Answer) -> Result<(), u32> {
        let served = match self {
            Self::AdminConsent(_) | Self::DevicePage => answer.page() == "sign-in",
            Self::Authorize(_) => {
                answer.page() == "form-post"
                    || answer.status.is_redirection() && answer.parameters().contains_key("code")
            }
            Self::Logout(_) => {
                answer.status.is_redirection()
                    || answer.page() == "signed-out" && answer.error_code() == 0
            }
            Self::DeviceCode(_) | Self::Instance | Self::Token(_) | Self::UserRealm => {
                answer.status.is_success()
            }
        };
        if served {
            return Ok(());
        }
        let of_body = || {
            let body: Value = serde_json::from_str(&answer.html).ok()?;
            u32::try_from(body["error_codes"][0].as_u64()?).ok()
        };
        let code = answer.annotation.aadsts.first().copied();
        Err(code.or_else(of_body).unwrap_or_default())
    }
}

fn person(client: &'static str) -> Use {
    Use {
        act: Act::Code,
        client,
        user: Some("alice"),
        for_api: false,
        version: 2,
    }
}

async fn token_request(bench: &Bench, usage: Use) -> Ready {
    let known: Known = bench.know(usage);
    let mut fields = vec![
        ("client_id", known.client.clone()),
        ("claims", CLAIMS.to_owned()),
        ("client_info", "1".to_owned()),
    ];
    if usage.has_secret() {
        fields.push(("client_secret", known.secret.clone()));
    }
    if usage.act != Act::Poll {
        fields.push(target(usage, &known.api));
    }
    let text = bench.prepare(usage).await.text;
    let mut put = |name: &'static str, value: &str| fields.push((name, value.to_owned()));
    match usage.act {
        Act::App => put("grant_type", "client_credentials"),
        Act::Code => {
            put("grant_type", "authorization_code");
            let mut browser = bench.mock.browser();
            let challenged = format!("&code_challenge={CHALLENGE}&code_challenge_method=S256");
            let known = Known {
                authorize: format!("{}{challenged}", known.authorize),
                ..bench.know(usage)
            };
            put("code", &bench.code(&mut browser, &known).await);
            put("redirect_uri", &known.redirect_uri);
            put("code_verifier", VERIFIER);
        }
        Act::OnBehalfOf => {
            put("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
            put("requested_token_use", "on_behalf_of");
            put("assertion", &text);
        }
        Act::Poll => {
            put("grant_type", "urn:ietf:params:oauth:grant-type:device_code");
            put("device_code", &text);
        }
        Act::Refresh => {
            put("grant_type", "refresh_token");
            put("refresh_token", &text);
        }
        _ => {
            put("grant_type", "password");
            put("username", &known.name);
            put("password", &known.password);
        }
    }
    let v2 = if usage.version == 2 { "v2.0/" } else { "" };
    Ready {
        path: format!("/{}/oauth2/{v2}token", bench.tenant().id),
        is_post: true,
        cookies: None,
        fields: fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    }
}

const CLAIMS: &str = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
