//! Runs that Elixir drives: starts, pauses, answers.

mod answer;
mod file_stat;
mod os_call;
mod outcome;
mod snapshot;

use std::sync::Arc;

use monty_types::MontyObject;
use rustler::{Encoder, Env, NifResult, Reference, Term};

use self::{
    answer::Answer,
    outcome::{Shape, Turned},
    snapshot::Snapshot,
};
use crate::{
    engine::{
        limits::Limits,
        meter,
        policy::Policy,
        run::{Host, Pause, Run, take_turn},
        turn::{self, Parcel},
    },
    error::{Failure, argument_error},
    runner::{self, Program},
    value::{self, Bounds, Place},
};

/// Starts a run that pauses at what it asks its host. `values` are those of the runner's inputs, in their order. On a
/// normal scheduler: the work is a worker's, see [`turn`].
#[rustler::nif]
fn start<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    runner: Term<'a>,
    values: Term<'a>,
    limits: Limits,
    policy: Policy,
) -> NifResult<Term<'a>> {
    let program = runner::decode(runner)?.program();
    let values = Parcel::pack(values);
    Ok(turn::submit(env, reference, move || launch(program, values, limits, policy, Host::Elixir, Shape::Progress)))
}

/// Runs to the end without a host. On a normal scheduler: as [`start`].
#[rustler::nif]
fn run<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    runner: Term<'a>,
    values: Term<'a>,
    limits: Limits,
    policy: Policy,
) -> NifResult<Term<'a>> {
    let program = runner::decode(runner)?.program();
    let values = Parcel::pack(values);
    Ok(turn::submit(env, reference, move || launch(program, values, limits, policy, Host::Nobody, Shape::Result)))
}

/// Answers what the run of a snapshot waits for. On a normal scheduler: as [`start`].
#[rustler::nif]
fn resume<'a>(env: Env<'a>, reference: Reference<'a>, snapshot: Term<'a>, result: Term<'a>) -> NifResult<Term<'a>> {
    let snapshot = Snapshot::decode(snapshot)?;
    if snapshot.waits_for_futures() {
        return Err(argument_error("expected a snapshot of one call, got one that waits for futures"));
    }
    let result = Parcel::pack(result);
    Ok(turn::submit(env, reference, move || go_on(&snapshot, result)))
}

/// Answers some of the futures that the run of a snapshot waits for. On a normal scheduler: as [`start`].
#[rustler::nif]
fn resume_futures<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    snapshot: Term<'a>,
    results: Term<'a>,
) -> NifResult<Term<'a>> {
    let snapshot = Snapshot::decode_futures(snapshot)?;
    let results = Parcel::pack(results);
    Ok(turn::submit(env, reference, move || go_on(&snapshot, results)))
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
    Ok(snapshot.pending_call_ids().map_or_else(|| Failure::consumed().encode(env), |ids| ids.encode(env)))
}

/// The first turn of a run.
fn launch(program: Arc<Program>, values: Parcel, limits: Limits, policy: Policy, host: Host, shape: Shape) -> Turned {
    let bounds = limits.bounds();
    let (values, bytes) = meter::measure(|| values.open(|values| decode_inputs(values, program.inputs(), &bounds)));
    let values = match values {
        Ok(values) => values,
        Err(failure) => return failure.into(),
    };
    let mut meter = limits.meter();
    meter.take_over(bytes);
    let tracker = limits.tracker();
    let run = Run::new(Arc::clone(&program), limits, &policy);
    let stop = take_turn(meter, run, host, |run| {
        for value in &values {
            run.instances.learn(value);
        }
        program.instantiate(&policy.cwd, policy.os).start(values, tracker, run.print())
    });
    Turned::new(stop, shape, bounds)
}

/// The next turn of a paused run. The answer is read first, so that one that is refused leaves the snapshot as it was.
fn go_on(snapshot: &Snapshot, answer: Parcel) -> Turned {
    let Some((expected, bounds)) = snapshot.expectation() else {
        return Failure::consumed().into();
    };
    let (answer, bytes) = meter::measure(|| answer.open(|answer| Answer::decode(answer, &expected, &bounds)));
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
    let stop = take_turn(meter, run, Host::Elixir, |run| answer.give(at, run));
    Turned::new(stop, Shape::Progress, bounds)
}

/// The values of a run's inputs. How many there are is the business of `ExMonty`, which knows their names.
fn decode_inputs(values: Term<'_>, names: &[String], bounds: &Bounds) -> Result<Vec<MontyObject>, Failure> {
    let values: Vec<Term<'_>> = values.decode().unwrap_or_default();
    let decode = |(name, value): (&String, Term<'_>)| value::decode(value, &Place::input(name), bounds);
    Ok(names.iter().zip(values).map(decode).collect::<Result<_, _>>()?)
}
