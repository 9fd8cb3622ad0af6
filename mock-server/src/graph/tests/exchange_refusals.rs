//! What Exchange refuses, and in which form: the service behind an endpoint shows in its errors.

use serde_json::json;

use super::*;

const ALL: &[&str] = &[
    "Mail.ReadWrite",
    "Mail.Send",
    "Calendars.ReadWrite",
    "Contacts.ReadWrite",
];

fn file(kind: Option<&str>) -> Value {
    let mut file = json!({"name": "a.txt", "contentBytes": "aGVsbG8="});
    if let Some(kind) = kind {
        file["@odata.type"] = json!(kind);
    }
    file
}

fn error(answer: &Answer) -> (u16, &str, &str) {
    let error = &answer.body["error"];
    (
        answer.status.as_u16(),
        error["code"].as_str().unwrap_or_default(),
        error["message"].as_str().unwrap_or_default(),
    )
}

#[tokio::test]
async fn each_service_writes_its_errors_in_its_own_way() {
    let bench = Bench::new();
    let alice = bench.delegated("alice", ALL);
    let app = bench.app_only(&["Mail.Read", "User.Read.All"]);
    let powerless = bench.delegated("alice", &["User.Read"]);
    // Whether `innerError` is there, and whether caches of one person may keep the answer.
    for (token, path, inner) in [
        (
            &alice,
            "/v1.0/users/bob@contoso.onmicrosoft.com/messages",
            false,
        ),
        (&alice, "/v1.0/me/messages/x", false),
        (&alice, "/v1.0/me/messages?$filter=junk%20eq%20true", false),
        (&powerless, "/v1.0/me/events", false),
        (&alice, "/v1.0/me/mailFolders/inbox?$select=isRead", true),
        (&app, "/v1.0/me/messages", true),
        (&app, "/v1.0/users/nobody@contoso.onmicrosoft.com", true),
        (
            &app,
            "/v1.0/users/nomail@contoso.onmicrosoft.com/messages",
            true,
        ),
    ] {
        let answer = bench.get(token, path).await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.text);
        let found = answer.body["error"]["innerError"].is_object();
        assert_eq!(found, inner, "{path}: {}", answer.text);
        let cached = if inner { "no-cache" } else { "private" };
        assert_eq!(answer.header("cache-control"), cached, "{path}");
    }
    for (path, cached) in [
        ("/v1.0/me/messages?$top=1", "private"),
        ("/v1.0/me", "no-cache"),
    ] {
        let token = bench.delegated("alice", &["Mail.Read", "User.Read"]);
        let answer = bench.get(&token, path).await.expect(200);
        assert_eq!(answer.header("cache-control"), cached, "{path}");
    }
    let batch = json!({"requests": [{"id": "1", "method": "GET", "url": "/me/events/AAMkx"}]});
    let answer = bench.post(&alice, "/v1.0/$batch", batch).await.expect(200);
    let part = &answer.body["responses"][0]["body"]["error"];
    assert_eq!(part["code"], "ErrorInvalidIdMalformed");
    assert!(part.get("innerError").is_none(), "{part}");
}

#[tokio::test]
async fn a_method_that_exchange_has_not_is_its_own_405() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let answer = bench
        .send("PUT", &token, "/v1.0/me/sendMail", &[], json!({}))
        .await;
    assert_eq!(answer.header("allow"), "POST");
    let found = error(&answer);
    assert_eq!(
        found,
        (
            405,
            "ErrorInvalidRequest",
            "The OData request is not supported."
        )
    );
}

#[tokio::test]
async fn a_body_of_another_kind_is_415_and_none_at_all_400() {
    let bench = Bench::new();
    let token = bench.token(&bench.delegated("alice", ALL));
    for (content_type, status, code) in [
        (
            Some("application/x-www-form-urlencoded"),
            415,
            "RequestBodyRead",
        ),
        (Some("application/json; charset=utf-8"), 400, "BadRequest"),
        (None, 400, "BadRequest"),
    ] {
        let mut request = Request::builder()
            .method("POST")
            .uri("/v1.0/me/events")
            .header("authorization", format!("Bearer {token}"));
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = bench.answer(request.body(Body::from("a=b")).unwrap()).await;
        assert_eq!(answer.refused(status), code, "{content_type:?}");
    }
}

#[tokio::test]
async fn search_goes_with_neither_order_nor_filter() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    for (query, code, text) in [
        (
            "$search=%22invoice%22&$orderby=subject",
            "SearchWithOrderBy",
            "The query parameter '$orderBy' is not supported with '$search'.",
        ),
        (
            "$search=%22invoice%22&$filter=isRead%20eq%20true",
            "SearchWithFilter",
            "The query parameter '$filter' is not supported with '$search'.",
        ),
    ] {
        for path in [
            "me/messages",
            "me/mailFolders/inbox/messages",
            "me/messages/$count",
        ] {
            let answer = bench.get(&token, &format!("/v1.0/{path}?{query}")).await;
            assert_eq!(error(&answer), (400, code, text), "{path}");
        }
    }
}

#[tokio::test]
async fn what_does_not_fit_the_type_is_the_request_brokers() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    for (path, text) in [
        (
            "messages?$filter=isJunk%20ne%20true",
            "Could not find a property named 'isJunk' on type 'microsoft.graph.message'.",
        ),
        (
            "events?$orderby=start/when",
            "Could not find a property named 'when' on type 'microsoft.graph.dateTimeTimeZone'.",
        ),
        (
            "messages?$expand=attachments($select=contentId)",
            "Could not find a property named 'contentId' on type 'microsoft.graph.attachment'.",
        ),
        (
            "messages?$filter=receivedDateTime%20ge%20'2026-01-01'",
            "A binary operator with incompatible types was detected. Found operand types \
             'Edm.DateTimeOffset' and 'Edm.String' for operator kind 'GreaterThanOrEqual'.",
        ),
        (
            "messages?$filter=importance%20eq%20'urgent'",
            "The string 'urgent' is not a valid enumeration type constant.",
        ),
        (
            "contacts?$filter=emailAddresses/address%20eq%20'x'",
            "The parent value for a property access of a property 'address' is not a single \
             value. Property access can only be applied to a single value.",
        ),
        (
            "messages?$filter=subject/any(s:s%20eq%20'x')",
            "Any/All may only be used following a collection.",
        ),
        (
            "messages?$filter=from%20eq%20'x'",
            "A binary operator with incompatible types was detected. Found operand types \
             'microsoft.graph.recipient' and 'Edm.String' for operator kind 'Equal'.",
        ),
        (
            "messages?$orderby=from",
            "The $orderby expression must evaluate to a single value of primitive type.",
        ),
        (
            "mailFolders?$filter=totalItemCount",
            "The $filter expression must evaluate to a single boolean value.",
        ),
    ] {
        let answer = bench.get(&token, &format!("/v1.0/me/{path}")).await;
        assert_eq!(
            error(&answer),
            (400, "RequestBroker--ParseUri", text),
            "{path}"
        );
    }
    let contains = "/v1.0/me/messages?$filter=contains(isRead,'x')";
    let answer = bench.get(&token, contains).await.expect(400);
    assert!(
        answer.text.contains("function with name 'contains'"),
        "{}",
        answer.text
    );
    // The front itself reads $select and $expand, of an empty list, too.
    for (path, named) in [
        (
            "contactFolders/{folder}/contacts?$select=colour",
            "'colour'",
        ),
        ("messages?$expand=subject", "is not a navigation property"),
        ("messages?$expand=colour", "'colour'"),
    ] {
        let folder = json!({"displayName": format!("Empty for {path}")});
        let made = bench
            .post(&token, "/v1.0/me/contactFolders", folder)
            .await
            .expect(201);
        let path = path.replace("{folder}", &made.id());
        let answer = bench.get(&token, &format!("/v1.0/me/{path}")).await;
        let (status, code, text) = error(&answer);
        assert_eq!((status, code), (400, "BadRequest"), "{path}");
        assert!(
            text.starts_with("Parsing OData Select and Expand failed: ") && text.contains(named),
            "{text}"
        );
    }
}

#[tokio::test]
async fn filters_that_exchange_can_not_evaluate_are_refused() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    for filter in [
        "endswith(subject,'x')",
        "toRecipients/any(r:r/emailAddress/address%20eq%20'a@b.example')",
        "isRead%20eq%20true%20and%20not%20ccRecipients/any()",
    ] {
        let path = format!("/v1.0/me/messages?$filter={filter}");
        let found = bench.get(&token, &path).await;
        let text = "The query filter contains one or more invalid nodes.";
        assert_eq!(
            error(&found),
            (400, "ErrorInvalidUrlQueryFilter", text),
            "{filter}"
        );
    }
}

#[tokio::test]
async fn headers_of_a_message_begin_with_x() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let message = |names: &[&str]| {
        let headers: Vec<Value> = names
            .iter()
            .map(|it| json!({"name": it, "value": "1"}))
            .collect();
        json!({
            "subject": "With headers",
            "toRecipients": [{"emailAddress": {"address": "bob@contoso.onmicrosoft.com"}}],
            "internetMessageHeaders": headers,
        })
    };
    let named =
        "The internet message header name 'List-Unsubscribe' should start with 'x-' or 'X-'.";
    for names in [
        &["List-Unsubscribe"][..],
        &["x-good", "List-Unsubscribe"][..],
    ] {
        for (path, body) in [
            ("/v1.0/me/sendMail", json!({"message": message(names)})),
            ("/v1.0/me/messages", message(names)),
        ] {
            let answer = bench.post(&token, path, body).await;
            assert_eq!(
                error(&answer),
                (400, "InvalidInternetMessageHeader", named),
                "{path}"
            );
        }
    }
    let six = message(&["x-1", "x-2", "x-3", "x-4", "x-5", "x-6"]);
    let answer = bench.post(&token, "/v1.0/me/messages", six).await;
    assert_eq!(
        answer.refused(400),
        "InvalidInternetMessageHeaderCollection"
    );
    let sent = json!({"message": message(&["X-Custom", "x-custom"])});
    bench
        .post(&token, "/v1.0/me/sendMail", sent)
        .await
        .expect(202);
    let filter = "/v1.0/me/messages?$filter=subject%20eq%20'With%20headers'";
    let found = bench.get(&token, filter).await.expect(200);
    assert_eq!(found.values().len(), 1, "only the last one was sent");
}

#[tokio::test]
async fn an_attachment_names_its_type_with_or_without_a_hash() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let draft = bench
        .post(&token, "/v1.0/me/messages", json!({}))
        .await
        .expect(201);
    let path = format!("/v1.0/me/messages/{}/attachments", draft.id());
    for kind in [
        "#microsoft.graph.fileAttachment",
        "microsoft.graph.fileAttachment",
    ] {
        bench
            .post(&token, &path, file(Some(kind)))
            .await
            .expect(201);
    }
    let message = json!({
        "toRecipients": [{"emailAddress": {"address": "bob@contoso.onmicrosoft.com"}}],
        "attachments": [file(None)],
    });
    let text = "Cannot process input of abstract type 'microsoft.graph.attachment'";
    for (path, body) in [
        (path.as_str(), file(None)),
        (path.as_str(), file(Some("#microsoft.graph.attachment"))),
        ("/v1.0/me/sendMail", json!({"message": message})),
    ] {
        let answer = bench.post(&token, path, body).await;
        assert_eq!(error(&answer), (400, "UnprocessableType", text), "{path}");
    }
    let answer = bench
        .post(&token, &path, file(Some("#microsoft.graph.photo")))
        .await;
    assert_eq!(answer.refused(400), "RequestBodyRead");
    let mut wrong = file(Some("#microsoft.graph.fileAttachment"));
    wrong["contentBytes"] = json!("no base64!");
    let answer = bench.post(&token, &path, wrong).await;
    let text = "Cannot convert the literal 'no base64!' to the expected type 'Edm.Binary'.";
    assert_eq!(error(&answer), (400, "RequestBodyRead", text));
    let answer = bench
        .post(&token, &path, file(Some("#microsoft.graph.itemAttachment")))
        .await;
    assert_eq!(answer.refused(400), "RequestBodyRead");
}

#[tokio::test]
async fn texts_stand_for_booleans_and_numbers() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let mail = json!({
        "message": {
            "subject": "Not saved", "isReadReceiptRequested": "false",
            "toRecipients": [{"emailAddress": {"address": "bob@contoso.onmicrosoft.com"}}],
        },
        "saveToSentItems": "false",
    });
    bench
        .post(&token, "/v1.0/me/sendMail", mail)
        .await
        .expect(202);
    let filter = "/v1.0/me/mailFolders/sentitems/messages?$filter=subject%20eq%20'Not%20saved'";
    assert!(
        bench
            .get(&token, filter)
            .await
            .expect(200)
            .values()
            .is_empty()
    );
    let event = json!({
        "subject": "By a library", "isOnlineMeeting": "false", "reminderMinutesBeforeStart": "20",
        "start": {"dateTime": "2026-02-16T09:00:00", "timeZone": "UTC"},
        "end": {"dateTime": "2026-02-16T09:30:00", "timeZone": "UTC"},
    });
    let made = bench
        .post(&token, "/v1.0/me/events", event)
        .await
        .expect(201);
    assert_eq!(made.body["reminderMinutesBeforeStart"], 20);
    assert_eq!(made.body["isOnlineMeeting"], false);
}

#[tokio::test]
async fn a_state_that_is_none_is_told_from_a_stale_one() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let draft = bench
        .post(&token, "/v1.0/me/messages", json!({}))
        .await
        .expect(201);
    let path = format!("/v1.0/me/messages/{}", draft.id());
    let patch = |etag: &str| {
        let headers = [("if-match", etag.to_owned())];
        let (bench, token, path) = (&bench, &token, &path);
        async move {
            let headers = [(headers[0].0, headers[0].1.as_str())];
            bench
                .send("PATCH", token, path, &headers, json!({"subject": "x"}))
                .await
        }
    };
    patch("*").await.expect(200);
    let stale = patch(draft.header("etag")).await;
    assert_eq!(stale.refused(412), "ErrorIrresolvableConflict");
    let wrong = patch("W/\"nothing\"").await;
    assert_eq!(
        error(&wrong),
        (400, "ErrorInvalidChangeKey", "The change key is invalid.")
    );
}

#[tokio::test]
async fn a_view_is_not_longer_than_1825_days() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let text = "Your request can't be completed. The range between the start and end dates is \
                greater than the allowed range. Maximum number of days: 1825";
    for path in ["calendarView", "calendar/calendarView"] {
        let ask = |end: &str| {
            format!("/v1.0/me/{path}?startDateTime=2021-01-01T00:00:00Z&endDateTime={end}")
        };
        bench
            .get(&token, &ask("2025-12-31T00:00:00Z"))
            .await
            .expect(200);
        let answer = bench.get(&token, &ask("2025-12-31T00:00:01Z")).await;
        assert_eq!(error(&answer), (400, "ErrorInvalidRequest", text), "{path}");
    }
}

#[tokio::test]
async fn nobody_has_a_photo_and_each_place_says_so() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["User.Read", "Contacts.Read"]);
    let contacts = bench
        .get(&token, "/v1.0/me/contacts?$top=1&$select=id")
        .await
        .expect(200);
    let contact = format!("contacts/{}", contacts.values()[0]["id"].as_str().unwrap());
    for (path, status, code, text) in [
        (
            "photo".to_owned(),
            404,
            "ImageNotFound",
            "Exception of type",
        ),
        (
            "photo/$value".to_owned(),
            404,
            "ImageNotFound",
            "Exception of type",
        ),
        (
            "photos/48X48".to_owned(),
            404,
            "ImageNotFound",
            "Exception of type",
        ),
        (
            "photos/49x49/$value".to_owned(),
            404,
            "ErrorInvalidImageId",
            "The image ID",
        ),
        (
            format!("{contact}/photo"),
            404,
            "ErrorItemNotFound",
            "The photo wasn't found.",
        ),
        (
            format!("{contact}/photo/$value"),
            404,
            "ErrorItemNotFound",
            "The photo wasn't",
        ),
        (
            format!("{contact}/photos/48x48"),
            400,
            "RequestBroker--ParseUri",
            "Resource not found for the segment 'photos'.",
        ),
    ] {
        let answer = bench.get(&token, &format!("/v1.0/me/{path}")).await;
        let (found, its, words) = error(&answer);
        assert_eq!((found, its), (status, code), "{path}: {}", answer.text);
        assert!(words.starts_with(text), "{path}: {words}");
    }
    let nowhere = bench.get(&token, "/v1.0/me/nowhere").await;
    assert_eq!(nowhere.refused(400), "BadRequest");
}

#[tokio::test]
async fn what_is_expanded_of_one_resource_is_shown_or_refused() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let event = bench
        .post(&token, "/v1.0/me/events", json!({"subject": "x"}))
        .await
        .expect(201);
    let path = format!("/v1.0/me/events/{}", event.id());
    let shown = bench
        .get(&token, &format!("{path}?$expand=attachments"))
        .await
        .expect(200);
    assert_eq!(shown.body["attachments"], json!([]));
    for path in [
        format!("{path}?$expand=extensions"),
        "/v1.0/me/mailFolders/inbox?$expand=messages".to_owned(),
        "/v1.0/me/calendar?$expand=events".to_owned(),
    ] {
        let answer = bench.get(&token, &path).await;
        assert!(answer.annotation.unsupported.is_some(), "{path}");
        assert_eq!(answer.refused(400), "ExpandNotSupported", "{path}");
    }
    let unknown = bench
        .get(&token, "/v1.0/me/mailFolders/inbox?$expand=colour")
        .await;
    assert_eq!(unknown.refused(400), "BadRequest");
}

#[tokio::test]
async fn quotes_around_a_searched_word_do_not_count() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let found = |search: &'static str| {
        let (bench, token) = (&bench, &token);
        async move {
            let path = format!("/v1.0/me/messages?$top=1000&$select=id&$search={search}");
            bench.get(token, &path).await.expect(200).values().len()
        }
    };
    let plain = found("%22budget%22").await;
    assert!(plain > 0);
    assert_eq!(found("%22'budget'%22").await, plain);
}

#[tokio::test]
async fn query_options_of_lists_at_a_single_resource_are_marked() {
    let bench = Bench::new();
    let token = bench.delegated("alice", ALL);
    let folder = "/v1.0/me/mailFolders/inbox";
    for (path, options) in [
        (
            format!("{folder}?$filter=unreadItemCount%20eq%201"),
            "$filter",
        ),
        (format!("{folder}?$top=1&$skip=1"), "$top, $skip"),
    ] {
        let answer = bench.get(&token, &path).await.expect(200);
        let mark = answer.annotation.unsupported.as_deref();
        assert_eq!(
            mark,
            Some(format!("{options} of a single resource").as_str()),
            "{path}"
        );
    }
    for path in [
        format!("{folder}?$select=displayName"),
        "/v1.0/me/messages?$top=1".to_owned(),
    ] {
        let answer = bench.get(&token, &path).await.expect(200);
        assert_eq!(answer.annotation.unsupported, None, "{path}");
    }
}
