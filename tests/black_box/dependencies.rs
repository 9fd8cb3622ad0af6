//! What the project depends on: nothing without a use, under licences that it may have, from one
//! registry, and named in the notices that travel with the programs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use entra_black_box::root;
use serde_json::Value;

/// The packages that Cargo knows here.
struct Packages {
    /// By name and version.
    all: BTreeMap<(String, String), Value>,
    own: Vec<Value>,
}

static PACKAGES: LazyLock<Packages> = LazyLock::new(|| {
    let said = cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--all-features",
        "--locked",
    ]);
    let metadata: Value = serde_json::from_str(&said).expect("Cargo writes JSON");
    let list = |name: &str| metadata[name].as_array().expect("a list").clone();
    let own: BTreeSet<String> = list("workspace_members").iter().map(text).collect();
    let packages = list("packages");
    let of_ours = packages.iter().filter(|it| own.contains(&text(&it["id"])));
    Packages {
        own: of_ours.cloned().collect(),
        all: packages
            .into_iter()
            .map(|it| ((text(&it["name"]), text(&it["version"])), it))
            .collect(),
    }
});

/// What is compiled on any system: everything, or what the programs contain.
fn compiled(choice: &[&str]) -> Vec<&'static Value> {
    let common = [
        "tree", "--locked", "--target", "all", "--prefix", "none", "--format", "{p}",
    ];
    let tree = cargo(&[&common, choice].concat());
    let named: BTreeSet<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(" v")?;
            Some((name, rest.split(' ').next()?))
        })
        .collect();
    let packages = named
        .into_iter()
        .map(|(name, version)| &PACKAGES.all[&(name.to_owned(), version.to_owned())]);
    packages.filter(|it| !PACKAGES.own.contains(it)).collect()
}

fn everything() -> Vec<&'static Value> {
    compiled(&[
        "--workspace",
        "--all-features",
        "--edges",
        "normal,build,dev",
    ])
}

fn in_programs() -> Vec<&'static Value> {
    compiled(&[
        "--package",
        "entra-conformance",
        "--edges",
        "normal,no-proc-macro",
    ])
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new("cargo")
        .args(arguments)
        .current_dir(root())
        .output();
    let output = output.expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).expect("Cargo writes text")
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
    for package in &PACKAGES.own {
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
    let policy = policy();
    let allowed: Vec<&str> = policy["licenses"]["allow"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    let mut used = BTreeSet::new();
    for package in everything() {
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
    for package in everything() {
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
    let wanted = notices();
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
fn notices() -> String {
    let mut text_of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut list = String::new();
    for package in in_programs() {
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

/// What `cargo package` puts into a crate.
fn packed(package: &str) -> BTreeSet<PathBuf> {
    let listed = cargo(&[
        "package",
        "--list",
        "--allow-dirty",
        "--offline",
        "--package",
        package,
    ]);
    listed.lines().map(PathBuf::from).collect()
}

/// A path without `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == std::path::Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

#[test]
fn a_published_crate_has_every_file_that_its_source_takes_in() {
    for (package, folder) in [
        ("entra-mock", "mock-server"),
        ("entra-conformance", "conformance"),
    ] {
        let packed = packed(package);
        let mut taken_in = 0;
        for file in packed
            .iter()
            .filter(|it| it.extension().is_some_and(|it| it == "rs"))
        {
            let source =
                std::fs::read_to_string(root().join(folder).join(file)).expect("a source file");
            let paths = ["include_str!(\"", "include_bytes!(\""]
                .iter()
                .flat_map(|taker| source.split(taker).skip(1))
                .filter_map(|rest| rest.split_once("\")"));
            for (path, _) in paths {
                let wanted = plain(&file.parent().expect("a folder").join(path));
                assert!(
                    packed.contains(&wanted),
                    "{} takes in {path}, and the crate {package} lacks {}",
                    file.display(),
                    wanted.display()
                );
                taken_in += 1;
            }
        }
        assert!(taken_in > 0, "no source of {package} takes in a file");
        for licence in ["LICENSE-MIT", "LICENSE-APACHE", "README.md"] {
            assert!(
                packed.contains(Path::new(licence)),
                "{package} lacks {licence}"
            );
        }
    }
}

#[test]
fn the_published_suite_has_its_scenarios_and_templates() {
    let packed = packed("entra-conformance");
    for (folder, inside) in [
        ("scenarios", "scenarios"),
        ("conformance/templates", "templates"),
    ] {
        let mut files = Vec::new();
        files_below(&root().join(folder), &mut files);
        assert!(!files.is_empty(), "{folder} is empty");
        for file in files {
            let name = file
                .strip_prefix(root().join(folder))
                .expect("it lies there");
            let wanted = Path::new(inside).join(name);
            assert!(
                packed.contains(&wanted),
                "the crate lacks {}",
                wanted.display()
            );
        }
    }
}

fn files_below(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, into);
        } else {
            into.push(path);
        }
    }
}
