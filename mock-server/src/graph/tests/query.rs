use serde_json::json;

use super::*;

async fn messages(bench: &Bench, query: &str) -> Answer {
    let token = bench.delegated("alice", &["Mail.Read"]);
    bench
        .get(&token, &format!("/v1.0/me/messages?{query}"))
        .await
}

#[tokio::test]
async fn pages_are_linked_at_the_addressed_host() {
    let bench = Bench::new();
    let token = bench.token(&bench.delegated("alice", &["Mail.Read"]));
    let arrival = Arrival {
        origin: "https://localhost:8443".into(),
        real_host: false,
        ..arrival(Environment::Office365)
    };
    let get = |path: String| {
        let request = Request::builder()
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .extension(arrival.clone())
            .body(Body::empty())
            .unwrap();
        bench.answer(request)
    };
    let mut seen = BTreeSet::new();
    let mut next =
        "/v1.0//me/mailFolders/inbox/messages?%24top=40&select=subject&$count=true".to_owned();
    let mut pages = 0;
    loop {
        let answer = get(next.clone()).await.expect(200);
        pages += 1;
        assert_eq!(answer.body["@odata.count"], 130);
        for message in answer.values() {
            assert_eq!(
                message.as_object().unwrap().len(),
                3,
                "etag, id and subject"
            );
            assert!(seen.insert(message["id"].to_string()));
        }
        match answer.body["@odata.nextLink"].as_str() {
            Some(link) => {
                assert!(
                    link.starts_with(
                        "https://localhost:8443/v1.0/me/mailFolders('inbox')/messages?%24top=40"
                    ),
                    "{link}"
                );
                link.trim_start_matches("https://localhost:8443")
                    .clone_into(&mut next);
            }
            None => break,
        }
    }
    assert_eq!((pages, seen.len()), (4, 130));
}

#[tokio::test]
async fn messages_are_filtered_sorted_and_searched() {
    let bench = Bench::new();
    let unread = messages(&bench, "$filter=isRead%20eq%20false&$top=1000")
        .await
        .expect(200);
    assert!(!unread.values().is_empty() && unread.values().iter().all(|it| it["isRead"] == false));
    let recent = messages(&bench, "$filter=receivedDateTime%20ge%202026-01-14T12:00:00Z&$orderby=receivedDateTime%20asc&$top=1000").await.expect(200);
    let times: Vec<&str> = recent
        .values()
        .iter()
        .map(|it| it["receivedDateTime"].as_str().unwrap())
        .collect();
    assert!(times.len() > 3 && times.is_sorted() && times[0] >= "2026-01-14T12:00:00Z");
    let found = messages(&bench, "$search=%22subject:invoice%22&$top=1000")
        .await
        .expect(200);
    assert!(!found.values().is_empty());
    assert!(found.values().iter().all(|it| {
        it["subject"]
            .as_str()
            .unwrap()
            .to_lowercase()
            .contains("invoice")
    }));
    let from = messages(&bench, "$filter=from/emailAddress/address%20eq%20'wei.lin@eastharbour.example'%20and%20hasAttachments%20eq%20false").await.expect(200);
    assert!(
        from.values()
            .iter()
            .all(|it| it["from"]["emailAddress"]["name"] == "Wei Lin")
    );
    let kind = messages(
        &bench,
        "$filter=categories/any(c:c%20eq%20'Red%20category')&$count=true",
    )
    .await
    .expect(200);
    assert!(kind.body["@odata.count"].as_u64() > Some(0));
    let by_name = messages(&bench, "$orderby=subject&$top=1000&$select=subject")
        .await
        .expect(200);
    let subjects: Vec<String> = by_name
        .values()
        .iter()
        .map(|it| it["subject"].as_str().unwrap().to_lowercase())
        .collect();
    assert!(subjects.is_sorted());
}

#[tokio::test]
async fn sorting_and_filtering_must_fit_together() {
    let bench = Bench::new();
    let code = messages(
        &bench,
        "$filter=isRead%20eq%20false&$orderby=receivedDateTime%20desc",
    )
    .await
    .refused(400);
    assert_eq!(code, "InefficientFilter");
    let fits = "$filter=receivedDateTime%20ge%202020-01-01%20and%20isRead%20eq%20false&$orderby=receivedDateTime%20desc";
    messages(&bench, fits).await.expect(200);
}

#[tokio::test]
async fn wrong_queries_are_refused_and_name_what_is_wrong() {
    let bench = Bench::new();
    for (query, named) in [
        (
            "$select=subjekt",
            "Could not find a property named 'subjekt' on type 'microsoft.graph.message'",
        ),
        ("$expand=colour", "named 'colour'"),
        ("$filter=colour%20eq%201", "named 'colour'"),
        (
            "$filter=from/emailAddress/mail%20eq%20'x'",
            "'mail' on type 'microsoft.graph.emailAddress'",
        ),
        ("$orderby=colour", "named 'colour'"),
        ("$orderby=subject%20up", "'up'"),
        ("$filter=isRead%20eq", "position 9"),
        ("$filter=isRead%20eq%20'x'", "incompatible types"),
        ("$filter=subject", "boolean"),
        ("$filter=year(receivedDateTime)%20eq%202026", "'year'"),
        ("$top=0", "$top"),
        ("$top=1001", "The limit of '1000'"),
        ("$top=many", "$top"),
        ("$skip=-1", "$skip"),
        ("$count=maybe", "$count"),
        ("$apply=x", "'$apply'"),
        ("$top=1&$top=2", "more than once"),
        ("$search=x&$filter=isRead%20eq%20true", "SearchWithFilter"),
    ] {
        let answer = messages(&bench, query).await.expect(400);
        assert!(answer.text.contains(named), "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn metadata_and_body_formats_follow_the_request() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["Mail.Read"]);
    let path = "/v1.0/me/messages?$top=20&$select=body";
    let none = [("accept", "application/json;odata.metadata=none")];
    let answer = bench
        .send("GET", &token, path, &none, Value::Null)
        .await
        .expect(200);
    assert!(
        answer.body.get("@odata.context").is_none() && answer.body.get("@odata.nextLink").is_some()
    );
    assert!(answer.values()[0].get("@odata.etag").is_none());
    let full = [("accept", "application/json;odata.metadata=full")];
    let answer = bench
        .send("GET", &token, path, &full, Value::Null)
        .await
        .expect(200);
    assert_eq!(
        answer.values()[0]["@odata.type"],
        "#microsoft.graph.message"
    );
    for (preferred, kind) in [("text", "text"), ("html", "html")] {
        let value = format!("outlook.body-content-type=\"{preferred}\"");
        let answer = bench
            .send("GET", &token, path, &[("prefer", &value)], Value::Null)
            .await
            .expect(200);
        assert_eq!(answer.header("preference-applied"), value);
        assert!(
            answer
                .values()
                .iter()
                .all(|it| it["body"]["contentType"] == kind)
        );
    }
}

#[tokio::test]
async fn users_are_listed_page_by_page_and_by_advanced_queries() {
    let bench = Bench::new();
    let app = bench.app_only(&["User.Read.All"]);
    let first = bench.get(&app, "/v1.0/users?$top=2").await.expect(200);
    assert_eq!(first.values().len(), 2);
    let next = first.body["@odata.nextLink"].as_str().unwrap();
    assert!(next.contains("?$top=2&$skiptoken="), "{next}");
    let second = bench.get(&app, next).await.expect(200);
    assert_ne!(first.values()[0]["id"], second.values()[0]["id"]);
    let plain = bench
        .get(&app, "/v1.0/users?$filter=startswith(displayName,'Al')")
        .await
        .expect(200);
    assert_eq!(plain.values().len(), 1);
    let advanced = "/v1.0/users?$count=true&$search=%22displayName:bob%22";
    assert_eq!(
        bench.get(&app, advanced).await.refused(400),
        "Request_UnsupportedQuery"
    );
    let eventual = [("consistencylevel", "eventual")];
    let found = bench
        .send("GET", &app, advanced, &eventual, Value::Null)
        .await
        .expect(200);
    assert_eq!(found.values()[0]["displayName"], "Bob Baker");
    assert_eq!(
        bench.get(&app, "/v1.0/users/$count").await.refused(400),
        "Request_UnsupportedQuery"
    );
    assert_eq!(
        bench
            .send("GET", &app, "/v1.0/users/$count", &eventual, Value::Null)
            .await
            .expect(200)
            .text,
        "6"
    );
    bench.get(&app, "/v1.0/users?$skip=1").await.expect(400);
    let large = bench.get(&app, "/v1.0/users?$top=1000").await.expect(400);
    assert!(large.text.contains("between 1 and 999"), "{}", large.text);
    let selected = bench
        .get(
            &app,
            "/v1.0/users/alice@contoso.onmicrosoft.com?$select=id,accountEnabled",
        )
        .await
        .expect(200);
    assert_eq!(selected.body["accountEnabled"], true);
    let unset = bench
        .get(
            &app,
            "/v1.0/users/alice@contoso.onmicrosoft.com?$select=aboutMe,skills",
        )
        .await
        .expect(200);
    assert_eq!(
        (&unset.body["aboutMe"], &unset.body["skills"]),
        (&Value::Null, &json!([]))
    );
    assert_eq!(
        selected.body["@odata.context"],
        "https://graph.microsoft.com/v1.0/$metadata#users(id,accountEnabled)/$entity"
    );
}

#[tokio::test]
async fn the_user_and_the_organization_look_like_the_services() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["User.Read", "openid", "email"]);
    let me = bench.get(&token, "/beta/me").await.expect(200);
    insta::assert_json_snapshot!(me.body.as_object().unwrap().keys().collect::<Vec<_>>(), @r#"
    [
      "@odata.context",
      "businessPhones",
      "displayName",
      "givenName",
      "jobTitle",
      "mail",
      "mobilePhone",
      "officeLocation",
      "preferredLanguage",
      "surname",
      "userPrincipalName",
      "id"
    ]
    "#);
    let organization = bench.get(&token, "/v1.0/organization").await.expect(200);
    assert_eq!(organization.values()[0]["displayName"], "Contoso");
    assert_eq!(organization.values()[0]["countryLetterCode"], Value::Null);
    let info = bench.get(&token, "/oidc/userinfo").await.expect(200);
    assert_eq!(info.body["email"], "alice@contoso.onmicrosoft.com");
    assert_eq!(
        bench
            .get(&token, "/v1.0/me/photo/$value")
            .await
            .refused(404),
        "ImageNotFound"
    );
    let groups = bench.get(&token, "/v1.0/me/memberOf").await.expect(200);
    assert_eq!(groups.body["value"], json!([]));
}

#[tokio::test]
async fn user_info_has_what_the_scopes_are_for() {
    let bench = Bench::new();
    for (scopes, expected) in [
        (&["openid"][..], &["sub"][..]),
        (&["openid", "email"], &["sub", "email"]),
        (
            &["openid", "profile"],
            &["sub", "name", "family_name", "given_name", "picture"],
        ),
        (
            &["openid", "profile", "email"],
            &[
                "sub",
                "name",
                "family_name",
                "given_name",
                "picture",
                "email",
            ],
        ),
    ] {
        let token = bench.delegated("alice", scopes);
        let info = bench.get(&token, "/oidc/userinfo").await.expect(200);
        let members: Vec<_> = info.body.as_object().unwrap().keys().collect();
        assert_eq!(members, expected, "{scopes:?}");
    }
    let token = bench.delegated("alice", &["profile", "email"]);
    bench.get(&token, "/oidc/userinfo").await.refused(403);
}
