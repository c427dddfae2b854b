//! Inode numbers in overlays.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use std::collections::BTreeSet;
use std::sync::Arc;

use mounts::{Memory, Mount, Overlay, Table};

/// Each layer numbers what is born in it by itself. If both began at the same number, two files of one mount would have
/// one inode number, and a script, or a comparison of two states, would take them for one file.
#[test]
fn entries_born_in_layers_on_one_another_have_numbers_of_their_own() {
    let middle = Arc::new(Overlay::new(Memory::new()));
    let below = Table::new();
    below.mount("/m", Mount::read_write(Arc::clone(&middle))).unwrap();
    below.write("/m/one", "").unwrap();
    let table = Table::new();
    table.mount("/m", Mount::overlay(middle)).unwrap();
    table.write("/m/two", "").unwrap();
    below.write("/m/three", "").unwrap();
    let numbers: BTreeSet<_> = ["/m/one", "/m/two", "/m/three"]
        .map(|path| table.metadata(path).unwrap().inode)
        .into();
    assert_eq!(numbers.len(), 3);
}
