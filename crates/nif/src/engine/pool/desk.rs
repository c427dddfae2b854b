//! What one thread of the pool is at, and when it is stuck there.
//!
//! A turn that has not stopped when its grace is over may be in an operation that looks at no limit, or it may have had no
//! core to stop on, because others had them all. Its caller cannot wait to find out. The engine can: it tells the two
//! apart by the time that the thread has had a core since its turn was asked to stop, and takes for stuck only what
//! goes on after [`ENOUGH`] of it. Time on the clock says nothing of the kind on a busy machine.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::Watched;
use crate::engine::{
    system_thread::{CpuTime, Priority, ThreadId},
    tether::{Deadline, Stop},
    warden::GRACE,
};

/// How long a turn may take before its thread steps back behind those of shorter ones.
pub(super) const LONG: Duration = Duration::from_millis(100);

/// How long a thread has a core before a turn that was to stop is taken for stuck: the interpreter looks at its limits
/// thousands of times in it, between operations that are not stuck.
pub(super) const ENOUGH: Duration = Duration::from_millis(200);

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

/// A turn that has not stopped when its grace was over.
pub(super) struct Overdue {
    pub(super) turn: Arc<dyn Watched>,
    pub(super) deadline: Deadline,
    /// How long its thread had had a core when the turn was asked to stop.
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

    /// Has the thread step back if its turn takes long, and the turn stop if its time is over; answers it when it should
    /// have stopped by `now`.
    pub(super) fn look(&self, now: Instant, cpu_time: &CpuTime) -> Option<Overdue> {
        let mut place = self.turn.lock();
        let under_way = place.as_mut()?;
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
            deadline,
            used_at_stop: stopped.used,
        })
    }
}

/// A thread whose turn was abandoned and has not ended.
pub(super) struct Adrift {
    desk: Arc<Desk>,
    used_at_stop: Option<Duration>,
    stuck: AtomicBool,
}

impl Adrift {
    /// The thread at `desk`, which had had a core for `used_at_stop` when its turn was asked to stop.
    pub(super) fn new(desk: &Arc<Desk>, used_at_stop: Option<Duration>) -> Self {
        Self {
            desk: Arc::clone(desk),
            used_at_stop,
            stuck: AtomicBool::new(false),
        }
    }

    pub(super) fn is_at(&self, desk: &Arc<Desk>) -> bool {
        Arc::ptr_eq(&self.desk, desk)
    }

    /// Whether the thread has had a core for long enough to stop; where that cannot be known it is taken to have had one.
    pub(super) fn has_computed(&self, cpu_time: &CpuTime) -> bool {
        let used = cpu_time(self.desk.thread);
        self.used_at_stop
            .zip(used)
            .is_none_or(|(before, now)| now.saturating_sub(before) >= ENOUGH)
    }

    /// Takes the turn for stuck: from now on its thread gets next to nothing of a core that others want.
    pub(super) fn get_stuck(&self) {
        self.stuck.store(true, Ordering::Relaxed);
        self.desk.thread.step_back(Priority::Lowest);
    }

    pub(super) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }
}
