//! `entra-conformance init LANG`: a driver to begin with.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Failure, print};
use crate::report::ExitStatus;

#[derive(Debug, Args)]
pub(super) struct Init {
    /// The language of the driver
    #[arg(value_enum, value_name = "LANG")]
    language: Language,
    /// The folder for the files; it is made if it is not there
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

/// A language for which there is a driver to begin with.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    /// Without a helper, with the standard library only
    Go,
    /// Without a helper, with Maven and Jackson
    Java,
    /// With the helper of the npm package entra-mock
    #[value(alias = "javascript", alias = "typescript")]
    Node,
    /// With the helper of the Python package entra-mock
    Python,
    /// Without a helper, with reqwest
    Rust,
}

/// What is written, and what is to be typed then.
struct Project {
    files: &'static [(&'static str, &'static str)],
    /// What makes the driver ready.
    prepare: &'static str,
    /// What to do where that does not find the helper.
    note: Option<&'static str>,
    /// The command that starts it.
    connector: &'static str,
}

macro_rules! template {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/templates/", $path))
    };
}

impl Language {
    fn project(self) -> Project {
        match self {
            Self::Go => Project {
                files: &[
                    ("go.mod", template!("go/go.mod.template")),
                    ("driver.go", template!("go/driver.go")),
                ],
                prepare: "go build -o driver .",
                note: None,
                connector: "./driver",
            },
            Self::Java => Project {
                files: &[
                    ("pom.xml", template!("java/pom.xml")),
                    ("src/Driver.java", template!("java/src/Driver.java")),
                ],
                prepare: "mvn --quiet package",
                note: None,
                connector: "java -cp target/classes:target/lib/* Driver",
            },
            Self::Node => Project {
                files: &[
                    ("package.json", template!("node/package.json")),
                    ("driver.mjs", template!("node/driver.mjs")),
                ],
                prepare: "npm install",
                note: Some(NPM),
                connector: "node driver.mjs",
            },
            Self::Python => Project {
                files: &[
                    ("requirements.txt", template!("python/requirements.txt")),
                    ("driver.py", template!("python/driver.py")),
                ],
                prepare: "pip install -r requirements.txt",
                note: Some(PIP),
                connector: "python driver.py",
            },
            Self::Rust => Project {
                files: &[
                    ("Cargo.toml", template!("rust/Cargo.toml.template")),
                    ("src/main.rs", template!("rust/src/main.rs")),
                ],
                prepare: "cargo build",
                note: None,
                connector: "target/debug/driver",
            },
        }
    }
}

impl Init {
    pub(super) fn execute(self) -> Result<ExitStatus, Failure> {
        let project = self.language.project();
        let settings = SETTINGS.replace("{connector}", project.connector);
        let files: Vec<(PathBuf, String)> = project
            .files
            .iter()
            .map(|(name, text)| (*name, text.replace("{version}", env!("CARGO_PKG_VERSION"))))
            .chain([("entra-mock.toml", settings)])
            .map(|(name, text)| (self.dir.join(name), text))
            .collect();
        // All or nothing: a folder with half of a project helps nobody.
        if let Some((taken, _)) = files.iter().find(|(path, _)| path.exists()) {
            return Err(Failure::usage(format!(
                "{} is there already; choose another folder with --dir",
                taken.display()
            )));
        }
        for (path, text) in &files {
            write(path, text)?;
            print(&format!("wrote  {}\n", path.display()));
        }
        let enter = if self.dir == Path::new(".") {
            String::new()
        } else {
            format!("  cd {}\n", self.dir.display())
        };
        print(&format!(
            "\nNext:\n{enter}  {}\n  entra-conformance run --filter auth/happy/connect\n",
            project.prepare
        ));
        if let Some(note) = project.note {
            print(&format!("note: {note}\n"));
        }
        Ok(ExitStatus::AsExpected)
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| Failure::usage(format!("cannot write {}: {error}", path.display())))
}

/// Until the packages are published.
const PIP: &str = "entra-mock is not on PyPI yet: install its wheel first, by 'pip install \
    .../dist/entra_mock-*.whl' (the README of entra-mock makes it)";
const NPM: &str = "entra-mock is not on npm yet: 'npm install --save-dev .../dist/*.tgz' in place of \
    'npm install' (the README of entra-mock makes these files)";

/// The settings of a project that was just made.
const SETTINGS: &str = "\
# Settings of entra-conformance and entra-mock: each is the name of a flag.
[entra-conformance]
connector = \"{connector}\"
# filter = [\"auth/**\"]
# known-failures = \"known-failures.yaml\"
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_without_a_helper_is_under_120_lines() {
        for language in [Language::Go, Language::Java, Language::Rust] {
            for (name, text) in language.project().files {
                let lines = text.lines().count();
                assert!(lines < 120, "{name}: {lines}");
            }
        }
    }

    #[test]
    fn a_file_that_is_there_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let init = || Init {
            language: Language::Python,
            dir: folder.path().join("driver"),
        };
        init().execute().unwrap();
        let refused = init().execute().unwrap_err();
        assert!(refused.message.contains("is there already"), "{refused:?}");
    }
}
