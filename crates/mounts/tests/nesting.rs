//! Directories renamed into one another, again and again.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use mounts::history::LoadOptions;
use mounts::{Memory, Mount, Table};

fn kinds() -> [(&'static str, Table); 2] {
    [
        ("memory", Mount::memory()),
        ("overlay", Mount::overlay(Memory::new())),
    ]
    .map(|(kind, mount)| {
        let table = Table::new();
        table.mount("/m", mount).unwrap();
        (kind, table)
    })
}

/// Puts everything there is below fifty directories more. Answers whether that was possible.
fn wrap(table: &Table) -> bool {
    let chain = "/d".repeat(50);
    table.rename("/m/d", "/m/e").unwrap();
    table.create_dir_all(&format!("/m{chain}")).unwrap();
    match table.rename("/m/e", &format!("/m{chain}/e")) {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.errno(), Some(36), "{error}");
            false
        }
    }
}

/// A script of a few lines made a tree of a hundred thousand levels in memory, by renaming the tree it had into a new
/// chain of directories each time. When the mount was freed, the stack of whichever thread did it overflowed, and the
/// whole process was aborted. No rename makes a tree that deep.
#[test]
fn no_script_makes_a_tree_too_deep_to_be_walked_and_freed() {
    for (kind, table) in kinds() {
        table.create_dir_all(&format!("/m{}", "/d".repeat(50))).unwrap();
        let wrapped = (0..2_000).take_while(|_| wrap(&table)).count();
        assert_eq!(wrapped, 4, "{kind}: 250 levels fit, and 300 do not");
        assert!(!table.changes().is_empty(), "{kind}");
        let loaded = Table::load(&table.dump().unwrap(), LoadOptions::new()).unwrap();
        loaded.rename("/m/e", "/m/f").unwrap();
        let deeper = loaded.rename("/m/f", "/m/d/d/d/d/d/d/d/f").unwrap_err();
        assert_eq!(
            deeper.errno(),
            Some(36),
            "{kind}: what was loaded is as deep as it was"
        );
        // The smallest stack that anything of this runs on.
        let freed = std::thread::Builder::new().stack_size(256 << 10);
        freed
            .spawn(move || drop((table, loaded)))
            .unwrap()
            .join()
            .unwrap();
    }
}

/// The number of levels that a directory is known to have at most is not counted again when something leaves it. A
/// rename must not be refused for what is no longer there.
#[test]
fn a_directory_that_was_deep_once_can_be_moved_like_any_other() {
    for (kind, table) in kinds() {
        table.create_dir_all(&format!("/m{}", "/d".repeat(50))).unwrap();
        assert!(wrap(&table) && wrap(&table) && wrap(&table), "{kind}");
        let chain = format!("/m{}", "/d".repeat(50));
        table.rename(&format!("{chain}/e"), "/m/out").unwrap();
        table
            .create_dir_all(&format!("/m/new{}", "/x".repeat(60)))
            .unwrap();
        table
            .rename("/m/d", &format!("/m/new{}/d", "/x".repeat(60)))
            .unwrap();
        for round in 0..1_000 {
            let (from, to) = [("/m/out", "/m/other"), ("/m/other", "/m/out")][round % 2];
            table.rename(from, to).unwrap();
        }
        for round in 0..300 {
            let (from, to) = [("/m/out", "/m/box/out"), ("/m/box/out", "/m/out")][round % 2];
            table.create_dir_all("/m/box").unwrap();
            table.rename(from, to).unwrap();
        }
    }
}
