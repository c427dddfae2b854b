//! Runs that Elixir drives: starts, pauses, answers.

mod answer;
mod file_stat;
mod os_call;
mod outcome;
mod snapshot;

use std::{sync::Arc, time::Duration};

use ::mounts::{Lease, monty::Suspended};
use monty_types::MontyObject;
use rustler::{Encoder, Env, NifResult, Reference, ResourceArc, Term};

use self::answer::Answer;
pub(crate) use self::{
    outcome::{Shape, Turned},
    snapshot::Snapshot,
};
use crate::{
    atoms,
    engine::{
        admission::Admission,
        limits::Limits,
        meter,
        overseer::Overseer,
        parcel,
        policy::Policy,
        run::{Host, Pause, Run, take_turn},
        suspended::At,
        tether::Tether,
        turn::{self, Request},
    },
    error::{Failure, argument_error},
    mounts::{LeaseResource, Refusal},
    runner::{self, Program},
    value::{self, Bounds, Place},
};

/// Starts a run. `values` are those of the runner's inputs, in their order; `host` is `nil` for Elixir, `:nobody`, or a
/// lease. Answers `:large` without doing anything when there is too much to be read here: `start_large` is to be called
/// then. On a normal scheduler: the work is a worker's, see [`turn`].
#[rustler::nif]
fn start<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    runner: Term<'a>,
    values: Term<'a>,
    limits: Limits,
    policy: Policy,
    host: Term<'a>,
) -> NifResult<Term<'a>> {
    if parcel::is_small(values) {
        begin(env, reference, runner, values, limits, policy, host)
    } else {
        Ok(atoms::large().encode(env))
    }
}

/// As `start`, for any values. On a dirty CPU scheduler, where the values are read.
#[rustler::nif(schedule = "DirtyCpu")]
fn start_large<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    runner: Term<'a>,
    values: Term<'a>,
    limits: Limits,
    policy: Policy,
    host: Term<'a>,
) -> NifResult<Term<'a>> {
    begin(env, reference, runner, values, limits, policy, host)
}

/// The values are read where they are: a copy of a term that shares much may be larger than any memory.
fn begin<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    runner: Term<'a>,
    values: Term<'a>,
    limits: Limits,
    policy: Policy,
    host: Term<'a>,
) -> NifResult<Term<'a>> {
    let program = runner::decode(runner)?.program();
    let (host, lease) = match decode_host(host)? {
        Ok(host) => host,
        Err(refusal) => return Ok(refuse(env, &(atoms::error(), refusal))),
    };
    let (values, bytes) = meter::measure(|| decode_inputs(values, program.inputs(), &limits.bounds()));
    Ok(match values {
        Ok(values) => {
            let overseer = policy.overseer.clone();
            let work = move |turn: &Arc<Tether>| launch(turn, &program, values, bytes, limits, policy, &host);
            let request = Request {
                admission: Admission::Begin,
                lease,
                overseer,
                work,
            };
            turn::submit(env, reference, request)
        }
        Err(failure) => refuse(env, &failure),
    })
}

/// Answers what the run of a snapshot waits for; `lease` may be `nil`. Schedule and `:large` as for [`start`].
#[rustler::nif]
fn resume<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    snapshot: Term<'a>,
    result: Term<'a>,
    lease: Term<'a>,
) -> NifResult<Term<'a>> {
    let snapshot = Snapshot::decode_call(snapshot)?;
    if parcel::is_small(result) {
        proceed(env, reference, snapshot, result, lease)
    } else {
        Ok(atoms::large().encode(env))
    }
}

/// As `resume`, for any result. Schedule as for [`start_large`].
#[rustler::nif(schedule = "DirtyCpu")]
fn resume_large<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    snapshot: Term<'a>,
    result: Term<'a>,
    lease: Term<'a>,
) -> NifResult<Term<'a>> {
    proceed(env, reference, Snapshot::decode_call(snapshot)?, result, lease)
}

/// Answers some of the futures that the run of a snapshot waits for. Schedule and `:large` as for [`start`].
#[rustler::nif]
fn resume_futures<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    snapshot: Term<'a>,
    results: Term<'a>,
    lease: Term<'a>,
) -> NifResult<Term<'a>> {
    let snapshot = Snapshot::decode_futures(snapshot)?;
    if parcel::is_small(results) {
        proceed(env, reference, snapshot, results, lease)
    } else {
        Ok(atoms::large().encode(env))
    }
}

/// As `resume_futures`, for any results. Schedule as for [`start_large`].
#[rustler::nif(schedule = "DirtyCpu")]
fn resume_futures_large<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    snapshot: Term<'a>,
    results: Term<'a>,
    lease: Term<'a>,
) -> NifResult<Term<'a>> {
    proceed(
        env,
        reference,
        Snapshot::decode_futures(snapshot)?,
        results,
        lease,
    )
}

/// The answer is read before the snapshot is touched, so that one that is refused leaves it as it was.
fn proceed<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    snapshot: ResourceArc<Snapshot>,
    result: Term<'a>,
    lease: Term<'a>,
) -> NifResult<Term<'a>> {
    let (host, lease) = match decode_host(lease)? {
        Ok(host) => host,
        Err(refusal) => return Ok(refuse(env, &(atoms::error(), refusal))),
    };
    let Some(expected) = snapshot.expectation() else {
        return Ok(refuse(env, &Failure::consumed()));
    };
    let (answer, bytes) = meter::measure(|| Answer::decode(result, &expected, &snapshot.bounds()));
    Ok(match answer {
        Ok(answer) => {
            let overseer = snapshot
                .look()
                .and_then(|pause| pause.run.output.share_overseer());
            let request = Request {
                admission: Admission::GoOn,
                lease,
                overseer,
                work: move |turn: &Arc<Tether>| go_on(turn, &snapshot, answer, bytes, &host),
            };
            turn::submit(env, reference, request)
        }
        Err(failure) => refuse(env, &failure),
    })
}

/// Who answers, and the lease of a host that has one.
pub(crate) type Hosted = (Host, Option<Arc<Lease>>);

/// Who answers, with the lease to hold to the end of the turn. One that has ended is refused before anything is touched.
pub(crate) fn decode_host(term: Term<'_>) -> NifResult<Result<Hosted, Refusal>> {
    if term.is_atom() {
        let host = if atoms::nobody() == term {
            Host::Nobody
        } else {
            Host::Elixir
        };
        return Ok(Ok((host, None)));
    }
    let handle: ResourceArc<LeaseResource> = term.decode().map_err(|_| argument_error("expected a lease"))?;
    Ok(handle
        .enter()
        .map(|lease| (Host::mounts(&lease, handle), Some(lease))))
}

/// The answer of a call that has not begun any work.
pub(crate) fn refuse<'a>(env: Env<'a>, refusal: &impl Encoder) -> Term<'a> {
    (atoms::done(), refusal).encode(env)
}

/// The progress of a snapshot once more. On a normal scheduler: as [`start`], since the arguments of a call may be
/// large.
#[rustler::nif]
fn progress<'a>(env: Env<'a>, reference: Reference<'a>, snapshot: Term<'a>) -> NifResult<Term<'a>> {
    let snapshot = Snapshot::decode(snapshot)?;
    let work = move |_: &Arc<Tether>| Turned::Told(snapshot);
    Ok(turn::submit(
        env,
        reference,
        Request::new(Admission::Always, work),
    ))
}

/// The calls that the run of a snapshot waits for. On a normal scheduler: it copies a few numbers.
#[rustler::nif]
fn pending_call_ids<'a>(env: Env<'a>, snapshot: Term<'a>) -> NifResult<Term<'a>> {
    let snapshot = Snapshot::decode_futures(snapshot)?;
    Ok(snapshot
        .pending_call_ids()
        .map_or_else(|| Failure::consumed().encode(env), |ids| ids.encode(env)))
}

/// Puts the run of a snapshot under an overseer, if it is still there.
pub(crate) fn oversee(snapshot: Term<'_>, overseer: Arc<Overseer>) -> NifResult<()> {
    let snapshot = Snapshot::decode(snapshot)?;
    if let Some(mut pause) = snapshot.look() {
        pause.run.output.oversee(Some(overseer));
    }
    Ok(())
}

/// The first turn of a run whose `values` take `bytes`.
fn launch(
    turn: &Arc<Tether>,
    program: &Arc<Program>,
    values: Vec<MontyObject>,
    bytes: isize,
    limits: Limits,
    policy: Policy,
    host: &Host,
) -> Turned {
    let bounds = limits.bounds();
    let mut meter = limits.meter();
    meter.take_over(bytes);
    let tracker = limits.tracker();
    let run = Run::new(Some(Arc::clone(program)), limits, &policy);
    let cwd = policy.cwd.unwrap_or_else(|| host.default_directory());
    let stop = take_turn(turn, meter, run, Duration::ZERO, host, |run| {
        for value in &values {
            run.instances.learn(value);
        }
        let program = program.instantiate(&cwd, policy.os);
        At::start_program(program, values, tracker, run.print())
    });
    Turned::new(stop, Shape::of(host), bounds)
}

/// The next turn of a paused run, whose `answer` takes `bytes`. One whose time is over is not set going again.
fn go_on(turn: &Arc<Tether>, snapshot: &Snapshot, answer: Answer, bytes: isize, host: &Host) -> Turned {
    // Somebody else may have been faster since the answer was read.
    let Some(pause) = snapshot.take() else {
        return Failure::consumed().into();
    };
    let (Pause { at, run }, mut meter) = pause.into_parts();
    meter.take_over(bytes);
    let taken = run.ledger.budget.taken(&at);
    let stop = take_turn(turn, meter, run, taken, host, |run| {
        match run.ledger.spent(taken) {
            None => answer.give(at, run),
            Some(exception) => at.abort(exception, run.print()),
        }
    });
    Turned::new(stop, Shape::Progress, snapshot.bounds())
}

/// The values of a run's inputs. How many there are is the business of `ExMonty`, which knows their names.
pub(crate) fn decode_inputs(
    values: Term<'_>,
    names: &[String],
    bounds: &Bounds,
) -> Result<Vec<MontyObject>, Failure> {
    let values = parcel::items(values).unwrap_or_default();
    let decode = |(name, value): (&String, Term<'_>)| value::decode(value, &Place::input(name), bounds);
    Ok(names.iter().zip(values).map(decode).collect::<Result<_, _>>()?)
}
