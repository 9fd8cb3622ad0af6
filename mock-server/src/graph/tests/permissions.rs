//! Every endpoint of the table: the permissions that it names suffice, others do not.

use super::super::endpoint::{Endpoint, Workload};
use super::*;

/// A path of an endpoint with something in each placeholder.
fn path_of(endpoint: &Endpoint, me: bool) -> String {
    let template = endpoint.template(me);
    let (_, path) = template.split_once(' ').unwrap();
    let path = path
        .replace("/users/{id}", "/users/support@contoso.onmicrosoft.com")
        .replace("{folder}", "inbox")
        .replace("{setting}", "timeZone");
    let mut filled = format!("/{}", endpoint.version());
    for segment in path.split('/').skip(1) {
        filled.push('/');
        filled.push_str(if segment.starts_with('{') {
            "AAA"
        } else {
            segment
        });
    }
    filled
}

/// Whether the answer tells of a missing permission.
fn denied(answer: &Answer) -> bool {
    matches!(
        answer.body["error"]["code"].as_str(),
        Some("Authorization_RequestDenied" | "ErrorAccessDenied" | "NoPermissionsInAccessToken")
    )
}

async fn call(bench: &Bench, endpoint: &Endpoint, token: &Token, me: bool) -> Answer {
    bench
        .send(
            endpoint.method.as_str(),
            token,
            &path_of(endpoint, me),
            &[],
            Value::Null,
        )
        .await
}

#[tokio::test]
async fn each_permission_of_the_table_opens_its_endpoint_and_no_other_does() {
    for endpoint in Endpoint::all() {
        // Some change or delete what the next one would read.
        let bench = Bench::new();
        let template = endpoint.template(true);
        let user = endpoint.has_user();
        // Somebody with all roles, who then has all rights in the directory.
        let person = if endpoint.workload == Workload::Directory {
            "root"
        } else {
            "alice"
        };
        for permission in &endpoint.delegated {
            let held: Vec<&str> = permission.split('+').collect();
            let token = bench.delegated(person, &held);
            let answer = call(&bench, endpoint, &token, endpoint.has_me()).await;
            assert!(
                !denied(&answer),
                "{template} with {permission}: {}",
                answer.text
            );
        }
        for permission in endpoint.delegated_other.iter().filter(|_| user) {
            let held: Vec<&str> = permission.split('+').collect();
            let token = bench.delegated(person, &held);
            let answer = call(&bench, endpoint, &token, false).await;
            assert!(
                !denied(&answer),
                "{template} of another with {permission}: {}",
                answer.text
            );
            if !endpoint.roles.is_empty() {
                let token = bench.delegated("bob", &held);
                let answer = call(&bench, endpoint, &token, false).await.expect(403);
                assert!(denied(&answer), "{template} without a role");
            }
        }
        for permission in &endpoint.application {
            let held: Vec<&str> = permission.split('+').collect();
            let answer = call(&bench, endpoint, &bench.app_only(&held), false).await;
            assert!(
                !denied(&answer),
                "{template} app-only with {permission}: {}",
                answer.text
            );
            if let [first, _, ..] = held.as_slice() {
                let answer = call(&bench, endpoint, &bench.app_only(&[first]), false).await;
                let alone = endpoint.application.iter().any(|it| it == first);
                assert_eq!(
                    denied(&answer),
                    !alone,
                    "{template} with half of {permission}"
                );
            }
        }
        let other = ["Files.Read", "Sites.ReadWrite.All", "openid"];
        for token in [bench.delegated(person, &other), bench.app_only(&other)] {
            let me = token.user.is_some() && endpoint.has_me();
            let answer = call(&bench, endpoint, &token, me).await.expect(403);
            assert!(denied(&answer), "{template} with others: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn anothers_mailbox_needs_the_shared_permission_and_the_right() {
    let bench = Bench::new();
    let path = "/v1.0/users/support@contoso.onmicrosoft.com/messages";
    let read = bench.delegated("alice", &["Mail.Read"]);
    assert_eq!(
        bench.get(&read, path).await.refused(403),
        "ErrorAccessDenied"
    );
    let shared = bench.delegated("alice", &["Mail.Read.Shared"]);
    bench.get(&shared, path).await.expect(200);
    let without_right = bench.delegated("bob", &["Mail.Read.Shared"]);
    assert_eq!(
        bench.get(&without_right, path).await.refused(403),
        "ErrorAccessDenied"
    );
    bench
        .get(&bench.app_only(&["Mail.Read"]), path)
        .await
        .expect(200);
    // So does a path that the model alone serves.
    let of_the_model =
        "/v1.0/users/support@contoso.onmicrosoft.com/inferenceClassification/overrides";
    bench.get(&shared, of_the_model).await.expect(200);
    for (token, path) in [
        (&read, of_the_model),
        (&without_right, of_the_model),
        (
            &shared,
            "/v1.0/users/bob@contoso.onmicrosoft.com/inferenceClassification/overrides",
        ),
    ] {
        assert_eq!(
            bench.get(token, path).await.refused(403),
            "ErrorAccessDenied"
        );
    }
    // The shared permission also opens the own mailbox, by its name, too.
    bench
        .get(
            &shared,
            "/v1.0/users/alice%40contoso.onmicrosoft.com/messages",
        )
        .await
        .expect(200);
    // Settings have no shared permission.
    let settings = bench.delegated("alice", &["MailboxSettings.ReadWrite"]);
    let path = "/v1.0/users/support@contoso.onmicrosoft.com/mailboxSettings";
    assert_eq!(
        bench.get(&settings, path).await.refused(403),
        "ErrorAccessDenied"
    );
}

#[tokio::test]
async fn users_that_are_not_there_and_users_without_a_mailbox_are_told_apart() {
    let bench = Bench::new();
    let app = bench.app_only(&["Mail.Read", "User.Read.All"]);
    let code = bench
        .get(&app, "/v1.0/users/nobody@contoso.onmicrosoft.com/messages")
        .await
        .refused(404);
    assert_eq!(code, "ErrorInvalidUser");
    let code = bench
        .get(&app, "/v1.0/users/nobody@contoso.onmicrosoft.com")
        .await
        .refused(404);
    assert_eq!(code, "Request_ResourceNotFound");
    let code = bench
        .get(&app, "/v1.0/users/nomail@contoso.onmicrosoft.com/messages")
        .await
        .refused(404);
    assert_eq!(code, "MailboxNotEnabledForRESTAPI");
    let answer = bench.get(&app, "/v1.0/me").await.expect(400);
    let message = "/me request is only valid with delegated authentication flow.";
    assert_eq!(answer.body["error"]["message"], message);
    let powerless = bench.app_only(&[]);
    let path = "/v1.0/users/alice@contoso.onmicrosoft.com/messages";
    assert_eq!(
        bench.get(&powerless, path).await.refused(401),
        "NoPermissionsInAccessToken"
    );
}

#[tokio::test]
async fn own_data_only_with_user_read() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["User.Read"]);
    bench
        .get(&token, &format!("/v1.0/users/{}", bench.user("alice")))
        .await
        .expect(200);
    let other = format!("/v1.0/users/{}", bench.user("bob"));
    assert_eq!(
        bench.get(&token, &other).await.refused(403),
        "Authorization_RequestDenied"
    );
}

#[tokio::test]
async fn read_basic_shows_no_bodies() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["Mail.ReadBasic"]);
    let answer = bench.get(&token, "/v1.0/me/messages").await.expect(200);
    let message = &answer.values()[0];
    assert!(message.get("subject").is_some());
    assert!(message.get("body").is_none() && message.get("bodyPreview").is_none());
}

#[tokio::test]
async fn what_a_cloud_lacks_is_refused_and_not_blamed_on_the_mock() {
    let bench = Bench::at(Environment::China, "contoso.example");
    let token = bench.delegated("alice", &["Mail.Read"]);
    let answer = bench
        .get(&token, "/v1.0/me/mailFolders/inbox/messages/delta")
        .await
        .expect(400);
    let message = "Resource not found for the segment 'delta'.";
    assert_eq!(answer.body["error"]["message"], message);
    assert_eq!(answer.annotation.unsupported, None);
    let answer = bench
        .get(&token, "/v1.0/me/messages?$select=subject,flag")
        .await
        .expect(400);
    assert_eq!(
        answer.body["error"]["message"],
        "Parsing OData Select and Expand failed: Could not find a property named 'flag' on type \
         'microsoft.graph.message'."
    );
    let answer = bench
        .get(&token, "/v1.0/me/messages?$top=1")
        .await
        .expect(200);
    assert!(answer.values()[0].get("flag").is_none());
}

#[tokio::test]
async fn what_the_mock_does_not_do_is_noted() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["Mail.Read", "Files.Read"]);
    let answer = bench
        .get(&token, "/v1.0/me/drive/following")
        .await
        .expect(501);
    assert_eq!(answer.body["error"]["code"], "NotInTheMock");
    assert_eq!(
        answer.annotation.unsupported.as_deref(),
        Some("GET /me/drive/following")
    );
    let answer = bench.get(&token, "/v1.0/me/nonsense").await.expect(400);
    assert_eq!(answer.annotation.unsupported, None);
    let answer = bench.get(&token, "/beta/me/nonsense").await.expect(400);
    assert!(answer.annotation.unsupported.is_some());
    let answer = bench
        .send("PUT", &token, "/v1.0/me/messages", &[], Value::Null)
        .await
        .expect(405);
    assert!(answer.annotation.unsupported.is_some());
    let answer = bench.get(&token, "/v2.0/me").await.expect(400);
    assert_eq!(answer.body["error"]["message"], "Invalid version: v2.0.");
}

#[tokio::test]
async fn a_refused_method_is_answered_with_those_that_the_path_has() {
    let bench = Bench::new();
    let token = bench.delegated("alice", &["User.Read"]);
    for (method, path, allowed) in [
        ("PUT", "/v1.0/me", "GET, PATCH"),
        ("POST", "/v1.0/me", "GET, PATCH"),
        (
            "DELETE",
            "/v1.0/policies/adminConsentRequestPolicy",
            "GET, PUT",
        ),
        ("DELETE", "/v1.0/me/sendMail", "POST"),
        ("GET", "/v1.0/$batch", "POST"),
        ("PUT", "/oidc/userinfo", "GET, POST"),
        ("DELETE", "/oidc/userinfo", "GET, POST"),
    ] {
        let answer = bench.send(method, &token, path, &[], Value::Null).await;
        assert_eq!(
            answer.expect(405).header("allow"),
            allowed,
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn an_access_policy_restricts_an_app_to_mailboxes() {
    let bench = Bench::new();
    let roles = [
        "Mail.Read",
        "Calendars.Read",
        "MailboxSettings.Read",
        "User.Read.All",
    ];
    let app = bench.app_only(&roles);
    let principal = crate::directory::ServicePrincipal::new(
        ObjectId(Uuid::from_u128(77)),
        client(),
        bench.tenant.id,
        noon(),
    );
    bench
        .tenant
        .write(|it| it.service_principals.insert(client(), principal));
    let restrict = |mailboxes: Option<Vec<String>>| crate::directory::Event::RestrictAppMailboxes {
        app: bench.client(),
        mailboxes,
    };
    let path = |user: &str, rest: &str| format!("/v1.0/users/{}/{rest}", bench.user(user));
    bench.get(&app, &path("bob", "messages")).await.expect(200);
    let policy = restrict(Some(vec!["alice".to_owned()]));
    bench.world().apply(&bench.tenant(), &policy).unwrap();
    for rest in [
        "messages",
        "calendars",
        "mailboxSettings",
        "mailFolders/inbox/messageRules",
    ] {
        let refused = bench.get(&app, &path("bob", rest)).await.expect(403);
        let error = &refused.body["error"];
        assert_eq!(error["code"], "ErrorAccessDenied", "{rest}");
        assert!(
            error["message"].as_str().unwrap().contains("[RAOP]"),
            "{rest}: {error}"
        );
        let open = bench.get(&app, &path("alice", rest)).await;
        assert_eq!(open.status, 200, "{rest}: {}", open.text);
    }
    // What is no mailbox, and who acts for a person, are left alone.
    bench
        .get(&app, &format!("/v1.0/users/{}", bench.user("bob")))
        .await
        .expect(200);
    let bob = bench.delegated("bob", &["Mail.Read"]);
    bench.get(&bob, "/v1.0/me/messages").await.expect(200);
    bench
        .world()
        .apply(&bench.tenant(), &restrict(None))
        .unwrap();
    bench.get(&app, &path("bob", "messages")).await.expect(200);
}
