//! What the project depends on: nothing without a use, under licences that it may have, from one
//! registry, and named in the notices that travel with the programs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use entra_black_box::root;
use serde_json::Value;

/// The packages of the project and all that they need, as Cargo resolves them.
struct Packages {
    by_id: BTreeMap<String, Value>,
    own: BTreeSet<String>,
    needs: BTreeMap<String, Vec<(String, bool)>>,
}

impl Packages {
    fn read() -> Self {
        let output = Command::new("cargo")
            .args([
                "metadata",
                "--format-version",
                "1",
                "--all-features",
                "--locked",
            ])
            .current_dir(root())
            .output()
            .expect("cargo runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let metadata: Value = serde_json::from_slice(&output.stdout).expect("Cargo writes JSON");
        let list = |value: &Value| value.as_array().expect("a list").clone();
        let by_id = list(&metadata["packages"]).into_iter();
        let needs = list(&metadata["resolve"]["nodes"]).into_iter().map(|node| {
            let needed = list(&node["deps"]).into_iter().map(|needed| {
                let runs = list(&needed["dep_kinds"])
                    .iter()
                    .any(|it| it["kind"].is_null());
                (text(&needed["pkg"]), runs)
            });
            (text(&node["id"]), needed.collect())
        });
        Self {
            by_id: by_id.map(|it| (text(&it["id"]), it)).collect(),
            own: list(&metadata["workspace_members"])
                .iter()
                .map(text)
                .collect(),
            needs: needs.collect(),
        }
    }

    /// All that some packages need; only what is part of a program, or also what builds and tests it.
    fn needed_by(&self, packages: &BTreeSet<String>, only_programs: bool) -> Vec<&Value> {
        let mut found = BTreeSet::new();
        let mut open: Vec<&String> = packages.iter().collect();
        while let Some(id) = open.pop() {
            if found.insert(id) {
                let needed = self.needs[id].iter();
                open.extend(
                    needed
                        .filter(|(_, runs)| *runs || !only_programs)
                        .map(|it| &it.0),
                );
            }
        }
        let others = found.into_iter().filter(|id| !self.own.contains(*id));
        let mut others: Vec<&Value> = others.map(|id| &self.by_id[id]).collect();
        others.sort_by_key(|it| (text(&it["name"]), text(&it["version"])));
        others
    }

    /// What the programs contain.
    fn in_programs(&self) -> Vec<&Value> {
        let is_program = |id: &&String| self.by_id[*id]["name"] == "entra-conformance";
        self.needed_by(&self.own.iter().filter(is_program).cloned().collect(), true)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn folder_of(package: &Value) -> PathBuf {
    let manifest = PathBuf::from(text(&package["manifest_path"]));
    manifest
        .parent()
        .expect("a manifest is in a folder")
        .to_owned()
}

fn policy() -> toml::Table {
    let text = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml is there");
    text.parse().expect("deny.toml is TOML")
}

#[test]
fn nothing_is_depended_on_without_a_use() {
    let packages = Packages::read();
    for id in &packages.own {
        let package = &packages.by_id[id];
        let mut source = String::new();
        read_rust(&folder_of(package), &mut source);
        for dependency in package["dependencies"].as_array().expect("a list") {
            let renamed = dependency["rename"].as_str();
            let name = renamed.map_or_else(|| text(&dependency["name"]), str::to_owned);
            let name = name.replace('-', "_");
            let is_named = ["::", ";", " as "]
                .iter()
                .any(|after| source.contains(&format!("{name}{after}")));
            assert!(
                is_named,
                "{} depends on {name}, and no line of it names it",
                package["name"]
            );
        }
    }
}

fn read_rust(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path
                .file_name()
                .is_some_and(|it| it != "target" && it != "node_modules")
            {
                read_rust(&path, into);
            }
        } else if path.extension().is_some_and(|it| it == "rs") {
            into.push_str(&std::fs::read_to_string(&path).expect("a source file"));
        }
    }
}

#[test]
fn every_dependency_has_a_licence_that_the_project_may_use() {
    let packages = Packages::read();
    let policy = policy();
    let allowed: Vec<&str> = policy["licenses"]["allow"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    let mut used = BTreeSet::new();
    for package in packages.needed_by(&packages.own, false) {
        let expression = text(&package["license"]);
        assert!(
            is_allowed(&expression, &allowed, &mut used),
            "{} has the licence '{expression}', and deny.toml allows none of it",
            package["name"]
        );
    }
    let unused: Vec<_> = allowed.iter().filter(|it| !used.contains(**it)).collect();
    assert!(
        unused.is_empty(),
        "deny.toml allows what nobody has: {unused:?}"
    );
}

/// Whether an SPDX expression can be fulfilled by some licences. `AND` binds before `OR`.
fn is_allowed<'a>(expression: &str, allowed: &[&'a str], used: &mut BTreeSet<&'a str>) -> bool {
    let expression = expression.trim();
    let or = split_outside(expression, &[" OR ", " / ", "/"]);
    if or.len() > 1 {
        return or.iter().filter(|it| is_allowed(it, allowed, used)).count() > 0;
    }
    let and = split_outside(expression, &[" AND "]);
    if and.len() > 1 {
        return and.iter().all(|it| is_allowed(it, allowed, used));
    }
    if let Some(inner) = expression
        .strip_prefix('(')
        .and_then(|it| it.strip_suffix(')'))
    {
        return is_allowed(inner, allowed, used);
    }
    let found = allowed.iter().find(|it| **it == expression);
    used.extend(found);
    found.is_some()
}

fn split_outside<'t>(text: &'t str, separators: &[&str]) -> Vec<&'t str> {
    let mut parts = Vec::new();
    let (mut depth, mut from, mut at) = (0_usize, 0, 0);
    while at < text.len() {
        match text.as_bytes()[at] {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ if depth == 0 => {
                if let Some(it) = separators.iter().find(|it| text[at..].starts_with(**it)) {
                    parts.push(&text[from..at]);
                    at += it.len();
                    from = at;
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(&text[from..]);
    parts
}

#[test]
fn licences_are_read_as_spdx_has_them() {
    let allows = |expression: &str| is_allowed(expression, &["MIT", "ISC"], &mut BTreeSet::new());
    for expression in [
        "MIT",
        "MIT OR GPL-3.0",
        "GPL-3.0/MIT",
        "ISC AND (GPL-3.0 OR MIT)",
    ] {
        assert!(allows(expression), "{expression}");
    }
    for expression in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR ISC) AND GPL-3.0",
        "MIT-0",
    ] {
        assert!(!allows(expression), "{expression}");
    }
}

#[test]
fn every_dependency_is_of_one_registry_and_none_is_banned() {
    let packages = Packages::read();
    let policy = policy();
    let strings = |value: &toml::Value| {
        let list = value.as_array().expect("a list").iter();
        list.filter_map(|it| {
            it.as_str()
                .or_else(|| it.get("crate")?.as_str())
                .map(str::to_owned)
        })
        .collect::<Vec<String>>()
    };
    let banned = strings(&policy["bans"]["deny"]);
    let registries = strings(&policy["sources"]["allow-registry"]);
    for package in packages.needed_by(&packages.own, false) {
        let (name, source) = (text(&package["name"]), text(&package["source"]));
        let from = source
            .strip_prefix("registry+")
            .unwrap_or(&source)
            .to_owned();
        assert!(registries.contains(&from), "{name} comes from '{source}'");
        assert!(!banned.contains(&name), "deny.toml bans {name}");
    }
}

/// `UPDATE_NOTICES=1 cargo test -p entra-black-box notices` writes the file anew.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the variable asks for the file to be written"
)]
fn the_notices_name_what_the_programs_contain() {
    let path = root().join("THIRD-PARTY-NOTICES.txt");
    let wanted = notices(&Packages::read());
    if std::env::var_os("UPDATE_NOTICES").is_some() {
        std::fs::write(&path, &wanted).expect("the notices can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    let line = found
        .lines()
        .zip(wanted.lines())
        .find(|(found, wanted)| found != wanted);
    assert!(
        found == wanted,
        "THIRD-PARTY-NOTICES.txt is not up to date (first difference: {line:?}): run \
         UPDATE_NOTICES=1 cargo test -p entra-black-box notices"
    );
}

/// Every package that a program contains, and the texts of the licences, each once.
fn notices(packages: &Packages) -> String {
    let mut text_of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list = String::new();
    for package in packages.in_programs() {
        let named = format!("{} {}", text(&package["name"]), text(&package["version"]));
        list.push_str(&format!("{named}: {}", text(&package["license"])));
        let authors = package["authors"]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut texts = licence_texts(&folder_of(package));
        let has_choice = [" OR ", "/"]
            .iter()
            .any(|it| text(&package["license"]).contains(it));
        if has_choice {
            // Another one is chosen.
            texts.retain(|it| !is_plain_apache(it));
        }
        if texts.is_empty() && !authors.is_empty() {
            let authors: Vec<String> = authors.iter().map(text).collect();
            list.push_str(&format!(", by {}", authors.join(", ")));
        }
        list.push('\n');
        for licence in texts {
            text_of.entry(licence).or_default().push(named.clone());
        }
    }
    let mut notices = format!(
        "Software that the programs entra-mock and entra-conformance contain, with its licences. Made by\n\
         tests/black_box/dependencies.rs from the packages themselves.\n\n{list}"
    );
    let mut texts: Vec<(Vec<String>, String)> = text_of
        .into_iter()
        .map(|(licence, of)| (of, licence))
        .collect();
    texts.sort();
    for (of, licence) in texts {
        let line = "-".repeat(80);
        notices.push_str(&format!("\n{line}\n{}\n\n{licence}\n", of.join(", ")));
    }
    notices
}

/// The licences in the folder of a package.
fn licence_texts(folder: &Path) -> Vec<String> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("the folder of a package")
        .flatten()
        .map(|it| it.path())
        .filter(|path| {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .to_uppercase();
            let starts = [
                "LICENSE",
                "LICENCE",
                "COPYING",
                "COPYRIGHT",
                "NOTICE",
                "UNLICENSE",
            ];
            path.is_file() && starts.iter().any(|it| name.starts_with(it))
        })
        .collect();
    paths.sort();
    let texts = paths.iter().map(|path| {
        let bytes = std::fs::read(path).expect("a licence can be read");
        let text = String::from_utf8_lossy(&bytes).replace('\r', "");
        let lines = text.lines().map(str::trim_end).collect::<Vec<_>>();
        lines.join("\n").trim_matches('\n').to_owned()
    });
    texts.collect()
}

/// Whether it is the common text of Apache-2.0, which names nobody.
fn is_plain_apache(text: &str) -> bool {
    let start = text.trim_start();
    start.starts_with("Apache License") && text.contains("Version 2.0") && text.len() < 12_000
}
