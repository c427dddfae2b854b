//! The crate `vfs` on both sides of a table: its file systems as mounts, and a table as one of them.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[path = "vfs/conformance.rs"]
mod conformance;
#[path = "vfs/faulty.rs"]
mod faulty;
#[path = "vfs/file_system.rs"]
mod file_system;
#[path = "vfs/mounted.rs"]
mod mounted;
