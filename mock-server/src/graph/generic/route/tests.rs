use super::*;

fn route(path: &str) -> Result<Route, GraphError> {
    walk(&Segment::all(path).unwrap(), SignInCloud::Global)
}

fn template(path: &str) -> String {
    route(path).map_or_else(
        |error| format!("{}: {}", error.code, error.message),
        |it| it.template,
    )
}

#[test]
fn paths_are_read_in_every_spelling() {
    for (path, expected) in [
        ("/v1.0/groups", "/groups"),
        (
            "/v1.0/Groups('a')/MEMBERS/$ref",
            "/groups/{id}/members/$ref",
        ),
        (
            "/v1.0/groups/a/members/microsoft.graph.user/$count",
            "/groups/{id}/members/microsoft.graph.user/$count",
        ),
        (
            "/v1.0/applications(appId='x')/owners",
            "/applications(appid={value})/owners",
        ),
        ("/v1.0/groups/delta()", "/groups/delta"),
        (
            "/v1.0/reports/getEmailActivityCounts(period='D7')",
            "/reports/getemailactivitycounts(period={value})",
        ),
        (
            "/v1.0/me/todo/lists/x/tasks/y/$count",
            "/me/todo/lists/{id}/tasks/{id}/$count",
        ),
        (
            "/v1.0/users/x/microsoft.graph.sendMail",
            "/users/{id}/sendmail",
        ),
    ] {
        let found = template(path);
        if path.contains("y/$count") {
            assert!(
                found.starts_with("RequestBroker--ParseUri: "),
                "{path}: {found}"
            );
        } else {
            assert_eq!(found, expected, "{path}");
        }
    }
}

#[test]
fn what_a_type_does_not_have_is_an_unknown_segment() {
    for path in [
        "/v1.0/nonsense",
        "/v1.0/groups/a/nonsense",
        "/v1.0/groups/$value",
        "/v1.0/groups/a/displayName/x",
    ] {
        assert!(
            template(path).starts_with("BadRequest: Resource not found for the segment"),
            "{path}"
        );
    }
}

#[test]
fn a_navigation_is_a_link() {
    let members = route("/v1.0/groups/a/members").unwrap();
    assert!(members.last().unwrap().is_link());
    let threads = route("/v1.0/groups/a/threads").unwrap();
    assert!(!threads.last().unwrap().is_link());
}

/// The schema has what the permission tables say of v1.0, so nearly all their paths lead somewhere.
#[test]
fn the_documented_paths_lead_somewhere() {
    let mut found = 0;
    for (path, _, _) in model::paths() {
        let sample = path.replace("{id}", "x").replace("{value}", "'x'");
        found += usize::from(route(&format!("/v1.0{sample}")).is_ok());
    }
    assert!(found > 4500, "{found}");
}
