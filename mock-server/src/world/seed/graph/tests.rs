use serde_json::{Map, json};

use super::super::SeedFile;
use super::super::tests::{context, world};
use crate::directory::Directory;
use crate::store::Documents;

/// The beginning of a seed file, up to the documents.
const TENANT: &str = "\
schema: 1
tenants:
  mine:
    name: Mine
    environment: office365
    domain: mine.onmicrosoft.com
    users:
      alice: {name: Alice Archer}
      bob: {name: Bob Baker}
    graph:
";

fn planted(graph: &str) -> Result<(Directory, Documents), String> {
    let text = format!("{TENANT}{graph}");
    let file = SeedFile::parse(&text).map_err(|it| it.to_string())?;
    let directories = file.directories(&context()).map_err(|it| it.to_string())?;
    let documents = file.documents(&directories, &context());
    let documents = documents.map_err(|it| it.to_string())?.remove(0);
    Ok((directories.into_iter().next().unwrap(), documents))
}

#[test]
fn documents_stand_at_their_paths_with_defaults_links_and_what_is_below_them() {
    let (directory, documents) = planted(
        "      /groups:
        - {displayName: Sales Team, members: [alice, bob], owners: [bob]}
        - {id: 11111111-1111-4111-8111-111111111111, displayName: All, members: [/groups/Sales Team]}
      /groups/Sales Team/threads: [{topic: Hello}]
      /users/alice/todo/lists:
        - displayName: Home
          tasks: [{title: Bread, importance: high, checklistItems: [{displayName: Rye}]}]
",
    )
    .unwrap();
    let alice = directory.find_user("alice").unwrap().id;
    let groups: Vec<_> = documents.list("groups").collect();
    assert_eq!(groups.len(), 2);
    let sales = &groups[0];
    assert_eq!(sales.properties["mailNickname"], "salesteam");
    assert_eq!(sales.properties["securityEnabled"], true);
    assert!(sales.properties["createdDateTime"].is_string());
    let members = documents.links(&format!("groups/{}/members", sales.id));
    assert_eq!(members.len(), 2);
    assert_eq!(members[0], format!("users/{alice}"));
    let all = format!("groups/{}/members", groups[1].id);
    assert_eq!(documents.links(&all), [format!("groups/{}", sales.id)]);
    let threads = format!("groups/{}/threads", sales.id);
    assert_eq!(documents.list(&threads).count(), 1);
    let lists = format!("users/{alice}/todo/lists");
    let list = documents.list(&lists).next().unwrap();
    let tasks = format!("{lists}/{}/tasks", list.id);
    let task = documents.list(&tasks).next().unwrap();
    assert_eq!(task.properties["importance"], "high");
    let items = format!("{tasks}/{}/checklistItems", task.id);
    assert_eq!(documents.list(&items).count(), 1);
    // Always the same.
    let again = planted("      /groups: [{displayName: Sales}]\n")
        .unwrap()
        .1;
    assert_eq!(again.list("groups").next().unwrap().id, sales.id);
}

#[test]
fn mistakes_say_where_they_are_and_what_is_near() {
    for (graph, place, problem) in [
        ("/gruops: []", "graph./gruops", "did you mean 'groups'"),
        (
            "/groups: [{displayNam: x}]",
            "/groups[0]",
            "did you mean 'displayName'",
        ),
        (
            "/groups: [{mailEnabled: maybe}]",
            "/groups[0].mailEnabled",
            "expected true or false",
        ),
        (
            "/groups: [{members: [alise]}]",
            "/groups[0].members",
            "did you mean 'alice'",
        ),
        (
            "/groups: {displayName: x}",
            "/groups",
            "expected a list of objects",
        ),
        (
            "/groups/x/threads: []",
            "/groups/x/threads",
            "write it before",
        ),
        ("/users: []", "/users", "`users:`"),
        ("/users/alice/messages: []", "messages", "a sample"),
        (
            "/users/alice/memberOf: []",
            "memberOf",
            "leads to what lives elsewhere",
        ),
        (
            "/users/alice/todo/lists: [{tasks: [{importance: hihg}]}]",
            "/users/alice/todo/lists[0].tasks[0].importance",
            "did you mean 'high'",
        ),
        (
            "/planner/plans: [{title: P, container: {typ: group}}]",
            "container",
            "did you mean 'type'",
        ),
    ] {
        let error = planted(&format!("      {graph}\n")).unwrap_err();
        assert!(
            error.contains(place) && error.contains(problem),
            "{graph}: {error}"
        );
    }
}

#[test]
fn an_exported_tenant_has_its_documents_and_they_can_be_read_again() {
    let (directory, mut documents) = planted(
        "      /groups: [{displayName: Sales, members: [alice]}]
      /users/alice/todo/lists: [{displayName: Home, tasks: [{title: Bread}]}]
",
    )
    .unwrap();
    // What the mock keeps for itself stays out.
    documents
        .put("@mirror/users", "x", Map::new(), context().now)
        .unwrap();
    let file = SeedFile::of(&[(directory, documents.clone())], &context());
    let yaml = file.to_yaml();
    let read = SeedFile::parse(&yaml).unwrap();
    let graph = &read.tenants.first().unwrap().1.graph;
    assert_eq!(graph["/groups"][0]["members"], json!(["/users/alice"]));
    assert!(!yaml.contains("@mirror"), "{yaml}");
    let tenants = world().add_seed(&read, &context()).unwrap();
    let again = tenants[0].read_documents(Clone::clone);
    let group = documents.list("groups").next().unwrap();
    assert_eq!(
        again.get("groups", &group.id).unwrap().properties,
        group.properties
    );
    let members = format!("groups/{}/members", group.id);
    assert_eq!(again.links(&members), documents.links(&members));
    let tasks = |it: &Documents| -> Vec<String> {
        let all = it.collections().map(|(name, _)| name.to_owned());
        all.filter(|name| name.ends_with("/tasks")).collect()
    };
    assert_eq!(tasks(&again).len(), 1);
    assert_eq!(tasks(&again), tasks(&documents));
}

#[test]
fn sites_have_the_services_ids_and_lists_with_rows() {
    let text = format!(
        "{TENANT}      /sites:
        - displayName: Projects
          sites: [{{name: alpha}}]
          lists:
            - displayName: Tasks
              columns: [{{name: Key, text: {{}}, indexed: true}}]
              items: [{{fields: {{Title: One, Key: a}}}}, {{fields: {{Title: Two, Key: b}}}}]
            - {{displayName: Plans, list: {{template: documentLibrary}}}}
      /sites/root/lists:
        - {{displayName: News}}
"
    );
    let world = world();
    let file = SeedFile::parse(&text).unwrap();
    let tenant = world.add_seed(&file, &context()).unwrap().remove(0);
    let sites: Vec<_> = tenant.read_documents(|it| it.list("sites").cloned().collect());
    let [projects, alpha] = sites.as_slice() else {
        panic!("{sites:?}");
    };
    let parts = |id: &str| id.split(',').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(parts(&projects.id)[0], "mine.sharepoint.com");
    assert_eq!(parts(&projects.id)[1], parts(&alpha.id)[1]);
    assert_ne!(parts(&projects.id)[2], parts(&alpha.id)[2]);
    let url = "https://mine.sharepoint.com/sites/projects/alpha";
    assert_eq!(alpha.properties["webUrl"], url);
    assert!(projects.properties.contains_key("root"));
    assert!(!alpha.properties.contains_key("root"));
    let root = tenant.read(|it| crate::drives::place::site_id(it, "root"));
    tenant.read_drives(|drives| {
        let lists: Vec<_> = drives.lists.of(&projects.id).collect();
        let named = |title: &str| lists.iter().find(|it| it.title == title).unwrap();
        let tasks = named("Tasks");
        let rows: Vec<_> = tasks.rows(0).map(|it| &it.fields["Title"]).collect();
        assert_eq!(rows, ["One", "Two"]);
        assert_eq!(tasks.schema.columns[0].members["indexed"], true);
        let plans = named("Plans").drive.as_ref().unwrap();
        assert_eq!(drives.get(plans).unwrap().name, "Plans");
        assert_eq!(drives.lists.of(&root).count(), 1);
    });
    // What a state exports is the same again.
    let exported = super::written(
        &tenant.read(Clone::clone),
        &tenant.read_documents(Clone::clone),
    );
    let again = super::plant(&exported, &tenant.read(Clone::clone), context().now).unwrap();
    let again: Vec<_> = again.list("sites").map(|it| &it.properties).collect();
    assert_eq!(again, [&projects.properties, &alpha.properties]);
}

#[test]
fn sites_that_are_nowhere_are_refused() {
    for (graph, expected) in [
        (
            "      /sites: [{description: x}]\n",
            "a site needs a webUrl, a name or a displayName",
        ),
        (
            "      /sites: [{webUrl: https://other.example/sites/a}]\n",
            "expected a webUrl below https://mine.sharepoint.com/",
        ),
        (
            "      /sites/none/lists: []\n",
            "nothing at '/sites' has the id or the name 'none'",
        ),
    ] {
        let problem = planted(graph).unwrap_err();
        assert!(problem.contains(expected), "{problem}");
    }
}
