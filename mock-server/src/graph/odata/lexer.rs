//! The words of a `$filter`.

use jiff::Timestamp;

/// A word of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Colon,
    Comma,
    Close,
    /// An instant: dates without a time stand for their midnight in UTC.
    DateTime(Timestamp),
    Name(String),
    Number(f64),
    Open,
    Slash,
    Text(String),
}

/// What can't be read, and where (a character index).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{problem} at position {position} in '{text}'")]
pub(crate) struct SyntaxError {
    pub(crate) problem: String,
    pub(crate) position: usize,
    pub(crate) text: String,
}

/// Splits an expression; each token with its position.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, SyntaxError> {
    let letters: Vec<char> = text.chars().collect();
    let error = |position: usize, problem: String| SyntaxError {
        problem,
        position,
        text: text.to_owned(),
    };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(letter) = letters.get(at).copied() {
        let start = at;
        at += 1;
        let token = match letter {
            ' ' | '\t' | '\n' | '\r' => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '/' => Token::Slash,
            ':' => Token::Colon,
            '\'' => {
                let mut literal = String::new();
                loop {
                    match (letters.get(at), letters.get(at + 1)) {
                        (Some('\''), Some('\'')) => {
                            literal.push('\'');
                            at += 2;
                        }
                        (Some('\''), _) => {
                            at += 1;
                            break;
                        }
                        (Some(letter), _) => {
                            literal.push(*letter);
                            at += 1;
                        }
                        (None, _) => {
                            return Err(error(
                                start,
                                "there is an unterminated string literal".into(),
                            ));
                        }
                    }
                }
                Token::Text(literal)
            }
            letter if letter.is_ascii_digit() || matches!(letter, '-' | '+') => {
                while letters.get(at).is_some_and(|it| {
                    it.is_ascii_alphanumeric() || matches!(it, '.' | ':' | '-' | '+')
                }) {
                    at += 1;
                }
                let word: String = letters[start..at].iter().collect();
                number_or_time(&word)
                    .ok_or_else(|| error(start, format!("the literal '{word}' is not valid")))?
            }
            letter if letter.is_alphabetic() || matches!(letter, '_' | '$' | '@') => {
                while letters.get(at).is_some_and(|it| {
                    it.is_alphanumeric() || matches!(it, '_' | '.' | '$' | '@' | '-')
                }) {
                    at += 1;
                }
                Token::Name(letters[start..at].iter().collect())
            }
            other => {
                return Err(error(
                    start,
                    format!("there is an invalid character '{other}'"),
                ));
            }
        };
        found.push((start, token));
    }
    Ok(found)
}

fn number_or_time(word: &str) -> Option<Token> {
    if let Ok(number) = word.parse::<f64>() {
        return number.is_finite().then_some(Token::Number(number));
    }
    if let Some(time) = instant(word) {
        return Some(Token::DateTime(time));
    }
    // An unquoted GUID that begins with a digit.
    uuid::Uuid::try_parse(word)
        .ok()
        .map(|_| Token::Text(word.to_owned()))
}

/// A date, or a date with time and offset.
pub(crate) fn instant(word: &str) -> Option<Timestamp> {
    word.parse::<Timestamp>().ok().or_else(|| {
        let date: jiff::civil::Date = (word.len() == 10).then(|| word.parse().ok()).flatten()?;
        jiff::tz::TimeZone::UTC
            .to_timestamp(date.at(0, 0, 0, 0))
            .ok()
    })
}
