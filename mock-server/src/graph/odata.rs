//! OData as Graph has it: query options, `$filter` expressions, `$search`, and their evaluation
//! over the fields of objects.
//!
//! Source: learn.microsoft.com/graph/query-parameters and /filter-query-parameter; the grammar
//! from OASIS OData 4.01, part 2 (URL conventions).

pub(crate) mod evaluate;
mod lexer;
pub(crate) mod parser;
pub(crate) mod query;
pub(crate) mod search;
pub(crate) mod text;

#[cfg(test)]
mod tests;
