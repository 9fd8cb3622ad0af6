//! What a trigger has told, over all its answers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::record::{Answer, StepRecord};
use super::{Problem, Record};
use crate::case::{MAIN, ToldTest};

/// Whether a trigger has told what it must, and no more.
pub(super) fn holds(test: &ToldTest, record: &Record) -> Result<(), Problem> {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for item in items(test, record) {
        let name = item["subject"].as_str().or(item["name"].as_str());
        let subject = name.unwrap_or("(without a name)");
        *times.entry(subject).or_default() += 1;
    }
    let by = &test.by;
    let observed = || {
        if times.is_empty() {
            return format!("{by} told nothing");
        }
        let shown = times.iter().take(SHOWN);
        let shown: Vec<String> = shown
            .map(|(it, times)| format!("'{it}' {times}×"))
            .collect();
        let left = times.len().saturating_sub(SHOWN);
        let more = if left > 0 {
            format!(" and {left} more")
        } else {
            String::new()
        };
        format!("{by} told {}{more}", shown.join(", "))
    };
    let fail = |expected: String| Err(Problem::new(expected, observed()));
    if let Some(lost) = test.has.iter().find(|it| !times.contains_key(it.as_str())) {
        return fail(format!("{by} tells '{lost}'"));
    }
    if let Some(wrong) = test.lacks.iter().find(|it| times.contains_key(it.as_str())) {
        return fail(format!("{by} does not tell '{wrong}'"));
    }
    let strange = |it: &&&str| !test.only.iter().any(|known| known == **it);
    if let Some(strange) = times.keys().find(strange).filter(|_| !test.only.is_empty()) {
        return fail(format!("{by} tells nothing else, and not '{strange}'"));
    }
    if test.once
        && let Some((twice, count)) = times.iter().find(|(_, count)| **count > 1)
    {
        return fail(format!("{by} tells '{twice}' once, not {count} times"));
    }
    let all: usize = times.values().sum();
    match test.count {
        Some(wanted) if wanted != all => fail(format!("{by} tells {wanted} in all, not {all}")),
        _ => Ok(()),
    }
}

/// What was told: the items of all answers.
fn items<'a>(test: &'a ToldTest, record: &'a Record) -> impl Iterator<Item = &'a Value> {
    let on = test.on.as_deref().unwrap_or(MAIN);
    let is_meant = move |step: &&StepRecord| {
        step.operation.as_deref() == Some(&test.by) && step.connection.as_deref() == Some(on)
    };
    let steps = record.steps.iter().filter(is_meant);
    let lists = steps.filter_map(|step| match &step.answer {
        Some(Answer::Value { value }) => value["value"].as_array(),
        _ => None,
    });
    lists.flatten().filter(move |item| {
        let kind = item["changeType"].as_str().unwrap_or("created");
        test.change_type.as_deref().is_none_or(|it| it == kind)
    })
}

/// So many subjects are shown.
const SHOWN: usize = 8;
