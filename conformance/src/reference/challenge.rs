//! What a server says in `WWW-Authenticate`: several challenges in one header or in several, each
//! with parameters in any order.
//!
//! Source: RFC 9110, section 11.6.1.

/// A challenge by its parameters.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Challenge(Vec<(String, String)>);

impl Challenge {
    /// A parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|it| it.0.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }
}

/// The challenges of a header.
pub(super) fn all(text: &str) -> Vec<Challenge> {
    let mut all: Vec<Challenge> = Vec::new();
    let mut rest = between(text);
    while !rest.is_empty() {
        let end = rest.find(|it: char| it.is_whitespace() || "=,".contains(it));
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        let value = after.trim_start().strip_prefix('=');
        let Some(value) = value.map(str::trim_start) else {
            // A scheme begins a challenge.
            all.push(Challenge::default());
            rest = between(after);
            continue;
        };
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => unquoted(quoted),
            None => {
                let end = value.find([',', ' ']).unwrap_or(value.len());
                (value[..end].to_owned(), &value[end..])
            }
        };
        if let Some(challenge) = all.last_mut() {
            challenge.0.push((name.to_owned(), value));
        }
        rest = between(after);
    }
    all
}

/// What follows spaces and commas.
fn between(text: &str) -> &str {
    text.trim_start_matches(|it: char| it.is_whitespace() || it == ',')
}

/// A quoted text without its quotes, and what stands behind it.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.extend(letters.next().map(|(_, it)| it)),
            other => value.push(other),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_in_every_spelling() {
        let claims = Some("eyJhIjoxfQ==");
        for text in [
            r#"Bearer realm="", error="insufficient_claims", claims="eyJhIjoxfQ==""#,
            r#"Bearer claims="eyJhIjoxfQ==", error="insufficient_claims", realm="a, \"b\" = c""#,
            r"bearer error=insufficient_claims,claims=eyJhIjoxfQ==",
            r#"Negotiate, Basic realm="x", Bearer Error = "insufficient_claims" , Claims = "eyJhIjoxfQ==""#,
            r#"PoP nonce="n=1", Bearer error="insufficient_claims", claims="eyJhIjoxfQ==", x=y"#,
        ] {
            let all = all(text);
            let found = all
                .iter()
                .find(|it| it.get("error") == Some("insufficient_claims"));
            assert_eq!(
                found.and_then(|it| it.get("claims")),
                claims,
                "{text}: {all:?}"
            );
        }
        for text in ["", ",", "=", "=,=", "Bearer x=\"", "a=b", "\u{e4}=\u{e4}"] {
            let _ = all(text);
        }
    }
}
