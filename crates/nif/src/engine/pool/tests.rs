use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{Job, Pool, Watched, desk::ENOUGH};
use crate::engine::{
    tether::{Deadline, Stop, Tether},
    warden::GRACE,
};

/// A job made of two closures.
struct Task<W, D> {
    work: W,
    deliver: D,
}

impl<W: FnMut() + Send, D: FnOnce() + Send> Job for Task<W, D> {
    fn turn(&self) -> Option<Arc<dyn Watched>> {
        None
    }

    fn is_slow_to_deliver(&self) -> bool {
        false
    }

    fn work(&mut self) {
        (self.work)();
    }

    fn deliver(self: Box<Self>) {
        (self.deliver)();
    }
}

fn submit(pool: &Pool, work: impl FnMut() + Send + 'static) -> Receiver<()> {
    let (done, finished) = mpsc::channel();
    pool.submit(Box::new(Task {
        work,
        deliver: move || {
            let _ = done.send(());
        },
    }));
    finished
}

/// A job that holds its thread until the sender is dropped.
fn block(pool: &Pool) -> (Sender<()>, Receiver<()>) {
    let (release, released) = mpsc::channel::<()>();
    let (begun, has_begun) = mpsc::channel();
    let finished = submit(pool, move || {
        let _ = begun.send(());
        let _ = released.recv();
    });
    has_begun.recv().expect("the job begins");
    (release, finished)
}

#[test]
fn jobs_of_many_callers_are_each_done_once() {
    let pool = Pool::start(4).expect("a thread");
    let done = Arc::new(AtomicUsize::new(0));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (pool, done) = (pool.clone(), Arc::clone(&done));
            thread::spawn(move || {
                for _ in 0..5_000 {
                    let done = Arc::clone(&done);
                    submit(&pool, move || {
                        done.fetch_add(1, Ordering::Relaxed);
                    })
                    .recv()
                    .expect("the job is delivered");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.join().expect("no caller panics");
    }
    assert_eq!(done.load(Ordering::Relaxed), 20_000);
    assert!(pool.load().threads <= 4);
}

#[test]
fn a_job_that_panics_takes_no_thread_along() {
    let pool = Pool::start(1).expect("a thread");
    for _ in 0..3 {
        let panicked = submit(&pool, || panic!("in a job"));
        panicked.recv().expect("it is delivered all the same");
    }
    submit(&pool, || ()).recv().expect("the thread goes on");
    assert_eq!(pool.load().threads, 1);
    assert_eq!(pool.load().running, 0);
}

#[test]
fn jobs_beyond_the_bound_wait_in_order() {
    let pool = Pool::start(2).expect("a thread");
    let blocked = [block(&pool), block(&pool)];
    let order = Arc::new(Mutex::new(Vec::new()));
    let waiting: Vec<_> = (0..10)
        .map(|number| {
            let order = Arc::clone(&order);
            submit(&pool, move || order.lock().push(number))
        })
        .collect();
    assert_eq!(
        (pool.load().threads, pool.load().running, pool.load().queued),
        (2, 2, 10)
    );
    let [(release, finished), other] = blocked;
    drop(release);
    finished.recv().expect("it ends");
    for job in waiting {
        job.recv().expect("it is done");
    }
    // One thread did them all: the other is still held.
    assert_eq!(*order.lock(), (0..10).collect::<Vec<_>>());
    drop(other);
}

/// A turn of which the pool's warden can only wait for the end.
#[derive(Default)]
struct Stuck {
    tether: Tether,
    answered: Mutex<Option<Deadline>>,
}

impl Watched for Stuck {
    fn tether(&self) -> &Tether {
        &self.tether
    }

    fn answer_for(&self, deadline: Deadline) {
        *self.answered.lock() = Some(deadline);
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
}

/// A turn under way that has no time left; dropping the sender ends its work.
fn get_stuck(pool: &Pool) -> (Arc<Stuck>, Sender<()>, Receiver<()>) {
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
    has_begun.recv().expect("the job begins");
    (turn, release, delivery)
}

/// A pool on a machine whose threads have all had a core for as long as the clock says, or of which that is not known.
fn pool_with(max_threads: usize, used: Option<Duration>) -> (Pool, Arc<Mutex<Option<Duration>>>) {
    let clock = Arc::new(Mutex::new(used));
    let told = Arc::clone(&clock);
    let pool = Pool::start_with(max_threads, Box::new(move |_| *told.lock())).expect("a thread");
    (pool, clock)
}

/// Has the time of every turn end, and then their grace, for one who looks at the clock alone.
fn outlast_the_grace(pool: &Pool) {
    pool.look_after_turns();
    pool.look_after_turns_at(Instant::now() + GRACE);
}

/// Waits for what a thread does after it has told of the end.
fn wait_until(done: impl Fn() -> bool) {
    while !done() {
        thread::yield_now();
    }
}

#[test]
fn a_turn_that_goes_on_with_a_core_is_stuck_and_its_place_is_free() {
    let (pool, clock) = pool_with(1, Some(Duration::ZERO));
    let (turn, release, delivery) = get_stuck(&pool);
    // It holds the only thread there may be.
    let next = submit(&pool, || ());
    outlast_the_grace(&pool);
    assert_eq!(turn.tether.stopped(), Some(Stop::Time));
    assert!(turn.answered.lock().is_some());
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
    assert!(turn.answered.lock().is_some());
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
fn held_threads_do_not_keep_others_waiting() {
    let pool = Pool::start(16).expect("a thread");
    let held: Vec<_> = (0..15).map(|_| block(&pool)).collect();
    submit(&pool, || ()).recv().expect("the sixteenth is free");
    drop(held);
}

#[test]
fn a_stack_is_deep_and_committed_as_it_is_used() {
    fn deep(level: usize) -> usize {
        let frame = std::hint::black_box([level; 128]);
        if level == 0 {
            frame[0]
        } else {
            deep(level - 1) + frame[1] % 2
        }
    }
    let pool = Pool::start(1).expect("a thread");
    // About 130 MiB.
    submit(&pool, || {
        std::hint::black_box(deep(130 * 1024));
    })
    .recv()
    .expect("the stack holds it");
}

#[test]
fn jobs_handed_over_while_threads_look_out_or_fall_asleep_are_not_lost() {
    let pool = Pool::start(3).expect("a thread");
    let barrier = Arc::new(Barrier::new(2));
    for round in 0..20_000 {
        let meeting = Arc::clone(&barrier);
        let finished = submit(&pool, move || {
            meeting.wait();
        });
        // From no pause at all to one that outlasts the lookout, so that the job meets the threads in every state.
        let pause = Instant::now() + Duration::from_nanos(round % 97 * 700);
        while Instant::now() < pause {
            std::hint::spin_loop();
        }
        barrier.wait();
        finished.recv().expect("the job is delivered");
    }
}
