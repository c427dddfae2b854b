//! The threads that Python runs on.
//!
//! A turn of a run ends when the script does, or when it asks its host for something, or never. Schedulers of the VM
//! can wait for none of these: normal ones must return within a millisecond, and of the dirty ones there are few, with
//! 320 KiB of stack. So turns are jobs on threads of our own. Their stacks reserve [`STACK_BYTES`] of address space and
//! commit what is touched, since what the interpreter does not guard against recursion grows with the length of the
//! source. Jobs wait in one queue, first in, first out; a thread is made when a job finds none idle, up to a bound well
//! above the number of cores, so that endless loops share the cores with everybody else and do not own them.
//!
//! A thread that finished a job looks out for the next one for [`PATIENCE`] before it sleeps: a script that calls
//! functions of its host hands over a job every few microseconds, and waking a thread takes up to 50. No thread looks
//! out while the cores have better to do.

use std::{
    collections::VecDeque,
    io,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use super::handoff::{Line, watch};

/// The address space of one thread's stack.
pub(crate) const STACK_BYTES: usize = 256 << 20;

/// How long an idle thread looks out for the next job, and the one who waits for a job for its end, before they sleep.
pub(crate) const PATIENCE: Duration = Duration::from_micros(50);

/// How long a thread sleeps without work before it ends, which gives its stack back to the system.
const RETIRE_AFTER: Duration = Duration::from_secs(30);

/// One job, in two steps.
pub(crate) trait Job: Send {
    /// Does the work.
    fn work(&mut self);

    /// Tells the outcome, which must be quick: the thread counts as free for the next job from here on, so that the one
    /// who hears the outcome and comes back at once finds it looking out.
    fn deliver(self: Box<Self>);
}

/// A pool of threads; clones are the same pool.
#[derive(Clone)]
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

/// What the pool is doing at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    /// Jobs on a thread.
    pub(crate) running: usize,
    /// Jobs in the queue.
    pub(crate) queued: usize,
    /// Threads, idle ones included.
    pub(crate) threads: usize,
}

struct Shared {
    max_threads: usize,
    cores: usize,
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Mirrors of what the queue says, to look at without its lock, and without disturbing who writes the other.
    queued: Line<AtomicUsize>,
    running: Line<AtomicUsize>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Box<dyn Job>>,
    threads: usize,
    /// Threads that sleep.
    sleeping: usize,
    /// Threads that look out for a job; each of them looks into the queue once more before it sleeps.
    lookouts: usize,
}

impl Pool {
    /// A pool of at most `max_threads` threads. It begins with one, which never ends, so that every job is done; a
    /// system that has not even that one to give is the only error.
    pub(crate) fn start(max_threads: usize) -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let pool = Self {
            shared: Arc::new(Shared {
                max_threads: max_threads.max(1),
                cores,
                queue: Mutex::new(Queue {
                    threads: 1,
                    ..Queue::default()
                }),
                wake: Condvar::new(),
                queued: Line::default(),
                running: Line::default(),
            }),
        };
        pool.spawn()?;
        Ok(pool)
    }

    /// Puts `job` at the end of the queue and sees to it that a thread comes for it.
    pub(crate) fn submit(&self, job: Box<dyn Job>) {
        let mut queue = self.shared.queue.lock();
        queue.jobs.push_back(job);
        self.shared.queued.0.store(queue.jobs.len(), Ordering::Release);
        if queue.jobs.len() <= queue.lookouts {
            return;
        }
        if queue.sleeping > 0 {
            queue.sleeping -= 1;
            self.shared.wake.notify_one();
        } else if queue.threads < self.shared.max_threads {
            queue.threads += 1;
            drop(queue);
            if self.spawn().is_err() {
                // The system has no more threads to give: those that there are come for the job in its turn.
                self.shared.queue.lock().threads -= 1;
            }
        }
    }

    /// Whether a core is free to look out on, for one who is about to wait for a job that it submitted.
    pub(crate) fn has_free_core(&self) -> bool {
        self.shared.runnable() < self.shared.cores
    }

    /// What the pool is doing now.
    pub(crate) fn load(&self) -> Load {
        let queue = self.shared.queue.lock();
        Load {
            running: self.shared.running.0.load(Ordering::Relaxed),
            queued: queue.jobs.len(),
            threads: queue.threads,
        }
    }

    fn spawn(&self) -> io::Result<()> {
        let shared = Arc::clone(&self.shared);
        thread::Builder::new()
            .name("ex_monty".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || shared.work())?;
        Ok(())
    }
}

impl Shared {
    /// Turns that run or could run if there was a core for them.
    fn runnable(&self) -> usize {
        self.running.0.load(Ordering::Relaxed) + self.queued.0.load(Ordering::Relaxed)
    }

    /// A thread's life.
    fn work(&self) {
        let mut on_lookout = false;
        while let Some(mut job) = self.next(on_lookout) {
            // A job answers for its own panics; this keeps the thread for the next one should even that answer panic.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| job.work()));
            self.running.0.fetch_sub(1, Ordering::Relaxed);
            on_lookout = self.go_on_lookout();
            let _ = panic::catch_unwind(AssertUnwindSafe(|| job.deliver()));
        }
    }

    /// Registers this thread as one that looks out, if a core would be idle but for that.
    fn go_on_lookout(&self) -> bool {
        let mut queue = self.queue.lock();
        let worthwhile =
            queue.jobs.is_empty() && self.running.0.load(Ordering::Relaxed) + queue.lookouts + 1 < self.cores;
        if worthwhile {
            queue.lookouts += 1;
        }
        worthwhile
    }

    /// The next job, or nothing when there was none for so long that this thread is to end.
    fn next(&self, on_lookout: bool) -> Option<Box<dyn Job>> {
        if on_lookout {
            self.look_out();
        }
        let mut queue = self.queue.lock();
        if on_lookout {
            queue.lookouts -= 1;
        }
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                self.running.0.fetch_add(1, Ordering::Relaxed);
                self.queued.0.store(queue.jobs.len(), Ordering::Release);
                return Some(job);
            }
            queue.sleeping += 1;
            if self.wake.wait_for(&mut queue, RETIRE_AFTER).timed_out() {
                // Nobody notified this thread, so nobody has taken it off the count either.
                queue.sleeping -= 1;
                if queue.jobs.is_empty() && queue.threads > 1 {
                    queue.threads -= 1;
                    return None;
                }
            }
        }
    }

    /// Watches the queue for as long as that costs nobody a core.
    fn look_out(&self) {
        watch(
            PATIENCE,
            || self.runnable() < self.cores,
            || self.queued.0.load(Ordering::Acquire) > 0,
        );
    }
}

#[cfg(test)]
mod tests;
