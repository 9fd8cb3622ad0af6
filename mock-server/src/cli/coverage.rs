//! `entra-mock coverage`: how much of Graph the mock does.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{Failure, print};
use crate::environment::Environment;
use crate::graph::coverage;
use crate::journal::Level;

#[derive(Debug, Args)]
pub(super) struct Coverage {
    /// The environment
    #[arg(long, value_name = "SLUG", default_value = "office365")]
    environment: Environment,
    /// Only paths that start with this, such as /groups
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: String,
    /// Only requests of this level, one on a line
    #[arg(long, value_enum)]
    level: Option<LevelName>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LevelName {
    /// Answered by behaviour of its own
    Modelled,
    /// Answered from state, types and permissions
    Generic,
    /// Refused with 501 NotInTheMock
    Unsupported,
}

impl From<LevelName> for Level {
    fn from(name: LevelName) -> Self {
        match name {
            LevelName::Modelled => Self::Modelled,
            LevelName::Generic => Self::Generic,
            LevelName::Unsupported => Self::Unsupported,
        }
    }
}

impl Coverage {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        let cloud = self.environment.cloud();
        let below = self.path.to_ascii_lowercase();
        if let Some(level) = self.level.map(Level::from) {
            let lines: String = coverage::all(cloud)
                .filter(|it| it.level == level && it.path.starts_with(&below))
                .map(|it| format!("{} {}\n", it.method, it.path))
                .collect();
            if lines.is_empty() {
                return Err(Failure::usage(format!(
                    "no documented request below '{}' has this level in {}: \
                     `entra-mock coverage` lists the areas",
                    self.path, self.environment
                )));
            }
            print(&lines);
        } else {
            print(&coverage::table(cloud, &below));
        }
        Ok(ExitCode::SUCCESS)
    }
}
