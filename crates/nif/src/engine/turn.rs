//! How a NIF has work done on a thread of ours, and how the process that called it hears of the outcome.
//!
//! The NIF gets a reference that its caller made. It answers `{:done, outcome}`, or `:wait`, and then the process gets
//! `{:ex_monty, reference, outcome}`, from a thread of ours. Such NIFs run on normal schedulers: what they do there is to
//! look out for at most [`PATIENCE`], and to build an outcome that says of itself that it is small; a large one goes back
//! to a worker, to be built and sent.
//!
//! A caller that waits for a message is monitored: nobody else can get the outcome, so when the caller dies the turn is
//! stopped, or not begun. What is paused is not a turn: it lives as long as anybody has its snapshot, whichever process
//! started it.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    time::Instant,
};

use ::mounts::Lease;
use monty_types::MontyException;
use rustler::{Encoder, Env, LocalPid, Reference, Term};

use super::{
    Engine,
    admission::{self, Admission},
    handoff::Handoff,
    limits,
    overseer::Overseer,
    parcel::Parcel,
    pool::{Cause, Job, PATIENCE, Unattended, Watched},
    tether::{Stop, Tether},
};
use crate::{
    atoms,
    deaths::Watch,
    error::{Failure, Panic},
};

/// What a piece of work comes to.
pub(crate) trait Outcome: Send + 'static {
    /// Work that was not begun.
    fn failed(failure: Failure) -> Self;

    /// Work that panicked.
    fn panicked(panic: Panic) -> Self;

    /// A turn that ended in an exception, after it had printed `output`.
    fn raised(exception: MontyException, output: String) -> Self;

    /// Whether building the term would keep a scheduler for long, so that the worker must do it.
    fn is_large(&self) -> bool;

    /// The term. It takes the outcome, so that a large one is freed where it was built.
    fn into_term(self, env: Env<'_>) -> Term<'_>;
}

/// Work that is asked for.
pub(crate) struct Request<W> {
    /// Whether it is let in when the engine is overloaded.
    pub(crate) admission: Admission,
    /// What the work needs of a mount table; it ends with the work.
    pub(crate) lease: Option<Arc<Lease>>,
    /// Who wants the work to end in time, whether or not it has begun.
    pub(crate) overseer: Option<Arc<Overseer>>,
    pub(crate) work: W,
}

impl<W> Request<W> {
    /// Work that needs no lease, and that nobody oversees.
    pub(crate) fn new(admission: Admission, work: W) -> Self {
        Self {
            admission,
            lease: None,
            overseer: None,
            work,
        }
    }
}

/// Where an outcome goes by post.
struct Address {
    process: LocalPid,
    reference: Parcel,
    /// Hears of the process's death for as long as this is there.
    _watch: Option<Watch>,
}

impl Address {
    fn of(env: Env<'_>, reference: Reference<'_>, watch: Option<Watch>) -> Self {
        Self {
            process: env.pid(),
            reference: Parcel::pack(reference),
            _watch: watch,
        }
    }

    /// Sends the outcome. A process that is dead needs none.
    fn post(self, outcome: impl Outcome) {
        self.reference.send(self.process, |env, reference| {
            let outcome = build(env, outcome);
            (atoms::ex_monty(), reference, outcome).encode(env)
        });
    }
}

/// Stops a turn when its caller dies, for as long as what this returns is there.
fn watch_caller(env: Env<'_>, turn: &Arc<Tether>) -> Option<Watch> {
    let watched = Arc::downgrade(turn);
    let watch = Watch::over_caller(env, move || {
        if let Some(turn) = watched.upgrade() {
            turn.stop(Stop::CallerGone);
        }
    });
    if watch.is_none() {
        turn.stop(Stop::CallerGone);
    }
    watch
}

/// What a turn and its caller share.
struct Link<O> {
    tether: Arc<Tether>,
    handoff: Handoff<O, Address>,
}

impl<O: Outcome> Link<O> {
    fn hand_over(&self, outcome: O) {
        if let Some((outcome, address)) = self.handoff.offer(outcome) {
            address.post(outcome);
        }
    }
}

impl<O: Outcome> Watched for Link<O> {
    fn tether(&self) -> &Tether {
        &self.tether
    }

    fn answer_for(&self, cause: Cause) {
        Engine::get().count_breach();
        let exception = match cause {
            Cause::Time(deadline) => limits::out_of_time(deadline),
            Cause::Memory => limits::out_of_memory(),
        };
        self.hand_over(O::raised(exception, self.tether.printed()));
    }
}

/// Work as a job of the pool.
struct Turn<W, O> {
    work: Option<W>,
    admission: Admission,
    outcome: Option<O>,
    link: Arc<Link<O>>,
}

impl<W: FnOnce(&Arc<Tether>) -> O + Send, O: Outcome> Job for Turn<W, O> {
    fn work(&mut self) {
        let Some(work) = self.work.take() else { return };
        let tether = &self.link.tether;
        if tether.stopped() == Some(Stop::CallerGone) {
            // Its caller died while it was queued.
            return;
        }
        if let Some(refusal) = self.admission.refusal() {
            self.outcome = Some(O::failed(refusal));
            return;
        }
        // What a panic leaves behind is the run's, which ends with it; nothing else is touched by a turn half-way.
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| work(tether)))
            .unwrap_or_else(|payload| O::panicked(Panic::of(payload.as_ref())));
        self.outcome = Some(outcome);
    }

    fn turn(&self) -> Option<Arc<dyn Watched>> {
        let link: Arc<Link<O>> = Arc::clone(&self.link);
        Some(link)
    }

    fn is_slow_to_deliver(&self) -> bool {
        self.outcome.as_ref().is_some_and(Outcome::is_large)
    }

    fn deliver(mut self: Box<Self>) {
        if let Some(outcome) = self.outcome.take() {
            self.link.hand_over(outcome);
        }
    }

    fn give_up(mut self: Box<Self>, why: Unattended) {
        // What the work held is free before its caller hears.
        drop(self.work.take());
        let tether = &self.link.tether;
        tether.end();
        match why {
            // Its caller died while it was queued.
            Unattended::Late(_) if tether.stopped() == Some(Stop::CallerGone) => {}
            Unattended::Late(deadline) => self.link.answer_for(Cause::Time(deadline)),
            Unattended::NoThread => self.link.hand_over(O::failed(admission::without_a_thread())),
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

    fn turn(&self) -> Option<Arc<dyn Watched>> {
        None
    }

    fn is_slow_to_deliver(&self) -> bool {
        false
    }

    fn deliver(self: Box<Self>) {}

    /// There is an outcome, so it is told from here.
    fn give_up(mut self: Box<Self>, _why: Unattended) {
        self.work();
    }
}

/// Has work done by a worker, and answers the NIF that asked for it.
pub(crate) fn submit<'a, W, O>(env: Env<'a>, reference: Reference<'a>, request: Request<W>) -> Term<'a>
where
    W: FnOnce(&Arc<Tether>) -> O + Send + 'static,
    O: Outcome,
{
    let began = Instant::now();
    let Request {
        admission,
        lease,
        overseer,
        work,
    } = request;
    if let Some(refusal) = admission.refusal() {
        return (atoms::done(), refusal).encode(env);
    }
    let engine = Engine::get();
    let tether = Arc::<Tether>::default();
    if let Some(lease) = lease {
        tether.hold(lease);
    }
    if let Some(overseer) = overseer {
        overseer.arm(&tether);
    }
    let link = Arc::new(Link {
        tether,
        handoff: Handoff::new(),
    });
    engine.pool.submit(Box::new(Turn {
        work: Some(work),
        admission,
        outcome: None,
        link: Arc::clone(&link),
    }));
    let address = || Address::of(env, reference, watch_caller(env, &link.tether));
    let answer = match link
        .handoff
        .collect(PATIENCE, || engine.pool.has_free_core(), address)
    {
        Some(outcome) if outcome.is_large() => {
            let address = Address::of(env, reference, None);
            engine.pool.submit(Box::new(Errand(Some((outcome, address)))));
            engine.warden.wake();
            atoms::wait().encode(env)
        }
        Some(outcome) => (atoms::done(), build(env, outcome)).encode(env),
        None => {
            engine.warden.wake();
            atoms::wait().encode(env)
        }
    };
    charge(env, began);
    answer
}

/// The term of an outcome, or of the panic that kept it from being built.
fn build(env: Env<'_>, outcome: impl Outcome) -> Term<'_> {
    panic::catch_unwind(AssertUnwindSafe(|| outcome.into_term(env)))
        .unwrap_or_else(|payload| Failure::from(Panic::of(payload.as_ref())).encode(env))
}

/// Charges the process for the time it kept its scheduler, of which a thousandth of a second is all of its share.
fn charge(env: Env<'_>, began: Instant) {
    let percent = i32::try_from(began.elapsed().as_micros() / 10).unwrap_or(100);
    rustler::schedule::consume_timeslice(env, percent.clamp(1, 100));
}

#[cfg(test)]
mod tests;
