//! Feature `monty`, through the interpreter: what scripts see, and what their host can rely on.

#![cfg(feature = "monty")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and makes the host's files that it mounts"
)]

mod calls;
mod decoding;
mod differential;
mod endless;
mod errors;
#[path = "../support/linked.rs"]
mod linked;
mod metering;
mod modules;
mod scans;
mod script;
mod time;
