//! Reports: what became of each case, for people and for machines.
//!
//! A run tells [`Event`]s; every report is drawn from them.

mod model;

pub use model::{
    CaseReport, Event, Outcome, Problem, ProblemKind, RunEnd, RunStart, SCHEMA, WireLine,
};
