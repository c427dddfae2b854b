//! Threads that cannot be had, and threads that retire.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use super::{
    block, submit,
    turns::{get_stuck, outlast_the_grace, submit_late},
};
use crate::engine::{
    pool::{Pool, System},
    tether::Stop,
};

/// A pool whose system gives it `threads` in all, as long as that is not raised.
fn pool_on_a_small_system(max_threads: usize, threads: usize) -> (Pool, Arc<AtomicUsize>) {
    let left = Arc::new(AtomicUsize::new(threads));
    let System { begin, .. } = System::default();
    let system = System {
        cpu_time: Box::new(|_| None),
        begin: {
            let left = Arc::clone(&left);
            Box::new(move |life| {
                let taken =
                    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
                taken.map_err(|_| io::Error::from(io::ErrorKind::WouldBlock))?;
                begin(life)
            })
        },
        ..System::default()
    };
    (Pool::start_with(max_threads, system).expect("a thread"), left)
}

/// Symptom: with no thread left and none to be had, a job lay in the queue for ever, and its caller waited for ever.
/// Guarantee: it is given up at the next look, so that its caller hears, and the pool goes on when there are threads again.
#[test]
fn jobs_that_no_thread_will_come_for_are_given_up() {
    let (pool, threads_left) = pool_on_a_small_system(4, 1);
    let (_, release, delivery) = get_stuck(&pool);
    outlast_the_grace(&pool);
    assert_eq!((pool.load().stuck, pool.load().threads), (1, 0));
    let (turn, has_begun, _, _) = submit_late(&pool);
    turn.tether.stop(Stop::CallerGone);
    let other = submit(&pool, || ());
    pool.look_after_turns();
    assert!(turn.given_up.lock().is_some());
    assert!(has_begun.recv().is_err() && other.recv().is_err());
    let load = pool.load();
    assert_eq!((load.queued, load.running, load.threads), (0, 0, 0));
    threads_left.store(1, Ordering::Relaxed);
    submit(&pool, || ()).recv().expect("the pool goes on");
    drop(release);
    assert!(delivery.recv().is_err());
}

#[test]
fn a_thread_that_is_left_does_the_jobs_of_those_that_cannot_be_had() {
    let (pool, _) = pool_on_a_small_system(4, 1);
    let (release, finished) = block(&pool);
    let waiting: Vec<_> = (0..10).map(|_| submit(&pool, || ())).collect();
    pool.look_after_turns();
    assert_eq!((pool.load().queued, pool.load().threads), (10, 1));
    drop(release);
    finished.recv().expect("it ends");
    for job in waiting {
        job.recv().expect("it is done");
    }
}

/// Symptom: a thread that ended its sleep just as it was woken was taken off the count of sleepers twice, which put it
/// below zero: from then on the pool took threads for sleeping that were not there, made none, and jobs waited for ever.
/// Guarantee: who wakes takes off the count only whom it has woken.
#[test]
fn threads_that_retire_while_jobs_arrive_are_counted_once() {
    let system = System {
        retire_after: Duration::from_micros(30),
        ..System::default()
    };
    let pool = Pool::start_with(2, system).expect("a thread");
    // The pauses are about as long as a thread looks out and then sleeps.
    for round in 0..5_000 {
        submit(&pool, || ()).recv().expect("the job is delivered");
        let pause = Instant::now() + Duration::from_nanos(round % 499 * 300);
        while Instant::now() < pause {
            std::hint::spin_loop();
        }
        let queue = pool.shared.queue.lock();
        assert!(
            queue.sleeping <= queue.threads && queue.threads <= 2,
            "{} of {} threads sleep",
            queue.sleeping,
            queue.threads
        );
    }
}
