//! Turns that take longer than they may.

use std::{
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{block, submit, wait_until};
use crate::engine::{
    pool::{Cause, Job, Pool, System, Unattended, Watched, adrift::ENOUGH},
    tether::{Stop, Tether},
    warden::GRACE,
};

/// A turn of which the pool's warden can only wait for the end.
#[derive(Default)]
pub(super) struct Stuck {
    pub(super) tether: Tether,
    pub(super) answered: Mutex<Option<Cause>>,
    pub(super) given_up: Mutex<Option<Unattended>>,
}

impl Watched for Stuck {
    fn tether(&self) -> &Tether {
        &self.tether
    }

    fn answer_for(&self, cause: Cause) {
        *self.answered.lock() = Some(cause);
    }
}

/// Work that ends when its sender is dropped, whatever it is asked.
struct StuckJob {
    turn: Arc<Stuck>,
    begun: Sender<()>,
    released: Receiver<()>,
    delivered: Sender<()>,
}

impl Job for StuckJob {
    fn work(&mut self) {
        let _ = self.begun.send(());
        let _ = self.released.recv();
    }

    fn turn(&self) -> Option<Arc<dyn Watched>> {
        let turn: Arc<Stuck> = Arc::clone(&self.turn);
        Some(turn)
    }

    fn is_slow_to_deliver(&self) -> bool {
        false
    }

    fn deliver(self: Box<Self>) {
        let _ = self.delivered.send(());
    }

    fn give_up(self: Box<Self>, why: Unattended) {
        *self.turn.given_up.lock() = Some(why);
    }
}

/// A turn of a job that was submitted and has no time left, what says that it begins, what ends its work when it is
/// dropped, and what says that it is delivered.
pub(super) fn submit_late(pool: &Pool) -> (Arc<Stuck>, Receiver<()>, Sender<()>, Receiver<()>) {
    let turn = Arc::new(Stuck::default());
    let (begun, has_begun) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let (delivered, delivery) = mpsc::channel();
    turn.tether.arm(Duration::ZERO, Duration::ZERO);
    pool.submit(Box::new(StuckJob {
        turn: Arc::clone(&turn),
        begun,
        released,
        delivered,
    }));
    (turn, has_begun, release, delivery)
}

/// A turn under way that has no time left; dropping the sender ends its work.
pub(super) fn get_stuck(pool: &Pool) -> (Arc<Stuck>, Sender<()>, Receiver<()>) {
    let (turn, has_begun, release, delivery) = submit_late(pool);
    has_begun.recv().expect("the job begins");
    (turn, release, delivery)
}

/// A pool on a machine whose threads have all had a core for as long as the clock says, or of which that is not known.
fn pool_with(max_threads: usize, used: Option<Duration>) -> (Pool, Arc<Mutex<Option<Duration>>>) {
    let clock = Arc::new(Mutex::new(used));
    let told = Arc::clone(&clock);
    let system = System {
        cpu_time: Box::new(move |_| *told.lock()),
        ..System::default()
    };
    let pool = Pool::start_with(max_threads, system).expect("a thread");
    (pool, clock)
}

/// Has the time of every turn end, and then their grace, for one who looks at the clock alone.
pub(super) fn outlast_the_grace(pool: &Pool) {
    pool.look_after_turns();
    pool.look_after_turns_at(Instant::now() + GRACE);
}

#[test]
fn a_turn_that_goes_on_with_a_core_is_stuck_and_its_place_is_free() {
    let (pool, clock) = pool_with(1, Some(Duration::ZERO));
    let (turn, release, delivery) = get_stuck(&pool);
    // It holds the only thread there may be.
    let next = submit(&pool, || ());
    outlast_the_grace(&pool);
    assert_eq!(turn.tether.stopped(), Some(Stop::Time));
    assert!(matches!(*turn.answered.lock(), Some(Cause::Time(_))));
    *clock.lock() = Some(ENOUGH);
    pool.look_after_turns();
    assert_eq!((pool.load().abandoned, pool.load().stuck), (1, 1));
    next.recv().expect("a thread comes for it");
    assert_eq!(pool.load().threads, 1);
    drop(release);
    // What it comes to in the end is dropped.
    assert!(delivery.recv().is_err());
    wait_until(|| pool.load().abandoned == 0);
    assert_eq!((pool.load().running, pool.load().stuck), (0, 0));
    submit(&pool, || ()).recv().expect("the pool goes on");
}

#[test]
fn a_turn_without_a_core_to_stop_on_is_answered_and_never_stuck() {
    let (pool, clock) = pool_with(1, Some(Duration::from_secs(5)));
    let (turn, release, delivery) = get_stuck(&pool);
    outlast_the_grace(&pool);
    // It had much before it was asked to stop, and half of enough since.
    *clock.lock() = Some(Duration::from_secs(5) + ENOUGH / 2);
    pool.look_after_turns_at(Instant::now() + 100 * GRACE);
    assert!(matches!(*turn.answered.lock(), Some(Cause::Time(_))));
    assert_eq!((pool.load().abandoned, pool.load().stuck), (1, 0));
    // Its thread is one of the pool's, and the warden must not go to sleep over it.
    assert_eq!(pool.load().threads, 1);
    assert!(pool.is_busy());
    drop(release);
    assert!(delivery.recv().is_err());
    wait_until(|| pool.load().abandoned == 0);
    assert_eq!((pool.load().threads, pool.load().stuck), (0, 0));
    assert!(!pool.is_busy());
    submit(&pool, || ()).recv().expect("the pool goes on");
}

#[test]
fn jobs_wait_for_turns_that_are_about_to_stop_and_no_thread_is_made_beyond_the_bound() {
    let (pool, _) = pool_with(2, Some(Duration::ZERO));
    let stopping = [get_stuck(&pool), get_stuck(&pool)];
    let next = submit(&pool, || ());
    outlast_the_grace(&pool);
    assert_eq!((pool.load().threads, pool.load().queued), (2, 1));
    for (_, release, _) in stopping {
        drop(release);
    }
    next.recv().expect("the ends of the others make room for it");
}

#[test]
fn a_turn_is_stuck_at_once_where_nobody_tells_how_long_it_had_a_core() {
    let (pool, _) = pool_with(1, None);
    let (_, release, delivery) = get_stuck(&pool);
    outlast_the_grace(&pool);
    assert_eq!((pool.load().abandoned, pool.load().stuck), (1, 1));
    drop(release);
    assert!(delivery.recv().is_err());
}

#[test]
fn a_turn_that_stops_in_time_is_its_own() {
    let (pool, _) = pool_with(2, None);
    let (turn, release, delivery) = get_stuck(&pool);
    pool.look_after_turns();
    assert_eq!(turn.tether.stopped(), Some(Stop::Time));
    drop(release);
    delivery.recv().expect("it is delivered");
    pool.look_after_turns_at(Instant::now() + GRACE);
    assert!(turn.answered.lock().is_none());
    assert_eq!(pool.load().abandoned, 0);
}

#[test]
fn many_turns_that_are_stuck_at_once_leave_the_pool_as_it_was() {
    let (pool, clock) = pool_with(8, Some(Duration::ZERO));
    let stuck: Vec<_> = (0..8).map(|_| get_stuck(&pool)).collect();
    outlast_the_grace(&pool);
    *clock.lock() = Some(ENOUGH);
    pool.look_after_turns();
    let load = pool.load();
    assert_eq!((load.stuck, load.threads, load.running), (8, 0, 0));
    submit(&pool, || ()).recv().expect("a new thread comes");
    for (_, release, delivery) in stuck {
        drop(release);
        assert!(delivery.recv().is_err());
    }
    wait_until(|| pool.load().abandoned == 0);
    assert_eq!((pool.load().running, pool.load().stuck), (0, 0));
}

#[test]
fn a_turn_whose_time_is_over_before_a_thread_comes_for_it_is_given_up() {
    let (pool, _) = pool_with(1, Some(Duration::ZERO));
    let (release, finished) = block(&pool);
    let next = submit(&pool, || ());
    let (turn, has_begun, _release, delivery) = submit_late(&pool);
    pool.look_after_turns();
    assert!(matches!(*turn.given_up.lock(), Some(Unattended::Late(_))));
    // Those without an end of their time stay where they are.
    assert_eq!(pool.load().queued, 1);
    drop(release);
    finished.recv().expect("it ends");
    next.recv().expect("it is done");
    assert!(has_begun.recv().is_err() && delivery.recv().is_err());
}
