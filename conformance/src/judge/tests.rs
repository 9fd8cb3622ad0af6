//! Stored journals with the verdicts that they must get: `scenarios/testdata/records`.

use std::path::Path;

use entra_mock::environment::Environment;
use entra_mock::journal::{Exchange, fingerprint};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::*;
use crate::case::{AuthMethod, Check};

/// A stored record with checks and their verdicts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    auth: AuthMethod,
    environment: Environment,
    #[serde(default)]
    secrets: Vec<(String, String)>,
    #[serde(default)]
    exchanges: Vec<Map<String, Value>>,
    #[serde(default)]
    steps: Vec<Map<String, Value>>,
    verdicts: Vec<Verdict>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    check: String,
    witness: Evidence,
    expect: Evidence,
    /// `pass`, `mismatch`, `not-exercised` or `unjudgeable`.
    is: String,
    /// What the failure must say.
    #[serde(default)]
    observed: Option<String>,
    /// The exchanges that it must cite.
    #[serde(default)]
    exchanges: Option<Vec<u64>>,
}

/// Fills in what a stored exchange does not say.
fn exchange(number: usize, given: &Map<String, Value>) -> Exchange {
    let mut whole = json!({
        "number": number, "at": "2026-01-15T09:00:00Z", "elapsed_micros": 900, "via": null,
        "connection": 1, "cloud": null, "environment": null, "surface": "other",
        "endpoint": null, "method": "GET", "origin": "https://login.microsoftonline.us",
        "path": "/", "query": [], "request_headers": [], "form": [], "request_body": null,
        "status": 200, "response_headers": [], "response_body": null, "tenant": null,
        "tenant_time": null, "client": null, "user": null, "grant": null, "aadsts": [],
        "error": null, "decision": null, "tokens": [], "fault": null, "unsupported": null
    });
    let members = whole.as_object_mut().unwrap();
    for (name, value) in given {
        assert!(members.contains_key(name), "an exchange has no '{name}'");
        members.insert(name.clone(), value.clone());
    }
    serde_json::from_value(whole).unwrap()
}

fn record(stored: &Stored) -> Record {
    let mut values = std::collections::BTreeMap::new();
    for (name, value) in [
        ("alice.id", "11111111-1111-4111-8111-111111111111"),
        ("alice.upn", "alice@contosogov.onmicrosoft.us"),
        ("graph-root", "https://graph.microsoft.us"),
    ] {
        values.insert(name.to_owned(), value.to_owned());
    }
    let secrets = stored
        .secrets
        .iter()
        .map(|(name, value)| Secret {
            name: name.clone(),
            fingerprint: fingerprint(value),
            value: Some(value.clone()),
        })
        .collect();
    let facts = Facts {
        auth_method: stored.auth,
        environment: stored.environment,
        kind: String::new(),
        values,
        secrets,
    };
    let exchanges = stored.exchanges.iter().enumerate();
    let steps = stored.steps.iter().map(|given| {
        let mut whole = json!({"step": "call", "before": 0, "after": 0});
        whole.as_object_mut().unwrap().extend(given.clone());
        serde_json::from_value(whole).unwrap()
    });
    Record {
        person: None,
        leaks: Vec::new(),
        facts,
        exchanges: exchanges
            .map(|(index, it)| exchange(index + 1, it))
            .collect(),
        steps: steps.collect(),
    }
}

#[test]
fn stored_records_get_the_verdicts_beside_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/testdata/records");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let stored: Stored =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let record = record(&stored);
        for verdict in &stored.verdicts {
            let asked = Check {
                name: verdict.check.clone(),
                says: "a requirement".into(),
                level: crate::case::Level::Must,
                source: None,
                auth: crate::case::Axis::All,
                environment: crate::case::Axis::All,
                witness: verdict.witness.clone(),
                expect: verdict.expect.clone(),
            };
            let found = check(&asked, &record);
            let place = format!("{name}#{}: {found:?}", verdict.check);
            match &found {
                CheckResult::Pass { .. } => assert_eq!(verdict.is, "pass", "{place}"),
                CheckResult::Fail(failure) => {
                    let kind = serde_json::to_value(failure.kind).unwrap();
                    assert_eq!(kind, json!(verdict.is), "{place}");
                    let said = verdict.observed.clone().unwrap_or_default();
                    assert!(failure.observed.contains(&said), "{place}");
                    if let Some(numbers) = &verdict.exchanges {
                        assert_eq!(failure.exchanges, *numbers, "{place}");
                    }
                }
            }
            count += 1;
        }
    }
    assert!(count >= 40, "{count}");
}

#[test]
fn placeholders_are_filled_and_unknown_ones_named() {
    let stored: Stored =
        serde_saphyr::from_str("{auth: own-app, environment: us-gov-l4, verdicts: []}").unwrap();
    let facts = record(&stored).facts;
    assert_eq!(
        facts.text("{alice.upn}/{{x}}").unwrap(),
        "alice@contosogov.onmicrosoft.us/{x}"
    );
    let unknown = facts.text("{alice.upm}").unwrap_err().to_string();
    assert!(unknown.contains("did you mean 'alice.upn'?"), "{unknown}");
    assert!(facts.text("{alice.upn").is_err());
}

#[test]
fn a_record_on_disk_has_no_secret_in_it() {
    let stored: Stored =
        serde_saphyr::from_str("{auth: own-app, environment: us-gov-l4, verdicts: []}").unwrap();
    let mut record = record(&stored);
    record
        .facts
        .add_secret("own-app.client_secret", "s3cr~t-value");
    record
        .facts
        .add_secret("alice.password", "Passw0rd-of-alice");
    let text = serde_json::to_string(&record).unwrap();
    assert!(
        !text.contains("s3cr~t-value") && !text.contains("Passw0rd"),
        "{text}"
    );
    let again: Record = serde_json::from_str(&text).unwrap();
    assert_eq!(again.facts.secrets.len(), 2);
}
