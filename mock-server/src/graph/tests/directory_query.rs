//! Each query option on each collection of the directory.

use serde_json::json;

use super::*;
use crate::directory::Directory;

const EVENTUAL: [(&str, &str); 1] = [("consistencylevel", "eventual")];

impl Bench {
    /// An app that may read the directory, and what it is answered.
    async fn ask(&self, path: &str, eventual: bool) -> Answer {
        let app = self.app_only(&["Directory.Read.All"]);
        let headers: &[(&str, &str)] = if eventual { &EVENTUAL } else { &[] };
        self.send("GET", &app, path, headers, Value::Null).await
    }

    /// Code and text of a refusal.
    async fn refusal(&self, path: &str, eventual: bool) -> (String, String) {
        let answer = self.ask(path, eventual).await.expect(400);
        let text = |name: &str| answer.body["error"][name].as_str().unwrap().to_owned();
        (text("code"), text("message"))
    }

    fn change(&self, change: impl FnOnce(&mut Directory)) {
        self.tenant.write(change);
    }
}

/// A tenant with two registrations and their service principals.
fn with_apps() -> Bench {
    let bench = Bench::new();
    let text = "schema: 1\ntenants:\n  one:\n    name: Contoso\n    environment: office365\n    \
                domain: apps.onmicrosoft.com\n    users:\n      root: {name: Rita Root, roles: \
                [global-administrator]}\n      alice: {name: Alice Archer, manager: bob}\n      \
                bob: {name: Bob Baker, manager: root}\n    apps:\n      one: {name: Invoices, \
                redirect_uris: {web: [https://a.example/]}}\n      two: {name: Box of Mail, api: \
                {uris: ['api://two'], roles: [{value: Task.Do}]}, permissions: {delegated: \
                [User.Read]}}\n";
    let context = SeedContext {
        now: noon(),
        client_certificate: None,
    };
    let seed = SeedFile::parse(text).unwrap();
    let directory = seed.directories(&context).unwrap().remove(0);
    let tenant = bench.world.add(directory, Clock::frozen_at(noon()));
    Bench { tenant, ..bench }
}

fn names(answer: &Answer) -> Vec<&str> {
    let values = answer.values().iter();
    values
        .map(|it| it["displayName"].as_str().unwrap())
        .collect()
}

const UNSUPPORTED: &str = "Request_UnsupportedQuery";

#[tokio::test]
async fn searching_needs_the_header_on_every_collection() {
    let bench = with_apps();
    for set in ["users", "applications", "servicePrincipals"] {
        let path = format!("/v1.0/{set}?$search=%22displayName:bo%22");
        let (code, text) = bench.refusal(&path, false).await;
        assert_eq!(code, UNSUPPORTED);
        assert_eq!(
            text,
            "Request with $search query parameter only works through MSGraph with a special request \
             header: 'ConsistencyLevel: eventual'"
        );
        let found = bench.ask(&path, true).await.expect(200);
        let expected = if set == "users" {
            "Bob Baker"
        } else {
            "Box of Mail"
        };
        assert_eq!(names(&found), [expected], "{set}");
    }
    let unquoted = "/v1.0/users?$search=displayName:bo";
    let (_, text) = bench.refusal(unquoted, true).await;
    assert_eq!(
        text,
        "Syntax error: character ':' is not valid at position 11 in 'displayName:bo'."
    );
}

#[tokio::test]
async fn counting_is_ignored_or_refused_without_the_header() {
    let bench = with_apps();
    for (set, count) in [("users", 3), ("applications", 2), ("servicePrincipals", 3)] {
        let path = format!("/v1.0/{set}?$count=true&$top=1");
        let silent = bench.ask(&path, false).await.expect(200);
        assert_eq!(silent.body["@odata.count"], Value::Null, "{set}");
        let told = bench.ask(&path, true).await.expect(200);
        assert_eq!(told.body["@odata.count"], count, "{set}");
        let raw = format!("/v1.0/{set}/$count");
        let (code, text) = bench.refusal(&raw, false).await;
        assert_eq!(code, UNSUPPORTED);
        assert_eq!(
            text,
            "Raw count (/$count) is not supported because the 'ConsistencyLevel:eventual' header is \
             missing. Refer to https://aka.ms/graph-docs/advanced-queries for more information"
        );
        let told = bench.ask(&raw, true).await.expect(200);
        assert_eq!(told.text, count.to_string(), "{set}");
    }
}

#[tokio::test]
async fn a_filter_is_answered_as_the_table_of_properties_says() {
    let bench = with_apps();
    let refer = "Refer to https://aka.ms/graph-docs/advanced-queries for more information";
    let missing = format!(
        "is not supported because the required parameters might be missing. Try adding $count=true \
         query parameter and ConsistencyLevel:eventual header. {refer}"
    );
    let header = format!(
        "is not supported because the 'ConsistencyLevel:eventual' header is missing. {refer}"
    );
    let clause = |property: &str, of: &str| {
        format!(
            "Unsupported or invalid query filter clause specified for property '{property}' of \
             resource '{of}'."
        )
    };
    // Collection, filter, the refusal without parameters, with $count=true alone.
    for (set, filter, without, counted) in [
        (
            "users",
            "endsWith(userPrincipalName,'com')",
            format!("Operator 'endsWith' {missing}"),
            format!("Operator 'endsWith' {header}"),
        ),
        (
            "users",
            "not(displayName eq 'x')",
            format!("Operator 'not' {missing}"),
            format!("Operator 'not' {header}"),
        ),
        (
            "users",
            "accountEnabled ne true",
            "Filter operator 'NotEqualsMatch' is not supported.".to_owned(),
            "Filter operator 'NotEqualsMatch' is not supported.".to_owned(),
        ),
        (
            "users",
            "companyName eq 'Contoso'",
            clause("companyName", "User"),
            clause("companyName", "User"),
        ),
        (
            "users",
            "jobTitle eq null",
            clause("jobTitle", "User"),
            clause("jobTitle", "User"),
        ),
        (
            "applications",
            "web/redirectUris/any(p:p eq 'https://a.example/')",
            clause("web", "Application"),
            clause("web", "Application"),
        ),
        (
            "servicePrincipals",
            "appRoleAssignmentRequired eq false",
            clause("appRoleAssignmentRequired", "ServicePrincipal"),
            clause("appRoleAssignmentRequired", "ServicePrincipal"),
        ),
    ] {
        let path = format!("/v1.0/{set}?$filter={}", filter.replace(' ', "%20"));
        let advanced = format!("{path}&$count=true");
        for (path, expected) in [(&path, without), (&advanced, counted)] {
            let (code, text) = bench.refusal(path, false).await;
            assert_eq!((code.as_str(), text), (UNSUPPORTED, expected), "{path}");
        }
        let (code, _) = bench.refusal(&path, true).await;
        assert_eq!(code, UNSUPPORTED, "{filter}");
        bench.ask(&advanced, true).await.expect(200);
    }
    for (set, filter) in [
        ("users", "contains(displayName,'x')"),
        ("users", "userType gt 'A'"),
        ("applications", "keyCredentials/any(k:k/type eq 'x')"),
        ("servicePrincipals", "endsWith(displayName,'x')"),
    ] {
        let filter = filter.replace(' ', "%20");
        let path = format!("/v1.0/{set}?$filter={filter}&$count=true");
        let (code, _) = bench.refusal(&path, true).await;
        assert_eq!(code, UNSUPPORTED, "{path}");
    }
    for (set, filter, found) in [
        ("users", "startswith(displayName,'al')", 1),
        ("users", "mail in ('bob@apps.onmicrosoft.com','x')", 1),
        ("users", "createdDateTime ge 2020-01-01T00:00:00Z", 3),
        (
            "users",
            "assignedLicenses/any(l:l/skuId eq 19ec0d23-8335-4cbd-94ac-6050e30712fa)",
            3,
        ),
        ("applications", "startswith(displayName,'Box')", 1),
        ("applications", "identifierUris/any(s:s eq 'api://two')", 1),
        (
            "servicePrincipals",
            "servicePrincipalNames/any(c:c eq 'api://two')",
            1,
        ),
        ("servicePrincipals", "displayName eq 'microsoft graph'", 1),
    ] {
        let path = format!("/v1.0/{set}?$filter={}", filter.replace(' ', "%20"));
        let answer = bench.ask(&path, false).await.expect(200);
        assert_eq!(answer.values().len(), found, "{path}");
    }
}

#[tokio::test]
async fn sorting_follows_the_table_and_a_filter_needs_the_parameters_beside_it() {
    let bench = with_apps();
    for (path, answered) in [
        ("users?$orderby=displayName", true),
        ("users?$orderby=createdDateTime", false),
        ("users?$orderby=mail", false),
        (
            "users?$filter=startswith(displayName,'a')&$orderby=displayName",
            false,
        ),
        ("applications?$orderby=displayName", false),
        ("servicePrincipals?$orderby=displayName", false),
    ] {
        let path = format!("/v1.0/{path}");
        if answered {
            bench.ask(&path, false).await.expect(200);
            continue;
        }
        let (code, text) = bench.refusal(&path, false).await;
        assert_eq!(code, UNSUPPORTED, "{path}");
        assert_eq!(text, "Sorting not supported for current query.");
    }
    for set in ["users", "applications", "servicePrincipals"] {
        let path = format!("/v1.0/{set}?$orderby=displayName%20desc&$count=true");
        let sorted = bench.ask(&path, true).await.expect(200);
        let names = names(&sorted);
        assert!(
            names.is_sorted_by(|a, b| a >= b) && names.len() > 1,
            "{names:?}"
        );
    }
    let (code, _) = bench
        .refusal("/v1.0/users?$orderby=mail&$count=true", true)
        .await;
    assert_eq!(code, UNSUPPORTED);
}

#[tokio::test]
async fn what_the_directory_does_not_know_is_refused_on_every_collection() {
    let bench = with_apps();
    for set in [
        "users",
        "applications",
        "servicePrincipals",
        "oauth2PermissionGrants",
        "directory/deletedItems/microsoft.graph.user",
        "domains",
        "organization",
    ] {
        let (code, text) = bench
            .refusal(&format!("/v1.0/{set}?deltatoken=latest"), false)
            .await;
        assert_eq!(code, "Request_BadRequest");
        assert_eq!(text, "Unrecognized query argument specified: 'deltatoken'.");
        let (code, _) = bench.refusal(&format!("/v1.0/{set}?$skip=1"), false).await;
        assert_eq!(code, "Request_BadRequest", "{set}");
        let (_, text) = bench
            .refusal(&format!("/v1.0/{set}?$top=1000"), false)
            .await;
        assert!(text.contains("between 1 and 999"), "{set}: {text}");
        let (_, text) = bench
            .refusal(&format!("/v1.0/{set}?$select=colour"), false)
            .await;
        assert!(text.contains("named 'colour'"), "{set}: {text}");
        let known = format!("/v1.0/{set}?select=id&top=2");
        bench.ask(&known, false).await.expect(200);
    }
    let one = format!("/v1.0/users/{}?fields=id", bench.user("alice"));
    let (_, text) = bench.refusal(&one, false).await;
    assert_eq!(text, "Unrecognized query argument specified: 'fields'.");
}

#[tokio::test]
async fn relations_are_expanded_in_lists_and_in_single_objects() {
    let bench = with_apps();
    let alice = format!("/v1.0/users/{}", bench.user("alice"));
    let one = bench.ask(&format!("{alice}?$expand=manager"), false).await;
    let one = one.expect(200);
    assert_eq!(one.body["manager"]["@odata.type"], "#microsoft.graph.user");
    assert_eq!(one.body["manager"]["displayName"], "Bob Baker");
    assert_eq!(one.body["manager"]["accountEnabled"], Value::Null);
    let path = "/v1.0/users?$expand=manager($select=id,displayName)&$select=displayName";
    let list = bench.ask(path, false).await.expect(200);
    let managers: Vec<&Value> = list.values().iter().map(|it| &it["manager"]).collect();
    assert_eq!(managers[0], &Value::Null, "Rita has none");
    assert_eq!(managers[1]["displayName"], "Bob Baker");
    assert_eq!(managers[1].as_object().unwrap().len(), 3);
    let chain = format!(
        "{alice}?$expand=manager($levels=max;$select=displayName)&$select=displayName&$count=true"
    );
    bench.refusal(&chain, false).await;
    let chain = bench.ask(&chain, true).await.expect(200);
    let above = &chain.body["manager"];
    assert_eq!(above["displayName"], "Bob Baker");
    assert_eq!(above["manager"]["displayName"], "Rita Root");
    assert_eq!(above["manager"]["manager"], Value::Null);
    let bob = format!("/v1.0/users/{}", bench.user("bob"));
    let reports = bench
        .ask(&format!("{bob}?$expand=directReports"), false)
        .await;
    let reports = reports.expect(200);
    assert_eq!(
        reports.body["directReports"][0]["displayName"],
        "Alice Archer"
    );
    let app = bench
        .ask(
            "/v1.0/applications?$expand=owners,federatedIdentityCredentials",
            false,
        )
        .await
        .expect(200);
    assert_eq!(app.values()[0]["owners"], json!([]));
    let principals = "/v1.0/servicePrincipals?$expand=appRoleAssignedTo,oauth2PermissionGrants";
    let principals = bench.ask(principals, false).await.expect(200);
    assert_eq!(principals.values()[0]["oauth2PermissionGrants"], json!([]));
    for (path, code) in [
        ("/v1.0/users?$expand=drive", "ExpandNotSupported"),
        ("/v1.0/users?$expand=colour", "BadRequest"),
        ("/v1.0/users?$expand=displayName", "BadRequest"),
        ("/v1.0/organization?$expand=branding", "ExpandNotSupported"),
        (
            "/v1.0/users?$expand=directReports($filter=id eq 'x')",
            "Request_UnsupportedQuery",
        ),
    ] {
        let answer = bench.ask(&path.replace(' ', "%20"), false).await;
        if code == "ExpandNotSupported" {
            assert!(answer.annotation.unsupported.is_some(), "{path}");
        }
        assert_eq!(answer.refused(400), code, "{path}");
    }
}

#[tokio::test]
async fn circles_of_managers_end() {
    let bench = with_apps();
    let (root, alice) = (bench.user("root"), bench.user("alice"));
    bench.change(|it| it.set_manager(root, Some(alice)));
    let path = format!("/v1.0/users/{alice}?$expand=manager($levels=max)&$count=true");
    let answer = bench.ask(&path, true).await.expect(200);
    let top = &answer.body["manager"]["manager"];
    assert_eq!(top["displayName"], "Rita Root");
    assert_eq!(top["manager"], Value::Null);
}

#[tokio::test]
async fn a_manager_is_set_read_and_taken_away() {
    let bench = Bench::new();
    let (alice, bob) = (bench.user("alice"), bench.user("bob"));
    let app = bench.app_only(&["User.ReadWrite.All"]);
    let path = format!("/v1.0/users/{alice}/manager");
    let nobody = bench.get(&app, &path).await.expect(404);
    assert_eq!(
        nobody.body["error"]["message"],
        "Resource 'manager' does not exist or one of its queried reference-property objects are not \
         present."
    );
    let put = async |to: String| {
        let body = json!({ "@odata.id": to });
        let path = format!("{path}/$ref");
        bench.send("PUT", &app, &path, &[], body).await
    };
    put("https://graph.microsoft.com/v1.0/users/nobody".to_owned())
        .await
        .expect(404);
    put(format!("https://graph.microsoft.com/v1.0/users/{alice}"))
        .await
        .expect(400);
    put(format!("https://graph.microsoft.com/v1.0/users('{bob}')"))
        .await
        .expect(204);
    let found = bench.get(&app, &path).await.expect(200);
    assert_eq!(found.body["id"], bob.to_string());
    assert_eq!(
        found.body["@odata.context"],
        "https://graph.microsoft.com/v1.0/$metadata#directoryObjects/$entity"
    );
    let reference = bench.get(&app, &format!("{path}/$ref")).await.expect(200);
    assert_eq!(
        reference.body["@odata.id"],
        format!("https://graph.microsoft.com/v1.0/directoryObjects/{bob}")
    );
    let reports = format!("/v1.0/users/{bob}/directReports?$select=displayName");
    let reports = bench.get(&app, &reports).await.expect(200);
    assert_eq!(names(&reports), ["Alice Archer"]);
    bench
        .send("DELETE", &app, &format!("{path}/$ref"), &[], Value::Null)
        .await
        .expect(204);
    bench.get(&app, &path).await.expect(404);
}

#[tokio::test]
async fn functions_and_casts_are_no_keys_and_are_marked() {
    let bench = Bench::new();
    let app = bench.app_only(&["Directory.Read.All", "Group.Read.All"]);
    for path in [
        "/v1.0/users/delta()",
        "/v1.0/users/delta",
        "/v1.0/users/microsoft.graph.delta()",
        "/v1.0/applications/delta()",
        "/v1.0/servicePrincipals/delta()",
        "/v1.0/oauth2PermissionGrants/delta()",
        "/v1.0/myorganization/users/delta()",
    ] {
        let answer = bench.get(&app, path).await.expect(200);
        assert!(answer.body["@odata.deltaLink"].is_string(), "{path}");
    }
    let device = bench.delegated("alice", &["UserActivity.ReadWrite.CreatedByApp"]);
    let answer = bench.get(&device, "/v1.0/me/activities/recent()").await;
    assert!(answer.annotation.unsupported.is_some());
    assert_eq!(answer.refused(501), "NotInTheMock");
    let nonsense = bench.get(&app, "/v1.0/users/getByNames(x=1)").await;
    assert_eq!(nonsense.refused(400), "BadRequest");
    // The directory's name of old for the tenant of the token.
    bench
        .get(&app, "/v1.0/myorganization/users")
        .await
        .expect(200);
}

#[tokio::test]
async fn filters_count_what_a_list_or_a_relation_has() {
    let bench = with_apps();
    let rows = [
        ("/v1.0/users", "assignedLicenses/$count eq 0", 0),
        ("/v1.0/users", "assignedLicenses/$count ne 0", 3),
        ("/v1.0/users", "proxyAddresses/$count ne 0", 3),
        ("/v1.0/users", "ownedObjects/$count eq 0", 2),
        ("/v1.0/users", "ownedObjects/$count ne 0", 1),
        ("/v1.0/applications", "owners/$count eq 0", 1),
        ("/v1.0/groups", "owners/$count eq 0", 1),
        ("/v1.0/groups", "not (owners/$count eq 0)", 0),
    ];
    let alice = bench.user("alice");
    bench.change(|directory| {
        let app = directory.applications.values_mut().next().unwrap();
        app.owners.insert(alice);
    });
    let writer = bench.app_only(&["Group.ReadWrite.All"]);
    let group = json!({"displayName": "G", "mailEnabled": false, "mailNickname": "g",
        "securityEnabled": true});
    bench.post(&writer, "/v1.0/groups", group).await.expect(201);
    for (path, filter, found) in rows {
        let filter = filter.replace(' ', "%20");
        let asked = format!("{path}?$count=true&$filter={filter}");
        let answer = bench.ask(&asked, true).await.expect(200);
        assert_eq!(answer.body["@odata.count"], found, "{asked}");
        assert_eq!(answer.values().len(), found, "{asked}");
        // Only with the advanced query parameters.
        assert_eq!(bench.refusal(&asked, false).await.0, UNSUPPORTED, "{asked}");
    }
    for wrong in ["displayName/$count eq 0", "assignedLicenses/$count eq 'x'"] {
        let asked = format!(
            "/v1.0/users?$count=true&$filter={}",
            wrong.replace(' ', "%20")
        );
        assert_eq!(bench.refusal(&asked, true).await.0, "BadRequest", "{wrong}");
    }
}

#[tokio::test]
async fn the_last_sign_in_is_read_from_the_log_and_guarded_like_it() {
    let bench = with_apps();
    let alice = bench.user("alice");
    let sign_in = |id: &str, time: &str, code: u32| {
        let entry =
            json!({"userId": alice, "createdDateTime": time, "status": {"errorCode": code}});
        crate::world::append_to_log(&bench.tenant, "auditLogs/signIns", id, entry);
    };
    sign_in("one", "2026-01-14T08:00:00Z", 0);
    sign_in("two", "2026-01-15T08:00:00Z", 50126);
    let filter = "signInActivity/lastSignInDateTime%20ge%202026-01-15T00:00:00Z";
    let asked = format!("/v1.0/users?$select=displayName,signInActivity&$filter={filter}");
    let may = bench.app_only(&["User.Read.All", "AuditLog.Read.All"]);
    let answer = bench.get(&may, &asked).await.expect(200);
    assert_eq!(names(&answer), ["Alice Archer"]);
    let activity = &answer.values()[0]["signInActivity"];
    assert_eq!(activity["lastSignInRequestId"], "two");
    assert_eq!(
        activity["lastSuccessfulSignInDateTime"],
        "2026-01-14T08:00:00Z"
    );
    let one = format!("/v1.0/users/{alice}?$select=signInActivity");
    let one = bench.get(&may, &one).await.expect(200);
    assert_eq!(one.body["signInActivity"], *activity);
    let may_not = bench.app_only(&["User.Read.All"]);
    for path in [asked.as_str(), "/v1.0/auditLogs/signIns"] {
        let answer = bench.get(&may_not, path).await.expect(403);
        let error = &answer.body["error"];
        assert_eq!(error["code"], "Authentication_MSGraphPermissionMissing");
        let text = error["message"].as_str().unwrap();
        assert!(text.ends_with("AuditLog.Read.All"), "{text}");
    }
}
