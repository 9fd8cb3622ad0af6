use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::Redaction;
use super::*;

fn exchange(grant: &str, status: u16) -> Exchange {
    serde_json::from_value(serde_json::json!({
        "number": 0, "at": "2026-01-15T12:00:00Z", "elapsed_micros": 1, "via": null,
        "connection": 1, "cloud": "global", "environment": "office365", "surface": "token",
        "endpoint": null, "method": "POST", "origin": "https://localhost:8443", "path": "/t/token",
        "query": [], "request_headers": [], "form": [], "request_body": null, "status": status,
        "response_headers": [], "response_body": null, "tenant": null, "tenant_time": null,
        "client": "11111111-1111-4111-8111-111111111111", "user": null, "grant": grant,
        "aadsts": if status == 400 { vec![50173] } else { vec![] }, "error": null,
        "decision": null, "tokens": [], "fault": null, "unsupported": null
    }))
    .unwrap()
}

fn journal() -> Journal {
    let journal = Journal::new(100, Redaction::On);
    journal.exchange(exchange("authorization_code", 200));
    journal.exchange(exchange("refresh_token", 200));
    journal.exchange(exchange("refresh_token", 400));
    journal
}

fn message(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    *payload.downcast::<String>().unwrap()
}

#[test]
fn expectations_that_hold_hand_out_the_exchanges() {
    let journal = journal();
    let client: ApplicationId = "11111111-1111-4111-8111-111111111111".parse().unwrap();
    let refused = journal
        .expect()
        .grant("refresh_token")
        .for_client(client)
        .answered(400)
        .once();
    assert_eq!(refused.number, 3);
    journal.expect().refused_with(50173).at_most(1);
    journal.expect().at(Surface::Graph).never();
    assert_eq!(
        journal.expect().request("POST", "/t/token").times(3).len(),
        3
    );
    journal.expect().since(2).at_least(1);
    journal
        .expect()
        .that("answered in time", |it| it.elapsed_micros < 1000)
        .times(3);
}

#[test]
fn a_failure_says_what_was_expected_and_prints_the_exchanges() {
    let journal = journal();
    let text = message(|| {
        journal
            .expect()
            .grant("refresh_token")
            .answered(400)
            .at_least(2);
    });
    assert!(
        text.starts_with("expected at least 2 times: grant refresh_token, answered 400\n"),
        "{text}"
    );
    assert!(text.contains("found 1 of 3 exchanges"), "{text}");
    assert!(text.contains("> #3"), "{text}");
    assert!(text.contains("  #2"), "{text}");
    assert!(text.contains("AADSTS50173"), "{text}");

    for wrong in [
        message(|| journal.expect().grant("refresh_token").never()),
        message(|| drop(journal.expect().once())),
        message(|| drop(journal.expect().times(2))),
        message(|| drop(journal.expect().since(1).at_most(1))),
    ] {
        assert!(wrong.contains("exchanges"), "{wrong}");
    }
}

#[tokio::test]
async fn an_expectation_waits_for_what_is_to_come() {
    let journal = journal();
    let later = async {
        tokio::task::yield_now().await;
        journal.exchange(exchange("device_code", 200));
    };
    let patience = Duration::from_secs(10);
    let expected = journal.expect().grant("device_code").within(patience);
    let (found, ()) = tokio::join!(expected.once(), later);
    assert_eq!(found.number, 4);
    let short = Duration::from_millis(1);
    journal
        .expect()
        .grant("password")
        .within(short)
        .never()
        .await;
    journal.expect().within(short).at_most(4).await;
}

#[tokio::test]
#[should_panic(expected = "expected once: grant password")]
async fn an_expectation_that_is_not_met_in_time_fails() {
    let journal = journal();
    let short = Duration::from_millis(1);
    let _ = journal
        .expect()
        .grant("password")
        .within(short)
        .once()
        .await;
}
