//! What answers the script: its mounts, and where these have no answer, this program.

use std::thread;
use std::time::{Duration, Instant};

use monty::{OsCall, ResolveFutures, RunProgress};
use monty_types::{
    ExcType, ExtFunctionResult, MontyException, MontyObject, OsFunctionCall, PrintWriter,
    PrintWriterCallback, ResourceError, ResourceTracker, TimeLimitScope,
};
use mounts::Lease;
use mounts::monty::{Budget, drive, unhandled};

use crate::meter::Counted;
use crate::output::Streams;

/// What a step of the interpreter comes to.
pub(crate) type Progress = Result<RunProgress, MontyException>;

/// The host of one run.
#[derive(Debug)]
pub(crate) struct Host {
    streams: Streams,
    /// Time, of which sleep and file calls take their share.
    budget: Budget,
    /// The tasks that sleep: the call that each of them waits for, and until when.
    sleepers: Vec<(u32, Instant)>,
}

impl Host {
    /// The host of a run that may take `limit`.
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self {
            streams: Streams::new(),
            budget: Budget {
                limit,
                ..Budget::default()
            },
            sleepers: Vec::new(),
        }
    }

    /// Where the script prints to.
    pub(crate) fn print(&mut self) -> PrintWriter<'_> {
        PrintWriter::Callback(&mut self.streams)
    }

    /// Lets the run go on as long as its mounts have the answers.
    pub(crate) fn drive(&mut self, asked: RunProgress, lease: &Lease) -> Progress {
        let print = PrintWriter::Callback(&mut self.streams);
        drive(asked, lease, print, &mut Counted, &mut self.budget)
    }

    /// Answers a call that no mount covers.
    pub(crate) fn answer(&mut self, call: OsCall) -> Progress {
        let answer = match &call.function_call {
            OsFunctionCall::Sleep(delay) => match self.sleep(*delay, call.tracker()) {
                Ok(()) => MontyObject::none().into(),
                Err(exception) => return call.abort(exception, self.print()),
            },
            OsFunctionCall::AsyncSleep(delay) => match Instant::now().checked_add(*delay) {
                Some(due) => {
                    self.sleepers.push((call.call_id, due));
                    ExtFunctionResult::Future(call.call_id)
                }
                None => MontyException::new(
                    ExcType::OverflowError,
                    Some("timestamp too large to convert to C PyTime_t".to_owned()),
                )
                .into(),
            },
            other => unhandled(other),
        };
        call.resume(answer, self.print())
    }

    /// Waits until one of the tasks that all sleep is to go on.
    pub(crate) fn wake(&mut self, futures: ResolveFutures) -> Progress {
        let pending = futures.pending_call_ids();
        let due = self.sleepers.iter().filter(|(id, _)| pending.contains(id));
        let Some(next) = due.map(|(_, due)| *due).min() else {
            let text = "the script waits for calls that nobody answers".to_owned();
            let exception = MontyException::new(ExcType::RuntimeError, Some(text));
            return futures.abort(exception, self.print());
        };
        let delay = next.saturating_duration_since(Instant::now());
        if let Err(exception) = self.sleep(delay, futures.tracker()) {
            return futures.abort(exception, self.print());
        }
        let mut awake: Vec<_> = self.sleepers.extract_if(.., |(_, due)| *due <= next).collect();
        awake.retain(|(id, _)| pending.contains(id));
        awake.sort_by_key(|(_, due)| *due);
        let results = awake
            .into_iter()
            .map(|(id, _)| (id, MontyObject::none().into()))
            .collect();
        futures.resume(results, self.print())
    }

    /// Sleeps, and charges it to the run; what it has printed is seen before. A sleep that the run has no time for is
    /// not begun, and ends it in the words of the interpreter's own limit.
    fn sleep(&mut self, delay: Duration, tracker: &ResourceTracker) -> Result<(), MontyException> {
        self.streams.poll_flush()?;
        let elapsed = (tracker.feed_elapsed() + self.budget.answering).saturating_add(delay);
        if let Some(limit) = self.budget.limit.filter(|limit| elapsed > *limit) {
            let exceeded = ResourceError::Time {
                scope: TimeLimitScope::Feed,
                limit,
                elapsed,
            };
            return Err(MontyException::new(
                ExcType::TimeoutError,
                Some(exceeded.to_string()),
            ));
        }
        let began = Instant::now();
        thread::sleep(delay);
        self.budget.answering += began.elapsed();
        Ok(())
    }
}
