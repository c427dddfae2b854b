//! A script from its first line to its end.

use std::mem;
use std::thread;
use std::time::Duration;

use monty::{MontyRun, RunProgress};
use monty_types::{
    CompileOptions, ExtFunctionResult, MontyException, NameLookupResult, OsPolicy, ResourceLimits,
    ResourceTracker, SleepMode,
};
use mounts::Lease;
use mounts::monty::unhandled_function;

use crate::failure::Failure;
use crate::host::Host;
use crate::program::Program;

/// The address space of the interpreter's stack. What is not guarded against recursion in it grows with the length
/// of the source, and only what is touched is ever taken.
const STACK_BYTES: usize = 256 << 20;

/// What a script may use.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Allowance {
    /// The most time, execution, file calls and sleep together.
    pub(crate) time: Option<Duration>,
    /// The most bytes that it may hold.
    pub(crate) memory: Option<u64>,
}

/// Runs `program` on a thread of its own, with the files of `lease`, to its end. What it evaluates to is dropped, as
/// Python does with a file's.
///
/// # Errors
///
/// The outer failure is the program's or the system's, the inner exception the script's.
pub(crate) fn run(
    program: Program,
    lease: &Lease,
    working_directory: &str,
    allowance: Allowance,
) -> Result<Result<(), MontyException>, Failure> {
    thread::scope(|scope| {
        let interpreter = thread::Builder::new()
            .name("interpreter".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, || interpret(program, lease, working_directory, allowance))
            .map_err(|error| Failure::Internal(format!("no thread for the interpreter: {error}")))?;
        // The panic itself has been told on standard error.
        interpreter
            .join()
            .map_err(|_| Failure::Internal("the interpreter failed".to_owned()))
    })
}

fn interpret(
    program: Program,
    lease: &Lease,
    working_directory: &str,
    allowance: Allowance,
) -> Result<(), MontyException> {
    let mut run = MontyRun::new(program.code, &program.name, vec![], CompileOptions::default())?
        .with_os_policy(OsPolicy {
            sleep: SleepMode::CallHost,
            ..OsPolicy::default()
        });
    run.set_cwd(working_directory);
    let tracker = ResourceTracker::new(ResourceLimits {
        max_feed_duration: allowance.time,
        max_memory: allowance
            .memory
            .map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)),
        ..ResourceLimits::default()
    });
    let mut host = Host::new(allowance.time);
    let mut progress = run.start(vec![], tracker, host.print());
    loop {
        progress = match host.drive(progress?, lease)? {
            RunProgress::Complete(_) => return Ok(()),
            RunProgress::OsCall(call) => host.answer(call),
            RunProgress::ResolveFutures(futures) => host.wake(futures),
            RunProgress::NameLookup(lookup) => lookup.resume(NameLookupResult::Undefined, host.print()),
            RunProgress::FunctionCall(mut call) => {
                let name = mem::take(&mut call.function_name);
                let answer = unhandled_function(&name, &call.args);
                call.resume(answer.unwrap_or(ExtFunctionResult::NotFound(name)), host.print())
            }
        };
    }
}
