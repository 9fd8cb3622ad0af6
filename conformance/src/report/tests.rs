use super::*;
use crate::case::{Case, Library};

fn case() -> Case {
    let cases = Library::embedded().unwrap().cases();
    cases
        .into_iter()
        .find(|case| case.scenario_id == "auth/happy/connect")
        .unwrap()
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
        "1 case: 1 fail in 1.5 s",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing in:\n{text}");
    }
}
