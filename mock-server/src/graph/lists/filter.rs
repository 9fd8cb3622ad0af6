//! Which rows a filter leaves, and in which order.
//!
//! A column that is not indexed is refused, unless the client says that it knows.
//! Source: learn.microsoft.com/graph/api/listitem-list; microsoftgraph/microsoft-graph-docs#3962.

use serde_json::{Value, json};

use super::column::{self, LOOKUP};
use super::draw::{Drawing, Line};
use super::refusal;
use crate::drives::list::List;
use crate::graph::call::Call;
use crate::graph::error::GraphError;
use crate::graph::odata::evaluate;
use crate::graph::odata::parser::{Expression, Literal, Operand, Path};
use crate::graph::odata::query::{Order, Query};

/// Checks what `$filter` and `$orderby` name.
pub(super) fn check(call: &Call<'_>, list: &List, rows: usize) -> Result<(), GraphError> {
    let mut paths = Vec::new();
    if let Some(filter) = &call.query.filter {
        filter.paths(&mut paths);
        if paths.iter().any(|it| member(it).is_none()) {
            return Err(refusal::bad_filter());
        }
    }
    let orders = orders(&call.query);
    paths.extend(orders.iter().map(|it| &it.path));
    for path in paths {
        let Some(Named::Field(name)) = member(path) else {
            continue;
        };
        let bare = name.strip_suffix(LOOKUP).unwrap_or(name);
        let known = column::named(list, name).or_else(|| column::named(list, bare));
        let known = known.ok_or_else(|| refusal::unknown_field(name))?;
        if column::is(known, "indexed") {
            continue;
        }
        if !knows(call) {
            return Err(refusal::not_indexed(name));
        }
        if rows > THRESHOLD {
            return Err(refusal::too_many_rows());
        }
    }
    Ok(())
}

/// Whether the client takes the risk of a column without an index.
/// Source: learn.microsoft.com/graph/api/listitem-list (the first name). Unverified: the second.
fn knows(call: &Call<'_>) -> bool {
    let all = call.headers.get_all("prefer").iter();
    let mut all = all.filter_map(|it| it.to_str().ok());
    all.any(|it| {
        let lower = it.to_ascii_lowercase();
        lower.contains("honornonindexedquerieswarningmayfailrandomly")
            || lower.contains("allowthrottleablequeries")
    })
}

enum Named<'a> {
    Field(&'a str),
    Own,
}

fn member(path: &Path) -> Option<Named<'_>> {
    match path.0.as_slice() {
        [fields, name] if fields.eq_ignore_ascii_case("fields") => Some(Named::Field(name)),
        [own, ..] if OWN.iter().any(|it| it.eq_ignore_ascii_case(own)) => Some(Named::Own),
        _ => None,
    }
}

/// What `$orderby` names; `id` alone says nothing.
/// Source: microsoftgraph/microsoft-graph-docs#3962.
pub(super) fn orders(query: &Query) -> Vec<&Order> {
    let all = query.order.iter();
    all.filter(|it| !matches!(it.path.0.as_slice(), [id] if id.eq_ignore_ascii_case("id")))
        .collect()
}

/// Whether a row fits the filter.
pub(super) fn holds(drawing: &Drawing<'_>, list: &List, line: Line<'_>) -> bool {
    let Some(filter) = &drawing.style.call.query.filter else {
        return true;
    };
    let filter = in_text(filter);
    evaluate::holds(&filter, &looked_at(drawing, list, line))
}

/// All rows that the filter leaves, in order.
pub(super) fn sorted<'a>(
    drawing: &Drawing<'a>,
    list: &'a List,
    orders: &[&Order],
) -> Vec<Line<'a>> {
    let all = Line::all(drawing.drives, list, 0);
    let mut all: Vec<(Value, Line<'a>)> = all
        .filter(|it| holds(drawing, list, *it))
        .map(|it| (looked_at(drawing, list, it), it))
        .collect();
    for order in orders.iter().rev() {
        all.sort_by(|(left, _), (right, _)| {
            let at = |it| evaluate::value_at(it, &order.path.0);
            let found = evaluate::order(at(left), at(right));
            if order.descending {
                found.reverse()
            } else {
                found
            }
        });
    }
    all.into_iter().map(|(_, line)| line).collect()
}

fn looked_at(drawing: &Drawing<'_>, list: &List, line: Line<'_>) -> Value {
    let mut document = drawing.line(list, line);
    let fields = Drawing::fields(list, line);
    document.insert("fields".to_owned(), json!(fields));
    Value::Object(document)
}

/// Numbers that are kept as texts (ids, people, rows of other lists) are compared as texts.
fn in_text(expression: &Expression) -> Expression {
    match expression {
        Expression::And(left, right) => {
            Expression::And(Box::new(in_text(left)), Box::new(in_text(right)))
        }
        Expression::Or(left, right) => {
            Expression::Or(Box::new(in_text(left)), Box::new(in_text(right)))
        }
        Expression::Not(inner) => Expression::Not(Box::new(in_text(inner))),
        Expression::Compare(
            Operand::Path(path),
            how,
            Operand::Literal(Literal::Number(number)),
        ) if path
            .0
            .last()
            .is_some_and(|it| it.ends_with(LOOKUP) || it.eq_ignore_ascii_case("id")) =>
        {
            let text = Operand::Literal(Literal::Text(number.to_string()));
            Expression::Compare(Operand::Path(path.clone()), *how, text)
        }
        other => other.clone(),
    }
}

/// The members of a row itself that a filter may name.
const OWN: [&str; 5] = [
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "contentType",
    "webUrl",
];

/// The rows above which a column without an index is not searched.
/// Source: learn.microsoft.com/office365/servicedescriptions, "list view threshold".
const THRESHOLD: usize = 5000;
