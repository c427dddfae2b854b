//! The threads that Python runs on.
//!
//! A turn of a run ends when the script does, or when it asks its host for something, or never. Schedulers of the VM
//! can wait for none of these: normal ones must return within a millisecond, and of the dirty ones there are few, with
//! 320 KiB of stack. So turns are jobs on threads of our own. Their stacks reserve [`STACK_BYTES`] of address space and
//! commit what is touched, since what the interpreter does not guard against recursion grows with the length of the
//! source. Jobs wait in one queue, first in, first out; a thread is made when a job finds none idle, up to a bound well
//! above the number of cores, so that endless loops share the cores with everybody else and do not own them.
//!
//! A job may be abandoned while its thread works on it: see [`adrift`]. The thread ends with its job then.
//!
//! The system shares cores among threads, not among runs: endless loops would take the schedulers of the VM most of
//! theirs. So the thread of a turn that takes [`LONG`](desk::LONG) steps back to a lower priority. That cannot be taken back without
//! privileges, and so such a thread ends with its turn as well.
//!
//! A thread that finished a job looks out for the next one for [`PATIENCE`] before it sleeps: a script that calls
//! functions of its host hands over a job every few microseconds, and waking a thread takes up to 50. No thread looks
//! out while the cores have better to do.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::{
    handoff::{Line, watch},
    stack::Stack,
};

mod adrift;
mod desk;
mod job;
mod queue;
mod system;

use self::desk::Desk;
pub(crate) use self::job::{Cause, Job, Unattended, Watched};
use self::queue::Queue;
use self::system::System;

/// How long an idle thread looks out for the next job, and the one who waits for a job for its end, before they sleep.
pub(crate) const PATIENCE: Duration = Duration::from_micros(50);

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
    /// Threads, idle ones included, those of stuck turns left out.
    pub(crate) threads: usize,
    /// Turns that were abandoned and have not ended.
    pub(crate) abandoned: usize,
    /// Those of them that are stuck, each on a thread of its own beside the others.
    pub(crate) stuck: usize,
    /// Turns whose threads never come back.
    pub(crate) stranded: usize,
}

struct Shared {
    max_threads: usize,
    cores: usize,
    system: System,
    queue: Mutex<Queue>,
    wake: Condvar,
    /// Mirrors of what the queue says, to look at without its lock, and without disturbing who writes the other.
    queued: Line<AtomicUsize>,
    running: Line<AtomicUsize>,
    abandoned: AtomicUsize,
    stuck: AtomicUsize,
    stranded: AtomicUsize,
}

impl Pool {
    /// A pool of at most `max_threads` threads. It begins with one; a system that has not even that one to give is the
    /// only error.
    pub(crate) fn start(max_threads: usize) -> io::Result<Self> {
        Self::start_with(max_threads, System::default())
    }

    fn start_with(max_threads: usize, system: System) -> io::Result<Self> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let pool = Self {
            shared: Arc::new(Shared {
                max_threads: max_threads.max(1),
                cores,
                system,
                queue: Mutex::new(Queue {
                    threads: 1,
                    ..Queue::default()
                }),
                wake: Condvar::new(),
                queued: Line::default(),
                running: Line::default(),
                abandoned: AtomicUsize::new(0),
                stuck: AtomicUsize::new(0),
                stranded: AtomicUsize::new(0),
            }),
        };
        pool.begin_thread()?;
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
        // A thread whose sleep is over and which has not come to the lock yet is on the count of those that sleep, and is
        // not there to be woken. It comes for a job by itself, but perhaps not for this one.
        if queue.sleeping > 0 && self.shared.wake.notify_one() {
            queue.sleeping -= 1;
        } else if queue.threads < self.shared.max_threads {
            queue.threads += 1;
            drop(queue);
            if self.begin_thread().is_err() {
                // The system has no more threads to give: those that there are come for the job in its turn. Where there
                // are none, whoever looks after turns gives it up.
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
            abandoned: self.shared.abandoned.load(Ordering::Relaxed),
            stuck: self.stuck(),
            stranded: self.shared.stranded.load(Ordering::Relaxed),
        }
    }

    /// Whether there is any job, waiting or on a thread, that is not stuck. Who has submitted one before this was asked is
    /// answered for, and who does so afterwards sees what the asker did before.
    pub(crate) fn is_busy(&self) -> bool {
        let _queue = self.shared.queue.lock();
        self.shared.runnable() > 0
    }

    /// Turns that were abandoned and compute on though they could have stopped.
    pub(crate) fn stuck(&self) -> usize {
        self.shared.stuck.load(Ordering::Relaxed)
    }

    /// The most threads that take turns at any time.
    pub(crate) fn max_threads(&self) -> usize {
        self.shared.max_threads
    }

    /// Asks the turns to stop whose time is over, abandons those that do not or cannot, and gives up those that have not
    /// begun. Says whether the pool is busy.
    pub(crate) fn look_after_turns(&self) -> bool {
        self.look_after_turns_at(Instant::now())
    }

    fn look_after_turns_at(&self, now: Instant) -> bool {
        let desks = self.shared.queue.lock().desks.clone();
        for desk in desks {
            if let Some(overdue) = desk.look(now, &self.shared.system.cpu_time) {
                self.abandon(&desk, overdue);
            }
        }
        self.look_after_those_adrift();
        let late = self.shared.queue.lock().take_late(now);
        self.shared.give_up(late);
        self.replenish();
        self.is_busy()
    }

    /// Makes a thread for a job that would have none come for it: all of them may have been abandoned. When the system has
    /// none to give and there is none left, what waits is given up.
    fn replenish(&self) {
        let mut queue = self.shared.queue.lock();
        let unattended = !queue.jobs.is_empty() && queue.sleeping == 0 && queue.lookouts == 0;
        if !unattended || queue.threads >= self.shared.max_threads {
            return;
        }
        queue.threads += 1;
        drop(queue);
        if self.begin_thread().is_err() {
            let mut queue = self.shared.queue.lock();
            queue.threads -= 1;
            let waiting = if queue.threads == 0 {
                queue.take_all()
            } else {
                Vec::new()
            };
            drop(queue);
            self.shared.give_up(waiting);
        }
    }

    fn begin_thread(&self) -> io::Result<()> {
        let pool = self.clone();
        (self.shared.system.begin)(Box::new(move || {
            pool.shared.work();
            // Jobs may have counted on the thread that ends here.
            pool.replenish();
        }))
    }
}

impl Shared {
    /// Turns that run or could run if there was a core for them.
    fn runnable(&self) -> usize {
        let abandoned = self.abandoned.load(Ordering::Relaxed);
        let stopping = abandoned.saturating_sub(self.stuck.load(Ordering::Relaxed));
        self.running.0.load(Ordering::Relaxed) + self.queued.0.load(Ordering::Relaxed) + stopping
    }

    /// Gives up jobs that were taken from the queue.
    fn give_up(&self, jobs: Vec<(Box<dyn Job>, Unattended)>) {
        if jobs.is_empty() {
            return;
        }
        self.queued
            .0
            .store(self.queue.lock().jobs.len(), Ordering::Release);
        for (job, why) in jobs {
            let _ = panic::catch_unwind(AssertUnwindSafe(|| job.give_up(why)));
        }
    }

    /// A thread's life.
    fn work(&self) {
        let stack = Stack::of_this_thread();
        let desk = Arc::new(Desk::of_this_thread());
        self.queue.lock().desks.push(Arc::clone(&desk));
        let mut on_lookout = false;
        while let Some(mut job) = self.next(on_lookout, &stack) {
            let turn = job.turn();
            desk.begin(turn.clone());
            // A job answers for its own panics; this keeps the thread for the next one should even that answer panic.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| job.work()));
            desk.end();
            if turn.is_some_and(|turn| !turn.tether().end()) {
                let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(job)));
                self.take_off(&desk);
                return;
            }
            let slow = job.is_slow_to_deliver();
            let deliver = || drop(panic::catch_unwind(AssertUnwindSafe(|| job.deliver())));
            if desk.has_stepped_back() {
                deliver();
                self.running.0.fetch_sub(1, Ordering::Relaxed);
                self.queue.lock().threads -= 1;
                break;
            }
            if slow {
                deliver();
                on_lookout = self.stand_by();
            } else {
                on_lookout = self.stand_by();
                deliver();
            }
        }
        self.queue.lock().desks.retain(|other| !Arc::ptr_eq(other, &desk));
    }

    /// Counts this thread as free, and says whether it is to look out for the next job.
    fn stand_by(&self) -> bool {
        self.running.0.fetch_sub(1, Ordering::Relaxed);
        self.go_on_lookout()
    }

    /// Registers this thread as one that looks out, if a core would be idle but for that.
    fn go_on_lookout(&self) -> bool {
        let mut queue = self.queue.lock();
        let worthwhile = queue.jobs.is_empty() && self.runnable() + queue.lookouts + 1 < self.cores;
        if worthwhile {
            queue.lookouts += 1;
        }
        worthwhile
    }

    /// The next job, or nothing when there was none for so long that this thread is to end.
    fn next(&self, on_lookout: bool, stack: &Stack) -> Option<Box<dyn Job>> {
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
                stack.use_it();
                return Some(job);
            }
            if stack.is_to_give_back() {
                MutexGuard::unlocked(&mut queue, || stack.give_back());
                continue;
            }
            queue.sleeping += 1;
            if self
                .wake
                .wait_for(&mut queue, self.system.retire_after)
                .timed_out()
            {
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
