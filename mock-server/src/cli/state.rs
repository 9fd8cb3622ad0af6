//! `entra-mock state`: export, import, reset.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use hyper::Method;

use super::client::ControlArgument;
use super::{Failure, print, runtime};

#[derive(Debug, Args)]
pub(super) struct StateCommand {
    #[command(subcommand)]
    action: StateAction,
    #[command(flatten)]
    control: ControlArgument,
}

#[derive(Debug, Subcommand)]
enum StateAction {
    /// Print everything that is in the mock
    Export {
        /// Print a seed file to copy and edit, instead of JSON with everything
        #[arg(long)]
        yaml: bool,
        /// Write to a file (mode 0600: it has every secret of the mock)
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Replace everything that is in the mock by what was exported as JSON
    Import {
        /// The file; - is standard input
        file: PathBuf,
    },
    /// Return to the world as it was at the start
    Reset,
}

impl StateCommand {
    pub(super) fn execute(self) -> Result<ExitCode, Failure> {
        let control = &self.control;
        runtime()?.block_on(async {
            match &self.action {
                StateAction::Export { yaml, output } => {
                    let query = if *yaml { "?format=yaml" } else { "" };
                    let path = format!("/api/v1/state{query}");
                    let text = control.text(Method::GET, &path, Vec::new()).await?;
                    match output {
                        Some(output) => crate::file::write(output, text.as_bytes(), 0o600)
                            .map_err(|error| failed("write", output, &error))?,
                        None => print(&text),
                    }
                }
                StateAction::Import { file } => {
                    let text = read(file).map_err(|error| failed("read", file, &error))?;
                    control.text(Method::PUT, "/api/v1/state", text).await?;
                }
                StateAction::Reset => {
                    control
                        .call(Method::POST, "/api/v1/state/reset", None)
                        .await?;
                }
            }
            Ok(ExitCode::SUCCESS)
        })
    }
}

fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    if file.as_os_str() == "-" {
        let mut text = Vec::new();
        std::io::stdin().lock().read_to_end(&mut text)?;
        return Ok(text);
    }
    fs::read(file)
}

fn failed(action: &str, path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::usage(format!("cannot {action} {}: {error}", path.display()))
}
