//! No request that the service documents as an error is answered with a token.
//!
//! For each grant there is a valid request, and a table of mutations: of a parameter, of the way in
//! which it arrives, or of an object that it touches, each with its codes and where these are
//! documented. Every mutation is tried alone, and property tests try several at once. Each request
//! is sent unmutated first, and must then be answered with a token: otherwise its refusal would
//! prove nothing.

mod changes;
mod grant;
mod keys;
mod table;
mod valid;

use std::collections::BTreeSet;

use self::table::{ROWS, Row};
use self::valid::{Asked, Bench, Grant, VERSIONS};
use super::*;

/// The rows that a grant can be mutated by.
fn rows(grant: Grant, version: u8) -> Vec<&'static Row> {
    ROWS.iter().filter(|row| row.fits(grant, version)).collect()
}

/// Sends a valid request of a new mock: it gets a token.
async fn unmutated(grant: Grant, version: u8) {
    let bench = Bench::new(grant);
    let asked = bench.valid(grant, version).await;
    let (status, body) = bench.send(&asked).await;
    assert_eq!(status, 200, "{grant:?} v{version}, unmutated: {body}");
    assert!(body["access_token"].is_string(), "{body}");
}

/// Sends a mutated request of a new mock: the codes of its refusal.
async fn mutated(grant: Grant, version: u8, rows: &[&Row]) -> Result<BTreeSet<u32>, String> {
    let bench = Bench::new(grant);
    let mut asked: Asked = bench.valid(grant, version).await;
    for row in rows {
        row.change(&bench, &mut asked, grant);
    }
    let (status, body) = bench.send(&asked).await;
    let codes: BTreeSet<u32> = body["error_codes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| u32::try_from(it.as_u64()?).ok())
        .collect();
    if status < 400 || body.get("access_token").is_some() || codes.is_empty() {
        return Err(format!("answered {status} {body}"));
    }
    Ok(codes)
}

/// The codes that the table's rows lead to.
pub(in crate::authority) fn codes() -> impl Iterator<Item = u32> {
    ROWS.iter().flat_map(Row::codes)
}

#[tokio::test]
async fn every_mutation_of_a_valid_request_is_refused_with_its_code() {
    let mut wrong = Vec::new();
    let mut tried = 0;
    let mut seen: BTreeSet<(&str, u32)> = BTreeSet::new();
    for grant in Grant::ALL {
        for version in VERSIONS {
            unmutated(grant, version).await;
            for row in rows(grant, version) {
                tried += 1;
                match mutated(grant, version, &[row]).await {
                    Ok(codes) if codes.iter().any(|code| row.codes().contains(code)) => {
                        seen.extend(codes.into_iter().map(|code| (row.name.as_str(), code)));
                    }
                    Ok(codes) => wrong.push(format!(
                        "{grant:?} v{version}, {}: {codes:?}, not {:?}",
                        row.name,
                        row.codes()
                    )),
                    Err(problem) => {
                        wrong.push(format!("{grant:?} v{version}, {}: {problem}", row.name));
                    }
                }
            }
        }
    }
    for row in ROWS.iter() {
        for code in row.codes() {
            if !seen.contains(&(row.name.as_str(), code)) {
                wrong.push(format!("{}: never {code}", row.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Grows with the table; a row that fits nowhere by mistake makes it shrink.
    assert!(tried > 1000, "{tried}");
}

#[test]
fn every_row_fits_a_grant_and_says_where_it_is_documented() {
    let mut names = BTreeSet::new();
    for row in ROWS.iter() {
        assert!(names.insert(&row.name), "{} stands twice", row.name);
        assert!(!row.source.is_empty(), "{}", row.name);
        for code in row.codes() {
            assert!(aadsts::Row::find(code).is_some(), "{}: {code}", row.name);
        }
        let fits = Grant::ALL
            .into_iter()
            .any(|grant| VERSIONS.into_iter().any(|version| row.fits(grant, version)));
        assert!(fits, "{} fits no grant", row.name);
    }
    for grant in Grant::ALL {
        let of_grant = rows(grant, 2).len();
        assert!(of_grant > 30, "{grant:?} has {of_grant} mutations");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Several things wrong at once are refused, too, whichever is told.
    #[test]
    fn several_mutations_at_once_are_refused(
        grant in prop::sample::select(Grant::ALL.to_vec()),
        version in prop::sample::select(VERSIONS.to_vec()),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let all = rows(grant, version);
        let mut picked: Vec<&Row> = Vec::new();
        for pick in picks {
            let row = all[pick.index(all.len())];
            // Two changes of one thing may undo each other.
            if picked.iter().all(|it| it.of != row.of) {
                picked.push(row);
            }
        }
        let names: Vec<&str> = picked.iter().map(|row| row.name.as_str()).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let codes = runtime.block_on(async {
            unmutated(grant, version).await;
            mutated(grant, version, &picked).await
        });
        match codes {
            Ok(codes) => for code in codes {
                prop_assert!(aadsts::Row::find(code).is_some(), "{code}");
            },
            Err(problem) => prop_assert!(false, "{grant:?} v{version}, {names:?}: {problem}"),
        }
    }
}
