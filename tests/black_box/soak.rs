//! A scripted day: 24 hours of virtual time with 200 tenants, in which people sign in, apps work,
//! administrators interfere and things go wrong, all drawn from one seed.
//!
//! The server must survive it without a panic, answer nothing that no fault explains, note every
//! exchange once, and need no more memory in the evening than in the morning.

use std::collections::BTreeSet;
use std::time::Duration;

use entra_black_box::Server;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_of_two_hundred_tenants_leaves_no_trace_but_the_journal() {
    let server = Server::start(&["--plain-http", "--random-seed", &SEED.to_string()]);
    let client = Client::builder()
        .no_proxy()
        .timeout(Duration::from_mins(1))
        .build()
        .expect("a client");
    let mut journal = Journal::new(&client, server.get("/control"));
    let mut tenants = Vec::new();
    for number in 0..TENANTS {
        tenants.push(Tenant::create(&client, server.get("/control"), number).await);
    }
    journal.skip().await;
    let mut morning = 0;
    for hour in 0..24 {
        let mut day = Vec::new();
        for group in chunks(tenants) {
            day.push(tokio::spawn(async move {
                let mut group = group;
                let mut sent = Sent::default();
                for tenant in &mut group {
                    sent.add(tenant.hour(hour).await);
                }
                (group, sent)
            }));
        }
        let mut sent = Sent::default();
        tenants = Vec::new();
        for part in day {
            let (group, requests) = part.await.expect("no client panics");
            tenants.extend(group);
            sent.add(requests);
        }
        journal.account_for(&sent).await;
        // By then every mailbox that is ever opened is open, and the journal is full.
        if hour == 8 {
            morning = resident(&server);
        }
    }
    let evening = resident(&server);
    let refusals: u32 = tenants.iter().map(|it| it.refused).sum();
    let answers: u32 = tenants.iter().map(|it| it.answered).sum();
    let faults: u32 = tenants.iter().map(|it| it.touched).sum();
    println!(
        "{} exchanges, {answers} answers, {refusals} refusals, {faults} with a fault set; \
         {morning} KiB in the morning, {evening} KiB in the evening",
        journal.exchanges
    );
    assert!(refusals > 100, "a day without refusals: {refusals}");
    assert!(faults > 100, "a day without faults: {faults}");
    assert!(answers > 1000, "a day without work: {answers}");
    assert!(
        evening < morning + GROWTH,
        "{morning} KiB in the morning, {evening} KiB in the evening"
    );
    let said = server.end();
    assert!(!said.contains("panicked"), "{said}");
}

/// The ids of requests to the mocked services.
#[derive(Default)]
struct Sent {
    /// With an answer.
    answered: BTreeSet<String>,
    /// Broken by a fault: some never arrived, where a connection was on its way down.
    broken: BTreeSet<String>,
}

impl Sent {
    fn add(&mut self, more: Self) {
        self.answered.extend(more.answered);
        self.broken.extend(more.broken);
    }
}

/// A tenant, with what its clients hold.
struct Tenant {
    client: Client,
    random: ChaCha8Rng,
    name: String,
    control: String,
    /// Authority and Graph on plain HTTP.
    root: String,
    resource: String,
    apps: Value,
    users: Value,
    refresh: Option<String>,
    access: Option<String>,
    /// Whether a fault may touch what is sent.
    faulty: bool,
    sent: Sent,
    answered: u32,
    refused: u32,
    touched: u32,
}

impl Tenant {
    async fn create(client: &Client, control: &str, number: u32) -> Self {
        let environment = ["office365", "us-gov-l4", "us-gov-l5", "china"][number as usize % 4];
        let made = client
            .post(format!("{control}/api/v1/tenants"))
            .json(&json!({"environment": environment}))
            .send()
            .await
            .expect("the control API answers");
        assert_eq!(made.status(), 201);
        let made: Value = made.json().await.expect("JSON");
        let text = |pointer: &str| {
            made.pointer(pointer)
                .and_then(Value::as_str)
                .expect(pointer)
        };
        let name = text("/tenant/id").to_owned();
        Self {
            client: client.clone(),
            random: ChaCha8Rng::seed_from_u64(SEED ^ u64::from(number)),
            control: format!("{control}/api/v1/tenants/{name}"),
            root: text("/authority").replace("https:", "http:"),
            resource: format!("https://{}", text("/graph_host")),
            apps: made["apps"].clone(),
            users: made["users"].clone(),
            name,
            refresh: None,
            access: None,
            faulty: false,
            sent: Sent::default(),
            answered: 0,
            refused: 0,
            touched: 0,
        }
    }

    /// What happens in an hour; returns the ids of the requests to the mocked services.
    async fn hour(&mut self, hour: u32) -> Sent {
        if hour == 0 {
            self.sign_in().await;
            self.read_mail().await;
        }
        for _ in 0..2 {
            match self.random.random_range(0..10) {
                0 => self.sign_in().await,
                1 | 2 => self.refresh().await,
                3 => self.work_as_an_app().await,
                4..=6 => self.read_mail().await,
                7 | 8 => self.event().await,
                _ => self.fault().await,
            }
        }
        let span = ["20m", "1h", "95m"][self.random.random_range(0..3)];
        self.tell("clock", &json!({"advance": span})).await;
        std::mem::take(&mut self.sent)
    }

    async fn sign_in(&mut self) {
        let form = [
            ("grant_type", "password".to_owned()),
            ("client_id", text(&self.apps, "/native-app/client_id")),
            ("username", text(&self.users, "/alice/upn")),
            ("password", text(&self.users, "/alice/password")),
            (
                "scope",
                format!("{}/Mail.ReadWrite offline_access", self.resource),
            ),
        ];
        self.token(&form).await;
    }

    async fn refresh(&mut self) {
        let Some(refresh) = self.refresh.clone() else {
            return self.sign_in().await;
        };
        let form = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", text(&self.apps, "/native-app/client_id")),
            ("refresh_token", refresh),
            (
                "scope",
                format!("{}/Mail.ReadWrite offline_access", self.resource),
            ),
        ];
        self.token(&form).await;
    }

    async fn work_as_an_app(&mut self) {
        let form = [
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", text(&self.apps, "/daemon-secret/client_id")),
            (
                "client_secret",
                text(&self.apps, "/daemon-secret/client_secret"),
            ),
            ("scope", format!("{}/.default", self.resource)),
        ];
        self.token(&form).await;
    }

    async fn token(&mut self, form: &[(&str, String)]) {
        let url = format!("{}/{}/oauth2/v2.0/token", self.root, self.name);
        let Some(tokens) = self.send(self.client.post(url).form(form)).await else {
            return;
        };
        let kept = |name: &str| tokens[name].as_str().map(str::to_owned);
        self.refresh = kept("refresh_token").or(self.refresh.take());
        self.access = kept("access_token").or(self.access.take());
    }

    async fn read_mail(&mut self) {
        let Some(access) = self.access.clone() else {
            return self.work_as_an_app().await;
        };
        let user = text(&self.users, "/alice/upn");
        let url = format!(
            "{}/v1.0/users/{user}/messages?$top=2&$select=subject",
            self.root
        );
        let host = self.resource.replace("https://", "");
        let request = self
            .client
            .get(url)
            .header("host", host)
            .bearer_auth(access);
        self.send(request).await;
    }

    /// Sends a request to a mocked service, under an id by which the journal is asked for it.
    async fn send(&mut self, request: RequestBuilder) -> Option<Value> {
        let id = format!("{}-{}", self.name, self.random.random::<u64>());
        self.touched += u32::from(self.faulty);
        let answer = request.header("client-request-id", &id).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                assert!(self.faulty, "no fault is set, and yet: {error:?}");
                self.sent.broken.insert(id);
                return None;
            }
        };
        self.sent.answered.insert(id);
        let status = answer.status();
        assert!(
            self.faulty || status.as_u16() < 500,
            "{status} without a fault"
        );
        self.refused += u32::from(!status.is_success());
        self.answered += u32::from(status.is_success());
        let body = answer.json().await;
        assert!(self.faulty || body.is_ok(), "{body:?} without a fault");
        body.ok()
    }

    async fn event(&mut self) {
        let events = [
            json!({"revoke-sessions": {"user": "alice"}}),
            json!({"change-password": {"user": "alice", "password": text(&self.users, "/alice/password")}}),
            json!({"disable-user": {"user": "alice"}}),
            json!({"enable-user": {"user": "alice"}}),
            json!({"delete-user": {"user": "bob"}}),
            json!({"restore-user": {"user": "bob"}}),
            json!({"revoke-consent": {"app": "native-app"}}),
            json!({"grant-consent": {"app": "native-app", "scopes": ["Mail.ReadWrite", "offline_access"]}}),
            json!({"disable-app": {"app": "daemon-secret"}}),
            json!({"enable-app": {"app": "daemon-secret"}}),
            json!({"revoke-app-role": {"app": "daemon-secret", "role": "Mail.Read"}}),
            json!({"grant-app-role": {"app": "daemon-secret", "role": "Mail.Read"}}),
            json!({"rotate-signing-key": {}}),
            json!({"expire-access-tokens": {}}),
            json!({"revoke-access-tokens": {"user": "alice"}}),
            json!({"set-user-consent-policy": {"user_consent": "none"}}),
            json!({"set-token-lifetime": {"seconds": 600}}),
            json!({"grant-mailbox-access": {"mailbox": "support", "user": "bob"}}),
            json!({"deliver-message": {"user": "alice", "subject": "Of the day"}}),
        ];
        let event = events.choose(&mut self.random).expect("there are some");
        self.tell("events", event).await;
    }

    async fn fault(&mut self) {
        if self.faulty {
            let cleared = self
                .client
                .delete(format!("{}/faults", self.control))
                .send()
                .await;
            assert_eq!(cleared.expect("the control API answers").status(), 204);
            self.faulty = false;
            return;
        }
        let actions = [
            json!({"status": 503}),
            json!({"throttle": {"retry-after": 7}}),
            json!({"reset": "before-headers"}),
            json!({"reset": "mid-body"}),
            json!("lose-response"),
            json!("truncate"),
            json!("empty"),
            json!("malformed-json"),
            json!("bad-signature"),
            json!("goaway"),
            json!({"delay": "1ms"}),
            json!({"event": {"revoke-sessions": {"user": "alice"}}}),
        ];
        let action = actions.choose(&mut self.random).expect("there are some");
        let fault = json!({"on": {"surface": ["token"]}, "when": {"chance": 0.5}, "do": action});
        self.tell("faults", &fault).await;
        self.faulty = true;
    }

    /// Says something to the control API, which may find that it does not fit the state.
    async fn tell(&self, resource: &str, body: &Value) {
        let url = format!("{}/{resource}", self.control);
        let answer = self.client.post(url).json(body).send().await;
        let status = answer.expect("the control API answers").status().as_u16();
        assert!(matches!(status, 200 | 201 | 204 | 409), "{body}: {status}");
    }
}

/// What the server noted, read as it goes.
struct Journal {
    client: Client,
    url: String,
    position: u64,
    exchanges: usize,
}

impl Journal {
    fn new(client: &Client, control: &str) -> Self {
        Self {
            client: client.clone(),
            url: format!("{control}/api/v1/journal"),
            position: 0,
            exchanges: 0,
        }
    }

    async fn newer(&mut self) -> Vec<Value> {
        let url = format!("{}?since={}", self.url, self.position);
        let answer = self
            .client
            .get(url)
            .send()
            .await
            .expect("the control API answers");
        let entries: Vec<Value> = answer.json().await.expect("JSON");
        if let Some(last) = entries.last() {
            self.position = last["number"].as_u64().expect("a number");
        }
        entries
    }

    async fn skip(&mut self) {
        self.newer().await;
    }

    /// Every request with an answer stands in the journal, once, and nothing else that was not
    /// sent does; no number is missing.
    async fn account_for(&mut self, sent: &Sent) {
        let mut noted = BTreeSet::new();
        // An answer that breaks off is noted after the client has seen it: late, but soon.
        for _ in 0..NOTED_WITHIN_READS {
            let before = self.position;
            let entries = self.newer().await;
            let numbers = entries.iter().filter_map(|it| it["number"].as_u64());
            let numbers: Vec<u64> = numbers.collect();
            let expected: Vec<u64> = (before + 1..=self.position).collect();
            assert_eq!(numbers, expected, "numbers are missing");
            for exchange in entries.iter().filter(|it| it["kind"] == "exchange") {
                let headers = exchange["request_headers"].as_array().expect("headers");
                let id = headers.iter().find(|it| it[0] == "client-request-id");
                let id = id.and_then(|it| it[1].as_str()).expect("an id");
                assert!(noted.insert(id.to_owned()), "{id} is noted twice");
            }
            if noted.is_superset(&sent.answered) {
                break;
            }
        }
        self.exchanges += noted.len();
        let lost: Vec<_> = sent.answered.difference(&noted).take(5).collect();
        let strange = noted.difference(&sent.answered);
        let strange: Vec<_> = strange
            .filter(|id| !sent.broken.contains(*id))
            .take(5)
            .collect();
        assert!(
            lost.is_empty() && strange.is_empty(),
            "sent, and not noted: {lost:?}; noted, and not sent: {strange:?}"
        );
    }
}

fn chunks(mut tenants: Vec<Tenant>) -> Vec<Vec<Tenant>> {
    let mut groups = Vec::new();
    while !tenants.is_empty() {
        let rest = tenants.split_off(tenants.len().min(GROUP));
        groups.push(std::mem::replace(&mut tenants, rest));
    }
    groups
}

fn text(from: &Value, pointer: &str) -> String {
    let value = from.pointer(pointer).and_then(Value::as_str);
    value
        .unwrap_or_else(|| panic!("no {pointer} in {from}"))
        .to_owned()
}

/// Resident memory in KiB.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id()));
    let status = status.expect("this runs on Linux");
    let line = status.lines().find(|it| it.starts_with("VmRSS:"));
    let number = line.and_then(|it| it.split_whitespace().nth(1)?.parse().ok());
    number.expect("VmRSS in KiB")
}

const SEED: u64 = 24;

const TENANTS: u32 = 200;

/// How many tenants one client looks after.
const GROUP: usize = 25;

/// How often the journal is read until all of an hour stands in it.
const NOTED_WITHIN_READS: usize = 1000;

/// What the evening may have more than the morning, in KiB: messages that arrived, some 2,000 records of
/// sign-ins with 4 KiB each, and what the allocator keeps.
const GROWTH: u64 = 16 * 1024;
