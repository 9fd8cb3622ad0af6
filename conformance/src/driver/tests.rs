use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

use super::*;
use crate::case::Category;
use crate::protocol::{MESSAGE_LIMIT, Request};
use crate::reference::Store;

pub(super) const LIMIT: Duration = Duration::from_millis(300);

/// A driver that answers each line with these bytes; `{id}` is the request's id.
fn driver(answer: impl Into<String>) -> Session {
    let answer = answer.into();
    let (ours, theirs) = tokio::io::duplex(1 << 20);
    tokio::spawn(async move {
        let (reader, mut writer) = tokio::io::split(theirs);
        let mut lines = BufReader::new(reader).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let message: serde_json::Value = serde_json::from_str(&line).unwrap();
            let text = answer.replace("{id}", &message["id"].to_string());
            if writer.write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
    });
    let (reader, writer) = tokio::io::split(ours);
    Session::new(Spawned::new(reader, writer))
}

pub(super) async fn ask(session: &mut Session) -> Result<Reply, DriverError> {
    session.ask(&Request::Settle {}, LIMIT).await
}

#[tokio::test]
async fn an_answer_is_a_result_or_a_failure() {
    let mut session = driver("{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{}}\n");
    assert_eq!(ask(&mut session).await, Ok(Reply::Result(json!({}))));
    let mut session = driver(
        "{\"id\":{id},\"error\":{\"code\":-32000,\"message\":\"wait\",\"data\":{\"category\":\"throttled\",\"retry_after\":2}}}\n",
    );
    let Ok(Reply::Failure(failure)) = ask(&mut session).await else {
        panic!("a failure")
    };
    assert_eq!(failure.category, Category::Throttled);
    assert_eq!(
        (failure.message.as_str(), failure.retry_after),
        ("wait", Some(2.0))
    );
    let mut session = driver("{\"id\":{id},\"error\":{\"code\":-32601,\"message\":\"none\"}}\n");
    assert_eq!(ask(&mut session).await, Ok(Reply::UnknownMethod));
}

#[tokio::test]
async fn a_banner_on_standard_output_is_quoted() {
    let mut session = driver("Acme connector 1.0 is ready\n");
    let error = ask(&mut session).await.unwrap_err();
    assert_eq!(
        error,
        DriverError::NotJson("Acme connector 1.0 is ready".to_owned())
    );
    assert!(
        error
            .to_string()
            .contains("standard output is for the protocol only"),
        "{error}"
    );
}

#[tokio::test]
async fn an_id_of_another_type_does_not_fit() {
    let mut session = driver("{\"id\":\"{id}\",\"result\":{}}\n");
    let error = ask(&mut session).await.unwrap_err();
    assert!(matches!(error, DriverError::Misfit { .. }), "{error}");
}

#[tokio::test]
async fn a_second_answer_does_not_fit() {
    let twice = "{\"id\":{id},\"result\":{}}\n{\"id\":{id},\"result\":{}}\n";
    let mut session = driver(twice);
    assert!(ask(&mut session).await.is_ok());
    let error = ask(&mut session).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("second or late answer to request 1"),
        "{error}"
    );
}

#[tokio::test]
async fn a_driver_that_says_nothing_runs_out_of_time() {
    let mut session = driver("");
    let error = ask(&mut session).await.unwrap_err();
    assert!(matches!(error, DriverError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn a_line_without_end_is_refused() {
    let mut session = driver("x".repeat(MESSAGE_LIMIT + 2));
    let limit = Duration::from_secs(20);
    let error = session.ask(&Request::Settle {}, limit).await.unwrap_err();
    assert_eq!(error, DriverError::TooLong);
}

#[tokio::test]
async fn notifications_on_the_way_are_kept() {
    let log = "{\"method\":\"log\",\"params\":{\"level\":\"info\",\"text\":\"hello\"}}\n";
    let unknown = "{\"method\":\"of-a-later-version\",\"params\":{}}\n";
    let mut session = driver(format!("{log}{unknown}{{\"id\":{{id}},\"result\":{{}}}}\n"));
    assert!(ask(&mut session).await.is_ok());
    let next = session
        .next(&[], "settle", Deadline::after(LIMIT))
        .await
        .unwrap();
    assert!(matches!(next, Incoming::Notification(_)), "{next:?}");
}

#[tokio::test]
async fn a_command_that_is_none_is_told() {
    let source: Source = "/no/such/driver".parse().unwrap();
    let error = source
        .start(&[], &[], &Store::default())
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("cannot run the connector '/no/such/driver'"),
        "{error}"
    );
}

/// A driver that says this again and again, and nothing else.
fn chatter(line: &'static str, pause: Duration) -> Session {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        while theirs.write_all(line.as_bytes()).await.is_ok() {
            let _ = tokio::time::timeout(pause, std::future::pending::<()>()).await;
        }
    });
    let (reader, writer) = tokio::io::split(ours);
    Session::new(Spawned::new(reader, writer))
}

const LOG: &str = "{\"method\":\"log\",\"params\":{\"text\":\"still here\"}}\n";

#[tokio::test]
async fn a_driver_that_talks_without_answering_runs_out_of_time() {
    let mut session = chatter(LOG, Duration::from_millis(20));
    let asked = tokio::time::timeout(Duration::from_secs(10), ask(&mut session));
    let error = asked.await.expect("the limit is absolute").unwrap_err();
    assert!(matches!(error, DriverError::Timeout { .. }), "{error}");
}

#[tokio::test]
async fn a_driver_that_talks_without_end_is_not_listened_to() {
    let mut session = chatter(LOG, Duration::ZERO);
    let limit = Duration::from_mins(1);
    let error = session.ask(&Request::Settle {}, limit).await.unwrap_err();
    assert!(matches!(error, DriverError::TooMuch { .. }), "{error}");
    // What is kept has a bound of its own; a new case has a new budget.
    let kept: usize = session.take_conversation().iter().map(String::len).sum();
    assert!(kept <= 5 << 20, "{kept}");
    session.begin_case();
    let error = session.ask(&Request::Settle {}, LIMIT).await.unwrap_err();
    assert!(
        matches!(
            error,
            DriverError::Timeout { .. } | DriverError::TooMuch { .. }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_driver_that_does_not_read_runs_out_of_time() {
    let (ours, _theirs) = tokio::io::duplex(64);
    let (reader, writer) = tokio::io::split(ours);
    let mut session = Session::new(Spawned::new(reader, writer));
    let long = json!({"connection": "x".repeat(1000)});
    let error = session.ask_raw("status", long, LIMIT).await.unwrap_err();
    assert!(matches!(error, DriverError::Timeout { .. }), "{error}");
}
