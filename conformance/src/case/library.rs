//! The library of scenarios: embedded in the program, or read from a directory.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use entra_mock::environment::Environment;
use flate2::read::DeflateDecoder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AuthMethod, Check, ConnectorKind, Names, ReadError, Scenario, Step, read_scenario,
    read_scenarios,
};
use entra_mock::scenario::read;

/// The files of `scenarios/`, as `build.rs` packs them.
static EMBEDDED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/scenarios.bin"));

/// Scenarios by id, and the rules that hold for every case.
#[derive(Clone, Debug)]
pub struct Library {
    scenarios: Vec<(String, Arc<Scenario>)>,
    rules: Vec<Arc<Check>>,
}

/// A scenario with one auth method in one environment.
#[derive(Clone, Debug)]
pub struct Case {
    /// `auth/happy/connect[auth=own-app,environment=china]`.
    pub id: String,
    /// The id of the scenario: its path without ending.
    pub scenario_id: String,
    /// The auth method.
    pub auth_method: AuthMethod,
    /// The environment.
    pub environment: Environment,
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// The rules that are judged after the last step, where their witness is there.
    pub rules: Vec<Arc<Check>>,
}

/// The names and texts of what `build.rs` packed.
fn unpack(packed: &[u8]) -> Vec<(String, String)> {
    fn part(rest: &mut &str) -> Option<String> {
        let (length, behind) = rest.split_once(' ')?;
        let (part, behind) = behind.split_at(length.parse().ok()?);
        *rest = behind;
        Some(part.to_owned())
    }
    let mut text = String::new();
    DeflateDecoder::new(packed)
        .read_to_string(&mut text)
        .expect("the program carries what build.rs packed");
    let mut rest = text.as_str();
    std::iter::from_fn(|| Some((part(&mut rest)?, part(&mut rest)?))).collect()
}

/// The file of rules that hold for every case: `rules.yaml`.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    /// The version of the format: 1.
    schema: u32,
    /// The rules.
    rules: Vec<Check>,
}

/// Why a library cannot be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum LibraryError {
    /// A file or directory cannot be read.
    #[error("failed to read {path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is no scenario.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Read(#[from] ReadError),
    /// Two scenarios have the same id.
    #[error("two scenarios have the id '{0}': a file, and a row of a matrix in its folder")]
    Twice(String),
    /// There is nothing.
    #[error("{0} has no scenario: expected files that end in .yaml")]
    Empty(PathBuf),
}

impl Library {
    /// The library that is part of the program.
    pub fn embedded() -> Result<Self, LibraryError> {
        Self::from_files(unpack(EMBEDDED), Path::new("scenarios"))
    }

    /// A library in a directory.
    pub fn from_directory(directory: &Path) -> Result<Self, LibraryError> {
        fn collect(
            root: &Path,
            directory: &Path,
            into: &mut Vec<(String, String)>,
        ) -> Result<(), LibraryError> {
            let failed = |path: &Path| {
                let path = path.to_owned();
                move |source| LibraryError::Io { path, source }
            };
            for entry in std::fs::read_dir(directory).map_err(failed(directory))? {
                let path = entry.map_err(failed(directory))?.path();
                if path.is_dir() {
                    collect(root, &path, into)?;
                } else if is_yaml(&path) {
                    let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
                    let name = path.strip_prefix(root).unwrap_or(&path);
                    into.push((name.to_string_lossy().replace('\\', "/"), text));
                }
            }
            Ok(())
        }
        let mut files = Vec::new();
        collect(directory, directory, &mut files)?;
        Self::from_files(files, directory)
    }

    /// A library of a single file; the rules are those of the program.
    pub fn from_file(path: &Path) -> Result<Self, LibraryError> {
        let text = std::fs::read_to_string(path).map_err(|source| LibraryError::Io {
            path: path.to_owned(),
            source,
        })?;
        let id = path
            .file_stem()
            .map_or_else(String::new, |it| it.to_string_lossy().into_owned());
        let scenarios = scenarios_of(&path.display().to_string(), &text, &id)?;
        let rules = Self::embedded()?.rules;
        Ok(Self { scenarios, rules })
    }

    /// A library of a single scenario, without rules: `id` names it.
    pub fn from_text(id: &str, text: &str) -> Result<Self, LibraryError> {
        let scenario = read_scenario(id, text)?;
        Ok(Self {
            scenarios: vec![(id.to_owned(), Arc::new(scenario))],
            rules: Vec::new(),
        })
    }

    fn from_files(mut files: Vec<(String, String)>, root: &Path) -> Result<Self, LibraryError> {
        files.retain(|(name, _)| is_yaml(Path::new(name)) && !name.starts_with("testdata/"));
        files.sort();
        let mut library = Self {
            scenarios: Vec::new(),
            rules: Vec::new(),
        };
        for (name, text) in files {
            let shown = root.join(&name).display().to_string();
            match name.as_str() {
                "rules.yaml" => {
                    let file: RulesFile = read(&shown, &text)?;
                    library.rules = file.rules.into_iter().map(Arc::new).collect();
                }
                // The table of requirements is data about the library, not a scenario.
                "requirements.yaml" => {}
                _ => {
                    let id = name.trim_end_matches(".yaml").to_owned();
                    library.scenarios.extend(scenarios_of(&shown, &text, &id)?);
                }
            }
        }
        // Rows of a matrix stand among the files of their folder.
        library.scenarios.sort_by(|one, other| one.0.cmp(&other.0));
        let twins = library.scenarios.windows(2).find(|it| it[0].0 == it[1].0);
        if let Some(twins) = twins {
            return Err(LibraryError::Twice(twins[0].0.clone()));
        }
        if library.scenarios.is_empty() {
            return Err(LibraryError::Empty(root.to_owned()));
        }
        Ok(library)
    }

    /// The scenarios by id, sorted.
    pub fn scenarios(&self) -> impl Iterator<Item = (&str, &Scenario)> {
        self.scenarios
            .iter()
            .map(|(id, scenario)| (id.as_str(), &**scenario))
    }

    /// The rules that hold for every case.
    pub fn rules(&self) -> impl Iterator<Item = &Check> {
        self.rules.iter().map(|it| &**it)
    }

    /// All cases, in the order of their ids' parts.
    pub fn cases(&self) -> Vec<Case> {
        let mut cases = Vec::new();
        for (id, scenario) in &self.scenarios {
            for auth_method in scenario.auth_methods() {
                for environment in scenario.environments() {
                    cases.push(Case {
                        id: format!("{id}[auth={auth_method},environment={environment}]"),
                        scenario_id: id.clone(),
                        auth_method,
                        environment,
                        scenario: Arc::clone(scenario),
                        rules: self
                            .rules
                            .iter()
                            .filter(|rule| {
                                rule.applies_to(auth_method, environment)
                                    && !scenario.exempt.contains_key(&rule.name)
                            })
                            .cloned()
                            .collect(),
                    });
                }
            }
        }
        cases
    }
}

impl Case {
    /// What happens, in a few words.
    pub fn title(&self) -> &str {
        &self.scenario.title
    }

    /// The document that says how it must end.
    pub fn source(&self) -> &str {
        &self.scenario.source
    }

    /// The kind of connectors that it is about, by name: it needs what only they are asked for.
    /// Nothing, where it is about every connector.
    pub fn concerns(&self) -> Option<&'static str> {
        let mut kinds = ConnectorKind::all().iter();
        let found = kinds.find(|(_, kind)| {
            let mut needs = self.scenario.needs.iter();
            needs.any(|need| kind.special.contains(need))
        });
        found.map(|it| it.0.as_str())
    }

    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.scenario.steps
    }

    /// The names of the scenario's checks that are asked here, and of the rules.
    pub fn check_names(&self) -> impl Iterator<Item = &str> {
        let own = self.scenario.checks().into_iter();
        own.filter(|check| check.applies_to(self.auth_method, self.environment))
            .map(|check| check.name.as_str())
            .chain(self.rules.iter().map(|rule| rule.name.as_str()))
    }
}

/// Each case has a copy of the default world.
static NAMES: LazyLock<Names> = LazyLock::new(Names::of_default_world);

/// The scenarios of a file. A row of a matrix has its name in the place of the file's.
fn scenarios_of(
    shown: &str,
    text: &str,
    id: &str,
) -> Result<Vec<(String, Arc<Scenario>)>, ReadError> {
    let folder = id.rfind('/').map_or("", |at| &id[..=at]);
    let all = read_scenarios(shown, text)?;
    for (_, scenario) in &all {
        NAMES.check(shown, text, scenario)?;
    }
    let all = all.into_iter();
    let named = all.map(|(row, scenario)| {
        let id = row.map_or_else(|| id.to_owned(), |row| format!("{folder}{row}"));
        (id, Arc::new(scenario))
    });
    Ok(named.collect())
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|it| it == "yaml")
}
