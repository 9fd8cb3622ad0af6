//! The settings file `entra-mock.toml`: flags that need not be typed.
//!
//! Each setting has the name of a flag. What is given on the command line or in an environment
//! variable counts more, so the settings are put before the arguments that were typed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command};
use toml::de::{DeTable, DeValue};

use super::mistake;
use crate::notation::did_you_mean;

/// The name of the file, in the folder where a program is started.
pub const FILE: &str = "entra-mock.toml";

/// Which settings file. [`matches`] reads it before the arguments are taken apart.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct ConfigArgument {
    /// Settings file, in place of entra-mock.toml in the current folder
    #[arg(long, value_name = "FILE", env = "ENTRA_MOCK_CONFIG")]
    config: Option<PathBuf>,
}

/// A settings file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}{}: {problem}", path.display(), line.map_or_else(String::new, |line| format!(", line {line}")))]
pub struct ConfigError {
    path: PathBuf,
    line: Option<usize>,
    problem: String,
}

/// The sections of the file, each with the commands of a program that read it.
const SECTIONS: [(&str, &[&str]); 2] = [
    (
        "entra-conformance",
        &["check-driver", "list", "replay", "run"],
    ),
    ("entra-mock", &["run", "serve"]),
];

/// Flags whose value is a path: it counts from the folder of the file.
const PATHS: [&str; 12] = [
    "artifacts",
    "data-dir",
    "events",
    "html",
    "json",
    "junit",
    "known-failures",
    "ready-file",
    "scenario",
    "scenarios",
    "seed",
    "state",
];

/// Flags that choose cases.
const SELECTION: [&str; 3] = ["auth", "environment", "filter"];

/// The matches of a program's arguments, with the settings of the file where there is one. The
/// program ends here where its arguments ask for help or are wrong.
pub fn matches(command: &Command, arguments: Vec<OsString>) -> Result<ArgMatches, ConfigError> {
    let typed = match command.clone().try_get_matches_from(&arguments) {
        Ok(typed) => typed,
        Err(error) => mistake::explain(command, &arguments, error).exit(),
    };
    let Some((name, given)) = typed.subcommand() else {
        return Ok(typed);
    };
    let path = given
        .try_get_one::<PathBuf>("config")
        .ok()
        .flatten()
        .cloned();
    let program = command.get_name();
    let read = SECTIONS
        .iter()
        .any(|(section, commands)| *section == program && commands.contains(&name));
    if !read || path.is_none() && !Path::new(FILE).is_file() {
        return Ok(typed);
    }
    let path = path.unwrap_or_else(|| FILE.into());
    let file = File::read(&path)?;
    let settings = file.arguments(command, name, given)?;
    if settings.is_empty() {
        return Ok(typed);
    }
    let at = 1 + arguments
        .iter()
        .position(|it| it == name)
        .unwrap_or_default();
    let mut all = arguments;
    all.splice(at..at, settings);
    command.clone().try_get_matches_from(all).map_err(|error| {
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        file.error(None, text.lines().next().unwrap_or_default().to_owned())
    })
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    text: String,
}

impl File {
    fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|error| ConfigError {
            path: path.to_owned(),
            line: None,
            problem: format!("cannot be read: {error}"),
        })?;
        let path = path.to_owned();
        Ok(Self { path, text })
    }

    fn error(&self, at: Option<usize>, problem: String) -> ConfigError {
        let line = at.map(|at| self.text[..at].matches('\n').count() + 1);
        ConfigError {
            path: self.path.clone(),
            line,
            problem,
        }
    }

    /// The settings for a command, as arguments, without those that were given otherwise.
    fn arguments(
        &self,
        command: &Command,
        name: &str,
        given: &ArgMatches,
    ) -> Result<Vec<OsString>, ConfigError> {
        let table = DeTable::parse(&self.text).map_err(|error| {
            let at = error.span().map(|span| span.start);
            self.error(at, error.message().to_owned())
        })?;
        let mut arguments = Vec::new();
        for (section, settings) in table.get_ref() {
            let program = section.get_ref().as_ref();
            let known = SECTIONS.iter().find(|(name, _)| *name == program);
            let Some((_, commands)) = known else {
                let names = SECTIONS.map(|(name, _)| name);
                let problem = format!(
                    "there is no section [{program}]{}; there are [entra-mock] and \
                     [entra-conformance]",
                    did_you_mean(program, names)
                );
                return Err(self.error(Some(section.span().start), problem));
            };
            let DeValue::Table(settings) = settings.get_ref() else {
                let problem = format!("'{program}' is a section: write [{program}]");
                return Err(self.error(Some(section.span().start), problem));
            };
            if program != command.get_name() {
                // The other program reads it.
                continue;
            }
            for (key, value) in settings {
                let flag = key.get_ref().as_ref();
                let at = Some(key.span().start);
                let found = find(command, commands, name, flag);
                let Some((argument, here)) = found else {
                    let names = flags(command, commands);
                    let problem = format!(
                        "there is no setting '{flag}'{}; settings have the names of flags of \
                         '{program} {}'",
                        did_you_mean(flag, names.iter().map(String::as_str)),
                        commands.last().unwrap_or(&"run")
                    );
                    return Err(self.error(at, problem));
                };
                // A case that is named is meant, whatever is run otherwise.
                if name == "replay" && SELECTION.contains(&flag) {
                    continue;
                }
                let source = here.then(|| given.value_source(argument.get_id().as_str()));
                if matches!(source, Some(None | Some(ValueSource::DefaultValue))) {
                    self.add(&mut arguments, argument, flag, value.get_ref(), at)?;
                }
            }
        }
        Ok(arguments)
    }

    /// Adds a setting as it is typed.
    fn add(
        &self,
        arguments: &mut Vec<OsString>,
        argument: &clap::Arg,
        flag: &str,
        value: &DeValue<'_>,
        at: Option<usize>,
    ) -> Result<(), ConfigError> {
        let takes_value = argument.get_action().takes_values();
        let mut one = |value: &DeValue<'_>| {
            let text = match value {
                DeValue::Boolean(on) if !takes_value => {
                    if *on {
                        arguments.push(format!("--{flag}").into());
                    }
                    return Ok(());
                }
                DeValue::String(text) if takes_value => text.clone().into_owned(),
                DeValue::Integer(number) if takes_value => number.to_string(),
                _ => {
                    let wanted = if takes_value {
                        "a text or a number"
                    } else {
                        "true or false"
                    };
                    return Err(self.error(at, format!("'{flag}' wants {wanted}")));
                }
            };
            let text = if PATHS.contains(&flag) {
                let folder = self.path.parent().unwrap_or(Path::new(""));
                folder.join(text).into_os_string()
            } else {
                text.into()
            };
            let mut whole = OsString::from(format!("--{flag}="));
            whole.push(text);
            arguments.push(whole);
            Ok(())
        };
        match value {
            DeValue::Array(values) if matches!(argument.get_action(), ArgAction::Append) => {
                values.iter().try_for_each(|it| one(it.get_ref()))
            }
            DeValue::Array(_) => Err(self.error(at, format!("'{flag}' has one value"))),
            value => one(value),
        }
    }
}

/// The flag of a name, and whether the command that is run has it.
fn find<'a>(
    command: &'a Command,
    commands: &[&str],
    name: &str,
    flag: &str,
) -> Option<(&'a clap::Arg, bool)> {
    let of = |name: &str| {
        let arguments = command.find_subcommand(name)?.get_arguments();
        arguments
            .into_iter()
            .find(|it| it.get_long() == Some(flag) && flag != "config")
    };
    of(name)
        .map(|it| (it, true))
        .or_else(|| commands.iter().find_map(|it| of(it)).map(|it| (it, false)))
}

fn flags(command: &Command, commands: &[&str]) -> Vec<String> {
    commands
        .iter()
        .filter_map(|name| command.find_subcommand(name))
        .flat_map(Command::get_arguments)
        .filter_map(|it| it.get_long())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::{Arg, value_parser};

    use super::*;

    fn program() -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_parser(value_parser!(PathBuf));
        Command::new("entra-conformance").subcommand(
            Command::new("run")
                .arg(config)
                .arg(Arg::new("connector").long("connector"))
                .arg(Arg::new("known_failures").long("known-failures"))
                .arg(Arg::new("filter").long("filter").action(ArgAction::Append))
                .arg(
                    Arg::new("jobs")
                        .long("jobs")
                        .value_parser(value_parser!(u8)),
                )
                .arg(Arg::new("direct").long("direct").action(ArgAction::SetTrue)),
        )
    }

    /// The matches of `run` with a file of this text.
    fn with(text: &str, typed: &[&str]) -> Result<ArgMatches, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        std::fs::write(&path, text).unwrap();
        let mut arguments: Vec<OsString> = ["entra-conformance", "run"].map(Into::into).into();
        arguments.push(format!("--config={}", path.display()).into());
        arguments.extend(typed.iter().map(OsString::from));
        let matches = matches(&program(), arguments).map_err(|error| error.to_string())?;
        Ok(matches.subcommand().unwrap().1.clone())
    }

    fn text(matches: &ArgMatches, name: &str) -> String {
        matches.get_one::<String>(name).unwrap().clone()
    }

    #[test]
    fn settings_are_flags_that_are_not_typed() {
        let file = "[entra-conformance]\nconnector = \"./driver\"\nfilter = [\"a/**\", \"b\"]\n\
                    jobs = 2\ndirect = true\nknown-failures = \"known.yaml\"\n\n[entra-mock]\nx = 1\n";
        let found = with(file, &[]).unwrap();
        assert_eq!(text(&found, "connector"), "./driver");
        let filters: Vec<&String> = found.get_many("filter").unwrap().collect();
        assert_eq!(filters, ["a/**", "b"]);
        assert_eq!(found.get_one::<u8>("jobs"), Some(&2));
        assert!(found.get_flag("direct"));
        // A path counts from the file.
        assert!(text(&found, "known_failures").ends_with("/known.yaml"));
        assert!(Path::new(&text(&found, "known_failures")).is_absolute());
    }

    #[test]
    fn what_is_typed_counts_more() {
        let file = "[entra-conformance]\nconnector = \"./driver\"\nfilter = [\"a\"]\n";
        let found = with(file, &["--connector", "./other", "--filter", "b"]).unwrap();
        assert_eq!(text(&found, "connector"), "./other");
        let filters: Vec<&String> = found.get_many("filter").unwrap().collect();
        assert_eq!(filters, ["b"]);
    }

    #[test]
    fn mistakes_are_found_at_their_line() {
        for (file, expected) in [
            (
                "[entra-conformance]\n\nconector = \"x\"\n",
                "line 3: there is no setting 'conector', did you mean 'connector'?",
            ),
            (
                "\n[entra-conformence]\n",
                "line 2: there is no section [entra-conformence], did you mean 'entra-conformance'?",
            ),
            (
                "connector = \"x\"\n",
                "line 1: there is no section [connector]",
            ),
            (
                "[entra-conformance]\njobs = true\n",
                "line 2: 'jobs' wants a text or a number",
            ),
            (
                "[entra-conformance]\ndirect = 1\n",
                "line 2: 'direct' wants true or false",
            ),
            (
                "[entra-conformance]\nconnector = [\"a\"]\n",
                "line 2: 'connector' has one value",
            ),
            ("[entra-conformance]\nconnector\n", "line 2: "),
            (
                "[entra-conformance]\njobs = 1000\n",
                "entra-mock.toml: invalid value '1000' for '--jobs",
            ),
        ] {
            let error = with(file, &[]).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
