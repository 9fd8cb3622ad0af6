use proptest::prelude::*;
use serde_json::{Value, json};

use super::evaluate::holds;
use super::parser::parse;
use super::query::Query;
use super::search::parse_search;

fn message() -> Value {
    json!({
        "subject": "Re: O'Neill's offer",
        "isRead": false,
        "importance": "high",
        "receivedDateTime": "2026-01-15T12:00:00Z",
        "size": 42,
        "flag": null,
        "from": {"emailAddress": {"name": "Bob", "address": "Bob@Contoso.example"}},
        "toRecipients": [
            {"emailAddress": {"address": "alice@contoso.example"}},
            {"emailAddress": {"address": "carol@contoso.example"}},
        ],
        "ccRecipients": [],
        "categories": ["Red", "Blue"],
        "start": {"dateTime": "2026-01-15T12:00:00.0000000", "timeZone": "UTC"},
    })
}

#[track_caller]
fn is(expression: &str) -> bool {
    holds(
        &parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}")),
        &message(),
    )
}

#[test]
fn neither_length_nor_depth_of_an_expression_reaches_the_end_of_the_stack() {
    for word in ["or", "and"] {
        let terms = vec!["isRead eq true"; 20_000].join(&format!(" {word} "));
        assert!(!is(&terms));
        let ends = format!("{terms} {word} isRead eq false");
        assert_eq!(is(&ends), word == "or");
    }
    for (open, close) in [("(", ")"), ("tolower(", ")"), ("a/any(x:", ")")] {
        let deep = format!(
            "{}subject{} eq 'x'",
            open.repeat(20_000),
            close.repeat(20_000)
        );
        assert!(parse(&deep).is_err(), "{open}");
    }
    assert!(is(&format!("{}isRead", "not ".repeat(20_001))));
    // The order of the terms stays: it counts where a filter meets an order.
    assert!(is(
        "isRead or isRead or isRead or not isRead and importance eq 'high'"
    ));
}

#[test]
fn expansions_are_not_nested_without_end() {
    let nested = |depth: usize| {
        let value = format!("{}x{}", "a($expand=".repeat(depth), ")".repeat(depth));
        Query::parse(&[("$expand".to_owned(), value)])
    };
    assert!(nested(10).is_ok());
    assert!(nested(5_000).is_err());
}

#[test]
fn expressions_that_hold() {
    for expression in [
        "subject eq 're: o''neill''s offer'",
        "isRead eq false",
        "not isRead",
        "not (isRead eq true)",
        "importance eq 'high' and isRead ne true",
        "importance eq microsoft.graph.importance'high'",
        "isRead or importance eq 'high'",
        "isRead eq true or isRead eq false and size gt 1",
        "receivedDateTime ge 2026-01-15T12:00:00Z",
        "receivedDateTime gt 2026-01-15T12:59:59+01:00",
        "receivedDateTime lt 2026-01-16",
        "size le 42 and size ge 42.0",
        "size gt -1",
        "flag eq null",
        "subject ne null",
        "from/emailAddress/address eq 'bob@contoso.example'",
        "From/EmailAddress/Name eq 'Bob'",
        "startswith(subject,'re:')",
        "contains(subject, 'offer') eq true",
        "contains(subject, 'x') eq false",
        "endswith(from/emailAddress/address, '.example')",
        "tolower(subject) eq 're: o''neill''s offer'",
        "importance in ('low', 'high')",
        "not (importance in ('low'))",
        "toRecipients/any(r:r/emailAddress/address eq 'carol@contoso.example')",
        "toRecipients/all(r: endswith(r/emailAddress/address, '@contoso.example'))",
        "categories/any(c:c eq 'Red')",
        "categories/any(c:c eq 'red' and size eq 42)",
        "toRecipients/any()",
        "not ccRecipients/any()",
        "ccRecipients/all(c:c eq 'x')",
        "start/dateTime ge '2026-01-15T08:00'",
        "start/dateTime lt '2026-01-15T12:00:01Z'",
        "(((isRead eq false)))",
    ] {
        assert!(is(expression), "{expression}");
    }
}

#[test]
fn expressions_that_do_not_hold() {
    for expression in [
        "subject eq 'offer'",
        "isRead",
        "flag gt 1",
        "size eq '42'",
        "missing eq 'x'",
        "startswith(missing,'a')",
        "receivedDateTime gt 2026-01-15T12:00:00Z",
        "categories/any(c:c eq 'Green')",
        "categories/all(c:c eq 'Red')",
        "false",
    ] {
        assert!(!is(expression), "{expression}");
    }
}

#[test]
fn what_is_not_written_right_is_told_with_its_place() {
    for (expression, told) in [
        ("", "ends too early"),
        ("isRead eq", "at position 9"),
        ("subject eq 'x", "unterminated"),
        ("(isRead eq true", "ends too early"),
        ("isRead eq true)", "at position 14"),
        ("isRead ! true", "'!'"),
        ("a in 'x'", "syntax error"),
        ("x/any(r r eq 1)", "syntax error"),
        ("size eq 1x", "'1x'"),
        ("length(subject) eq 1", "'length'"),
        ("eq eq eq eq", "syntax error"),
    ] {
        let error = parse(expression).unwrap_err().to_string();
        assert!(error.contains(told), "{expression}: {error}");
    }
    let deep = format!("{}a eq 1{}", "(".repeat(5000), ")".repeat(5000));
    assert!(parse(&deep).unwrap_err().to_string().contains("too deeply"));
}

#[test]
fn searches_join_words_by_and() {
    let fits = |search: &str| {
        let aliases: &[(&str, &[&str])] = &[("to", &["toRecipients"])];
        parse_search(search)
            .unwrap()
            .fits(&message(), &["subject", "from"], aliases)
    };
    for search in [
        "offer",
        "\"offer\"",
        "\"subject:offer\"",
        "\"to:alice\"",
        "\"offer AND bob\"",
        "\"offer bob\"",
        "\"nothing\" OR \"offer\"",
        "\"offer NOT nothing\"",
        "\"subject:\\\"neill's offer\\\"\"",
        "\"off*\"",
    ] {
        assert!(fits(search), "{search}");
    }
    for search in [
        "\"ffer\"",
        "\"subject:bob\"",
        "\"offer nothing\"",
        "\"to:bob\"",
        "\"NOT offer\"",
    ] {
        assert!(!fits(search), "{search}");
    }
    assert!(parse_search("\"\"").is_err());
}

#[test]
fn options_are_read_with_and_without_the_dollar() {
    let parameters = |text: &str| {
        form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect::<Vec<_>>()
    };
    let query = Query::parse(&parameters(
        "select=subject,from&%24top=5&$SKIP=10&$orderby=a/b desc, c&$expand=attachments($select=id,name),x&startDateTime=1",
    ))
    .unwrap();
    assert_eq!(query.select.unwrap(), ["subject", "from"]);
    assert_eq!((query.top, query.skip), (Some(5), 10));
    assert_eq!(query.order.len(), 2);
    assert!(query.order[0].descending && !query.order[1].descending);
    assert_eq!(query.expand[0].select.as_deref().unwrap(), ["id", "name"]);
    assert_eq!(query.expand[1].name, "x");
}

proptest! {
    #[test]
    fn no_filter_panics(text in "\\PC*") {
        if let Ok(expression) = parse(&text) {
            holds(&expression, &message());
        }
    }

    #[test]
    fn no_filter_of_filter_words_panics(words in proptest::collection::vec(proptest::sample::select(vec![
        "subject", "isRead", "eq", "ne", "and", "or", "not", "in", "(", ")", ",", "/", ":", "'x'", "'", "any", "all",
        "r", "true", "null", "1", "-", "2026-01-01", "contains", "startswith", "tolower", "toRecipients", "$it",
    ]), 0..24)) {
        if let Ok(expression) = parse(&words.join(" ")) {
            holds(&expression, &message());
        }
        if let Ok(expression) = parse(&words.concat()) {
            holds(&expression, &message());
        }
    }

    #[test]
    fn no_query_panics(name in "\\$?[a-z]{3,11}", value in "\\PC*") {
        let _ = Query::parse(&[(name, value.clone()), ("$search".into(), value.clone())]);
        let _ = Query::parse(&[("$expand".into(), value.clone()), ("$orderby".into(), value)]);
    }
}
