//! What Graph costs: a list, one message, a filter, a search, over HTTP to a mock in this process.
//!
//! `cargo bench -p entra-mock --bench graph`; beside nginx, and with many messages: `tests/load/run`.

use divan::Bencher;
use entra_mock::MockEntra;
use entra_mock::environment::Environment;
use serde_json::Value;
use tokio::runtime::Runtime;

fn main() {
    divan::main();
}

/// A mock with a mailbox, and a client that may read it.
struct Bench {
    runtime: Runtime,
    client: reqwest::Client,
    messages: String,
    token: String,
    _mock: MockEntra,
}

impl Bench {
    fn new() -> Self {
        let runtime = Runtime::new().expect("threads can be started");
        let (client, messages, token, mock) = runtime.block_on(async {
            let mock = MockEntra::start().await.expect("the mock starts");
            let tenant = mock.create_tenant(Environment::Office365);
            let trust = reqwest::Certificate::from_pem(mock.ca_pem().as_bytes());
            let client = reqwest::Client::builder()
                .tls_certs_only([trust.expect("a certificate")])
                .build()
                .expect("a client");
            let about = tenant.describe();
            let daemon = about.apps["daemon-secret"]
                .client_credentials("https://graph.microsoft.com/.default");
            let answer = client
                .post(tenant.token_endpoint())
                .form(&daemon)
                .send()
                .await;
            let answer: Value = answer.expect("an answer").json().await.expect("JSON");
            let token = answer["access_token"].as_str().expect("a token").to_owned();
            let messages = format!(
                "{}/v1.0/users/{}/messages",
                mock.graph(Environment::Office365),
                about.users["alice"].upn
            );
            (client, messages, token, mock)
        });
        Self {
            runtime,
            client,
            messages,
            token,
            _mock: mock,
        }
    }

    fn get(&self, address: &str) -> Vec<u8> {
        self.runtime.block_on(async {
            let request = self.client.get(address).bearer_auth(&self.token);
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 200);
            answer.bytes().await.expect("the whole of it").to_vec()
        })
    }

    fn run(&self, bencher: Bencher<'_, '_>, rest: &str) {
        let address = format!("{}{rest}", self.messages);
        bencher.bench(|| self.get(&address));
    }
}

#[divan::bench]
fn list_of_ten(bencher: Bencher<'_, '_>) {
    Bench::new().run(bencher, "?$top=10");
}

#[divan::bench]
fn one_message(bencher: Bencher<'_, '_>) {
    let bench = Bench::new();
    let list: Value = serde_json::from_slice(&bench.get(&bench.messages)).expect("JSON");
    let id = list["value"][0]["id"].as_str().expect("an id");
    bench.run(bencher, &format!("/{id}"));
}

#[divan::bench]
fn filter_that_few_pass(bencher: Bencher<'_, '_>) {
    Bench::new().run(bencher, "?$filter=contains(subject,'budget')");
}

#[divan::bench]
fn search(bencher: Bencher<'_, '_>) {
    Bench::new().run(bencher, "?$search=\"budget\"");
}
