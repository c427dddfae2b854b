//! What one run may use, and what it has used of it.

use std::time::Duration;

use monty_types::{ExcType, MontyException, ResourceError, ResourceLimits, ResourceTracker, TimeLimitScope};
use mounts::monty::Budget;
use rustler::{Decoder, NifResult, Term};
use serde::{Deserialize, Serialize};

use super::{
    meter::{self, Meter},
    tether::{Deadline, Tether},
};
use crate::value::Bounds;

/// The limits of a run. `None` is no limit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Limits {
    duration: Option<Duration>,
    memory: Option<usize>,
    allocations: Option<u64>,
    gc_interval: Option<usize>,
    recursion_depth: usize,
    output: Option<usize>,
    host_calls: Option<u64>,
    sleep: Option<Duration>,
}

/// As `ExMonty.Limits` writes them, with `nil` for none: microseconds of execution and of sleep, recursion depth and
/// collection interval; bytes held, allocations, bytes printed and host calls.
type Fields = (
    (Option<u64>, Option<u64>, usize, Option<usize>),
    (Option<usize>, Option<u64>, Option<usize>, Option<u64>),
);

impl<'a> Decoder<'a> for Limits {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        let ((duration, sleep, recursion_depth, gc_interval), (memory, allocations, output, host_calls)): Fields =
            term.decode()?;
        Ok(Self {
            duration: duration.map(Duration::from_micros),
            memory,
            allocations,
            gc_interval,
            recursion_depth,
            output,
            host_calls,
            sleep: sleep.map(Duration::from_micros),
        })
    }
}

impl Limits {
    /// The interpreter's part. It always gets a memory limit, because that is how a run is ended from within.
    pub(crate) fn tracker(&self) -> ResourceTracker {
        ResourceTracker::new(self.tracked())
    }

    /// The limits that the interpreter keeps.
    pub(crate) fn tracked(&self) -> ResourceLimits {
        ResourceLimits {
            max_feed_duration: self.duration,
            max_memory: Some(self.memory.unwrap_or(meter::MAX_LIMIT).min(meter::MAX_LIMIT)),
            gc_interval: self.gc_interval,
            max_recursion_depth: self.recursion_depth,
            ..ResourceLimits::default()
        }
    }

    /// These limits, none of them beyond its counterpart in `ceiling`.
    pub(crate) fn capped(&self, ceiling: &Self) -> Self {
        Self {
            duration: lower(self.duration, ceiling.duration),
            memory: lower(self.memory, ceiling.memory),
            allocations: lower(self.allocations, ceiling.allocations),
            gc_interval: lower(self.gc_interval, ceiling.gc_interval),
            recursion_depth: self.recursion_depth.min(ceiling.recursion_depth),
            output: lower(self.output, ceiling.output),
            host_calls: lower(self.host_calls, ceiling.host_calls),
            sleep: lower(self.sleep, ceiling.sleep),
        }
    }

    /// Bytes that the run may hold.
    pub(crate) fn memory(&self) -> Option<usize> {
        self.memory
    }

    /// The meter of a run with these limits.
    pub(crate) fn meter(&self) -> Meter {
        Meter::new(self.allocations)
    }

    /// How large a value may be that goes into the run or comes out of it.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds::new(self.memory)
    }

    /// Bytes of text that the run may print, and the allocations it may make, for the messages of their breaches.
    pub(crate) fn output(&self) -> Option<usize> {
        self.output
    }

    pub(crate) fn allocations(&self) -> Option<u64> {
        self.allocations
    }
}

/// The lower one of two limits, where `None` is no limit.
fn lower<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    [one, other].into_iter().flatten().min()
}

/// What a run has used of the limits that the interpreter leaves to its host. It goes where the run goes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ledger {
    pub(crate) limits: Limits,
    host_calls: u64,
    slept: Duration,
    /// Time, of which answering calls in Rust takes its share.
    #[serde(with = "BudgetRecord")]
    pub(crate) budget: Budget,
}

/// How a [`Budget`] is dumped.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Budget")]
struct BudgetRecord {
    limit: Option<Duration>,
    answering: Duration,
    calls: u64,
}

impl Ledger {
    pub(crate) fn new(limits: Limits) -> Self {
        let budget = Budget {
            limit: limits.duration,
            ..Budget::default()
        };
        Self {
            limits,
            host_calls: 0,
            slept: Duration::ZERO,
            budget,
        }
    }

    /// Lowers what is left of the limits to what `ceiling` leaves.
    pub(crate) fn cap(&mut self, ceiling: &Limits) {
        self.limits = self.limits.capped(ceiling);
        self.budget.limit = self.limits.duration;
    }

    /// Tells a turn when its time ends, for a run that has taken `taken` of its time before.
    pub(crate) fn arm(&self, turn: &Tether, taken: Duration) {
        if let Some(limit) = self.budget.limit {
            turn.arm(limit.saturating_sub(taken), limit);
        }
    }

    /// The exception of a run that has no time left, of which it has taken `taken`.
    pub(crate) fn spent(&self, taken: Duration) -> Option<MontyException> {
        let limit = self.budget.limit.filter(|limit| taken > *limit)?;
        Some(time_exceeded(limit, taken))
    }

    /// Counts a pause that reaches Elixir.
    pub(crate) fn count_host_call(&mut self) -> Result<(), MontyException> {
        self.host_calls = self.host_calls.saturating_add(1);
        match self.limits.host_calls {
            Some(limit) if self.host_calls > limit => Err(breach(
                ExcType::RuntimeError,
                format!("host call limit exceeded: more than {limit} calls"),
            )),
            _ => Ok(()),
        }
    }

    /// Counts a sleep that the run asks for, before it is slept.
    pub(crate) fn count_sleep(&mut self, duration: Duration) -> Result<(), MontyException> {
        let slept = self.slept.saturating_add(duration);
        match self.limits.sleep {
            Some(limit) if slept > limit => Err(breach(
                ExcType::TimeoutError,
                format!("sleep limit exceeded: {slept:?} > {limit:?}"),
            )),
            _ => {
                self.slept = slept;
                Ok(())
            }
        }
    }
}

/// The exception of a turn whose time is over.
pub(crate) fn out_of_time(deadline: Deadline) -> MontyException {
    match deadline.limit {
        Some(limit) => time_exceeded(limit, limit + deadline.at.elapsed()),
        None => breach(ExcType::TimeoutError, "the run did not end in time".to_owned()),
    }
}

/// The exception of a turn that asked for more memory than any may have.
pub(crate) fn out_of_memory() -> MontyException {
    let message = "memory limit exceeded by far: a single operation asked for more than twice as much";
    breach(ExcType::MemoryError, message.to_owned())
}

/// In the interpreter's words for its own limit, because to a user it is the same one.
fn time_exceeded(limit: Duration, elapsed: Duration) -> MontyException {
    let error = ResourceError::Time {
        scope: TimeLimitScope::Feed,
        limit,
        elapsed,
    };
    breach(ExcType::TimeoutError, error.to_string())
}

/// The exception of a limit that is enforced on this side.
pub(crate) fn breach(exc_type: ExcType, message: String) -> MontyException {
    MontyException::new(exc_type, Some(message))
}
