//! Delta queries over messages, and the links of lists.

use serde_json::json;

use super::*;
use crate::directory::Event;

const RW: &[&str] = &["Mail.ReadWrite"];

fn token(bench: &Bench) -> Token {
    bench.delegated("alice", RW)
}

/// Follows the pages of a round: what they tell, and the link of the next round.
async fn round(bench: &Bench, link: &str) -> (Vec<Value>, String) {
    let prefer = [("prefer", "odata.maxpagesize=100")];
    let mut link = link.to_owned();
    let mut told = Vec::new();
    loop {
        let answer = bench
            .send("GET", &token(bench), &link, &prefer, Value::Null)
            .await;
        let answer = answer.expect(200);
        told.extend(answer.values().iter().cloned());
        if let Some(next) = answer.body["@odata.deltaLink"].as_str() {
            return (told, next.to_owned());
        }
        answer.body["@odata.nextLink"]
            .as_str()
            .unwrap()
            .clone_into(&mut link);
    }
}

async fn newest(bench: &Bench) -> String {
    let list = "/v1.0/me/mailFolders/inbox/messages?$top=1&$select=id";
    let first = bench.get(&token(bench), list).await.expect(200);
    first.values()[0]["id"].as_str().unwrap().to_owned()
}

fn deliver(bench: &Bench, subject: &str) {
    let event = Event::DeliverMessage {
        user: "alice".into(),
        subject: Some(subject.into()),
        from: None,
        body: None,
        late: None,
    };
    bench.world.apply(&bench.tenant, &event).unwrap();
}

async fn delete(bench: &Bench, id: &str) {
    let path = format!("/v1.0/me/messages/{id}");
    let answer = bench
        .send("DELETE", &token(bench), &path, &[], Value::Null)
        .await;
    answer.expect(204);
}

#[tokio::test]
async fn a_mail_that_is_read_moved_or_late_is_told() {
    let bench = Bench::new();
    let (_, link) = round(&bench, "/v1.0/me/mailFolders/inbox/messages/delta").await;
    let happen = |event: Value| {
        let event: Event = serde_json::from_value(event).unwrap();
        bench.world.apply(&bench.tenant, &event)
    };
    happen(json!({"deliver-message": {"user": "alice", "subject": "Held up", "late": 90}}))
        .unwrap();
    let (told, link) = round(&bench, &link).await;
    let received: Timestamp = told[0]["receivedDateTime"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let created: Timestamp = told[0]["createdDateTime"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(created.duration_since(received).as_secs(), 90);
    let change = |fields: Value| {
        let mut change = json!({"user": "alice", "subject": "Held up"});
        change
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        happen(json!({"change-message": change}))
    };
    change(json!({"read": true})).unwrap();
    let (told, link) = round(&bench, &link).await;
    assert_eq!(told[0]["isRead"], true);
    change(json!({"folder": "archive"})).unwrap();
    let (told, _) = round(&bench, &link).await;
    assert_eq!(told[0]["@removed"]["reason"], "deleted");
    for (wrong, why) in [
        (json!({}), "say what changes"),
        (json!({"folder": "archiv"}), "did you mean 'archive'?"),
        (
            json!({"subject": "Nobody's", "read": true}),
            "no mail with the subject",
        ),
    ] {
        let error = change(wrong).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_round_tells_all_and_the_next_what_changed() {
    let bench = Bench::new();
    let first = "/v1.0/me/mailFolders/inbox/messages/delta()?$select=subject";
    let (told, link) = round(&bench, first).await;
    assert_eq!(told.len(), 130);
    let (told, again) = round(&bench, &link).await;
    assert!(told.is_empty());
    assert_eq!(link, again, "where nothing happened, the token stays");
    let gone = newest(&bench).await;
    delete(&bench, &gone).await;
    deliver(&bench, "New");
    let (told, _) = round(&bench, &link).await;
    assert_eq!(told.len(), 2, "{told:?}");
    let removed = told.iter().find(|it| it.get("@removed").is_some()).unwrap();
    assert_eq!(
        removed,
        &json!({"@odata.type": "#microsoft.graph.message", "id": gone, "@removed": {"reason": "deleted"}})
    );
    let new = told.iter().find(|it| it["subject"] == "New").unwrap();
    let names: Vec<&String> = new.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["@odata.type", "@odata.etag", "id", "subject"],
        "$select goes on"
    );
}

#[tokio::test]
async fn the_links_of_a_round_hold_the_token_alone() {
    let bench = Bench::new();
    let ask = "/v1.0/me/mailfolders/Inbox/messages/delta?$select=id&$top=2";
    let first = bench.get(&token(&bench), ask).await.expect(200);
    let next = first.body["@odata.nextLink"].as_str().unwrap();
    let start =
        "https://graph.microsoft.com/v1.0/me/mailFolders('Inbox')/messages/delta?$skiptoken=";
    assert!(next.starts_with(start) && !next.contains('&'), "{next}");
    let (_, link) = round(&bench, ask).await;
    let start =
        "https://graph.microsoft.com/v1.0/me/mailFolders('Inbox')/messages/delta?$deltatoken=";
    assert!(link.starts_with(start) && !link.contains('&'), "{link}");
    let of_user =
        "/v1.0/users/alice@contoso.onmicrosoft.com/mailFolders/inbox/messages/delta?$top=1";
    let first = bench.get(&bench.app_only(RW), of_user).await.expect(200);
    let next = first.body["@odata.nextLink"].as_str().unwrap();
    assert!(
        next.contains(
            "/v1.0/users/alice@contoso.onmicrosoft.com/mailFolders('inbox')/messages/delta?$"
        ),
        "{next}"
    );
    bench.get(&bench.app_only(RW), next).await.expect(200);
}

#[tokio::test]
async fn nothing_is_lost_that_comes_and_goes_between_two_pages() {
    let bench = Bench::new();
    let all = "/v1.0/me/mailFolders/inbox/messages?$top=1000&$select=id";
    let all = bench.get(&token(&bench), all).await.expect(200);
    let before: BTreeSet<String> = all.values().iter().map(|it| it["id"].to_string()).collect();
    let ask = "/v1.0/me/mailFolders/inbox/messages/delta?$select=id&$top=3";
    let first = bench.get(&token(&bench), ask).await.expect(200);
    let gone = first.values()[0]["id"].as_str().unwrap();
    delete(&bench, gone).await;
    let (rest, link) = round(&bench, first.body["@odata.nextLink"].as_str().unwrap()).await;
    let told = first.values().iter().chain(&rest);
    let told: BTreeSet<String> = told.map(|it| it["id"].to_string()).collect();
    assert_eq!(told, before);
    deliver(&bench, "Later");
    let (told, _) = round(&bench, &link).await;
    let removed = told
        .iter()
        .filter(|it| it.get("@removed").is_some())
        .count();
    assert_eq!((told.len(), removed), (2, 1), "{told:?}");
}

#[tokio::test]
async fn a_forgotten_state_is_410_and_a_token_that_is_none_400() {
    let bench = Bench::new();
    let first = "/v1.0/me/mailFolders/inbox/messages/delta?$select=id";
    let page = bench.get(&token(&bench), first).await.expect(200);
    let (_, link) = round(&bench, first).await;
    let event = Event::ExpireDeltaTokens {
        user: "alice".into(),
    };
    bench.world.apply(&bench.tenant, &event).unwrap();
    for link in [
        link.as_str(),
        page.body["@odata.nextLink"].as_str().unwrap(),
    ] {
        let answer = bench.get(&token(&bench), link).await;
        let text = answer.body["error"]["message"].as_str().unwrap().to_owned();
        assert!(
            text.starts_with("The sync state generation is not found; generation=")
                && text.contains(";[highest="),
            "{text}"
        );
        assert_eq!(answer.refused(410), "SyncStateNotFound");
    }
    let (told, link) = round(&bench, first).await;
    assert_eq!(told.len(), 130);
    round(&bench, &link).await;
    let elsewhere = link.replace("('inbox')", "('archive')");
    let answer = bench.get(&token(&bench), &elsewhere).await;
    assert_eq!(answer.refused(410), "SyncStateNotFound");
    for wrong in ["latest", "x.y"] {
        let path = format!("/v1.0/me/mailFolders/inbox/messages/delta?$deltatoken={wrong}");
        let answer = bench.get(&token(&bench), &path).await;
        assert_eq!(answer.body["error"]["message"], "Badly formed token.");
        assert_eq!(answer.refused(400), "BadRequest");
    }
    let nobody = Event::ExpireDeltaTokens {
        user: "nomail".into(),
    };
    assert!(bench.world.apply(&bench.tenant, &nobody).is_err());
}

#[tokio::test]
async fn options_that_change_tracking_has_not_are_refused() {
    let bench = Bench::new();
    for (query, named) in [
        ("$search=x", "'$search"),
        ("$count=true", "'$search"),
        ("$filter=isRead%20eq%20true", "'$filter'"),
        ("$filter=receivedDateTime%20ge%202026-01-01", "'$filter'"),
        (
            "$filter=receivedDateTime%20le%202026-01-01T00:00:00Z",
            "'$filter'",
        ),
        ("$orderby=subject", "'$orderby'"),
        ("changeType=moved", "'moved'"),
    ] {
        let path = format!("/v1.0/me/mailFolders/inbox/messages/delta?{query}");
        let answer = bench.get(&token(&bench), &path).await;
        assert!(answer.text.contains(named), "{query}: {}", answer.text);
        assert_eq!(answer.refused(400), "ErrorInvalidUrlQuery", "{query}");
    }
    let wrong = "/v1.0/me/mailFolders/inbox/messages/delta?$select=colour";
    assert_eq!(
        bench.get(&token(&bench), wrong).await.refused(400),
        "BadRequest"
    );
    let good = "/v1.0/me/mailFolders/inbox/messages/delta?$orderby=receivedDateTime%20desc\
                &$filter=receivedDateTime%20ge%202026-01-14T12:00:00Z&$expand=attachments";
    let (told, link) = round(&bench, good).await;
    assert!(!told.is_empty() && told.len() < 130);
    assert!(
        told.iter()
            .all(|it| it["receivedDateTime"].as_str() >= Some("2026-01-14T12:00:00Z"))
    );
    assert!(told.iter().all(|it| it["attachments"].is_array()));
    deliver(&bench, "Later");
    let (told, _) = round(&bench, &link).await;
    assert_eq!(told.len(), 1);
}

#[tokio::test]
async fn kinds_of_changes_are_told_by_name() {
    let bench = Bench::new();
    for (kind, count) in [("created", 1), ("updated", 1), ("deleted", 0)] {
        let first =
            format!("/v1.0/me/mailFolders/inbox/messages/delta?changeType={kind}&$select=id");
        let (told, link) = round(&bench, &first).await;
        assert!(told.len() >= 130, "{kind}");
        let path = format!("/v1.0/me/messages/{}", newest(&bench).await);
        let body = json!({"importance": "high"});
        bench
            .send("PATCH", &token(&bench), &path, &[], body)
            .await
            .expect(200);
        deliver(&bench, kind);
        let (told, _) = round(&bench, &link).await;
        assert_eq!(told.len(), count, "{kind}");
    }
}

#[tokio::test]
async fn there_is_no_delta_of_a_whole_mailbox() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["Mail.Read", "Calendars.Read"]);
    for (path, of) in [
        ("messages/delta", "message"),
        ("messages/delta()", "message"),
        ("events/delta", "event"),
        ("calendar/events/microsoft.graph.delta()", "event"),
    ] {
        let answer = bench.get(&token, &format!("/v1.0/me/{path}")).await;
        let text = format!(
            "Unsupported request: Change tracking is not supported against 'microsoft.graph.{of}'."
        );
        assert_eq!(answer.body["error"]["message"], text, "{path}");
        assert_eq!(
            answer.annotation.unsupported, None,
            "the service has it neither"
        );
        assert_eq!(answer.refused(400), "BadRequest");
    }
    // In beta there is a delta of events, which the mock has not.
    let answer = bench.get(&token, "/beta/me/events/delta").await;
    assert!(answer.annotation.unsupported.is_some());
}

#[tokio::test]
async fn the_next_page_is_spelled_as_the_service_spells_it() {
    let bench = Bench::new();
    let get = |path: &str| {
        let path = format!("/v1.0/me/{path}");
        let bench = &bench;
        async move {
            let all = ["Mail.Read", "Calendars.Read"];
            let answer = bench
                .get(&bench.delegated("alice", &all), &path)
                .await
                .expect(200);
            answer.body["@odata.nextLink"].as_str().unwrap().to_owned()
        }
    };
    let root = "https://graph.microsoft.com/v1.0/me";
    assert_eq!(
        get("messages?$count=true&$orderby=receivedDateTime%20DESC&select=body,from&$top=1").await,
        format!(
            "{root}/messages?%24count=true&%24orderby=receivedDateTime+DESC\
             &%24select=body%2cfrom&%24top=1&%24skip=1"
        )
    );
    assert_eq!(
        get("mailFolders/inbox/messages?$top=2&$skip=4").await,
        format!("{root}/mailFolders('inbox')/messages?%24top=2&%24skip=6")
    );
    let view = "calendarView?startDateTime=2026-01-01T00:00:00Z&endDateTime=2026-03-01&$top=1";
    assert_eq!(
        get(view).await,
        format!(
            "{root}/calendarView?startDateTime=2026-01-01T00%3a00%3a00Z&endDateTime=2026-03-01\
             &%24top=1&%24skip=1"
        )
    );
}
