//! Any bytes as a dump: refused, or a table that can be used. Most are a dump with everything in it, damaged behind a
//! checksum that is right.

use std::sync::Arc;

use mounts::history::{LoadOptions, OnDrift};
use mounts::{FileType, Globs, LeaseMode, Memory, Mount, Namespace, Overlay, Rules, Table};

#[path = "../support/packed.rs"]
pub(crate) mod packed;

/// What is allowed to a dump here, in bytes.
const LIMIT: u64 = 1 << 20;

/// Loads bytes that may be anything, and uses what comes of it. Answers whether anything came.
pub(crate) fn load_and_use(bytes: &[u8]) -> bool {
    let options = LoadOptions::new()
        .with_max_size(LIMIT)
        .with_on_drift(OnDrift::Keep);
    // Where the dump asks for a host directory, it is given a tree: what it owns of it has drifted.
    let given = || Arc::new(Memory::new());
    let table = Table::load(bytes, options).or_else(|error| match error.paths() {
        [point] => Table::load(
            bytes,
            LoadOptions::new()
                .with_max_size(LIMIT)
                .with_on_drift(OnDrift::Keep)
                .with_host(point, given()),
        ),
        _ => Err(error),
    });
    let Ok(table) = table else {
        return false;
    };
    let again = table.dump();
    if let Ok(again) = again {
        let _ = Table::load(&again, LoadOptions::new());
    }
    let snapshot = table.snapshot();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    let mut looks = 1_000;
    for mount in lease.mounts() {
        visit(&lease, mount.point.trim_end_matches('/'), &mut looks);
        for step in ["a", "b", "a/b", "c/a"] {
            let at = format!("{}/{step}", mount.point.trim_end_matches('/'));
            let _ = lease.append(&at, b"+");
            let _ = lease.rename(&at, &format!("{at}+"));
            let _ = lease.create_dir_all(&at);
            let _ = lease.remove_dir(&at);
            let _ = lease.remove_file(&format!("{at}+"));
            let _ = lease.write(&at, "whole");
        }
    }
    let _ = (lease.changes(), lease.diff("/"));
    drop(lease);
    let _ = table.restore(&snapshot);
    let _ = table.fork().changes();
    true
}

fn visit(namespace: &Namespace, path: &str, looks: &mut u32) {
    for entry in namespace.list(&format!("{path}/")).unwrap_or_default() {
        let below = format!("{path}/{}", entry.name);
        let _ = namespace.symlink_metadata(&below);
        let _ = namespace.read(&below);
        *looks = looks.saturating_sub(1);
        if *looks > 0 && entry.file_type == FileType::Directory {
            visit(namespace, &below, looks);
        }
    }
}

/// A table with everything in it: trees, layers over layers, whiteouts, moved directories, tails, rules, limits.
pub(crate) fn rich() -> Table {
    let memory = Arc::new(Memory::new());
    let table = Table::new();
    table
        .mount("/base", Mount::read_write(Arc::clone(&memory)))
        .unwrap();
    for file in ["a/one", "a/b/two", "b/three", "c"] {
        let path = format!("/base/{file}");
        table.create_dir_all(path.rsplit_once('/').unwrap().0).unwrap();
        table.write(&path, format!("contents of {file}")).unwrap();
    }
    let rules = Rules::new(Globs {
        hide: vec!["**/.env".into()],
        deny: vec!["no/*".into()],
        ..Globs::default()
    });
    let middle = Overlay::new(Arc::clone(&memory));
    table.mount("/m", Mount::overlay(middle)).unwrap();
    table
        .mount("/m/in", Mount::memory().with_rules(rules.unwrap()))
        .unwrap();
    table.rename("/m/a", "/m/moved").unwrap();
    table.append("/m/moved/b/two", b" and a tail").unwrap();
    table.remove_file("/m/c").unwrap();
    table.remove_file("/m/b/three").unwrap();
    table.remove_dir("/m/b").unwrap();
    table.create_dir_all("/m/b").unwrap();
    table.write("/m/in/f", "f").unwrap();
    let base = Table::new();
    base.mount("/lib/deep", Mount::memory()).unwrap();
    base.write("/lib/deep/f", "f").unwrap();
    table.mount("/snap", Mount::overlay(base.snapshot())).unwrap();
    table.append("/snap/lib/deep/f", b"+").unwrap();
    table
}

/// Damages the body: each five bytes say where, how and with what.
fn damaged(mut body: Vec<u8>, damages: &[u8]) -> Vec<u8> {
    for damage in damages.chunks_exact(5) {
        let place = usize::from(u16::from_le_bytes([damage[0], damage[1]]));
        let length = usize::from(damage[2] % 16);
        let place = place % body.len().max(1);
        let end = (place + length).min(body.len());
        match damage[3] % 5 {
            0 => body[place] = damage[4],
            1 => body[place] ^= 1 << (damage[4] % 8),
            2 => drop(body.drain(place..end)),
            3 => drop(body.splice(place..place, std::iter::repeat_n(damage[4], length))),
            _ => body.extend_from_within(place..end),
        }
        if body.is_empty() {
            break;
        }
    }
    body
}

pub(crate) fn run(bytes: &[u8]) {
    load_and_use(bytes);
    load_and_use(&packed::dump(bytes));
    load_and_use(&packed::sealed(1, bytes.len() as u64, bytes));
    let body = packed::body(&rich().dump().unwrap());
    load_and_use(&packed::dump(&damaged(body, bytes)));
}
