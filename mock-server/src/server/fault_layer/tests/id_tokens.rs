//! Faults in ID tokens and in the challenges of Graph, as a client sees them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header;
use scraper::{Html, Selector};
use serde_json::Value;

use super::Bench;
use crate::fault::{FaultAction, FaultSurface};
use crate::notation::Many;

#[tokio::test(flavor = "multi_thread")]
async fn id_tokens_are_of_another_sign_in_user_cloud_or_key() {
    let bench = Bench::start().await;
    let (head, claims) = bench.id_token("n-1", None).await;
    let alice = bench.tenant.describe().users["alice"].id.to_string();
    assert_eq!(claims["nonce"], "n-1");
    assert_eq!(claims["oid"], alice);

    let (_, other) = bench.id_token("n-1", Some(FaultAction::WrongNonce)).await;
    assert_ne!(other["nonce"], "n-1");
    assert_eq!(other["oid"], alice);
    let (_, other) = bench.id_token("n-1", Some(FaultAction::NoNonce)).await;
    assert!(other.get("nonce").is_none(), "{other}");
    assert_eq!(other["oid"], alice);
    let (_, other) = bench.id_token("n-1", Some(FaultAction::WrongUser)).await;
    assert_eq!(other["nonce"], "n-1");
    assert_ne!(other["oid"], alice);
    assert_ne!(other["sub"], claims["sub"]);
    let fault = FaultAction::IssuerOfAnotherCloud;
    let (_, other) = bench.id_token("n-1", Some(fault)).await;
    let issuer = other["iss"].as_str().unwrap();
    assert!(issuer.contains("partner.microsoftonline.cn"), "{issuer}");
    assert_eq!(other["tid"], claims["tid"]);
    let (foreign, _) = bench.id_token("n-1", Some(FaultAction::ForeignKey)).await;
    assert_ne!(foreign["kid"], head["kid"]);
    assert!(foreign["jku"].is_string(), "{foreign}");
    bench.mock.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn challenges_come_as_they_are_written() {
    let bench = Bench::start().await;
    let body: Value = bench.token().await.unwrap().json().await.unwrap();
    let token = body["access_token"].as_str().unwrap();
    let written = ["Negotiate", "bearer realm=\"\", ERROR=insufficient_claims"];
    let challenges = Many(written.map(str::to_owned).to_vec());
    bench.on(FaultSurface::Graph, FaultAction::Challenge(challenges));
    let answer = bench.users(token).await.unwrap();
    assert_eq!(answer.status(), 401);
    let seen = answer.headers().get_all(header::WWW_AUTHENTICATE);
    let seen: Vec<&str> = seen.iter().map(|it| it.to_str().unwrap()).collect();
    assert_eq!(seen, written);
    bench.mock.stop().await;
}

impl Bench {
    /// Signs alice in by the pages, and redeems the code while a fault is on: header and claims of
    /// the ID token.
    async fn id_token(&self, nonce: &str, fault: Option<FaultAction>) -> (Value, Value) {
        self.tenant.clear_faults();
        let world = self.tenant.describe();
        let (app, alice) = (&world.apps["own-app"], &world.users["alice"]);
        let redirect_uri = app.redirect_uris[0].clone();
        let asked = [
            ("client_id", app.client_id.to_string()),
            ("response_type", "code".to_owned()),
            ("redirect_uri", redirect_uri.clone()),
            ("scope", "openid profile".to_owned()),
            ("nonce", nonce.to_owned()),
        ];
        let url = format!("{}/{}/oauth2/v2.0/authorize", self.root, self.tenant.id());
        let url = url::Url::parse_with_params(&url, asked).unwrap();
        let mut request = self.client.get(url);
        let mut cookies = Vec::new();
        for _ in 0..6 {
            let answer = request.send().await.unwrap();
            for cookie in answer.headers().get_all(header::SET_COOKIE) {
                let pair = cookie.to_str().unwrap().split(';').next().unwrap();
                cookies.push(pair.to_owned());
            }
            if let Some(location) = answer.headers().get(header::LOCATION) {
                let location = url::Url::parse(location.to_str().unwrap()).unwrap();
                let code = location.query_pairs().find(|(name, _)| name == "code");
                let form = [
                    ("grant_type", "authorization_code".to_owned()),
                    ("client_id", app.client_id.to_string()),
                    ("client_secret", app.client_secret.clone().unwrap()),
                    ("redirect_uri", redirect_uri),
                    ("code", code.expect("the sign-in succeeded").1.into_owned()),
                ];
                if let Some(action) = fault {
                    self.on(FaultSurface::Token, action);
                }
                let url = format!("{}/{}/oauth2/v2.0/token", self.root, self.tenant.id());
                let answer = self.client.post(url).form(&form).send().await.unwrap();
                let body: Value = answer.json().await.unwrap();
                return parts(body["id_token"].as_str().expect("openid was asked for"));
            }
            let page = answer.text().await.unwrap();
            let (action, fields) = form_of(&page, &alice.upn, &alice.password);
            request = self
                .client
                .post(format!("{}{action}", self.root))
                .header(header::COOKIE, cookies.join("; "))
                .form(&fields);
        }
        panic!("the pages do not end");
    }
}

/// Header and claims of a JWT.
fn parts(token: &str) -> (Value, Value) {
    let mut parts = token.split('.').map(|part| {
        let bytes = URL_SAFE_NO_PAD.decode(part).unwrap();
        serde_json::from_slice(&bytes).unwrap_or_default()
    });
    (parts.next().unwrap(), parts.next().unwrap())
}

/// Where the first form of a page goes, with its fields as a person leaves them who presses Enter.
fn form_of(page: &str, name: &str, password: &str) -> (String, Vec<(String, String)>) {
    let page = Html::parse_document(page);
    let select = |text: &str| Selector::parse(text).unwrap();
    let form = page.select(&select("form")).next().expect("a page asks");
    let action = form.attr("action").expect("it goes somewhere").to_owned();
    let mut fields = Vec::new();
    for input in form.select(&select("input[name]")) {
        let value = match input.attr("name") {
            Some("loginfmt") => name,
            Some("passwd") => password,
            _ => input.attr("value").unwrap_or_default(),
        };
        fields.push((input.attr("name").unwrap().to_owned(), value.to_owned()));
    }
    if let Some(button) = form.select(&select("button[name]")).next() {
        let attribute = |name| button.attr(name).unwrap_or_default().to_owned();
        fields.push((attribute("name"), attribute("value")));
    }
    (action, fields)
}
