//! Rules of dynamic membership: `(user.department -eq "Sales") and (user.accountEnabled -eq true)`.
//!
//! Source: learn.microsoft.com/entra/identity/users/groups-dynamic-membership.

use serde_json::Value;

use crate::mailbox::Properties;

/// A rule about users.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Rule {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Compare {
        member: String,
        operator: String,
        values: Vec<String>,
    },
}

impl Rule {
    /// Reads a rule; none where it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.chars().count() > MAX_LENGTH {
            return None;
        }
        let tokens = tokens(text)?;
        let mut parser = Parser {
            tokens,
            at: 0,
            depth: 0,
        };
        let rule = parser.either()?;
        (parser.at == parser.tokens.len()).then_some(rule)
    }

    /// Whether it holds for a user.
    pub(super) fn holds(&self, user: &Properties) -> bool {
        match self {
            Self::And(rules) => rules.iter().all(|it| it.holds(user)),
            Self::Or(rules) => rules.iter().any(|it| it.holds(user)),
            Self::Not(inner) => !inner.holds(user),
            Self::Compare {
                member,
                operator,
                values,
            } => compare(user.get(member), operator, values),
        }
    }
}

fn compare(found: Option<&Value>, operator: &str, values: &[String]) -> bool {
    let (negated, operator) = match operator.strip_prefix("not") {
        Some(rest) => (true, rest),
        None if operator == "ne" => (true, "eq"),
        None => (false, operator),
    };
    let mut texts: Vec<String> = match found {
        None | Some(Value::Null) => vec!["null".to_owned()],
        Some(Value::Array(all)) => all
            .iter()
            .map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned))
            .collect(),
        Some(Value::String(text)) => vec![text.clone()],
        Some(other) => vec![other.to_string()],
    };
    for text in &mut texts {
        *text = text.to_lowercase();
    }
    let holds = values.iter().any(|value| {
        let value = value.to_lowercase();
        texts.iter().any(|text| match operator {
            "startswith" => text.starts_with(&value),
            "contains" | "match" => text.contains(&value),
            _ => *text == value,
        })
    });
    holds != negated
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Token {
    Open,
    Close,
    Operator(String),
    Word(String),
    Text(String),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let used = match first {
            '(' | '[' => {
                found.push(Token::Open);
                1
            }
            ')' | ']' => {
                found.push(Token::Close);
                1
            }
            ',' => 1,
            '"' | '\'' => {
                let inner = &rest[1..];
                let end = inner.find(first)?;
                found.push(Token::Text(inner[..end].to_owned()));
                end + 2
            }
            _ => {
                let end = rest
                    .find(|it: char| it.is_whitespace() || "()[],\"'".contains(it))
                    .unwrap_or(rest.len());
                let word = &rest[..end];
                found.push(match word.strip_prefix('-') {
                    Some(operator) => Token::Operator(operator.to_ascii_lowercase()),
                    None => Token::Word(word.to_owned()),
                });
                end
            }
        };
        rest = rest.get(used..)?.trim_start();
    }
    Some(found)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn either(&mut self) -> Option<Rule> {
        let first = self.both()?;
        let mut rules = vec![first];
        while self.takes("or") {
            rules.push(self.both()?);
        }
        Some(Rule::Or(rules))
    }

    fn both(&mut self) -> Option<Rule> {
        let first = self.one()?;
        let mut rules = vec![first];
        while self.takes("and") {
            rules.push(self.one()?);
        }
        Some(Rule::And(rules))
    }

    /// A comparison, or what is in parentheses or negated: each on the stack, and so bounded.
    fn one(&mut self) -> Option<Rule> {
        self.depth += 1;
        let rule = (self.depth <= MAX_DEPTH).then(|| self.term())?;
        self.depth -= 1;
        rule
    }

    fn term(&mut self) -> Option<Rule> {
        if self.takes("not") {
            return self.one().map(|it| Rule::Not(Box::new(it)));
        }
        match self.next()? {
            Token::Open => {
                let rule = self.either()?;
                (self.next()? == Token::Close).then_some(rule)
            }
            Token::Word(name) => {
                let member = name.strip_prefix("user.")?.to_owned();
                let Token::Operator(operator) = self.next()? else {
                    return None;
                };
                OPERATORS.contains(&operator.as_str()).then_some(())?;
                let mut values = Vec::new();
                match self.next()? {
                    Token::Text(value) | Token::Word(value) => values.push(value),
                    Token::Open => loop {
                        match self.next()? {
                            Token::Text(value) | Token::Word(value) => values.push(value),
                            Token::Close => break,
                            _ => return None,
                        }
                    },
                    _ => return None,
                }
                Some(Rule::Compare {
                    member,
                    operator,
                    values,
                })
            }
            _ => None,
        }
    }

    /// Takes a connective, written with or without a hyphen.
    fn takes(&mut self, word: &str) -> bool {
        let is = match self.tokens.get(self.at) {
            Some(Token::Word(it) | Token::Operator(it)) => it.eq_ignore_ascii_case(word),
            _ => false,
        };
        self.at += usize::from(is);
        is
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }
}

/// Source: learn.microsoft.com/entra/identity/users/groups-dynamic-membership, "Rules with a single
/// expression".
const MAX_LENGTH: usize = 3072;

/// Nesting beyond this would only threaten the stack.
const MAX_DEPTH: usize = 100;

const OPERATORS: [&str; 10] = [
    "contains",
    "eq",
    "in",
    "match",
    "ne",
    "notcontains",
    "notin",
    "notmatch",
    "notstartswith",
    "startswith",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_and_deep_rules_are_bounded() {
        let one = "user.department -eq \"x\"";
        let chain = |count: usize| vec![one; count].join(" or ");
        assert!(Rule::parse(&chain(100)).is_some());
        assert!(Rule::parse(&chain(200)).is_none());
        let nested = |depth: usize| format!("{}{one}{}", "(".repeat(depth), ")".repeat(depth));
        assert!(Rule::parse(&nested(50)).is_some());
        assert!(Rule::parse(&nested(1_000)).is_none());
        assert!(Rule::parse(&format!("{}{one}", "not ".repeat(500))).is_none());
    }

    #[test]
    fn rules_hold_for_whom_they_describe() {
        let user = json!({"department": "Sales", "accountEnabled": true, "jobTitle": null});
        let user = user.as_object().unwrap();
        for (rule, expected) in [
            ("user.department -eq \"sales\"", true),
            (
                "(user.department -eq \"Sales\") and (user.accountEnabled -eq true)",
                true,
            ),
            (
                "(user.department -ne \"Sales\") or (user.jobTitle -eq null)",
                true,
            ),
            ("not (user.department -startsWith \"Sa\")", false),
            ("user.department -in [\"Legal\", \"Sales\"]", true),
            ("user.department -notContains \"ale\"", false),
        ] {
            assert_eq!(Rule::parse(rule).unwrap().holds(user), expected, "{rule}");
        }
        for wrong in [
            "",
            "user.department",
            "device.os -eq 1",
            "(user.a -eq 1",
            "user.a -like 1",
        ] {
            assert_eq!(Rule::parse(wrong), None, "{wrong}");
        }
    }
}
