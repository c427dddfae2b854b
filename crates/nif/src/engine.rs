//! Runs Python inside the VM without letting it take the VM down.
//!
//! A *run* is one execution of a compiled program. It moves in *turns*: from its start, or from an answer, to the next
//! pause that must reach Elixir, or to its end. A turn is a job on a thread of the [`pool`]; between turns a run is data
//! in a snapshot and holds no thread. [`run`] is what a turn does, [`handoff`] and [`turn`] are how Elixir hears of its
//! outcome, [`meter`] is how its memory is known, [`limits`] what it may use. [`warden`] sees to it that every turn ends
//! for its caller, [`admission`] that there are not too many.
//!
//! The engine belongs to the library as it is loaded in this VM: its threads and its counters are shared by all runs,
//! and nothing else is.

pub(crate) mod admission;
pub(crate) mod clerk;
pub(crate) mod compiling;
mod configuration;
pub(crate) mod dynamic_code;
pub(crate) mod handoff;
pub(crate) mod instances;
pub(crate) mod limits;
pub(crate) mod meter;
pub(crate) mod no_handler;
pub(crate) mod output;
pub(crate) mod overseer;
pub(crate) mod parcel;
pub(crate) mod policy;
pub(crate) mod pool;
pub(crate) mod reaper;
pub(crate) mod run;
pub(crate) mod session;
mod stack;
pub(crate) mod suspended;
mod system_thread;
pub(crate) mod tether;
pub(crate) mod turn;
mod warden;

use std::{
    collections::HashMap,
    io,
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustler::{Encoder, Env, Term};

pub(crate) use self::configuration::Configuration;
use self::{clerk::Clerk, pool::Pool, reaper::Reaper, warden::Warden};
use crate::atoms;

/// Sending a message takes next to none.
const COURIER_STACK_BYTES: usize = 256 << 10;

static ENGINE: OnceLock<Engine> = OnceLock::new();

/// The threads and counters of this library.
pub(crate) struct Engine {
    pub(crate) pool: Pool,
    pub(crate) reaper: Reaper,
    /// Sends messages for those who may not, being on a scheduler and not in a call of the receiver's.
    pub(crate) courier: Clerk,
    warden: Warden,
    /// Turns that were abandoned and are stuck, at which nothing new begins.
    max_abandoned: usize,
    /// Runs that wait in a snapshot.
    pub(crate) paused: AtomicUsize,
    /// Runs that a limit ended.
    breaches: AtomicUsize,
    /// Calls of runs that mounts answered.
    answers: AtomicUsize,
    /// Work that was refused because the engine was overloaded.
    refusals: AtomicUsize,
}

impl Engine {
    /// Starts the engine. The first start of a library counts.
    pub(crate) fn start(configuration: &Configuration) -> io::Result<()> {
        if ENGINE.get().is_some() {
            return Ok(());
        }
        meter::set_budget(configuration.metered_bytes);
        let pool = Pool::start(configuration.threads)?;
        let engine = Self {
            warden: Warden::start(pool.clone())?,
            pool,
            reaper: Reaper::start()?,
            courier: Clerk::start("ex_monty_courier", COURIER_STACK_BYTES)?,
            max_abandoned: configuration.abandoned_turns,
            paused: AtomicUsize::new(0),
            breaches: AtomicUsize::new(0),
            answers: AtomicUsize::new(0),
            refusals: AtomicUsize::new(0),
        };
        // Another start may have been faster, with an engine that is as good.
        let _ = ENGINE.set(engine);
        Ok(())
    }

    /// The engine, which is there when a NIF can be called.
    #[expect(
        clippy::expect_used,
        reason = "the VM calls no NIF of a library whose load callback has not returned true"
    )]
    pub(crate) fn get() -> &'static Self {
        ENGINE
            .get()
            .expect("the engine starts when the library is loaded")
    }

    /// Counts a run that a limit ended.
    pub(crate) fn count_breach(&self) {
        self.breaches.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts work that was refused because the engine was overloaded.
    fn count_refusal(&self) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts calls that mounts answered.
    pub(crate) fn count_answers(&self, calls: u64) {
        self.answers
            .fetch_add(usize::try_from(calls).unwrap_or(usize::MAX), Ordering::Relaxed);
    }
}

/// The counters of `ExMonty.info/0`. On a normal scheduler: it reads a few numbers.
#[rustler::nif]
fn info(env: Env<'_>) -> Term<'_> {
    let engine = Engine::get();
    let load = engine.pool.load();
    let counters = [
        (atoms::turns_running(), load.running),
        (atoms::turns_queued(), load.queued),
        (atoms::runs_paused(), engine.paused.load(Ordering::Relaxed)),
        (atoms::turns_abandoned(), load.abandoned),
        (atoms::turns_stuck(), load.stuck),
        (atoms::turns_stranded(), load.stranded),
        (atoms::threads(), load.threads),
        (atoms::metered_bytes(), meter::metered_bytes()),
        (atoms::limit_breaches(), engine.breaches.load(Ordering::Relaxed)),
        (atoms::overloads(), engine.refusals.load(Ordering::Relaxed)),
        (atoms::calls_answered(), engine.answers.load(Ordering::Relaxed)),
    ];
    counters.into_iter().collect::<HashMap<_, _>>().encode(env)
}
