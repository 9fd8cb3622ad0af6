//! The order of modules that `CONTRIBUTING.md` has: checked by the `use` lines of all files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Uses of what stands later, with their reasons in `CONTRIBUTING.md`.
const EXCEPTIONS: [(&str, &str); 2] = [("fault/check.rs", "world"), ("control", "server")];

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn contributing() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../CONTRIBUTING.md");
    fs::read_to_string(path).unwrap()
}

/// The names in backquotes.
fn names(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// The floor of each module.
fn floors(text: &str) -> BTreeMap<String, usize> {
    let mut floors = BTreeMap::new();
    for row in text.lines().filter(|it| it.starts_with("| ")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        if let (Some(Ok(floor)), Some(modules)) = (cells.get(1).map(|it| it.parse()), cells.get(2))
        {
            for name in names(modules) {
                floors.insert(name.trim_end_matches(".rs").to_owned(), floor);
            }
        }
    }
    floors
}

/// Whether a module of the crate is compiled for tests only.
fn is_for_tests(module: &str) -> bool {
    let crate_root = include_str!("lib.rs");
    crate_root.contains(&format!("#[cfg(test)]\nmod {module};\n"))
}

/// The files below a folder, tests left out, with their texts up to the tests at their end.
fn files(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
        if stem == "tests" || is_for_tests(&stem) {
            continue;
        }
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let product = text.split("#[cfg(test)]").next().unwrap().to_owned();
            found.push((path, product));
        }
    }
}

/// The paths of the `use` lines of a file, braces unfolded, from the root of the crate.
fn uses(file: &Path, text: &str) -> Vec<Vec<String>> {
    let relative = file.strip_prefix(sources()).unwrap().with_extension("");
    let here: Vec<String> = relative
        .iter()
        .map(|it| it.to_string_lossy().into_owned())
        .collect();
    let mut found = Vec::new();
    for (at, _) in text.match_indices("use ") {
        let begins = text[..at].rsplit('\n').next().unwrap_or_default().trim();
        if begins.is_empty() || begins == "pub" || begins.starts_with("pub(") {
            let path = text[at + 4..].split(';').next().unwrap_or_default();
            unfold("", path, &mut found);
        }
    }
    found
        .into_iter()
        .map(|path| absolute(&here, &path))
        .collect()
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn unfold(before: &str, text: &str, found: &mut Vec<String>) {
    let text = text.trim();
    let Some((prefix, inner)) = text.split_once('{') else {
        if !text.is_empty() {
            found.push(format!("{before}{text}"));
        }
        return;
    };
    let before = format!("{before}{}", prefix.trim());
    let inner = inner.trim().strip_suffix('}').unwrap_or(inner);
    let (mut depth, mut begin) = (0, 0);
    for (at, sign) in inner.char_indices() {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                unfold(&before, &inner[begin..at], found);
                begin = at + 1;
            }
            _ => {}
        }
    }
    unfold(&before, &inner[begin..], found);
}

fn absolute(here: &[String], path: &str) -> Vec<String> {
    let words: Vec<&str> = path.split("::").map(str::trim).collect();
    let ups = words.iter().take_while(|it| **it == "super").count();
    let rest = words[ups..].iter().map(|it| (*it).to_owned());
    match words[0] {
        "crate" => rest.skip(1).collect(),
        "self" => here.iter().cloned().chain(rest.skip(1)).collect(),
        "super" => here[..here.len() - ups]
            .iter()
            .cloned()
            .chain(rest)
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn a_module_uses_floors_below_its_own() {
    let text = contributing();
    let floors = floors(&text);
    assert!(floors.len() > 25, "{floors:?}");
    let mut all = Vec::new();
    files(&sources(), &mut all);
    let mut wrong = Vec::new();
    for (path, text) in &all {
        let relative = path.strip_prefix(sources()).unwrap();
        let own = relative.iter().next().unwrap().to_string_lossy();
        let own = own.trim_end_matches(".rs");
        let Some(floor) = floors.get(own) else {
            panic!("{own} has no floor in CONTRIBUTING.md");
        };
        for used in uses(path, text) {
            let Some(other) = used.first() else { continue };
            let is_exception = EXCEPTIONS.iter().any(|(file, module)| {
                (relative.starts_with(file) || own == *file) && module == other
            });
            if floors.get(other).is_some_and(|it| it > floor) && !is_exception {
                wrong.push(format!("{} uses {}", relative.display(), used.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_modules_of_the_authority_use_only_those_before_their_own() {
    let text = contributing();
    let (_, list) = text.split_once("The modules of `authority`").unwrap();
    let (list, _) = list.split_once("A test reads").unwrap();
    let order: Vec<String> = names(list).into_iter().map(str::to_owned).collect();
    let place = |name: &str| order.iter().position(|it| it == name);
    let mut all = Vec::new();
    files(&sources().join("authority"), &mut all);
    assert!(all.len() > 40 && order.len() > 20);
    let mut wrong = Vec::new();
    for (path, text) in &all {
        let relative = path.strip_prefix(sources().join("authority")).unwrap();
        let own = relative.iter().next().unwrap().to_string_lossy();
        let own = own.trim_end_matches(".rs");
        let here = place(own).unwrap_or_else(|| panic!("{own} has no place in CONTRIBUTING.md"));
        for used in uses(path, text) {
            if used.first().is_none_or(|it| it != "authority") {
                continue;
            }
            if let Some(there) = used.get(1).and_then(|it| place(it))
                && there > here
            {
                wrong.push(format!("{} uses {}", relative.display(), used.join("::")));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn use_lines_are_read_with_their_braces() {
    let text = "use super::{error, pages::{self as p, notice}};\npub use crate::clock::Clock;\n\
                fn f() { /* use no */ }\n";
    let file = sources().join("authority/login/form.rs");
    let found: Vec<String> = uses(&file, text).iter().map(|it| it.join("::")).collect();
    assert_eq!(
        found,
        [
            "authority::login::error",
            "authority::login::pages::self as p",
            "authority::login::pages::notice",
            "clock::Clock"
        ]
    );
}
