//! `$filter` expressions as trees.

use jiff::Timestamp;

pub(crate) use super::lexer::SyntaxError;
use super::lexer::{Token, tokens};

/// An expression that is true or false for a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    And(Box<Expression>, Box<Expression>),
    /// `contains`, `startswith`, `endswith` of two operands.
    Call(Function, Operand, Operand),
    Compare(Operand, Comparison, Operand),
    In(Operand, Vec<Literal>),
    /// `any` and `all` over a collection.
    Lambda {
        path: Path,
        all: bool,
        variable: String,
        /// None: whether there is an element at all.
        body: Option<Box<Expression>>,
    },
    Not(Box<Expression>),
    Or(Box<Expression>, Box<Expression>),
    /// A boolean member, or the literals `true` and `false`.
    Truth(Operand),
}

impl Expression {
    /// The members that it names.
    pub(crate) fn paths<'e>(&'e self, found: &mut Vec<&'e Path>) {
        let mut operand = |it: &'e Operand| {
            if let Operand::Path(path) | Operand::Folded(path) = it {
                found.push(path);
            }
        };
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.paths(found);
                right.paths(found);
            }
            Self::Call(_, left, right) | Self::Compare(left, _, right) => {
                operand(left);
                operand(right);
            }
            Self::In(of, _) | Self::Truth(of) => operand(of),
            Self::Lambda { path, .. } => found.push(path),
            Self::Not(inner) => inner.paths(found),
        }
    }
}

/// A value in an expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operand {
    Literal(Literal),
    Path(Path),
    /// `tolower` and `toupper`: comparisons ignore case anyway.
    Folded(Path),
}

/// Names joined by slashes; the first may be the variable of a lambda.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Path(pub(crate) Vec<String>);

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Boolean(bool),
    DateTime(Timestamp),
    Null,
    Number(f64),
    Text(String),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    NotEqual,
}

/// The functions of texts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Function {
    Contains,
    EndsWith,
    StartsWith,
}

/// Why an expression can't be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum ParseError {
    /// It is not written right.
    #[error(transparent)]
    Syntax(#[from] SyntaxError),
    /// A function that OData has and the mock does not.
    #[error("the function '{0}' is not supported")]
    Function(String),
}

/// Reads a `$filter`.
pub(crate) fn parse(text: &str) -> Result<Expression, ParseError> {
    let tokens = tokens(text)?;
    let mut parser = Parser {
        text,
        tokens,
        at: 0,
        depth: 0,
    };
    let expression = parser.or()?;
    if parser.at < parser.tokens.len() {
        return Err(parser.unexpected());
    }
    Ok(expression)
}

impl Path {
    /// The names joined by slashes.
    pub(crate) fn text(&self) -> String {
        self.0.join("/")
    }

    /// The list whose elements are counted: what stands before `/$count`.
    ///
    /// Source: OData 4.01, URL conventions, 5.1.1.14.
    pub(crate) fn counted(&self) -> Option<&[String]> {
        match self.0.split_last() {
            Some((last, list)) if last == "$count" && !list.is_empty() => Some(list),
            _ => None,
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Result<Expression, ParseError> {
        self.deeper()?;
        let mut terms = vec![self.and()?];
        while self.word("or") {
            terms.push(self.and()?);
        }
        self.depth -= 1;
        Ok(joined(terms, Expression::Or))
    }

    fn and(&mut self) -> Result<Expression, ParseError> {
        let mut terms = vec![self.unary()?];
        while self.word("and") {
            terms.push(self.unary()?);
        }
        Ok(joined(terms, Expression::And))
    }

    fn deeper(&mut self) -> Result<(), ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error("the expression is nested too deeply"));
        }
        Ok(())
    }

    fn unary(&mut self) -> Result<Expression, ParseError> {
        let mut negations = 0_usize;
        while self.word("not") {
            negations += 1;
        }
        let expression = self.primary()?;
        Ok(if negations % 2 == 1 {
            Expression::Not(Box::new(expression))
        } else {
            expression
        })
    }

    fn primary(&mut self) -> Result<Expression, ParseError> {
        if self.take(&Token::Open) {
            let inner = self.or()?;
            self.expect(&Token::Close)?;
            return Ok(inner);
        }
        if let (Some(Token::Name(name)), Some(Token::Open)) = (self.peek(0), self.peek(1)) {
            let name = name.to_ascii_lowercase();
            let function = match name.as_str() {
                "contains" => Some(Function::Contains),
                "endswith" => Some(Function::EndsWith),
                "startswith" => Some(Function::StartsWith),
                _ => None,
            };
            if let Some(function) = function {
                self.at += 2;
                let left = self.operand()?;
                self.expect(&Token::Comma)?;
                let right = self.operand()?;
                self.expect(&Token::Close)?;
                let call = Expression::Call(function, left, right);
                return self.compared_with_boolean(call);
            }
        }
        let left = match self.lambda_or_operand()? {
            Parsed::Lambda(lambda) => return Ok(lambda),
            Parsed::Operand(operand) => operand,
        };
        if self.word("in") {
            return Ok(Expression::In(left, self.list()?));
        }
        match self.comparison() {
            Some(comparison) => {
                let right = self.operand()?;
                Ok(Expression::Compare(left, comparison, right))
            }
            None => Ok(Expression::Truth(left)),
        }
    }

    /// `startswith(a,'b') eq true`, as some clients write.
    fn compared_with_boolean(&mut self, call: Expression) -> Result<Expression, ParseError> {
        let equal = match self.comparison() {
            None => return Ok(call),
            Some(Comparison::Equal) => true,
            Some(Comparison::NotEqual) => false,
            Some(_) => return Err(self.unexpected()),
        };
        match self.operand()? {
            Operand::Literal(Literal::Boolean(value)) if value == equal => Ok(call),
            Operand::Literal(Literal::Boolean(_)) => Ok(Expression::Not(Box::new(call))),
            _ => Err(self.error("a boolean is expected")),
        }
    }

    fn lambda_or_operand(&mut self) -> Result<Parsed, ParseError> {
        let mut path = match self.operand()? {
            Operand::Path(path) => path,
            other => return Ok(Parsed::Operand(other)),
        };
        let all = match path.0.last().map(|it| it.to_ascii_lowercase()).as_deref() {
            Some("any") => false,
            Some("all") => true,
            _ => return Ok(Parsed::Operand(Operand::Path(path))),
        };
        if path.0.len() < 2 || !self.take(&Token::Open) {
            return Ok(Parsed::Operand(Operand::Path(path)));
        }
        path.0.pop();
        if !all && self.take(&Token::Close) {
            let variable = String::new();
            return Ok(Parsed::Lambda(Expression::Lambda {
                path,
                all,
                variable,
                body: None,
            }));
        }
        let Some(Token::Name(variable)) = self.next() else {
            return Err(self.unexpected_before());
        };
        self.expect(&Token::Colon)?;
        let body = Some(Box::new(self.or()?));
        self.expect(&Token::Close)?;
        Ok(Parsed::Lambda(Expression::Lambda {
            path,
            all,
            variable,
            body,
        }))
    }

    fn operand(&mut self) -> Result<Operand, ParseError> {
        if let (Some(Token::Name(name)), Some(Token::Open)) = (self.peek(0), self.peek(1)) {
            let lower = name.to_ascii_lowercase();
            if !matches!(lower.as_str(), "tolower" | "toupper") {
                return Err(ParseError::Function(name.clone()));
            }
            self.at += 2;
            self.deeper()?;
            let Operand::Path(path) = self.operand()? else {
                return Err(self.error("a property is expected"));
            };
            self.depth -= 1;
            self.expect(&Token::Close)?;
            return Ok(Operand::Folded(path));
        }
        match self.next() {
            Some(Token::Text(text)) => Ok(Operand::Literal(Literal::Text(text))),
            Some(Token::Number(number)) => Ok(Operand::Literal(Literal::Number(number))),
            Some(Token::DateTime(time)) => Ok(Operand::Literal(Literal::DateTime(time))),
            Some(Token::Name(name)) => Ok(match name.to_ascii_lowercase().as_str() {
                "true" => Operand::Literal(Literal::Boolean(true)),
                "false" => Operand::Literal(Literal::Boolean(false)),
                "null" => Operand::Literal(Literal::Null),
                _ if uuid::Uuid::try_parse(&name).is_ok() => Operand::Literal(Literal::Text(name)),
                // `microsoft.graph.importance'high'`: an enum value with its type.
                _ if name.starts_with("microsoft.graph.")
                    && matches!(self.peek(0), Some(Token::Text(_))) =>
                {
                    return self.operand();
                }
                _ => {
                    let mut path = vec![name];
                    while self.take(&Token::Slash) {
                        match self.next() {
                            Some(Token::Name(name)) => path.push(name),
                            _ => return Err(self.unexpected_before()),
                        }
                    }
                    Operand::Path(Path(path))
                }
            }),
            _ => Err(self.unexpected_before()),
        }
    }

    fn list(&mut self) -> Result<Vec<Literal>, ParseError> {
        self.expect(&Token::Open)?;
        let mut list = Vec::new();
        loop {
            match self.operand()? {
                Operand::Literal(literal) => list.push(literal),
                _ => return Err(self.error("a list of literals is expected")),
            }
            if !self.take(&Token::Comma) {
                self.expect(&Token::Close)?;
                return Ok(list);
            }
        }
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let Some(Token::Name(name)) = self.peek(0) else {
            return None;
        };
        let comparison = match name.to_ascii_lowercase().as_str() {
            "eq" => Comparison::Equal,
            "ne" => Comparison::NotEqual,
            "gt" => Comparison::Greater,
            "ge" => Comparison::GreaterOrEqual,
            "lt" => Comparison::Less,
            "le" => Comparison::LessOrEqual,
            _ => return None,
        };
        self.at += 1;
        Some(comparison)
    }

    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead).map(|(_, token)| token)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.peek(0).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.peek(0) == Some(token);
        self.at += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found =
            matches!(self.peek(0), Some(Token::Name(name)) if name.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), ParseError> {
        if self.take(token) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn unexpected_before(&mut self) -> ParseError {
        self.at = self.at.saturating_sub(1);
        self.unexpected()
    }

    fn unexpected(&self) -> ParseError {
        match self.tokens.get(self.at) {
            Some(_) => self.error("syntax error"),
            None => self.error("the expression ends too early"),
        }
    }

    fn error(&self, problem: &str) -> ParseError {
        let position = self
            .tokens
            .get(self.at)
            .map_or(self.text.chars().count(), |(position, _)| *position);
        let text = self.text.to_owned();
        ParseError::Syntax(SyntaxError {
            problem: problem.to_owned(),
            position,
            text,
        })
    }
}

/// A tree of terms in their order, as flat as can be: a chain of thousands must not become a tree of
/// that depth, for whoever walks it walks it on the stack.
fn joined(
    mut terms: Vec<Expression>,
    join: fn(Box<Expression>, Box<Expression>) -> Expression,
) -> Expression {
    let rest = terms.split_off(terms.len().div_ceil(2));
    match (terms.pop(), rest.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            terms.extend(last);
            join(Box::new(joined(terms, join)), Box::new(joined(rest, join)))
        }
    }
}

enum Parsed {
    Lambda(Expression),
    Operand(Operand),
}

/// Nesting beyond this would only threaten the stack.
const MAX_DEPTH: usize = 100;
