//! Scenario files: checked, completed in editors, played, and replayed.

use std::fs;
use std::path::Path;
use std::process::Command;

use entra_black_box::{Finished, Server, program, python, root, run};
use serde_json::{Value, json};

fn scenario(folder: &Path, arguments: &[&str]) -> Finished {
    let mut command = Command::new(program("entra-mock"));
    run(command.current_dir(folder).arg("scenario").args(arguments))
}

/// The names of the YAML files in a folder of test data.
fn files(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(root().join(folder))
        .expect("the folder can be listed")
        .filter_map(|it| it.ok()?.file_name().into_string().ok())
        .filter(|it| Path::new(it).extension().is_some_and(|it| it == "yaml"))
        .collect();
    names.sort();
    assert!(names.len() >= 10, "{names:?}");
    names
}

#[test]
fn every_mistake_is_told_in_the_words_beside_the_file() {
    let folder = root().join("scenarios/testdata/invalid");
    let names = files("scenarios/testdata/invalid");
    let mut wanted = String::new();
    for name in &names {
        let message = folder.join(name.replace(".yaml", ".message"));
        wanted += &fs::read_to_string(message).expect("the message is there");
    }
    let count = names.len();
    wanted += &format!("{count} of {count} files cannot be used\n");
    let mut arguments = vec!["check"];
    arguments.extend(names.iter().map(String::as_str));
    let finished = scenario(&folder, &arguments);
    assert_eq!(finished.code, Some(1), "{finished}");
    assert_eq!(finished.stdout, wanted);
    // The suite's reader is the same.
    let replayed = run(Command::new(program("entra-conformance"))
        .current_dir(&folder)
        .args(["replay", "unknown-event.yaml"]));
    assert_eq!(replayed.code, Some(2), "{replayed}");
    let message = fs::read_to_string(folder.join("unknown-event.message")).expect("the message");
    assert!(replayed.stderr.contains(message.trim()), "{replayed}");
}

#[test]
fn the_library_has_no_mistakes_and_what_cannot_be_read_is_told() {
    let finished = scenario(&root(), &["check", "scenarios"]);
    assert_eq!(finished.code, Some(0), "{finished}");
    assert!(
        finished.stdout.ends_with(" files: no mistakes\n"),
        "{finished}"
    );
    let missing = scenario(&root(), &["check", "no-such-file.yaml"]);
    assert_eq!(missing.code, Some(2), "{missing}");
    assert!(missing.stderr.contains("no-such-file.yaml"), "{missing}");
    let none = scenario(&root(), &["check", "tests/black_box"]);
    assert_eq!(none.code, Some(2), "{none}");
}

#[test]
fn the_schema_takes_what_the_reader_takes_and_refuses_what_has_another_shape() {
    let printed = scenario(&root(), &["schema"]);
    assert_eq!(printed.code, Some(0), "{printed}");
    let kept = fs::read_to_string(root().join("scenarios/schema.json")).expect("the schema");
    assert_eq!(printed.stdout, kept);
    let finished = run(Command::new(python())
        .current_dir(root())
        .args(["-c", VALIDATE]));
    let result = finished.json();
    assert_eq!(result["refused"], json!({}), "right files");
    assert!(result["right"].as_u64() > Some(100), "{result}");
    // What only reading can tell: values that depend on one another, and texts with a grammar.
    let taken: Vec<&str> = result["taken"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        taken,
        [
            "check-in-a-repeat-twice",
            "check-that-demands-nothing",
            "fault-after-an-unknown-event",
            "fault-at-the-wrong-surface",
            "fault-that-never-comes",
            "matrix-without-a-value",
            "matrix-without-such-a-column",
            "second-process-in-another",
            "steps-in-steps-in-steps",
            "throttle-without-a-time",
            "together-with-a-sign-in",
            "two-checks-of-one-name",
        ]
    );
}

/// Validates all files with a JSON Schema validator that is not ours.
const VALIDATE: &str = r#"
import json, pathlib, re, jsonschema_rs, yaml
class Loader(yaml.SafeLoader):
    """As YAML 1.2, which editors read: 'on' is a text, and a date is one."""
    yaml_implicit_resolvers = {
        first: [it for it in all if it[0].split(":")[-1] not in ("bool", "timestamp")]
        for first, all in yaml.SafeLoader.yaml_implicit_resolvers.items()}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(true|false)$"), list("tf"))
schema = json.loads(pathlib.Path("scenarios/schema.json").read_text())
validator = jsonschema_rs.validator_for(schema)
refused, taken, right = {}, [], 0
for path in sorted(pathlib.Path("scenarios").rglob("*.yaml")):
    if path.name in ("rules.yaml", "requirements.yaml") or "records" in path.parts:
        continue
    invalid = "invalid" in path.parts
    try:
        document = yaml.load(path.read_text(), Loader)
    except yaml.YAMLError:
        assert invalid, path
        continue
    errors = [str(error) for error in validator.iter_errors(document)]
    right += not invalid
    if invalid and not errors:
        taken.append(path.stem)
    if errors and not invalid:
        refused[str(path)] = errors[0]
print(json.dumps({"refused": refused, "taken": taken, "right": right}))
"#;

const FILE: &str = "\
schema: 1
title: The sessions are revoked
source: a document
auth: own-app
environment: office365
steps:
  - connect: {as: alice}
  - call: list-messages
  - event: {revoke-sessions: {user: alice}}
  - event: {expire-access-tokens: {user: alice}}
  - call: list-messages
    fails: reconnect-required
  - note: the connector must ask to sign in again
  - restart: {}
";

fn write(folder: &Path) -> String {
    let file = folder.join("revoked.yaml");
    fs::write(&file, FILE).expect("the file is written");
    file.to_str().expect("UTF-8").to_owned()
}

/// Plain MSAL for Python, through the proxy of a running server.
const CLIENT: &str = r#"
import json, os, sys, msal, requests
world = json.load(open(sys.argv[1]))
place = world["environments"]["office365"]
os.environ.update(HTTPS_PROXY=world["proxy"], REQUESTS_CA_BUNDLE=world["ca_bundle_file"])
app, alice = place["apps"]["own-app"], place["users"]["alice"]
client = msal.ConfidentialClientApplication(
    app["client_id"], app["client_secret"],
    authority="https://login.microsoftonline.com/" + place["tenant"]["id"])
scopes = ["https://graph.microsoft.com/Mail.Read"]
def state():
    steps = requests.get(world["control"] + "/api/v1/tenants/" + place["tenant"]["id"] + "/scenario")
    return [step["state"] for step in steps.json()["steps"]]
seen = [state()]
token = client.acquire_token_by_username_password(alice["upn"], alice["password"], scopes)
seen.append(state())
for _ in range(2):
    mail = requests.get("https://graph.microsoft.com/v1.0/me/messages",
                        headers={"Authorization": "Bearer " + token["access_token"]})
    seen.append([mail.status_code] + state())
again = client.acquire_token_silent_with_error(scopes, client.get_accounts()[0], force_refresh=True)
seen.append(state())
print(json.dumps({"seen": seen, "codes": again.get("error_codes")}))
"#;

#[test]
fn a_served_scenario_follows_the_client_step_by_step() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&["--scenario", &write(folder.path())]);
    let finished = run(Command::new(python())
        .args(["-c", CLIENT])
        .arg(server.ready_file()));
    let result = finished.json();
    let (done, waiting, pending) = ("done", "waiting", "pending");
    assert_eq!(
        result["seen"],
        json!([
            [
                waiting, pending, pending, pending, pending, pending, pending
            ],
            [done, waiting, pending, pending, pending, pending, pending],
            [200, done, done, done, done, waiting, pending, pending],
            // The client can go on with a new token, until that is refused.
            [401, done, done, done, done, waiting, pending, pending],
            [done, done, done, done, done, done, waiting],
        ])
    );
    assert_eq!(result["codes"], json!([50173]));

    let control = server.get("/control");
    let here = folder.path();
    let shown = scenario(here, &["show", "--control", control]);
    assert_eq!(shown.code, Some(0), "{shown}");
    assert!(
        shown
            .stdout
            .contains("Waiting for you to restart the connector"),
        "{shown}"
    );
    let next = scenario(here, &["next", "--control", control]);
    assert!(next.stdout.contains("The scenario has ended."), "{next}");
    let no_more = scenario(here, &["next", "--control", control]);
    assert_eq!(no_more.code, Some(1), "{no_more}");
    assert!(no_more.stderr.contains("load it again"), "{no_more}");

    let again = scenario(here, &["load", "revoked.yaml", "--control", control]);
    assert_eq!(again.code, Some(0), "{again}");
    assert!(again.stdout.contains("a sign-in of alice"), "{again}");
    let wrong = scenario(
        here,
        &[
            "load",
            "revoked.yaml",
            "--auth",
            "device-code",
            "--control",
            control,
        ],
    );
    assert_eq!(wrong.code, Some(1), "{wrong}");
    let stopped = scenario(here, &["stop", "--control", control]);
    assert_eq!(stopped.code, Some(0), "{stopped}");
    let nothing = scenario(here, &["show", "--control", control]);
    assert_eq!(nothing.code, Some(1), "{nothing}");
    assert!(nothing.stderr.contains("scenario load FILE"), "{nothing}");
}

#[test]
fn the_same_file_is_replayed_with_the_whole_conversation() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = write(folder.path());
    let finished = run(Command::new(program("entra-conformance")).args(["replay", &file]));
    assert_eq!(finished.code, Some(0), "{finished}");
    for line in ["/oauth2/v2.0/token", "/v1.0/me/messages", "AADSTS50173"] {
        assert!(finished.stdout.contains(line), "{line}: {finished}");
    }
}

#[test]
fn what_happened_is_recorded_from_a_shell_as_a_file_that_can_be_played() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let server = Server::start(&[]);
    let control = ["--control", server.get("/control")];
    for arguments in [
        ["event", "disable-user", "--user", "bob"].as_slice(),
        &["event", "revoke-sessions", "--user", "alice"],
        &["clock", "advance", "91m"],
    ] {
        let mut command = Command::new(program("entra-mock"));
        let done = run(command.args(arguments).args(control));
        assert_eq!(done.code, Some(0), "{done}");
    }
    let record = |more: &[&str]| {
        let mut arguments = vec!["record"];
        arguments.extend(control);
        arguments.extend(more);
        scenario(folder.path(), &arguments)
    };
    let printed = record(&[]);
    assert_eq!(printed.code, Some(0), "{printed}");
    let steps = printed.stdout.split_once("steps:\n").expect("steps").1;
    for step in [
        "  - event: {disable-user: {user: bob}}\n",
        "  - event: {revoke-sessions: {",
        "  - advance: 91m\n",
    ] {
        assert!(steps.contains(step), "{step}: {printed}");
    }

    let written = record(&["--since", "1", "--output", "recorded.yaml"]);
    assert_eq!((written.code, &*written.stdout), (Some(0), ""), "{written}");
    let file = fs::read_to_string(folder.path().join("recorded.yaml")).expect("it was written");
    assert!(!file.contains("disable-user"), "{file}");
    assert!(file.contains("revoke-sessions"), "{file}");
    let checked = scenario(folder.path(), &["check", "recorded.yaml"]);
    assert_eq!(checked.code, Some(0), "{checked}");

    let nobody = record(&["--tenant", "nobody.example"]);
    assert_eq!(nobody.code, Some(1), "{nobody}");
    assert!(nobody.stderr.contains("nobody.example"), "{nobody}");
}

#[test]
fn a_server_does_not_start_with_a_scenario_that_is_wrong() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write(folder.path());
    for (from, to, told) in [
        ("revoke-sessions", "revoke-session", "revoked.yaml:9:13"),
        (
            "user: alice}}\n  - call",
            "user: alcie}}\n  - call",
            "did you mean 'alice'?",
        ),
    ] {
        let file = folder.path().join("revoked.yaml");
        fs::write(&file, FILE.replace(from, to)).expect("the file is written");
        let finished = run(Command::new(program("entra-mock"))
            .args([
                "serve",
                "--control",
                "127.0.0.1:0",
                "--tls-port",
                "0",
                "--scenario",
            ])
            .arg(&file));
        assert_eq!(finished.code, Some(2), "{finished}");
        assert!(finished.stderr.contains(told), "{finished}");
    }
}
