//! A paused run as bytes: what it carries on this side, and the interpreter's own dump of its state.

use monty::{Dump, RunProgress, Session, SessionRef};

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
    let mut body = record::write(&(allocations, run))?;
    let state = monty::dump(NO_NAME, None, &[], SessionRef::Running(at)).map_err(Malformed::new)?;
    body.extend_from_slice(&state);
    Ok(body)
}

/// The run of such bytes, none of its limits beyond its counterpart in the ceiling. What it holds is debited to it, and
/// must be within its limit.
pub(super) fn read(body: &[u8], ceiling: Option<&Limits>) -> Result<(Box<Metered<Pause>>, Bounds), Failure> {
    let (loaded, bytes) = meter::measure(|| restore(body, ceiling));
    let (allocations, pause) = loaded?;
    let limits = pause.run.ledger.limits.clone();
    let mut meter = Meter::resumed(limits.allocations(), allocations);
    meter.take_over(bytes);
    let held = meter.held();
    let pause = Metered::join(pause, meter);
    match limits.memory() {
        Some(limit) if held > limit => Err(Failure::new(
            atoms::limit_exceeded(),
            format!("the state of the run takes {held} bytes, and :max_memory accepts {limit}"),
        )),
        _ => Ok((Box::new(pause), limits.bounds())),
    }
}

fn restore(body: &[u8], ceiling: Option<&Limits>) -> Result<(u64, Pause), Malformed> {
    let ((allocations, mut run), state): ((u64, Run), _) = record::read(body)?;
    let dump = match ceiling {
        None => Dump::load(state),
        Some(ceiling) => {
            run.cap(ceiling);
            Dump::load(&ceiling::replace(state, &run.ledger.limits.tracked())?)
        }
    };
    match dump.map_err(Malformed::new)?.state {
        Session::Running(at) if !matches!(*at, RunProgress::Complete(_)) => {
            Ok((allocations, Pause { at: *at, run }))
        }
        _ => Err(Malformed::new("not a paused run")),
    }
}
