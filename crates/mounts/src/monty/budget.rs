//! Time: what a run may take, execution and answers together.
//!
//! The interpreter limits execution only, and its clock stands still while a call is answered. Charging the answers
//! alone would still leave out what surrounds them, suspending and resuming, which in a loop of small calls is half
//! of the time. So a turn is charged by the wall clock: whatever passes between its begin and its end is execution
//! or belongs to the answers.

use std::time::{Duration, Instant};

use ::monty_types::{ResourceError, ResourceTracker, TimeLimitScope};

use super::suspended::Suspended;

/// What a run may take and what its answers have taken: kept beside the run from turn to turn, and in its dumps.
///
/// ```
/// use std::time::Duration;
/// use mounts::monty::Budget;
///
/// let budget = Budget { limit: Some(Duration::from_secs(10)), ..Budget::default() };
/// assert_eq!(budget.calls, 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    /// The most time the run may take, execution and answers together; `None` is unlimited.
    pub limit: Option<Duration>,
    /// The time so far that was not execution: answering file calls, suspending and resuming for them.
    pub answering: Duration,
    /// The file calls answered so far.
    pub calls: u64,
}

impl Budget {
    /// What a paused run has taken by now, execution and answers together.
    #[must_use]
    pub fn taken<P: Suspended>(&self, paused: &P) -> Duration {
        paused
            .tracker()
            .map_or(Duration::ZERO, ResourceTracker::feed_elapsed)
            + self.answering
    }

    /// Notes that the run has taken `taken` by now; what its tracker has not seen was answering.
    pub(super) fn settle(&mut self, taken: Duration, tracker: &ResourceTracker) {
        self.answering = taken.saturating_sub(tracker.feed_elapsed());
    }
}

/// The time of one turn: from when the interpreter hands over its first call until the turn ends.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
    carried: Duration,
    limit: Option<Duration>,
}

impl Clock {
    /// A clock that starts now, with `carried` taken already.
    #[must_use]
    pub fn start(limit: Option<Duration>, carried: Duration) -> Self {
        Self {
            began: Instant::now(),
            carried,
            limit,
        }
    }

    /// A clock without a limit.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::start(None, Duration::ZERO)
    }

    /// What has been taken by now, this turn and before.
    pub fn taken(&self) -> Duration {
        self.carried + self.began.elapsed()
    }

    /// Checks that the limit is not exceeded.
    ///
    /// # Errors
    ///
    /// [`ResourceError::Time`] with the interpreter's words for its own limit, because to a user it is the same one.
    pub fn check(&self) -> Result<(), ResourceError> {
        match self.limit {
            None => Ok(()),
            Some(_) => self.allows(self.taken()),
        }
    }

    /// The error of a run that its host has ended for its time.
    pub(super) fn ran_out(&self) -> ResourceError {
        ResourceError::Time {
            scope: TimeLimitScope::Feed,
            limit: self.limit.unwrap_or_default(),
            elapsed: self.taken(),
        }
    }

    /// Checks that `elapsed` does not exceed the limit.
    pub(super) fn allows(&self, elapsed: Duration) -> Result<(), ResourceError> {
        match self.limit {
            Some(limit) if elapsed > limit => Err(ResourceError::Time {
                scope: TimeLimitScope::Feed,
                limit,
                elapsed,
            }),
            _ => Ok(()),
        }
    }
}
