use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use entra_mock::journal::{Journal, Redaction};
use entra_mock::random::Random;
use entra_mock::server::{ClientCertificate, Validity};
use entra_mock::token::{KeyRings, Sealer};
use entra_mock::world::seed::SeedContext;
use entra_mock::world::{TenantDescription, World};

use entra_mock::fault::FaultAction;

use super::*;
use crate::judge::Facts;

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn files(folder: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = std::fs::read_dir(scenarios().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "yaml"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[test]
fn the_library_is_read_from_the_program_and_from_the_directory() {
    let embedded = Library::embedded().unwrap_or_else(|error| panic!("{}", shown(&error)));
    let directory = Library::from_directory(&scenarios()).unwrap();
    let ids = |library: &Library| {
        library
            .scenarios()
            .map(|it| it.0.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&embedded), ids(&directory));
    assert!(embedded.rules().count() > 20);
}

fn shown(error: &LibraryError) -> String {
    match error {
        LibraryError::Read(error) => error.render(),
        other => other.to_string(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how stored files are written anew"
)]
pub(super) fn asked_to_update(variable: &str) -> bool {
    std::env::var_os(variable).is_some()
}

#[test]
fn the_schema_in_the_repository_is_current() {
    let path = scenarios().join("schema.json");
    let wanted = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if asked_to_update("UPDATE_SCHEMA") {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        found, wanted,
        "write it anew with UPDATE_SCHEMA=1 cargo test -p entra-conformance"
    );
}

#[test]
fn valid_files_are_read_and_written_as_they_were_meant() {
    let files = files("testdata/valid");
    assert!(files.len() >= 10, "{}", files.len());
    for (name, text) in files {
        let scenario =
            read_scenario(&name, &text).unwrap_or_else(|error| panic!("{}", error.render()));
        let written = serde_json::to_value(&scenario).unwrap();
        let again: Scenario =
            serde_json::from_value(written).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(again, scenario, "{name}");
    }
}

#[test]
fn invalid_files_are_refused_with_the_message_beside_them() {
    let files = files("testdata/invalid");
    assert!(files.len() >= 15, "{}", files.len());
    let mut wrong = Vec::new();
    for (name, text) in files {
        let found = match read_scenario(&name, &text) {
            Ok(_) => "read without an error\n".to_owned(),
            Err(error) => error.render(),
        };
        let path = scenarios()
            .join("testdata/invalid")
            .join(name.replace(".yaml", ".message"));
        if asked_to_update("UPDATE_MESSAGES") {
            std::fs::write(&path, &found).unwrap();
        }
        let wanted = std::fs::read_to_string(&path).unwrap_or_default();
        if wanted != found {
            wrong.push(format!("{name}\nexpected:\n{wanted}\nfound:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn cases_have_complete_and_sorted_axes() {
    let cases = Library::embedded().unwrap().cases();
    let ids: BTreeSet<&str> = cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(ids.len(), cases.len());
    assert!(ids.contains("auth/happy/connect[auth=own-app,environment=us-gov-l4]"));
    let happy = cases
        .iter()
        .filter(|case| case.scenario_id == "auth/happy/connect")
        .count();
    assert_eq!(happy, 16);
}

#[test]
fn every_check_has_a_name_in_kebab_case_a_sentence_and_a_source() {
    let library = Library::embedded().unwrap();
    let kebab = |text: &str| {
        text.chars()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-')
    };
    for (id, scenario) in library.scenarios() {
        assert!(id.split('/').all(kebab), "{id}");
        assert!(!scenario.source.is_empty(), "{id}");
        assert!(!scenario.checks().is_empty(), "{id} has no check");
        for check in scenario.checks() {
            assert!(kebab(&check.name), "{id}#{}", check.name);
            assert!(check.says.len() > 10, "{id}#{}", check.name);
        }
    }
    for rule in library.rules() {
        assert!(kebab(&rule.name) && rule.source.is_some(), "{}", rule.name);
    }
}

#[test]
fn no_scenario_of_the_library_exempts_an_unknown_rule() {
    let library = Library::embedded().unwrap();
    let rules: BTreeSet<&str> = library.rules().map(|it| it.name.as_str()).collect();
    for (id, scenario) in library.scenarios() {
        for name in scenario.exempt.keys() {
            assert!(
                rules.contains(name.as_str()),
                "{id} is exempt from '{name}'"
            );
        }
    }
}

#[test]
fn every_placeholder_of_the_library_can_be_filled() {
    for case in Library::embedded().unwrap().cases() {
        let facts = facts(&case);
        let check = |result: Result<(), crate::judge::FillError>| {
            result.unwrap_or_else(|error| panic!("{}: {error}", case.id));
        };
        check(facts.fill(&*case.scenario).map(drop));
        for rule in &case.rules {
            check(facts.fill(&**rule).map(drop));
        }
        for step in case.steps() {
            if let Action::Connect(connect) | Action::Reconnect(connect) = &step.action {
                check(FilledForm::of(connect, &facts).map(drop));
            }
        }
    }
}

/// The default world's tenants; made once, since it needs keys.
static WORLD: LazyLock<BTreeMap<&'static str, TenantDescription>> = LazyLock::new(|| {
    let journal = Journal::new(1, Redaction::On);
    let world = World::new(
        Random::seeded(1),
        KeyRings::new(None).into(),
        Sealer::new(),
        journal,
    );
    let now = "2026-01-15T09:00:00Z".parse().unwrap();
    let certificate = ClientCertificate::generate("client", Validity::Now, "a password", now);
    let context = SeedContext {
        now,
        client_certificate: Some(certificate.certificate),
    };
    let tenants = world.add_default(&context);
    tenants
        .iter()
        .map(|it| (it.environment.slug(), world.describe(it)))
        .collect()
});

/// The facts of a case in the default world, as the runner makes them.
fn facts(case: &Case) -> Facts {
    let mut facts = Facts::new(
        case.auth_method,
        case.environment,
        &WORLD[case.environment.slug()],
    );
    for (name, environment) in facts.neighbours().collect::<Vec<_>>() {
        facts.add_neighbour(name, &WORLD[environment.slug()]);
    }
    facts.add_certificate(&CertificateForms {
        password: "a password".into(),
        pfx: "cGZ4".into(),
        with_line_breaks: "cGZ4".into(),
        truncated: "cGY=".into(),
        without_key: "Y2Vy".into(),
        without_password: "cGZ4".into(),
        old_encryption: "cGZ4".into(),
    });
    for name in kept(case.steps()) {
        facts.add(format!("kept.{name}"), "a value");
    }
    facts
}

/// The names under which steps keep values.
fn kept(steps: &[Step]) -> Vec<&str> {
    steps
        .iter()
        .flat_map(|step| match &step.action {
            Action::Call(call) => call.keep.keys().map(String::as_str).collect(),
            Action::Repeat(repeat) => kept(&repeat.steps),
            Action::Together(steps) => kept(steps),
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn patterns_select_cases_and_checks() {
    let cases = Library::embedded().unwrap().cases();
    let count = |pattern: &str| {
        pattern
            .parse::<Pattern>()
            .unwrap()
            .select(&cases)
            .unwrap()
            .len()
    };
    assert_eq!(count("auth/happy/connect"), 16);
    assert_eq!(count("auth/happy/connect[auth=own-app]"), 4);
    assert_eq!(
        count("auth/*/connect[auth=own-app,environment=us-gov-*]"),
        2
    );
    assert!(count("auth/**") > count("auth/happy/*"));
    assert_eq!(count("**"), cases.len());
    assert_eq!(count("**#reads-mail"), 16);
    assert!(count("auth/fields/client-id-*") >= 3);
}

#[test]
fn patterns_that_select_nothing_name_the_nearest() {
    let cases = Library::embedded().unwrap().cases();
    let refused = |pattern: &str| {
        let pattern: Pattern = pattern.parse().unwrap();
        pattern.select(&cases).unwrap_err().to_string()
    };
    assert!(refused("auth/hapy/connect").contains("did you mean 'auth/happy/connect'?"));
    assert!(refused("refresh/revoke").contains("did you mean 'refresh/revoke*'?"));
    assert!(refused("refresh").contains("did you mean 'refresh/**'?"));
    assert!(refused("per").contains("did you mean 'per*/**'?"));
    assert!(refused("nothing/like/it").contains("'entra-conformance list'"));
    assert!(refused("auth/happy/connect#read-mail").contains("'auth/happy/connect#reads-mail'"));
    assert!("auth/[".parse::<Pattern>().is_err());
    assert!(
        "auth/x[cloud=china]"
            .parse::<Pattern>()
            .unwrap_err()
            .to_string()
            .contains("cloud")
    );
    assert!("auth//x".parse::<Pattern>().is_err());
    assert!("auth/x#".parse::<Pattern>().is_err());
}

#[test]
fn globs_fit_as_one_expects() {
    for (pattern, text, fits) in [
        ("*", "", true),
        ("a*c", "abc", true),
        ("a*c", "ac", true),
        ("a*c", "acd", false),
        ("*/messages*", "/v1.0/me/messages/1", true),
        ("/v1.0/me/*", "/v1.0/me", false),
        ("exact", "exact", true),
        ("exact", "exactly", false),
        ("a*b*c", "a1b2c", true),
        ("a*b*c", "a1c2b", false),
        ("*bb*b", "abb", false),
    ] {
        assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
    }
}

#[test]
fn amounts_of_time_are_read_and_wrong_ones_explained() {
    for (text, seconds) in [
        ("90d", 7_776_000),
        ("61m", 3660),
        ("1h30m", 5400),
        ("0s", 0),
    ] {
        let span: Span = text.parse().unwrap();
        assert_eq!(
            (span.0.as_secs(), span.to_string()),
            (seconds, span.to_string())
        );
        assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
    }
    for text in [
        "",
        "90",
        "d",
        "90 days",
        "-5m",
        "5w",
        "99999999999999999999d",
        "40000d",
    ] {
        assert!(text.parse::<Span>().is_err(), "{text}");
    }
}

#[test]
fn every_kind_of_fault_is_in_a_scenario() {
    fn collect(steps: &[Step], into: &mut BTreeSet<String>) {
        for step in steps {
            match &step.action {
                Action::Fault(fault) => {
                    let name = fault.action.name();
                    // Places where a connection breaks and wrong certificates are kinds, too.
                    let part = match &fault.action {
                        FaultAction::Reset(at) => serde_json::to_value(at).ok(),
                        FaultAction::Tls(wrong) => serde_json::to_value(wrong).ok(),
                        _ => None,
                    };
                    into.extend(part.map(|it| format!("{name}: {}", it.as_str().unwrap())));
                    into.insert(name);
                }
                Action::Repeat(repeat) => collect(&repeat.steps, into),
                Action::Together(steps) => collect(steps, into),
                _ => {}
            }
        }
    }
    let mut used = BTreeSet::new();
    for case in Library::embedded().unwrap().cases() {
        collect(case.steps(), &mut used);
    }
    let parts = [
        "reset: after-headers",
        "reset: before-headers",
        "reset: mid-body",
        "tls: expired",
        "tls: untrusted",
        "tls: wrong-host",
    ];
    let mut kinds = FaultAction::names();
    assert!(kinds.len() > 20, "{kinds:?}");
    kinds.extend(parts.map(str::to_owned));
    kinds.retain(|kind| !used.contains(kind));
    assert!(kinds.is_empty(), "no scenario has these faults: {kinds:?}");
}
