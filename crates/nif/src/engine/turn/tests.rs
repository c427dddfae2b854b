use std::sync::Arc;

use ::mounts::{LeaseMode, Table};
use monty_types::MontyException;
use rustler::{Env, Term};

use super::{Admission, Job, Link, Outcome, Stop, Tether, Turn};
use crate::{
    engine::handoff::Handoff,
    error::{Failure, Panic},
};

/// An outcome that needs no VM.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Well(u32),
    Panicked(String),
    Raised(String),
}

impl Outcome for Told {
    fn failed(_failure: Failure) -> Self {
        unreachable!("no failure is made here")
    }

    fn panicked(panic: Panic) -> Self {
        Self::Panicked(panic.to_string())
    }

    fn raised(exception: MontyException, output: String) -> Self {
        Self::Raised(format!("{exception} after {output}"))
    }

    fn is_large(&self) -> bool {
        false
    }

    fn into_term(self, _env: Env<'_>) -> Term<'_> {
        unreachable!("no unit test has a VM")
    }
}

fn turn<W: FnOnce(&Arc<Tether>) -> Told + Send>(work: W) -> (Box<Turn<W, Told>>, Arc<Link<Told>>) {
    let link = Arc::new(Link {
        tether: Arc::default(),
        handoff: Handoff::new(),
    });
    let turn = Turn {
        work: Some(work),
        admission: Admission::Always,
        outcome: None,
        link: Arc::clone(&link),
    };
    (Box::new(turn), link)
}

fn outcome(link: &Link<Told>) -> Option<Told> {
    link.handoff.collect(
        std::time::Duration::ZERO,
        || false,
        || unreachable!("it is there"),
    )
}

#[test]
fn the_outcome_of_a_turn_is_handed_over() {
    let (mut turn, link) = turn(|_| Told::Well(1));
    turn.work();
    turn.deliver();
    assert_eq!(outcome(&link), Some(Told::Well(1)));
}

#[test]
fn a_panic_is_an_outcome_and_frees_the_lease() {
    let table = Table::new();
    let lease = table.checkout(LeaseMode::Exclusive).expect("nobody has it");
    let (mut turn, link) = turn(|tether| {
        assert!(tether.enter());
        panic!("in the middle of a call, of file {}", 7)
    });
    link.tether.hold(Arc::new(lease));
    turn.work();
    assert!(link.tether.end());
    turn.deliver();
    assert_eq!(
        outcome(&link),
        Some(Told::Panicked(
            "the native library panicked: in the middle of a call, of file 7".to_owned()
        ))
    );
    assert!(table.checkout(LeaseMode::Exclusive).is_ok());
}

#[test]
fn a_turn_whose_caller_died_in_the_queue_is_not_begun() {
    let (mut turn, link) = turn(|_| unreachable!("nobody waits for it"));
    link.tether.stop(Stop::CallerGone);
    turn.work();
    turn.deliver();
    assert!(Arc::strong_count(&link) == 1, "the job is gone");
}
