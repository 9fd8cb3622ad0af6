use super::answer::{deviations, is_placeholder};
use super::*;

/// Every place that an answer of a row can differ by.
fn places() -> Vec<Place<'static>> {
    let grants = [
        None,
        Some("authorization_code"),
        Some("client_credentials"),
        Some("device_code"),
        Some("on_behalf_of"),
        Some("password"),
        Some("refresh_token"),
    ];
    let mut places = Vec::new();
    for endpoint in [
        Endpoint::AdminConsent,
        Endpoint::DeviceCode,
        Endpoint::Discovery,
        Endpoint::Page,
        Endpoint::Redirect,
        Endpoint::Token,
    ] {
        for version in [None, Some(1), Some(2)] {
            for grant in grants {
                places.push(Place {
                    endpoint,
                    version,
                    grant,
                });
            }
        }
    }
    places
}

/// The subjects that some deviation of a code is about, and none.
fn subjects(code: u32) -> Vec<Option<&'static str>> {
    deviations()
        .filter(|it| it.code == code && !it.about.is_empty())
        .map(|it| Some(it.about.as_str()))
        .chain([None])
        .collect()
}

fn answers() -> impl Iterator<Item = (&'static Row, Answer)> {
    all().flat_map(|row| {
        places().into_iter().flat_map(move |place| {
            subjects(row.code)
                .into_iter()
                .map(move |about| (row, row.at(place, about)))
        })
    })
}

#[test]
fn every_row_can_be_answered_everywhere() {
    assert!(all().count() > 410);
    for (row, answer) in answers() {
        assert!(
            !answer.error.is_empty() && !answer.text.is_empty(),
            "{}",
            row.code
        );
        assert!(
            !answer.error.contains(['/', ' ', '?']),
            "{}: {}",
            row.code,
            answer.error
        );
        assert!(
            (300..600).contains(&answer.http_status),
            "{}: {}",
            row.code,
            answer.http_status
        );
        // Clients in Rust borrow the description: an escape makes them lose the code.
        assert!(!answer.text.contains(['"', '\\']), "{}", row.code);
    }
}

#[test]
fn no_placeholder_reaches_the_wire() {
    for (row, answer) in answers() {
        let mut names = Vec::new();
        fill(answer.text, |name| {
            names.push(name.to_owned());
            None
        });
        for name in names {
            assert!(is_placeholder(&name), "{}: {{{name}}}", row.code);
        }
        let text = fill(answer.text, |_| None);
        assert!(!text.contains(['{', '}']), "{}: {text}", row.code);
    }
}

#[test]
fn what_is_filled_in_is_not_filled_again() {
    let text = fill("The user account {user} of {tenant}.", |name| {
        (name == "user").then(|| "{EmailHidden}".to_owned())
    });
    assert!(
        text.starts_with("The user account {EmailHidden} of "),
        "{text}"
    );
}

#[test]
fn deviations_are_of_known_codes_and_do_not_contradict_each_other() {
    let mut seen = std::collections::HashSet::new();
    for row in deviations() {
        assert!(Row::find(row.code).is_some(), "{}", row.code);
        assert!(row.is_well_formed(), "{row:?}");
        let place = (
            row.code,
            format!("{:?}", row.endpoint),
            row.version,
            row.grant.clone(),
            row.about.clone(),
        );
        assert!(seen.insert(place), "{row:?} stands twice");
    }
}

#[test]
fn codes_that_no_state_leads_to_are_known_and_have_a_reason() {
    let list = include_str!("../../data/unreached-codes.csv");
    let mut seen = std::collections::HashSet::new();
    for row in csv::Reader::from_reader(list.as_bytes()).deserialize() {
        let (code, reason): (u32, String) = row.unwrap();
        assert!(Row::find(code).is_some(), "{code}");
        assert!(!reason.is_empty() && seen.insert(code), "{code}");
    }
    assert!(seen.len() > 200, "{}", seen.len());
}

#[test]
fn the_documents_count_the_codes_that_no_state_leads_to() {
    let mut counts = std::collections::BTreeMap::new();
    let list = include_str!("../../data/unreached-codes.csv");
    for row in csv::Reader::from_reader(list.as_bytes()).deserialize() {
        let (_, reason): (u32, String) = row.unwrap();
        *counts.entry(reason).or_insert(0) += 1;
    }
    let document = include_str!("../../docs/known-differences.md");
    for (reason, count) in counts {
        let line = format!("| {reason} | {count} |\n");
        assert!(document.contains(&line), "no line {line}");
    }
}

#[test]
fn client_failures_are_unauthorized() {
    for code in [7000215, 7000222, 7000218, 700027] {
        let row = Row::find(code).unwrap();
        assert_eq!(
            (row.oauth_error.as_str(), row.http_status),
            ("invalid_client", 401),
            "{code}"
        );
    }
}

#[test]
fn an_answer_differs_by_its_place() {
    let at = |code: u32, place, about| Row::find(code).unwrap().at(place, about);
    let token = |version| Place::versioned(Endpoint::Token, version);
    for code in [50076, 53000, 53003] {
        assert_eq!(at(code, token(1), None).error, "interaction_required");
        assert_eq!(at(code, token(2), None).error, "invalid_grant");
    }
    let redirect = Place::of(Endpoint::Redirect);
    assert_eq!(at(50076, redirect, None).error, "interaction_required");
    assert_eq!(
        at(90002, Place::of(Endpoint::Discovery), None).error,
        "invalid_tenant"
    );
    assert_eq!(at(9002313, token(2), None).error, "invalid_request");
    assert_eq!(at(9002313, token(2), Some("grant")).error, "invalid_grant");
    assert!(!at(54005, token(2), None).error_uri);
    assert!(at(50173, token(2), None).error_uri);
}
