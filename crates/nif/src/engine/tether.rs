//! What others may know of a turn that is under way, and do to it.
//!
//! A turn belongs to the thread that takes it. Others may ask it to stop, which the interpreter sees at its next look
//! at its limits; and when it does not come to one, because a single operation computes on, they may abandon it. From
//! that moment it is nobody's: its caller has been answered, what it comes to is dropped, and it reaches no mount any
//! more. Exactly one of the two ends a turn: its own thread, or whoever abandons it.

use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
    time::{Duration, Instant},
};

use ::mounts::Lease;
use parking_lot::Mutex;

use super::meter;

/// What a turn is. It starts as `UNDER_WAY` and is one of the others after that, for good.
const UNDER_WAY: u8 = 0;
const ENDED: u8 = 1;
const ABANDONED: u8 = 2;

/// Whether the turn may reach the mounts, and is with them.
const AWAY: u8 = 0;
const INSIDE: u8 = 1;
const SHUT_OUT: u8 = 2;

/// Why a turn is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stop {
    /// Its time is over.
    Time = 1,
    /// Nobody waits for its outcome any more.
    CallerGone = 2,
    /// All runs together hold more than the engine may.
    Overload = 3,
}

/// The end of a turn's time, and the limit behind it. Without one, whoever drives the run wants it to end then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) limit: Option<Duration>,
}

/// What remains to be done when a turn is lost for good.
type LastWill = Box<dyn FnOnce() + Send>;

/// One turn, as seen by others.
#[derive(Default)]
pub(crate) struct Tether {
    state: AtomicU8,
    /// The first [`Stop`], or 0.
    stop: AtomicU8,
    deadline: Mutex<Option<Deadline>>,
    /// What the turn has printed.
    printed: Mutex<String>,
    mounts: AtomicU8,
    lease: Mutex<Option<Arc<Lease>>>,
    /// The turn's thread sleeps for ever: see [`meter::ceiling`].
    stranded: AtomicBool,
    will: Mutex<Option<LastWill>>,
}

impl Tether {
    /// Lets the turn's time end with `left` of a `limit`, unless it ends before.
    pub(crate) fn arm(&self, left: Duration, limit: Duration) {
        // A time too far away to be a point in time is none.
        if let Some(at) = Instant::now().checked_add(left) {
            let limit = Some(limit);
            self.end_by(Deadline { at, limit });
        }
    }

    /// Lets the turn's time end at `deadline`, unless it ends before.
    pub(crate) fn end_by(&self, deadline: Deadline) {
        let mut earliest = self.deadline.lock();
        if earliest.is_none_or(|earlier| deadline.at < earlier.at) {
            *earliest = Some(deadline);
        }
    }

    /// When the turn's time ends.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        *self.deadline.lock()
    }

    /// Asks the turn to stop. The first reason counts.
    pub(crate) fn stop(&self, reason: Stop) {
        let first = self
            .stop
            .compare_exchange(0, reason as u8, Ordering::AcqRel, Ordering::Relaxed);
        if first.is_ok() && reason == Stop::CallerGone {
            // It has no more time than it takes to notice.
            self.arm(Duration::ZERO, Duration::ZERO);
            self.shut_out();
        }
    }

    /// Whether and why the turn is asked to stop.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        match self.stop.load(Ordering::Acquire) {
            0 => None,
            1 => Some(Stop::Time),
            2 => Some(Stop::CallerGone),
            _ => Some(Stop::Overload),
        }
    }

    /// Condemns the run whose turn this is, if it is asked to stop. For the turn's own thread.
    pub(crate) fn heed(&self) {
        if self.stopped().is_some() {
            meter::condemn();
        }
    }

    /// The turn's own end; says whether the turn is still its thread's to end.
    pub(crate) fn end(&self) -> bool {
        let ended = self.settle(ENDED);
        self.release();
        ended
    }

    /// Abandons the turn, unless it has ended meanwhile; it is to be [shut out](Self::shut_out) then.
    pub(crate) fn abandon(&self) -> bool {
        self.settle(ABANDONED)
    }

    fn settle(&self, state: u8) -> bool {
        self.state
            .compare_exchange(UNDER_WAY, state, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Does the turn's `work` with a ceiling for a run that may hold `limit` bytes.
    pub(crate) fn under_ceiling<T>(&self, limit: Option<usize>, work: impl FnOnce() -> T) -> T {
        meter::ceiling::under(meter::ceiling::above(limit), &self.stranded, work)
    }

    /// Whether the turn's thread never comes back.
    pub(crate) fn is_stranded(&self) -> bool {
        self.stranded.load(Ordering::Acquire)
    }

    /// Says what is to be done should the turn's thread never come back.
    pub(crate) fn if_stranded(&self, will: LastWill) {
        *self.will.lock() = Some(will);
    }

    /// Does what there is to do for a turn whose thread never comes back.
    pub(crate) fn write_off(&self) {
        let will = self.will.lock().take();
        if let Some(will) = will {
            will();
        }
    }

    /// What the turn prints goes here.
    pub(crate) fn print(&self, text: &str) {
        self.printed.lock().push_str(text);
    }

    /// Takes what the turn has printed, at its end.
    pub(crate) fn take_printed(&self) -> String {
        mem::take(&mut self.printed.lock())
    }

    /// A copy of what the turn has printed, for one who abandons it.
    pub(crate) fn printed(&self) -> String {
        self.printed.lock().clone()
    }

    /// Keeps a lease until the turn ends or is shut out.
    pub(crate) fn hold(&self, lease: Arc<Lease>) {
        *self.lease.lock() = Some(lease);
        // One that was shut out before has looked for the lease in vain.
        if self.mounts.load(Ordering::Acquire) == SHUT_OUT {
            self.release();
        }
    }

    /// Whether the turn may reach the mounts now; one that may says when it [has left](Self::leave).
    pub(crate) fn enter(&self) -> bool {
        self.mounts
            .compare_exchange(AWAY, INSIDE, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// The turn has done what it [entered](Self::enter) for.
    pub(crate) fn leave(&self) {
        let left = self
            .mounts
            .compare_exchange(INSIDE, AWAY, Ordering::AcqRel, Ordering::Acquire);
        if left.is_err() {
            // Shut out meanwhile: the call that was under way was the last.
            self.release();
        }
    }

    /// Lets the turn reach no mount any more, and frees its lease: at once, or when the call ends that it is in.
    pub(crate) fn shut_out(&self) {
        if self.mounts.swap(SHUT_OUT, Ordering::AcqRel) != INSIDE {
            self.release();
        }
    }

    fn release(&self) {
        // Taken out under the lock and dropped outside of it.
        let lease = self.lease.lock().take();
        drop(lease);
    }
}

#[cfg(test)]
mod tests;
