//! `entra-mock`: flags and exit codes only; the work is the library's.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Faster than the system's where many small things come and go: an exchange makes some hundred.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    entra_mock::cli::main()
}
