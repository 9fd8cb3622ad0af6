use serde_json::json;

use super::*;

const RW: &[&str] = &["Calendars.ReadWrite", "Contacts.ReadWrite"];

fn weekly() -> Value {
    json!({
        "subject": "Dock planning",
        "start": {"dateTime": "2026-02-16T09:00:00", "timeZone": "Pacific Standard Time"},
        "end": {"dateTime": "2026-02-16T09:30:00", "timeZone": "Pacific Standard Time"},
        "attendees": [{"type": "required", "emailAddress": {"address": "bob@contoso.onmicrosoft.com"}}],
        "recurrence": {
            "pattern": {"type": "weekly", "interval": 1, "daysOfWeek": ["monday"]},
            "range": {"type": "endDate", "startDate": "2026-02-16", "endDate": "2026-03-16"},
        },
    })
}

#[tokio::test]
async fn a_series_is_expanded_in_a_view_and_keeps_its_local_time() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let made = bench
        .post(&token, "/v1.0/me/events", weekly())
        .await
        .expect(201);
    assert_eq!(made.body["type"], "seriesMaster");
    assert_eq!(
        made.body["start"],
        json!({"dateTime": "2026-02-16T17:00:00.0000000", "timeZone": "UTC"})
    );
    let view = "/v1.0/me/calendarView?startDateTime=2026-02-20T00:00:00Z&endDateTime=2026-03-31T00:00:00%2B01:00\
                &$top=100&$select=subject,start,seriesMasterId,type";
    let answer = bench.get(&token, view).await.expect(200);
    let mine: Vec<&Value> = answer
        .values()
        .iter()
        .filter(|it| it["seriesMasterId"] == made.id())
        .collect();
    let starts: Vec<&str> = mine
        .iter()
        .map(|it| it["start"]["dateTime"].as_str().unwrap())
        .collect();
    // Daylight saving time begins on 8 March 2026 there.
    assert_eq!(
        starts,
        [
            "2026-02-23T17:00:00.0000000",
            "2026-03-02T17:00:00.0000000",
            "2026-03-09T16:00:00.0000000",
            "2026-03-16T16:00:00.0000000"
        ]
    );
    let path = format!("/v1.0/me/events/{}", mine[0]["id"].as_str().unwrap());
    let prefer = [("prefer", "outlook.timezone=\"Pacific Standard Time\"")];
    let one = bench
        .send("GET", &token, &path, &prefer, Value::Null)
        .await
        .expect(200);
    assert_eq!(
        one.body["start"],
        json!({"dateTime": "2026-02-23T09:00:00.0000000", "timeZone": "Pacific Standard Time"})
    );
    assert_eq!(one.body["type"], "occurrence");
    let instances = format!(
        "/v1.0/me/events/{}/instances?startDateTime=2026-02-01&endDateTime=2026-04-01",
        made.id()
    );
    assert_eq!(
        bench
            .get(&token, &instances)
            .await
            .expect(200)
            .values()
            .len(),
        5
    );
}

#[tokio::test]
async fn a_view_needs_its_window() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    for query in [
        "",
        "?startDateTime=2026-01-01",
        "?startDateTime=x&endDateTime=2026-01-01",
        "?startDateTime=2026-01-02&endDateTime=2026-01-01",
    ] {
        let code = bench
            .get(&token, &format!("/v1.0/me/calendarView{query}"))
            .await
            .refused(400);
        assert_eq!(code, "ErrorInvalidParameter", "{query}");
    }
    let prefer = [("prefer", "outlook.timezone=\"Nowhere\"")];
    let answer = bench
        .send("GET", &token, "/v1.0/me/events", &prefer, Value::Null)
        .await
        .expect(400);
    assert!(answer.text.contains("Nowhere"));
}

#[tokio::test]
async fn events_are_created_changed_and_deleted() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let mut body = weekly();
    body["transactionId"] = json!("one");
    let made = bench
        .post(&token, "/v1.0/me/calendar/events", body.clone())
        .await
        .expect(201);
    let again = bench
        .post(&token, "/v1.0/me/events", body)
        .await
        .expect(201);
    assert_eq!(made.id(), again.id());
    let path = format!("/v1.0/me/events/{}", made.id());
    let changed = bench
        .send(
            "PATCH",
            &token,
            &path,
            &[],
            json!({"subject": "Other", "showAs": "Tentative"}),
        )
        .await
        .expect(200);
    assert_eq!(
        (&changed.body["subject"], &changed.body["showAs"]),
        (&json!("Other"), &json!("tentative"))
    );
    let now = bench
        .post(&token, "/v1.0/me/events", json!({"subject": "x"}))
        .await
        .expect(201);
    assert_eq!(now.body["start"]["dateTime"], "2026-01-15T12:00:00.0000000");
    assert_eq!(now.body["end"]["dateTime"], "2026-01-15T12:30:00.0000000");
    let tomorrow = json!({"start": {"dateTime": "2026-01-16T09:00:00", "timeZone": "UTC"}});
    let refused = bench.post(&token, "/v1.0/me/events", tomorrow).await;
    assert_eq!(refused.refused(400), "ErrorPropertyValidationFailure");
    let organizer = bench
        .post(
            &token,
            &format!("{path}/accept"),
            json!({"sendResponse": true}),
        )
        .await;
    assert_eq!(organizer.refused(400), "ErrorInvalidRequest");
    bench
        .post(&token, &format!("{path}/cancel"), json!({"Comment": "no"}))
        .await
        .expect(202);
    assert_eq!(
        bench.get(&token, &path).await.refused(404),
        "ErrorItemNotFound"
    );
}

#[tokio::test]
async fn calendars_are_listed_and_made() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let listed = bench.get(&token, "/v1.0/me/calendars").await.expect(200);
    assert_eq!(listed.values()[0]["isDefaultCalendar"], true);
    let made = bench
        .post(
            &token,
            "/v1.0/me/calendars",
            json!({"name": "Trips", "color": "lightBlue"}),
        )
        .await
        .expect(201);
    let events = format!("/v1.0/me/calendars/{}/events", made.id());
    bench.post(&token, &events, weekly()).await.expect(201);
    assert_eq!(
        bench.get(&token, &events).await.expect(200).values().len(),
        1
    );
    let path = format!("/v1.0/me/calendars/{}", made.id());
    bench
        .send("DELETE", &token, &path, &[], Value::Null)
        .await
        .expect(204);
    let default = bench.get(&token, "/v1.0/me/calendar").await.expect(200);
    let path = format!("/v1.0/me/calendars/{}", default.id());
    bench
        .send("DELETE", &token, &path, &[], Value::Null)
        .await
        .expect(400);
}

#[tokio::test]
async fn contacts_are_listed_made_changed_and_deleted() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let listed = bench
        .get(&token, "/v1.0/me/contacts?$count=true&$top=5")
        .await
        .expect(200);
    assert_eq!(
        (listed.body["@odata.count"].as_u64(), listed.values().len()),
        (Some(40), 5)
    );
    let body = json!({"givenName": "Petra", "surname": "Oakes", "emailAddresses": [{"address": "p@x.example"}]});
    let made = bench
        .post(&token, "/v1.0/me/contacts", body)
        .await
        .expect(201);
    assert_eq!(
        (&made.body["displayName"], &made.body["fileAs"]),
        (&json!("Petra Oakes"), &json!(""))
    );
    let path = format!("/v1.0/me/contacts/{}", made.id());
    let changed = bench
        .send("PATCH", &token, &path, &[], json!({"jobTitle": "Broker"}))
        .await
        .expect(200);
    assert_eq!(changed.body["jobTitle"], "Broker");
    let found = "/v1.0/me/contacts?$filter=emailAddresses/any(a:a/address%20eq%20'P@x.example')";
    assert_eq!(bench.get(&token, found).await.expect(200).values().len(), 1);
    bench
        .send("DELETE", &token, &path, &[], Value::Null)
        .await
        .expect(204);
    let folders = bench
        .get(&token, "/v1.0/me/contactFolders")
        .await
        .expect(200);
    let path = format!(
        "/v1.0/me/contactFolders/{}/contacts",
        folders.values()[0]["id"].as_str().unwrap()
    );
    assert_eq!(bench.get(&token, &path).await.expect(200).values().len(), 8);
}

#[tokio::test]
async fn what_an_event_does_not_say_is_filled_in() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let at = |time: &str| json!({"dateTime": time, "timeZone": "Pacific Standard Time"});
    let body = json!({
        "start": at("2026-12-10T10:00:00"), "end": at("2026-12-10T11:00:00"),
        "body": {"contentType": "text", "content": "a < b"},
        "attendees": [
            {"emailAddress": {"address": "Bob@contoso.onmicrosoft.com"}},
            {"type": "optional", "emailAddress": {"address": "petra@tarnbeck.example"}},
        ],
        "recurrence": {
            "pattern": {"type": "daily", "interval": 2},
            "range": {"type": "numbered", "startDate": "2026-12-10", "numberOfOccurrences": 3},
        },
    });
    let made = bench
        .post(&token, "/v1.0/me/events", body)
        .await
        .expect(201);
    let status = json!({"response": "none", "time": "0001-01-01T00:00:00Z"});
    assert_eq!(
        made.body["attendees"],
        json!([
            {
                "type": "required", "status": status,
                "emailAddress": {"name": "Bob Baker", "address": "Bob@contoso.onmicrosoft.com"},
            },
            {
                "type": "optional", "status": status,
                "emailAddress": {"name": "petra@tarnbeck.example", "address": "petra@tarnbeck.example"},
            },
        ])
    );
    assert_eq!(
        made.body["recurrence"],
        json!({
            "pattern": {
                "type": "daily", "interval": 2, "month": 0, "dayOfMonth": 0,
                "firstDayOfWeek": "sunday", "index": "first",
            },
            "range": {
                "type": "numbered", "startDate": "2026-12-10", "endDate": "0001-01-01",
                "recurrenceTimeZone": "Pacific Standard Time", "numberOfOccurrences": 3,
            },
        })
    );
    assert_eq!(made.body["body"]["contentType"], "html");
    assert_eq!(made.body["bodyPreview"], "a < b");
    let path = format!("/v1.0/me/events/{}", made.id());
    let text = [("prefer", "outlook.body-content-type=\"text\"")];
    let read = bench
        .send("GET", &token, &path, &text, Value::Null)
        .await
        .expect(200);
    assert_eq!(
        read.body["body"],
        json!({"contentType": "text", "content": "a < b"})
    );
    // Null takes the rule away, and a new place both of its spellings.
    let changes = json!({"recurrence": null, "locations": [{"displayName": "Room B"}]});
    let changed = bench
        .send("PATCH", &token, &path, &[], changes)
        .await
        .expect(200);
    assert_eq!(
        (&changed.body["type"], &changed.body["recurrence"]),
        (&json!("singleInstance"), &Value::Null)
    );
    assert_eq!(changed.body["location"]["uniqueId"], "Room B");
}

#[tokio::test]
async fn cancelled_occurrences_are_shown_by_a_series_that_is_asked_for_them() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let made = bench
        .post(&token, "/v1.0/me/events", weekly())
        .await
        .expect(201);
    let shown = |path: String| {
        let (bench, token) = (&bench, &token);
        async move { bench.get(token, &path).await.expect(200).body }
    };
    let name = "cancelledOccurrences";
    let selected = shown(format!("/v1.0/me/events/{}?$select={name}", made.id())).await;
    assert_eq!(selected[name], json!([]));
    let plain = shown(format!("/v1.0/me/events/{}", made.id())).await;
    let listed = shown(format!("/v1.0/me/events?$select={name}&$top=1")).await;
    for document in [&made.body, &plain, &listed["value"][0]] {
        assert_eq!(document.get(name), None);
    }
    // The link to the calendar is there where the calendar is asked for.
    let link = "calendar@odata.navigationLink";
    assert!(plain[link].as_str().unwrap().contains("/calendars('"));
    assert_eq!(selected.get(link), None);
}

#[tokio::test]
async fn an_all_day_event_begins_and_ends_at_midnight() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let event = |start: &str, end: &str| {
        json!({
            "isAllDay": "true",
            "start": {"dateTime": start, "timeZone": "Tokyo Standard Time"},
            "end": {"dateTime": end, "timeZone": "Tokyo Standard Time"},
        })
    };
    for (start, end, named) in [
        ("2026-12-10T09:00:00", "2026-12-11", "Event.Start"),
        ("2026-12-10T00:00", "2026-12-11T00:00:00.5", "Event.End"),
        ("2026-12-10", "2026-12-10", "validation"),
    ] {
        let answer = bench
            .post(&token, "/v1.0/me/events", event(start, end))
            .await;
        assert!(answer.text.contains(named), "{}", answer.text);
        answer.expect(400);
    }
    let good = event("2026-12-10T00:00", "2026-12-11T00:00:00.000");
    bench
        .post(&token, "/v1.0/me/events", good)
        .await
        .expect(201);
}

#[tokio::test]
async fn the_first_addresses_of_a_contact_have_names_of_their_own() {
    let bench = Bench::new();
    let token = bench.delegated("alice", RW);
    let body = json!({
        "givenName": "Ada", "middleName": "King", "surname": "L", "birthday": "1815-12-10T22:00:00Z",
        "secondaryEmailAddress": {"address": "home@x.example", "name": "Home"},
        "emailAddresses": [{"address": "work@x.example"}, {"address": "old@x.example"}],
    });
    let made = bench
        .post(&token, "/v1.0/me/contacts", body)
        .await
        .expect(201);
    assert_eq!(made.body["displayName"], "Ada King L");
    assert_eq!(made.body["birthday"], "1815-12-10T11:59:00Z");
    let (work, home) = (
        json!({"name": "work@x.example", "address": "work@x.example"}),
        json!({"address": "home@x.example", "name": "Home"}),
    );
    assert_eq!(made.body["emailAddresses"], json!([work, home]));
    assert_eq!(made.body["primaryEmailAddress"], work);
    assert_eq!(made.body["secondaryEmailAddress"], home);
    assert_eq!(made.body.get("tertiaryEmailAddress"), None);
    let path = format!("/v1.0/me/contacts/{}", made.id());
    let changes = json!({"birthday": null, "jobTitle": "Countess", "emailAddresses": []});
    let changed = bench
        .send("PATCH", &token, &path, &[], changes)
        .await
        .expect(200);
    assert_eq!(changed.body["birthday"], Value::Null);
    assert_eq!(changed.body.get("primaryEmailAddress"), None);
}
