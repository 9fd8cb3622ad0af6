//! The report as a single HTML page that needs no network: a matrix, and for each failure the rule,
//! the document, a sequence diagram of the wire, and the command that runs it again.

mod diagram;

use std::collections::BTreeMap;

use entra_mock::environment::Environment;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::human::{counts, plural, seconds, worst};
use super::model::{CaseReport, Outcome, Problem};
use super::results::Results;
use crate::case::{AuthMethod, Level};

/// The whole page.
pub(super) fn page(results: &Results) -> String {
    let title = format!("Conformance of {}", name(results));
    let unexpected: Vec<&CaseReport> = results.unexpected().collect();
    let warned = results.cases.iter().filter(|it| it.outcome.is_expected());
    let warned: Vec<&CaseReport> = warned.filter(|it| !it.warnings.is_empty()).collect();
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (title) }
                    p.totals { (totals(results)) }
                    p.quiet {
                        (results.run.suite) " · seed " (results.run.seed) " · connector "
                        code { (results.run.source) } " · "
                        (seconds(std::time::Duration::from_millis(results.end.millis)))
                    }
                    @if let Some(reason) = &results.end.incomplete {
                        p.alert { "The run could not be completed: " (reason) }
                    }
                    @for stale in &results.end.stale {
                        p.alert { "Known failure for which no case ran: " code { (stale) } }
                    }
                }
                main {
                    section { h2 { "Auth methods and environments" } (matrix(results)) }
                    @if !unexpected.is_empty() {
                        section {
                            h2 { "Not as expected" }
                            @for case in &unexpected { (failure(case)) }
                        }
                    }
                    @if !warned.is_empty() {
                        section {
                            h2 { "Recommendations not followed" }
                            (warnings(&warned))
                        }
                    }
                    section { h2 { "All cases" } (scenarios(results)) }
                }
            }
        }
    };
    body.into_string()
}

fn name(results: &Results) -> &str {
    if results.run.connector.is_empty() {
        &results.run.source
    } else {
        &results.run.connector
    }
}

fn totals(results: &Results) -> Markup {
    let totals = results.totals();
    html! {
        @for outcome in Outcome::ALL {
            @if let Some(number) = totals.get(&outcome) {
                span class=(format!("tag {}", outcome.slug())) { (number) " " (outcome.slug()) }
                " "
            }
        }
        "of " (plural(results.cases.len(), "case"))
    }
}

fn axes(results: &Results) -> (Vec<AuthMethod>, Vec<Environment>) {
    let has = |fits: &dyn Fn(&CaseReport) -> bool| results.cases.iter().any(fits);
    let methods = AuthMethod::ALL
        .into_iter()
        .filter(|it| has(&|case| case.auth == *it));
    let places = Environment::ALL
        .into_iter()
        .filter(|it| has(&|case| case.environment == *it));
    (methods.collect(), places.collect())
}

fn matrix(results: &Results) -> Markup {
    let matrix = results.matrix();
    let (methods, places) = axes(results);
    html! {
        table {
            thead {
                tr { th {} @for place in &places { th scope="col" { (place.slug()) } } }
            }
            tbody {
                @for method in &methods {
                    tr {
                        th scope="row" { (method) }
                        @for place in &places {
                            @match matrix.get(&(*method, *place)) {
                                Some(cell) => td class=(worst(cell).map_or("", Outcome::slug)) {
                                    (counts(cell))
                                },
                                None => td {},
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A row a scenario, a square a case.
fn scenarios(results: &Results) -> Markup {
    let (methods, places) = axes(results);
    let mut rows: BTreeMap<&str, Vec<&CaseReport>> = BTreeMap::new();
    for case in &results.cases {
        rows.entry(&case.scenario).or_default().push(case);
    }
    html! {
        div.wide { table.cases {
            thead {
                tr {
                    th rowspan="2" { "Scenario" }
                    @for method in &methods {
                        th scope="colgroup" colspan=(places.len()) { (method) }
                    }
                }
                tr {
                    @for _ in &methods {
                        @for place in &places { th.small scope="col" { (place.slug()) } }
                    }
                }
            }
            tbody {
                @for (id, cases) in &rows {
                    tr {
                        th scope="row" title=(cases[0].title) { (id) }
                        @for method in &methods {
                            @for place in &places {
                                (square(cases.iter().find(|case| {
                                    case.auth == *method && case.environment == *place
                                })))
                            }
                        }
                    }
                }
            }
        } }
    }
}

fn square(case: Option<&&CaseReport>) -> Markup {
    let Some(case) = case else {
        return html! { td.none {} };
    };
    let outcome = case.outcome.slug();
    let reason = case.reason.as_deref().unwrap_or_default();
    let title = format!("{}: {outcome} {reason}", case.id);
    // A letter beside the colour, for those who do not see it.
    let letter = &outcome[..1];
    html! {
        td class=(outcome) title=(title.trim()) {
            @if case.outcome.is_expected() { (letter) }
            @else { a href=(format!("#{}", anchor(&case.id))) { (letter) } }
        }
    }
}

fn failure(case: &CaseReport) -> Markup {
    let shown: Vec<u64> = case
        .problems
        .iter()
        .flat_map(|it| it.exchanges.clone())
        .collect();
    html! {
        details.failure id=(anchor(&case.id)) open[case.outcome == Outcome::Error] {
            summary {
                span class=(format!("tag {}", case.outcome.slug())) { (case.outcome.slug()) } " "
                code { (case.id) } " " span.quiet { (case.title) }
            }
            @if let Some(reason) = &case.reason { p { (reason) } }
            @for problem in &case.problems { (problem_block(problem)) }
            @if !case.wire.is_empty() {
                h4 { "On the wire" }
                div.wide { (diagram::of(&case.wire, &shown)) }
            }
            @if !case.output.is_empty() {
                h4 { "What the driver said" }
                pre { (case.output.join("\n")) }
            }
            @if let Some(rerun) = &case.rerun { h4 { "Run it again" } pre { (rerun) } }
            @if let Some(artifacts) = &case.artifacts {
                p.quiet { "artifacts in " code { (artifacts) } }
            }
        }
    }
}

fn problem_block(problem: &Problem) -> Markup {
    let level = match problem.level {
        Level::May => "may",
        Level::Must => "must",
        Level::Should => "should",
    };
    html! {
        h3 { span.level { (level) } " " code { (problem.name) } " " span.quiet { (problem.kind.slug()) } }
        p { (problem.says) }
        dl {
            dt { "expected" } dd { (problem.expected) }
            dt { "observed" } dd { (problem.observed) }
            dt { "source" } dd { (problem.source) }
        }
    }
}

fn warnings(cases: &[&CaseReport]) -> Markup {
    let mut rows: BTreeMap<&str, (&Problem, Vec<&str>)> = BTreeMap::new();
    for case in cases {
        for warning in &case.warnings {
            let row = rows.entry(&warning.name).or_insert((warning, Vec::new()));
            row.1.push(&case.id);
        }
    }
    html! {
        @for (name, (problem, ids)) in &rows {
            details {
                summary {
                    code { (name) } " " (problem.says) " " span.quiet { (plural(ids.len(), "case")) }
                }
                (problem_block(problem))
                ul { @for id in ids { li { code { (id) } } } }
            }
        }
    }
}

/// An id that is safe in an address.
fn anchor(id: &str) -> String {
    id.chars()
        .map(|it| if it.is_ascii_alphanumeric() { it } else { '-' })
        .collect()
}

const STYLE: &str = include_str!("html/page.css");
