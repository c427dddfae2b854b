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

use super::{Job, Pool, Unattended, Watched};

mod stranded;
mod threads;
mod turns;

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

    fn give_up(self: Box<Self>, _why: Unattended) {}
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

/// Waits for what a thread does after it has told of the end.
fn wait_until(done: impl Fn() -> bool) {
    while !done() {
        thread::yield_now();
    }
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
