//! Runners, paused runs and sessions as bytes, and back.
//!
//! What stands around these bytes (what they are, which version, a checksum or a seal) is the business of
//! `ExMonty.Dump`, which hands over nothing that it has not verified. So the bytes here are as this library wrote them, unless
//! somebody forged them who could also compute a checksum: what they say is then the interpreter's to refuse, which
//! [promises](monty::Dump::load) no more than that memory stays safe, and a panic is caught.
//!
//! Both directions are turns. What is loaded is metered as it is built and debited to the run that it becomes.

mod ceiling;
pub(crate) mod record;
mod run;

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
};

use monty_types::MontyException;
use rustler::{Binary, Encoder, Env, NewBinary, NifResult, Reference, ResourceArc, Term};

use self::record::Malformed;
use crate::{
    atoms,
    engine::{
        admission::Admission,
        limits::Limits,
        parcel::Parcel,
        tether::Tether,
        turn::{self, Outcome, Request},
    },
    error::{Failure, Panic},
    progress::{Snapshot, refuse},
    runner::{self, Compiled, Program},
    session::{self, Session},
    value::encode_exception,
};

/// Bytes of a dump that are copied on a normal scheduler.
const SMALL_BYTES: usize = 256 << 10;

/// What dumping or loading comes to.
enum Moved {
    Bytes(Vec<u8>),
    Snapshot(ResourceArc<Snapshot>),
    Session(ResourceArc<Session>),
    Raised(MontyException),
    Failed(Failure),
}

impl Outcome for Moved {
    fn failed(failure: Failure) -> Self {
        Self::Failed(failure)
    }

    fn panicked(panic: Panic) -> Self {
        Self::Failed(panic.into())
    }

    fn raised(exception: MontyException, _output: String) -> Self {
        Self::Raised(exception)
    }

    fn is_large(&self) -> bool {
        matches!(self, Self::Bytes(bytes) if bytes.len() > SMALL_BYTES)
    }

    fn into_term(self, env: Env<'_>) -> Term<'_> {
        match self {
            Self::Bytes(bytes) => {
                let mut binary = NewBinary::new(env, bytes.len());
                binary.as_mut_slice().copy_from_slice(&bytes);
                (atoms::ok(), Binary::from(binary)).encode(env)
            }
            Self::Snapshot(snapshot) => (atoms::ok(), snapshot).encode(env),
            Self::Session(session) => (atoms::ok(), session).encode(env),
            Self::Raised(exception) => (atoms::error(), encode_exception(env, &exception, "")).encode(env),
            Self::Failed(failure) => failure.encode(env),
        }
    }
}

/// Reads the bytes of a dump. Bytes that the interpreter panics at are malformed.
fn read<T, E: From<Malformed>>(body: Parcel, read: impl FnOnce(&[u8]) -> Result<T, E>) -> Result<T, E> {
    body.open(|body| {
        let body: Binary<'_> = body.decode().map_err(|_| Malformed::new("not a binary"))?;
        panic::catch_unwind(AssertUnwindSafe(|| read(body.as_slice())))
            .unwrap_or_else(|_| Err(Malformed::new("the interpreter cannot restore this state").into()))
    })
}

/// The bytes of a runner. On a normal scheduler: the work is a worker's, see [`turn`].
#[rustler::nif]
fn dump_runner<'a>(env: Env<'a>, reference: Reference<'a>, runner: Term<'a>) -> NifResult<Term<'a>> {
    let program = runner::decode(runner)?.program();
    let work = move |_: &Arc<Tether>| match program.dump() {
        Ok(bytes) => Moved::Bytes(bytes),
        Err(malformed) => Moved::Failed(malformed.into()),
    };
    Ok(turn::submit(
        env,
        reference,
        Request::new(Admission::Always, work),
    ))
}

/// The runner of such bytes. Schedule as for [`dump_runner`].
#[rustler::nif]
fn load_runner<'a>(env: Env<'a>, reference: Reference<'a>, body: Binary<'a>) -> Term<'a> {
    let body = Parcel::pack(body);
    let work = move |_: &Arc<Tether>| Compiled::from(read(body, Program::load));
    turn::submit(env, reference, Request::new(Admission::Begin, work))
}

/// The bytes of a snapshot that waits for one call, which this consumes. Schedule as for [`dump_runner`].
#[rustler::nif]
fn dump_snapshot<'a>(env: Env<'a>, reference: Reference<'a>, snapshot: Term<'a>) -> NifResult<Term<'a>> {
    Ok(dump(env, reference, Snapshot::decode_call(snapshot)?))
}

/// The bytes of a snapshot that waits for futures, which this consumes. Schedule as for [`dump_runner`].
#[rustler::nif]
fn dump_futures<'a>(env: Env<'a>, reference: Reference<'a>, snapshot: Term<'a>) -> NifResult<Term<'a>> {
    Ok(dump(env, reference, Snapshot::decode_futures(snapshot)?))
}

fn dump<'a>(env: Env<'a>, reference: Reference<'a>, snapshot: ResourceArc<Snapshot>) -> Term<'a> {
    let work = move |_: &Arc<Tether>| {
        let Some(pause) = snapshot.take() else {
            return Moved::Failed(Failure::consumed());
        };
        match run::write(&pause) {
            Ok(bytes) => Moved::Bytes(bytes),
            Err(malformed) => Moved::Failed(malformed.into()),
        }
    };
    turn::submit(env, reference, Request::new(Admission::Always, work))
}

/// The snapshot of such bytes, with no limit beyond its counterpart in `ceiling`, if there is one. Schedule as for
/// [`dump_runner`].
#[rustler::nif]
fn load_snapshot<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    body: Binary<'a>,
    ceiling: Option<Limits>,
) -> Term<'a> {
    load(env, reference, body, move |body| {
        let (pause, bounds) = run::read(body, ceiling.as_ref())?;
        Ok(Moved::Snapshot(Snapshot::new(pause, bounds)))
    })
}

fn load<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    body: Binary<'a>,
    restore: impl FnOnce(&[u8]) -> Result<Moved, Failure> + Send + 'static,
) -> Term<'a> {
    let body = Parcel::pack(body);
    let work = move |_: &Arc<Tether>| read(body, restore).unwrap_or_else(Moved::Failed);
    turn::submit(env, reference, Request::new(Admission::Begin, work))
}

/// The bytes of a session, which is busy meanwhile. Schedule as for [`dump_runner`].
#[rustler::nif]
fn dump_session<'a>(env: Env<'a>, reference: Reference<'a>, session: Term<'a>) -> NifResult<Term<'a>> {
    let session = session::decode(session)?;
    let lent = match session.place().lend() {
        Ok(lent) => lent,
        Err(failure) => return Ok(refuse(env, &failure)),
    };
    let work = move |_: &Arc<Tether>| {
        let written = run::write_session(&session.place().terms, lent.idle());
        // Before the caller hears, who may want it at once.
        drop(lent);
        match written {
            Ok(bytes) => Moved::Bytes(bytes),
            Err(malformed) => Moved::Failed(malformed.into()),
        }
    };
    Ok(turn::submit(
        env,
        reference,
        Request::new(Admission::Always, work),
    ))
}

/// The session of such bytes; `ceiling` as for [`load_snapshot`]. Schedule as for [`dump_runner`].
#[rustler::nif]
fn load_session<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    body: Binary<'a>,
    ceiling: Option<Limits>,
) -> Term<'a> {
    load(env, reference, body, move |body| {
        let place = run::read_session(body, ceiling.as_ref())?;
        Ok(Moved::Session(Session::new(place)))
    })
}
