//! Turns that were abandoned, and the threads that are still at them.
//!
//! A turn that has not stopped when its grace is over may be in an operation that looks at no limit, or it may have had no
//! core to stop on, because others had them all. Its caller cannot wait to find out. The engine can: it tells the two
//! apart by the time that the thread has had a core since its turn was asked to stop, and takes for *stuck* only what
//! goes on after [`ENOUGH`] of it. Time on the clock says nothing of the kind on a busy machine.
//!
//! A thread keeps its place in the pool for as long as it may only be waiting for a core. One that is stuck counts no
//! longer as one of the pool, and another is made when there is need of one. So does one that is
//! [*stranded*](crate::engine::meter::ceiling), which is no burden to the cores, and whose memory counts for ever.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    Pool, Shared,
    desk::{Desk, Overdue},
};
use crate::engine::system_thread::CpuTime;

/// How long a thread has a core before a turn that was to stop is taken for stuck: the interpreter looks at its limits
/// thousands of times in it, between operations that are not stuck.
pub(super) const ENOUGH: Duration = Duration::from_millis(200);

/// A thread whose turn was abandoned and has not ended.
pub(super) struct Adrift {
    desk: Arc<Desk>,
    overdue: Overdue,
    stuck: AtomicBool,
}

impl Adrift {
    /// Whether the thread has had a core for long enough to stop; where that cannot be known it is taken to have had one.
    fn has_computed(&self, cpu_time: &CpuTime) -> bool {
        self.overdue
            .used_at_stop
            .zip(self.desk.used(cpu_time))
            .is_none_or(|(before, now)| now.saturating_sub(before) >= ENOUGH)
    }

    fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }
}

impl Pool {
    /// Abandons the turn at `desk`, and answers its caller.
    pub(super) fn abandon(&self, desk: &Arc<Desk>, overdue: Overdue) {
        let (turn, cause) = (Arc::clone(&overdue.turn), overdue.cause);
        {
            // Under the lock, so that the thread, should it come back at once, finds itself counted.
            let mut queue = self.shared.queue.lock();
            if !turn.tether().abandon() {
                return;
            }
            queue.desks.retain(|other| !Arc::ptr_eq(other, desk));
            queue.adrift.push(Arc::new(Adrift {
                desk: Arc::clone(desk),
                overdue,
                stuck: AtomicBool::new(false),
            }));
            self.shared.abandoned.fetch_add(1, Ordering::Relaxed);
            self.shared.running.0.fetch_sub(1, Ordering::Relaxed);
        }
        turn.tether().shut_out();
        self.look_for_stranded_turns();
        turn.answer_for(cause);
    }

    /// Tells the turns that were abandoned and compute on from those that may only be waiting for a core, and from those
    /// whose threads never come back.
    pub(super) fn look_after_those_adrift(&self) {
        self.look_for_stranded_turns();
        let adrift = self.shared.queue.lock().adrift.clone();
        for one in adrift {
            if !one.is_stuck() && one.has_computed(&self.shared.system.cpu_time) {
                self.get_stuck(&one);
            }
        }
    }

    fn look_for_stranded_turns(&self) {
        let adrift = self.shared.queue.lock().adrift.clone();
        for one in adrift.iter().filter(|one| one.desk.is_stranded()) {
            self.shared.take_off(&one.desk);
            self.shared.stranded.fetch_add(1, Ordering::Relaxed);
            one.overdue.turn.tether().write_off();
        }
    }

    /// Takes a turn for stuck: from now on its thread gets next to nothing of a core that others want.
    fn get_stuck(&self, one: &Arc<Adrift>) {
        let mut queue = self.shared.queue.lock();
        // One that has ended meanwhile is gone, and its number may be another thread's.
        if queue.adrift.iter().any(|other| Arc::ptr_eq(other, one)) {
            one.stuck.store(true, Ordering::Relaxed);
            one.desk.step_far_back();
            queue.threads -= 1;
            self.shared.stuck.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Shared {
    /// Takes the thread at `desk`, whose turn was abandoned and is over, off the counts that it is still on.
    pub(super) fn take_off(&self, desk: &Arc<Desk>) {
        let mut queue = self.queue.lock();
        let place = queue.adrift.iter().position(|one| Arc::ptr_eq(&one.desk, desk));
        if place.is_some_and(|place| queue.adrift.swap_remove(place).is_stuck()) {
            self.stuck.fetch_sub(1, Ordering::Relaxed);
        } else {
            queue.threads -= 1;
        }
        self.abandoned.fetch_sub(1, Ordering::Relaxed);
    }
}
