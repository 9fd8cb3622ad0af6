//! Every documented method and path, asked as connectors ask: without permissions, with the least
//! privileged ones, in each cloud.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::environment::{Environment, SignInCloud};
use crate::graph::generic::coverage;
use crate::graph::generic::guard;
use crate::graph::tests::{Answer, Bench};
use crate::journal::Level;
use crate::model::{self, Accepted};

/// A row of `data/model/documented.csv`.
#[derive(Debug, Deserialize)]
struct Row {
    path: String,
    method: String,
    kind: String,
    clouds: String,
}

impl Row {
    fn exists_in(&self, cloud: SignInCloud) -> bool {
        self.clouds.contains(match cloud {
            SignInCloud::Global => 'g',
            SignInCloud::UsGov => 'u',
            SignInCloud::China => 'c',
        })
    }
}

fn rows() -> Vec<Row> {
    let text = include_str!("../../../../data/model/documented.csv");
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .unwrap()
}

/// All documented requests, with what the areas add.
fn all(cloud: SignInCloud) -> impl Iterator<Item = coverage::Covered> {
    crate::graph::areas::install();
    coverage::all(cloud)
}

fn levels(cloud: SignInCloud) -> BTreeMap<(&'static str, &'static str), Level> {
    all(cloud)
        .map(|it| ((it.path, it.method), it.level))
        .collect()
}

/// Of the rows that v1.0's schema has in a cloud at least 98 % are known, and at least 95 % of
/// resources are answered from state.
#[test]
fn what_the_schema_has_is_known_and_resources_are_answered_from_state() {
    let rows = rows();
    for cloud in SignInCloud::ALL {
        let levels = levels(cloud);
        let (mut all, mut known, mut resources, mut answered) = (0, 0, 0, 0);
        let mut unknown = Vec::new();
        for row in rows.iter().filter(|it| it.exists_in(cloud)) {
            let level = levels[&(row.path.as_str(), row.method.as_str())];
            all += 1;
            if level == Level::Absent {
                unknown.push(format!("{} {}", row.method, row.path));
            } else {
                known += 1;
            }
            // Workbooks are refused by name: an empty one would be made up.
            if row.kind == "resource" && !row.path.contains("/workbook") {
                resources += 1;
                answered += usize::from(matches!(level, Level::Generic | Level::Modelled));
            }
        }
        assert!(all > 2_500, "{cloud:?}: {all}");
        assert!(
            known * 100 >= all * 98,
            "{cloud:?}: {known} of {all}: {unknown:#?}"
        );
        assert!(
            answered * 100 >= resources * 95,
            "{cloud:?}: {answered} of {resources}"
        );
    }
    let unguarded: Vec<_> = all(SignInCloud::Global).filter(|it| !it.guarded).collect();
    assert!(unguarded.is_empty(), "{unguarded:?}");
}

/// What is refused with 501 `NotInTheMock` in some cloud stands by name in the data.
#[test]
fn what_the_mock_does_not_do_is_listed_by_name() {
    let listed: BTreeSet<String> = include_str!("../../../../data/graph-not-in-the-mock.txt")
        .lines()
        .map(str::to_owned)
        .collect();
    let found: BTreeSet<String> = SignInCloud::ALL
        .into_iter()
        .flat_map(all)
        .filter(|it| it.level == Level::Unsupported)
        .map(|it| format!("{} {}", it.method, it.path))
        .collect();
    let missing: Vec<_> = found.difference(&listed).collect();
    let done: Vec<_> = listed.difference(&found).collect();
    assert!(
        missing.is_empty() && done.is_empty(),
        "data/graph-not-in-the-mock.txt lacks {missing:#?} and has too much: {done:#?}"
    );
}

/// The least privileged permissions of a list, or the first; for a write, one that writes.
fn least(list: &str, writes: bool) -> Option<Vec<&str>> {
    let starred: Vec<&str> = list
        .split(';')
        .filter_map(|it| it.strip_prefix('*'))
        .collect();
    let alternatives = guard::opening(list, writes);
    let one = alternatives
        .iter()
        .find(|it| {
            let whole = |text: &&str| text.split('+').next() == Some(it.name);
            starred.iter().any(whole)
        })
        .or(alternatives.first())?;
    let mut found = vec![one.name];
    found.extend(one.also.split(',').next().filter(|it| !it.is_empty()));
    Some(found)
}

#[tokio::test]
async fn every_documented_request_of_the_worldwide_cloud_is_guarded_and_answered() {
    ask_all(Environment::Office365, "contoso.onmicrosoft.com").await;
}

#[tokio::test]
async fn every_documented_request_of_the_us_government_cloud_is_guarded_and_answered() {
    ask_all(Environment::UsGovL4, "contoso.onmicrosoft.us").await;
}

#[tokio::test]
async fn every_documented_request_of_china_is_guarded_and_answered() {
    ask_all(Environment::China, "contoso.partner.onmschina.cn").await;
}

/// Each row is refused without permissions and not for want of them with the least privileged
/// ones; what the cloud lacks is not there; nothing is made up.
async fn ask_all(environment: Environment, domain: &str) {
    let mut asker = Asker {
        bench: Bench::at(environment, domain),
        tokens: BTreeMap::new(),
    };
    let levels = levels(environment.cloud());
    let mut wrong = Vec::new();
    let mut rows = rows();
    // Reads first: they are to find nothing that a write has made.
    rows.sort_by_key(|it| it.method != "GET");
    for row in rows {
        let there = row.exists_in(environment.cloud());
        let level = levels[&(row.path.as_str(), row.method.as_str())];
        let known = level != Level::Absent;
        // What the walk of the list by the data and the mock's own see differently is counted by
        // another test.
        if there != known
            || row
                .path
                .ends_with("/childfolders/{id}/messages/{id}/attachments/{id}")
                && row.method == "POST"
        {
            // A slip of the documentation: the shorter address of the same has no such method.
            continue;
        }
        let problem = if there {
            asker.ask(&row, level).await
        } else {
            asker.ask_absent(&row).await
        };
        wrong.extend(problem.err());
    }
    assert!(
        wrong.is_empty(),
        "{environment}: {} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

struct Asker {
    bench: Bench,
    /// Bearers by whether they are an app's and what they hold: signing takes long.
    tokens: BTreeMap<(bool, Vec<String>), String>,
}

impl Asker {
    async fn send(&mut self, row: &Row, for_app: bool, held: &[&str]) -> Answer {
        let held: Vec<String> = held.iter().map(|it| (*it).to_owned()).collect();
        let bench = &self.bench;
        let bearer = self
            .tokens
            .entry((for_app, held.clone()))
            .or_insert_with(|| {
                let held: Vec<&str> = held.iter().map(String::as_str).collect();
                bench.bearer(&if for_app {
                    bench.app_only(&held)
                } else {
                    bench.delegated("root", &held)
                })
            });
        // An app may change nobody who has a role without one of its own.
        let person = if for_app { "carol" } else { "root" };
        let person = format!("/users/{}", bench.user(person));
        let sample = row.path.replace("/users/{id}", &person);
        let sample = sample
            .replace("{id}", "5f0bf3a7-0000-4000-8000-000000000000")
            .replace("{value}", "'x'");
        let body = match row.method.as_str() {
            "GET" | "DELETE" => Value::Null,
            _ => json!({}),
        };
        let headers = [("consistencylevel", "eventual")];
        bench
            .send_as(
                bearer,
                &row.method,
                &format!("/v1.0{sample}"),
                &headers,
                body,
            )
            .await
    }

    async fn ask(&mut self, row: &Row, level: Level) -> Result<(), String> {
        let (path, method) = (&row.path, &row.method);
        let accepted: Accepted = model::accepted(path, method).ok_or("no row")?;
        let for_app = !path.starts_with("/me") && !accepted.application.is_empty();
        let list = if for_app {
            accepted.application
        } else {
            accepted.delegated
        };
        // The guard is the same in all clouds.
        if self.bench.cloud() == SignInCloud::Global {
            let refused = self.send(row, for_app, &["Nothing.Read"]).await;
            if refused.status != 403 {
                return Err(format!(
                    "{method} {path}: {} without permission: {}",
                    refused.status, refused.text
                ));
            }
        }
        let writes = method != "GET" && row.kind != "action" && row.kind != "function";
        let Some(permissions) = least(list, writes) else {
            return Ok(());
        };
        let mut answer = self.send(row, for_app, &permissions).await;
        if answer.status == 403 && level == Level::Modelled {
            // The list leaves out what is needed together with some.
            let all: Vec<&str> = list
                .split([';', '+', ','])
                .map(|it| it.trim_start_matches('*'))
                .collect();
            answer = self.send(row, for_app, &all).await;
        }
        let fine = match answer.status.as_u16() {
            200 if method == "GET" && level == Level::Generic => {
                // A drive comes to be where somebody asks for it.
                let empty = answer.values().is_empty() || answer.body["value"].is_null();
                empty || path.contains("/drive")
            }
            200 | 201 | 202 | 204 | 404 => true,
            400 | 405 | 409 | 412 | 422 => method != "GET" || level == Level::Modelled,
            501 => level == Level::Unsupported && answer.annotation.unsupported.is_some(),
            _ => false,
        };
        if fine {
            return Ok(());
        }
        Err(format!(
            "{method} {path}: {} with {permissions:?}: {}",
            answer.status, answer.text
        ))
    }

    async fn ask_absent(&mut self, row: &Row) -> Result<(), String> {
        let answer = self.send(row, false, &["Directory.Read.All"]).await;
        match answer.status.as_u16() {
            400 | 404 | 405 => Ok(()),
            status => Err(format!(
                "{} {}: {status} where the cloud lacks it: {}",
                row.method, row.path, answer.text
            )),
        }
    }
}

/// What can be created without knowing anything else is read as it was written, in its list too.
#[tokio::test]
async fn what_is_created_is_read_as_it_was_written() {
    let bench = Bench::new();
    let levels = levels(SignInCloud::Global);
    let mut wrong = Vec::new();
    let mut created = 0;
    for row in rows() {
        let level = levels[&(row.path.as_str(), row.method.as_str())];
        if row.method != "POST" || row.path.contains('{') || level != Level::Generic {
            continue;
        }
        let Some(accepted) = model::accepted(&row.path, "GET") else {
            continue;
        };
        let for_app = !row.path.starts_with("/me") && !accepted.application.is_empty();
        let mut held = Vec::new();
        for method in ["GET", "POST"] {
            let accepted = model::accepted(&row.path, method).unwrap();
            let list = if for_app {
                accepted.application
            } else {
                accepted.delegated
            };
            held.extend(least(list, method != "GET").unwrap_or_default());
        }
        let token = if for_app {
            bench.app_only(&held)
        } else {
            bench.delegated("root", &held)
        };
        let path = format!("/v1.0{}", row.path);
        let posted = bench.post(&token, &path, json!({})).await;
        if posted.status != 201 {
            continue;
        }
        created += 1;
        let list = bench.get(&token, &path).await;
        let id = &posted.body["id"];
        let found = list.values().iter().any(|it| it["id"] == *id);
        if list.status != 200 || !found {
            wrong.push(format!("{path}: {} {}", list.status, list.text));
        }
    }
    assert!(created > 60, "{created}");
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
