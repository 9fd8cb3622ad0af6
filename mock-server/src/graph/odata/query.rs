//! The query options of a request.

use super::parser::{Expression, ParseError, Path, parse};
use super::search::{Search, parse_search};
use crate::graph::error::GraphError;

/// The system query options, parsed; not yet checked against a type.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Query {
    pub(crate) select: Option<Vec<String>>,
    pub(crate) expand: Vec<Expand>,
    pub(crate) filter: Option<Expression>,
    pub(crate) order: Vec<Order>,
    pub(crate) top: Option<usize>,
    pub(crate) skip: usize,
    pub(crate) skip_token: Option<String>,
    pub(crate) delta_token: Option<String>,
    pub(crate) count: bool,
    pub(crate) search: Option<Search>,
}

/// One entry of `$orderby`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Order {
    pub(crate) path: Path,
    pub(crate) descending: bool,
}

impl Expand {
    /// The member without a cast before it.
    pub(crate) fn member(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

/// One entry of `$expand`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expand {
    pub(crate) name: String,
    pub(crate) select: Option<Vec<String>>,
    /// `$levels`: how often the step is taken; `max` is the largest number.
    pub(crate) levels: Option<usize>,
    /// What else narrows or orders it, without `$select`.
    pub(crate) inner: Query,
}

impl Expand {
    /// Whether it has options beside `$select` and `$levels`.
    pub(crate) fn has_options(&self) -> bool {
        self.inner != Query::default()
    }
}

impl Query {
    /// Reads the options among the query parameters. The `$` may be missing, as in old clients.
    pub(crate) fn parse(parameters: &[(String, String)]) -> Result<Self, GraphError> {
        let mut query = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for (name, value) in parameters {
            let Some(option) = option_of(name) else {
                if name.starts_with('$') {
                    return Err(GraphError::bad_request(format!(
                        "The query parameter '{name}' is not supported."
                    ))
                    .not_in_the_mock(format!("query option {name}")));
                }
                continue;
            };
            if option == "format" && !name.starts_with('$') {
                // Of contents: `content?format=pdf`.
                continue;
            }
            if seen.contains(&option) {
                return Err(GraphError::bad_request(format!(
                    "Query option '${option}' was specified more than once, but it must be \
                     specified at most once."
                )));
            }
            seen.push(option);
            query.take(option, value)?;
        }
        Ok(query)
    }

    fn take(&mut self, option: &str, value: &str) -> Result<(), GraphError> {
        match option {
            "count" => {
                self.count = match value.to_ascii_lowercase().as_str() {
                    "true" => true,
                    "false" => false,
                    _ => {
                        return Err(GraphError::invalid_query(
                            "$count",
                            "expected true or false",
                        ));
                    }
                }
            }
            "deltatoken" => self.delta_token = Some(value.to_owned()),
            "expand" => self.expand = expands(value)?,
            "filter" => {
                self.filter = Some(parse(value).map_err(|error| {
                    match error {
                        ParseError::Syntax(error) => {
                            GraphError::bad_request(format!("Invalid filter clause: {error}."))
                        }
                        ParseError::Function(name) => GraphError::bad_request(format!(
                            "Invalid filter clause: unknown function '{name}'."
                        ))
                        .not_in_the_mock(format!("$filter function {name}")),
                    }
                })?);
            }
            "format" if !value.to_ascii_lowercase().contains("json") => {
                return Err(GraphError::invalid_query(
                    "$format",
                    "only json is supported",
                ));
            }
            "orderby" => self.order = orders(value)?,
            "search" => self.search = Some(parse_search(value)?),
            "select" => {
                self.select = Some(list(value)).filter(|names| !names.iter().any(|it| it == "*"));
            }
            "skip" => {
                self.skip = value.trim().parse().map_err(|_| {
                    GraphError::invalid_query("$skip", "expected a number that is not negative")
                })?;
            }
            "skiptoken" => self.skip_token = Some(value.to_owned()),
            "top" => {
                self.top = Some(
                    value
                        .trim()
                        .parse()
                        .ok()
                        .filter(|top| *top > 0)
                        .ok_or_else(|| {
                            GraphError::invalid_query(
                                "$top",
                                "expected a number that is greater than 0",
                            )
                        })?,
                );
            }
            _ => {}
        }
        Ok(())
    }
}

/// The option that a parameter's name means, without `$`.
pub(crate) fn option_of(name: &str) -> Option<&'static str> {
    const OPTIONS: [&str; 11] = [
        "count",
        "deltatoken",
        "expand",
        "filter",
        "format",
        "orderby",
        "search",
        "select",
        "skip",
        "skiptoken",
        "top",
    ];
    let bare = name.strip_prefix('$').unwrap_or(name);
    OPTIONS
        .into_iter()
        .find(|option| option.eq_ignore_ascii_case(bare))
}

fn list(value: &str) -> Vec<String> {
    value
        .split(',')
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
        .collect()
}

fn orders(value: &str) -> Result<Vec<Order>, GraphError> {
    list(value)
        .iter()
        .map(|entry| {
            let mut words = entry.split_ascii_whitespace();
            let path = words.next().unwrap_or_default();
            let descending = match words.next().map(str::to_ascii_lowercase).as_deref() {
                None | Some("asc") => false,
                Some("desc") => true,
                Some(other) => {
                    let problem = format!("'{other}' is neither asc nor desc");
                    return Err(GraphError::invalid_query("$orderby", &problem));
                }
            };
            if words.next().is_some() || path.is_empty() {
                let problem = format!("'{entry}' is not a property with asc or desc");
                return Err(GraphError::invalid_query("$orderby", &problem));
            }
            let path = Path(path.split('/').map(str::to_owned).collect());
            Ok(Order { path, descending })
        })
        .collect()
}

fn expands(value: &str) -> Result<Vec<Expand>, GraphError> {
    if depth(value) > MAX_DEPTH {
        return Err(GraphError::invalid_query(
            "$expand",
            "it is nested too deeply",
        ));
    }
    let mut found = Vec::new();
    for entry in split_outside(value, ',') {
        let entry = entry.trim();
        if entry.is_empty() {
            continue;
        }
        let (name, options) = match entry.split_once('(') {
            None => (entry, None),
            Some((name, rest)) => {
                let inner = rest.strip_suffix(')').ok_or_else(|| {
                    GraphError::invalid_query("$expand", "a closing parenthesis is missing")
                })?;
                (name, Some(inner))
            }
        };
        let mut expand = Expand {
            name: name.to_owned(),
            select: None,
            levels: None,
            inner: Query::default(),
        };
        for option in split_outside(options.unwrap_or(""), ';') {
            match option.trim().split_once('=') {
                Some((key, value)) if option_of(key) == Some("select") => {
                    expand.select = Some(list(value));
                }
                None if option.trim().is_empty() => {}
                Some((key, value)) if is_levels(key) => expand.levels = Some(levels(value)?),
                Some((key, value)) if NESTED.contains(&option_of(key).unwrap_or_default()) => {
                    expand
                        .inner
                        .take(option_of(key).unwrap_or_default(), value)?;
                }
                _ => {
                    let problem = format!("'{option}' is no option of an expanded property");
                    return Err(GraphError::invalid_query("$expand", &problem));
                }
            }
        }
        found.push(expand);
    }
    Ok(found)
}

/// How deep parentheses are nested.
fn depth(text: &str) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for letter in text.bytes() {
        match letter {
            b'(' => now += 1,
            b')' => now = now.saturating_sub(1),
            _ => {}
        }
        most = most.max(now);
    }
    most
}

/// Nesting beyond this would only threaten the stack. Unverified: the limit of the service.
const MAX_DEPTH: usize = 100;

/// What `$expand` takes in parentheses beside `$select` and `$levels`.
///
/// Source: learn.microsoft.com/graph/query-parameters, "expand parameter"; OData 4.01, part 2, 5.1.3.
const NESTED: [&str; 7] = [
    "count", "expand", "filter", "orderby", "search", "skip", "top",
];

fn is_levels(key: &str) -> bool {
    key.strip_prefix('$')
        .unwrap_or(key)
        .eq_ignore_ascii_case("levels")
}

fn levels(value: &str) -> Result<usize, GraphError> {
    if value.trim().eq_ignore_ascii_case("max") {
        return Ok(usize::MAX);
    }
    let number = value.trim().parse().ok().filter(|it| *it > 0);
    number.ok_or_else(|| {
        GraphError::invalid_query("$levels", "expected max or a number that is greater than 0")
    })
}

/// Splits at a separator that stands outside of parentheses.
fn split_outside(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            letter if letter == separator && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + letter.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}
