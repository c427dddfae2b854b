//! A paused run, or a session between evaluations, as bytes: what it carries on this side, and the interpreter's own dump
//! of its state.

use std::sync::Arc;

use monty::{Dump, Session, SessionRef};

use super::{
    ceiling,
    record::{self, Malformed},
};
use crate::{
    atoms,
    engine::{
        limits::Limits,
        meter::{self, Meter, Metered},
        run::{Pause, Run},
        session::{Idle, Loan, Place, Terms},
        suspended::At,
    },
    error::Failure,
    value::Bounds,
};

/// What the interpreter's dumps name a session after, which a run is none of.
const NO_NAME: &str = "";

/// The bytes of a paused run.
pub(super) fn write(pause: &Metered<Pause>) -> Result<Vec<u8>, Malformed> {
    let Pause { at, run } = pause.get();
    let allocations = pause.meter().allocations(run.ledger.limits.allocations());
    let terms = run.loan.as_ref().and_then(Loan::place).map(|place| &place.terms);
    let mut body = record::write(&(allocations, run, terms))?;
    let state = match at {
        At::Program(progress) => SessionRef::Running(progress),
        At::Session(progress) => SessionRef::Suspended(progress),
    };
    let state = monty::dump(NO_NAME, None, &[], state).map_err(Malformed::new)?;
    body.extend_from_slice(&state);
    Ok(body)
}

/// The run of such bytes, none of its limits beyond its counterpart in the ceiling. What it holds is debited to it, and
/// must be within the ceiling. Its own limit is the interpreter's to look at when it goes on: the same state may take a
/// little more when it is built from bytes than it did when it grew, and must not be lost for that.
pub(super) fn read(body: &[u8], ceiling: Option<&Limits>) -> Result<(Box<Metered<Pause>>, Bounds), Failure> {
    let (loaded, bytes) = meter::measure(|| restore(body, ceiling));
    let (allocations, pause) = loaded?;
    let limits = pause.run.ledger.limits.clone();
    let meter = Meter::resumed(limits.allocations(), allocations);
    let pause = debit(pause, meter, bytes, ceiling)?;
    Ok((Box::new(pause), limits.bounds()))
}

/// The bytes of a session that is idle.
pub(super) fn write_session(terms: &Terms, idle: &Metered<Idle>) -> Result<Vec<u8>, Malformed> {
    let Idle { repl, run } = idle.get();
    let mut body = record::write(&(terms, run))?;
    let state = monty::dump(NO_NAME, None, &[], SessionRef::Idle(repl)).map_err(Malformed::new)?;
    body.extend_from_slice(&state);
    Ok(body)
}

/// The session of such bytes. Limits and memory as for [`read`].
pub(super) fn read_session(body: &[u8], ceiling: Option<&Limits>) -> Result<Arc<Place>, Failure> {
    let (loaded, bytes) = meter::measure(|| restore_session(body));
    let (mut terms, idle) = loaded?;
    if let Some(ceiling) = ceiling {
        terms.limits = terms.limits.capped(ceiling);
    }
    let idle = debit(idle, Meter::new(None), bytes, ceiling)?;
    Ok(Place::holding(terms, idle))
}

fn restore_session(body: &[u8]) -> Result<(Terms, Idle), Malformed> {
    let ((terms, run), state): ((Terms, Run), _) = record::read(body)?;
    match Dump::load(state).map_err(Malformed::new)?.state {
        Session::Idle(repl) => Ok((terms, Idle { repl, run })),
        Session::Suspended(_) | Session::Running(_) => Err(Malformed::new("no session that is idle")),
    }
}

/// What was loaded, with a meter that knows its `bytes`, unless there are more than the ceiling accepts.
fn debit<T>(
    loaded: T,
    mut meter: Meter,
    bytes: isize,
    ceiling: Option<&Limits>,
) -> Result<Metered<T>, Failure> {
    meter.take_over(bytes);
    let held = meter.held();
    let loaded = Metered::join(loaded, meter);
    match ceiling.and_then(Limits::memory) {
        Some(limit) if held > limit => Err(Failure::new(
            atoms::limit_exceeded(),
            format!("the state takes {held} bytes, and :max_memory accepts {limit}"),
        )),
        _ => Ok(loaded),
    }
}

fn restore(body: &[u8], ceiling: Option<&Limits>) -> Result<(u64, Pause), Malformed> {
    let ((allocations, mut run, terms), state): ((u64, Run, Option<Terms>), _) = record::read(body)?;
    if let Some(ceiling) = ceiling {
        run.cap(ceiling);
    }
    let tracked = run.ledger.limits.tracked();
    let dump = match (ceiling, &terms) {
        (Some(_), None) => Dump::load(&ceiling::replace(state, &tracked)?),
        _ => Dump::load(state),
    };
    let mut at = match dump.map_err(Malformed::new)?.state {
        Session::Running(progress) => At::Program(*progress),
        Session::Suspended(progress) => At::Session(progress),
        Session::Idle(_) => return Err(Malformed::new("no run")),
    };
    if at.question().is_none() {
        return Err(Malformed::new("a run that has ended"));
    }
    if let Some(mut terms) = terms {
        if let Some(ceiling) = ceiling {
            at.tighten(&tracked);
            terms.limits = terms.limits.capped(ceiling);
        }
        // Whoever wants the session asks the snapshot for it.
        run.loan = Some(Place::lent(terms).1);
    }
    Ok((allocations, Pause { at, run }))
}
