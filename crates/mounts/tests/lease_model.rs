//! Random programs of requests, withdrawals and releases on a table, beside a model of the line in a few lines.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use mounts::{Lease, LeaseMode, Mount, Table, Ticket};
use parking_lot::Mutex;
use proptest::prelude::*;

/// One step of a program. Indices are taken modulo what there is.
#[derive(Debug, Clone)]
enum Step {
    Queue(LeaseMode),
    Checkout(LeaseMode),
    CheckoutTimeout(LeaseMode),
    Withdraw(usize),
    Release(usize),
    Write,
    Mount,
}

fn mode() -> impl Strategy<Value = LeaseMode> {
    prop::sample::select(vec![LeaseMode::Exclusive, LeaseMode::Shared])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => mode().prop_map(Step::Queue),
        2 => mode().prop_map(Step::Checkout),
        1 => mode().prop_map(Step::CheckoutTimeout),
        2 => any::<usize>().prop_map(Step::Withdraw),
        5 => any::<usize>().prop_map(Step::Release),
        1 => Just(Step::Write),
        1 => Just(Step::Mount),
    ]
}

/// What the line should do: leases that are out and requests that wait, by number.
#[derive(Default)]
struct Model {
    out: Vec<(usize, LeaseMode)>,
    waiting: VecDeque<(usize, LeaseMode)>,
}

impl Model {
    fn excludes(&self, mode: LeaseMode) -> bool {
        let exclusive = |(_, mode): &(usize, LeaseMode)| *mode == LeaseMode::Exclusive;
        self.out.iter().any(exclusive) || (mode == LeaseMode::Exclusive && !self.out.is_empty())
    }

    fn may_take(&self, mode: LeaseMode) -> bool {
        self.waiting.is_empty() && !self.excludes(mode)
    }

    fn let_in(&mut self) {
        while let Some((number, mode)) = self.waiting.front().copied()
            && !self.excludes(mode)
        {
            self.waiting.pop_front();
            self.out.push((number, mode));
        }
    }

    fn release(&mut self, index: usize) {
        self.out.remove(index);
        self.let_in();
    }
}

fn check(program: &[Step]) -> Result<(), TestCaseError> {
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    let mut model = Model::default();
    let leases: Arc<Mutex<Vec<(usize, Lease)>>> = Arc::default();
    let mut tickets: Vec<(usize, Ticket)> = Vec::new();
    for (number, step) in program.iter().enumerate() {
        match *step {
            Step::Queue(mode) => {
                let hands = Arc::clone(&leases);
                let ticket = table.checkout_queued(mode, move |lease| hands.lock().push((number, lease)));
                tickets.push((number, ticket));
                model.waiting.push_back((number, mode));
                model.let_in();
            }
            Step::Checkout(mode) | Step::CheckoutTimeout(mode) => {
                let taken = match step {
                    Step::Checkout(_) => table.checkout(mode),
                    _ => table.checkout_timeout(mode, Duration::ZERO),
                };
                prop_assert_eq!(taken.is_ok(), model.may_take(mode));
                if let Ok(lease) = taken {
                    leases.lock().push((number, lease));
                    model.out.push((number, mode));
                }
            }
            Step::Withdraw(index) if !tickets.is_empty() => {
                let (number, ticket) = tickets.remove(index % tickets.len());
                let place = model.waiting.iter().position(|(other, _)| *other == number);
                prop_assert_eq!(ticket.withdraw(), place.is_some());
                if let Some(place) = place {
                    model.waiting.remove(place);
                    model.let_in();
                }
            }
            Step::Release(index) if !model.out.is_empty() => {
                let index = index % model.out.len();
                let ended = leases.lock().remove(index);
                drop(ended);
                model.release(index);
            }
            Step::Write => {
                let exclusive = model.out.iter().any(|(_, mode)| *mode == LeaseMode::Exclusive);
                prop_assert_eq!(table.write("/m/a", "x").is_ok(), !exclusive);
            }
            Step::Mount => {
                let mounted = table.mount("/n", Mount::memory());
                prop_assert_eq!(mounted.is_ok(), model.out.is_empty() && model.waiting.is_empty());
                if mounted.is_ok() {
                    table.unmount("/n").unwrap();
                }
            }
            Step::Withdraw(_) | Step::Release(_) => {}
        }
        let out: Vec<_> = leases
            .lock()
            .iter()
            .map(|(number, lease)| (*number, lease.mode()))
            .collect();
        prop_assert_eq!(&out, &model.out, "after {:?}", step);
        prop_assert_eq!(table.waiting_count(), model.waiting.len());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_line_does_what_its_model_does(program in prop::collection::vec(step(), 1..60)) {
        check(&program)?;
    }
}
