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
//! footprint   the one figure that is no time
//! ```

#![allow(
    clippy::expect_used,
    reason = "a measurement whose work fails has nothing to report"
)]

mod footprint;
mod harness;
mod peers;
mod report;
mod rows;

use std::process::ExitCode;

use harness::Effort;

/// What the figure of [`footprint`] is called.
const FOOTPRINT: &str = "history: memory of an idle fork of 100,000 files";
/// What it may be, in bytes.
const MOST_BYTES: f64 = 2048.0;

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
    let is_selected = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word));
    let selected: Vec<_> = rows::ALL.iter().filter(|(name, _)| is_selected(name)).collect();
    if selected.is_empty() && !is_selected(FOOTPRINT) {
        eprintln!("no row has a name with any of {words:?} in it; there are:");
        for name in rows::ALL.iter().map(|(name, _)| name).chain([&FOOTPRINT]) {
            eprintln!("  {name}");
        }
        return ExitCode::from(2);
    }
    report::heading();
    // First, while the process has not yet freed anything that the forks could be made of.
    if is_selected(FOOTPRINT)
        && let Some(bytes) = footprint::of_a_fork()
    {
        report::footprint(FOOTPRINT, bytes, MOST_BYTES);
    }
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
