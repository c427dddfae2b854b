//! The drive loop: a run goes on for as long as the mounts can answer what it asks.

use std::mem;

use ::monty::RunProgress;
use ::monty_types::{
    ExcType, ExtFunctionResult, MontyException, OsFunctionCall, PrintWriter, ResourceError, ResourceTracker,
};

use crate::table::Namespace;

use super::answer::{Answered, answer};
use super::budget::{Budget, Clock};
use super::exception::raised;
use super::meter::Meter;
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
pub fn drive<M: Meter>(
    mut progress: RunProgress,
    namespace: &Namespace,
    mut print: PrintWriter<'_>,
    meter: &mut M,
    budget: &mut Budget,
) -> Result<RunProgress, MontyException> {
    let mut turn: Option<Clock> = None;
    loop {
        let step = match &mut progress {
            RunProgress::OsCall(call) => {
                // The call is taken out to be answered, and put back if it is not.
                let asked = mem::replace(&mut call.function_call, OsFunctionCall::GetEnviron);
                let tracker = call.tracker();
                let step = opened(&mut turn, budget, tracker)
                    .and_then(|clock| step(namespace, asked, tracker, meter, &clock, budget));
                match step {
                    Ok(Step::HandBack(asked)) => {
                        call.function_call = asked;
                        return Ok(progress);
                    }
                    Ok(Step::Resume(result)) => Ok(result),
                    Err(exceeded) => Err(exceeded),
                }
            }
            other => {
                if let (Some(clock), Some(tracker)) = (turn, tracker(other)) {
                    budget.settle(clock.taken(), tracker);
                }
                return Ok(progress);
            }
        };
        // Only here does the state of the run move: it is large, and this is once per call.
        let RunProgress::OsCall(call) = progress else {
            return Ok(progress);
        };
        progress = match step {
            Ok(result) => call.resume(result, print.reborrow())?,
            Err(exceeded) => return call.abort(uncatchable(&exceeded), print),
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

/// How a run goes on after a call.
enum Step {
    Resume(ExtFunctionResult),
    HandBack(OsFunctionCall),
}

/// Answers one call and charges it.
fn step<M: Meter>(
    namespace: &Namespace,
    asked: OsFunctionCall,
    tracker: &ResourceTracker,
    meter: &mut M,
    clock: &Clock,
    budget: &mut Budget,
) -> Result<Step, ResourceError> {
    let mut terms = Terms {
        meter,
        clock,
        tracker: Some(tracker),
    };
    let answered = answer(namespace, asked, &mut terms);
    let taken = clock.taken();
    budget.settle(taken, tracker);
    match answered {
        Answered::NotCovered(asked) => Ok(Step::HandBack(asked)),
        Answered::Exceeded(exceeded) => Err(exceeded),
        Answered::Answer(result) => {
            clock.allows(taken)?;
            budget.calls += 1;
            Ok(Step::Resume(result))
        }
    }
}

fn tracker(progress: &RunProgress) -> Option<&ResourceTracker> {
    match progress {
        RunProgress::FunctionCall(call) => Some(call.tracker()),
        RunProgress::OsCall(call) => Some(call.tracker()),
        RunProgress::ResolveFutures(state) => Some(state.tracker()),
        RunProgress::NameLookup(lookup) => Some(lookup.tracker()),
        RunProgress::Complete(_) => None,
    }
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
