//! Every documented method and path, asked as connectors ask: without permissions, with the least
//! privileged ones, in each cloud.

use std::collections::BTreeMap;

use serde_json::json;

use crate::environment::{Environment, SignInCloud};
use crate::graph::generic::coverage::{self, Level};
use crate::graph::tests::Bench;
use crate::model::{self, Accepted};

/// How many of the documented rows have which level.
fn counted(cloud: SignInCloud) -> BTreeMap<Level, usize> {
    let mut counts = BTreeMap::new();
    for covered in coverage::all(cloud) {
        *counts.entry(covered.level).or_default() += 1;
    }
    counts
}

#[test]
fn most_of_what_the_schema_has_is_answered_from_state() {
    for (cloud, least) in [
        (SignInCloud::Global, 3_400),
        (SignInCloud::UsGov, 2_700),
        (SignInCloud::China, 1_800),
    ] {
        let counts = counted(cloud);
        let of = |level| counts.get(&level).copied().unwrap_or_default();
        let answered = of(Level::Modelled) + of(Level::Generic);
        assert!(answered > least, "{cloud:?}: {counts:?}");
    }
    let unguarded: Vec<_> = coverage::all(SignInCloud::Global)
        .filter(|it| !it.guarded)
        .collect();
    assert!(unguarded.is_empty(), "{unguarded:?}");
}

/// The least privileged permissions of a list, or the first.
fn least(list: &str) -> Option<Vec<&str>> {
    let alternatives: Vec<&str> = list.split(';').filter(|it| !it.is_empty()).collect();
    let one = alternatives
        .iter()
        .find(|it| it.starts_with('*'))
        .or(alternatives.first())?;
    let (name, also) = one
        .trim_start_matches('*')
        .split_once('+')
        .unwrap_or((one.trim_start_matches('*'), ""));
    let mut found = vec![name];
    found.extend(also.split(',').next().filter(|it| !it.is_empty()));
    Some(found)
}

/// Reads of the whole list: refused without permissions, and with the least privileged ones
/// answered from state, as absent, or as what the mock does not do. Nothing is made up.
#[tokio::test]
async fn every_documented_read_is_guarded_and_answered() {
    for (environment, domain) in [
        (Environment::Office365, "contoso.onmicrosoft.com"),
        (Environment::UsGovL4, "contoso.onmicrosoft.us"),
        (Environment::China, "contoso.partner.onmschina.cn"),
    ] {
        let bench = Bench::at(environment, domain);
        let mut wrong = Vec::new();
        for covered in coverage::all(environment.cloud()) {
            if covered.method != "GET" || matches!(covered.level, Level::Absent | Level::Modelled) {
                continue;
            }
            if let Err(problem) = ask(&bench, covered.path).await {
                wrong.push(problem);
            }
        }
        assert!(
            wrong.is_empty(),
            "{environment}: {} wrong:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
    }
}

async fn ask(bench: &Bench, path: &'static str) -> Result<(), String> {
    let accepted: Accepted = model::accepted(path, "GET").ok_or("no row")?;
    let alice = format!("/users/{}", bench.user("alice"));
    let sample = path.replace("/users/{id}", &alice);
    let sample = sample
        .replace("{id}", "5f0bf3a7-0000-4000-8000-000000000000")
        .replace("{value}", "'x'");
    let url = format!("/v1.0{sample}");
    let for_apps = !path.starts_with("/me") && !accepted.application.is_empty();
    let list = if for_apps {
        accepted.application
    } else {
        accepted.delegated
    };
    let Some(permissions) = least(list) else {
        return Ok(());
    };
    let token = |permissions: &[&str]| {
        if for_apps {
            bench.app_only(permissions)
        } else {
            bench.delegated("alice", permissions)
        }
    };
    let refused = bench.get(&token(&["Nothing.Read"]), &url).await;
    if refused.status != 403 {
        return Err(format!(
            "GET {path}: {} without permission: {}",
            refused.status, refused.text
        ));
    }
    let answer = bench.get(&token(&permissions), &url).await;
    match answer.status.as_u16() {
        200 => {
            let empty = answer.values().is_empty() || answer.body["value"].is_null();
            empty
                .then_some(())
                .ok_or_else(|| format!("GET {path}: made up {}", answer.text))
        }
        204 | 404 => Ok(()),
        501 if answer.annotation.unsupported.is_some() => Ok(()),
        status => Err(format!(
            "GET {path}: {status} with {permissions:?}: {}",
            answer.text
        )),
    }
}

#[tokio::test]
async fn what_is_asked_by_post_is_guarded_too() {
    let bench = Bench::new();
    let mut wrong = Vec::new();
    for covered in coverage::all(SignInCloud::Global) {
        if covered.method == "GET" || matches!(covered.level, Level::Absent | Level::Modelled) {
            continue;
        }
        let sample = covered.path.replace("{id}", "x").replace("{value}", "'x'");
        let token = bench.delegated("alice", &["Nothing.Read"]);
        let answer = bench
            .send(
                covered.method,
                &token,
                &format!("/v1.0{sample}"),
                &[],
                json!({}),
            )
            .await;
        if answer.status != 403 {
            wrong.push(format!(
                "{} {}: {}",
                covered.method, covered.path, answer.status
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
