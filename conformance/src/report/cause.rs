//! Failures by cause: many cases fail for one reason, and one thing is mended at a time.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{CaseReport, Problem};
use super::results::Results;

/// Cases that fail for the same reason.
#[derive(Debug)]
pub(super) struct Cause<'a> {
    /// The reason in a line.
    pub(super) title: String,
    /// The cases, in their order; never empty.
    pub(super) cases: Vec<&'a CaseReport>,
}

/// What a reason is told apart by.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Key {
    /// A check, by its name and what it demands.
    Check(String, String),
    /// A message, without what differs from case to case.
    Said(String),
    /// No request of the connector came to the mock.
    Unreached,
}

/// The causes of all failures, the one that explains most cases first. A case is counted once.
pub(super) fn causes(results: &Results) -> Vec<Cause<'_>> {
    let mut left: Vec<(&CaseReport, Vec<Key>)> = results
        .unexpected()
        .map(|case| (case, keys(case)))
        .collect();
    let mut causes = Vec::new();
    while !left.is_empty() {
        let mut counts: BTreeMap<&Key, usize> = BTreeMap::new();
        for (_, keys) in &left {
            let each: BTreeSet<&Key> = keys.iter().collect();
            for key in each {
                *counts.entry(key).or_default() += 1;
            }
        }
        // Among equals the one that comes first in the earliest case.
        let all = left.iter().flat_map(|(_, keys)| keys);
        let Some(best) = most_frequent(all, &counts).cloned() else {
            break;
        };
        let (cases, rest): (Vec<_>, Vec<_>) =
            left.into_iter().partition(|(_, keys)| keys.contains(&best));
        left = rest;
        let cases: Vec<&CaseReport> = cases.into_iter().map(|(case, _)| case).collect();
        let title = title(&best, cases[0]);
        causes.push(Cause { title, cases });
    }
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.cases.len()));
    causes
}

/// Why a case failed: its problems, each by what tells it apart. Never empty.
pub(super) fn keys(case: &CaseReport) -> Vec<Key> {
    if unreached(case) {
        return vec![Key::Unreached];
    }
    let mut keys: Vec<Key> = case.problems.iter().map(key).collect();
    if keys.is_empty() {
        let reason = case.reason.as_deref().unwrap_or(case.outcome.slug());
        keys.push(Key::Said(pattern(reason)));
    }
    keys
}

/// Whether the connector failed without any request of it at the mock, in a way that says that the
/// network failed it.
pub(crate) fn unreached(case: &CaseReport) -> bool {
    let network = |problem: &Problem| {
        let observed = &problem.observed;
        ["failed: unavailable", "failed: untrusted", "did not answer"]
            .iter()
            .any(|it| observed.contains(it))
    };
    case.wire.iter().all(|line| line.person) && case.problems.first().is_some_and(network)
}

/// A reason of a case in a line.
pub(super) fn title(key: &Key, case: &CaseReport) -> String {
    match key {
        Key::Check(name, says) => format!("{name}: {says}"),
        Key::Said(pattern_of) => {
            let said = case
                .problems
                .iter()
                .find(|problem| key_is(problem, pattern_of))
                .map(|problem| problem.observed.as_str());
            said.or(case.reason.as_deref())
                .unwrap_or(case.outcome.slug())
                .to_owned()
        }
        Key::Unreached => "no request of the connector reached the mock".to_owned(),
    }
}

fn key_is(problem: &Problem, said: &str) -> bool {
    matches!(key(problem), Key::Said(it) if it == said)
}

fn key(problem: &Problem) -> Key {
    if !problem.is_step {
        return Key::Check(problem.name.clone(), problem.says.clone());
    }
    // Whichever step met it: what it met is the cause.
    let said = problem
        .observed
        .split_once(" failed: ")
        .map_or(problem.observed.as_str(), |it| it.1);
    Key::Said(pattern(said))
}

/// A message without numbers, ids and names of connections, which differ from case to case.
fn pattern(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.split(|it: char| !it.is_alphanumeric()) {
        match word {
            "" => {}
            // Codes of the service are what matters.
            code if code.starts_with("AADSTS") => words.push(code.to_owned()),
            other if other.contains(|it: char| it.is_ascii_digit()) => words.push("#".to_owned()),
            other => words.push(other.to_lowercase()),
        }
        if words.len() == PATTERN_WORDS {
            break;
        }
    }
    words.join(" ")
}

/// The first key with the greatest count.
fn most_frequent<'a>(
    keys: impl Iterator<Item = &'a Key>,
    counts: &BTreeMap<&Key, usize>,
) -> Option<&'a Key> {
    let mut best: Option<(&Key, usize)> = None;
    for key in keys {
        let count = counts.get(key).copied().unwrap_or(0);
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((key, count));
        }
    }
    best.map(|(key, _)| key)
}

/// Why no request of the connector reaches the mock, as far as can be told from outside; nothing,
/// where requests came.
pub(super) fn diagnosis(results: &Results) -> Option<String> {
    let unreached = results.unexpected().filter(|case| unreached(case)).count();
    if unreached == 0 {
        return None;
    }
    let failed = results.unexpected().count();
    let how = why_unreached(&results.run.reach, &results.run.language);
    Some(format!(
        "in {unreached} of {failed} cases that failed, no request of the connector reached the mock\n{how}"
    ))
}

/// What keeps a connector from the mock, by how it is to reach it and by its language.
pub(crate) fn why_unreached(reach: &str, language: &str) -> String {
    let mut lines = Vec::new();
    let language = language.to_ascii_lowercase();
    let is = |names: &[&str]| language.is_empty() || names.iter().any(|it| language.contains(it));
    let proxy = reach == "proxy" || reach.is_empty();
    if proxy && is(&["javascript", "typescript", "node"]) {
        lines.push("Node: the built-in fetch takes HTTPS_PROXY from version 24 on (NODE_USE_ENV_PROXY=1, which is set)");
    }
    if proxy && is(&["python"]) {
        lines.push(
            "Python: aiohttp, and httpx with trust_env=False, do not take HTTPS_PROXY by themselves",
        );
    }
    if proxy && is(&["rust", "go", "java", "c#", "dotnet", ".net"]) {
        lines.push(
            "a client that is built without a proxy (no_proxy(), Proxy: nil, UseProxy = false) goes past HTTPS_PROXY",
        );
    }
    if reach != "direct" {
        lines.push("a client with roots of its own (certifi, webpki-roots, a Java keystore) refuses the mock's certificate: let it take the system's roots or SSL_CERT_FILE");
    }
    match reach {
        "direct" => lines.push("with --direct the driver must take 'endpoints' of connect: authority and graph"),
        "isolated" => lines.push("with --isolated names lead to 127.0.0.1 by the hosts file: a resolver of its own does not see it"),
        _ => lines.push("--isolated needs no proxy; --direct gives the connector addresses"),
    }
    lines
        .iter()
        .map(|line| format!("- {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// How many words of a message tell it apart.
const PATTERN_WORDS: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_differ_by_their_words_and_codes_alone() {
        let one = "AADSTS50173: The grant of 4f1b-77 was revoked at 10:02:11Z";
        let two = "AADSTS50173: The grant of 9c2d-01 was revoked at 11:45:59Z";
        assert_eq!(pattern(one), pattern(two));
        assert_ne!(pattern(one), pattern(&one.replace("50173", "70008")));
    }

    #[test]
    fn who_cannot_be_reached_is_told_why() {
        let node = why_unreached("proxy", "JavaScript");
        assert!(node.contains("version 24"), "{node}");
        assert!(!node.contains("aiohttp"), "{node}");
        assert!(why_unreached("proxy", "python").contains("trust_env"));
        assert!(why_unreached("direct", "python").contains("endpoints"));
        assert!(!why_unreached("isolated", "go").contains("HTTPS_PROXY"));
    }
}
