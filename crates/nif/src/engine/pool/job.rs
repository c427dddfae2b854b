//! What the pool does for others, and what it knows of it.

use std::sync::Arc;

use crate::engine::tether::{Deadline, Tether};

/// One job, in two steps.
pub(crate) trait Job: Send {
    /// Does the work.
    fn work(&mut self);

    /// The turn that the job is, for whoever looks after turns. A job that is none is left alone.
    fn turn(&self) -> Option<Arc<dyn Watched>>;

    /// Whether to deliver the outcome is work, too. If not, the thread counts as free for the next job before it
    /// delivers, so that the one who hears the outcome and comes back at once finds it looking out.
    fn is_slow_to_deliver(&self) -> bool;

    /// Tells the outcome. A job that was abandoned is dropped instead.
    fn deliver(self: Box<Self>);

    /// Frees what the job holds, and tells that no thread came for it. Never on a scheduler.
    fn give_up(self: Box<Self>, why: Unattended);
}

/// Why no thread came for a job.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Unattended {
    /// The pool has no thread left, and the system has none to give.
    NoThread,
    /// The job is a turn whose time was over before its turn came.
    Late(Deadline),
}

/// A turn as whoever looks after turns sees it.
pub(crate) trait Watched: Send + Sync {
    /// How it is asked to stop, and given up.
    fn tether(&self) -> &Tether;

    /// Answers the caller in place of the turn, which was abandoned.
    fn answer_for(&self, cause: Cause);
}

/// Why a turn is abandoned.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cause {
    /// It did not stop when its time was over.
    Time(Deadline),
    /// It asked for more memory than any turn may have, and sleeps for ever.
    Memory,
}
