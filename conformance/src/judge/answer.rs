//! What the driver answered.

use serde_json::Value;

use super::record::{Answer, StepRecord};
use super::value::{test_text, test_value};
use super::{Canaries, Problem, Record};
use crate::case::{AnswerTest, Category, MAIN, StateName, StatusTest};

/// Whether some answer fits, as a witness.
pub(super) fn any(test: &AnswerTest, record: &Record) -> Result<(), Problem> {
    let mut problem = Problem::new(
        format!("as witness: an answer of {}", meant(test)),
        "the driver gave none".to_owned(),
    );
    for step in answers(test, record) {
        match fits(test, step, record) {
            Ok(()) => return Ok(()),
            Err(it) => {
                problem = Problem {
                    expected: format!("as witness: {}", it.expected),
                    ..it
                }
            }
        }
    }
    Err(problem)
}

/// Whether the last answer that is meant fits.
pub(super) fn last(test: &AnswerTest, record: &Record) -> Result<(), Problem> {
    if test.free_of_secrets {
        // Not only the last one: a secret shown once is shown.
        for step in answers(test, record) {
            free_of_secrets(step, record)?;
        }
        let nothing_else = AnswerTest {
            free_of_secrets: true,
            ..AnswerTest::default()
        };
        if *test == nothing_else {
            return Ok(());
        }
    }
    match answers(test, record).last() {
        Some(step) => fits(test, step, record),
        None => Err(Problem::new(
            format!("an answer of {}", meant(test)),
            "the driver gave none",
        )),
    }
}

/// What is wrong where a person was sent to sign in and must not have been, whatever the step came
/// to.
pub(super) fn asked_in_vain(test: &AnswerTest, record: &Record) -> Option<Problem> {
    let of = test.of.as_deref()?;
    let on = test.on.as_deref().unwrap_or(MAIN);
    let asked = record.steps.iter().any(|step| {
        step.step == of && step.connection.as_deref() == Some(on) && step.asked_for_sign_in
    });
    (test.asked_for_sign_in == Some(false) && asked).then(|| {
        Problem::new(
            format!("{of} asks for no sign-in"),
            format!("{of} asks for a sign-in"),
        )
    })
}

/// Whether the connector says this of its connection.
pub(super) fn status(test: &StatusTest, record: &Record) -> Result<(), Problem> {
    let name = test.on.as_deref().unwrap_or(MAIN);
    let expected = || {
        let mut text = format!("the status of '{name}' is {}", state_name(test.is));
        if !test.category.is_empty() {
            text = format!("{text} with {}", categories(&test.category.0));
        }
        text
    };
    let last = record
        .steps
        .iter()
        .rev()
        .filter(|step| step.step == "status" && step.connection.as_deref() == Some(name))
        .find_map(|step| step.answer.as_ref());
    let (fits, observed) = match last {
        None => (false, "the connector was not asked".to_owned()),
        Some(Answer::State { state, category }) => {
            let right = match test.is {
                StateName::NotConnected => *state != StateName::Connected,
                wanted => *state == wanted,
            };
            let reason = test.category.is_empty()
                || category.is_some_and(|it| test.category.iter().any(|wanted| *wanted == it));
            let with = category.map_or_else(String::new, |it| format!(" with {it}"));
            (
                right && reason,
                format!("the status is {}{with}", state_name(*state)),
            )
        }
        // A connection that never came to be has no state.
        Some(Answer::Failure {
            category, message, ..
        }) => (
            test.is == StateName::NotConnected && test.category.is_empty(),
            format!("the question failed: {category}: {message}"),
        ),
        Some(Answer::Value { value }) => (false, format!("the status is {value}")),
    };
    if fits {
        Ok(())
    } else {
        Err(Problem::new(expected(), observed))
    }
}

fn answers<'a>(
    test: &'a AnswerTest,
    record: &'a Record,
) -> impl DoubleEndedIterator<Item = &'a StepRecord> {
    record.steps.iter().filter(move |step| {
        let of = match test.of.as_deref() {
            // What the suite asks for its own sake is meant only where it is named.
            None => step.step != "status",
            Some(of) => step.step == of || step.operation.as_deref() == Some(of),
        };
        let on = test
            .on
            .as_deref()
            .is_none_or(|on| step.connection.as_deref() == Some(on));
        step.answer.is_some() && of && on
    })
}

fn fits(test: &AnswerTest, step: &StepRecord, record: &Record) -> Result<(), Problem> {
    let name = step.operation.as_deref().unwrap_or(&step.step);
    let Some(answer) = &step.answer else {
        return Err(Problem::new(
            format!("an answer of {name}"),
            "the driver gave none",
        ));
    };
    let failure = match answer {
        Answer::Failure {
            category, message, ..
        } => Some((*category, message.as_str())),
        Answer::State { .. } | Answer::Value { .. } => None,
    };
    let observed = || match failure {
        Some((category, message)) => format!("{name} failed: {category}: {message}"),
        None => format!("{name} succeeded"),
    };
    if test
        .succeeds
        .is_some_and(|wanted| wanted == failure.is_some())
    {
        let wanted = if failure.is_some() {
            "succeeds"
        } else {
            "fails"
        };
        return Err(Problem::new(format!("{name} {wanted}"), observed()));
    }
    if !test.fails.is_empty()
        && !failure.is_some_and(|(category, _)| test.fails.iter().any(|it| *it == category))
    {
        let wanted = categories(&test.fails.0);
        return Err(Problem::new(
            format!("{name} fails with {wanted}"),
            observed(),
        ));
    }
    if let Some(wanted) = test
        .asked_for_sign_in
        .filter(|it| *it != step.asked_for_sign_in)
    {
        let words = |asked: bool| {
            if asked {
                "asks for a sign-in"
            } else {
                "asks for no sign-in"
            }
        };
        return Err(Problem::new(
            format!("{name} {}", words(wanted)),
            format!("{name} {}", words(step.asked_for_sign_in)),
        ));
    }
    if let Some(test) = &test.consent_page {
        let asked = step.consent_page.as_ref().map(|it| it.join(" "));
        test_text(
            &format!("the consent page of {name}"),
            test,
            asked.as_deref(),
        )?;
    }
    if let Some(test) = &test.message {
        test_text("the message", test, failure.map(|it| it.1))?;
    }
    if test.names_the_refusal {
        names_the_refusal(answer, record)?;
    }
    if !test.value.is_empty() {
        let Answer::Value { value } = answer else {
            return Err(Problem::new(format!("{name} returns a value"), observed()));
        };
        for (pointer, test) in &test.value {
            let found: Option<&Value> = value.pointer(pointer);
            test_value(&format!("{name} {pointer}"), test, found)?;
        }
    }
    Ok(())
}

fn free_of_secrets(step: &StepRecord, record: &Record) -> Result<(), Problem> {
    let text = serde_json::to_string(&step.answer).unwrap_or_default();
    match Canaries::of(record).find(&text) {
        None => Ok(()),
        Some(secret) => Err(Problem::new(
            "answers without secrets",
            format!("the answer of {} has {secret}", step.step),
        )),
    }
}

/// Whether a message holds something by which an administrator finds the refusal.
fn names_the_refusal(answer: &Answer, record: &Record) -> Result<(), Problem> {
    let Answer::Failure {
        aadsts, message, ..
    } = answer
    else {
        return Err(Problem::new("a failure", "the step succeeded"));
    };
    let numbers = record.exchanges.iter().flat_map(|it| &it.aadsts);
    let ids = record.exchanges.iter().flat_map(|exchange| {
        let body = exchange.response_body.as_deref();
        let member = move |name: &str| body.and_then(|it| it.get(name)).and_then(Value::as_str);
        let headers = exchange.response_headers.iter();
        let request_id = headers
            .filter(|it| it.0 == "x-ms-request-id" || it.0 == "request-id")
            .map(|it| &*it.1);
        [member("trace_id"), member("correlation_id")]
            .into_iter()
            .flatten()
            .chain(request_id)
    });
    let named = numbers
        .clone()
        .any(|it| aadsts.contains(it) || message.contains(&it.to_string()))
        || ids.into_iter().any(|id| message.contains(id));
    if named {
        return Ok(());
    }
    let numbers: Vec<String> = numbers.map(|it| format!("AADSTS{it}")).collect();
    Err(Problem::new(
        format!(
            "a message with {}, or a trace or correlation id",
            numbers.join(" or ")
        ),
        format!("the message is '{message}'"),
    ))
}

fn meant(test: &AnswerTest) -> String {
    test.of.clone().unwrap_or_else(|| "any step".to_owned())
}

fn categories(list: &[Category]) -> String {
    list.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" or ")
}

fn state_name(state: StateName) -> &'static str {
    match state {
        StateName::Broken => "broken",
        StateName::Connected => "connected",
        StateName::NotConnected => "not connected",
    }
}
