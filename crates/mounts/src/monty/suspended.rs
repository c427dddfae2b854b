//! What the drive loop needs to know of a run that waits.

use std::mem;

use ::monty::{ReplProgress, ReplStartError, RunProgress};
use ::monty_types::{ExtFunctionResult, MontyException, OsFunctionCall, PrintWriter, ResourceTracker};

use super::modules::ModuleCall;

/// A run that waits for an answer, or has ended with a value: of a program, or of a session that lives on afterwards.
///
/// The interpreter has a type for each. Hosts that run both may have one of their own around them.
pub trait Suspended: Sized {
    /// What a run ends with that is no value.
    type Failure;

    /// Takes the call that the run waits for, if it waits for one of the system.
    fn take_call(&mut self) -> Option<OsFunctionCall>;

    /// The call of a function of a module that the mounts answer, if the run waits for one.
    fn module_call(&self) -> Option<ModuleCall<'_>>;

    /// Puts back a call that was taken.
    fn put_back(&mut self, call: OsFunctionCall);

    /// The limits of the run; a program that has ended has none any more.
    fn tracker(&self) -> Option<&ResourceTracker>;

    /// Goes on with the answer to a function call or a call of the system; a run that waits for anything else stays as it is.
    ///
    /// # Errors
    ///
    /// What the run ends with.
    fn answer(self, result: ExtFunctionResult, print: PrintWriter<'_>) -> Result<Self, Self::Failure>;

    /// Ends the run with an exception that its script cannot catch.
    ///
    /// # Errors
    ///
    /// What the run ends with: this exception.
    fn abort(self, exception: MontyException, print: PrintWriter<'_>) -> Result<Self, Self::Failure>;
}

/// The same for both types of the interpreter, whose variants have the same names.
macro_rules! suspended {
    ($progress:ty, $failure:ty, $this:ident => $tracker:expr) => {
        impl Suspended for $progress {
            type Failure = $failure;

            fn take_call(&mut self) -> Option<OsFunctionCall> {
                match self {
                    Self::OsCall(call) => Some(mem::replace(
                        &mut call.function_call,
                        OsFunctionCall::GetEnviron,
                    )),
                    _ => None,
                }
            }

            fn module_call(&self) -> Option<ModuleCall<'_>> {
                match self {
                    Self::FunctionCall(call) if call.object_id.is_none() => {
                        ModuleCall::of(&call.function_name, &call.args, call)
                    }
                    _ => None,
                }
            }

            fn put_back(&mut self, asked: OsFunctionCall) {
                if let Self::OsCall(call) = self {
                    call.function_call = asked;
                }
            }

            fn tracker(&self) -> Option<&ResourceTracker> {
                let $this = self;
                $tracker
            }

            fn answer(self, result: ExtFunctionResult, print: PrintWriter<'_>) -> Result<Self, $failure> {
                match self {
                    Self::FunctionCall(call) => call.resume(result, print),
                    Self::OsCall(call) => call.resume(result, print),
                    other => Ok(other),
                }
            }

            fn abort(self, exception: MontyException, print: PrintWriter<'_>) -> Result<Self, $failure> {
                match self {
                    Self::FunctionCall(call) => call.abort(exception, print),
                    Self::OsCall(call) => call.abort(exception, print),
                    Self::NameLookup(lookup) => lookup.abort(exception, print),
                    Self::ResolveFutures(futures) => futures.abort(exception, print),
                    ended @ Self::Complete { .. } => Ok(ended),
                }
            }
        }
    };
}

suspended!(RunProgress, MontyException, run => run_tracker(run));
suspended!(ReplProgress, Box<ReplStartError>, session => Some(ReplProgress::tracker(session)));

fn run_tracker(progress: &RunProgress) -> Option<&ResourceTracker> {
    match progress {
        RunProgress::FunctionCall(call) => Some(call.tracker()),
        RunProgress::OsCall(call) => Some(call.tracker()),
        RunProgress::ResolveFutures(state) => Some(state.tracker()),
        RunProgress::NameLookup(lookup) => Some(lookup.tracker()),
        RunProgress::Complete(_) => None,
    }
}
