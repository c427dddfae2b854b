//! What a fork keeps in memory while nothing is done with it.
//!
//! Asked of the system: how much the process has resident before and after it makes many forks of one table.

use std::fs;

use mounts::{Mount, Table};

/// How many forks are made.
const FORKS: u32 = 100_000;

/// The bytes that one idle fork of a table of 100,000 files keeps; `None` where the system does not tell.
pub(crate) fn of_a_fork() -> Option<f64> {
    let table = Table::new();
    table.mount("/data", Mount::memory()).expect("the table is empty");
    for number in 0..100_000 {
        table
            .write(&format!("/data/file{number:06}.txt"), "text")
            .expect("the file can be written");
    }
    let before = resident()?;
    let forks: Vec<Table> = (0..FORKS).map(|_| table.fork()).collect();
    let after = resident()?;
    assert_eq!(forks.len(), FORKS as usize);
    Some((after - before) / f64::from(FORKS))
}

/// The bytes of this process that are in memory (Linux).
fn resident() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}
