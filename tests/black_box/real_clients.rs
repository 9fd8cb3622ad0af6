//! Unmodified Microsoft clients with hard-coded Microsoft hosts, by proxy and isolated.

use std::fs;
use std::process::Command;

use entra_black_box::{Server, isolated, node, program, python, root, run};
use serde_json::{Value, json};

/// Login host, Graph host and name of each environment.
const ENVIRONMENTS: [[&str; 3]; 4] = [
    [
        "login.microsoftonline.com",
        "graph.microsoft.com",
        "office365",
    ],
    [
        "login.microsoftonline.us",
        "graph.microsoft.us",
        "us-gov-l4",
    ],
    [
        "login.microsoftonline.us",
        "dod-graph.microsoft.us",
        "us-gov-l5",
    ],
    [
        "login.chinacloudapi.cn",
        "microsoftgraph.chinacloudapi.cn",
        "china",
    ],
];

fn python_reads_mail(flags: &[&str], environment: [&str; 3]) -> Value {
    let script = root().join("tests/clients/python/graph_mail.py");
    let mut command = Command::new(program("entra-mock"));
    command
        .arg("run")
        .args(flags)
        .arg("--")
        .arg(python())
        .arg(script)
        .args(environment);
    run(&mut command).json()
}

fn assert_python_read_mail(result: &Value, [_, graph_host, _]: [&str; 3]) {
    for way in ["secret", "certificate", "thumbprint", "password", "refresh"] {
        assert_eq!(result[way][0], 200, "{way}: {result}");
        assert_eq!(result[way][1], 5, "{way}: {result}");
        let next = result[way][2].as_str().unwrap_or_default();
        assert!(
            next.starts_with(&format!("https://{graph_host}/v1.0/")),
            "{way}: {result}"
        );
    }
    assert_eq!(
        result["secret_members"],
        json!(["access_token", "expires_in", "ext_expires_in", "token_type"]),
        "{result}"
    );
    assert_eq!(result["silent"], true, "{result}");
    assert_eq!(result["foreign"][0], 401, "{result}");
    assert_eq!(
        result["foreign"][1], "InvalidAuthenticationToken",
        "{result}"
    );
    let message = result["foreign"][2].as_str().unwrap_or_default();
    assert!(message.contains("Invalid audience"), "{result}");
}

#[test]
fn msal_python_reads_mail_in_every_environment_through_the_proxy() {
    for environment in ENVIRONMENTS {
        let result = python_reads_mail(&[], environment);
        assert_python_read_mail(&result, environment);
    }
}

#[test]
fn msal_python_reads_mail_in_every_environment_isolated() {
    for environment in ENVIRONMENTS {
        let result = python_reads_mail(&["--isolated"], environment);
        assert_python_read_mail(&result, environment);
    }
}

#[test]
fn msal_node_reads_mail_in_every_environment_isolated() {
    let script = root().join("tests/clients/node/graph_mail.mjs");
    for environment in ENVIRONMENTS {
        let mut command = Command::new(program("entra-mock"));
        command
            .args(["run", "--isolated", "--"])
            .arg(node())
            .arg(&script)
            .args(environment);
        let result = run(&mut command).json();
        for way in ["secret", "certificate", "password", "refresh"] {
            assert_eq!(result[way], json!([200, 5]), "{way}: {result}");
        }
        let account = result["account"].as_str().unwrap_or_default();
        assert!(account.starts_with("alice@"), "{result}");
    }
}

#[test]
fn nothing_leaves_an_isolated_run() {
    let mut command = Command::new(program("entra-mock"));
    let ask = "import socket, sys\n\
               try:\n    socket.create_connection(('192.0.2.1', 443), 3)\n\
               except OSError as error:\n    sys.exit(0 if error.errno == 101 else 3)\n\
               sys.exit(4)";
    // 101 is ENETUNREACH: there is no way out, as opposed to no answer.
    command
        .args(["run", "--isolated", "--"])
        .arg(python())
        .args(["-c", ask]);
    let finished = run(&mut command);
    assert_eq!(finished.code, Some(0), "{finished}");
}

#[test]
fn python_o365_works_with_mail_and_calendar_through_the_proxy() {
    let mut command = Command::new(program("entra-mock"));
    command
        .args(["run", "--"])
        .arg(python())
        .arg(root().join("tests/clients/python/o365_mailbox.py"));
    let result = run(&mut command).json();
    for step in [
        "signed_in",
        "sent",
        "in_order",
        "searched",
        "marked",
        "moved",
        "replied",
        "draft",
        "event",
        "changed",
        "removed",
        "contact",
        "contacts",
        "renewed",
        "app_signed_in",
    ] {
        assert_eq!(result[step], true, "{step}: {result}");
    }
    let user = result["user"].as_str().unwrap_or_default();
    assert!(user.starts_with("alice@"), "{result}");
    let subject = "Quarterly figures of the harbour";
    assert_eq!(result["received"][0], subject, "{result}");
    assert_eq!(result["received"][1], user, "{result}");
    assert_eq!(result["received"][2], json!(["figures.csv"]), "{result}");
    assert_eq!(result["sent_items"], 1, "{result}");
    assert_eq!(result["listed"], 40, "{result}");
    assert_eq!(result["in_folder"], json!([subject]), "{result}");
    assert_eq!(
        result["events"],
        json!([["Harbour review", "Building 2", 15]]),
        "{result}"
    );
    assert_eq!(result["occurrences"], 3, "{result}");
    assert_eq!(result["still_reads"], 1, "{result}");
    assert_eq!(result["app_listed"], 3, "{result}");
}

#[test]
fn msal_browser_signs_in_renews_and_fetches_me() {
    let server = Server::start(&[]);
    let result = run(Command::new(node())
        .arg(root().join("tests/clients/node/spa_mail.mjs"))
        .arg(server.get("/proxy"))
        .arg(server.ready_file()))
    .json();
    let account = result["account"].as_str().unwrap_or_default();
    assert!(account.starts_with("alice@"), "{result}");
    let me = json!([200, account, true]);
    assert_eq!(result["me"], me, "{result}");
    // By the refresh token, and by a frame with the session's cookie.
    assert_eq!(result["renewed"], json!([false, true, me]), "{result}");
    assert_eq!(result["framed"], json!([false, account, me]), "{result}");
    assert_eq!(result["refused"], 401, "{result}");
    let errors = result["console"].as_array().map_or(0, Vec::len);
    assert_eq!(errors, 1, "only the request without a token: {result}");
}

#[test]
fn an_agents_mail_server_signs_in_with_its_default_scopes_isolated() {
    let Some(mut command) = isolated() else {
        return;
    };
    let result = run(command
        .arg(node())
        .arg(root().join("tests/clients/node/mcp_mail.mjs")))
    .json();
    assert_eq!(
        result["address"], "https://microsoft.com/devicelogin",
        "{result}"
    );
    assert_eq!(result["login"], 0, "{result}");
    assert_eq!(
        result["pages"],
        json!([
            "device-code",
            "sign-in",
            "password",
            "device-confirm",
            "consent",
            "device-done"
        ]),
        "{result}"
    );
    let tools = result["tools"].as_u64().unwrap_or_default();
    assert!(tools > 100, "{result}");
    assert_eq!(result["sent"], true, "{result}");
    assert_eq!(result["listed"], 5, "{result}");
    let user = result["user"].as_str().unwrap_or_default();
    assert!(user.starts_with("alice@"), "{result}");
}

#[test]
fn an_agents_server_works_with_groups_and_tasks_isolated() {
    // Its own requests and those of Node.js know no proxy.
    let Some(_) = isolated() else {
        return;
    };
    let mut command = Command::new(program("entra-mock"));
    let result = run(command
        .args(["run", "--isolated", "--seed"])
        .arg(root().join("tests/clients/groups.yaml"))
        .arg("--")
        .arg(node())
        .arg(root().join("tests/clients/node/mcp_groups.mjs")))
    .json();
    let expected = json!({
        "created": "Sales",
        "members": ["Alice Archer", "Adele Admin"],
        "left": ["Adele Admin"],
        "groups": ["Everybody", "Sales"],
        "list": "Work",
        "seeded": ["Order paper"],
        "status": "completed",
        "tasks": 2,
    });
    assert_eq!(result, expected);
}

#[test]
fn an_agents_server_works_with_mail_calendars_and_contacts_isolated() {
    // Its own requests and those of Node.js know no proxy.
    let Some(_) = isolated() else {
        return;
    };
    let mut command = Command::new(program("entra-mock"));
    let result = run(command
        .args(["run", "--isolated", "--seed"])
        .arg(root().join("tests/clients/groups.yaml"))
        .arg("--")
        .arg(node())
        .arg(root().join("tests/clients/node/mcp_outlook.mjs")))
    .json();
    let expected = json!({
        "files": ["a.txt"],
        "inside": [["Plans", ["Blue"]]],
        "left": 0,
        "found": 3,
        "delta": true,
        "day": ["Night train"],
        "calendars": true,
        "shared": ["My Organization"],
        "contact": "Buyer",
        "partners": ["Dana Doe"],
        "zone": "UTC",
    });
    assert_eq!(result, expected);
}

#[test]
fn a_collector_reads_the_sign_in_log_page_by_page() {
    let mut command = Command::new(program("entra-mock"));
    let result = run(command
        .args(["run", "--seed"])
        .arg(root().join("tests/clients/groups.yaml"))
        .arg("--")
        .arg(python())
        .arg(root().join("tests/clients/python/sign_in_log.py")))
    .json();
    let expected = json!({
        "count": 5,
        "distinct": 5,
        "pages": 3,
        "newest_first": true,
        "people": ["admin@contoso.onmicrosoft.com", "alice@contoso.onmicrosoft.com"],
        "apps": ["Agent"],
        "codes": [0],
        "later": 0,
    });
    assert_eq!(result, expected);
}

/// What a script says that works with files in the world whose app may.
fn works_with_files(script: &str) -> Value {
    let scripts = root().join("tests/clients/python");
    let mut command = Command::new(program("entra-mock"));
    command
        .args(["run", "--isolated", "--seed"])
        .arg(scripts.join("files-world.yaml"))
        .arg("--")
        .arg(python())
        .arg(scripts.join(script));
    run(&mut command).json()
}

#[test]
fn rclone_copies_synchronizes_and_deletes_files() {
    let result = works_with_files("rclone_files.py");
    // Exit status and number of files: five, 30 MB among them, and none where nothing changed.
    assert_eq!(result["up"], json!([0, 5]), "{result}");
    assert_eq!(result["again"], json!([0, 0]), "{result}");
    assert_eq!(result["fast"], json!([0, 0]), "{result}");
    assert_eq!(result["down"], json!([0, 5]), "{result}");
    assert_eq!(result["sync"], json!([0, 1]), "{result}");
    assert_eq!(
        result["listed"],
        json!([
            "Backup/Größe #1/100% + 'quoted' (1).txt",
            "Backup/Größe #1/inner/deep.txt",
            "Backup/empty.txt",
            "Backup/large.bin",
            "Backup/small.txt",
        ]),
        "{result}"
    );
    let after = json!(["Größe #1/", "large.bin", "small.txt"]);
    assert_eq!(result["after"], after, "{result}");
    for step in ["checked", "copied", "moved", "deleted", "purged"] {
        assert_eq!(result[step], 0, "{step}: {result}");
    }
    assert_eq!(result["same"], true, "{result}");
    // The hash that rclone itself computes of "small\n".
    let hash = "73684318d8c00605000000000600000000000000";
    assert_eq!(result["hash"], hash, "{result}");
    assert_eq!(result["read"], "changed\n", "{result}");
    assert_eq!(result["part"], "ang", "{result}");
    let link = result["link"].as_str().unwrap_or_default();
    let host = "https://contoso-my.sharepoint.com/";
    assert!(link.starts_with(host), "{result}");
    assert_eq!(result["about"][1], true, "{result}");
    assert_eq!(result["left"], json!([]), "{result}");
}

#[test]
fn rclone_is_set_up_in_every_cloud_that_it_knows() {
    let scripts = root().join("tests/clients/python");
    let world = fs::read_to_string(scripts.join("files-world.yaml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (environment, region, domain, login, graph) in [
        (
            "office365",
            "global",
            "onmicrosoft.com",
            "https://login.microsoftonline.com",
            "https://graph.microsoft.com",
        ),
        (
            "us-gov-l4",
            "us",
            "onmicrosoft.us",
            "https://login.microsoftonline.us",
            "https://graph.microsoft.us",
        ),
        (
            "china",
            "cn",
            "partner.onmschina.cn",
            "https://login.chinacloudapi.cn",
            "https://microsoftgraph.chinacloudapi.cn",
        ),
    ] {
        let own = world
            .replace(
                "environment: office365",
                &format!("environment: {environment}"),
            )
            .replace("contoso.onmicrosoft.com", &format!("contoso.{domain}"));
        let seed = folder.path().join(format!("{environment}.yaml"));
        fs::write(&seed, own).unwrap();
        let mut command = Command::new(program("entra-mock"));
        command
            .args(["run", "--isolated", "--seed"])
            .arg(&seed)
            .arg("--")
            .arg(python())
            .arg(scripts.join("rclone_clouds.py"))
            .args([environment, region, login, graph]);
        let result = run(&mut command).json();
        assert_eq!(result["wizard"], json!([]), "{environment}: {result}");
        for (step, files) in [
            ("up", 10),
            ("again", 0),
            ("delta", 0),
            ("down", 10),
            ("site", 1),
        ] {
            let expected = json!([0, files]);
            assert_eq!(result[step], expected, "{environment}, {step}: {result}");
        }
        for step in ["checked", "copied", "moved", "cleaned"] {
            assert_eq!(result[step], 0, "{environment}, {step}: {result}");
        }
        assert_eq!(result["same"], true, "{environment}: {result}");
        assert_eq!(result["listed"], 10, "{environment}: {result}");
        assert_eq!(
            result["purged"],
            json!([0, 0, 0]),
            "{environment}: {result}"
        );
        // Each way leads to the library of the same site, and the root site has another.
        let seen = result["seen"].as_array().unwrap();
        let shared = json!(["Shared/", "Shared/it's 100%.txt"]);
        let others = seen.iter().filter(|it| **it == shared).count();
        assert_eq!(others, seen.len() - 1, "{environment}: {result}");
    }
}

#[test]
fn office365_rest_python_client_works_with_files() {
    let result = works_with_files("office365_files.py");
    let expected = json!({
        "drive": "business",
        "children": ["Drafts", "large.bin", "small.txt"],
        "files": ["large.bin", "small.txt"],
        "folders": ["Drafts", "Harbour"],
        "same": true,
        "content": "figures",
        "copied": true,
        "found": ["renamed.txt"],
        "changed": ["Drafts", "Harbour", "copy.txt", "large.bin", "renamed.txt", "root"],
        "link": "organization",
        "shared": "Harbour",
        "left": [],
        "root": "https://contoso.sharepoint.com",
        "by_url": "sales",
        "searched": ["https://contoso.sharepoint.com/sites/sales"],
        "rows": ["One"],
    });
    assert_eq!(result, expected);
}

#[test]
fn an_agents_server_works_with_files_and_sites_isolated() {
    let Some(_) = isolated() else {
        return;
    };
    let mut command = Command::new(program("entra-mock"));
    let result = run(command
        .args(["run", "--isolated", "--seed"])
        .arg(root().join("tests/clients/python/files-world.yaml"))
        .arg("--")
        .arg(node())
        .arg(root().join("tests/clients/node/mcp_files.mjs")))
    .json();
    let expected = json!({
        "file": ["notes #1.txt", 5],
        "inside": ["copy.txt", "moved.txt"],
        "link": "contoso-my.sharepoint.com",
        "roles": ["owner", "read", "read"],
        "versions": ["1.0"],
        "session": "contoso-my.sharepoint.com",
        "found": ["moved.txt"],
        "changed": ["Agent", "copy.txt", "moved.txt", "root"],
        "left": [],
        "preview": true,
        "sites": 2,
        "drives": ["Documents"],
        "rows": ["One"],
        "lists": ["Documents", "Ideas"],
    });
    assert_eq!(result, expected);
}

#[test]
fn python_o365_works_with_files() {
    let result = works_with_files("o365_files.py");
    for step in [
        "signed_in",
        "hash",
        "same",
        "renamed",
        "moved",
        "shared",
        "deleted",
    ] {
        assert_eq!(result[step], true, "{step}: {result}");
    }
    assert_eq!(result["drive"], json!(["business", "normal"]), "{result}");
    assert_eq!(result["small"], 8, "{result}");
    assert_eq!(result["large"], 12 << 20, "{result}");
    assert_eq!(
        result["listed"],
        json!(["large.bin", "small.txt"]),
        "{result}"
    );
    assert_eq!(result["paged"], 2, "{result}");
    let in_folder = json!(["Drafts", "copied.txt", "figures.txt"]);
    assert_eq!(result["in_folder"], in_folder, "{result}");
    assert_eq!(
        result["found"],
        json!(["copied.txt", "figures.txt"]),
        "{result}"
    );
    assert_eq!(result["permissions"], 2, "{result}");
    assert_eq!(result["left"], json!([]), "{result}");
}

#[test]
fn the_upload_task_of_the_graph_sdk_for_javascript_sends_a_large_file() {
    if isolated().is_none() {
        return;
    }
    let clients = root().join("tests/clients");
    let mut command = Command::new(program("entra-mock"));
    let result = run(command
        .args(["run", "--isolated", "--seed"])
        .arg(clients.join("python/files-world.yaml"))
        .arg("--")
        .arg(node())
        .arg(clients.join("node/graph_upload.mjs"))
        .args(ENVIRONMENTS[0]))
    .json();
    let expected = json!({
        "name": "large #1.bin",
        "size": (5 << 20) + 17,
        "fragments": 6,
        "same": true,
        // As the algorithm that Microsoft publishes makes it of the bytes.
        "hash": "x9CMbqYF7QJyvZlDSjJfMlY2R1c=",
        "cancelled": true,
    });
    assert_eq!(result, expected);
}
