use super::*;
use crate::case::{Case, Library};

fn case() -> Case {
    static CASE: std::sync::OnceLock<Case> = std::sync::OnceLock::new();
    let read = || {
        let cases = Library::embedded().unwrap().cases();
        let mut cases = cases.into_iter();
        cases
            .find(|case| case.scenario_id == "auth/happy/connect")
            .unwrap()
    };
    CASE.get_or_init(read).clone()
}

fn failed() -> CaseReport {
    let case = case();
    let mut report = CaseReport::new(&case);
    let kind = ProblemKind::Mismatch;
    report.add(Problem::of_step(
        kind,
        "connect",
        &case,
        "connect succeeds",
        "a <b> & \"c\"",
    ));
    report.rerun = Some("entra-conformance run".to_owned());
    report
}

fn results(cases: Vec<CaseReport>) -> Results {
    let run = RunStart {
        schema: SCHEMA,
        connector: "acme 1.0".into(),
        ..RunStart::default()
    };
    Results {
        run,
        end: RunEnd {
            millis: 1_500,
            ..RunEnd::default()
        },
        cases,
    }
}

#[test]
fn exit_status_follows_what_happened() {
    let passed = CaseReport::new(&case());
    assert_eq!(results(vec![]).exit_status(), ExitStatus::NothingSelected);
    assert_eq!(
        results(vec![passed.clone()]).exit_status(),
        ExitStatus::AsExpected
    );
    assert_eq!(
        results(vec![failed()]).exit_status(),
        ExitStatus::Unexpected
    );
    let mut stale = results(vec![passed.clone()]);
    stale.end.stale.push("auth/gone".to_owned());
    assert_eq!(stale.exit_status(), ExitStatus::Unexpected);
    let mut incomplete = results(vec![passed]);
    incomplete.end.incomplete = Some("interrupted".to_owned());
    assert_eq!(incomplete.exit_status(), ExitStatus::Incomplete);
}

#[test]
fn recommendations_are_warnings_and_errors_are_never_masked() {
    let case = case();
    let mut report = CaseReport::new(&case);
    let mut problem = Problem::of_step(ProblemKind::Mismatch, "a", &case, "x", "y");
    problem.level = crate::case::Level::Should;
    report.add(problem.clone());
    assert_eq!((report.outcome, report.warnings.len()), (Outcome::Pass, 1));
    problem.kind = ProblemKind::Suite;
    report.add(problem);
    assert_eq!(report.outcome, Outcome::Error);
    report.add(Problem::of_step(
        ProblemKind::Mismatch,
        "b",
        &case,
        "x",
        "y",
    ));
    assert_eq!(report.outcome, Outcome::Error);
}

#[test]
fn results_are_read_from_a_report_and_from_events() {
    let folder = tempfile::tempdir().unwrap();
    let results = results(vec![failed()]);
    let report = folder.path().join("report.json");
    std::fs::write(&report, serde_json::to_string_pretty(&results).unwrap()).unwrap();
    assert_eq!(Results::read(&report).unwrap(), results);
    let events = folder.path().join("events.jsonl");
    let lines: Vec<String> = results
        .events()
        .map(|event| serde_json::to_string(&event).unwrap())
        .collect();
    std::fs::write(&events, lines.join("\n")).unwrap();
    assert_eq!(Results::read(&events).unwrap(), results);
    // Broken off in the middle of a line.
    std::fs::write(
        &events,
        format!("{}\n{}\n{{\"event\":\"run-fin", lines[0], lines[1]),
    )
    .unwrap();
    let read = Results::read(&events).unwrap();
    assert_eq!(read.cases.len(), 1);
    assert_eq!(read.exit_status(), ExitStatus::Incomplete);
}

#[test]
fn a_case_in_two_shards_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.json");
    std::fs::write(
        &path,
        serde_json::to_string(&results(vec![failed()])).unwrap(),
    )
    .unwrap();
    assert_eq!(
        Results::merge(std::slice::from_ref(&path))
            .unwrap()
            .cases
            .len(),
        1
    );
    let error = Results::merge(&[path.clone(), path]).unwrap_err();
    assert!(
        error.to_string().contains("which another file has too"),
        "{error}"
    );
}

#[test]
fn the_page_escapes_and_needs_no_network() {
    let page = html::page(&results(vec![failed()]));
    assert!(page.contains("a &lt;b&gt; &amp; &quot;c&quot;"), "{page}");
    assert!(
        !page.contains("http://") && !page.contains("https://"),
        "{page}"
    );
}

#[test]
fn junit_has_a_test_for_each_case() {
    let text = machine::junit(&results(vec![failed()])).unwrap();
    assert!(
        text.contains("tests=\"1\"") && text.contains("failures=\"1\""),
        "{text}"
    );
    assert!(text.contains("rerun: entra-conformance run"), "{text}");
}

#[test]
fn tap_and_annotations_say_what_failed() {
    let mut out = Vec::new();
    let mut tap = Tap::new(&mut out);
    for event in results(vec![failed()]).events() {
        tap.tell(&event).unwrap();
    }
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.contains("not ok 1 - auth/happy/connect[auth="),
        "{text}"
    );
    let mut out = Vec::new();
    machine::github(&failed(), &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(
        text.starts_with("::error title=auth/happy/connect[auth="),
        "{text}"
    );
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn the_summary_has_a_matrix_and_the_totals() {
    let mut out = Vec::new();
    let mut human = Human::new(&mut out, Paint { colour: false }, false);
    let results = results(vec![failed()]);
    for event in results.events() {
        human.tell(&event).unwrap();
    }
    human.finish(&results).unwrap();
    let text = String::from_utf8(out).unwrap();
    for wanted in [
        "FAIL  auth/happy/connect[",
        "expected   connect succeeds",
        "1. 1 case: ",
        "1 case: 1 fail in 1.5 s",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in:\n{text}");
    }
}

fn failing(id: &str, name: &str, observed: &str) -> CaseReport {
    let case = case();
    let mut report = CaseReport::new(&case);
    id.clone_into(&mut report.id);
    let kind = ProblemKind::Mismatch;
    report.add(Problem::of_step(
        kind,
        name,
        &case,
        format!("{name} succeeds"),
        observed,
    ));
    report.rerun = Some(format!("entra-conformance run --filter '{id}'"));
    report.output = vec!["a line that the driver said".to_owned(); 30];
    report
}

fn shown(results: &Results) -> String {
    let mut out = Vec::new();
    let mut human = Human::new(&mut out, Paint { colour: false }, false);
    for event in results.events() {
        human.tell(&event).unwrap();
    }
    human.finish(results).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn many_failures_of_one_cause_fit_on_a_screen() {
    let mut cases: Vec<CaseReport> = (0..97)
        .map(|number| {
            let observed =
                format!("list-messages failed: unavailable: error {number} of id-{number}");
            failing(
                &format!("mailbox/case-{number:02}"),
                "list-messages",
                &observed,
            )
        })
        .collect();
    cases.push(failing(
        "auth/other",
        "connect",
        "connect failed: access-denied AADSTS50105: no",
    ));
    let results = results(cases);
    let text = shown(&results);
    assert!(text.lines().count() <= 50, "{text}");
    assert!(text.contains("1. 97 cases: "), "{text}");
    assert!(
        text.contains("2. 1 case: connect failed: access-denied AADSTS50105"),
        "{text}"
    );
    assert!(
        text.contains("rerun      entra-conformance run --filter 'mailbox/case-00'"),
        "{text}"
    );
    // No request came, and the connector says that the network failed it.
    assert!(
        text.contains("in 97 of 98 cases that failed, no request"),
        "{text}"
    );
    let whole = human::failures(&results);
    assert!(whole.contains("mailbox/case-96") && whole.lines().count() > 1000);
}

#[test]
fn what_a_driver_says_is_no_command() {
    let mut results = results(vec![failing(
        "a/b",
        "connect",
        "connect failed: unavailable: \u{1b}[2J\n::error::gone\n##vso[x]",
    )]);
    results.run.connector = "acme\nBail out! \u{1b}[31m".to_owned();
    let mut out = Vec::new();
    let mut tap = Tap::new(&mut out);
    for event in results.events() {
        tap.tell(&event).unwrap();
    }
    machine::github(&results.cases[0], &mut out).unwrap();
    let text = format!("{}{}", shown(&results), String::from_utf8(out).unwrap());
    assert!(!text.contains('\u{1b}'), "{text}");
    for line in text.lines() {
        let command = line.trim_start().starts_with("::") && !line.starts_with("::error title=");
        assert!(
            !command && !line.contains("##vso") && !line.starts_with("Bail"),
            "{line}"
        );
    }
}

#[test]
fn a_run_that_was_broken_off_does_not_look_green() {
    let mut results = results(vec![CaseReport::new(&case())]);
    results.run.cases = 3;
    results.end.incomplete = Some("the run was ended by SIGTERM".to_owned());
    results.end.missing = vec!["a/b".to_owned(), "a/c".to_owned()];
    let text = machine::junit(&results).unwrap();
    assert!(text.contains("errors=\"3\""), "{text}");
    for wanted in ["name=\"a/b\"", "SIGTERM; 2 cases did not run"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert!(shown(&results).contains("2 cases did not run"));
}

#[test]
fn shards_that_are_missing_have_a_status_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, shard: &str, seed: u64, id: &str| {
        let mut results = results(vec![CaseReport {
            id: id.to_owned(),
            ..CaseReport::new(&case())
        }]);
        results.run.shard = Some(shard.to_owned());
        results.run.seed = seed;
        results.run.cases = 1;
        let path = folder.path().join(name);
        std::fs::write(&path, serde_json::to_string(&results).unwrap()).unwrap();
        path
    };
    let first = write("one", "1/3", 1, "a/a");
    let second = write("two", "2/3", 1, "a/b");
    let third = write("three", "3/3", 1, "a/c");
    let alone = Results::merge(std::slice::from_ref(&first)).unwrap();
    assert_eq!(alone.missing_shards(), [2, 3]);
    assert_eq!(alone.exit_status(), ExitStatus::ShardsMissing);
    assert!(
        shown(&alone).contains("shards are missing of the run: 2, 3"),
        "{}",
        shown(&alone)
    );
    assert!(machine::junit(&alone).unwrap().contains("errors=\"1\""));
    // What was joined can be joined again.
    let joined = Results::merge(&[second, third]).unwrap();
    let path = folder.path().join("joined");
    std::fs::write(&path, serde_json::to_string(&joined).unwrap()).unwrap();
    let whole = Results::merge(&[first.clone(), path]).unwrap();
    assert_eq!(
        (whole.cases.len(), whole.exit_status()),
        (3, ExitStatus::AsExpected)
    );
    for (shard, seed, wanted) in [("2/4", 1, "shards of 4"), ("2/3", 2, "the seed 2")] {
        let other = write("other", shard, seed, "a/d");
        let error = Results::merge(&[first.clone(), other])
            .unwrap_err()
            .to_string();
        assert!(error.contains(wanted), "{error}");
    }
}
