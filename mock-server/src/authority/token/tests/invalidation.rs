//! The table of refresh-token invalidations, row by row: each trigger is provoked by what happens
//! in the directory or to the clock, and each kind of token is redeemed afterwards.

mod order;
mod provocation;

use std::collections::BTreeSet;

use serde::Deserialize;

use super::*;
use crate::aadsts;
use crate::directory::ApplicationId;
use crate::token::RefreshToken;
use crate::token::validity::revokes_session;
use provocation::{Ask, Column, Provocation, provocation};

/// A row of `data/refresh-token-invalidation.csv`. States: `alive`, `revoked` (dead for good),
/// `blocked` (refused while a condition holds), `n/a`.
#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    trigger: String,
    pwd_cookie: String,
    pwd_token: String,
    nonpwd_cookie: String,
    nonpwd_token: String,
    confidential_token: String,
    http_status: String,
    oauth_error: String,
    oauth_error_alt: String,
    primary_code: String,
    alt_codes: String,
    suberror: String,
    who: String,
}

fn table() -> Vec<Row> {
    csv::Reader::from_reader(
        include_str!("../../../../data/refresh-token-invalidation.csv").as_bytes(),
    )
    .deserialize()
    .collect::<Result<_, _>>()
    .unwrap()
}

/// Rows that the mock does not reproduce, and why. `docs/known-differences.md` has the same list.
const NOT_REPRODUCED: [(&str, &str); 10] = [
    (
        "RT11",
        "an older code for RT10, which no answer has any more",
    ),
    (
        "RT15",
        "policies that the service retired: there is nothing to set",
    ),
    (
        "RT45",
        "codes of single sign-on artefacts, which connectors do not hold",
    ),
    ("RT46", "no identity provider outside of the directory"),
    ("RT67", "no token binding"),
    ("RT68", "no app protection policies"),
    ("RT73", "load, not state: a fault"),
    ("RT74", "load, not state: a fault"),
    ("RT75", "an outage: a fault"),
    ("RT83", "signing out of the app is the app's own matter"),
];

/// The codes that the rows which are reproduced lead to.
pub(in crate::authority) fn codes() -> impl Iterator<Item = u32> {
    table()
        .into_iter()
        .filter(|row| !NOT_REPRODUCED.iter().any(|(id, _)| *id == row.id))
        .filter(|row| !OWN_TESTS.contains(&row.id.as_str()))
        // Where the table has several codes, one of them is answered.
        .filter(|row| row.alt_codes.is_empty())
        .filter_map(|row| row.primary_code.parse().ok())
}

/// Rows without a refresh token to redeem: tests of their own, here, and with the pages for RT17.
const OWN_TESTS: [&str; 4] = ["RT17", "RT22", "RT58", "RT85"];

impl Mock {
    /// A refresh token as a sign-in would have brought it.
    fn refresh_token(&self, provocation: &Provocation, column: Column) -> String {
        self.tenant.read(|directory| {
            let app = &self.facts.apps[provocation.app];
            let now = directory.moment(self.tenant.now());
            let class = match (provocation.app, column) {
                ("spa-app", _) => ClientClass::Spa,
                ("native-app", _) => ClientClass::Public,
                (_, Column::Confidential) => ClientClass::Confidential,
                _ => ClientClass::Public,
            };
            let graph: ApplicationId = crate::environment::GRAPH_APPLICATION_ID.parse().unwrap();
            let (resource, audience) = provocation.resource.map_or_else(
                || (graph, "https://graph.microsoft.com".to_owned()),
                |alias| {
                    let id = self.facts.apps[alias].client_id;
                    (id, format!("api://{id}"))
                },
            );
            let scope = if resource == graph {
                "User.Read"
            } else {
                "access_as_user"
            };
            let token = RefreshToken {
                padding: String::new(),
                sign_in: SignIn {
                    family: self.world.random.uuid(),
                    tenant: self.tenant.id,
                    client: app.client_id,
                    client_class: class,
                    user: directory.find_user(provocation.user).unwrap().id,
                    auth_time: now,
                    moment: now,
                    method: column.method(),
                    mfa_time: provocation.with_second_factor.then_some(now),
                    session: self.world.random.uuid(),
                    compliant_device: provocation.at_a_compliant_device,
                },
                generation: 1,
                first_issued: now,
                issued: now,
                resource,
                audience,
                named: String::new(),
                scopes: BTreeSet::from([scope.to_owned(), "offline_access".to_owned()]),
            };
            token.seal(&self.world.sealer)
        })
    }

    /// Redeems the token as the provocation says.
    async fn present(&self, provocation: &Provocation, token: &str, secret: &str) -> (u16, Value) {
        let ask = provocation.ask;
        let client = match (ask, secret.is_empty()) {
            (Ask::ByAnotherClient, true) => "unconsented-app",
            (Ask::ByAnotherClient, false) => "middle-tier-api",
            _ => provocation.app,
        };
        let (id, own_secret) = self.client(client);
        let secret = match client {
            "unconsented-app" => "",
            "middle-tier-api" | "vendor-app" if !secret.is_empty() => &own_secret,
            _ => secret,
        };
        let token = if ask == Ask::Garbled {
            &token[..token.len() - 40]
        } else {
            token
        };
        let mut form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", id.clone()),
            ("refresh_token", token.to_owned()),
        ];
        match ask {
            Ask::WithAnAssertion { expired } => {
                form.push(("client_assertion", self.assertion_of(&id, expired)));
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.push(("client_assertion_type", kind.to_owned()));
            }
            Ask::WithASecretThatIsNotWanted => form.push(("client_secret", "surplus".to_owned())),
            Ask::WithoutCredential => {}
            _ if !secret.is_empty() => form.push(("client_secret", secret.to_owned())),
            _ => {}
        }
        if ask == Ask::WithAScopeNobodyConsentedTo {
            form.push(("scope", "Notes.Read".to_owned()));
        }
        let tenant = match ask {
            Ask::AtAnotherTenant => self.facts.apps["vendor-app"].tenant_id.to_string(),
            _ => self.id(),
        };
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&form)
            .finish();
        let mut request = Request::post(format!("/{tenant}/oauth2/v2.0/token"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if ask == Ask::FromABrowser {
            request = request.header(header::ORIGIN, "https://spa.contoso.example");
        }
        let request = request.body(Body::from(body)).unwrap();
        let environment = match ask {
            Ask::AtAnotherCloud => Environment::China,
            _ => Environment::Office365,
        };
        let mut arrival = arrival_at(environment);
        match ask {
            Ask::ThroughAProxyThatAdmits(tenants) => {
                arrival.admitted_tenants = Some(tenants.into());
            }
            Ask::From(address) => arrival.address = address.parse().unwrap(),
            _ => {}
        }
        let (status, body, _) = self.send_by(arrival, request).await;
        (status, body)
    }

    /// An administrator gets a token, and posts to Graph about a user.
    async fn call_graph(&self, path: &str, permission: &str, user: &str) {
        let (client, _) = self.client("native-app");
        self.happen(&Event::GrantConsent {
            app: "native-app".to_owned(),
            user: None,
            scopes: vec![permission.to_owned()],
        });
        let admin = &self.facts.users["admin"];
        let (status, body) = self
            .token(&[
                ("grant_type", "password"),
                ("client_id", &client),
                ("username", &admin.upn),
                ("password", &admin.password),
                ("scope", permission),
            ])
            .await;
        assert_eq!(status, 200, "{body}");
        let token = body["access_token"].as_str().unwrap();
        let id = self.facts.users[user].id.to_string();
        let mut request = Request::post(path.replace("{user}", &id))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_LENGTH, "0")
            .body(Body::empty())
            .unwrap();
        let environment = Environment::Office365;
        request.extensions_mut().insert(Arrival {
            cloud: environment.cloud(),
            environment: Some(environment),
            origin: environment.graph_root(),
            real_host: true,
            retired: None,
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            admitted_tenants: None,
            issuer_as_addressed: false,
            refused: None,
        });
        let graph = crate::graph::router(Arc::clone(&self.world));
        let answer = graph.oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }

    fn assertion_of(&self, client: &str, expired: bool) -> String {
        let mut claims = self.claims();
        claims["iss"] = json!(client);
        claims["sub"] = json!(client);
        if expired {
            claims["exp"] = json!(self.tenant.now().as_second() - 3600);
        }
        let header = json!({
            "alg": "PS256", "typ": "JWT", "x5t#S256": self.certificate.sha256_thumbprint(),
        });
        self.signed(&header, &claims, false)
    }
}

/// Whether an answer is the refusal of a row; else what is wrong with it.
fn refused(row: &Row, (status, body): &(u16, Value)) -> Result<(), String> {
    let list = |first: &str, more: &str| -> Vec<String> {
        std::iter::once(first)
            .chain(more.split(';'))
            .filter(|it| !it.is_empty())
            .map(|it| it.trim().to_owned())
            .collect()
    };
    let code = body["error_codes"][0].as_u64().unwrap_or_default();
    let fix = u32::try_from(code)
        .ok()
        .and_then(aadsts::Row::find)
        .map_or("", |it| it.fix.as_str());
    let error = body["error"].as_str().unwrap_or_default();
    let fits = status.to_string() == row.http_status
        && list(&row.oauth_error, &row.oauth_error_alt).contains(&error.to_owned())
        && list(&row.primary_code, &row.alt_codes).contains(&code.to_string())
        && (row.suberror.is_empty() || body["suberror"] == *row.suberror)
        && helps(&row.who).contains(&fix);
    if fits {
        Ok(())
    } else {
        Err(format!(
            "answered {status}, mended by '{fix}': {body}; the row is {row:?}"
        ))
    }
}

/// What the error table may recommend where a row says who can fix it.
fn helps(who: &str) -> &'static [&'static str] {
    match who {
        "user" => &["reauthenticate", "user-action", "consent"],
        "admin" => &["blocked", "user-action", "admin-consent", "fix-config"],
        "app" | "app owner" => &[
            "fix-config",
            "fix-credential",
            "reauthenticate",
            "user-action",
        ],
        "user or admin" | "user/admin" => &["consent", "blocked", "user-action", "admin-consent"],
        other => panic!("nobody is '{other}'"),
    }
}

async fn try_row(row: &Row, column: Column, provocation: &Provocation) -> Result<(), String> {
    let mock = Mock::new();
    let secret = match (provocation.app, column) {
        ("own-app", _) => "the-secret-of-the-test",
        (_, Column::Confidential) => "not-used",
        _ => "",
    };
    if provocation.app == "own-app" {
        let app = || "own-app".to_owned();
        let secret = secret.to_owned();
        mock.happen(&Event::AddSecret { app: app(), secret });
        let certificate = base64::engine::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            &mock.certificate.certificate,
        );
        mock.happen(&Event::AddCertificate {
            app: app(),
            certificate,
        });
    }
    for event in &provocation.before {
        mock.happen(event);
    }
    let token = mock.refresh_token(provocation, column);
    mock.tenant.clock.advance(SignedDuration::from_secs(1));
    for event in &provocation.events {
        mock.happen(event);
    }
    if let Some((path, permission)) = provocation.graph {
        mock.call_graph(path, permission, provocation.user).await;
    }
    mock.tenant.clock.advance(provocation.advance);
    let again = async || mock.present(provocation, &token, secret).await;
    let good = |(status, body): (u16, Value)| match status {
        200 => Ok(body),
        _ => Err(format!("answered {status}: {body}")),
    };
    if column.state(row) == "alive" {
        let body = if provocation.ask == Ask::TwiceAtOnce {
            // Two workers: both get a successor of their own.
            let (one, other) = tokio::join!(again(), again());
            let (one, other) = (good(one)?, good(other)?);
            if one["refresh_token"] == other["refresh_token"] {
                return Err("one successor for two".to_owned());
            }
            one
        } else {
            good(again().await)?
        };
        // The old token stays good beside its replacement.
        good(again().await)?;
        let replacement = body["refresh_token"].as_str().unwrap_or_default();
        return good(mock.present(provocation, replacement, secret).await).map(drop);
    }
    refused(row, &again().await)?;
    if provocation.elsewhere_good {
        let there = Provocation {
            ask: Ask::Well,
            ..provocation.clone()
        };
        good(mock.present(&there, &token, secret).await)?;
    }
    // A second time is no better; what lifts the condition revives the token.
    refused(row, &again().await)?;
    for event in &provocation.lift {
        mock.happen(event);
    }
    if !provocation.lift.is_empty() {
        good(again().await).map_err(|problem| format!("not revived: {problem}"))?;
    }
    Ok(())
}

#[tokio::test]
async fn every_row_of_the_table_is_reproduced_or_listed_with_its_reason() {
    let mut columns = 0;
    let mut wrong = Vec::new();
    for row in table() {
        let own = OWN_TESTS.contains(&row.id.as_str());
        let listed = NOT_REPRODUCED.iter().any(|(id, _)| *id == row.id);
        assert!(!(own && listed), "{}", row.id);
        let mut redeemed = listed || own;
        for column in Column::ALL {
            if column.state(&row) == "n/a" {
                continue;
            }
            redeemed = true;
            let found = provocation(&row.id, column);
            assert_eq!(found.is_none(), listed, "{} ({})", row.id, row.trigger);
            if let Some(provocation) = found {
                columns += 1;
                if let Err(problem) = try_row(&row, column, &provocation).await {
                    wrong.push(format!("{} {column:?}: {problem}", row.id));
                }
            }
        }
        assert!(redeemed, "{} is neither tried nor listed", row.id);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Grows with the table; a row that is skipped by mistake makes it shrink.
    assert_eq!(columns, 162);
}

#[tokio::test]
async fn without_offline_access_there_is_no_refresh_token() {
    let mock = Mock::new();
    let code = mock.code(|code| code.scope = "openid User.Read".to_owned());
    let (status, body) = mock.redeem(&code, &[]).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.get("refresh_token").is_none(), "RT22: {body}");
}

/// Rows RT58 and RT85.
#[tokio::test]
async fn what_happens_to_an_app_shows_at_its_next_token() {
    use crate::directory::Risk;
    let mock = Mock::new();
    let table = table();
    let row = |id| table.iter().find(|row| row.id == id).unwrap();
    let (id, secret) = mock.client("daemon-secret");
    let app = || "daemon-secret".to_owned();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", id.as_str()),
        ("client_secret", secret.as_str()),
        ("scope", GRAPH),
    ];
    let risk = |risk| Event::SetAppRisk { app: app(), risk };
    mock.happen(&risk(Risk::High));
    let (status, body) = mock.token(&form).await;
    let risky = row("RT58");
    assert_eq!(status.to_string(), risky.http_status, "{body}");
    assert_eq!(body["error"], risky.oauth_error.as_str());
    assert_eq!(body["error_codes"][0].to_string(), risky.primary_code);
    mock.happen(&risk(Risk::None));
    let roles = |body: &Value| {
        let token = body["access_token"].as_str().unwrap();
        let verified =
            crate::token::verify_access_token(token, &mock.world.keys, &mock.world.sealer);
        verified.unwrap().0.roles
    };
    let (status, body) = mock.token(&form).await;
    assert_eq!(status, 200, "{body}");
    assert!(roles(&body).contains(&"Mail.Read".to_owned()));
    mock.happen(&Event::RevokeAppRole {
        app: app(),
        role: Some("Mail.Read".to_owned()),
    });
    let (status, body) = mock.token(&form).await;
    assert_eq!(status.to_string(), row("RT85").http_status, "{body}");
    assert!(!roles(&body).contains(&"Mail.Read".to_owned()));
}

#[test]
fn the_documentation_lists_the_rows_that_are_not_reproduced() {
    let page = include_str!("../../../../docs/known-differences.md");
    for (id, reason) in NOT_REPRODUCED {
        assert!(
            page.contains(&format!("| {id} | {reason} |")),
            "{id}: {reason}"
        );
    }
    let ids: BTreeSet<String> = table().into_iter().map(|row| row.id).collect();
    assert!(NOT_REPRODUCED.iter().all(|(id, _)| ids.contains(*id)));
}

#[test]
fn the_sessions_of_browsers_end_as_the_table_says() {
    use crate::directory::RevocationCause as Cause;
    let causes = [
        ("RT02", Cause::PasswordChanged),
        ("RT03", Cause::PasswordResetBySelfService),
        ("RT04", Cause::PasswordResetInAzurePortal),
        ("RT05", Cause::PasswordResetInAdminCenter),
        ("RT06", Cause::RevokedByUser),
        ("RT07", Cause::RevokedByAdministrator),
        ("RT08", Cause::SingleSignOut),
    ];
    let table = table();
    for (id, cause) in causes {
        let row = table.iter().find(|row| row.id == id).unwrap();
        for (state, method) in [
            (&row.pwd_cookie, AuthenticationMethod::Password),
            (&row.nonpwd_cookie, AuthenticationMethod::NonPassword),
        ] {
            assert_eq!(
                revokes_session(cause, method),
                state == "revoked",
                "{id} {method:?}"
            );
        }
    }
}
