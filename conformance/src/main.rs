//! `entra-conformance`: flags and exit codes only; the work is the library's.

use std::path::PathBuf;
use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Faster than the system's where many small things come and go: an exchange makes some hundred.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    // Where both programs travel together they are one, of which `entra-mock` is another name.
    let called = PathBuf::from(std::env::args_os().next().unwrap_or_default());
    if called.file_stem().is_some_and(|it| it == "entra-mock") {
        entra_mock::cli::main()
    } else {
        entra_conformance::cli::main()
    }
}
