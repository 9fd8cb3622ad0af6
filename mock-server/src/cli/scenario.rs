//! `entra-mock scenario`: checks scenario files, and drives one in a running mock.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use http_body_util::BodyExt as _;
use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{ControlArgument, segment};
use super::{Failure, print, runtime};
use crate::MockEntra;
use crate::scenario::{
    AuthMethod, Names, Progress, ReadError, Scenario, read_row, read_scenario, read_scenarios,
    schema,
};
use crate::world::seed::SeedFile;

#[derive(Debug, Args)]
pub(super) struct ScenarioCommand {
    #[command(subcommand)]
    action: ScenarioAction,
}

#[derive(Debug, Subcommand)]
enum ScenarioAction {
    /// Check scenario files: 0 if all are right, 1 if one has a mistake, 2 if one cannot be read
    Check {
        /// Files, or folders with files that end in .yaml or .yml
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The seed of the world that they are for; the default world if absent
        #[arg(long, value_name = "FILE")]
        seed: Option<PathBuf>,
    },
    /// Print the JSON Schema of scenario files, for editors
    Schema,
    /// Play a scenario in a tenant of a running mock
    Load {
        /// The scenario file; FILE#ROW where it has a matrix
        file: PathBuf,
        #[command(flatten)]
        place: Place,
        /// Auth method whose app the scenario means by 'app'; its first one if absent
        #[arg(long, value_name = "METHOD", value_parser = auth_method)]
        auth: Option<AuthMethod>,
    },
    /// Show its progress
    Show(Place),
    /// Skip the step that it waits for
    Next(Place),
    /// Stop it; what it did stays
    Stop(Place),
    /// Write what happened in a tenant of a running mock, and what its client asked for, as a
    /// scenario
    Record(Record),
}

#[derive(Args, Debug)]
struct Record {
    #[command(flatten)]
    control: ControlArgument,
    /// Tenant by id or domain; if absent, the first one
    #[arg(long)]
    tenant: Option<String>,
    /// After this entry of the journal; from its beginning if absent
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    since: u64,
    /// Write to a file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The tenant in which a scenario is played.
#[derive(Args, Clone, Debug)]
struct Place {
    #[command(flatten)]
    control: ControlArgument,
    /// Tenant by id or domain; if absent, the default one of the scenario's first environment
    #[arg(long)]
    tenant: Option<String>,
}

impl ScenarioCommand {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        match self.action {
            ScenarioAction::Check { files, seed } => check(&files, seed.as_deref()),
            ScenarioAction::Schema => {
                let text = serde_json::to_string_pretty(&schema()).map_err(Failure::usage)?;
                print(&(text + "\n"));
                Ok(ExitCode::SUCCESS)
            }
            ScenarioAction::Load { file, place, auth } => {
                let (text, scenario) = read_file(&file)?;
                runtime()?.block_on(place.load(&text, &scenario, auth))
            }
            ScenarioAction::Show(place) => runtime()?.block_on(async {
                let (_, progress) = place.find().await?;
                show(&progress)
            }),
            ScenarioAction::Next(place) => runtime()?.block_on(async {
                let (path, _) = place.find().await?;
                let next = format!("{path}/next");
                show(&place.control.call(Method::POST, &next, None).await?)
            }),
            ScenarioAction::Stop(place) => runtime()?.block_on(async {
                let (path, _) = place.find().await?;
                place.control.call(Method::DELETE, &path, None).await?;
                Ok(ExitCode::SUCCESS)
            }),
            ScenarioAction::Record(record) => runtime()?.block_on(record.execute()),
        }
    }
}

/// The scenario that a mock plays from the beginning.
#[derive(Args, Debug)]
pub(super) struct ScenarioArguments {
    /// Scenario to play in the default tenant of its first environment; FILE#ROW where it has a
    /// matrix
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,

    /// Auth method whose app the scenario means by 'app'; its first one if absent
    #[arg(long, value_name = "METHOD", value_parser = auth_method, requires = "scenario")]
    auth: Option<AuthMethod>,
}

impl ScenarioArguments {
    /// Reads the file, if there is one.
    pub(super) fn read(&self) -> Result<Option<Scenario>, Failure> {
        let file = self.scenario.as_deref().map(read_file).transpose()?;
        Ok(file.map(|(_, scenario)| scenario))
    }

    /// Plays the scenario.
    pub(super) fn play(&self, mock: &MockEntra, scenario: &Scenario) -> Result<Progress, Failure> {
        let environment = scenario.default_environment();
        let mut defaults = mock.world().defaults().into_iter();
        if !defaults.any(|it| it.environment == environment) {
            return Err(Failure::usage(format!(
                "the scenario is for {environment}, where the world has no tenant"
            )));
        }
        let progress = mock.tenant(environment).play(scenario, self.auth);
        progress.map_err(Failure::usage)
    }
}

/// What is printed when a scenario begins to be played.
pub(super) fn beginning(progress: &Progress) -> String {
    format!(
        "\nPlaying: {progress}\nA client's steps are done by the connector that you try. \
         `entra-mock scenario next` passes over\nthe one that is waited for. The suite's are \
         judged by `entra-conformance replay`.\n\n"
    )
}

fn read_file(file: &Path) -> Result<(String, Scenario), Failure> {
    let wrong = |error: ReadError| Failure::usage(error.render().trim_end());
    let shown = file.display().to_string();
    // One of the scenarios of a file with a matrix: FILE#ROW.
    let row = shown.rsplit_once('#').filter(|_| !file.exists());
    let (place, row) = match row {
        Some((place, row)) => (Path::new(place), Some(row)),
        None => (file, None),
    };
    let mut text = std::fs::read_to_string(place).map_err(|error| unreadable(place, &error))?;
    if let Some(row) = row {
        text = read_row(&place.display().to_string(), &text, row).map_err(wrong)?;
    }
    let scenario = read_scenario(&shown, &text).map_err(wrong)?;
    Ok((text, scenario))
}

/// The name of an auth method, with the nearest one if it is none.
fn auth_method(text: &str) -> Result<AuthMethod, String> {
    text.parse()
        .map_err(|error: crate::scenario::UnknownName| error.to_string())
}

fn unreadable(file: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("cannot read {}: {error}", file.display()))
}

fn check(files: &[PathBuf], seed: Option<&Path>) -> Result<ExitCode, Failure> {
    let names = match seed {
        None => Names::of_default_world(),
        Some(seed) => {
            let text = std::fs::read_to_string(seed).map_err(|error| unreadable(seed, &error))?;
            let wrong = |error| Failure::usage(format!("{}: {error}", seed.display()));
            Names::of(&SeedFile::parse(&text).map_err(wrong)?)
        }
    };
    let mut all = Vec::new();
    for file in files {
        if file.is_dir() {
            let before = all.len();
            collect(file, &mut all)?;
            if all.len() == before {
                return Err(Failure::usage(format!(
                    "{} has no scenario: expected files that end in .yaml",
                    file.display()
                )));
            }
        } else {
            all.push(file.clone());
        }
    }
    let mut wrong = 0;
    let mut unread = 0;
    for file in &all {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => {
                unread += 1;
                eprintln!("{}", unreadable(file, &error).message);
                continue;
            }
        };
        let shown = file.display().to_string();
        let read = read_scenarios(&shown, &text).and_then(|all| {
            let mut all = all.iter();
            all.try_for_each(|(_, scenario)| names.check(&shown, &text, scenario))
        });
        if let Err(error) = read {
            wrong += 1;
            print(&error.render());
        }
    }
    let files = |count: usize| match count {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    if wrong + unread == 0 {
        print(&format!("{}: no mistakes\n", files(all.len())));
        return Ok(ExitCode::SUCCESS);
    }
    print(&format!(
        "{} of {} cannot be used\n",
        wrong + unread,
        files(all.len())
    ));
    Ok(if unread > 0 {
        ExitCode::from(2)
    } else {
        ExitCode::FAILURE
    })
}

/// The scenario files of a folder, sorted. As in the library, `testdata`, `rules.yaml` and
/// `requirements.yaml` are none.
fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error| unreadable(folder, &error);
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| entry.map(|it| it.path()))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    entries.sort();
    for path in entries {
        let named = |name: &str| path.file_name().is_some_and(|it| it == name);
        if path.is_dir() {
            if !named("testdata") {
                collect(&path, into)?;
            }
        } else if path
            .extension()
            .is_some_and(|it| it == "yaml" || it == "yml")
            && !named("rules.yaml")
            && !named("requirements.yaml")
        {
            into.push(path);
        }
    }
    Ok(())
}

impl Record {
    async fn execute(self) -> Result<ExitCode, Failure> {
        let tenant = self.control.tenant(self.tenant.as_deref()).await?;
        let path = format!(
            "/api/v1/tenants/{tenant}/recording?format=yaml&since={}",
            self.since
        );
        let text = self.control.text(Method::GET, &path, Vec::new()).await?;
        match &self.output {
            Some(output) => std::fs::write(output, text).map_err(|error| {
                Failure::usage(format!("cannot write {}: {error}", output.display()))
            })?,
            None => print(&text),
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Place {
    async fn load(
        &self,
        text: &str,
        scenario: &Scenario,
        auth: Option<AuthMethod>,
    ) -> Result<ExitCode, Failure> {
        let tenant = match &self.tenant {
            Some(tenant) => tenant.clone(),
            None => {
                let environment = scenario.default_environment().slug();
                let ready = self.control.call(Method::GET, "/api/v1/ready", None);
                let ready = ready.await?;
                let id = &ready["environments"][environment]["tenant"]["id"];
                let id = id.as_str().map(str::to_owned);
                id.ok_or_else(|| {
                    Failure::usage(format!(
                        "the mock has no tenant in {environment}: name one with --tenant"
                    ))
                })?
            }
        };
        let auth = auth.map_or_else(String::new, |it| format!("?auth={it}"));
        let path = format!("{}{auth}", path_of(&tenant));
        let body = json!({ "yaml": text });
        show(&self.control.call(Method::POST, &path, Some(&body)).await?)
    }

    /// Where a scenario is loaded: in the tenant that is named, or else in the first default
    /// tenant that has one. With its progress.
    async fn find(&self) -> Result<(String, Value), Failure> {
        if let Some(tenant) = &self.tenant {
            let path = path_of(tenant);
            let progress = self.control.call(Method::GET, &path, None).await?;
            return Ok((path, progress));
        }
        let ready = self.control.call(Method::GET, "/api/v1/ready", None);
        let ready = ready.await?;
        for environment in ready["environments"].as_object().into_iter().flatten() {
            let id = environment.1["tenant"]["id"].as_str().unwrap_or_default();
            let path = path_of(id);
            let response = self.control.send(Method::GET, &path, Vec::new()).await?;
            if response.status() == StatusCode::OK {
                let body = response.into_body().collect().await;
                let bytes = body.map_err(Failure::usage)?.to_bytes();
                let progress = serde_json::from_slice(&bytes).map_err(Failure::usage)?;
                return Ok((path, progress));
            }
        }
        Err(Failure {
            message: "no scenario is loaded: load one with `entra-mock scenario load FILE`, or \
                      name its tenant with --tenant"
                .to_owned(),
            code: 1,
        })
    }
}

fn path_of(tenant: &str) -> String {
    format!("/api/v1/tenants/{}/scenario", segment(tenant))
}

fn show(progress: &Value) -> Result<ExitCode, Failure> {
    let progress: Progress = serde_json::from_value(progress.clone()).map_err(Failure::usage)?;
    print(&progress.to_string());
    Ok(ExitCode::SUCCESS)
}
