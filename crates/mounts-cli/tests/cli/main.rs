//! The program as it is used: the built binary over directories of the host.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod command_line;
mod commit;
mod diff;
mod documented;
mod dumps;
mod endings;
mod killed;
mod mounted;
mod program;
mod unsaved;
