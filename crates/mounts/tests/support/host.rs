//! Host directories for the tests about them: each test runs with the kernel's lookup and with the component walk.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses its own part, and a test fails by unwrapping"
)]

use std::path::Path;

use mounts::{HostDirectory, HostDirectoryError, Limits, Mount, Table};

type Open = fn(&Path) -> Result<HostDirectory, HostDirectoryError>;

const LOOKUPS: [(&str, Open); 2] = [
    ("as the system allows", |path| HostDirectory::open(path)),
    ("component by component", |path| HostDirectory::open_walked(path)),
];

/// Runs `check` on a table with `directory` mounted read-only at `/m`, once for each way of looking paths up.
pub(crate) fn with_each_lookup(directory: &Path, check: impl Fn(&Table)) {
    with_limits(directory, Limits::default(), check);
}

/// As [`with_each_lookup`], with the mount under `limits`.
pub(crate) fn with_limits(directory: &Path, limits: Limits, check: impl Fn(&Table)) {
    for (lookup, open) in LOOKUPS {
        eprintln!("looking paths up {lookup}");
        let table = Table::new();
        let mount = Mount::read_only(open(directory).unwrap()).with_limits(limits);
        table.mount("/m", mount).unwrap();
        check(&table);
    }
}

/// The names in a directory of the table.
pub(crate) fn names(table: &Table, path: &str) -> Vec<String> {
    table
        .list(path)
        .unwrap()
        .iter()
        .map(|entry| entry.name.to_string())
        .collect()
}
