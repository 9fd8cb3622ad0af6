//! `entra-conformance`: flags and exit codes only; the work is the library's.

use std::process::ExitCode;

fn main() -> ExitCode {
    entra_conformance::cli::main()
}
