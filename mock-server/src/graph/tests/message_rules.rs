use serde_json::json;

use super::*;
use crate::directory::Event;

const ALICE: &[&str] = &["Mail.ReadWrite", "MailboxSettings.ReadWrite"];
const RULES: &str = "/v1.0/me/mailFolders/inbox/messageRules";

fn arrives(bench: &Bench, subject: &str, body: &str) {
    let event = Event::DeliverMessage {
        user: "alice".into(),
        subject: Some(subject.into()),
        from: Some("news@tarnbeck.example".into()),
        body: Some(body.into()),
        late: None,
    };
    bench.world.apply(&bench.tenant, &event).unwrap();
}

/// The message with a subject, in whatever folder of a person's mailbox.
async fn found(bench: &Bench, user: &'static str, subject: &str) -> Option<Value> {
    let token = bench.delegated(user, &["Mail.Read"]);
    let subject = subject.replace(' ', "%20");
    let path = format!("/v1.0/me/messages?$filter=subject%20eq%20'{subject}'");
    let all = bench.get(&token, &path).await.expect(200);
    all.values().first().cloned()
}

async fn folder(bench: &Bench, name: &str) -> Value {
    let token = bench.delegated("alice", ALICE);
    let path = format!("/v1.0/me/mailFolders/{name}");
    bench.get(&token, &path).await.expect(200).body["id"].clone()
}

#[tokio::test]
async fn a_rule_moves_marks_and_names_what_it_means() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALICE);
    let archive = folder(&bench, "archive").await;
    let made = bench
        .post(
            &token,
            RULES,
            json!({
                "displayName": "Newsletters",
                "conditions": {"subjectContains": ["letter"], "senderContains": ["TARNBECK"]},
                "exceptions": {"bodyContains": ["urgent"]},
                "actions": {
                    "moveToFolder": archive, "markAsRead": true, "markImportance": "low",
                    "assignCategories": ["News"],
                },
            }),
        )
        .await
        .expect(201);
    assert_eq!(made.body["isEnabled"], true);
    assert_eq!(made.body["sequence"], 1);
    arrives(&bench, "The letter of May", "Hello");
    let kept = found(&bench, "alice", "The letter of May").await.unwrap();
    assert_eq!(kept["parentFolderId"], archive);
    assert_eq!(kept["isRead"], true);
    assert_eq!(kept["importance"], "low");
    assert_eq!(kept["categories"], json!(["News"]));
    let inbox = folder(&bench, "inbox").await;
    for (subject, body) in [("Something else", "Hello"), ("A letter", "It is urgent")] {
        arrives(&bench, subject, body);
        let left = found(&bench, "alice", subject).await.unwrap();
        assert_eq!(left["parentFolderId"], inbox, "{subject}");
        assert_eq!(left["isRead"], false, "{subject}");
    }
    // The folder has one list of rules, whichever name it has in the path.
    let by_id = format!(
        "/v1.0/me/mailFolders/{}/messageRules/{}",
        inbox.as_str().unwrap(),
        made.body["id"].as_str().unwrap()
    );
    bench.get(&token, &by_id).await.expect(200);
    let off = bench.send("PATCH", &token, &by_id, &[], json!({"isEnabled": false}));
    off.await.expect(200);
    arrives(&bench, "Another letter", "Hello");
    let left = found(&bench, "alice", "Another letter").await.unwrap();
    assert_eq!(left["parentFolderId"], inbox);
}

#[tokio::test]
async fn rules_run_in_their_order_until_one_ends_it() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALICE);
    for (name, sequence, actions) in [
        ("Last", 3, json!({"assignCategories": ["Never"]})),
        ("First", 1, json!({"assignCategories": ["First"]})),
        (
            "Second",
            2,
            json!({"assignCategories": ["Second"], "stopProcessingRules": true}),
        ),
    ] {
        let rule = json!({"displayName": name, "sequence": sequence, "actions": actions});
        bench.post(&token, RULES, rule).await.expect(201);
    }
    arrives(&bench, "Sorted", "Hello");
    let sorted = found(&bench, "alice", "Sorted").await.unwrap();
    assert_eq!(sorted["categories"], json!(["First", "Second"]));
}

#[tokio::test]
async fn a_rule_sends_on_and_what_was_sent_on_ends_there() {
    let bench = Bench::new();
    let everybody = [("alice", "bob"), ("bob", "alice")];
    for (user, other) in everybody {
        let token = bench.delegated(user, ALICE);
        let to = format!("{other}@contoso.onmicrosoft.com");
        let rule = json!({
            "displayName": "On", "conditions": {"subjectContains": ["report"]},
            "actions": {"forwardTo": [{"emailAddress": {"address": to}}], "delete": user == "alice"},
        });
        bench.post(&token, RULES, rule).await.expect(201);
    }
    arrives(&bench, "The report", "Figures");
    let deleted = folder(&bench, "deleteditems").await;
    let original = found(&bench, "alice", "The report").await.unwrap();
    assert_eq!(original["parentFolderId"], deleted);
    let forwarded = found(&bench, "bob", "FW: The report").await.unwrap();
    assert_eq!(
        forwarded["from"]["emailAddress"]["address"],
        "alice@contoso.onmicrosoft.com"
    );
    assert_eq!(forwarded["body"]["content"], "Figures");
    assert!(found(&bench, "alice", "FW: The report").await.is_none());
}

#[tokio::test]
async fn a_rule_without_a_name_or_actions_is_refused() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALICE);
    for body in [
        json!({"displayName": "Nothing"}),
        json!({"actions": {"delete": true}}),
    ] {
        let refused = bench.post(&token, RULES, body).await;
        assert_eq!(refused.refused(400), "ErrorInvalidRequest");
    }
}

#[tokio::test]
async fn a_rule_names_folders_that_are_there() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALICE);
    let rule = json!({"displayName": "File", "actions": {"markAsRead": true}});
    let made = bench.post(&token, RULES, rule).await.expect(201);
    let one = format!("{RULES}/{}", made.id());
    for name in ["moveToFolder", "copyToFolder"] {
        let actions = json!({name: "no-such-folder"});
        let body = json!({"displayName": "Lost", "actions": actions});
        let refused = bench.post(&token, RULES, body).await;
        assert_eq!(refused.refused(400), "ErrorInvalidIdMalformed");
        let body = json!({"actions": actions});
        let refused = bench.send("PATCH", &token, &one, &[], body).await;
        assert_eq!(refused.refused(400), "ErrorInvalidIdMalformed");
    }
    let list = bench.get(&token, RULES).await.expect(200);
    assert_eq!(list.values().len(), 1);
    assert_eq!(list.values()[0]["actions"]["markAsRead"], true);
}

#[tokio::test]
async fn rules_of_the_inbox_are_one_list_under_its_name() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALICE);
    let inbox = folder(&bench, "inbox").await;
    let by_id = format!(
        "/v1.0/me/mailFolders/{}/messageRules",
        inbox.as_str().unwrap()
    );
    let rule = json!({"displayName": "Read", "actions": {"markAsRead": true}});
    bench.post(&token, &by_id, rule).await.expect(201);
    for path in [RULES, &by_id] {
        let list = bench.get(&token, path).await.expect(200);
        assert_eq!(list.values().len(), 1, "{path}");
        let context = list.body["@odata.context"].as_str().unwrap();
        assert!(
            context.ends_with("/mailFolders('inbox')/messageRules"),
            "{context}"
        );
    }
    arrives(&bench, "Hello", "Hello");
    let read = found(&bench, "alice", "Hello").await.unwrap();
    assert_eq!(read["isRead"], true);
}

#[tokio::test]
async fn what_a_rule_moves_was_never_in_the_inbox() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALICE);
    let rule = json!({
        "displayName": "Away", "conditions": {"subjectContains": ["away"]},
        "actions": {"moveToFolder": folder(&bench, "archive").await},
    });
    bench.post(&token, RULES, rule).await.expect(201);
    let mut link = "/v1.0/me/mailFolders/inbox/messages/delta?$select=subject".to_owned();
    let first = loop {
        let round = bench.get(&token, &link).await.expect(200).body;
        if let Some(end) = round["@odata.deltaLink"].as_str() {
            break end.to_owned();
        }
        round["@odata.nextLink"]
            .as_str()
            .unwrap()
            .clone_into(&mut link);
    };
    arrives(&bench, "This goes away", "Hello");
    arrives(&bench, "This stays", "Hello");
    let after = bench.get(&token, &first).await.expect(200);
    let subjects: Vec<&Value> = after.values().iter().map(|it| &it["subject"]).collect();
    assert_eq!(subjects, ["This stays"]);
}
