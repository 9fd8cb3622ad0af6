//! Prints how many RSA-2048 signatures one core makes a second: the ceiling of a token endpoint.
//!
//! `cargo run --release -p entra-mock --example raw_signing -- SECONDS`; used by `tests/load/run`.

use std::time::{Duration, Instant};

use entra_mock::environment::SignInCloud;
use entra_mock::token::KeyRings;

fn main() {
    let seconds = std::env::args()
        .nth(1)
        .and_then(|it| it.parse().ok())
        .unwrap_or(3);
    let key = KeyRings::new(None).of(SignInCloud::Global).key(0);
    let message = [b'x'; 900];
    let mut signatures = 0_u32;
    #[expect(clippy::disallowed_methods, reason = "a measurement of real time")]
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        std::hint::black_box(key.sign(std::hint::black_box(&message)));
        signatures += 1;
    }
    println!(
        "{:.0}",
        f64::from(signatures) / start.elapsed().as_secs_f64()
    );
}
