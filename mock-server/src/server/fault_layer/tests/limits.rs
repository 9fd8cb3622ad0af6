//! Graph's limit of requests in flight, with real requests that a fault holds up.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::*;

impl Bench {
    fn limited(&self) {
        let tenant = self.mock.world().tenant_anywhere(self.tenant.id()).unwrap();
        tenant.write(|it| it.switches.mailbox_concurrency = true);
        self.on(
            FaultSurface::Graph,
            FaultAction::Delay("1s".parse().unwrap()),
        );
    }

    async fn app_token(&self) -> String {
        let body: Value = self.token().await.unwrap().json().await.unwrap();
        body["access_token"].as_str().unwrap().to_owned()
    }

    async fn messages(&self, token: &str, user: &str) -> Response {
        let upn = &self.tenant.describe().users[user].upn;
        let url = format!("{}/v1.0/users/{upn}/messages", self.root);
        self.client
            .get(url)
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fifth_request_to_a_mailbox_is_refused_while_four_are_in_flight() {
    let bench = Bench::start().await;
    bench.limited();
    let token = bench.app_token().await;
    let alice = (0..6).map(|_| bench.messages(&token, "alice"));
    let bob = (0..2).map(|_| bench.messages(&token, "bob"));
    let (alice, bob) = tokio::join!(join_all(alice), join_all(bob));
    assert!(bob.iter().all(|it| it.status() == 200));
    let (good, refused): (Vec<_>, Vec<_>) = alice.into_iter().partition(|it| it.status() == 200);
    assert_eq!((good.len(), refused.len()), (4, 2));
    for answer in refused {
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers()["retry-after"], "1");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "ApplicationThrottled");
        let text = "Application is over its MailboxConcurrency limit.";
        assert_eq!(body["error"]["message"], text);
    }
    // Answered requests leave their places.
    assert_eq!(bench.messages(&token, "alice").await.status(), 200);
    bench.mock.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_takes_four_places_and_a_chain_takes_one() {
    let bench = Bench::start().await;
    bench.limited();
    let token = bench.app_token().await;
    let upn = bench.tenant.describe().users["alice"].upn.clone();
    let batch = async |parts: usize, chained: bool| {
        let requests: Vec<Value> = (0..parts)
            .map(|at| {
                let mut part = json!({
                    "id": at.to_string(), "method": "GET",
                    "url": format!("/users/{upn}/messages?$top=1"),
                });
                if chained && at > 0 {
                    part["dependsOn"] = json!([(at - 1).to_string()]);
                }
                part
            })
            .collect();
        let url = format!("{}/v1.0/$batch", bench.root);
        let sent = bench.client.post(url).bearer_auth(&token);
        let answer = sent
            .json(&json!({"requests": requests}))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        let body: Value = answer.json().await.unwrap();
        let responses = body["responses"].as_array().unwrap().clone();
        responses
            .into_iter()
            .filter(|it| it["status"] == 429)
            .collect::<Vec<_>>()
    };
    // A batch never stands in its own way.
    assert!(batch(6, false).await.is_empty());
    // Two of them stand in each other's: one that has four places uses them again for its other
    // parts, two that share them do not.
    let (one, other) = tokio::join!(batch(6, false), batch(6, false));
    let refused = [one, other].concat();
    assert!((6..=8).contains(&refused.len()), "{refused:?}");
    assert_eq!(refused[0]["headers"]["Retry-After"], "1");
    assert_eq!(refused[0]["body"]["error"]["code"], "ApplicationThrottled");
    let (one, other) = tokio::join!(batch(3, true), batch(3, true));
    assert!(one.is_empty() && other.is_empty());
    bench.mock.stop().await;
}
