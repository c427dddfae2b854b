//! Observers: what they are told, when they stop, and that nobody else notices them.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use mounts::{
    ErrorKind, Event, EventRing, Globs, LeaseMode, Mount, Namespace, Observer, OpenMode, Operation, Rules,
    Subscription, Table,
};
use support::kind;

fn table() -> Table {
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    table
}

/// A ring that keeps what the table tells.
fn ringed(table: &Table) -> (Arc<EventRing>, Subscription) {
    let ring = Arc::new(EventRing::default());
    let subscription = table.observe(Arc::clone(&ring));
    (ring, subscription)
}

/// What an event says, without how long it took.
type Told = (Operation, String, u64, Result<(), ErrorKind>);

fn told(ring: &EventRing) -> Vec<Told> {
    let batch = ring.take();
    assert_eq!(batch.dropped, 0);
    let told = |event: Event<'static>| {
        (
            event.operation,
            event.path.into_owned(),
            event.bytes,
            event.result,
        )
    };
    batch.events.into_iter().map(told).collect()
}

/// An operation, and what is told of it: what, where, how many bytes, and the result.
type Case = (
    fn(&Namespace) -> mounts::Result<()>,
    Operation,
    &'static str,
    u64,
    Result<(), ErrorKind>,
);

const OK: Result<(), ErrorKind> = Ok(());
const MISSING: Result<(), ErrorKind> = Err(ErrorKind::NotFound);

const READS: [Case; 11] = [
    (
        |files| files.read("/m/f").map(drop),
        Operation::Read,
        "/m/f",
        5,
        OK,
    ),
    (
        |files| files.read("/m/./b").map(drop),
        Operation::Read,
        "/m/./b",
        0,
        MISSING,
    ),
    (|files| files.open("/m/f"), Operation::Open, "/m/f", 0, OK),
    (
        |files| files.metadata("/m/f").map(drop),
        Operation::Metadata,
        "/m/f",
        0,
        OK,
    ),
    (
        |files| files.symlink_metadata("/m/f").map(drop),
        Operation::SymlinkMetadata,
        "/m/f",
        0,
        OK,
    ),
    (|files| files.list("/m").map(drop), Operation::List, "/m", 0, OK),
    (
        |files| files.list("/m/f").map(drop),
        Operation::List,
        "/m/f",
        0,
        Err(ErrorKind::NotADirectory),
    ),
    (
        |files| files.real_path("/m/x").map(drop),
        Operation::Resolve,
        "/m/x",
        0,
        OK,
    ),
    (
        |files| files.read("/other").map(drop),
        Operation::Read,
        "/other",
        0,
        Err(ErrorKind::NotCovered),
    ),
    (
        |files| files.read("m").map(drop),
        Operation::Read,
        "m",
        0,
        Err(ErrorKind::NotAbsolute),
    ),
    (
        |files| files.read("/m/\0").map(drop),
        Operation::Read,
        "/m/\0",
        0,
        Err(ErrorKind::Nul),
    ),
];

const CHANGES: [Case; 8] = [
    (
        |files| files.write("/m/a", "four"),
        Operation::Write,
        "/m/a",
        4,
        OK,
    ),
    (
        |files| files.write("/m/d/a", "four"),
        Operation::Write,
        "/m/d/a",
        0,
        MISSING,
    ),
    (
        |files| files.append("/m/a", b"s"),
        Operation::Append,
        "/m/a",
        1,
        OK,
    ),
    (
        |files| files.open_for_write("/m/b", OpenMode::Append),
        Operation::Open,
        "/m/b",
        0,
        OK,
    ),
    (
        |files| files.create_dir("/m/d"),
        Operation::CreateDir,
        "/m/d",
        0,
        OK,
    ),
    (
        |files| files.remove_file("/m/a"),
        Operation::RemoveFile,
        "/m/a",
        0,
        OK,
    ),
    (
        |files| files.remove_dir("/m/d"),
        Operation::RemoveDir,
        "/m/d",
        0,
        OK,
    ),
    (
        |files| files.remove_dir("/m"),
        Operation::RemoveDir,
        "/m",
        0,
        Err(ErrorKind::PermissionDenied),
    ),
];

#[test]
fn every_operation_is_told_with_its_path_its_bytes_and_its_result() {
    let table = table();
    table.write("/m/f", "bytes").unwrap();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    let (ring, _subscription) = ringed(&table);
    for (act, operation, path, bytes, result) in READS.into_iter().chain(CHANGES) {
        let answer = act(&lease).map_err(|error| error.kind());
        assert_eq!(answer, result, "{operation:?} {path}");
        assert_eq!(told(&ring), [(operation, path.to_owned(), bytes, result)]);
    }
}

#[test]
fn a_rename_is_told_with_both_paths_and_what_a_rule_refuses_is_told_too() {
    let table = Table::new();
    let rules = Rules::new(Globs {
        hide: vec!["secret".into()],
        ..Globs::default()
    });
    let mount = Mount::memory().with_files([("/secret", ""), ("/a", "")]).unwrap();
    table.mount("/m", mount.with_rules(rules.unwrap())).unwrap();
    let (ring, _subscription) = ringed(&table);
    table.rename("/m/a", "/m/b").unwrap();
    table.rename("/m/b", "/m/secret").unwrap_err();
    let events = ring.take().events;
    let pairs: Vec<_> = events
        .iter()
        .map(|event| (&*event.path, event.destination.as_deref(), event.result))
        .collect();
    assert_eq!(
        pairs,
        [
            ("/m/a", Some("/m/b"), Ok(())),
            ("/m/b", Some("/m/secret"), Err(ErrorKind::NotFound))
        ]
    );
}

#[test]
fn a_lease_taken_before_is_observed_and_a_dropped_subscription_is_not() {
    let table = table();
    let lease = table.checkout(LeaseMode::Shared).unwrap();
    let (first, second) = (Arc::new(EventRing::default()), Arc::new(EventRing::default()));
    let first_subscription = table.observe(Arc::clone(&first));
    let second_subscription = table.observe(Arc::clone(&second));
    lease.write("/m/a", "1").unwrap();
    table.read("/m/a").unwrap();
    drop(first_subscription);
    lease.read("/m/a").unwrap();
    drop(second_subscription);
    lease.read("/m/a").unwrap();
    assert_eq!((told(&first).len(), told(&second).len()), (2, 3));
    drop(lease);
    // Mounting makes a new namespace, for the same observers.
    let _third = table.observe(Arc::clone(&first));
    table.mount("/n", Mount::memory()).unwrap();
    table.write("/n/a", "").unwrap();
    assert_eq!(told(&first).len(), 1);
}

#[test]
fn two_tables_do_not_know_of_each_other() {
    let (one, other) = (table(), table());
    let (ring, _subscription) = ringed(&one);
    other.write("/m/a", "").unwrap();
    assert!(told(&ring).is_empty());
}

#[test]
fn a_full_ring_keeps_the_first_and_counts_the_rest() {
    for capacity in [0, 3] {
        let table = table();
        let ring = Arc::new(EventRing::new(capacity));
        let _subscription = table.observe(Arc::clone(&ring));
        for round in 0..10_u8 {
            table.write("/m/a", vec![0; round.into()]).unwrap();
        }
        let batch = ring.take();
        let bytes: Vec<_> = batch.events.iter().map(|event| event.bytes).collect();
        assert_eq!(bytes, (0..capacity as u64).collect::<Vec<_>>());
        assert_eq!(batch.dropped, 10 - capacity as u64);
        assert_eq!(ring.take().dropped, 0, "what was counted is not counted again");
    }
}

#[test]
fn whoever_waits_for_events_gets_them_or_an_empty_batch_in_time() {
    let table = table();
    let (ring, _subscription) = ringed(&table);
    let began = Instant::now();
    assert!(ring.wait(Duration::from_millis(10)).events.is_empty());
    assert!(began.elapsed() >= Duration::from_millis(10));
    let batch = thread::scope(|scope| {
        let waiting = scope.spawn(|| ring.wait(Duration::MAX));
        table.write("/m/a", "").unwrap();
        waiting.join().unwrap()
    });
    assert_eq!(batch.events.len(), 1);
}

struct Panicking(Arc<AtomicUsize>);

impl Observer for Panicking {
    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        panic!("an observer of a test panics");
    }
}

#[test]
fn an_observer_that_panics_is_told_of_nothing_more_and_nobody_else_notices() {
    let table = table();
    let calls = Arc::new(AtomicUsize::new(0));
    let _panicking = table.observe(Panicking(Arc::clone(&calls)));
    let (ring, _subscription) = ringed(&table);
    table.write("/m/a", "1").unwrap();
    assert_eq!(table.read("/m/a").unwrap(), *b"1");
    assert_eq!(kind(table.read("/m/b")), ErrorKind::NotFound);
    assert_eq!((calls.load(Ordering::Relaxed), told(&ring).len()), (1, 3));
}

/// Reads the file that was written, and ends its own table's other subscription, from within an event.
struct Meddling {
    table: Table,
    other: parking_lot::Mutex<Option<Subscription>>,
    depth: AtomicUsize,
}

impl Observer for Meddling {
    fn event(&self, _: &Event<'_>) {
        drop(self.other.lock().take());
        if self.depth.fetch_add(1, Ordering::Relaxed) < 3 {
            assert_eq!(self.table.read("/m/a").unwrap(), *b"1");
        }
    }
}

#[test]
fn an_observer_may_use_the_table_and_end_subscriptions() {
    let table = table();
    let (ring, other) = ringed(&table);
    let meddling = Arc::new(Meddling {
        table: table.clone(),
        other: parking_lot::Mutex::new(Some(other)),
        depth: AtomicUsize::new(0),
    });
    let subscription = table.observe(Arc::clone(&meddling));
    table.write("/m/a", "1").unwrap();
    drop(subscription);
    assert_eq!(
        meddling.depth.load(Ordering::Relaxed),
        4,
        "the write and three reads"
    );
    assert_eq!(told(&ring).len(), 1);
}

/// What a script names may be as long as its memory is large; what is kept of it is not.
#[test]
fn a_path_longer_than_any_is_cut() {
    let table = table();
    let (ring, _subscription) = ringed(&table);
    let long = format!("/m/x{}\0", "é".repeat(100_000));
    table.read(&long).unwrap_err();
    table.rename("/m/a", &long).unwrap_err();
    for event in ring.take().events {
        let shown = event.destination.as_ref().unwrap_or(&event.path);
        assert!(shown.len() <= mounts::MAX_PATH_BYTES + '…'.len_utf8() && shown.ends_with("é…"));
    }
}

#[test]
fn operations_of_many_threads_are_all_told_or_counted() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 500;
    let table = table();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    let ring = Arc::new(EventRing::new(64));
    let subscription = table.observe(Arc::clone(&ring));
    let start = Barrier::new(THREADS + 1);
    let seen = thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    for _ in 0..ROUNDS {
                        lease.append("/m/log", b"x").unwrap();
                    }
                })
            })
            .collect();
        start.wait();
        let mut seen = 0;
        while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
            let batch = ring.take();
            seen += batch.events.len() as u64 + batch.dropped;
        }
        seen
    });
    let rest = ring.take();
    assert_eq!(
        seen + rest.events.len() as u64 + rest.dropped,
        (THREADS * ROUNDS) as u64
    );
    drop(subscription);
    assert_eq!(lease.read("/m/log").unwrap().len(), THREADS * ROUNDS);
}
