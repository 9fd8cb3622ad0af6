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
    assert!(
        bench
            .post(&token, "/v1.0/me/events", json!({"subject": "x"}))
            .await
            .expect(400)
            .text
            .contains("'start'")
    );
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
        (&json!("Petra Oakes"), &json!("Oakes, Petra"))
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
