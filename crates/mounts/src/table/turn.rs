//! Turns: a use of the table that others respect, and how whoever waits for one is told that it has come.
//!
//! A waiting thread is woken and finds its turn counted under the table's lock: it cannot come between a grant and
//! its delivery. A callback is run outside of every lock, by whoever made room, in the order of the grants; between
//! the two its turn is in [`Deliveries`], where a withdrawal still finds it.

use std::collections::VecDeque;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use parking_lot::{Condvar, MutexGuard};

use crate::error::{Error, ErrorKind, Operation, Result};
use crate::path::VirtualPath;

use super::queue::{Entry, LeaseMode};
use super::{Namespace, State, Table, parse_point};

/// What is run when a turn that was queued for has come.
pub(crate) type OnTurn = Box<dyn FnOnce(Turn) + Send>;

/// How somebody in the line is told.
pub(super) enum Waiter {
    Thread(Arc<Condvar>),
    Callback(OnTurn),
}

/// Turns that are granted to callbacks which are not running yet.
#[derive(Default)]
pub(super) struct Deliveries {
    granted: VecDeque<Granted>,
    /// Whether some thread is running callbacks: it runs those that others grant meanwhile, so that callbacks never
    /// nest and are run in order.
    under_way: bool,
}

struct Granted {
    number: u64,
    mode: LeaseMode,
    callback: OnTurn,
}

/// A right to use the table, until it is dropped. The mounts stay as they are until then, unless it changes them.
pub(crate) struct Turn {
    table: Table,
    namespace: Arc<Namespace>,
    mode: LeaseMode,
}

impl Turn {
    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    pub(crate) fn share_namespace(&self) -> Arc<Namespace> {
        Arc::clone(&self.namespace)
    }

    pub(crate) fn mode(&self) -> LeaseMode {
        self.mode
    }

    /// Changes which mounts there are, for the table and for this turn, when nobody else has one.
    pub(crate) fn reshape<T>(
        &mut self,
        operation: Operation,
        point: &str,
        change: impl FnOnce(&mut Namespace, &VirtualPath<'_>) -> std::result::Result<T, ErrorKind>,
    ) -> Result<T> {
        let path = parse_point(operation, point)?;
        let changed = if self.mode == LeaseMode::Exclusive {
            let mut state = self.table.0.state.lock();
            let changed = change(Arc::make_mut(&mut state.namespace), &path);
            let earlier = mem::replace(&mut self.namespace, Arc::clone(&state.namespace));
            // Whatever it is the last to hold is freed outside of the lock.
            drop(state);
            drop(earlier);
            changed
        } else {
            Err(ErrorKind::InUse)
        };
        changed.map_err(|kind| Error::new(kind, operation, point))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.table.0.state.lock();
        state.queue.release(self.mode);
        self.table.let_next_in(state);
    }
}

/// A change that the table's owner is making, until it is dropped.
pub(crate) struct ChangeInFlight<'t> {
    table: &'t Table,
    number: u64,
}

impl Drop for ChangeInFlight<'_> {
    fn drop(&mut self) {
        let mut state = self.table.0.state.lock();
        state.queue.end_change(self.number);
        self.table.0.change_ended.notify_all();
        self.table.let_next_in(state);
    }
}

impl Table {
    /// Takes a turn without waiting for others, or for others to withdraw; `None` when that is not possible.
    ///
    /// It does wait for changes in flight, which are as short as one operation.
    pub(crate) fn take_turn(&self, mode: LeaseMode) -> Option<Turn> {
        let mut state = self.0.state.lock();
        match state.queue.enter(mode) {
            Entry::Granted => Some(self.turn(&state, mode)),
            Entry::AfterChanges => self.wait_for_turn(state, mode, None),
            Entry::Excluded => None,
        }
    }

    /// Takes a turn if that is possible without waiting for anything, or answers what it would have to wait for.
    pub(crate) fn take_turn_at_once(&self, mode: LeaseMode) -> std::result::Result<Turn, Entry> {
        let mut state = self.0.state.lock();
        match state.queue.enter(mode) {
            Entry::Granted => Ok(self.turn(&state, mode)),
            entry => Err(entry),
        }
    }

    /// Takes a turn when it has come, or gives up at `deadline`; without one it waits for as long as it takes.
    pub(crate) fn take_turn_before(&self, mode: LeaseMode, deadline: Option<Instant>) -> Option<Turn> {
        let mut state = self.0.state.lock();
        match state.queue.enter(mode) {
            Entry::Granted => Some(self.turn(&state, mode)),
            Entry::AfterChanges | Entry::Excluded => self.wait_for_turn(state, mode, deadline),
        }
    }

    fn wait_for_turn(
        &self,
        mut state: MutexGuard<'_, State>,
        mode: LeaseMode,
        deadline: Option<Instant>,
    ) -> Option<Turn> {
        if state.queue.is_changed_by(thread::current().id()) {
            // An observer of a change, or a mount that leads back here: it would wait for itself.
            return None;
        }
        let woken = Arc::new(Condvar::new());
        let number = state.queue.wait(mode, Waiter::Thread(Arc::clone(&woken)));
        while state.queue.is_waiting(number) {
            let timed_out = if let Some(deadline) = deadline {
                woken.wait_until(&mut state, deadline).timed_out()
            } else {
                woken.wait(&mut state);
                false
            };
            // Granted meanwhile, it is no longer in the line to be withdrawn: a turn that has come is taken.
            if timed_out && state.queue.withdraw(number).is_some() {
                self.let_next_in(state);
                return None;
            }
        }
        Some(self.turn(&state, mode))
    }

    /// Queues for a turn; `callback` is run with it when it has come, possibly before this returns.
    pub(crate) fn queue_for_turn(&self, mode: LeaseMode, callback: OnTurn) -> u64 {
        let mut state = self.0.state.lock();
        let number = state.queue.wait(mode, Waiter::Callback(callback));
        self.let_next_in(state);
        number
    }

    /// Withdraws from the queue. Answers whether the callback has not been run and never will be.
    pub(crate) fn withdraw(&self, number: u64) -> bool {
        let mut state = self.0.state.lock();
        if let Some(waiter) = state.queue.withdraw(number) {
            self.let_next_in(state);
            // What the callback has captured is dropped outside of the lock.
            drop(waiter);
            return true;
        }
        let deliveries = &mut state.deliveries.granted;
        let place = deliveries.iter().position(|granted| granted.number == number);
        let Some(granted) = place.and_then(|place| deliveries.remove(place)) else {
            return false;
        };
        state.queue.release(granted.mode);
        self.let_next_in(state);
        drop(granted);
        true
    }

    /// How many requests wait for their turn.
    pub(crate) fn waiting_turns(&self) -> usize {
        self.0.state.lock().queue.waiting_count()
    }

    /// Begins a change, on the mounts as they are; `None` while an exclusive lease is out or about to begin.
    pub(crate) fn begin_change(&self) -> Option<(ChangeInFlight<'_>, Arc<Namespace>)> {
        let mut state = self.0.state.lock();
        let number = state.queue.begin_change(thread::current().id())?;
        let change = ChangeInFlight { table: self, number };
        Some((change, Arc::clone(&state.namespace)))
    }

    /// Waits until no change is in flight that began on mounts as they were before this call, those of the calling
    /// thread aside.
    pub(super) fn wait_for_earlier_changes(&self, state: &mut MutexGuard<'_, State>) {
        let now = state.queue.now();
        while state.queue.has_changes_before(now, thread::current().id()) {
            self.0.change_ended.wait(state);
        }
    }

    /// A turn that the queue has granted.
    fn turn(&self, state: &State, mode: LeaseMode) -> Turn {
        Turn {
            table: self.clone(),
            namespace: Arc::clone(&state.namespace),
            mode,
        }
    }

    /// Grants the turns that have come, and tells those who waited for them.
    fn let_next_in(&self, mut state: MutexGuard<'_, State>) {
        while let Some((number, mode, waiter)) = state.queue.grant_next() {
            match waiter {
                Waiter::Thread(woken) => {
                    woken.notify_one();
                }
                Waiter::Callback(callback) => state.deliveries.granted.push_back(Granted {
                    number,
                    mode,
                    callback,
                }),
            }
        }
        if state.deliveries.under_way {
            return;
        }
        state.deliveries.under_way = true;
        while let Some(granted) = state.deliveries.granted.pop_front() {
            let turn = self.turn(&state, granted.mode);
            MutexGuard::unlocked(&mut state, || {
                // Whoever ends a lease does not answer for the callbacks of others: a panic ends the turn that the
                // callback was given, and the next in line still get theirs.
                let _reported_by_the_hook =
                    panic::catch_unwind(AssertUnwindSafe(|| (granted.callback)(turn)));
            });
        }
        state.deliveries.under_way = false;
    }
}
