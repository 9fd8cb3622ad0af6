//! The answers that were recorded from the real service: `data/recorded/graph/`.

use std::collections::BTreeMap;

use super::*;
use crate::recorded::{self, Recorded, Step};

const ALIASES: [&str; 6] = ["root", "alice", "bob", "carol", "nomail", "support"];

#[tokio::test]
async fn recorded_answers_are_given() {
    let mut wrong = String::new();
    for (name, recorded) in recorded::all::<Recorded>("graph") {
        let found = replay(&recorded).await;
        if let Err(problem) = found {
            wrong.push_str(&format!(
                "\n{name} ({}, {}):{problem}",
                recorded.source, recorded.date
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

async fn replay(recorded: &Recorded) -> Result<(), String> {
    let bench = Bench::new();
    let mut kept: BTreeMap<String, String> = ALIASES
        .iter()
        .map(|alias| ((*alias).to_owned(), bench.user(alias).to_string()))
        .collect();
    for step in &recorded.before {
        let answer = take(&bench, step, &mut kept).await?;
        if !answer.status.is_success() {
            return Err(format!("\n  {} is refused: {}", step.request, answer.text));
        }
    }
    let answer = take(&bench, &recorded.ask, &mut kept).await?;
    let mut problems = Vec::new();
    if answer.status.as_u16() == recorded.answer.status {
        for (name, value) in &recorded.answer.headers {
            let expected = Value::String(recorded::filled(value, &kept));
            let found = Value::String(answer.header(name).to_owned());
            let found = recorded::differences(&expected, &found);
            problems.extend(found.iter().map(|it| format!("header {name}: {it}")));
        }
        let expected = recorded::filled_value(&recorded.answer.body, &kept);
        problems.extend(recorded::differences(&expected, &answer.body));
    } else {
        problems.push(format!("the status is {}: {}", answer.status, answer.text));
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(problems.iter().map(|it| format!("\n  {it}")).collect())
}

/// Sends a request, and keeps of the answer what the step wants.
async fn take(
    bench: &Bench,
    step: &Step,
    kept: &mut BTreeMap<String, String>,
) -> Result<Answer, String> {
    let permissions: Vec<&str> = step.with.iter().map(String::as_str).collect();
    let token = if step.by == "app" {
        bench.app_only(&permissions)
    } else {
        let alias = ALIASES.iter().find(|alias| **alias == step.by);
        let alias = alias.ok_or_else(|| format!("nobody is called {}", step.by))?;
        bench.delegated(alias, &permissions)
    };
    let request = recorded::filled(&step.request, kept);
    let (method, path) = request
        .split_once(' ')
        .ok_or_else(|| format!("'{request}' is no method and path"))?;
    let headers: Vec<(&str, &str)> = step
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let body = recorded::filled_value(&step.body, kept);
    let mut answer = bench.send(method, &token, path, &headers, body).await;
    while step.to_the_end && answer.body["@odata.nextLink"].is_string() {
        let next = answer.body["@odata.nextLink"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        answer = bench
            .send("GET", &token, &next, &headers, Value::Null)
            .await;
    }
    for (name, from) in &step.keep {
        let value = match from.strip_prefix("header:") {
            Some(header) => Some(answer.header(header).to_owned()),
            None => answer
                .body
                .pointer(from)
                .and_then(Value::as_str)
                .map(str::to_owned),
        };
        let value = value.ok_or_else(|| format!("\n  nothing at {from} of {}", answer.text))?;
        kept.insert(name.clone(), value);
    }
    Ok(answer)
}
