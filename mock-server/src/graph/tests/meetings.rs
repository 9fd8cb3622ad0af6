//! Series with exceptions, and meetings between mailboxes.

use serde_json::json;

use super::*;

const RW: &[&str] = &["Calendars.ReadWrite", "Mail.ReadWrite"];

fn at(text: &str) -> Value {
    json!({"dateTime": text, "timeZone": "UTC"})
}

fn meeting(to: &[&str]) -> Value {
    let attendees: Vec<Value> = to
        .iter()
        .map(|it| json!({"type": "required", "emailAddress": {"address": it}}))
        .collect();
    json!({
        "subject": "Planning", "start": at("2026-02-16T09:00:00"), "end": at("2026-02-16T09:30:00"),
        "attendees": attendees,
    })
}

const BOB: &str = "bob@contoso.onmicrosoft.com";
const CAROL: &str = "carol@contoso.onmicrosoft.com";

/// The newest message about a meeting in somebody's inbox.
async fn told(bench: &Bench, token: &Token) -> Value {
    let path = "/v1.0/me/mailFolders/inbox/messages?$top=1\
                &$expand=microsoft.graph.eventMessage/event($select=subject,isCancelled,showAs)";
    let answer = bench.get(token, path).await.expect(200);
    answer.values()[0].clone()
}

/// The event of somebody's calendar with a subject.
async fn known(bench: &Bench, token: &Token, subject: &str) -> Value {
    let path = format!("/v1.0/me/events?$filter=subject%20eq%20'{subject}'&$top=5");
    let answer = bench.get(token, &path).await.expect(200);
    answer.values().first().cloned().unwrap_or_default()
}

#[tokio::test]
async fn an_invitation_reaches_attendees_and_their_answers_the_organizer() {
    let bench = Bench::new();
    let alice = bench.delegated("alice", RW);
    let bob = bench.delegated("bob", RW);
    let carol = bench.delegated("carol", RW);
    let made = bench
        .post(
            &alice,
            "/v1.0/me/events",
            meeting(&[BOB, CAROL, "x@elsewhere.example"]),
        )
        .await
        .expect(201);
    let request = told(&bench, &bob).await;
    assert_eq!(
        request["@odata.type"],
        "#microsoft.graph.eventMessageRequest"
    );
    assert_eq!(
        (
            &request["meetingMessageType"],
            &request["meetingRequestType"]
        ),
        (&json!("meetingRequest"), &json!("newMeetingRequest"))
    );
    assert_eq!(request["event"]["showAs"], "tentative");
    assert_eq!(
        request["startDateTime"]["dateTime"],
        "2026-02-16T09:00:00.0000000"
    );
    let invited = known(&bench, &bob, "Planning").await;
    assert_eq!(invited["iCalUId"], made.body["iCalUId"]);
    assert_eq!(
        (
            &invited["isOrganizer"],
            &invited["responseStatus"]["response"]
        ),
        (&json!(false), &json!("notResponded"))
    );
    let respond = |token: Token, id: String, how: &'static str, body: Value| {
        let bench = &bench;
        async move {
            let path = format!("/v1.0/me/events/{id}/{how}");
            bench.post(&token, &path, body).await.expect(202);
        }
    };
    let id = |event: &Value| event["id"].as_str().unwrap().to_owned();
    respond(
        bob.clone(),
        id(&invited),
        "accept",
        json!({"comment": "Fine"}),
    )
    .await;
    let of_carol = known(&bench, &carol, "Planning").await;
    // Told to nobody.
    respond(
        carol.clone(),
        id(&of_carol),
        "decline",
        json!({"sendResponse": false}),
    )
    .await;
    let path = format!("/v1.0/me/events/{}", made.id());
    let mine = bench.get(&alice, &path).await.expect(200);
    let answers: Vec<&Value> = mine.body["attendees"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["status"]["response"])
        .collect();
    assert_eq!(answers, ["accepted", "none", "none"]);
    let answer = told(&bench, &alice).await;
    assert_eq!(
        (&answer["meetingMessageType"], &answer["responseType"]),
        (&json!("meetingAccepted"), &json!("accepted"))
    );
    assert_eq!(
        (&answer["subject"], &answer["event"]["subject"]),
        (&json!("Accepted: Planning"), &json!("Planning"))
    );
    assert_eq!(
        known(&bench, &bob, "Planning").await["responseStatus"]["response"],
        "accepted"
    );
    assert!(known(&bench, &carol, "Planning").await.is_null());
    // Nobody answers their own meeting.
    let own = bench
        .post(&alice, &format!("{path}/accept"), json!({}))
        .await;
    assert_eq!(own.refused(400), "ErrorInvalidRequest");
}

#[tokio::test]
async fn a_change_and_a_cancellation_reach_attendees() {
    let bench = Bench::new();
    let alice = bench.delegated("alice", RW);
    let bob = bench.delegated("bob", RW);
    let made = bench
        .post(&alice, "/v1.0/me/events", meeting(&[BOB]))
        .await
        .expect(201);
    let path = format!("/v1.0/me/events/{}", made.id());
    let later = json!({"start": at("2026-02-17T09:00:00"), "end": at("2026-02-17T10:00:00")});
    bench
        .send("PATCH", &alice, &path, &[], later)
        .await
        .expect(200);
    assert_eq!(told(&bench, &bob).await["meetingRequestType"], "fullUpdate");
    let moved = known(&bench, &bob, "Planning").await;
    assert_eq!(moved["start"]["dateTime"], "2026-02-17T09:00:00.0000000");
    // What is one's own is told to nobody.
    let count = "/v1.0/me/mailFolders/inbox/messages/$count";
    let before = bench.get(&bob, count).await.text;
    let own = json!({"categories": ["Red category"], "showAs": "free"});
    bench
        .send("PATCH", &alice, &path, &[], own)
        .await
        .expect(200);
    assert_eq!(bench.get(&bob, count).await.text, before);
    let cancel = json!({"comment": "No need"});
    bench
        .post(&alice, &format!("{path}/cancel"), cancel)
        .await
        .expect(202);
    assert_eq!(
        bench.get(&alice, &path).await.refused(404),
        "ErrorItemNotFound"
    );
    let cancelled = told(&bench, &bob).await;
    assert_eq!(
        (
            &cancelled["meetingMessageType"],
            &cancelled["event"]["isCancelled"]
        ),
        (&json!("meetingCancelled"), &json!(true))
    );
    assert!(
        cancelled["bodyPreview"]
            .as_str()
            .unwrap()
            .contains("No need")
    );
}

#[tokio::test]
async fn whoever_gets_a_forwarded_meeting_is_invited() {
    let bench = Bench::new();
    let alice = bench.delegated("alice", RW);
    let carol = bench.delegated("carol", RW);
    let made = bench
        .post(&alice, "/v1.0/me/events", meeting(&[BOB]))
        .await
        .expect(201);
    let path = format!("/v1.0/me/events/{}", made.id());
    let to = json!({"ToRecipients": [{"emailAddress": {"address": CAROL}}], "Comment": "You, too"});
    bench
        .post(&alice, &format!("{path}/forward"), to)
        .await
        .expect(202);
    assert_eq!(
        known(&bench, &carol, "Planning").await["iCalUId"],
        made.body["iCalUId"]
    );
    let mine = bench.get(&alice, &path).await.expect(200);
    assert_eq!(
        mine.body["attendees"][1]["emailAddress"]["name"],
        "Carol Chen"
    );
    let nobody = bench
        .post(&alice, &format!("{path}/forward"), json!({}))
        .await;
    assert_eq!(nobody.refused(400), "ErrorInvalidRecipients");
    let snooze = json!({"NewReminderTime": at("2026-02-16T09:10:00")});
    bench
        .post(&alice, &format!("{path}/snoozeReminder"), snooze)
        .await
        .expect(200);
    bench
        .post(&alice, &format!("{path}/dismissReminder"), Value::Null)
        .await
        .expect(200);
}

#[tokio::test]
async fn single_occurrences_are_changed_and_taken_out() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let mut series = meeting(&[]);
    series["recurrence"] = json!({
        "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"]},
        "range": {"type": "numbered", "startDate": "2026-02-16", "numberOfOccurrences": 4},
    });
    let made = bench
        .post(&token, "/v1.0/me/events", series)
        .await
        .expect(201);
    let path = format!("/v1.0/me/events/{}", made.id());
    let instances = format!(
        "{path}/instances?startDateTime=2026-02-01T00:00:00Z&endDateTime=2026-06-01T00:00:00Z"
    );
    let all = bench.get(&token, &instances).await.expect(200);
    let id = |at: usize| {
        format!(
            "/v1.0/me/events/{}",
            all.values()[at]["id"].as_str().unwrap()
        )
    };
    let (second, third) = (id(1), id(2));
    let change = json!({
        "subject": "Moved", "start": at("2026-05-01T10:00:00"), "end": at("2026-05-01T11:00:00"),
    });
    let changed = bench
        .send("PATCH", &token, &second, &[], change)
        .await
        .expect(200);
    assert_eq!(
        (&changed.body["type"], &changed.body["subject"]),
        (&json!("exception"), &json!("Moved"))
    );
    assert_eq!(changed.body["seriesMasterId"], made.body["id"]);
    bench
        .send("DELETE", &token, &third, &[], Value::Null)
        .await
        .expect(204);
    assert_eq!(
        bench.get(&token, &third).await.refused(404),
        "ErrorItemNotFound"
    );
    let left = bench.get(&token, &instances).await.expect(200);
    let shown: Vec<(&str, &str)> = left
        .values()
        .iter()
        .map(|it| {
            (
                it["type"].as_str().unwrap(),
                it["start"]["dateTime"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("occurrence", "2026-02-16T09:00:00.0000000"),
            ("exception", "2026-05-01T10:00:00.0000000"),
            ("occurrence", "2026-03-09T09:00:00.0000000"),
        ]
    );
    let view = "/v1.0/me/calendarView?startDateTime=2026-05-01T00:00:00Z\
                &endDateTime=2026-05-02T00:00:00Z&$top=50";
    let view = bench.get(&token, view).await.expect(200);
    assert!(view.values().iter().any(|it| it["subject"] == "Moved"));
    let master =
        format!("{path}?$select=cancelledOccurrences,subject&$expand=exceptionOccurrences");
    let master = bench.get(&token, &master).await.expect(200);
    assert_eq!(
        master.body["cancelledOccurrences"],
        json!([format!("OID.{}.2026-03-02", made.id())])
    );
    assert_eq!(master.body["exceptionOccurrences"][0]["subject"], "Moved");
    assert_eq!(master.body["subject"], "Planning");
    let refused = bench
        .send(
            "PATCH",
            &token,
            &second,
            &[],
            json!({"recurrence": {
            "pattern": {"type": "daily", "interval": 1},
            "range": {"type": "noEnd", "startDate": "2026-02-16"}}}),
        )
        .await;
    assert_eq!(refused.refused(400), "ErrorInvalidRequest");
    // Another pattern begins anew.
    let earlier = json!({"start": at("2026-02-16T08:00:00"), "end": at("2026-02-16T08:30:00")});
    bench
        .send("PATCH", &token, &path, &[], earlier)
        .await
        .expect(200);
    let again = bench.get(&token, &instances).await.expect(200);
    assert!(again.values().iter().all(|it| it["type"] == "occurrence"));
    assert_eq!(again.values().len(), 4);
}

#[tokio::test]
async fn a_schedule_shows_when_somebody_is_busy() {
    let bench = Bench::new();
    let alice = bench.delegated("alice", RW);
    let bob = bench.delegated("bob", RW);
    let mut event = meeting(&[]);
    event["start"] = at("2026-07-04T09:00:00");
    event["end"] = at("2026-07-04T10:00:00");
    bench.post(&bob, "/v1.0/me/events", event).await.expect(201);
    let ask = json!({
        "Schedules": [BOB, "nobody@contoso.onmicrosoft.com"],
        "StartTime": at("2026-07-04T08:00:00"), "EndTime": at("2026-07-04T12:00:00"),
        "AvailabilityViewInterval": 60,
    });
    let path = "/v1.0/me/calendar/getSchedule";
    let answer = bench.post(&alice, path, ask.clone()).await.expect(200);
    let [of_bob, nobody] = answer.values() else {
        panic!("{}", answer.text)
    };
    assert_eq!(of_bob["availabilityView"], "0200");
    assert_eq!(of_bob["scheduleItems"][0]["status"], "busy");
    assert!(of_bob["scheduleItems"][0]["subject"].is_null());
    assert_eq!(nobody["error"]["responseCode"], "5009");
    let own = bench.post(&bob, path, ask.clone()).await.expect(200);
    assert_eq!(own.values()[0]["scheduleItems"][0]["subject"], "Planning");
    let with = |name: &str, value: Value| {
        let mut ask = ask.clone();
        ask[name] = value;
        ask
    };
    let many: Vec<&str> = vec![BOB; 101];
    for (ask, code) in [
        (
            with("Schedules", json!(many)),
            "ErrorMailboxDataArrayTooBig",
        ),
        (
            with("EndTime", at("2026-07-04T07:00:00")),
            "ErrorInvalidTimeInterval",
        ),
        (
            with("EndTime", at("2026-12-04T07:00:00")),
            "ErrorInvalidTimeInterval",
        ),
        (
            with("AvailabilityViewInterval", json!(4)),
            "ErrorInvalidParameter",
        ),
    ] {
        assert_eq!(bench.post(&alice, path, ask).await.refused(400), code);
    }
}

#[tokio::test]
async fn meeting_times_are_those_when_all_are_free() {
    let bench = Bench::new();
    let alice = bench.delegated("alice", &["Calendars.ReadWrite.Shared"]);
    let bob = bench.delegated("bob", RW);
    let mut event = meeting(&[]);
    event["start"] = at("2026-07-04T09:00:00");
    event["end"] = at("2026-07-04T10:00:00");
    bench.post(&bob, "/v1.0/me/events", event).await.expect(201);
    let ask = |to: &str| {
        json!({
            "attendees": [{"type": "required", "emailAddress": {"address": to}}],
            "meetingDuration": "PT1H", "maxCandidates": 5, "minimumAttendeePercentage": 60,
            "timeConstraint": {"activityDomain": "unrestricted", "timeSlots": [
                {"start": at("2026-07-04T08:00:00"), "end": at("2026-07-04T12:00:00")}]},
        })
    };
    let path = "/v1.0/me/findMeetingTimes";
    let answer = bench.post(&alice, path, ask(BOB)).await.expect(200);
    let starts: Vec<&str> = answer.body["meetingTimeSuggestions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["meetingTimeSlot"]["start"]["dateTime"].as_str().unwrap())
        .collect();
    let expected =
        ["08:00", "10:00", "10:30", "11:00"].map(|it| format!("2026-07-04T{it}:00.0000000"));
    assert_eq!(starts, expected);
    // Nothing is known of a stranger, which is less than what is asked for.
    let stranger = bench
        .post(&alice, path, ask("x@elsewhere.example"))
        .await
        .expect(200);
    assert_eq!(
        stranger.body["emptySuggestionsReason"],
        "AttendeesUnavailable"
    );
}

#[tokio::test]
async fn calendars_are_in_groups() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let groups = "/v1.0/me/calendarGroups";
    let all = bench.get(&token, groups).await.expect(200);
    assert_eq!(all.values()[0]["name"], "My Calendars");
    let main = format!("{groups}/{}", all.values()[0]["id"].as_str().unwrap());
    let inside = bench
        .get(&token, &format!("{main}/calendars?$top=50"))
        .await
        .expect(200);
    assert!(
        inside
            .values()
            .iter()
            .any(|it| it["isDefaultCalendar"] == true)
    );
    let made = bench
        .post(&token, groups, json!({"name": "Work"}))
        .await
        .expect(201);
    let group = format!("{groups}/{}", made.id());
    let calendar = bench
        .post(
            &token,
            &format!("{group}/calendars"),
            json!({"name": "Projects"}),
        )
        .await
        .expect(201);
    let deep = format!("{group}/calendars/{}/events", calendar.id());
    bench.post(&token, &deep, meeting(&[])).await.expect(201);
    assert_eq!(
        bench
            .get(&token, &format!("{deep}/$count"))
            .await
            .expect(200)
            .text,
        "1"
    );
    let refused = bench.send("DELETE", &token, &group, &[], Value::Null).await;
    assert_eq!(refused.refused(400), "ErrorInvalidRequest");
    let calendar = format!("/v1.0/me/calendars/{}", calendar.id());
    bench
        .send("DELETE", &token, &calendar, &[], Value::Null)
        .await
        .expect(204);
    bench
        .send("DELETE", &token, &group, &[], Value::Null)
        .await
        .expect(204);
    assert_eq!(
        bench.get(&token, &group).await.refused(404),
        "ErrorItemNotFound"
    );
}
