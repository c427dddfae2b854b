//! What is measured: one function a row, which makes what the row needs when it is its turn.

mod history;
mod host;
mod listing;
mod memory;
mod overlay;
mod persisted;
mod routing;
mod script;
mod walk;

use crate::harness::Row;

/// What a row is called, and what makes it.
type Named = (&'static str, fn() -> Row);

/// Every row.
pub(crate) const ALL: &[Named] = &[
    ("memory: read 100 bytes", memory::read),
    (
        "memory: read 100 bytes, as the interpreter asks",
        memory::read_call,
    ),
    ("memory: create a file", memory::create),
    (
        "memory: create a file, as the interpreter asks",
        memory::create_call,
    ),
    ("memory: stat", memory::stat),
    ("memory: append 100 bytes to a file of 1 MiB", memory::append),
    ("listing: one entry of 1,000 in memory", listing::entry),
    (
        "listing: one entry of 1,000 in memory, as the interpreter asks",
        listing::entry_call,
    ),
    ("listing: 10 entries beside 100,000 files", listing::beside_many),
    ("host: stat", host::stat),
    ("host: read 1 KiB", host::read),
    ("host: replace a file of 1 KiB", host::write),
    ("overlay: create a file", overlay::create),
    ("overlay: stat of a host file", overlay::stat),
    ("overlay: read 1 KiB of a host file", overlay::read),
    (
        "overlay: rename a host directory of 10,000 files",
        overlay::rename,
    ),
    ("overlay: append a byte to a host file of 20 MiB", overlay::append),
    ("routing: read among 100 mounts", routing::among_hundred),
    ("routing: read among 10,000 mounts", routing::among_ten_thousand),
    ("walk: 10,000 files in memory", walk::memory),
    ("walk: 10,000 files of the host", walk::host),
    ("history: snapshot of 100,000 files", history::snapshot),
    ("history: fork of 100,000 files", history::fork),
    (
        "history: first write after a fork, among 100,000 entries",
        history::first_write,
    ),
    (
        "history: first write after a fork, among 100,000 entries of an overlay",
        history::first_write_in_overlay,
    ),
    ("history: which 10 of 100,000 files changed", history::changes),
    ("history: commit of 1,000 new files of 16 KiB", persisted::commit),
    ("history: dump of 1,000 files of 16 KiB", persisted::dump),
    ("history: load of 1,000 files of 16 KiB", persisted::load),
    ("script: read_text of 100 characters", script::read_text),
    ("script: exists", script::exists),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_the_documentation_once() {
        let documented = include_str!("../../../docs/benchmarks.md");
        for (name, _) in ALL {
            let lines = documented.matches(&format!("\n| {name} |")).count();
            assert_eq!(lines, 1, "{name}");
        }
    }
}
