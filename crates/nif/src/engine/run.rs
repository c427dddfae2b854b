//! One turn of a run: from a start or an answer to the next pause that must reach Elixir, or to the end.

use std::{sync::Arc, time::Duration};

use ::mounts::{Lease, Namespace, monty::Suspended};
use monty::MontyRepl;
use monty_types::{
    ExcType, ExtFunctionResult, MontyException, MontyObject, NameLookupResult, OsFunctionCall, PrintWriter,
    SandboxTimeZone,
};
use rustler::ResourceArc;
use serde::{Deserialize, Serialize};

use super::{
    Engine,
    instances::Instances,
    limits::{Ledger, Limits, breach, out_of_time},
    meter::{self, Meter, Metered},
    no_handler,
    output::Output,
    overseer::Overseer,
    policy::{Entropy, Policy},
    session::{Idle, Loan},
    suspended::{At, Progress, Question},
    tether::{self, Tether},
};
use crate::{mounts::LeaseResource, runner::Program};

/// Who answers what the script asks for.
pub(crate) enum Host {
    /// The process that called: each question is a pause.
    Elixir,
    /// The mounts of a lease answer the file calls that they cover; what else is asked is a pause.
    Mounts {
        /// The mounts, which may be reached while the turn's [`Tether`] lets it. That also holds the lease.
        mounts: Arc<Namespace>,
        /// Held as long as the run is paused.
        handle: ResourceArc<LeaseResource>,
    },
    /// Nobody: every question gets the answer for no handler, and the run ends in this turn.
    Nobody,
}

impl Host {
    /// The mounts of a lease that is at hand as `handle`.
    pub(crate) fn mounts(lease: &Lease, handle: ResourceArc<LeaseResource>) -> Self {
        Self::Mounts {
            mounts: lease.share_namespace(),
            handle,
        }
    }

    /// The working directory of a run that is given none: the first mount's path, else the root.
    pub(crate) fn default_directory(&self) -> String {
        let first = match self {
            Self::Mounts { mounts, .. } => mounts.mounts().into_iter().next(),
            Self::Elixir | Self::Nobody => None,
        };
        first.map_or_else(|| "/".to_owned(), |mount| mount.point)
    }
}

/// What a run carries from turn to turn, and in its dumps, beside the interpreter's state.
#[derive(Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) ledger: Ledger,
    pub(crate) output: Output,
    pub(crate) zone: SandboxTimeZone,
    entropy: Option<Entropy>,
    pub(crate) instances: Instances,
    /// A limit on this side has ended the run.
    breached: bool,
    /// A paused run keeps its lease, though nobody may refer to it.
    #[serde(skip)]
    pub(crate) lease: Option<ResourceArc<LeaseResource>>,
    /// The compiled program, part of which the interpreter's state shares. As long as the run holds it, the run is
    /// never the last one to free what another meter has counted. One that was loaded shares nothing.
    #[serde(skip)]
    _program: Option<Arc<Program>>,
    /// The session that the run is an evaluation of.
    #[serde(skip)]
    pub(crate) loan: Option<Loan>,
}

impl Run {
    /// A run that has not begun, of a program, or of none for a session's.
    pub(crate) fn new(program: Option<Arc<Program>>, limits: Limits, policy: &Policy) -> Self {
        let mut output = Output::new(limits.output());
        output.oversee(policy.overseer.clone());
        Self {
            output,
            ledger: Ledger::new(limits),
            zone: policy.os.timezone.clone(),
            entropy: policy.entropy.clone(),
            instances: Instances::default(),
            breached: false,
            lease: None,
            _program: program,
            loan: None,
        }
    }

    /// Lowers the limits that are kept on this side to those of `ceiling`. What has been used stays used.
    pub(crate) fn cap(&mut self, ceiling: &Limits) {
        self.ledger.cap(ceiling);
        self.output.set_limit(self.ledger.limits.output());
    }

    /// Makes the run of a session that of its next evaluation, which has used nothing of its limits.
    pub(crate) fn begin(&mut self, limits: Limits, loan: Loan, overseer: Option<Arc<Overseer>>) {
        self.output = Output::new(limits.output());
        self.output.oversee(overseer);
        self.ledger = Ledger::new(limits);
        self.breached = false;
        self.loan = Some(loan);
    }

    /// Where the run prints to.
    pub(crate) fn print(&mut self) -> PrintWriter<'_> {
        PrintWriter::Callback(&mut self.output)
    }

    /// The answer to a call of `os.urandom` in a run with a seed.
    fn draw(&mut self, asked: &At) -> Option<Vec<u8>> {
        match (asked.question(), &mut self.entropy) {
            (
                Some(Question::Os {
                    call: OsFunctionCall::Urandom(call),
                    ..
                }),
                Some(entropy),
            ) => Some(entropy.draw(call)),
            _ => None,
        }
    }
}

/// A run that waits for an answer.
pub(crate) struct Pause {
    pub(crate) at: At,
    pub(crate) run: Run,
}

/// How a turn ended.
pub(crate) enum Stop {
    Paused(Box<Metered<Pause>>),
    Complete {
        value: MontyObject,
        output: String,
    },
    Raised {
        exception: MontyException,
        output: String,
    },
    /// All runs together held more than they may, and this one was growing.
    Overloaded,
}

/// Takes one turn of a run that has taken `taken` of its time before: `step` sets the interpreter going, and every question
/// that `host` has an answer for is answered.
pub(crate) fn take_turn(
    turn: &Arc<Tether>,
    mut meter: Meter,
    mut run: Run,
    taken: Duration,
    host: &Host,
    step: impl FnOnce(&mut Run) -> Progress,
) -> Stop {
    let answered = run.ledger.budget.calls;
    run.ledger.arm(turn, taken);
    if let Some(overseer) = run.output.overseer() {
        overseer.arm(turn);
    }
    if let Some(place) = run.loan.as_ref().and_then(Loan::place) {
        let place = Arc::clone(place);
        turn.if_stranded(Box::new(move || place.write_off()));
    }
    let limit = run.ledger.limits.memory();
    let ended = meter.turn(|| {
        turn.under_ceiling(limit, || {
            run.output.begin(turn);
            let progress = advance(step(&mut run), turn, host, &mut run);
            run.output.end();
            // Here, because what it makes and frees is the run's.
            progress.map(At::into_value)
        })
    });
    run.output.tell();
    Engine::get().count_answers(run.ledger.budget.calls - answered);
    match ended {
        Ok(Ok((value, session))) => {
            let (value, output) = end(value, run, meter, session);
            Stop::Complete { value, output }
        }
        Ok(Err(at)) => {
            run.lease = match host {
                Host::Mounts { handle, .. } => Some(handle.clone()),
                Host::Elixir | Host::Nobody => None,
            };
            Stop::Paused(Box::new(Metered::join(Pause { at, run }, meter)))
        }
        Err(ended) if meter.was_condemned() && turn.stopped() == Some(tether::Stop::Overload) => {
            end((), run, meter, ended.session);
            Stop::Overloaded
        }
        Err(ended) => {
            let (exception, breached) = explain(ended.exception, turn, &run, &meter);
            if breached {
                Engine::get().count_breach();
            }
            let (exception, output) = end(exception, run, meter, ended.session);
            Stop::Raised { exception, output }
        }
    }
}

/// What leaves a run that has ended. A session goes back to its place, and is credited with what leaves it.
fn end<T: Clone>(result: T, mut run: Run, mut meter: Meter, session: Option<Box<MontyRepl>>) -> (T, String) {
    run.lease = None;
    run.output.oversee(None);
    let Some(repl) = session else {
        return (result, run.output.take());
    };
    let left = meter.turn(|| {
        let own = (result, run.output.take());
        meter::outside(|| own.clone())
    });
    if let Some(loan) = run.loan.take() {
        loan.give_back(Metered::join(Idle { repl, run }, meter));
    }
    left
}

/// Goes on as long as there is an answer at hand, and stops at the first question that Elixir must answer.
fn advance(mut progress: Progress, turn: &Tether, host: &Host, run: &mut Run) -> Progress {
    loop {
        let mut asked = progress?;
        if let Host::Mounts { mounts, .. } = host {
            let print = PrintWriter::Callback(&mut run.output);
            let budget = &mut run.ledger.budget;
            asked = ::mounts::monty::drive(asked, mounts, print, &mut Tethered(turn), budget)?;
        }
        if let Some(bytes) = run.draw(&asked) {
            progress = asked.answer(MontyObject::bytes(bytes).into(), run.print());
            continue;
        }
        if asked.question().is_none() {
            return Ok(asked);
        }
        progress = match host {
            Host::Elixir | Host::Mounts { .. } => return admit(asked, run),
            Host::Nobody => answer_unhandled(asked, run),
        };
    }
}

/// The turn, as the mounts know it.
struct Tethered<'a>(&'a Tether);

impl ::mounts::monty::Meter for Tethered<'_> {
    fn enter(&mut self) -> bool {
        self.0.enter()
    }

    fn leave(&mut self) {
        self.0.leave();
    }

    fn outside<R>(&mut self, work: impl FnOnce() -> R) -> R {
        // A script that does little between its file calls is not asked by the interpreter to flush.
        self.0.heed();
        meter::outside(work)
    }

    fn hand_over(&mut self, bytes: usize) {
        meter::hand_over(bytes);
    }
}

/// Lets a question through to Elixir if the run may still ask one.
fn admit(asked: At, run: &mut Run) -> Progress {
    let mut admitted = run.ledger.count_host_call();
    match asked.question() {
        Some(Question::Os {
            call: OsFunctionCall::Sleep(delay) | OsFunctionCall::AsyncSleep(delay),
            ..
        }) => admitted = admitted.and_then(|()| run.ledger.count_sleep(*delay)),
        Some(Question::Function { args, .. }) => run.instances.learn_args(args),
        _ => {}
    }
    match admitted {
        Ok(()) => Ok(asked),
        Err(exception) => {
            run.breached = true;
            asked.abort(exception, run.print())
        }
    }
}

/// Answers a question that nobody handles.
fn answer_unhandled(asked: At, run: &mut Run) -> Progress {
    let answer = match asked.question() {
        Some(Question::Os { call, .. }) => no_handler::answer(call, &run.zone),
        Some(Question::Function {
            name,
            object: Some(_),
            ..
        }) => no_handler::method_answer(name),
        Some(Question::Function { name, .. }) => ExtFunctionResult::NotFound(name.to_owned()),
        Some(Question::Name { .. }) => {
            return asked.answer_name(NameLookupResult::Undefined, run.print());
        }
        Some(Question::Futures(_)) => {
            let message = "the run waits for calls that nobody will answer".to_owned();
            let exception = MontyException::new(ExcType::RuntimeError, Some(message));
            return asked.abort(exception, run.print());
        }
        None => return Ok(asked),
    };
    asked.answer(answer, run.print())
}

/// The exception as it is to be told, and whether a limit is behind it. A condemned run ends with the interpreter's
/// words for its memory limit, where the limit that condemned it is the one to name.
fn explain(exception: MontyException, turn: &Tether, run: &Run, meter: &Meter) -> (MontyException, bool) {
    let late = turn
        .deadline()
        .filter(|_| meter.was_condemned() && turn.stopped() == Some(tether::Stop::Time));
    let cause = late.map(out_of_time).or_else(|| run.output.breach());
    let cause = cause.or_else(|| {
        let limit = run
            .ledger
            .limits
            .allocations()
            .filter(|_| meter.allocations_exceeded())?;
        Some(breach(
            ExcType::MemoryError,
            format!("allocation limit exceeded: more than {limit} allocations"),
        ))
    });
    if let Some(mut cause) = cause {
        cause.add_traceback(exception.traceback().iter().cloned());
        return (cause, true);
    }
    let limited = matches!(exception.exc_type(), ExcType::MemoryError | ExcType::TimeoutError);
    (exception, limited || run.breached)
}
