//! Where a session is: idle in its place, or lent to the run that evaluates in it.
//!
//! An evaluation takes the whole state of a session along, as the interpreter demands, and brings it back when it ends:
//! with a value, with an exception, or because nobody resumes it any more. One that was abandoned brings it back when the
//! operation that it is in has ended, and one that never began as it was. A place whose state did not come back, because
//! the evaluation panicked, was dumped elsewhere or is stranded, is that of a session which has ended.

use std::{mem, sync::Arc};

use monty::MontyRepl;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::{
    dynamic_code::DynamicCode,
    limits::Limits,
    meter::Metered,
    run::{Pause, Run},
};
use crate::{atoms, error::Failure};

/// What holds for all evaluations of a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Terms {
    /// The limits of each evaluation that brings none of its own.
    pub(crate) limits: Limits,
    pub(crate) dynamic_code: DynamicCode,
    pub(crate) max_source_bytes: usize,
    /// Whether the host chose a working directory; else the first evaluation's mounts do.
    pub(crate) has_directory: bool,
}

/// A session between evaluations.
pub(crate) struct Idle {
    pub(crate) repl: Box<MontyRepl>,
    pub(crate) run: Run,
}

/// Where a session is kept between evaluations.
pub(crate) struct Place {
    pub(crate) terms: Terms,
    state: Mutex<State>,
}

enum State {
    Idle(Box<Metered<Idle>>),
    Busy,
    Ended,
}

impl Place {
    /// The place of a session that is idle.
    pub(crate) fn holding(terms: Terms, idle: Metered<Idle>) -> Arc<Self> {
        Arc::new(Self {
            terms,
            state: Mutex::new(State::Idle(Box::new(idle))),
        })
    }

    /// The place of a session that is lent already.
    pub(crate) fn lent(terms: Terms) -> (Arc<Self>, Loan) {
        let place = Arc::new(Self {
            terms,
            state: Mutex::new(State::Busy),
        });
        (Arc::clone(&place), Loan(Some(place)))
    }

    /// Whether the session has ended.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(*self.state.lock(), State::Ended)
    }

    /// Ends the session, whose state never comes back.
    pub(crate) fn write_off(&self) {
        *self.state.lock() = State::Ended;
    }

    /// Lends the session, to an evaluation or to be looked at.
    pub(crate) fn lend(self: &Arc<Self>) -> Result<Lent, Failure> {
        let mut state = self.state.lock();
        match mem::replace(&mut *state, State::Busy) {
            State::Idle(idle) => Ok(Lent(Some((idle, Loan(Some(Arc::clone(self))))))),
            State::Busy => Err(busy()),
            State::Ended => {
                *state = State::Ended;
                Err(ended())
            }
        }
    }
}

/// A session on loan in which nothing has begun. Dropping it brings the session back as it was: the work that it was lent
/// for may be refused, or its caller may die before a thread comes for it.
pub(crate) struct Lent(Option<(Box<Metered<Idle>>, Loan)>);

impl Lent {
    /// The session, to look at.
    #[expect(
        clippy::expect_used,
        reason = "only `begin` and the drop take it, and both end the borrows"
    )]
    pub(crate) fn idle(&self) -> &Metered<Idle> {
        &self.0.as_ref().expect("it is there until an evaluation begins").0
    }

    /// The session, for an evaluation that begins now and owes it from now on.
    #[expect(
        clippy::expect_used,
        reason = "this takes `self`, and nothing else takes it but the drop"
    )]
    pub(crate) fn begin(mut self) -> (Box<Metered<Idle>>, Loan) {
        self.0.take().expect("it is there until an evaluation begins")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some((idle, loan)) = self.0.take() {
            loan.give_back(*idle);
        }
    }
}

/// What an evaluation owes: the session whose state it took. Dropping it ends the session.
pub(crate) struct Loan(Option<Arc<Place>>);

impl Loan {
    /// Where the session is missing.
    pub(crate) fn place(&self) -> Option<&Arc<Place>> {
        self.0.as_ref()
    }

    /// Brings the session back.
    pub(crate) fn give_back(mut self, idle: Metered<Idle>) {
        if let Some(place) = self.0.take() {
            *place.state.lock() = State::Idle(Box::new(idle));
        }
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(place) = self.0.take() {
            *place.state.lock() = State::Ended;
        }
    }
}

/// A paused run that nobody resumes any more. Dropping it, which is for the reaper to do, brings a session back.
pub(crate) struct Abandoned(Option<Box<Metered<Pause>>>);

impl Abandoned {
    pub(crate) fn new(pause: Box<Metered<Pause>>) -> Self {
        Self(Some(pause))
    }
}

impl Drop for Abandoned {
    fn drop(&mut self) {
        let Some(pause) = self.0.take() else { return };
        if pause.get().run.loan.is_none() {
            return;
        }
        let (Pause { at, mut run }, mut meter) = pause.into_parts();
        let loan = run.loan.take();
        let repl = meter.turn(|| {
            drop(run.output.take());
            at.into_session()
        });
        if let (Some(loan), Some(repl)) = (loan, repl) {
            run.lease = None;
            loan.give_back(Metered::join(Idle { repl, run }, meter));
        }
    }
}

fn busy() -> Failure {
    Failure::new(
        atoms::busy(),
        "an evaluation of the session is running or paused; the session is free when it has ended",
    )
}

fn ended() -> Failure {
    Failure::new(
        atoms::session_ended(),
        "the session has ended: its state went away with an evaluation that was dumped, that panicked, or that asked for more \
         memory than any may have",
    )
}
