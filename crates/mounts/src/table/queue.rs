//! Who uses a table now, and who waits to: a state machine without a lock or a clock.
//!
//! Three kinds of users exclude each other in three ways. Exclusive leases exclude everybody; shared ones exclude
//! exclusive ones; changes that the table's owner makes, each for a moment, exclude nobody, but no exclusive lease
//! begins while one is in flight. Leases are waited for in one line, whatever their mode, and nobody overtakes:
//! that is what keeps a stream of shared leases from starving an exclusive one.

use std::collections::BTreeMap;
use std::thread::ThreadId;

/// How a lease shares the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseMode {
    /// Nobody else may take a lease or change anything.
    Exclusive,
    /// Others may share it; nobody may take it exclusively, and no mount may come or go.
    Shared,
}

/// The users of a table and the line of those who wait; `W` is how one of the latter is told.
///
/// Whoever arrives gets a number, the same sequence for changes and waiters, so that "earlier" is a comparison.
#[derive(Debug)]
pub(crate) struct Queue<W> {
    exclusive: bool,
    shared: usize,
    /// The changes in flight, ascending. There are as many as threads at most.
    changes: Vec<Change>,
    waiting: BTreeMap<u64, (LeaseMode, W)>,
    arrivals: u64,
}

/// A change in flight.
#[derive(Debug)]
struct Change {
    number: u64,
    thread: ThreadId,
}

/// What whoever asks for a lease without waiting for other leases finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The lease is out from now on.
    Granted,
    /// Nothing but changes in flight stands before it.
    AfterChanges,
    /// Other leases are out or waited for.
    Excluded,
}

impl<W> Default for Queue<W> {
    fn default() -> Self {
        Self {
            exclusive: false,
            shared: 0,
            changes: Vec::new(),
            waiting: BTreeMap::new(),
            arrivals: 0,
        }
    }
}

impl<W> Queue<W> {
    fn arrive(&mut self) -> u64 {
        self.arrivals += 1;
        self.arrivals
    }

    /// What keeps a lease of this mode from being granted, the line aside.
    fn judge(&self, mode: LeaseMode) -> Entry {
        let alone = mode == LeaseMode::Exclusive;
        if self.exclusive || alone && self.shared > 0 {
            Entry::Excluded
        } else if alone && !self.changes.is_empty() {
            Entry::AfterChanges
        } else {
            Entry::Granted
        }
    }

    fn count(&mut self, mode: LeaseMode) {
        match mode {
            LeaseMode::Exclusive => self.exclusive = true,
            LeaseMode::Shared => self.shared += 1,
        }
    }

    /// Grants a lease at once, if nobody waits and nothing excludes it.
    pub(crate) fn enter(&mut self, mode: LeaseMode) -> Entry {
        if !self.waiting.is_empty() {
            return Entry::Excluded;
        }
        let entry = self.judge(mode);
        if entry == Entry::Granted {
            self.count(mode);
        }
        entry
    }

    /// Puts a request at the end of the line. [`grant_next`](Self::grant_next) says when its turn has come.
    pub(crate) fn wait(&mut self, mode: LeaseMode, waiter: W) -> u64 {
        let number = self.arrive();
        self.waiting.insert(number, (mode, waiter));
        number
    }

    /// How many requests are in the line.
    pub(crate) fn waiting_count(&self) -> usize {
        self.waiting.len()
    }

    /// Whether the request of this number is still in the line.
    pub(crate) fn is_waiting(&self, number: u64) -> bool {
        self.waiting.contains_key(&number)
    }

    /// Takes a request out of the line; `None` when its turn has come already.
    pub(crate) fn withdraw(&mut self, number: u64) -> Option<W> {
        let (_, waiter) = self.waiting.remove(&number)?;
        Some(waiter)
    }

    /// Grants the lease that is first in line, if nothing excludes it: it is out from now on.
    ///
    /// To be asked, until it answers `None`, after everything that may let somebody in.
    pub(crate) fn grant_next(&mut self) -> Option<(u64, LeaseMode, W)> {
        let (_, (mode, _)) = self.waiting.first_key_value()?;
        let mode = *mode;
        if self.judge(mode) != Entry::Granted {
            return None;
        }
        let (number, (_, waiter)) = self.waiting.pop_first()?;
        self.count(mode);
        Some((number, mode, waiter))
    }

    /// Ends a lease of this mode.
    pub(crate) fn release(&mut self, mode: LeaseMode) {
        match mode {
            LeaseMode::Exclusive => self.exclusive = false,
            LeaseMode::Shared => self.shared -= 1,
        }
    }

    /// Begins a change; `None` while an exclusive lease is out, or is to begin as soon as changes in flight end.
    ///
    /// The latter is what keeps a stream of changes from starving whoever waits for an exclusive lease.
    pub(crate) fn begin_change(&mut self, thread: ThreadId) -> Option<u64> {
        let exclusive_is_due = self.shared == 0 && !self.waiting.is_empty();
        if self.exclusive || exclusive_is_due {
            return None;
        }
        let number = self.arrive();
        self.changes.push(Change { number, thread });
        Some(number)
    }

    pub(crate) fn end_change(&mut self, number: u64) {
        if let Ok(index) = self.changes.binary_search_by_key(&number, |change| change.number) {
            self.changes.remove(index);
        }
    }

    /// Whether no lease is out and nobody waits for one. Changes may be in flight.
    pub(crate) fn has_no_leases(&self) -> bool {
        !self.exclusive && self.shared == 0 && self.waiting.is_empty()
    }

    /// A number later than that of every change in flight and earlier than that of every one to come.
    pub(crate) fn now(&mut self) -> u64 {
        self.arrive()
    }

    /// Whether a change of another thread is in flight that began before `number` was given.
    pub(crate) fn has_changes_before(&self, number: u64, thread: ThreadId) -> bool {
        let mut earlier = self.changes.iter().take_while(|change| change.number < number);
        earlier.any(|change| change.thread != thread)
    }

    /// Whether a change of this thread is in flight. It cannot end before whatever the thread does now.
    pub(crate) fn is_changed_by(&self, thread: ThreadId) -> bool {
        self.changes.iter().any(|change| change.thread == thread)
    }
}
