//! Every code of the table arises from a state that a test makes, or is listed as unreached with
//! its reason.

use std::collections::BTreeSet;

use serde_json::Value;

use super::objects::uses::{Act, Bench, Known, Use};
use crate::aadsts;
use crate::authority::browser::tests::{Browser, consent_codes};
use crate::authority::token::tests::{invalidation, mutations};
use crate::directory::{Demand, Event};

/// Codes outside of the tables of refusals, with the tests that meet them.
const ELSEWHERE: [(&str, &[u32]); 15] = [
    (
        "browser/tests/authorize.rs",
        &[
            50149, 70005, 70007, 90007, 90014, 90023, 90100, 90131, 90138, 160021, 500113, 501471,
            501491, 700051, 700053, 700054, 1002014,
        ],
    ),
    (
        "../graph/tests/administration/policies.rs",
        &[53001, 53002, 53005],
    ),
    (
        "browser/tests/conditional_access.rs",
        &[50072, 50089, 50135, 53004],
    ),
    ("browser/tests/device.rs", &[70018, 70019, 90119, 90120]),
    (
        "browser/tests/other_cloud.rs",
        &[90038, 900382, 900432, 900439, 900440],
    ),
    ("browser/tests/redirect_uri.rs", &[90102, 500119]),
    ("browser/tests/repetition.rs", &[50196]),
    ("browser/tests/robustness.rs", &[90013]),
    ("browser/tests/sign_in.rs", &[50074, 90015, 9002328]),
    ("browser/tests/sign_out.rs", &[700041, 1002017]),
    ("discovery/tests.rs", &[50049, 50050]),
    ("tests/codes.rs", &[16000, 50029, 50056, 50128, 51000]),
    (
        "tests/codes.rs",
        &[50079, 70044, 70046, 240002, 500136, 530084],
    ),
    ("token/tests/device_code.rs", &[90133]),
    (
        "token/tests/federated.rs",
        &[50032, 70021, 90061, 500033, 900612],
    ),
];

fn reached() -> BTreeSet<u32> {
    let mut reached: BTreeSet<u32> = mutations::codes().collect();
    reached.extend(super::objects::codes());
    reached.extend(consent_codes::codes());
    reached.extend(invalidation::codes());
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/authority");
    for (file, codes) in ELSEWHERE {
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        for code in codes {
            assert!(text.contains(&code.to_string()), "{file} has no {code}");
            reached.insert(*code);
        }
    }
    reached
}

#[test]
fn every_code_is_reached_by_a_test_or_listed_with_a_reason() {
    let reached = reached();
    let list = include_str!("../../../data/unreached-codes.csv");
    let unreached: BTreeSet<u32> = csv::Reader::from_reader(list.as_bytes())
        .deserialize()
        .map(|row: Result<(u32, String), _>| row.unwrap().0)
        .collect();
    let both: Vec<_> = reached.intersection(&unreached).collect();
    assert!(
        both.is_empty(),
        "reached, and listed as unreached: {both:?}"
    );
    let all: BTreeSet<u32> = aadsts::all().map(|row| row.code).collect();
    let known: BTreeSet<u32> = reached.union(&unreached).copied().collect();
    let neither: Vec<_> = all.difference(&known).collect();
    assert!(
        neither.is_empty(),
        "neither reached nor listed: {neither:?}"
    );
}

fn person(act: Act, client: &'static str) -> Use {
    Use {
        act,
        client,
        user: Some("alice"),
        for_api: false,
        version: 2,
    }
}

impl Bench {
    async fn signed_in(&self, known: &Known) -> Browser<'_> {
        let mut browser = self.mock.browser();
        self.code(&mut browser, known).await;
        browser
    }

    /// The code with which a form is refused at the token endpoint.
    async fn refused(&self, usage: Use, known: &Known, form: &[(&str, &str)]) -> u64 {
        let (status, body) = self.post(usage, known, "token", form).await;
        assert!(status >= 400, "{body}");
        body["error_codes"][0].as_u64().unwrap_or_default()
    }
}

async fn silent(browser: &mut Browser<'_>, known: &Known) -> Vec<u32> {
    let uri = format!("{}&prompt=none", known.authorize);
    browser.get(&uri).await.annotation.aadsts
}

#[tokio::test]
async fn of_two_people_in_a_browser_none_is_picked_silently() {
    let bench = Bench::new();
    let known = bench.know(person(Act::Silent, "own-app"));
    let mut browser = bench.signed_in(&known).await;
    let bob = bench.mock.user("bob");
    let page = browser
        .get(&format!("{}&prompt=login", known.authorize))
        .await;
    let name = bob.user_principal_name.as_str();
    let page = browser.press(&page, "next", &[("loginfmt", name)]).await;
    let password = [("passwd", bob.password.as_str())];
    browser
        .press(&page, "sign-in", &password)
        .await
        .parameters();
    assert_eq!(silent(&mut browser, &known).await, [16000]);
}

#[tokio::test]
async fn a_session_that_is_too_old_for_a_policy_is_refused_silently() {
    for (seconds, later, code) in [(3600, 120, 70044), (0, 10, 70046)] {
        let bench = Bench::new();
        let known = bench.know(person(Act::Silent, "own-app"));
        let mut browser = bench.signed_in(&known).await;
        bench.happen(&Event::SetSignInFrequency {
            user: None,
            app: None,
            seconds,
            second_factor: false,
        });
        let clock = &bench.tenant().clock;
        clock.advance(jiff::SignedDuration::from_mins(later));
        assert_eq!(silent(&mut browser, &known).await, [code]);
    }
}

#[tokio::test]
async fn a_redirect_uri_beyond_ascii_is_shown_on_a_page() {
    let bench = Bench::new();
    let uri = "https://connector.contoso.example/caf\u{e9}";
    let uri = bench.mock.authorize("own-app", &[("redirect_uri", uri)]);
    let page = bench.mock.browser().get(&uri).await;
    assert_eq!((page.page().as_str(), page.error_code()), ("error", 50029));
}

#[tokio::test]
async fn an_account_without_a_password_has_none_to_sign_in_with() {
    let bench = Bench::new();
    let usage = person(Act::Ropc, "native-app");
    let known = bench.know(usage);
    let form = |name| {
        [
            ("grant_type", "password"),
            ("username", name),
            ("password", "a password"),
            ("scope", "User.Read"),
        ]
    };
    let id = bench.mock.user("alice").id;
    bench.change(|it| it.users[&id].password.clear());
    let code = bench.refused(usage, &known, &form(&known.name)).await;
    assert_eq!(code, 50056);

    let uri = "/organizations/oauth2/v2.0/token";
    let (status, body): (u16, Value) = bench
        .post_to(
            uri,
            &[("client_id", &known.client)],
            &form("x@nobody.example"),
        )
        .await;
    assert_eq!(status, 400, "{body}");
    assert_eq!(body["error_codes"][0], 50128);
}

#[tokio::test]
async fn what_is_no_access_token_is_not_exchanged() {
    let bench = Bench::new();
    let usage = person(Act::OnBehalfOf, "middle-tier-api");
    let ready = bench.prepare(usage).await;
    let known = bench.know(usage);
    let form = |assertion, more| {
        [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("requested_token_use", "on_behalf_of"),
            ("scope", "User.Read"),
            ("assertion", assertion),
            more,
        ]
    };
    let saml = (
        "requested_token_type",
        "urn:ietf:params:oauth:token-type:saml2",
    );
    let code = bench.refused(usage, &known, &form(&ready.text, saml)).await;
    assert_eq!(code, 51000);

    let tokens = bench.tokens(person(Act::Code, "middle-tier-api")).await;
    let id_token = tokens["id_token"].as_str().unwrap();
    let nothing = ("client_info", "1");
    let code = bench.refused(usage, &known, &form(id_token, nothing)).await;
    assert_eq!(code, 240002);
}

#[tokio::test]
async fn a_v1_endpoint_takes_no_v2_token_on_behalf_of_anybody() {
    let bench = Bench::new();
    let usage = Use {
        version: 1,
        ..person(Act::OnBehalfOf, "middle-tier-api")
    };
    let ready = bench.prepare(usage).await;
    let known = bench.know(usage);
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("assertion", ready.text.as_str()),
        ("resource", "https://graph.microsoft.com"),
    ];
    assert_eq!(bench.refused(usage, &known, &form).await, 500136);
}

#[tokio::test]
async fn who_has_no_second_factor_must_register_one() {
    let bench = Bench::new();
    let usage = person(Act::Refresh, "native-app");
    let ready = bench.prepare(usage).await;
    let known = bench.know(usage);
    let user = "alice".to_owned();
    bench.happen(&Event::RemoveSecondFactor { user });
    let (user, app) = (None, None);
    bench.happen(&Event::RequireMfa { user, app });
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", ready.text.as_str()),
    ];
    assert_eq!(bench.refused(usage, &known, &form).await, 50079);
}

#[tokio::test]
async fn a_policy_may_demand_tokens_that_are_bound_to_a_device() {
    let bench = Bench::new();
    let usage = person(Act::Refresh, "native-app");
    let ready = bench.prepare(usage).await;
    let known = bench.know(usage);
    let (user, app) = (None, None);
    bench.happen(&Event::RequireMfa { user, app });
    bench.change(|it| it.policies.conditional_access[0].demand = Demand::TokenProtection);
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", ready.text.as_str()),
    ];
    assert_eq!(bench.refused(usage, &known, &form).await, 530084);
}
