//! The drive loop: a run goes on for as long as the mounts can answer what it asks.

use ::monty_types::{
    ExcType, ExtFunctionResult, MontyException, OsFunctionCall, PrintWriter, ResourceError, ResourceTracker,
};

use crate::table::Namespace;

use super::answer::{Answered, Fault, Outcome, answer};
use super::budget::{Budget, Clock};
use super::exception::raised;
use super::meter::Meter;
use super::modules;
use super::suspended::Suspended;
use super::terms::Terms;

/// Answers the file calls of a run in place until it wants something that the mounts do not have, or ends.
///
/// Hands back the first progress that is not a covered file call; a call that no mount covers comes back as the
/// interpreter made it. Payloads move and are not copied. `budget` is kept with the run from turn to turn.
///
/// # Errors
///
/// What the run ends with: an exception of the script, or, uncatchable for it, `TimeoutError` when execution and
/// answers together exceed `budget.limit`, `MemoryError` when an answer does not fit the interpreter's memory limit.
pub fn drive<P: Suspended, M: Meter>(
    mut progress: P,
    namespace: &Namespace,
    mut print: PrintWriter<'_>,
    meter: &mut M,
    budget: &mut Budget,
) -> Result<P, P::Failure> {
    let mut turn: Option<Clock> = None;
    loop {
        // The call is taken out to be answered, and put back if it is not.
        let asked = progress.take_call();
        let call = match (&asked, progress.module_call()) {
            (None, Some(call)) => Some(call),
            _ => None,
        };
        let Some(tracker) = progress.tracker().filter(|_| asked.is_some() || call.is_some()) else {
            if let (Some(clock), Some(tracker)) = (turn, progress.tracker()) {
                budget.settle(clock.taken(), tracker);
            }
            return Ok(progress);
        };
        let step = opened(&mut turn, budget, tracker).and_then(|clock| {
            charged(tracker, meter, &clock, budget, |terms| match (asked, &call) {
                (Some(asked), _) => Step::of(answer(namespace, asked, terms)),
                (None, Some(call)) => Step::of_module(modules::answer(namespace, call, terms)),
                (None, None) => Ok(Step::HandBack(None)),
            })
        });
        drop(call);
        // Only here does the state of the run move: it is large, and this is once per call.
        progress = match step {
            Ok(Step::HandBack(asked)) => {
                if let Some(asked) = asked {
                    progress.put_back(asked);
                }
                return Ok(progress);
            }
            Ok(Step::Resume(result)) => progress.answer(result, print.reborrow())?,
            Err(exceeded) => return progress.abort(uncatchable(&exceeded), print),
        };
    }
}

/// The clock of the turn, started at its first call unless there is no time left to start in.
fn opened(
    turn: &mut Option<Clock>,
    budget: &Budget,
    tracker: &ResourceTracker,
) -> Result<Clock, ResourceError> {
    if let Some(clock) = turn {
        return Ok(*clock);
    }
    let clock = Clock::start(budget.limit, tracker.feed_elapsed() + budget.answering);
    clock.check()?;
    Ok(*turn.insert(clock))
}

/// How a run goes on after a call: with an answer, or by whoever made it drive, with what was taken out of it.
enum Step {
    Resume(ExtFunctionResult),
    HandBack(Option<OsFunctionCall>),
}

impl Step {
    fn of(answered: Answered) -> Result<Self, ResourceError> {
        match answered {
            Answered::NotCovered(asked) => Ok(Self::HandBack(Some(asked))),
            Answered::Exceeded(exceeded) => Err(exceeded),
            Answered::Answer(result) => Ok(Self::Resume(result)),
        }
    }

    fn of_module(outcome: Outcome) -> Result<Self, ResourceError> {
        match outcome {
            Err(Fault::NotCovered) => Ok(Self::HandBack(None)),
            Err(Fault::Exceeded(exceeded)) => Err(exceeded),
            Err(Fault::Raise(exception)) => Ok(Self::Resume(exception.into())),
            Ok(value) => Ok(Self::Resume(value.into())),
        }
    }
}

/// Answers one call and charges it.
fn charged<M: Meter>(
    tracker: &ResourceTracker,
    meter: &mut M,
    clock: &Clock,
    budget: &mut Budget,
    answer: impl FnOnce(&mut Terms<'_, M>) -> Result<Step, ResourceError>,
) -> Result<Step, ResourceError> {
    let mut terms = Terms {
        meter,
        clock,
        tracker: Some(tracker),
    };
    if !terms.meter.enter() {
        return Err(clock.ran_out());
    }
    let step = answer(&mut terms);
    meter.leave();
    let taken = clock.taken();
    budget.settle(taken, tracker);
    if let Ok(Step::Resume(_)) = step {
        clock.allows(taken)?;
        budget.calls += 1;
    }
    step
}

/// The exception to abort a run with: the class and the words of the interpreter's own limits.
fn uncatchable(exceeded: &ResourceError) -> MontyException {
    let class = match exceeded {
        ResourceError::Time { .. } => ExcType::TimeoutError,
        ResourceError::Memory { .. } => ExcType::MemoryError,
        ResourceError::Recursion { .. } => ExcType::RecursionError,
    };
    raised(class, exceeded.to_string())
}
