//! Scenario files: what happens in a tenant and what a connector does there, one step after the
//! other, as data.
//!
//! One format serves the conformance suite, which plays all of it, and the mock, which plays its
//! own half: the world, the faults, the events and the time. Both read a file by
//! [`read_scenario`], so that a mistake is told in the same words, with its place.
//!
//! [`Players`] plays the mock's half; [`TenantHandle::play`](crate::TenantHandle::play) is its face.
//!
#![doc = include_str!("../docs/scenarios.md")]

mod axis;
mod check;
mod document;
mod kind;
mod matrix;
mod names;
pub mod placeholder;
mod play;
mod read;
mod step;
mod term;
mod tweak;
mod value;

pub use crate::fault::Fault;
pub use crate::notation::{Many, ReadError, Span, read};

pub use axis::{
    AuthMethod, Axis, Category, FEATURES, FORMER_OPERATIONS, OPERATIONS, READ, READING, UnknownName,
};
pub use check::{
    AnswerTest, AtOnce, Check, Condition, Evidence, Level, Random, Selector, Standing, StateName,
    StatusTest, ToldTest,
};
pub use document::{Scenario, schema};
pub use kind::{ConnectorKind, GENERAL, News};
pub use names::Names;
pub use play::{PlayError, PlayState, PlayedBy, Players, Progress, StepProgress, StepState};
pub(crate) use play::{is_person, operation_of};
pub use read::{read_row, read_scenario, read_scenarios};
pub use step::{
    Action, ArrivesStep, BrowserAction, CallStep, ConnectStep, FinishStep, MAIN, RepeatStep,
    SettingName, Step, Tamper,
};
pub use term::{Answered, ClientAuthentication, Field, Secrets, Since, TokenName};
pub use tweak::{AppPlatform, AppTweak, TweakError, WorldTweaks};
pub use value::ValueTest;
