//! How a NIF has work done on a thread of ours, and how the process that called it hears of the outcome.
//!
//! The NIF gets a reference that its caller made. It answers `{:done, outcome}`, or `:wait`, and then the process gets
//! `{:ex_monty, reference, outcome}`, from a thread of ours. Such NIFs run on normal schedulers: what they do there is to
//! look out for at most [`PATIENCE`], and to build an outcome that says of itself that it is small; a large one goes back
//! to a worker, to be built and sent.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Instant,
};

use rustler::{Encoder, Env, LocalPid, Reference, Term};

use super::{
    Engine,
    handoff::Handoff,
    parcel::Parcel,
    pool::{Job, PATIENCE},
};
use crate::{atoms, error::Failure};

/// What a piece of work comes to.
pub(crate) trait Outcome: From<Failure> + Send + 'static {
    /// Whether building the term would keep a scheduler for long, so that the worker must do it.
    fn is_large(&self) -> bool;

    /// The term. It takes the outcome, so that a large one is freed where it was built.
    fn into_term(self, env: Env<'_>) -> Term<'_>;
}

/// Where an outcome goes by post.
struct Address {
    process: LocalPid,
    reference: Parcel,
}

impl Address {
    /// Sends the outcome. A process that is dead needs none.
    fn post(self, outcome: impl Outcome) {
        self.reference.send(self.process, |env, reference| {
            let outcome = build(env, outcome);
            (atoms::ex_monty(), reference, outcome).encode(env)
        });
    }
}

/// Work as a job of the pool.
struct Turn<W, O> {
    work: Option<W>,
    outcome: Option<O>,
    handoff: Arc<Handoff<O, Address>>,
}

impl<W, O: Outcome> Turn<W, O> {
    fn hand_over(&self, outcome: O) {
        if let Some((outcome, address)) = self.handoff.offer(outcome) {
            address.post(outcome);
        }
    }
}

impl<W: FnOnce() -> O + Send, O: Outcome> Job for Turn<W, O> {
    fn work(&mut self) {
        let Some(work) = self.work.take() else { return };
        // What a panic leaves behind is the run's, which ends with it; nothing else is touched by a turn half-way.
        let outcome = panic::catch_unwind(AssertUnwindSafe(work))
            .unwrap_or_else(|payload| O::from(Failure::panic(payload.as_ref())));
        if outcome.is_large() {
            // To build it is work, too.
            self.hand_over(outcome);
        } else {
            self.outcome = Some(outcome);
        }
    }

    fn deliver(mut self: Box<Self>) {
        if let Some(outcome) = self.outcome.take() {
            self.hand_over(outcome);
        }
    }
}

/// A large outcome on its way to its address.
struct Errand<O>(Option<(O, Address)>);

impl<O: Outcome> Job for Errand<O> {
    fn work(&mut self) {
        if let Some((outcome, address)) = self.0.take() {
            address.post(outcome);
        }
    }

    fn deliver(self: Box<Self>) {}
}

/// Has `work` done by a worker, and answers the NIF that asked for it.
pub(crate) fn submit<'a, O: Outcome>(
    env: Env<'a>,
    reference: Reference<'a>,
    work: impl FnOnce() -> O + Send + 'static,
) -> Term<'a> {
    let began = Instant::now();
    let pool = &Engine::get().pool;
    let handoff = Arc::new(Handoff::new());
    pool.submit(Box::new(Turn {
        work: Some(work),
        outcome: None,
        handoff: Arc::clone(&handoff),
    }));
    let address = || Address {
        process: env.pid(),
        reference: Parcel::pack(reference),
    };
    let answer = match handoff.collect(PATIENCE, || pool.has_free_core(), address) {
        Some(outcome) if outcome.is_large() => {
            pool.submit(Box::new(Errand(Some((outcome, address())))));
            atoms::wait().encode(env)
        }
        Some(outcome) => (atoms::done(), build(env, outcome)).encode(env),
        None => atoms::wait().encode(env),
    };
    charge(env, began);
    answer
}

/// The term of an outcome, or of the panic that kept it from being built.
fn build(env: Env<'_>, outcome: impl Outcome) -> Term<'_> {
    panic::catch_unwind(AssertUnwindSafe(|| outcome.into_term(env)))
        .unwrap_or_else(|payload| Failure::panic(payload.as_ref()).encode(env))
}

/// Charges the process for the time it kept its scheduler, of which a thousandth of a second is all of its share.
fn charge(env: Env<'_>, began: Instant) {
    let percent = i32::try_from(began.elapsed().as_micros() / 10).unwrap_or(100);
    rustler::schedule::consume_timeslice(env, percent.clamp(1, 100));
}
