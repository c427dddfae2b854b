//! Creating and deleting without end: the counters and the memory of the process return to where they were.
//!
//! `MOUNTS_CYCLES` asks for more cycles than the suite's bounded share. The binary has one test, for it measures the
//! memory of its process.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and asks the system about itself"
)]

use std::sync::Arc;

use mounts::{Lease, LeaseMode, Memory, Mount, Overlay, Table};

fn cycles() -> u64 {
    let asked = std::env::var("MOUNTS_CYCLES").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(4000)
}

/// Makes, changes, moves and removes files and directories, some of them of the lower layer's.
fn cycle(lease: &Lease, round: u64) {
    let name = format!("/m/name{round}");
    lease.create_dir(&name).unwrap();
    lease.write(&format!("{name}/a"), vec![b'x'; 1000]).unwrap();
    lease.append(&format!("{name}/a"), b"more").unwrap();
    lease.rename(&format!("{name}/a"), &format!("{name}/b")).unwrap();
    lease.rename(&name, "/m/moved").unwrap();
    lease.remove_file("/m/moved/b").unwrap();
    lease.remove_dir("/m/moved").unwrap();

    lease.append("/m/kept/log", b"line\n").unwrap();
    lease.write("/m/kept/log", "log\n").unwrap();
    lease.rename("/m/kept/log", "/m/kept/old").unwrap();
    lease.rename("/m/kept/old", "/m/kept/log").unwrap();
}

/// The resident memory of this process in bytes, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes << 10)
}

#[test]
fn a_million_cycles_leave_the_counters_and_the_memory_where_they_were() {
    let grown = || {
        let memory = Arc::new(Memory::new());
        let table = Table::new();
        table.mount("/m", Mount::read_write(Arc::clone(&memory))).unwrap();
        table.create_dir_all("/m/kept").unwrap();
        table.write("/m/kept/log", "log\n").unwrap();
        memory
    };
    let kinds = [
        ("memory", Mount::read_write(grown())),
        ("overlay over memory", Mount::overlay(grown())),
        ("overlay over overlay", Mount::overlay(Overlay::new(grown()))),
    ];
    for (kind, mount) in kinds {
        let table = Table::new();
        table.mount("/m", mount).unwrap();
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        // The first cycles take up what the others reuse: the allocator's arenas, and the lower file that is changed.
        for round in 0..500 {
            cycle(&lease, round);
        }
        let (held, before) = (lease.mounts()[0].usage.held, resident());
        for round in 0..cycles() {
            cycle(&lease, round);
        }
        assert_eq!(lease.mounts()[0].usage.held, held, "{kind}");
        if let (Some(before), Some(after)) = (before, resident()) {
            let grown = after.saturating_sub(before);
            assert!(
                grown < 2 << 20,
                "{kind}: {grown} bytes more after {} cycles",
                cycles()
            );
        }
    }
}
