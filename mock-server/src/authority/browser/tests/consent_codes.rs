//! The codes of `data/consent-codes.csv`: each arises from the state of a directory.

use serde::Deserialize;
use uuid::Uuid;

use super::{Answer, Browser, Mock};
use crate::aadsts;
use crate::directory::{
    Application, ApplicationId, DirectoryRole, Event, ExposedApi, RequiredResourceAccess,
    SignInAudience, UserConsent,
};
use crate::environment::Environment;

/// A row of the list.
#[derive(Debug, Deserialize)]
struct Row {
    code: u32,
    name: String,
    situation: String,
    cure: String,
}

/// Codes that no state of the mock leads to, and why; `docs/known-differences.md` has them, too.
const NOT_REPRODUCED: [(u32, &str); 3] = [
    (65002, "no apps of Microsoft's own"),
    (90090, "recording a consent does not fail: a fault"),
    (90099, "no partners with delegated administrators"),
];

/// The codes that arise from state.
pub(in crate::authority) fn codes() -> impl Iterator<Item = u32> {
    let text = include_str!("../../../../data/consent-codes.csv");
    let rows: Vec<Row> = csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .unwrap();
    rows.into_iter()
        .map(|row| row.code)
        .filter(|code| !NOT_REPRODUCED.iter().any(|(listed, _)| listed == code))
}

/// The code that an app is told, or that the page shows.
fn code_of(answer: &Answer) -> u32 {
    if answer.status != axum::http::StatusCode::FOUND {
        return answer.error_code();
    }
    let parameters = answer.parameters();
    let text = parameters
        .get("error_description")
        .unwrap_or_else(|| panic!("no error_description in {parameters:?}"));
    let digits = text.strip_prefix("AADSTS").unwrap();
    digits.split(':').next().unwrap().parse().unwrap()
}

impl Mock {
    fn user_consent(&self, user_consent: UserConsent, requests: bool) {
        self.event(&Event::SetUserConsentPolicy {
            user_consent,
            admin_consent_requests: Some(requests),
            low_impact: None,
            request_days: None,
            reviewers: None,
        });
    }

    /// The vendor's app is not in the tenant, and its registration is changed.
    fn vendor_app(&self, change: impl FnOnce(&mut Application)) -> ApplicationId {
        let id = self.app("vendor-app").app_id;
        self.tenant.write(|directory| {
            directory.service_principals.shift_remove(&id);
            directory.grants.retain(|grant| grant.client != id);
        });
        let (home, _) = self
            .world
            .application(Environment::Office365.cloud(), id)
            .unwrap();
        home.write(|it| change(&mut it.applications[&id]));
        id
    }

    /// The static list of the prototype names this API, too.
    fn list(&self, resource: ApplicationId) {
        self.change_app("unconsented-app", |app| {
            app.required_resource_access.push(RequiredResourceAccess {
                resource,
                scopes: ["access_as_user".to_owned()].into(),
                roles: std::collections::BTreeSet::new(),
            });
        });
    }
}

impl Browser<'_> {
    async fn vendor_admin(&mut self, uri: &str) -> Answer {
        let vendor = {
            let id = self.mock.app("vendor-app").app_id;
            let cloud = Environment::Office365.cloud();
            self.mock.world.application(cloud, id).unwrap().0
        };
        let user = vendor.read(|it| it.find_user("vendor-admin").unwrap().clone());
        let uri = uri.replace(&self.mock.tenant.id.to_string(), &vendor.id.to_string());
        let page = self.get(&uri).await;
        let upn = user.user_principal_name.as_str();
        let page = self.press(&page, "next", &[("loginfmt", upn)]).await;
        self.press(&page, "sign-in", &[("passwd", &user.password)])
            .await
    }
}

const ALL: (&str, &str) = ("scope", "https://graph.microsoft.com/.default");

#[expect(clippy::too_many_lines, reason = "a table: a code each")]
async fn provoke(mock: &Mock, code: u32) -> Option<Answer> {
    let prototype = |more: &[(&str, &str)]| mock.authorize("unconsented-app", more);
    let mut browser = mock.browser();
    let signed_in = |uri: String| async move { mock.browser().sign_in(&uri, "alice").await };
    Some(match code {
        65001 => {
            browser
                .sign_in(&mock.authorize("own-app", &[]), "alice")
                .await;
            browser.get(&prototype(&[("prompt", "none")])).await
        }
        65004 => {
            let page = browser.sign_in(&prototype(&[]), "alice").await;
            browser.press(&page, "cancel", &[]).await
        }
        65005 => {
            let audience = SignInAudience::SingleTenant;
            mock.list(mock.vendor_app(|app| app.sign_in_audience = audience));
            signed_in(prototype(&[ALL])).await
        }
        650051 => {
            let uri = || "api://taken".to_owned();
            mock.vendor_app(|app| {
                app.api.get_or_insert_default().identifier_uris.push(uri());
            });
            mock.change_app("middle-tier-api", |app| {
                app.api.get_or_insert_default().identifier_uris.push(uri());
            });
            let page = browser
                .sign_in(&mock.authorize("vendor-app", &[]), "alice")
                .await;
            browser.press(&page, "accept", &[]).await
        }
        650052 => {
            mock.list(mock.vendor_app(|_| {}));
            signed_in(prototype(&[ALL])).await
        }
        650053 => signed_in(prototype(&[("scope", "Mail.Frobnicate")])).await,
        650054 => {
            mock.list(ApplicationId(Uuid::from_u128(1)));
            signed_in(prototype(&[ALL])).await
        }
        650056 => {
            mock.change_app("unconsented-app", |app| {
                app.required_resource_access.clear();
            });
            signed_in(prototype(&[ALL])).await
        }
        650057 => {
            let api = mock.app("middle-tier-api").app_id;
            signed_in(prototype(&[("scope", &format!("api://{api}/.default"))])).await
        }
        90008 => {
            mock.change_app("unconsented-app", |app| {
                app.api = Some(ExposedApi::default());
                let graph = &mut app.required_resource_access[0];
                graph.scopes = ["Mail.Read".to_owned()].into();
            });
            let itself = mock.app("unconsented-app").app_id;
            signed_in(prototype(&[("scope", &format!("{itself}/.default"))])).await
        }
        90093 => {
            let alice = mock.user("alice").id;
            mock.tenant.write(|it| {
                it.users[&alice]
                    .roles
                    .insert(DirectoryRole::ApplicationAdministrator)
            });
            let app = mock.app("unconsented-app").app_id;
            let uri = format!("/{}/adminconsent?client_id={app}", mock.tenant.id);
            signed_in(uri).await
        }
        90094 | 90095 => {
            mock.user_consent(UserConsent::None, code == 90095);
            signed_in(prototype(&[])).await
        }
        900941 | 900981 => {
            mock.user_consent(UserConsent::All, code == 900981);
            mock.event(&Event::JudgeApp {
                app: "unconsented-app".to_owned(),
                verified: None,
                risky: Some(true),
            });
            signed_in(prototype(&[])).await
        }
        50105 => {
            mock.event(&Event::RequireAssignment {
                app: "own-app".to_owned(),
            });
            signed_in(mock.authorize("own-app", &[])).await
        }
        500011 => signed_in(prototype(&[("scope", "api://nothing/x")])).await,
        700016 => {
            let unknown = Uuid::from_u128(1).to_string();
            browser.get(&prototype(&[("client_id", &unknown)])).await
        }
        7000112 => {
            mock.event(&Event::DisableApp {
                app: "own-app".to_owned(),
            });
            browser.get(&mock.authorize("own-app", &[])).await
        }
        50020 => {
            let page = browser.get(&mock.authorize("vendor-app", &[])).await;
            let stranger = [("loginfmt", "vendor-admin@litware.onmicrosoft.com")];
            browser.press(&page, "next", &stranger).await
        }
        16003 => {
            browser
                .vendor_admin(&mock.authorize("vendor-app", &[]))
                .await;
            let uri = mock.authorize("vendor-app", &[("prompt", "none")]);
            browser.get(&uri).await
        }
        _ => return None,
    })
}

#[tokio::test]
async fn every_code_of_consent_arises_from_state_or_is_listed_with_its_reason() {
    let text = include_str!("../../../../data/consent-codes.csv");
    let rows: Vec<Row> = csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut arisen = 0;
    for row in &rows {
        let known = aadsts::Row::find(row.code).unwrap();
        assert_eq!(
            (&known.name, &known.fix),
            (&row.name, &row.cure),
            "{} ({})",
            row.code,
            row.situation
        );
        let listed = NOT_REPRODUCED.iter().any(|(code, _)| *code == row.code);
        let mock = Mock::new();
        let answer = provoke(&mock, row.code).await;
        assert_eq!(answer.is_none(), listed, "{} ({})", row.code, row.situation);
        let Some(answer) = answer else { continue };
        assert_eq!(
            code_of(&answer),
            row.code,
            "{}\n{:?}\n{}",
            row.situation,
            answer.headers,
            answer.html
        );
        assert_eq!(answer.annotation.aadsts, [row.code], "the journal has it");
        arisen += 1;
    }
    // Grows with the list.
    assert_eq!((arisen, rows.len()), (21, 24));
}

#[test]
fn the_documentation_lists_the_codes_that_are_not_reproduced() {
    let page = include_str!("../../../../docs/known-differences.md");
    for (code, reason) in NOT_REPRODUCED {
        let line = format!("| AADSTS{code} | {reason} |");
        assert!(page.contains(&line), "{line}");
    }
}
