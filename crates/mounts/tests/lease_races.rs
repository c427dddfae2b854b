//! Leases under threads: exclusion holds, nobody is forgotten, and whoever withdraws in a race gets one of the two
//! possible outcomes, whole.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use mounts::{ErrorKind, Event, Lease, LeaseMode, Mount, Observer, Operation, Table, Ticket};
use parking_lot::Mutex;

use LeaseMode::{Exclusive, Shared};

/// Longer than any test takes: a wake-up that is lost fails by this.
const LONG: Duration = Duration::from_mins(10);

/// Small reproducible choices: `SplitMix64`.
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Who is inside, by the leases' own account.
#[derive(Default)]
struct Room {
    exclusive: AtomicUsize,
    shared: AtomicUsize,
    most_shared: AtomicUsize,
}

impl Room {
    /// Goes in with `lease`, checks who else is there, and comes out again.
    fn visit(&self, lease: &Lease) {
        match lease.mode() {
            Exclusive => {
                assert_eq!(
                    self.exclusive.fetch_add(1, Ordering::SeqCst),
                    0,
                    "two exclusive leases"
                );
                for _ in 0..3 {
                    assert_eq!(
                        self.shared.load(Ordering::SeqCst),
                        0,
                        "a shared lease beside an exclusive one"
                    );
                    thread::yield_now();
                }
                self.exclusive.fetch_sub(1, Ordering::SeqCst);
            }
            Shared => {
                let inside = self.shared.fetch_add(1, Ordering::SeqCst) + 1;
                self.most_shared.fetch_max(inside, Ordering::SeqCst);
                for _ in 0..3 {
                    assert_eq!(
                        self.exclusive.load(Ordering::SeqCst),
                        0,
                        "an exclusive lease beside a shared one"
                    );
                    thread::yield_now();
                }
                self.shared.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }
}

/// Threads come by every door, most of them with little patience. In the end each waits as long as it takes: had a
/// wake-up been lost, or a lease, it would wait in vain.
#[test]
fn leases_and_tables_may_be_sent_and_shared_and_tickets_too() {
    fn both<T: Send + Sync + 'static>() {}
    both::<Lease>();
    both::<Table>();
    both::<Ticket>();
}

#[test]
fn exclusion_holds_and_nobody_is_forgotten_under_stress() {
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 3_000;
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    let room = Arc::new(Room::default());
    let [granted, refused, withdrawn, changed] = [const { AtomicUsize::new(0) }; 4];
    let count = |counter: &AtomicUsize| {
        counter.fetch_add(1, Ordering::Relaxed);
    };
    thread::scope(|scope| {
        for seed in 0..THREADS {
            let (table, room) = (&table, &room);
            let (granted, refused, withdrawn, changed) = (&granted, &refused, &withdrawn, &changed);
            scope.spawn(move || {
                let mut choices = Choices(seed);
                for _ in 0..ROUNDS {
                    let mode = if choices.below(3) == 0 { Exclusive } else { Shared };
                    let taken = match choices.below(5) {
                        0 => table.checkout(mode),
                        1 | 2 => table.checkout_timeout(mode, Duration::from_micros(choices.below(3_000))),
                        3 => {
                            let (room, (told, answer)) = (Arc::clone(room), channel());
                            let ticket = table.checkout_queued(mode, move |lease| {
                                room.visit(&lease);
                                told.send(()).unwrap_or(());
                            });
                            for _ in 0..choices.below(8) {
                                thread::yield_now();
                            }
                            if ticket.withdraw() {
                                assert!(answer.recv().is_err(), "withdrawn, and run");
                                count(withdrawn);
                            } else {
                                answer.recv_timeout(LONG).unwrap();
                                count(granted);
                            }
                            continue;
                        }
                        _ => {
                            match table.append("/m/log", b"x") {
                                Ok(()) => count(changed),
                                Err(error) => assert_eq!(error.kind(), ErrorKind::InUse),
                            }
                            continue;
                        }
                    };
                    match taken {
                        Ok(lease) => {
                            room.visit(&lease);
                            count(granted);
                        }
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::InUse);
                            count(refused);
                        }
                    }
                }
                room.visit(&table.checkout_timeout(Exclusive, LONG).unwrap());
                room.visit(&table.checkout_timeout(Shared, LONG).unwrap());
            });
        }
    });
    for (outcome, counter) in [
        ("granted", &granted),
        ("refused", &refused),
        ("withdrawn", &withdrawn),
        ("changed", &changed),
    ] {
        assert!(
            counter.load(Ordering::Relaxed) > 100,
            "hardly any round was {outcome}"
        );
    }
    assert!(
        room.most_shared.load(Ordering::Relaxed) > 1,
        "shared leases never overlapped"
    );
    assert_eq!(table.waiting_count(), 0);
    assert_eq!(table.read("/m/log").unwrap().len(), changed.into_inner());
    table.checkout(Exclusive).unwrap();
}

/// Everybody waits, nobody gives up: each grant must be followed by the next, in any mix of modes.
#[test]
fn no_wake_up_is_lost() {
    const THREADS: u64 = 6;
    const ROUNDS: usize = 3_000;
    let table = Table::new();
    let room = Room::default();
    thread::scope(|scope| {
        for seed in 0..THREADS {
            let (table, room) = (&table, &room);
            scope.spawn(move || {
                let mut choices = Choices(100 + seed);
                for _ in 0..ROUNDS {
                    let mode = if choices.below(2) == 0 { Exclusive } else { Shared };
                    room.visit(&table.checkout_timeout(mode, LONG).unwrap());
                }
            });
        }
    });
    assert!(
        room.most_shared.into_inner() > 1,
        "shared leases never overlapped"
    );
}

#[test]
fn shared_leases_overlap() {
    const HOLDERS: usize = 4;
    let table = Table::new();
    let together = Barrier::new(HOLDERS);
    thread::scope(|scope| {
        for _ in 0..HOLDERS {
            scope.spawn(|| {
                let _lease = table.checkout_timeout(Shared, LONG).unwrap();
                // Nobody passes before all of them hold one.
                together.wait();
            });
        }
    });
}

/// Runs `race` until both outcomes have been seen, and some more.
fn see_both(mut race: impl FnMut(u64) -> bool) {
    const AT_LEAST: u64 = 500;
    const AT_MOST: u64 = 500_000;
    let mut seen = [0, 0];
    for round in 0..AT_MOST {
        seen[usize::from(race(round))] += 1;
        if round >= AT_LEAST && seen.iter().all(|times| *times > 10) {
            return;
        }
    }
    panic!("one outcome is missing: {seen:?}");
}

/// Lets the two sides of a race start at different times, so that each gets to win.
fn stagger(turns: u64) {
    for _ in 0..turns {
        std::hint::spin_loop();
    }
}

/// The lease that somebody waits for is released on one thread while the request is withdrawn on another.
#[test]
fn a_withdrawal_that_races_with_the_grant_is_whole_either_way() {
    let table = Table::new();
    let start = Barrier::new(2);
    let mut choices = Choices(1);
    thread::scope(|scope| {
        let (held, to_release) = channel::<(Lease, u64)>();
        scope.spawn(|| {
            for (lease, delay) in to_release {
                start.wait();
                stagger(delay);
                drop(lease);
            }
        });
        see_both(|_| {
            let first = table.checkout(Exclusive).unwrap();
            let (granted, leases) = channel();
            let ticket = table.checkout_queued(Exclusive, move |lease| granted.send(lease).unwrap());
            held.send((first, choices.below(400))).unwrap();
            start.wait();
            stagger(choices.below(400));
            let withdrawn = ticket.withdraw();
            // The callback is dropped or done: either way its end of the channel goes away.
            assert_eq!(leases.recv_timeout(LONG).is_err(), withdrawn);
            assert_eq!(table.waiting_count(), 0);
            drop(table.checkout_timeout(Exclusive, LONG).unwrap());
            withdrawn
        });
        drop(held);
    });
}

/// The lease that somebody waits for is released about when the wait times out.
#[test]
fn a_timeout_that_races_with_the_grant_is_whole_either_way() {
    let table = Table::new();
    let start = Barrier::new(2);
    let mut choices = Choices(2);
    thread::scope(|scope| {
        let (held, to_release) = channel::<(Lease, u64)>();
        scope.spawn(|| {
            for (lease, delay) in to_release {
                start.wait();
                stagger(delay);
                drop(lease);
            }
        });
        see_both(|_| {
            let first = table.checkout(Shared).unwrap();
            held.send((first, choices.below(4_000))).unwrap();
            start.wait();
            let timeout = Duration::from_micros(choices.below(100));
            let taken = table.checkout_timeout(Exclusive, timeout);
            let in_time = taken.is_ok();
            drop(taken);
            drop(table.checkout_timeout(Exclusive, LONG).unwrap());
            assert_eq!(table.waiting_count(), 0);
            in_time
        });
        drop(held);
    });
}

/// Owners' changes and exclusive leases exclude each other: under the lease the log does not move.
#[test]
fn no_change_of_the_owner_happens_under_an_exclusive_lease() {
    const ROUNDS: usize = 2_000;
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    table.write("/m/log", "").unwrap();
    let done = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while done.load(Ordering::Relaxed) == 0 {
                    if table.append("/m/log", b"x").is_err() {
                        thread::yield_now();
                    }
                }
            });
        }
        for _ in 0..ROUNDS {
            let lease = table.checkout_timeout(Exclusive, LONG).unwrap();
            let before = lease.read("/m/log").unwrap().len();
            thread::yield_now();
            assert_eq!(lease.read("/m/log").unwrap().len(), before);
        }
        done.store(1, Ordering::Relaxed);
    });
}

/// Asks for everything that may have to wait, while a change of its own thread is in flight.
struct Impatient {
    table: Table,
    answers: Mutex<Vec<Result<(), ErrorKind>>>,
}

impl Observer for Impatient {
    fn event(&self, event: &Event<'_>) {
        if event.operation != Operation::Write {
            return;
        }
        let kind = |answer: mounts::Result<()>| answer.map_err(|error| error.kind());
        self.answers.lock().extend([
            kind(self.table.checkout(Exclusive).map(drop)),
            kind(self.table.checkout_timeout(Exclusive, LONG).map(drop)),
            kind(self.table.checkout(Shared).map(drop)),
            kind(self.table.mount("/n", Mount::memory())),
            kind(self.table.unmount("/n")),
        ]);
    }
}

#[test]
fn an_observer_of_a_change_does_not_wait_for_its_end() {
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    let impatient = Arc::new(Impatient {
        table: table.clone(),
        answers: Mutex::default(),
    });
    let subscription = table.observe(Arc::clone(&impatient));
    table.write("/m/a", "x").unwrap();
    drop(subscription);
    let refused = Err(ErrorKind::InUse);
    assert_eq!(
        *impatient.answers.lock(),
        [refused, refused, Ok(()), Ok(()), Ok(())]
    );
    table.checkout(Exclusive).unwrap();
}
