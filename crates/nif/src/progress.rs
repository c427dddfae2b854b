//! Runs that Elixir drives: starts, pauses, answers.

mod answer;
mod file_stat;
mod os_call;
mod outcome;
mod snapshot;

use std::sync::Arc;

use monty_types::MontyObject;
use rustler::{Encoder, Env, NifResult, Reference, ResourceArc, Term};

use self::{
    answer::Answer,
    outcome::{Shape, Turned},
    snapshot::Snapshot,
};
use crate::{
    atoms,
    engine::{
        limits::Limits,
        meter,
        parcel::{self, Parcel},
        policy::Policy,
        run::{Host, Pause, Run, take_turn},
        turn,
    },
    error::{Failure, argument_error},
    mounts::{LeaseResource, Refusal},
    runner::{self, Program},
    value::{self, Bounds, Place},
};

/// Starts a run. `values` are those of the runner's inputs, in their order; `host` is `nil` for Elixir, `:nobody`, or a
/// lease. Answers `:large` without doing anything when the values are too many to be copied here: `start_large` is to be
/// called then. On a normal scheduler: the work is a worker's, see [`turn`].
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
    if !parcel::is_small(values) {
        return Ok(atoms::large().encode(env));
    }
    let program = runner::decode(runner)?.program();
    let (values, bounds) = (Parcel::pack(values), limits.bounds());
    let read = {
        let program = Arc::clone(&program);
        move || meter::measure(|| values.open(|values| decode_inputs(values, program.inputs(), &bounds)))
    };
    begin(env, reference, program, read, limits, policy, host)
}

/// As `start`, for any values. On a dirty CPU scheduler: it reads the values where they are, since a copy of a term that
/// shares much may be larger than any memory.
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
    let program = runner::decode(runner)?.program();
    let values = meter::measure(|| decode_inputs(values, program.inputs(), &limits.bounds()));
    begin(env, reference, program, || values, limits, policy, host)
}

fn begin<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    program: Arc<Program>,
    values: impl FnOnce() -> Read<Vec<MontyObject>> + Send + 'static,
    limits: Limits,
    policy: Policy,
    host: Term<'a>,
) -> NifResult<Term<'a>> {
    Ok(match decode_host(host)? {
        Ok(host) => turn::submit(env, reference, move || {
            launch(&program, values(), limits, policy, &host)
        }),
        Err(refusal) => refuse(env, &refusal),
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
    answer(env, reference, Snapshot::decode_call(snapshot)?, result, lease)
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
    answer_large(env, reference, Snapshot::decode_call(snapshot)?, result, lease)
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
    answer(
        env,
        reference,
        Snapshot::decode_futures(snapshot)?,
        results,
        lease,
    )
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
    answer_large(
        env,
        reference,
        Snapshot::decode_futures(snapshot)?,
        results,
        lease,
    )
}

fn answer<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    snapshot: ResourceArc<Snapshot>,
    result: Term<'a>,
    lease: Term<'a>,
) -> NifResult<Term<'a>> {
    if !parcel::is_small(result) {
        return Ok(atoms::large().encode(env));
    }
    let result = Parcel::pack(result);
    let read = {
        let snapshot = snapshot.clone();
        move || meter::measure(|| result.open(|result| decode_answer(result, &snapshot)))
    };
    proceed(env, reference, snapshot, read, lease)
}

fn answer_large<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    snapshot: ResourceArc<Snapshot>,
    result: Term<'a>,
    lease: Term<'a>,
) -> NifResult<Term<'a>> {
    let result = meter::measure(|| decode_answer(result, &snapshot));
    proceed(env, reference, snapshot, || result, lease)
}

fn proceed<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    snapshot: ResourceArc<Snapshot>,
    answer: impl FnOnce() -> Read<Answer> + Send + 'static,
    lease: Term<'a>,
) -> NifResult<Term<'a>> {
    Ok(match decode_host(lease)? {
        Ok(host) => turn::submit(env, reference, move || go_on(&snapshot, answer(), &host)),
        Err(refusal) => refuse(env, &refusal),
    })
}

/// What was read of terms for a run, with the bytes that it takes.
type Read<T> = (Result<T, Failure>, isize);

/// Who answers. A lease that has ended is refused before anything is touched; from here to the end of the turn it is
/// held.
fn decode_host(term: Term<'_>) -> NifResult<Result<Host, Refusal>> {
    if term.is_atom() {
        return Ok(Ok(if atoms::nobody() == term {
            Host::Nobody
        } else {
            Host::Elixir
        }));
    }
    let handle: ResourceArc<LeaseResource> = term.decode().map_err(|_| argument_error("expected a lease"))?;
    Ok(handle.enter().map(|lease| Host::Mounts { lease, handle }))
}

/// The answer of a call that has not begun any work.
fn refuse<'a>(env: Env<'a>, refusal: &Refusal) -> Term<'a> {
    (atoms::done(), (atoms::error(), refusal)).encode(env)
}

/// The progress of a snapshot once more. On a normal scheduler: as [`start`], since the arguments of a call may be
/// large.
#[rustler::nif]
fn progress<'a>(env: Env<'a>, reference: Reference<'a>, snapshot: Term<'a>) -> NifResult<Term<'a>> {
    let snapshot = Snapshot::decode(snapshot)?;
    Ok(turn::submit(env, reference, move || Turned::Paused(snapshot)))
}

/// The calls that the run of a snapshot waits for. On a normal scheduler: it copies a few numbers.
#[rustler::nif]
fn pending_call_ids<'a>(env: Env<'a>, snapshot: Term<'a>) -> NifResult<Term<'a>> {
    let snapshot = Snapshot::decode_futures(snapshot)?;
    Ok(snapshot
        .pending_call_ids()
        .map_or_else(|| Failure::consumed().encode(env), |ids| ids.encode(env)))
}

/// The first turn of a run.
fn launch(
    program: &Arc<Program>,
    (values, bytes): Read<Vec<MontyObject>>,
    limits: Limits,
    policy: Policy,
    host: &Host,
) -> Turned {
    let values = match values {
        Ok(values) => values,
        Err(failure) => return failure.into(),
    };
    let bounds = limits.bounds();
    let mut meter = limits.meter();
    meter.take_over(bytes);
    let tracker = limits.tracker();
    let run = Run::new(Arc::clone(program), limits, &policy);
    let cwd = policy.cwd.unwrap_or_else(|| host.default_directory());
    let stop = take_turn(meter, run, host, |run| {
        for value in &values {
            run.instances.learn(value);
        }
        let program = program.instantiate(&cwd, policy.os);
        program.start(values, tracker, run.print())
    });
    Turned::new(stop, Shape::of(host), bounds)
}

/// The next turn of a paused run. The answer was read first, so that one that is refused leaves the snapshot as it was.
fn go_on(snapshot: &Snapshot, (answer, bytes): Read<Answer>, host: &Host) -> Turned {
    let answer = match answer {
        Ok(answer) => answer,
        Err(failure) => return failure.into(),
    };
    // Somebody else may have been faster since.
    let Some(pause) = snapshot.take() else {
        return Failure::consumed().into();
    };
    let (Pause { at, run }, mut meter) = pause.into_parts();
    meter.take_over(bytes);
    let stop = take_turn(meter, run, host, |run| answer.give(at, run));
    Turned::new(stop, Shape::Progress, snapshot.bounds())
}

/// The values of a run's inputs. How many there are is the business of `ExMonty`, which knows their names.
fn decode_inputs(values: Term<'_>, names: &[String], bounds: &Bounds) -> Result<Vec<MontyObject>, Failure> {
    let values: Vec<Term<'_>> = values.decode().unwrap_or_default();
    let decode = |(name, value): (&String, Term<'_>)| value::decode(value, &Place::input(name), bounds);
    Ok(names.iter().zip(values).map(decode).collect::<Result<_, _>>()?)
}

/// The answer to what the run of a snapshot waits for.
fn decode_answer(result: Term<'_>, snapshot: &Snapshot) -> Result<Answer, Failure> {
    let expected = snapshot.expectation().ok_or_else(Failure::consumed)?;
    Answer::decode(result, &expected, &snapshot.bounds())
}
