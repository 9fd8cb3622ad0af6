//! Proof that the suite can fail: every deliberately broken connector is caught, where and only
//! where `data/mutants.yaml` says so.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use entra_mock::environment::Environment;
use indexmap::IndexMap;
use serde::Serialize;

use crate::case::{Case, Category, Level};
use crate::driver::Source;
use crate::known_failure::KnownFailures;
use crate::reference::{Guise, Kind, Mutant, Style};
use crate::report::{CaseReport, Event, ProblemKind};
use crate::runner::{self, Limits, Reach, Rerun, RunError, RunOptions};

/// Which checks each mutant turns red: `scenario#check`, or `rules#check`.
pub type Expectations = IndexMap<String, BTreeSet<String>>;

/// What became of one connector.
#[derive(Clone, Debug, Serialize)]
pub struct Verdict {
    /// Its name: a mutant's, a style's, `null`, `silent` or `reference`.
    pub name: String,
    /// Whether it is a right connector, which nothing may turn red.
    pub right: bool,
    /// The defect in a sentence.
    pub says: String,
    /// How many checks it turned red: their own expectation was violated.
    pub red: usize,
    /// How many cases did not pass, for whatever reason.
    pub failed: usize,
    /// Checks that should be red and are green.
    pub missed: BTreeSet<String>,
    /// Checks that are red and should be green.
    pub surplus: BTreeSet<String>,
}

/// What the selftest found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Proof {
    /// The connectors.
    pub verdicts: Vec<Verdict>,
    /// Must-checks of the library that no mutant turns red.
    pub unproven: BTreeSet<String>,
    /// What each mutant turned red.
    #[serde(skip)]
    pub found: Expectations,
}

impl Verdict {
    /// Whether the connector was caught as it should be.
    pub fn is_as_expected(&self) -> bool {
        let survived = self.red == 0 && self.failed == 0 && !self.right;
        self.missed.is_empty() && self.surplus.is_empty() && !survived
    }
}

impl Proof {
    /// Whether every broken connector was caught, and every must-check can fail.
    pub fn holds(&self) -> bool {
        self.unproven.is_empty() && self.verdicts.iter().all(Verdict::is_as_expected)
    }
}

/// What the mutants must turn red, as it stands in `data/mutants.yaml`.
pub fn expectations() -> Expectations {
    // The file is part of the program; a test reads it.
    serde_saphyr::from_str(include_str!("../data/mutants.yaml"))
        .expect("data/mutants.yaml has a list of checks for each mutant")
}

/// Must-checks that no mutant violates, each with the reason why not: as it stands in
/// `data/unproven.yaml`.
pub fn unproven() -> IndexMap<String, BTreeSet<String>> {
    // The file is part of the program; a test reads it.
    serde_saphyr::from_str(include_str!("../data/unproven.yaml"))
        .expect("data/unproven.yaml has lists of checks, each with a reason")
}

/// Scenarios that say something else in each environment.
const WHOLE: [&str; 2] = ["auth/happy/connect", "mailbox/an-empty-page-between"];

/// One case for each scenario and auth method: what a mutant does wrong it does wrong everywhere.
/// Scenarios about environments are taken whole, those without a must-check not at all.
pub fn sample(cases: &[Case]) -> Vec<Case> {
    let mut seen = BTreeSet::new();
    let first = |case: &Case| (case.scenario_id.clone(), case.auth_method);
    let mut chosen: Vec<Case> = Vec::new();
    for environment in Environment::ALL {
        let here = cases.iter().filter(|it| {
            let mut checks = it.scenario.checks().into_iter();
            it.environment == environment && checks.any(|check| check.level == Level::Must)
        });
        for case in here {
            let whole = case.scenario_id.starts_with("environments/")
                || WHOLE.contains(&&*case.scenario_id);
            if seen.insert(first(case)) || whole {
                chosen.push(case.clone());
            }
        }
    }
    chosen
}

/// The must-checks of some cases: `scenario#check`.
fn must_checks(cases: &[Case]) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for case in cases {
        let own = case.scenario.checks().into_iter();
        let judged = own.filter(|check| {
            check.level == Level::Must && check.applies_to(case.auth_method, case.environment)
        });
        all.extend(judged.map(|check| format!("{}#{}", case.scenario_id, check.name)));
        let rules = case.rules.iter().filter(|rule| {
            rule.level == Level::Must && rule.applies_to(case.auth_method, case.environment)
        });
        all.extend(rules.map(|rule| format!("rules#{}", rule.name)));
    }
    all
}

/// The must-checks that passed.
fn green(reports: &[CaseReport], musts: &BTreeSet<String>) -> BTreeSet<String> {
    let of = |report: &CaseReport| {
        let passed = report.passed.iter();
        let passed: Vec<String> = passed
            .filter_map(|check| id(report, check, musts))
            .collect();
        passed
    };
    reports.iter().flat_map(of).collect()
}

/// The must-checks whose own expectation was violated. A check that was not exercised, or whose
/// turn did not come, says nothing of the defect.
fn red(reports: &[CaseReport], musts: &BTreeSet<String>) -> BTreeSet<String> {
    let of = |report: &CaseReport| {
        let problems = report.problems.iter();
        let violated = problems.filter(|it| it.kind == ProblemKind::Mismatch && !it.is_step);
        let violated: Vec<String> = violated
            .filter_map(|problem| id(report, &problem.name, musts))
            .collect();
        violated
    };
    reports.iter().flat_map(of).collect()
}

/// The id of a check of a report, if it is a must-check.
fn id(report: &CaseReport, check: &str, musts: &BTreeSet<String>) -> Option<String> {
    let own = format!("{}#{check}", report.scenario);
    let rule = format!("rules#{check}");
    [own, rule].into_iter().find(|it| musts.contains(it))
}

/// Runs the reference connector, each mutant, and the null and the silent connector, and compares.
/// `only` limits the mutants; then nothing is said about unproven checks.
pub async fn prove(
    cases: &[Case],
    expected: &Expectations,
    only: &[Mutant],
    jobs: usize,
    mut tell: impl FnMut(&Verdict),
) -> Result<Proof, RunError> {
    let musts = must_checks(cases);
    let mut all = expected.values().flatten();
    let whole = all.all(|it| musts.contains(it));
    let mut proof = Proof::default();
    let mut proven = BTreeSet::new();
    let mut note = |proof: &mut Proof, verdict: Verdict| {
        tell(&verdict);
        proof.verdicts.push(verdict);
    };
    let says = "The connector as it is.";
    note(
        &mut proof,
        right("reference", says, &run(cases, Kind::Sound, jobs).await?),
    );
    if only.is_empty() {
        let says = "The connector for files, in all cases.";
        let reports = run_as(cases, (Kind::Sound, Guise::Files), jobs).await?;
        note(&mut proof, right("reference:files", says, &reports));
    }
    if only.is_empty() {
        for verdict in styles(cases, jobs).await? {
            note(&mut proof, verdict);
        }
    }
    for mutant in Mutant::ALL {
        if !only.is_empty() && !only.contains(mutant) {
            continue;
        }
        let none = BTreeSet::new();
        let listed = expected.get(mutant.name()).unwrap_or(&none);
        let reports = run(cases, Kind::Mutant(*mutant), jobs).await?;
        let red = red(&reports, &musts);
        // A rule may be broken in a scenario that is not among the cases.
        let expected_here = |it: &&String| {
            musts.contains(*it) && (!it.starts_with("rules#") || whole || red.contains(*it))
        };
        let listed = listed.iter().filter(expected_here).cloned().collect();
        note(
            &mut proof,
            compare(mutant.name(), mutant.says(), &reports, &red, &listed),
        );
        proven.extend(red.iter().cloned());
        proof.found.insert(mutant.name().to_owned(), red);
    }
    if only.is_empty() {
        for (kind, name, says) in [
            (Kind::Null, "null", "Answers success, and does nothing."),
            (
                Kind::Silent,
                "silent",
                "Declares everything, and does nothing of it.",
            ),
        ] {
            let green = green(&run(cases, kind, jobs).await?, &musts);
            let verdict = Verdict {
                name: name.to_owned(),
                right: false,
                says: says.to_owned(),
                red: musts.len() - green.len(),
                failed: 0,
                missed: green,
                surplus: BTreeSet::new(),
            };
            note(&mut proof, verdict);
        }
        note(&mut proof, refuse(cases, &musts, whole, jobs).await?);
        let argued = unproven();
        let argued: BTreeSet<&String> = argued.values().flatten().collect();
        proof.unproven = musts
            .difference(&proven)
            .filter(|it| !argued.contains(it))
            .cloned()
            .collect();
    }
    Ok(proof)
}

/// Runs the connectors that are right in a way of their own: none of them may fail.
pub async fn styles(cases: &[Case], jobs: usize) -> Result<Vec<Verdict>, RunError> {
    let mut verdicts = Vec::new();
    for style in Style::ALL {
        let reports = run(cases, Kind::Style(*style), jobs).await?;
        verdicts.push(right(&format!("style:{style}"), style.says(), &reports));
    }
    Ok(verdicts)
}

/// The verdict on a connector that must not fail.
fn right(name: &str, says: &str, reports: &[CaseReport]) -> Verdict {
    let failed = reports.iter().flat_map(|report| {
        let problems = report.problems.iter();
        let grave = problems.filter(|problem| problem.is_step || problem.level == Level::Must);
        grave.map(|problem| format!("{}#{}", report.scenario, problem.name))
    });
    Verdict {
        right: true,
        ..compare(name, says, reports, &failed.collect(), &BTreeSet::new())
    }
}

/// What a connector passes that refuses everything, with each category, at once or after a sign-in
/// page, as it stands in `data/refusing.yaml`: a reason, and the checks that hold for it.
pub fn passes_refusing() -> IndexMap<String, BTreeSet<String>> {
    // The file is part of the program; a test reads it.
    serde_saphyr::from_str(include_str!("../data/refusing.yaml"))
        .expect("data/refusing.yaml has lists of checks, each with a reason")
}

/// Runs the connectors that only refuse; what they pass must be listed.
async fn refuse(
    cases: &[Case],
    musts: &BTreeSet<String>,
    whole: bool,
    jobs: usize,
) -> Result<Verdict, RunError> {
    let mut passed = BTreeSet::new();
    for category in Category::ALL {
        for opens_a_page in [false, true] {
            let kind = Kind::Refusing {
                category,
                opens_a_page,
            };
            passed.extend(green(&run(cases, kind, jobs).await?, musts));
        }
    }
    let listed: BTreeSet<String> = passes_refusing().into_values().flatten().collect();
    let listed_here = listed.iter().filter(|it| musts.contains(*it) && whole);
    Ok(Verdict {
        name: "refusing".to_owned(),
        right: false,
        says: "Refuses everything, with one category or another.".to_owned(),
        red: musts.len() - passed.len(),
        failed: 0,
        // Green, and not argued for.
        missed: passed.difference(&listed).cloned().collect(),
        // Argued for, and red.
        surplus: listed_here
            .filter(|it| !passed.contains(*it))
            .cloned()
            .collect(),
    })
}

/// Runs the connectors that only refuse, and nothing else.
pub async fn prove_refusing(cases: &[Case], jobs: usize) -> Result<Verdict, RunError> {
    let musts = must_checks(cases);
    let listed = passes_refusing();
    let whole = listed.values().flatten().all(|it| musts.contains(it));
    refuse(cases, &musts, whole, jobs).await
}

fn compare(
    name: &str,
    says: &str,
    reports: &[CaseReport],
    red: &BTreeSet<String>,
    listed: &BTreeSet<String>,
) -> Verdict {
    let failed = reports.iter().filter(|it| !it.outcome.is_expected());
    Verdict {
        name: name.to_owned(),
        right: false,
        says: says.to_owned(),
        red: red.len(),
        failed: failed.count(),
        missed: listed.difference(red).cloned().collect(),
        surplus: red.difference(listed).cloned().collect(),
    }
}

/// Runs the cases that are about files with the connector for files, the others with that for mail.
async fn run(cases: &[Case], kind: Kind, jobs: usize) -> Result<Vec<CaseReport>, RunError> {
    let (files, others): (Vec<Case>, Vec<Case>) = cases
        .iter()
        .cloned()
        .partition(|case| case.concerns() == Some(Guise::Files.name()));
    let mut reports = Vec::new();
    for (guise, cases) in [(Guise::Mail, others), (Guise::Files, files)] {
        if !cases.is_empty() {
            reports.extend(run_as(&cases, (kind, guise), jobs).await?);
        }
    }
    Ok(reports)
}

async fn run_as(
    cases: &[Case],
    (kind, guise): (Kind, Guise),
    jobs: usize,
) -> Result<Vec<CaseReport>, RunError> {
    let options = RunOptions {
        source: Source::Reference(kind, guise),
        jobs,
        seed: 1,
        level: Level::Must,
        limits: Limits {
            request: Duration::from_secs(20),
            ..Limits::default()
        },
        reach: Reach::Proxy,
        artifacts: None,
        shard: None,
        watch: None,
        rerun: Rerun {
            file: None,
            flags: format!("--connector {}", Source::Reference(kind, guise)),
        },
    };
    let mut reports = BTreeMap::new();
    let mut incomplete = None;
    runner::run(
        cases.to_vec(),
        cases,
        options,
        KnownFailures::default(),
        |event| match event {
            Event::CaseFinished(report) => {
                reports.insert(report.id.clone(), (**report).clone());
            }
            Event::RunFinished(end) => incomplete.clone_from(&end.incomplete),
            Event::RunStarted(_) => {}
        },
    )
    .await?;
    match incomplete {
        Some(reason) => Err(RunError::Incomplete(reason)),
        None => Ok(reports.into_values().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Library;

    fn cases() -> Vec<Case> {
        sample(&Library::embedded().unwrap().cases())
    }

    #[test]
    fn every_mutant_is_listed_with_checks_that_exist() {
        let expected = expectations();
        let names: Vec<&str> = Mutant::ALL.iter().map(|it| it.name()).collect();
        let listed: Vec<&str> = expected.keys().map(String::as_str).collect();
        assert_eq!(listed, names);
        let musts = must_checks(&cases());
        for (mutant, checks) in &expected {
            let gone: Vec<_> = checks.difference(&musts).collect();
            assert!(
                gone.is_empty(),
                "{mutant} lists {gone:?}, which are not must-checks"
            );
        }
    }

    #[test]
    fn every_must_check_has_a_mutant() {
        let proven: BTreeSet<String> = expectations().into_values().flatten().collect();
        let musts = must_checks(&cases());
        let argued: BTreeSet<String> = unproven().into_values().flatten().collect();
        let missing: Vec<_> = musts.difference(&proven).collect();
        let missing: Vec<_> = missing.iter().filter(|it| !argued.contains(**it)).collect();
        assert!(missing.is_empty(), "no mutant violates these: {missing:#?}");
        let gone: Vec<_> = argued.difference(&musts).collect();
        assert!(gone.is_empty(), "these are no must-checks: {gone:#?}");
        let proven: Vec<_> = argued.intersection(&proven).collect();
        assert!(
            proven.is_empty(),
            "a mutant violates these after all: {proven:#?}"
        );
    }

    #[test]
    fn what_refusing_connectors_pass_exists_and_is_argued() {
        let musts = must_checks(&cases());
        for (reason, checks) in passes_refusing() {
            assert!(reason.len() > 20, "no reason: {reason}");
            let gone: Vec<_> = checks.difference(&musts).collect();
            assert!(gone.is_empty(), "these are no must-checks: {gone:#?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn broken_connectors_are_caught_where_they_are_listed() {
        let chosen = [
            "auth/happy/connect",
            "auth/sign-in/state-altered",
            "refresh/revoke-sessions-by-admin",
            "refresh/rotation",
        ];
        let mut cases = cases();
        cases.retain(|case| chosen.contains(&case.scenario_id.as_str()));
        let mutants = [
            Mutant::KeepsFirstRefreshToken,
            Mutant::ReusesDeadRefreshToken,
            Mutant::SkipsStateCheck,
            Mutant::TokenForEachCall,
        ];
        let proof = prove(&cases, &expectations(), &mutants, 2, |_| {}).await;
        let proof = proof.unwrap();
        assert!(proof.holds(), "{:#?}", proof.verdicts);
        assert_eq!(proof.verdicts.len(), 1 + mutants.len());
        assert!(proof.verdicts[1..].iter().all(|it| it.failed > 0));
    }
}
