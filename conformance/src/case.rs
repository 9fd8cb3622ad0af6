//! The cases: scenario files, their expansion over auth method × environment, and their names.
//!
//! A [`Scenario`] is a YAML file; its format is [`entra_mock::scenario`]'s. A [`Case`] is a
//! scenario with one auth method and one environment; its id is
//! `auth/happy/connect[auth=own-app,environment=china]`. The runner interprets the [`Step`]s and
//! hands a [`Record`](crate::judge::Record) to the judge.

mod certificate;
#[cfg(test)]
mod coverage;
mod library;
mod pattern;
mod settings;
#[cfg(test)]
mod tests;

pub use entra_mock::scenario::{
    Action, AnswerTest, Answered, AppPlatform, AppTweak, ArrivesStep, AtOnce, AuthMethod, Axis,
    BrowserAction, CallStep, Category, Check, ClientAuthentication, Condition, ConnectStep,
    ConnectorKind, Evidence, FEATURES, FORMER_OPERATIONS, Fault, Field, FinishStep, GENERAL, Level,
    MAIN, Many, Names, OPERATIONS, READ, READING, Random, ReadError, RepeatStep, Scenario, Secrets,
    Selector, SettingName, Since, Span, Standing, StateName, StatusTest, Step, Tamper, TokenName,
    ToldTest, TweakError, UnknownName, ValueTest, WorldTweaks, read_scenario, read_scenarios,
    schema,
};

pub use certificate::{CertificateError, CertificateForms};
pub use library::{Case, Library, LibraryError};
pub(crate) use pattern::glob;
pub use pattern::{Pattern, PatternError};
pub use settings::FilledForm;
