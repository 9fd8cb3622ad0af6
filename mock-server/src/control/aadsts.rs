//! What an AADSTS code means.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing;
use schemars::JsonSchema;
use serde::Serialize;

use super::api::{Api, Operation};
use super::problem::{Answer, Problem, json_response};
use crate::aadsts::Row;

pub(super) fn serve(api: Api) -> Api {
    api.serve(
        Operation::get(
            "/api/v1/aadsts/{code}",
            "explainCode",
            "What an AADSTS code means, and what helps",
        )
        .answers::<Meaning>(200, "As the table of codes has it")
        .problems(&[404]),
        routing::get(explain),
    )
}

/// The meaning of a code.
#[derive(JsonSchema, Serialize)]
struct Meaning {
    code: u32,
    /// The symbolic name; empty where none is published.
    name: &'static str,
    /// `error` of the answer.
    error: &'static str,
    /// What the service says, with placeholders.
    text: &'static str,
    /// What helps, in a word.
    fix: &'static str,
    /// What helps, in a sentence.
    advice: &'static str,
    /// Where the code is documented.
    source: &'static str,
}

async fn explain(Path(code): Path<u32>) -> Answer {
    let row = Row::find(code).ok_or_else(|| {
        let detail = format!("AADSTS{code} is in no document that the mock knows");
        Problem::not_found("no such code", detail)
    })?;
    let meaning = Meaning {
        code,
        name: &row.name,
        error: &row.oauth_error,
        text: &row.text,
        fix: &row.fix,
        advice: row.advice(),
        source: &row.source,
    };
    Ok(json_response(StatusCode::OK, &meaning))
}
