//! Which queries the directory answers, and which only with the advanced query parameters: the
//! header `ConsistencyLevel: eventual` together with `$count=true`.
//!
//! Rows of `data/graph-directory-queries.csv`. Source: learn.microsoft.com/graph/aad-advanced-queries
//! (microsoftgraph/microsoft-graph-docs-contrib, concepts/aad-advanced-queries.md and
//! concepts/includes/filter-directory-objects.md), which print the texts, too.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::call::Call;
use super::endpoint::Operation;
use super::error::GraphError;
use super::odata::parser::{Comparison, Expression, Function, Literal, Operand, Path};
use super::odata::query::option_of;
use super::odata::search::Search;
use super::schema;

/// The directory knows its own options only.
/// Source: microsoft/kiota#4569 (`applications/delta?deltatoken=latest`).
pub(super) fn check_arguments(sent: &[(String, String)]) -> Result<(), GraphError> {
    let unknown = sent.iter().map(|(name, _)| name.as_str()).find(|name| {
        let option = option_of(name);
        // Parameter aliases of a filter.
        !name.starts_with(['$', '@']) && option.is_none_or(|it| it.ends_with("deltatoken"))
    });
    match unknown {
        None => Ok(()),
        Some(name) => Err(GraphError::directory_request(format!(
            "Unrecognized query argument specified: '{name}'."
        ))),
    }
}

/// Whether a query of a collection of the directory is answered.
pub(super) fn check(call: &Call<'_>, of: &str) -> Result<(), GraphError> {
    let query = &call.query;
    let of_the_directory = call.endpoint.operation != Operation::Generic || RULES.contains_key(of);
    if query.skip > 0 && of_the_directory {
        // Source: learn.microsoft.com/graph/query-parameters: not for directory objects.
        return Err(GraphError::directory_request(
            "'$skip' is not supported by the service.",
        ));
    }
    let Some(rules) = RULES.get(of) else {
        return Ok(());
    };
    let asked = Advanced {
        eventual: eventual(call),
        count: query.count,
    };
    if let Some(search) = &query.search {
        if !asked.eventual {
            return Err(GraphError::unsupported_query(
                "Request with $search query parameter only works through MSGraph with a special \
                 request header: 'ConsistencyLevel: eventual'",
            ));
        }
        searchable(call, of, search)?;
    }
    if !query.order.is_empty() {
        let given = asked.complete();
        let sorted = |by: &Path| match rules.get(by.text().to_ascii_lowercase().as_str()) {
            Some(rule) => rule.orderby.allows(given),
            None => false,
        };
        let all = query.order.iter().all(|by| sorted(&by.path));
        // Source: microsoftgraph/microsoft-graph-docs#13762. Unverified: that a property by which
        // nobody can sort is refused so, too.
        if !all || query.filter.is_some() && !given {
            return Err(GraphError::unsupported_query(
                "Sorting not supported for current query.",
            ));
        }
    }
    match &query.filter {
        Some(filter) => Walk {
            resource: capitalised(of),
            rules,
            asked,
            variables: Vec::new(),
        }
        .check(filter),
        None => Ok(()),
    }
}

/// Whether a query of what a relation of the directory leads to is answered: to filter and to sort
/// takes the advanced query parameters, be the type cast or not.
///
/// Source: microsoftgraph/microsoft-graph-docs#3112 and #13114, microsoft-graph-docs-contrib#3972
/// and #8757. Unverified: that sorting is refused so, too.
pub(super) fn check_relation(call: &Call<'_>) -> Result<(), GraphError> {
    let narrowed = call.query.filter.is_some() || !call.query.order.is_empty();
    if narrowed && !is_advanced(call) {
        return Err(GraphError::unsupported_query(
            "The specified filter to the reference property query is currently not supported.",
        ));
    }
    Ok(())
}

/// `/$count` of a collection.
pub(super) fn check_count(call: &Call<'_>, of: &str) -> Result<(), GraphError> {
    if RULES.contains_key(of) && !eventual(call) {
        return Err(missing_header("Raw count (/$count)"));
    }
    Ok(())
}

/// Whether `$count=true` is heard. Without the header it is ignored.
pub(super) fn counts(call: &Call<'_>, of: &str) -> bool {
    call.query.count && (!RULES.contains_key(of) || eventual(call))
}

/// Whether both advanced query parameters are given.
pub(super) fn is_advanced(call: &Call<'_>) -> bool {
    eventual(call) && call.query.count
}

fn eventual(call: &Call<'_>) -> bool {
    call.header("consistencylevel")
        .eq_ignore_ascii_case("eventual")
}

/// A `$search` names properties of the type, and stands in double quotes.
fn searchable(call: &Call<'_>, of: &str, search: &Search) -> Result<(), GraphError> {
    let wrong = search
        .properties()
        .find(|name| schema::member(call.cloud(), of, name).is_none());
    if let Some(name) = wrong {
        return Err(GraphError::unknown_property(name, of));
    }
    let text = call
        .parameter("$search")
        .or_else(|| call.parameter("search"))
        .unwrap_or_default()
        .trim();
    match text.chars().position(|letter| letter == ':') {
        Some(at) if !text.starts_with(['"', '(']) && !text.starts_with("NOT ") => {
            // The text is quoted by tests of the typed client for JavaScript, which ask the service.
            Err(GraphError::bad_request(format!(
                "Syntax error: character ':' is not valid at position {at} in '{text}'."
            )))
        }
        _ => Ok(()),
    }
}

/// The advanced query parameters of a request.
#[derive(Clone, Copy)]
struct Advanced {
    eventual: bool,
    count: bool,
}

impl Advanced {
    fn complete(self) -> bool {
        self.eventual && self.count
    }

    /// What is refused for want of them.
    fn require(self, operator: &str) -> Result<(), GraphError> {
        match (self.eventual, self.count) {
            (true, true) => Ok(()),
            (false, true) => Err(missing_header(&format!("Operator '{operator}'"))),
            (_, false) => Err(GraphError::unsupported_query(format!(
                "Operator '{operator}' is not supported because the required parameters might be \
                 missing. Try adding $count=true query parameter and ConsistencyLevel:eventual \
                 header. Refer to https://aka.ms/graph-docs/advanced-queries for more information"
            ))),
        }
    }
}

/// Source: azurekid/ScEntra#13.
fn missing_header(what: &str) -> GraphError {
    GraphError::unsupported_query(format!(
        "{what} is not supported because the 'ConsistencyLevel:eventual' header is missing. Refer \
         to https://aka.ms/graph-docs/advanced-queries for more information"
    ))
}

/// A filter on its way through the rules of a type.
struct Walk<'a> {
    resource: String,
    rules: &'static HashMap<String, Rule>,
    asked: Advanced,
    /// The variables of enclosing lambdas with what they stand for.
    variables: Vec<(&'a str, String)>,
}

impl<'a> Walk<'a> {
    fn check(&mut self, expression: &'a Expression) -> Result<(), GraphError> {
        match expression {
            Expression::And(left, right) | Expression::Or(left, right) => {
                self.check(left)?;
                self.check(right)
            }
            Expression::Not(inner) => {
                self.asked.require("not")?;
                self.check(inner)
            }
            Expression::Call(function, left, _) => self.function(*function, left),
            Expression::Compare(left, comparison, right) => match (left, right) {
                (Operand::Path(path) | Operand::Folded(path), Operand::Literal(literal))
                | (Operand::Literal(literal), Operand::Path(path) | Operand::Folded(path)) => {
                    self.compare(path, *comparison, literal)
                }
                _ => Ok(()),
            },
            Expression::In(operand, _) | Expression::Truth(operand) => match operand {
                Operand::Path(path) | Operand::Folded(path) => self.need(path, |rule| rule.eq),
                Operand::Literal(_) => Ok(()),
            },
            Expression::Lambda {
                path,
                variable,
                body,
                ..
            } => {
                let Some(body) = body else {
                    return self.asked.require("any");
                };
                self.variables.push((variable, self.full(path)));
                let checked = self.check(body);
                self.variables.pop();
                checked
            }
        }
    }

    fn function(&self, function: Function, operand: &Operand) -> Result<(), GraphError> {
        let (Operand::Path(path) | Operand::Folded(path)) = operand else {
            return Ok(());
        };
        match function {
            // Unverified: the text.
            Function::Contains => Err(GraphError::unsupported_query(
                "Filter operator 'Contains' is not supported.",
            )),
            Function::EndsWith => {
                self.asked.require("endsWith")?;
                self.need(path, |rule| rule.endswith)
            }
            Function::StartsWith => self.need(path, |rule| rule.startswith),
        }
    }

    fn compare(
        &self,
        path: &Path,
        comparison: Comparison,
        literal: &Literal,
    ) -> Result<(), GraphError> {
        // Source: MicrosoftGraphAdvancedQueryFeedbackProvider for PowerShell, AqFeedbackProvider.cs.
        if comparison == Comparison::NotEqual && !self.asked.complete() {
            return Err(GraphError::unsupported_query(
                "Filter operator 'NotEqualsMatch' is not supported.",
            ));
        }
        match (comparison, literal) {
            (Comparison::Equal | Comparison::NotEqual, Literal::Null) => {
                self.need(path, |rule| rule.null)
            }
            (Comparison::Equal | Comparison::NotEqual, _) => self.need(path, |rule| rule.eq),
            _ => self.need(path, |rule| rule.range),
        }
    }

    /// Whether a property takes part in a filter in a certain way.
    fn need(&self, path: &Path, support: impl Fn(&Rule) -> Support) -> Result<(), GraphError> {
        let name = self.full(path);
        let found = self.rules.get(name.to_ascii_lowercase().as_str());
        let support = found.map_or(Support::Unsupported, support);
        if support.allows(self.asked.complete()) {
            return Ok(());
        }
        let shown = name.split('/').next().unwrap_or_default();
        Err(GraphError::unsupported_query(format!(
            "Unsupported or invalid query filter clause specified for property '{shown}' of \
             resource '{}'.",
            self.resource
        )))
    }

    /// A path with what its variable stands for.
    fn full(&self, path: &Path) -> String {
        let text = path.text();
        let (first, rest) = text.split_once('/').unwrap_or((&text, ""));
        let variable = self.variables.iter().rev().find(|(name, _)| *name == first);
        match variable {
            None => text,
            Some((_, stands_for)) if rest.is_empty() => stands_for.clone(),
            Some((_, stands_for)) => format!("{stands_for}/{rest}"),
        }
    }
}

fn capitalised(of: &str) -> String {
    let mut letters = of.chars();
    let first = letters.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// How a property takes part in queries.
#[derive(Debug, Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    of: String,
    property: String,
    eq: Support,
    startswith: Support,
    range: Support,
    null: Support,
    endswith: Support,
    orderby: Support,
}

/// Whether the directory supports something.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Support {
    /// With the advanced query parameters.
    Advanced,
    /// Always.
    Default,
    /// Never; blank where it would make no sense.
    #[serde(alias = "")]
    Unsupported,
}

impl Support {
    fn allows(self, advanced: bool) -> bool {
        self == Self::Default || self == Self::Advanced && advanced
    }
}

static RULES: LazyLock<HashMap<String, HashMap<String, Rule>>> = LazyLock::new(|| {
    let text = include_str!("../../data/graph-directory-queries.csv");
    let mut rules: HashMap<String, HashMap<String, Rule>> = HashMap::new();
    // The file is part of the program; a test reads it.
    for row in csv::Reader::from_reader(text.as_bytes()).deserialize() {
        let row: Rule = row.expect("data/graph-directory-queries.csv fits its types");
        let name = row.property.to_ascii_lowercase();
        rules.entry(row.of.clone()).or_default().insert(name, row);
    }
    rules
});
