//! What is said of arguments that do not fit: what was expected, what there is, what to try.

use std::error::Error as _;
use std::ffi::OsString;
use std::num::{IntErrorKind, ParseIntError};

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error};

use crate::notation::nearest;

/// Says more of a mistake than the parser of arguments does.
pub(super) fn explain(command: &Command, arguments: &[OsString], mut error: Error) -> Error {
    let mut whole = command.clone();
    whole.build();
    let (called, path) = called(&whole, arguments);
    match error.kind() {
        ErrorKind::ValueValidation => return number(called, error),
        ErrorKind::UnknownArgument => unknown_argument(called, &path, &mut error),
        ErrorKind::InvalidSubcommand => unknown_subcommand(called, &path, &mut error),
        ErrorKind::MissingRequiredArgument => missing(called, &mut error),
        _ => return error,
    }
    let usage = called.clone().render_usage();
    error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    error
}

/// The subcommand that the arguments name, and its whole name.
fn called<'a>(command: &'a Command, arguments: &[OsString]) -> (&'a Command, String) {
    let mut called = command;
    let mut path = command.get_name().to_owned();
    for argument in arguments.iter().skip(1) {
        if argument == "--" {
            break;
        }
        let named = argument.to_str().and_then(|it| called.find_subcommand(it));
        if let Some(named) = named {
            called = named;
            path = format!("{path} {}", named.get_name());
        }
    }
    (called, path)
}

/// A text where a whole number belongs.
fn number(called: &Command, error: Error) -> Error {
    let source = error.source().and_then(|it| it.downcast_ref());
    let Some(kind) = source.map(ParseIntError::kind) else {
        return error;
    };
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        _ => String::new(),
    };
    let (argument, value) = (
        text(ContextKind::InvalidArg),
        text(ContextKind::InvalidValue),
    );
    let expected = match kind {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "the number is too large",
        IntErrorKind::Zero => "expected a whole number from 1 on",
        _ => "expected a whole number",
    };
    let example = find(called, &argument)
        .and_then(|it| it.get_default_values().first()?.to_str())
        .map_or_else(String::new, |it| format!(", such as {it}"));
    Error::raw(
        ErrorKind::ValueValidation,
        format!(
            "invalid value '{value}' for '{argument}': {expected}{example}\n\n\
             For more information, try '--help'.\n"
        ),
    )
}

/// An option that the subcommand does not have: the nearest one that it has, or all.
fn unknown_argument(called: &Command, path: &str, error: &mut Error) {
    let options: Vec<&str> = called
        .get_arguments()
        .filter(|it| !it.is_hide_set())
        .filter_map(Arg::get_long)
        .filter(|it| *it != "help")
        .collect();
    let Some(ContextValue::String(wrong)) = error.remove(ContextKind::InvalidArg) else {
        return;
    };
    // The parser finds other options near that are not.
    for guess in [
        ContextKind::SuggestedArg,
        ContextKind::Suggested,
        ContextKind::TrailingArg,
    ] {
        error.remove(guess);
    }
    let near = wrong.strip_prefix("--").and_then(|it| {
        let longer = options.iter().find(|option| option.starts_with(it));
        let longer = longer.filter(|_| !it.is_empty()).map(ToString::to_string);
        nearest(it, options.iter().copied()).or(longer)
    });
    match near {
        Some(near) => {
            let near = ContextValue::String(format!("--{near}"));
            error.insert(ContextKind::SuggestedArg, near);
        }
        None if options.is_empty() => {}
        None => tip(error, format!("'{path}' takes --{}", options.join(", --"))),
    }
    error.insert(ContextKind::InvalidArg, ContextValue::String(wrong));
}

/// A subcommand that there is not: the nearest one, or all if they are few.
fn unknown_subcommand(called: &Command, path: &str, error: &mut Error) {
    let names: Vec<&str> = called
        .get_subcommands()
        .filter(|it| !it.is_hide_set())
        .map(Command::get_name)
        .collect();
    let Some(ContextValue::String(wrong)) = error.get(ContextKind::InvalidSubcommand).cloned()
    else {
        return;
    };
    for guess in [ContextKind::SuggestedSubcommand, ContextKind::Suggested] {
        error.remove(guess);
    }
    if let Some(near) = nearest(&wrong, names.iter().copied()) {
        error.insert(
            ContextKind::SuggestedSubcommand,
            ContextValue::Strings(vec![near]),
        );
    }
    tip(
        error,
        if names.len() <= LISTED {
            format!("'{path}' has {}", names.join(", "))
        } else {
            format!("'{path} --help' lists what there is")
        },
    );
}

/// Arguments that are missing, each with what it means.
fn missing(called: &Command, error: &mut Error) {
    let Some(ContextValue::Strings(missing)) = error.get(ContextKind::InvalidArg) else {
        return;
    };
    let explained = missing
        .iter()
        .map(|it| match find(called, it).and_then(Arg::get_help) {
            Some(help) => format!("{it}  {help}"),
            None => it.clone(),
        })
        .collect();
    error.insert(ContextKind::InvalidArg, ContextValue::Strings(explained));
}

/// An argument as messages write it, such as `--tls-port <PORT>` or `<BY>`.
fn find<'a>(called: &'a Command, written: &str) -> Option<&'a Arg> {
    called.get_arguments().find(|it| it.to_string() == written)
}

fn tip(error: &mut Error, text: String) {
    error.insert(
        ContextKind::Suggested,
        ContextValue::StyledStrs(vec![StyledStr::from(text)]),
    );
}

/// So many subcommands are listed.
const LISTED: usize = 20;

#[cfg(test)]
mod tests {
    use super::super::Cli;
    use super::*;
    use clap::CommandFactory as _;

    fn said(line: &str) -> String {
        let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let command = Cli::command();
        let error = command
            .clone()
            .try_get_matches_from(&arguments)
            .expect_err("the line is wrong");
        explain(&command, &arguments, error).to_string()
    }

    #[test]
    fn a_text_where_a_number_belongs_is_refused_with_a_number() {
        let text = said("entra-mock serve --tls-port x");
        assert!(
            text.contains("'x' for '--tls-port <PORT>': expected a whole number, such as 8443"),
            "{text}"
        );
        let text = said("entra-mock journal --since yesterday");
        assert!(text.contains("expected a whole number\n"), "{text}");
    }

    #[test]
    fn an_unknown_option_names_the_nearest_or_all() {
        let text = said("entra-mock journal --usr alice");
        assert!(
            text.contains("a similar argument exists: '--user'"),
            "{text}"
        );
        // Not one that only shares some letters.
        let text = said("entra-mock journal --format json");
        assert!(!text.contains("similar"), "{text}");
        assert!(
            text.contains("'entra-mock journal' takes --control, --follow, --json, --last"),
            "{text}"
        );
        assert!(
            text.contains("Usage: entra-mock journal [OPTIONS]"),
            "{text}"
        );
        let text = said("entra-mock event reset-password --user alice --ap x");
        assert!(
            text.contains("'entra-mock event reset-password' takes --user, --by, --password"),
            "{text}"
        );
        assert!(!text.contains("as a value"), "{text}");
    }

    #[test]
    fn an_unknown_subcommand_names_the_nearest_or_all() {
        let text = said("entra-mock event rest-password");
        assert!(
            text.contains("a similar subcommand exists: 'reset-password'"),
            "{text}"
        );
        let text = said("entra-mock clock set");
        assert!(
            text.contains("'entra-mock clock' has show, advance, freeze, reset"),
            "{text}"
        );
    }

    #[test]
    fn a_missing_argument_says_what_it_is() {
        let text = said("entra-mock clock advance");
        assert!(text.contains("<BY>  How far"), "{text}");
        assert!(
            text.contains("Usage: entra-mock clock advance [OPTIONS] <BY>"),
            "{text}"
        );
    }
}
