//! Drivers that are processes, in a shell.

use std::time::Duration;

use serde_json::json;

use super::tests::ask;
use super::*;
use crate::protocol::Request;
use crate::reference::Store;

#[tokio::test]
async fn a_process_that_ends_is_told_with_its_standard_error() {
    let source: Source = "sh -c 'echo no such file >&2; exit 7'".parse().unwrap();
    let mut session = Session::new(source.start(&[], &[], &Store::default()).await.unwrap());
    let error = ask(&mut session).await.unwrap_err();
    assert_eq!(error, DriverError::Ended("settle".to_owned()));
    assert_eq!(session.stderr(), ["no such file"]);
}

#[tokio::test]
async fn children_of_a_driver_end_with_it() {
    // The child keeps standard output open; without it being ended the read below would hang.
    let source: Source = "sh -c 'sleep 600 & echo $! >&2; wait'".parse().unwrap();
    let mut session = Session::new(source.start(&[], &[], &Store::default()).await.unwrap());
    assert!(matches!(
        ask(&mut session).await,
        Err(DriverError::Timeout { .. })
    ));
    let child: i32 = session.stderr()[0].trim().parse().unwrap();
    drop(session);
    assert_gone(child).await;
}

async fn assert_gone(child: i32) {
    let gone = || {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        // Killed, and perhaps not yet reaped by its new parent.
        stat.is_empty() || stat.contains(") Z ")
    };
    let deadline = tokio::time::timeout(Duration::from_secs(5), async {
        while !gone() {
            tokio::task::yield_now().await;
        }
    });
    deadline.await.expect("the child has ended");
}

#[tokio::test]
async fn a_driver_that_waits_for_the_end_of_its_input_ends() {
    let source: Source =
        "sh -c 'read a; echo \"{\\\"id\\\":1,\\\"result\\\":{}}\"; read b; exit 0'"
            .parse()
            .unwrap();
    let mut session = Session::new(source.start(&[], &[], &Store::default()).await.unwrap());
    let answered = session
        .ask(&Request::Shutdown {}, Duration::from_secs(5))
        .await;
    assert_eq!(answered, Ok(Reply::Result(json!({}))));
    assert!(session.wait(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn children_that_outlive_their_driver_end_with_the_session() {
    let source: Source = "sh -c 'sleep 600 <&- >&- 2>&- & echo $! >&2'"
        .parse()
        .unwrap();
    let mut session = Session::new(source.start(&[], &[], &Store::default()).await.unwrap());
    assert!(session.wait(Duration::from_secs(5)).await);
    session.await_stderr().await;
    let child: i32 = session.take_stderr().lines[0].trim().parse().unwrap();
    assert_gone(child).await;
    assert!(
        session.take_stderr().lines.is_empty(),
        "said in an earlier case"
    );
}

#[tokio::test]
async fn standard_error_without_end_is_kept_in_part() {
    let source: Source = "sh -c 'head -c 3000000 /dev/zero | tr \"\\0\" x >&2'"
        .parse()
        .unwrap();
    let mut session = Session::new(source.start(&[], &[], &Store::default()).await.unwrap());
    assert!(matches!(
        ask(&mut session).await,
        Err(DriverError::Ended(_))
    ));
    let kept: usize = session.stderr().iter().map(String::len).sum();
    assert!(kept > 0 && kept < 500_000, "{kept}");
}
