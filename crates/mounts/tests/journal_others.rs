//! What is reported of a written mount in which others work too.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and plays the host"
)]

mod support;

use std::fs;

use mounts::Mount;
use mounts::history::ChangeKind::{Created, Deleted};
use support::committed::{directory, house};
use support::history::mounted;

/// The host removed what the script had made. A directory that is then removed, or moved, was empty: a file that would
/// still be reported as new in it would be nowhere.
#[test]
fn what_the_host_took_out_of_a_directory_is_not_reported_in_it_when_the_directory_goes() {
    let disk = house(&[("d/kept", ""), ("e/kept", "")]);
    let table = mounted(Mount::read_write(directory(&disk)));
    for path in ["d", "e"] {
        table.write(&format!("/m/{path}/new"), "1").unwrap();
        fs::remove_file(disk.path().join(path).join("new")).unwrap();
    }
    table.remove_file("/m/d/kept").unwrap();
    table.remove_dir("/m/d").unwrap();
    table.rename("/m/e", "/m/f").unwrap();
    let changes = table.changes();
    let kinds: Vec<_> = changes
        .iter()
        .map(|change| (change.path.as_str(), change.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            ("/m/d", Deleted),
            ("/m/d/kept", Deleted),
            ("/m/e", Deleted),
            ("/m/e/kept", Deleted),
            ("/m/f", Created),
            ("/m/f/kept", Created),
        ]
    );
}
