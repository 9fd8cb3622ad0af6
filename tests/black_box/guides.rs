//! Pages of the documentation, run as they stand with plain MSAL for Python.

use std::fs;
use std::iter;
use std::process::Command;

use entra_black_box::{program, python, root, run};

/// A block of commands, and the output that the page shows below it.
#[derive(Debug)]
struct Block {
    commands: String,
    expected: Vec<String>,
}

/// The `sh` blocks of a page, each with the `text` block that follows it.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut parts = page.split("\n```");
    parts.next();
    while let (Some(block), Some(_)) = (parts.next(), parts.next()) {
        match block.split_once('\n') {
            Some(("sh", commands)) => blocks.push(Block {
                commands: commands.to_owned(),
                expected: Vec::new(),
            }),
            Some(("text", lines)) => {
                let block = blocks.last_mut().expect("output stands below commands");
                block.expected = lines.lines().map(str::to_owned).collect();
            }
            _ => {}
        }
    }
    blocks
}

/// Whether a line is what the page shows, where `…` stands for anything.
fn fits(shown: &str, line: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    let mut exact = true;
    for part in parts {
        exact = part.is_empty();
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    rest.is_empty() || exact && shown.contains('…')
}

/// A page of the mock's documentation.
fn page(name: &str) -> String {
    let path = root().join("mock-server/docs").join(name);
    fs::read_to_string(path).expect("the page is there")
}

/// Runs the commands of a page in one shell, behind some words such as `entra-mock run --`, and
/// compares what each block prints.
fn run_as_it_stands(name: &str, behind: &[&str]) {
    let page = page(name);
    let blocks = blocks(&page);
    let end = "=== end of block\n";
    let programs = [python(), program("entra-mock")].map(|it| it.display().to_string());
    let folders = programs.map(|it| it.rsplit_once('/').expect("a folder").0.to_owned());
    let path = format!("PATH={}:$PATH\n", folders.join(":"));
    let script: String = iter::once(path.clone())
        .chain(
            blocks
                .iter()
                .map(|block| format!("{}\nprintf '{end}'\n", block.commands)),
        )
        .collect();
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("page.sh"), script).expect("the script is written");
    let command = format!("{path}exec {} bash -e page.sh", behind.join(" "));
    let finished = run(Command::new("bash")
        .args(["-c", &command])
        .current_dir(folder.path()));
    assert_eq!(finished.code, Some(0), "{finished}");

    let mut outputs = finished.stdout.split(end);
    for block in &blocks {
        let output: Vec<&str> = outputs.next().unwrap_or_default().lines().collect();
        let same = output.len() == block.expected.len()
            && output
                .iter()
                .zip(&block.expected)
                .all(|(line, shown)| fits(shown, line));
        assert!(same, "{block:#?}\ngave {output:#?}\n{}", finished.stderr);
    }
}

#[test]
fn every_failure_of_the_walk_through_happens_as_the_page_says() {
    run_as_it_stands("walk-through.md", &["entra-mock", "run", "--"]);
}

#[test]
fn the_guide_to_administration_does_what_it_says() {
    run_as_it_stands("administration.md", &["entra-mock", "run", "--"]);
}

#[test]
fn the_guide_to_scenarios_does_what_it_says() {
    run_as_it_stands("scenarios.md", &[]);
}

#[test]
fn the_guide_to_files_does_what_it_says() {
    run_as_it_stands("files.md", &[]);
}

#[test]
fn the_walk_through_shows_each_code_that_it_promises() {
    let shown: String = blocks(&page("walk-through.md"))
        .into_iter()
        .flat_map(|block| block.expected)
        .collect();
    for code in [
        500341, 50057, 50076, 50105, 50173, 53003, 65001, 70043, 90094, 700016, 700082, 7000112,
        7000215, 7000222,
    ] {
        assert!(
            shown.contains(&format!("AADSTS{code}: ")),
            "{code} is missing"
        );
    }
}

#[test]
fn an_ellipsis_stands_for_anything() {
    assert!(fits("a … c", "a b c"));
    assert!(fits("a …", "a b c"));
    assert!(fits("abc", "abc"));
    assert!(!fits("a … d", "a b c"));
    assert!(!fits("abc", "abcd"));
    assert!(!fits("a … c", "a b c d"));
}
