//! Unmodified Microsoft clients with hard-coded Microsoft hosts, by proxy and isolated.

use std::process::Command;

use entra_black_box::{node, program, python, root, run};
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
