//! What the one who drives a run wants of it while a turn goes on: that it ends in time, and that what it prints is
//! heard at once.
//!
//! A run takes its overseer along from turn to turn, but not into a dump: that is about somebody who waits for the run
//! now. It lends each turn its deadline, which the turn's tether holds it to, and a listener is told that there is
//! something to hear at the end of a line, and whenever the interpreter asks whether there is anything to flush.
//!
//! The text is not sent but fetched: there is at most one message under way, however much is printed, and what a slow
//! listener leaves lying is one buffer, bounded by what the run may print.

use std::{
    fmt, mem,
    sync::Arc,
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustler::{Atom, Encoder, Env, LocalPid, NifResult, OwnedEnv, Resource, ResourceArc, Term};

use super::{
    meter,
    tether::{Deadline, Tether},
};
use crate::{atoms, error::argument_error};

/// Who looks at a run from outside.
pub(crate) struct Overseer {
    deadline: Option<Instant>,
    listener: Option<LocalPid>,
    heard: Mutex<Heard>,
}

/// What has been printed and not been fetched.
#[derive(Debug, Default)]
struct Heard {
    text: String,
    /// The listener has been told that there is text, and has not fetched it.
    told: bool,
}

impl fmt::Debug for Overseer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Overseer")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

impl Overseer {
    /// Lets the turn end when the run is to end.
    pub(crate) fn arm(&self, turn: &Tether) {
        if let Some(at) = self.deadline {
            turn.end_by(Deadline { at, limit: None });
        }
    }

    /// Keeps `text` for the listener. It belongs to no run.
    pub(crate) fn hear(&self, text: &str) {
        if self.listener.is_some() {
            meter::outside(|| self.heard.lock().text.push_str(text));
        }
    }

    /// Tells the listener that there is something to hear, if there is, and it has not been told.
    pub(crate) fn tell(&self) {
        let Some(listener) = self.listener else { return };
        let mut heard = self.heard.lock();
        if heard.told || heard.text.is_empty() {
            return;
        }
        heard.told = true;
        drop(heard);
        meter::outside(|| {
            // A listener that is dead hears nothing, and the run goes on.
            let _ = OwnedEnv::new()
                .send_and_clear(&listener, |env| (atoms::ex_monty(), atoms::printed()).encode(env));
        });
    }

    fn fetch(&self) -> String {
        let mut heard = self.heard.lock();
        heard.told = false;
        mem::take(&mut heard.text)
    }
}

/// What Elixir holds of an overseer.
pub(crate) struct OverseerResource(Arc<Overseer>);

#[rustler::resource_impl]
impl Resource for OverseerResource {}

/// The overseer that a term refers to.
fn decode(term: Term<'_>) -> NifResult<Arc<Overseer>> {
    let resource: ResourceArc<OverseerResource> = term
        .decode()
        .map_err(|_| argument_error("expected an overseer"))?;
    Ok(Arc::clone(&resource.0))
}

/// The overseer that a term refers to, or none for `nil`.
pub(crate) fn decode_any(term: Term<'_>) -> NifResult<Option<Arc<Overseer>>> {
    if term.is_atom() {
        Ok(None)
    } else {
        decode(term).map(Some)
    }
}

/// Makes an overseer with a listener and a time in milliseconds, either of which may be `nil`. On a normal scheduler, as
/// all of these: they copy a few words.
#[rustler::nif]
fn overseer_new(env: Env<'_>, listener: Option<LocalPid>, milliseconds: Option<u64>) -> Term<'_> {
    let deadline = milliseconds.and_then(|left| Instant::now().checked_add(Duration::from_millis(left)));
    ResourceArc::new(OverseerResource(Arc::new(Overseer {
        deadline,
        listener,
        heard: Mutex::default(),
    })))
    .encode(env)
}

/// Fetches what has been printed since it was fetched last. On a dirty CPU scheduler: it may be much.
#[rustler::nif(schedule = "DirtyCpu")]
fn overseer_fetch(overseer: Term<'_>) -> NifResult<String> {
    Ok(decode(overseer)?.fetch())
}

/// Puts a paused run under an overseer; one that has gone on meanwhile is left alone.
#[rustler::nif]
fn overseer_attach(overseer: Term<'_>, snapshot: Term<'_>) -> NifResult<Atom> {
    let overseer = decode(overseer)?;
    crate::progress::oversee(snapshot, overseer)?;
    Ok(atoms::ok())
}
