//! Measures the mount table beside what others do for the same calls, and prints how they compare.
//!
//! ```text
//! cd crates/nif && cargo run --release --ignore-rust-version -p bench -- [--quick] [WORD…]
//! ```
//!
//! With words, only the rows whose names contain one of them. With `--quick`, everything is done once, for the sake of
//! the comparison of the answers; the times then say nothing.
//!
//! ```text
//! harness     contenders, interleaved rounds, medians
//! report      what is printed
//! peers       those measured beside ours, behind one way to ask
//! rows        what is measured: one function a row
//! ```

#![allow(
    clippy::expect_used,
    reason = "a measurement whose work fails has nothing to report"
)]

mod harness;
mod peers;
mod report;
mod rows;

use std::process::ExitCode;

use harness::Effort;

fn main() -> ExitCode {
    let mut effort = Effort::Full;
    let mut words = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quick" => effort = Effort::Quick,
            option if option.starts_with('-') => {
                eprintln!(
                    "unknown option {option}: the only one is --quick, anything else selects rows by name"
                );
                return ExitCode::from(2);
            }
            _ => words.push(argument),
        }
    }
    let selected: Vec<_> = rows::ALL
        .iter()
        .filter(|(name, _)| words.is_empty() || words.iter().any(|word| name.contains(word)))
        .collect();
    if selected.is_empty() {
        eprintln!("no row has a name with any of {words:?} in it; there are:");
        for (name, _) in rows::ALL {
            eprintln!("  {name}");
        }
        return ExitCode::from(2);
    }
    report::heading();
    for (name, row) in selected {
        match row().measure(effort) {
            Ok(measured) => report::row(name, &measured),
            Err(disagreement) => {
                eprintln!("{name}: {disagreement}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
