//! What one thread of the pool is at, and when it is to be left there.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::{Cause, Watched};
use crate::engine::{
    system_thread::{CpuTime, Priority, ThreadId},
    tether::Stop,
    warden::GRACE,
};

/// How long a turn may take before its thread steps back behind those of shorter ones.
pub(super) const LONG: Duration = Duration::from_millis(100);

/// What one thread is at.
pub(super) struct Desk {
    thread: ThreadId,
    turn: Mutex<Option<UnderWay>>,
    /// The thread has a lower priority than others, and ends with its turn, because it cannot have the old one back.
    stepped_back: AtomicBool,
}

struct UnderWay {
    turn: Arc<dyn Watched>,
    began: Instant,
    /// That the turn has been asked to stop because its time is over.
    stopped: Option<Stopped>,
}

#[derive(Clone, Copy)]
struct Stopped {
    /// How long the thread had had a core then.
    used: Option<Duration>,
}

/// A turn that is to be abandoned.
pub(super) struct Overdue {
    pub(super) turn: Arc<dyn Watched>,
    pub(super) cause: Cause,
    /// How long its thread had had a core when the turn was asked to stop, if it was.
    pub(super) used_at_stop: Option<Duration>,
}

impl Desk {
    /// The desk of the calling thread.
    pub(super) fn of_this_thread() -> Self {
        Self {
            thread: ThreadId::current(),
            turn: Mutex::new(None),
            stepped_back: AtomicBool::new(false),
        }
    }

    /// The thread begins a job, which may be a turn.
    pub(super) fn begin(&self, turn: Option<Arc<dyn Watched>>) {
        *self.turn.lock() = turn.map(|turn| UnderWay {
            turn,
            began: Instant::now(),
            stopped: None,
        });
    }

    /// The thread is through with its job.
    pub(super) fn end(&self) {
        let done = self.turn.lock().take();
        drop(done);
    }

    /// Whether the thread is to end with its turn.
    pub(super) fn has_stepped_back(&self) -> bool {
        self.stepped_back.load(Ordering::Acquire)
    }

    /// Whether the thread never comes back.
    pub(super) fn is_stranded(&self) -> bool {
        let place = self.turn.lock();
        place
            .as_ref()
            .is_some_and(|under_way| under_way.turn.tether().is_stranded())
    }

    /// How long the thread has had a core.
    pub(super) fn used(&self, cpu_time: &CpuTime) -> Option<Duration> {
        cpu_time(self.thread)
    }

    /// Leaves the thread next to nothing of a core that others want.
    pub(super) fn step_far_back(&self) {
        self.thread.step_back(Priority::Lowest);
    }

    /// Has the thread step back if its turn takes long, and the turn stop if its time is over; answers it when it should
    /// have stopped by `now`, or cannot.
    pub(super) fn look(&self, now: Instant, cpu_time: &CpuTime) -> Option<Overdue> {
        let mut place = self.turn.lock();
        let under_way = place.as_mut()?;
        if under_way.turn.tether().is_stranded() {
            return Some(Overdue {
                turn: Arc::clone(&under_way.turn),
                cause: Cause::Memory,
                used_at_stop: None,
            });
        }
        let deadline = under_way.turn.tether().deadline();
        // One whose time is over needs a core to notice.
        let has_time = deadline.is_none_or(|deadline| now < deadline.at);
        if has_time && now >= under_way.began + LONG && !self.stepped_back.swap(true, Ordering::AcqRel) {
            self.thread.step_back(Priority::Low);
        }
        let deadline = deadline.filter(|deadline| now >= deadline.at)?;
        let stopped = *under_way.stopped.get_or_insert_with(|| {
            under_way.turn.tether().stop(Stop::Time);
            Stopped {
                used: cpu_time(self.thread),
            }
        });
        (now >= deadline.at + GRACE).then(|| Overdue {
            turn: Arc::clone(&under_way.turn),
            cause: Cause::Time(deadline),
            used_at_stop: stopped.used,
        })
    }
}
