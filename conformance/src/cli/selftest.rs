//! `entra-conformance selftest`: proves that the suite can fail.

use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::target::{LibraryFlags, SelectionFlags};
use super::{Failure, print, runtime};
use crate::reference::Mutant;
use crate::report::ExitStatus;
use crate::selftest::{Proof, Verdict, expectations, prove, prove_refusing, sample, styles};

#[derive(Debug, Args)]
pub(super) struct Selftest {
    #[command(flatten)]
    selection: SelectionFlags,
    #[command(flatten)]
    scenarios: LibraryFlags,

    /// Only this mutant; may be repeated
    #[arg(long, value_name = "NAME")]
    mutant: Vec<Mutant>,
    /// Only the connectors that refuse everything
    #[arg(long, conflicts_with = "mutant")]
    refusing: bool,
    /// Only the connectors that are right in a way of their own
    #[arg(long, conflicts_with_all = ["mutant", "refusing"])]
    styles: bool,
    /// How many cases run at once; the number of cores by default
    #[arg(long, short, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Write what each mutant turned red; after a review it becomes data/mutants.yaml
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// One JSON object
    Json,
}

impl Selftest {
    pub(super) fn execute(self) -> Result<ExitStatus, Failure> {
        let all = self.scenarios.load()?.cases();
        let cases = sample(&self.selection.select(&all)?);
        if cases.is_empty() {
            return Err(Failure {
                message: "no case was selected; 'entra-conformance list' shows what there is"
                    .to_owned(),
                status: ExitStatus::NothingSelected,
            });
        }
        let cores = std::thread::available_parallelism().ok();
        let jobs = self.jobs.or(cores).map_or(1, NonZeroUsize::get);
        let human = self.format == Format::Human;
        if human {
            print(&format!("{} cases for each connector\n\n", cases.len()));
        }
        let tell = |verdict: &Verdict| {
            if human {
                print(&line(verdict));
            }
        };
        if self.refusing || self.styles {
            let verdicts = runtime()?.block_on(async {
                if self.styles {
                    return styles(&cases, jobs).await;
                }
                Ok(vec![prove_refusing(&cases, jobs).await?])
            });
            let verdicts = verdicts.map_err(Failure::incomplete)?;
            for verdict in &verdicts {
                print(&line(verdict));
            }
            return Ok(if verdicts.iter().all(Verdict::is_as_expected) {
                ExitStatus::AsExpected
            } else {
                ExitStatus::Unexpected
            });
        }
        let proof = runtime()?
            .block_on(prove(&cases, &expectations(), &self.mutant, jobs, tell))
            .map_err(Failure::incomplete)?;
        if let Some(path) = &self.write {
            let text = serde_saphyr::to_string(&proof.found).map_err(Failure::incomplete)?;
            std::fs::write(path, text).map_err(|error| {
                Failure::usage(format!("cannot write {}: {error}", path.display()))
            })?;
        }
        print(&match self.format {
            Format::Human => summary(&proof),
            Format::Json => {
                serde_json::to_string_pretty(&proof).map_err(Failure::incomplete)? + "\n"
            }
        });
        Ok(if proof.holds() {
            ExitStatus::AsExpected
        } else {
            ExitStatus::Unexpected
        })
    }
}

/// A connector in a line, with what is wrong below it.
fn line(verdict: &Verdict) -> String {
    let word = if verdict.is_as_expected() {
        "ok  "
    } else {
        "FAIL"
    };
    let mut text = format!(
        "{word}  {:<32} {:>3} red  {}\n",
        verdict.name, verdict.red, verdict.says
    );
    for check in &verdict.missed {
        // Writing to a string does not fail.
        let _ = writeln!(text, "        is green and must be red: {check}");
    }
    for check in &verdict.surplus {
        let _ = writeln!(text, "        is red and is not listed: {check}");
    }
    text
}

fn summary(proof: &Proof) -> String {
    let mut text = String::new();
    for check in &proof.unproven {
        let _ = writeln!(text, "FAIL  no mutant turns this check red: {check}");
    }
    let wrong = proof
        .verdicts
        .iter()
        .filter(|verdict| !verdict.is_as_expected())
        .count();
    let _ = writeln!(
        text,
        "\n{} connectors: {} as expected, {wrong} not; {} must-checks without a mutant",
        proof.verdicts.len(),
        proof.verdicts.len() - wrong,
        proof.unproven.len()
    );
    text
}
