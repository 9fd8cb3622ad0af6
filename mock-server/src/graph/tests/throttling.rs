//! Graph's own limits over the tenant's time.

use jiff::SignedDuration;
use serde_json::json;

use super::*;

impl Bench {
    fn limited() -> Self {
        let bench = Self::new();
        bench
            .tenant
            .write(|it| it.switches.throttling_limits = true);
        bench
    }

    /// A request many times with one token, all of them good; the last answer.
    async fn many(&self, token: &Token, path: &str, times: usize) -> Answer {
        let bearer = format!("Bearer {}", self.token(token));
        let mut last = None;
        for _ in 0..times {
            let request = Request::get(path).header("authorization", &bearer);
            let answer = self.answer(request.body(Body::empty()).unwrap()).await;
            last = Some(answer.expect(200));
        }
        last.unwrap()
    }
}

#[tokio::test]
async fn ten_thousand_requests_to_a_mailbox_in_ten_minutes() {
    let bench = Bench::limited();
    let app = bench.app_only(&["Mail.Read"]);
    let alice = "/v1.0/users/alice@contoso.onmicrosoft.com/mailFolders/$count";
    bench.many(&app, alice, 9_999).await;
    // What is not permitted does not count.
    bench
        .get(&bench.app_only(&["User.Read.All"]), alice)
        .await
        .expect(403);
    bench.get(&app, alice).await.expect(200);
    bench.tenant.clock.advance(SignedDuration::from_mins(4));
    // A delegated token of the same app counts to the same mailbox.
    let own = bench.delegated("alice", &["Mail.Read"]);
    for (token, path) in [(&app, alice), (&own, "/v1.0/me/mailFolders/$count")] {
        let answer = bench.get(token, path).await.expect(429);
        assert_eq!(answer.body["error"]["code"], "ApplicationThrottled");
        assert_eq!(answer.header("retry-after"), "360");
    }
    let bob = "/v1.0/users/bob@contoso.onmicrosoft.com/mailFolders/$count";
    bench.get(&app, bob).await.expect(200);
    bench.tenant.clock.advance(SignedDuration::from_secs(359));
    bench.get(&app, alice).await.expect(429);
    bench.tenant.clock.advance(SignedDuration::from_secs(1));
    bench.get(&app, alice).await.expect(200);
}

#[tokio::test]
async fn without_the_switch_nothing_is_counted() {
    let bench = Bench::new();
    let app = bench.app_only(&["Policy.Read.All"]);
    let path = "/v1.0/identity/conditionalAccess/policies";
    bench.many(&app, path, 3).await;
}

#[tokio::test]
async fn requests_of_the_directory_cost_resource_units() {
    let bench = Bench::new();
    let app = bench.app_only(&["User.Read.All", "Application.Read.All"]);
    for (path, cost) in [
        ("/v1.0/users", "2"),
        ("/v1.0/users?$select=id", "1"),
        ("/v1.0/users?$top=5", "1"),
        ("/v1.0/users?$top=5&$select=id", "1"),
        ("/v1.0/users/alice@contoso.onmicrosoft.com", "1"),
        ("/v1.0/applications", "2"),
    ] {
        let answer = bench.get(&app, path).await.expect(200);
        assert_eq!(answer.header("x-ms-resource-unit"), cost, "{path}");
    }
    let mail = bench.app_only(&["Mail.Read"]);
    let path = "/v1.0/users/alice@contoso.onmicrosoft.com/messages";
    let answer = bench.get(&mail, path).await.expect(200);
    assert_eq!(answer.header("x-ms-resource-unit"), "");
}

#[tokio::test]
async fn resource_units_run_out_and_come_back() {
    let bench = Bench::limited();
    let app = bench.app_only(&["User.Read.All"]);
    let answer = bench.many(&app, "/v1.0/users", 1_400).await;
    assert_eq!(answer.header("x-ms-throttle-limit-percentage"), "");
    let answer = bench.many(&app, "/v1.0/users", 350).await;
    assert_eq!(answer.header("x-ms-throttle-limit-percentage"), "1.00");
    let answer = bench.get(&app, "/v1.0/users").await.expect(429);
    assert_eq!(answer.body["error"]["code"], "TooManyRequests");
    assert_eq!(answer.header("retry-after"), "10");
    let information = answer.header("x-ms-throttle-information");
    assert_eq!(information, "ResourceUnitLimitExceeded");
    let scope = format!(
        "Tenant_Application/ReadWrite/{}/{}",
        client(),
        bench.tenant.id
    );
    assert_eq!(answer.header("x-ms-throttle-scope"), scope);
    bench.tenant.clock.advance(SignedDuration::from_secs(10));
    bench.get(&app, "/v1.0/users").await.expect(200);
}

#[tokio::test]
async fn writes_have_a_limit_of_their_own() {
    let bench = Bench::limited();
    let app = bench.app_only(&["User.ReadWrite.All"]);
    let path = "/v1.0/users/alice@contoso.onmicrosoft.com";
    let bearer = format!("Bearer {}", bench.token(&app));
    let write = async || {
        let request = Request::patch(path)
            .header("authorization", &bearer)
            .header("content-type", "application/json");
        let body = json!({"city": "Bonn"}).to_string();
        bench.answer(request.body(Body::from(body)).unwrap()).await
    };
    for _ in 0..3_000 {
        write().await.expect(204);
    }
    let answer = write().await.expect(429);
    assert_eq!(
        answer.header("x-ms-throttle-information"),
        "WriteLimitExceeded"
    );
    assert!(
        answer
            .header("x-ms-throttle-scope")
            .starts_with("Tenant_Application/Write/")
    );
    // Reads may pass while writes are throttled.
    bench.get(&app, path).await.expect(200);
    bench.tenant.clock.advance(SignedDuration::from_secs(150));
    write().await.expect(204);
}

#[tokio::test]
async fn policies_are_read_once_a_second_without_a_word_when_to_come_back() {
    let bench = Bench::limited();
    let app = bench.app_only(&["Policy.Read.All"]);
    let path = "/v1.0/identity/conditionalAccess/policies";
    bench.get(&app, path).await.expect(200);
    let answer = bench.get(&app, path).await.expect(429);
    assert_eq!(answer.header("retry-after"), "");
    bench.tenant.clock.advance(SignedDuration::from_secs(1));
    bench.get(&app, path).await.expect(200);
}

#[tokio::test]
async fn sharepoint_counts_resource_units_and_tells_them_from_four_fifths_on() {
    let bench = Bench::limited();
    let app = bench.app_only(&["Sites.Read.All", "Files.Read.All"]);
    // Two units each, 1,250 in a minute.
    let path = "/v1.0/sites/root/lists";
    let before = bench.many(&app, path, 499).await;
    assert_eq!(before.header("ratelimit-remaining"), "");
    let told = bench.get(&app, path).await.expect(200);
    assert_eq!(told.header("ratelimit-limit"), "1250");
    assert_eq!(told.header("ratelimit-remaining"), "250");
    assert_eq!(told.header("ratelimit-reset"), "60");
    // One thing costs one.
    let one = bench.get(&app, "/v1.0/sites/root/drive").await.expect(200);
    assert_eq!(one.header("ratelimit-remaining"), "249");
    bench.many(&app, path, 124).await;
    bench.tenant.clock.advance(SignedDuration::from_secs(20));
    let refused = bench.get(&app, path).await.expect(429);
    assert_eq!(refused.body["error"]["code"], "activityLimitReached");
    assert_eq!(
        refused.body["error"]["innerError"]["code"],
        "throttledRequest"
    );
    assert_eq!(refused.header("retry-after"), "40");
    assert_eq!(refused.header("ratelimit-remaining"), "0");
    bench.tenant.clock.advance(SignedDuration::from_secs(40));
    bench.get(&app, path).await.expect(200);
}
