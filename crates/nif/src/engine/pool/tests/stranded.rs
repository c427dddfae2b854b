//! Turns whose threads never come back.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use mounts::{LeaseMode, Table};

use super::{submit, turns::Stuck, wait_until};
use crate::engine::{
    meter::{self, Meter, ceiling},
    pool::{Cause, Job, Pool, Unattended, Watched},
    warden::GRACE,
};

const MIB: usize = 1 << 20;

/// A turn that asks for more than it may have.
struct Greedy(Arc<Stuck>);

impl Job for Greedy {
    fn work(&mut self) {
        Meter::new(None).turn(|| {
            let held = black_box(vec![1_u8; MIB]);
            self.0.tether.under_ceiling(Some(MIB), || {
                ceiling::interpret(|| drop(black_box(Vec::<u8>::with_capacity(ceiling::above(Some(MIB))))));
            });
            drop(held);
        });
    }

    fn turn(&self) -> Option<Arc<dyn Watched>> {
        let turn: Arc<Stuck> = Arc::clone(&self.0);
        Some(turn)
    }

    fn is_slow_to_deliver(&self) -> bool {
        false
    }

    fn deliver(self: Box<Self>) {
        unreachable!("it never ends");
    }

    fn give_up(self: Box<Self>, _why: Unattended) {
        unreachable!("a thread comes for it");
    }
}

/// Such a job, its turn, and how often that was written off.
fn greedy() -> (Greedy, Arc<Stuck>, Arc<AtomicUsize>) {
    let turn = Arc::new(Stuck::default());
    let written_off = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written_off);
    turn.tether.if_stranded(Box::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
    }));
    (Greedy(Arc::clone(&turn)), turn, written_off)
}

#[test]
fn a_stranded_turn_is_answered_and_its_place_is_free() {
    let pool = Pool::start(1).expect("a thread");
    let table = Table::new();
    let metered = meter::metered_bytes();
    let (job, turn, written_off) = greedy();
    turn.tether.hold(Arc::new(
        table.checkout(LeaseMode::Exclusive).expect("it is free"),
    ));
    pool.submit(Box::new(job));
    wait_until(|| turn.tether.is_stranded());
    // It has all the time there is: that is not what it is answered for.
    pool.look_after_turns();
    assert!(matches!(*turn.answered.lock(), Some(Cause::Memory)));
    assert_eq!(written_off.load(Ordering::Relaxed), 1);
    assert!(table.checkout(LeaseMode::Exclusive).is_ok());
    let load = pool.load();
    assert_eq!((load.stranded, load.abandoned, load.stuck), (1, 0, 0));
    assert_eq!((load.threads, load.running), (0, 0));
    assert!(!pool.is_busy());
    // Other tests free what they hold, and never so much.
    assert!(meter::metered_bytes() + MIB / 2 > metered);
    submit(&pool, || ()).recv().expect("the pool goes on");
}

#[test]
fn a_turn_that_is_stranded_after_it_was_abandoned_is_no_longer_one_of_those() {
    let pool = Pool::start(1).expect("a thread");
    let (job, turn, written_off) = greedy();
    turn.tether.arm(Duration::ZERO, Duration::ZERO);
    pool.submit(Box::new(job));
    wait_until(|| turn.tether.is_stranded());
    pool.look_after_turns_at(Instant::now() + GRACE);
    pool.look_after_turns_at(Instant::now() + GRACE);
    assert_eq!((pool.load().stranded, pool.load().abandoned), (1, 0));
    assert_eq!(written_off.load(Ordering::Relaxed), 1);
    submit(&pool, || ()).recv().expect("the pool goes on");
}
