//! `entra-mock event`: a subcommand for each event, made of what the event says of itself.

use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use hyper::Method;
use serde_json::{Map, Value, json};

use super::client::{ControlArgument, segment};
use super::{Failure, print, runtime};
use crate::directory::{Event, EventParameter, EventReference, ParameterKind};

/// An event, and where it is to happen.
#[derive(Debug)]
pub(super) struct EventCommand {
    control: ControlArgument,
    tenant: Option<String>,
    json: bool,
    event: Value,
}

impl Args for EventCommand {
    fn augment_args(command: Command) -> Command {
        // The events come from a schema that takes a millisecond to make.
        command.defer(with_events)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for EventCommand {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(ErrorKind::MissingSubcommand);
        let (name, given) = matches.subcommand().ok_or_else(missing)?;
        let event = EventReference::find(name).ok_or_else(missing)?;
        if let Some(stray) = given.get_one::<String>(STRAY) {
            return Err(clap::Error::raw(
                ErrorKind::UnknownArgument,
                named(event, stray),
            ));
        }
        let mut fields = Map::new();
        for parameter in &event.parameters {
            if let Some(value) = value(parameter, given) {
                fields.insert(parameter.name.clone(), value);
            }
        }
        Ok(Self {
            control: ControlArgument::from_arg_matches(matches)?,
            tenant: matches.get_one::<String>(TENANT).cloned(),
            json: matches.get_flag(JSON),
            event: json!({ name: fields }),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl EventCommand {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        let path = match &self.tenant {
            Some(tenant) => format!("/api/v1/tenants/{}/events", segment(tenant)),
            None => "/api/v1/events".to_owned(),
        };
        let done =
            runtime()?.block_on(self.control.call(Method::POST, &path, Some(&self.event)))?;
        if self.json {
            print(&format!("{done}\n"));
            return Ok(ExitCode::SUCCESS);
        }
        let mut lines = done["lines"].as_array().into_iter().flatten();
        if done["changed"] == false
            && let Some(line) = lines.next()
        {
            eprintln!("warning: {}", line.as_str().unwrap_or_default());
        }
        for line in lines {
            print(&format!("{}\n", line.as_str().unwrap_or_default()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn with_events(command: Command) -> Command {
    // The arguments bring words of their own.
    let about = command.get_about().cloned().unwrap_or_default();
    let command = ControlArgument::augment_args(command)
        .about(about)
        .arg(
            Arg::new(TENANT)
                .long(TENANT)
                .global(true)
                .help("Tenant by id or domain, where neither user nor app says which"),
        )
        .arg(
            Arg::new(JSON)
                .long(JSON)
                .global(true)
                .action(ArgAction::SetTrue)
                .help("Print what the event did as JSON"),
        )
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand_value_name("EVENT")
        .subcommand_help_heading("Events");
    let events = Event::reference().iter();
    command.subcommands(events.map(subcommand))
}

fn subcommand(event: &'static EventReference) -> Command {
    let options = event.parameters.iter().map(option);
    let stray = Arg::new(STRAY).hide(true).num_args(1);
    Command::new(&*event.name)
        .about(&*event.summary)
        .after_help(after_help(event))
        .args(options)
        .arg(stray)
}

fn option(parameter: &'static EventParameter) -> Arg {
    let option = Arg::new(&*parameter.name)
        .long(&*parameter.option)
        .value_name(&*parameter.option)
        .help(parameter.meaning);
    let option = if parameter.required {
        option.required_unless_present(STRAY)
    } else {
        option
    };
    match &parameter.kind {
        ParameterKind::Flag => option
            .num_args(0..=1)
            .default_missing_value("true")
            .value_parser(value_parser!(bool)),
        ParameterKind::List => option.value_delimiter(',').action(ArgAction::Append),
        ParameterKind::Number => option.value_parser(value_parser!(u32)),
        ParameterKind::Text => option,
        ParameterKind::Word(words) => {
            option.value_parser(PossibleValuesParser::new(words.iter().map(String::as_str)))
        }
    }
}

fn value(parameter: &EventParameter, given: &ArgMatches) -> Option<Value> {
    let name = parameter.name.as_str();
    match parameter.kind {
        ParameterKind::Flag => given.get_one::<bool>(name).map(|it| json!(it)),
        ParameterKind::List => {
            let all = given.get_many::<String>(name)?;
            Some(all.filter(|it| !it.is_empty()).cloned().collect())
        }
        ParameterKind::Number => given.get_one::<u32>(name).map(|it| json!(it)),
        ParameterKind::Text | ParameterKind::Word(_) => {
            given.get_one::<String>(name).map(|it| json!(it))
        }
    }
}

/// What is said where a value has no option before it.
fn named(event: &EventReference, stray: &str) -> String {
    let names: Vec<&str> = event
        .parameters
        .iter()
        .map(|it| it.option.as_str())
        .collect();
    match names.first() {
        None => format!("'{stray}': {} takes nothing\n", event.name),
        Some(first) => format!(
            "'{stray}' has no option before it: did you mean --{first} {stray}?\n{} takes --{}\n",
            event.name,
            names.join(", --")
        ),
    }
}

fn after_help(event: &EventReference) -> String {
    let mut text = format!("Hits: {}", event.hits);
    if !event.spares.is_empty() {
        text.push_str(&format!("\nLeaves alone: {}", event.spares));
    }
    if !event.codes.is_empty() {
        let codes: Vec<String> = event.codes.iter().map(|it| format!("AADSTS{it}")).collect();
        text.push_str(&format!("\nCodes that may follow: {}", codes.join(", ")));
    }
    text
}

const TENANT: &str = "tenant";
const JSON: &str = "json";
/// A value without an option.
const STRAY: &str = "stray";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<EventCommand, clap::Error> {
        let command = EventCommand::augment_args(Command::new("event"));
        let matches = command.try_get_matches_from([&["event"], arguments].concat())?;
        EventCommand::from_arg_matches(&matches)
    }

    #[test]
    fn help_begins_with_what_the_command_does() {
        let command = Command::new("event").about("Make something happen");
        let help = with_events(command).render_help().to_string();
        assert!(help.starts_with("Make something happen\n"), "{help}");
    }

    #[test]
    fn each_event_takes_what_its_type_has_and_nothing_else() {
        EventCommand::augment_args(Command::new("event")).debug_assert();
        let event = parse(&[
            "set-sign-in-frequency",
            "--seconds",
            "60",
            "--second-factor",
            "--app",
            "own-app",
        ]);
        let expected = json!({"set-sign-in-frequency":
            {"seconds": 60, "second_factor": true, "app": "own-app"}});
        let event = event.unwrap().event;
        assert_eq!(event, expected);
        serde_json::from_value::<Event>(event).unwrap();
        let other = parse(&[
            "revoke-sessions",
            "--user",
            "alice",
            "--scopes",
            "Mail.Read",
        ]);
        assert!(other.unwrap_err().to_string().contains("'--scopes'"));
    }

    #[test]
    fn what_does_not_fit_is_said_with_what_fits() {
        let refused = |arguments: &[&str]| parse(arguments).unwrap_err().to_string();
        let stray = refused(&["revoke-sessions", "alice"]);
        assert!(stray.contains("did you mean --user alice?"), "{stray}");
        let missing = refused(&["revoke-sessions"]);
        assert!(missing.contains("--user <user>"), "{missing}");
        let unknown = refused(&["revoke-sesions", "--user", "alice"]);
        assert!(unknown.contains("revoke-sessions"), "{unknown}");
        let word = refused(&["reset-password", "--user", "alice", "--by", "admin"]);
        assert!(word.contains("admin-center") && !word.contains("[possible values: user"));
    }
}
