//! Leases, and what becomes of them when their owner dies.
//!
//! A lease that is waited for is the same thing before it has been granted: its owner is watched from the moment it
//! waits, and whatever ends a lease takes a waiting one out of the line. See `wait`.
//!
//! A lease ends in one of three ways: it is released, its owner dies, or nothing refers to it any more. All three take
//! the same thing out of the same place, so whichever comes first ends it and the others find nothing. A call or a turn
//! in flight has its own share of the lease while it runs: the lease then ends with the call.
//!
//! The VM tells of a death while the process is on its way out, and in no promised order: links hear of it first, other
//! monitors before or after this one. So whoever restarts a process that held a lease may want the table before the
//! lease has ended. [`Owners`] closes that gap: before a caller is told that the table is in use, the leases of owners
//! that are dead are ended.

use std::{
    mem,
    sync::{Arc, Weak},
};

use mounts::{ErrorKind, Lease, LeaseMode, Operation, Table, Ticket};
use parking_lot::Mutex;
use rustler::{Atom, Decoder, Env, Error, LocalPid, NifResult, Resource, ResourceArc, Term};

use super::{Answer, Refusal, answer, done, table::TableResource};
use crate::{atoms, deaths::Watch};

/// A lease, as the VM holds it.
pub(crate) struct LeaseResource {
    hold: Arc<Hold>,
    /// Hears of the owner's death, until the lease has ended otherwise.
    watch: Mutex<Option<Watch>>,
    /// Keeps the table while a lease of it is at hand, so that ending a lease never frees a tree.
    table: ResourceArc<TableResource>,
}

#[rustler::resource_impl]
impl Resource for LeaseResource {}

impl LeaseResource {
    /// The lease, for a call or a turn: it does not end before what this returns is dropped.
    pub(crate) fn enter(&self) -> Answer<Arc<Lease>> {
        match &*self.hold.held.lock() {
            Held::Lease(lease) => Ok(Arc::clone(lease)),
            Held::Lent => Err(in_use()),
            Held::Waiting(_) | Held::Nothing => Err(Refusal::LeaseReleased),
        }
    }

    /// Lets `change` have the lease to itself, to change which mounts there are. Refused while a call or a turn is in
    /// flight; what would begin meanwhile is refused, and the lease ends afterwards if it is to end meanwhile.
    pub(super) fn reshape<T>(&self, change: impl FnOnce(&mut Lease) -> Answer<T>) -> Answer<T> {
        let mut lent = self.hold.lend()?;
        Arc::get_mut(&mut lent.lease).map_or_else(|| Err(in_use()), change)
    }

    /// Makes the calling process the owner of `lease`.
    fn owned_by_caller(env: Env<'_>, table: ResourceArc<TableResource>, lease: Lease) -> ResourceArc<Self> {
        let lease = Held::Lease(Arc::new(lease));
        ResourceArc::new(Self::held_by_caller(env, table, lease))
    }

    /// Makes the calling process the owner of a lease that is yet to be granted, by `request`.
    pub(super) fn awaited_by_caller(
        env: Env<'_>,
        table: ResourceArc<TableResource>,
        request: impl FnOnce(&Table, Grantee) -> Ticket,
    ) -> ResourceArc<Self> {
        let awaited = Self::held_by_caller(env, table, Held::Waiting(None));
        let grantee = Grantee(Arc::downgrade(&awaited.hold));
        let ticket = request(&awaited.table.table, grantee);
        awaited.hold.keep(ticket);
        ResourceArc::new(awaited)
    }

    fn held_by_caller(env: Env<'_>, table: ResourceArc<TableResource>, begun: Held) -> Self {
        let hold = Arc::new(Hold::new(begun));
        let owner = env.pid();
        table.owners.add(owner, &hold);
        let watched = Arc::downgrade(&hold);
        let watch = Watch::over_caller(env, move || {
            if let Some(hold) = watched.upgrade() {
                hold.end();
            }
        });
        if watch.is_none() {
            // The owner was killed while this call ran.
            hold.end();
        }
        let watch = Mutex::new(watch);
        Self { hold, watch, table }
    }

    /// Gives up waiting; `false` where the lease has been granted by now.
    pub(super) fn withdraw(&self) -> bool {
        let given_up = self.hold.withdraw();
        if given_up {
            self.release();
        }
        given_up
    }

    fn release(&self) {
        self.hold.end();
        let watch = self.watch.lock().take();
        drop(watch);
    }
}

/// The one place a lease is kept, until it ends.
struct Hold {
    held: Mutex<Held>,
    /// Locked while the lease is ending, which takes a moment after it was taken out.
    ending: Mutex<()>,
}

/// What is kept there.
enum Held {
    /// A place in the line, or none yet while it is being taken.
    Waiting(Option<Ticket>),
    Lease(Arc<Lease>),
    /// Somebody has it to himself, and gives it back.
    Lent,
    /// The lease has ended, or was given up before it began.
    Nothing,
}

impl Hold {
    fn new(held: Held) -> Self {
        Self {
            held: Mutex::new(held),
            ending: Mutex::new(()),
        }
    }

    /// Ends the lease, at once or as soon as the calls in flight end, or the waiting for it. Where somebody else is ending
    /// it, it has ended when this returns.
    fn end(&self) {
        let _ending = self.ending.lock();
        // Taken out under the lock and dropped outside of it: whoever is next in line is told, and may look here.
        let held = mem::replace(&mut *self.held.lock(), Held::Nothing);
        drop(held);
    }

    fn has_ended(&self) -> bool {
        matches!(*self.held.lock(), Held::Nothing)
    }

    /// Takes the lease out, for one who has it to himself.
    fn lend(&self) -> Answer<Lent<'_>> {
        let mut held = self.held.lock();
        match mem::replace(&mut *held, Held::Lent) {
            Held::Lease(lease) => Ok(Lent { hold: self, lease }),
            Held::Lent => Err(in_use()),
            other @ (Held::Waiting(_) | Held::Nothing) => {
                *held = other;
                Err(Refusal::LeaseReleased)
            }
        }
    }

    /// Keeps the place in the line, while there is something to wait for.
    fn keep(&self, ticket: Ticket) {
        let mut held = self.held.lock();
        let superfluous = match &mut *held {
            Held::Waiting(kept) => kept.replace(ticket),
            Held::Lease(_) | Held::Lent | Held::Nothing => Some(ticket),
        };
        drop(held);
        drop(superfluous);
    }

    /// Gives up waiting; `false` for a lease that has been granted.
    fn withdraw(&self) -> bool {
        let mut held = self.held.lock();
        if matches!(*held, Held::Lease(_) | Held::Lent) {
            return false;
        }
        let given_up = mem::replace(&mut *held, Held::Nothing);
        drop(held);
        drop(given_up);
        true
    }
}

/// A lease that is lent, until it is dropped. It goes back to where it is kept, or ends if it was to end meanwhile.
struct Lent<'a> {
    hold: &'a Hold,
    lease: Arc<Lease>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut held = self.hold.held.lock();
        if matches!(*held, Held::Lent) {
            *held = Held::Lease(Arc::clone(&self.lease));
        }
    }
}

/// Whom a lease is granted to, unless nobody waits for it any more.
pub(super) struct Grantee(Weak<Hold>);

impl Grantee {
    /// Hands the lease over; where nobody waits it ends here, and the answer is `false`.
    pub(super) fn grant(&self, lease: Lease) -> bool {
        let Some(hold) = self.0.upgrade() else {
            return false;
        };
        let mut kept = hold.held.lock();
        if !matches!(*kept, Held::Waiting(_)) {
            drop(kept);
            drop(lease);
            return false;
        }
        let ticket = mem::replace(&mut *kept, Held::Lease(Arc::new(lease)));
        drop(kept);
        drop(ticket);
        true
    }
}

fn in_use() -> Refusal {
    mounts::Error::new(ErrorKind::InUse, Operation::Checkout, "/").into()
}

/// Who holds the leases of a table that are out.
#[derive(Default)]
pub(super) struct Owners(Mutex<Vec<(LocalPid, Weak<Hold>)>>);

impl Owners {
    fn add(&self, owner: LocalPid, hold: &Arc<Hold>) {
        let mut owners = self.0.lock();
        owners.retain(|(_, hold)| hold.upgrade().is_some_and(|hold| !hold.has_ended()));
        owners.push((owner, Arc::downgrade(hold)));
    }

    /// Ends the leases of owners that are dead, those that somebody else is ending included.
    pub(super) fn end_leases_of_the_dead(&self, env: Env<'_>) {
        let dead: Vec<Arc<Hold>> = {
            let owners = self.0.lock();
            let dead = owners.iter().filter(|(owner, _)| !owner.is_alive(env));
            dead.filter_map(|(_, hold)| hold.upgrade()).collect()
        };
        for hold in dead {
            hold.end();
        }
    }
}

/// How a lease shares the table: `:exclusive` or `:shared`.
#[derive(Clone, Copy)]
pub(super) struct LeaseShare(pub(super) LeaseMode);

impl<'a> Decoder<'a> for LeaseShare {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        match Atom::from_term(term)? {
            mode if mode == atoms::exclusive() => Ok(Self(LeaseMode::Exclusive)),
            mode if mode == atoms::shared() => Ok(Self(LeaseMode::Shared)),
            _ => Err(Error::BadArg),
        }
    }
}

/// Takes a lease for the calling process, or answers `{:ok, nil}` where it would have to wait for the changes in flight that
/// others make through the table itself. On the caller's scheduler: short locks only.
#[rustler::nif]
fn mount_checkout(env: Env<'_>, table: ResourceArc<TableResource>, mode: LeaseShare) -> Term<'_> {
    answer(env, || {
        let lease = table.ask(env, |table| Ok(table.try_checkout(mode.0)?))?;
        Ok(lease.map(|lease| LeaseResource::owned_by_caller(env, table, lease)))
    })
}

/// Takes a lease for the calling process. On a dirty I/O scheduler: it waits for changes in flight.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_checkout_after_changes(
    env: Env<'_>,
    table: ResourceArc<TableResource>,
    mode: LeaseShare,
) -> Term<'_> {
    answer(env, || {
        let lease = table.ask(env, |table| Ok(table.checkout(mode.0)?))?;
        Ok(LeaseResource::owned_by_caller(env, table, lease))
    })
}

/// Ends a lease, whoever calls; one that has ended stays so. On the caller's scheduler: short locks only.
#[rustler::nif]
fn mount_release<'a>(env: Env<'a>, lease: &'a LeaseResource) -> Term<'a> {
    done(env, || {
        lease.release();
        Ok(())
    })
}

#[cfg(test)]
mod tests;
