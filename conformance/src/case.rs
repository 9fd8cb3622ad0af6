//! The cases: scenario files, their expansion over auth method × environment, and their names.
//!
//! A [`Scenario`] is a YAML file. A [`Case`] is a scenario with one auth method and one
//! environment; its id is `auth/happy/connect[auth=own-app,environment=china]`. The runner
//! interprets the [`Step`]s and hands a [`Record`](crate::judge::Record) to the judge.

mod axis;
mod certificate;
mod check;
mod library;
mod pattern;
mod read;
mod scenario;
mod settings;
mod step;
mod term;
#[cfg(test)]
mod tests;
mod tweak;
mod value;

pub use entra_mock::fault::Fault;
pub use entra_mock::notation::{Many, Span};

pub use axis::{AuthMethod, Axis, Category, FEATURES, OPERATIONS, UnknownName};
pub use certificate::{CertificateError, CertificateForms};
pub use check::{AnswerTest, Check, Condition, Evidence, Level, Selector, StateName, StatusTest};
pub use library::{Case, Library, LibraryError};
pub(crate) use pattern::glob;
pub use pattern::{Pattern, PatternError};
pub use read::{ReadError, read_scenario};
pub use scenario::{Scenario, schema};
pub use settings::{FilledForm, scope_set};
pub use step::{
    Action, BrowserAction, CallStep, ConnectStep, FinishStep, MAIN, RepeatStep, SettingName, Step,
    Tamper,
};
pub use term::{Answered, ClientAuthentication, Field, Secrets, Since, TokenName};
pub use tweak::{AppPlatform, AppTweak, TweakError, WorldTweaks};
pub use value::ValueTest;
