//! Each fault, as a real client sees it on the wire.

mod limits;

mod id_tokens;

use std::time::Instant;

use reqwest::{Client, Response};

use crate::directory::Event;
use crate::drives::{Blob, Identity, id};
use crate::fault::{
    Fault, FaultAction, FaultSurface, FaultTarget, FaultWhen, Redirection, ResetAt, RetryAfter,
    WrongCertificate,
};
use crate::notation::Many;
use crate::server::{MockEntra, TenantHandle};

struct Bench {
    /// The mock's files, as long as the bench lives.
    _home: tempfile::TempDir,
    mock: MockEntra,
    tenant: TenantHandle,
    client: Client,
    root: String,
}

impl Bench {
    async fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let builder = MockEntra::builder().plain_http(true);
        let mock = builder.data_directory(home.path()).start().await.unwrap();
        let tenant = mock.create_tenant(crate::environment::Environment::Office365);
        let no_redirect = reqwest::redirect::Policy::none();
        let client = Client::builder().no_proxy().redirect(no_redirect);
        let endpoint = tenant.token_endpoint().replacen("https:", "http:", 1);
        let (root, _) = endpoint.split_once(&format!("/{}/", tenant.id())).unwrap();
        Self {
            _home: home,
            root: root.to_owned(),
            mock,
            tenant,
            client: client.build().unwrap(),
        }
    }

    fn on(&self, surface: FaultSurface, action: FaultAction) {
        self.tenant.clear_faults();
        let fault = Fault {
            on: FaultTarget {
                surface: Many(vec![surface]),
                ..FaultTarget::default()
            },
            when: None,
            action,
        };
        self.tenant.fault(fault).unwrap();
    }

    async fn token(&self) -> reqwest::Result<Response> {
        let app = &self.tenant.describe().apps["daemon-secret"];
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", app.client_id.to_string()),
            ("client_secret", app.client_secret.clone().unwrap()),
            ("scope", "https://graph.microsoft.com/.default".to_owned()),
        ];
        let url = format!("{}/{}/oauth2/v2.0/token", self.root, self.tenant.id());
        self.client.post(url).form(&form).send().await
    }

    async fn users(&self, token: &str) -> reqwest::Result<Response> {
        let url = format!("{}/v1.0/users", self.root);
        self.client.get(url).bearer_auth(token).send().await
    }
}

#[expect(clippy::disallowed_methods, reason = "delays take real time")]
#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_seen_on_the_wire() {
    let bench = Bench::start().await;
    let body: serde_json::Value = bench.token().await.unwrap().json().await.unwrap();
    let token = body["access_token"].as_str().unwrap().to_owned();
    let graph = |action| bench.on(FaultSurface::Graph, action);
    let at_token = |action| bench.on(FaultSurface::Token, action);

    graph(FaultAction::Status(503));
    assert_eq!(bench.users(&token).await.unwrap().status(), 503);
    // The fault is Graph's: the token endpoint answers.
    assert_eq!(bench.token().await.unwrap().status(), 200);

    let throttle = |as_date| FaultAction::Throttle {
        retry_after: Some(RetryAfter::Seconds(7)),
        as_date,
        verbatim: None,
    };
    graph(throttle(true));
    let before = bench.tenant.now();
    let answer = bench.users(&token).await.unwrap();
    let date = answer.headers()["retry-after"].to_str().unwrap();
    let date = jiff::fmt::rfc2822::parse(date).unwrap().timestamp();
    assert!(
        (6..=9).contains(&date.duration_since(before).as_secs()),
        "{date}"
    );
    graph(throttle(false));
    let answer = bench.users(&token).await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (429, &"7".parse().unwrap())
    );
    let body: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(body["error"]["code"], "TooManyRequests");

    graph(FaultAction::Throttle {
        retry_after: None,
        as_date: false,
        verbatim: Some("soon".to_owned()),
    });
    let answer = bench.users(&token).await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "soon");

    // Source: AzureAD/microsoft-authentication-library-for-dotnet#2855.
    at_token(throttle(false));
    let answer = bench.token().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "7");
    assert!(
        answer.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    assert_eq!(answer.text().await.unwrap(), "Too Many Requests");

    at_token(FaultAction::Edit {
        set: [("expires_in".to_owned(), "3599".into())]
            .into_iter()
            .collect(),
        remove: vec!["token_type".to_owned()],
    });
    let body: serde_json::Value = bench.token().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&body["expires_in"], body.get("token_type")),
        (&"3599".into(), None)
    );
    assert!(body["access_token"].is_string());

    let code = "ErrorItemNotFound".to_owned();
    graph(FaultAction::GraphError {
        status: 404,
        code,
        message: None,
    });
    let answer = bench.users(&token).await.unwrap();
    assert_eq!(answer.status(), 404);
    assert!(answer.headers().contains_key("request-id"));

    at_token(FaultAction::Aadsts(50173));
    let body: serde_json::Value = bench.token().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&body["error"], &body["error_codes"][0]),
        (&"invalid_grant".into(), &50173.into())
    );

    let to = "https://elsewhere.example/".to_owned();
    for (redirection, status) in [
        (Redirection::To(to.clone()), 302),
        (Redirection::With { to, status: 307 }, 307),
    ] {
        graph(FaultAction::Redirect(redirection));
        let answer = bench.users(&token).await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["location"], "https://elsewhere.example/");
    }

    graph(FaultAction::Empty);
    let answer = bench.users(&token).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.bytes().await.unwrap().is_empty());

    graph(FaultAction::WrongContentType("text/html".to_owned()));
    let answer = bench.users(&token).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/html");

    at_token(FaultAction::MalformedJson);
    let text = bench.token().await.unwrap().text().await.unwrap();
    assert!(serde_json::from_str::<serde_json::Value>(&text).is_err());

    graph(FaultAction::Delay("150ms".parse().unwrap()));
    let begin = Instant::now();
    assert_eq!(bench.users(&token).await.unwrap().status(), 200);
    assert!(begin.elapsed().as_millis() >= 150);

    graph(FaultAction::SlowBody("200ms".parse().unwrap()));
    let begin = Instant::now();
    let body: serde_json::Value = bench.users(&token).await.unwrap().json().await.unwrap();
    assert!(body["value"].is_array() && begin.elapsed().as_millis() >= 150);

    graph(FaultAction::HugeBody);
    let mut answer = bench.users(&token).await.unwrap();
    let mut bytes = 0;
    while bytes < 20 << 20 {
        bytes += answer.chunk().await.unwrap().unwrap().len();
    }
    drop(answer);
    bench.mock.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_break_where_the_fault_says() {
    let bench = Bench::start().await;
    let body: serde_json::Value = bench.token().await.unwrap().json().await.unwrap();
    let token = body["access_token"].as_str().unwrap().to_owned();
    let graph = |action| bench.on(FaultSurface::Graph, action);

    graph(FaultAction::Reset(ResetAt::BeforeHeaders));
    assert!(bench.users(&token).await.is_err());
    graph(FaultAction::LoseResponse);
    assert!(bench.users(&token).await.is_err());
    for action in [
        FaultAction::Reset(ResetAt::AfterHeaders),
        FaultAction::Reset(ResetAt::MidBody),
        FaultAction::Truncate,
    ] {
        let name = action.name();
        graph(action);
        let answer = bench.users(&token).await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        assert!(answer.bytes().await.is_err(), "{name}");
    }
    bench.mock.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_happens_at_the_request_and_other_tenants_see_nothing() {
    let bench = Bench::start().await;
    let app = || "daemon-secret".to_owned();
    let fault = Fault {
        on: FaultTarget::default(),
        when: Some(FaultWhen::Nth(2)),
        action: FaultAction::Event(Event::DisableApp { app: app() }),
    };
    assert_eq!(bench.tenant.fault(fault).unwrap(), 1);
    assert_eq!(bench.token().await.unwrap().status(), 200);
    let body: serde_json::Value = bench.token().await.unwrap().json().await.unwrap();
    assert_eq!(body["error_codes"][0], 7000112);

    let journal = bench.mock.journal().exchanges_since(0);
    let touched: Vec<_> = journal
        .iter()
        .filter_map(|it| it.fault.as_deref())
        .collect();
    assert_eq!(touched, ["event (fault 1)"]);

    let other = bench
        .mock
        .create_tenant(crate::environment::Environment::Office365);
    assert!(other.tenant().faults.is_empty());
    let other = Bench {
        tenant: other,
        ..bench
    };
    assert_eq!(other.token().await.unwrap().status(), 200);
    other.mock.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn defective_tokens_are_refused_by_graph_for_their_defect() {
    let bench = Bench::start().await;
    for (action, message) in [
        (FaultAction::AlgNone, "Signature is invalid."),
        (FaultAction::BadSignature, "Signature is invalid."),
        (FaultAction::UnknownKey, "Signature is invalid."),
        (
            FaultAction::ExpiredToken,
            "Lifetime validation failed, the token is expired.",
        ),
        (FaultAction::WrongAudience, "Invalid audience."),
        (FaultAction::WrongIssuer, "Invalid issuer."),
    ] {
        let name = action.name();
        bench.on(FaultSurface::Token, action);
        let body: serde_json::Value = bench.token().await.unwrap().json().await.unwrap();
        bench.tenant.clear_faults();
        let token = body["access_token"].as_str().unwrap();
        let answer = bench.users(token).await.unwrap();
        assert_eq!(answer.status(), 401, "{name}");
        let body: serde_json::Value = answer.json().await.unwrap();
        let told = body["error"]["message"].as_str().unwrap();
        assert!(told.contains(message), "{name}: {told}");
    }
    bench.mock.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_keys_lack_the_key_that_signs() {
    let bench = Bench::start().await;
    let body: serde_json::Value = bench.token().await.unwrap().json().await.unwrap();
    let token = body["access_token"].as_str().unwrap().to_owned();
    let header = jsonwebtoken_header(&token);
    let url = format!("{}/{}/discovery/v2.0/keys", bench.root, bench.tenant.id());
    let kids = async || -> Vec<String> {
        let answer = bench.client.get(&url).send().await.unwrap();
        let set: serde_json::Value = answer.json().await.unwrap();
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|it| it["kid"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(kids().await.contains(&header));
    bench.on(FaultSurface::Keys, FaultAction::StaleKeys);
    let stale = kids().await;
    assert!(stale.len() == 1 && !stale.contains(&header), "{stale:?}");
    bench.mock.stop().await;
}

fn jsonwebtoken_header(token: &str) -> String {
    use base64::Engine as _;
    let header = token.split('.').next().unwrap();
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header);
    let header: serde_json::Value = serde_json::from_slice(&header.unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_the_dialect_of_their_surface() {
    let bench = Bench::start().await;
    let body: serde_json::Value = bench.token().await.unwrap().json().await.unwrap();
    let token = body["access_token"].as_str().unwrap().to_owned();

    bench.on(FaultSurface::Graph, FaultAction::ClaimsChallenge);
    let answer = bench.users(&token).await.unwrap();
    assert_eq!(answer.status(), 401);
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap();
    assert!(
        challenge.contains("error=\"insufficient_claims\""),
        "{challenge}"
    );

    // The app is told at its redirect URI, with its state.
    bench.on(FaultSurface::Authorize, FaultAction::Aadsts(90033));
    let app = &bench.tenant.describe().apps["own-app"];
    let query = [
        ("client_id", app.client_id.to_string()),
        ("response_type", "code".to_owned()),
        ("redirect_uri", app.redirect_uris[0].clone()),
        ("scope", "openid".to_owned()),
        ("state", "s-1".to_owned()),
    ];
    let url = format!("{}/{}/oauth2/v2.0/authorize", bench.root, bench.tenant.id());
    let url = url::Url::parse_with_params(&url, query).unwrap();
    let answer = bench.client.get(url).send().await.unwrap();
    let location = answer.headers()["location"].to_str().unwrap();
    assert!(location.starts_with(&app.redirect_uris[0]), "{location}");
    for part in ["error=temporarily_unavailable", "AADSTS90033", "state=s-1"] {
        assert!(location.contains(part), "{location}");
    }

    // At the token endpoint the answer has the service's headers and no open placeholder.
    bench.on(FaultSurface::Token, FaultAction::Aadsts(50057));
    let answer = bench.token().await.unwrap();
    assert!(answer.headers().contains_key("x-ms-request-id"));
    let body: serde_json::Value = answer.json().await.unwrap();
    let told = body["error_description"].as_str().unwrap();
    assert!(
        told.starts_with("AADSTS50057: ") && !told.contains('{'),
        "{told}"
    );
    bench.mock.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn goaway_ends_a_connection_after_its_answer() {
    let mut bench = Bench::start().await;
    let closes = async |bench: &Bench| {
        let answer = bench.token().await.unwrap();
        assert_eq!(answer.status(), 200);
        let told = answer.headers().get("connection").cloned();
        answer.bytes().await.unwrap();
        told.is_some_and(|it| it == "close")
    };
    assert!(!closes(&bench).await);
    bench.on(FaultSurface::Token, FaultAction::Goaway);
    assert!(closes(&bench).await);
    bench.tenant.clear_faults();
    let http2 = Client::builder().no_proxy().http2_prior_knowledge();
    bench.client = http2.build().unwrap();
    let connections = async |bench: &Bench| {
        let before = bench.mock.journal().exchanges_since(0).len();
        for _ in 0..3 {
            closes(bench).await;
        }
        let seen = bench.mock.journal().exchanges_since(0);
        let ids = seen[before..].iter().map(|it| it.connection);
        ids.collect::<std::collections::BTreeSet<u64>>().len()
    };
    assert_eq!(connections(&bench).await, 1);
    bench.on(FaultSurface::Token, FaultAction::Goaway);
    assert_eq!(
        connections(&bench).await,
        3,
        "the first one is the open one"
    );
    bench.mock.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_trust_the_authority_refuse_wrong_certificates() {
    let bench = Bench::start().await;
    let pem = std::fs::read(bench.mock.ca_file()).unwrap();
    let root = reqwest::Certificate::from_pem(&pem).unwrap();
    let get = async || {
        // A client for each request: handshakes are what is touched.
        let client = Client::builder().no_proxy().tls_certs_only([root.clone()]);
        let url = bench.tenant.token_endpoint();
        client.build().unwrap().get(url).send().await
    };
    assert_eq!(get().await.unwrap().status(), 405);
    for wrong in [
        WrongCertificate::Expired,
        WrongCertificate::Untrusted,
        WrongCertificate::WrongHost,
    ] {
        bench.on(FaultSurface::Token, FaultAction::Tls(wrong));
        let journal = bench.mock.journal();
        let before = journal.position();
        let error = get().await.unwrap_err();
        let mut chain = format!("{error}");
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            chain = format!("{chain}: {inner}");
            source = inner.source();
        }
        let says = match wrong {
            WrongCertificate::Expired => "certificate expired",
            WrongCertificate::Untrusted => "BadSignature",
            WrongCertificate::WrongHost => "not valid for name",
        };
        assert!(chain.contains(says), "{wrong:?}: {chain}");
        let deadline = std::time::Duration::from_secs(10);
        let first = journal.wait_for(before, deadline, |_| true).await;
        let handshake = first.expect("the handshake is noted");
        let seen = (handshake.surface, handshake.status);
        assert_eq!(seen, (crate::journal::Surface::Tls, 495));
        assert!(handshake.fault.as_ref().unwrap().starts_with("tls (fault "));
    }
    bench.tenant.clear_faults();
    assert_eq!(get().await.unwrap().status(), 405);
    bench.mock.stop().await;
}

#[test]
fn every_kind_of_fault_is_seen_by_a_client_in_one_of_these_tests() {
    let here = concat!(include_str!("tests.rs"), include_str!("tests/id_tokens.rs"));
    let kinds = FaultAction::names();
    let unseen: Vec<_> = kinds
        .iter()
        .filter(|kind| {
            let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
            let variant: String = kind.split('-').map(capital).collect();
            !here.contains(&format!("FaultAction::{variant}"))
        })
        .collect();
    assert!(unseen.is_empty(), "no client sees these: {unseen:?}");
    assert!(kinds.len() > 20, "{kinds:?}");
}

/// The address of the content of a file that is in Alice's drive.
async fn content_of(bench: &Bench, path: &str) -> String {
    let put = Event::PutFile {
        user: "alice".to_owned(),
        path: path.to_owned(),
        text: Some("The plan".to_owned()),
        keep_both: None,
    };
    bench.tenant.event(&put).unwrap();
    let role = Event::GrantAppRole {
        app: "daemon-secret".to_owned(),
        role: "Files.Read.All".to_owned(),
    };
    bench.tenant.event(&role).unwrap();
    let token: serde_json::Value = bench.token().await.unwrap().json().await.unwrap();
    let upn = &bench.tenant.describe().users["alice"].upn;
    let url = format!("{}/v1.0/users/{upn}/drive/root:/{path}", bench.root);
    let asked = bench.client.get(url);
    let asked = asked.bearer_auth(token["access_token"].as_str().unwrap());
    let item: serde_json::Value = asked.send().await.unwrap().json().await.unwrap();
    item["@microsoft.graph.downloadUrl"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_fault_reaches_the_addresses_of_contents_which_have_no_token() {
    let bench = Bench::start().await;
    let address = content_of(&bench, "Plan.txt").await;
    let status = async || bench.client.get(&address).send().await.unwrap().status();
    assert_eq!(status().await, 200);
    bench.on(FaultSurface::Graph, FaultAction::Status(503));
    assert_eq!(status().await, 503);
}

#[tokio::test]
async fn a_fault_collects_no_content_of_more_than_256_mib() {
    let bench = Bench::start().await;
    let address = content_of(&bench, "Large.bin").await;
    bench.on(FaultSurface::Graph, FaultAction::Truncate);
    let cut = bench.client.get(&address).send().await.unwrap();
    cut.bytes().await.unwrap_err();
    let world = &bench.mock.core.world;
    let tenants = world.tenants();
    let tenant = tenants
        .iter()
        .find(|it| it.id == bench.tenant.id())
        .unwrap();
    // The same piece again and again takes no room.
    let piece = Blob::of(&world.contents, &vec![7; 1 << 20]).unwrap();
    let mut large = piece.clone();
    (0..256).for_each(|_| large.append(&piece));
    let length = large.length();
    let by = Identity {
        user: None,
        app: None,
    };
    tenant.write_drives(|drives| {
        let id = drives.all().next().unwrap().id.clone();
        let drive = drives.get_mut(&id).unwrap();
        let item = drive.list(id::ROOT, None).next().unwrap().1.id;
        drive.write(item, large, by, tenant.now()).unwrap();
    });
    let mut whole = bench.client.get(&address).send().await.unwrap();
    let mut read = 0;
    while let Some(piece) = whole.chunk().await.unwrap() {
        read += piece.len() as u64;
    }
    assert_eq!(read, length);
    let exchanges = bench.mock.journal().exchanges_since(0);
    let told = exchanges.last().unwrap().unsupported.as_deref();
    assert!(
        told.is_some_and(|it| it.contains("more than 256 MiB")),
        "{told:?}"
    );
}
