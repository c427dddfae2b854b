//! Operations on files, told to processes.
//!
//! A *feed* is an observer of a table that keeps events in a bounded ring and rings a bell, `{:ex_monty, :events}`, at
//! the process that asked for it, the relay. The relay takes what is there when it likes, and a bell is rung again only
//! after that: so an operation never waits, and nobody's mailbox grows by more than one message. When the table is gone
//! the relay hears `{:ex_monty, :closed}`.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering},
};

use mounts::{Batch, Event, EventRing, Observer, Operation, Subscription};
use parking_lot::Mutex;
use rustler::{Atom, Encoder, Env, LocalPid, OwnedEnv, Resource, ResourceArc, Term};

use super::{answer, refusal::posix, table::TableResource};
use crate::{atoms, engine::Engine};

/// The ring of one relay, and its bell.
struct Feed {
    ring: EventRing,
    relay: LocalPid,
    /// Whether the bell was rung since events were last taken.
    rung: AtomicBool,
}

impl Observer for Feed {
    fn event(&self, event: &Event<'_>) {
        self.ring.event(event);
        if !self.rung.swap(true, Ordering::AcqRel) {
            tell(self.relay, atoms::events());
        }
    }
}

impl Feed {
    fn take(&self) -> Batch {
        // What arrives from here on rings the bell again, whether it is still in this batch or not.
        self.rung.store(false, Ordering::Release);
        self.ring.take()
    }
}

/// Sends `{:ex_monty, what}` from a thread that may. A process that is dead needs none.
fn tell(process: LocalPid, what: Atom) {
    Engine::get().courier.hand(move || {
        let _ = OwnedEnv::new().send_and_clear(&process, |env| (atoms::ex_monty(), what).encode(env));
    });
}

/// A feed and its place at the table.
struct Line {
    feed: Arc<Feed>,
    subscription: Mutex<Option<Subscription>>,
    /// Whom the relay relays to; nobody in particular where it is `None`.
    subscriber: Option<LocalPid>,
}

/// A feed, as its relay holds it: it ends with the relay.
pub(crate) struct FeedResource(Arc<Line>);

#[rustler::resource_impl]
impl Resource for FeedResource {}

/// The feeds of a table.
#[derive(Default)]
pub(super) struct Feeds(Mutex<Vec<Weak<Line>>>);

impl Feeds {
    /// Makes a feed, unless the subscriber has one.
    fn open(
        &self,
        table: &mounts::Table,
        relay: LocalPid,
        subscriber: Option<LocalPid>,
    ) -> Option<Arc<Line>> {
        let mut lines = self.0.lock();
        lines.retain(|line| {
            line.upgrade()
                .is_some_and(|line| line.subscription.lock().is_some())
        });
        let mut open = lines.iter().filter_map(Weak::upgrade);
        if open.any(|line| line.subscriber == subscriber) {
            return None;
        }
        let feed = Arc::new(Feed {
            ring: EventRing::default(),
            relay,
            rung: AtomicBool::new(false),
        });
        let line = Arc::new(Line {
            subscription: Mutex::new(Some(table.observe(Arc::clone(&feed)))),
            feed,
            subscriber,
        });
        lines.push(Arc::downgrade(&line));
        Some(line)
    }

    /// The relay of a subscriber.
    fn relay_of(&self, subscriber: Option<LocalPid>) -> Option<LocalPid> {
        let lines = self.0.lock();
        let mut open = lines.iter().filter_map(Weak::upgrade);
        let line = open.find(|line| line.subscriber == subscriber && line.subscription.lock().is_some())?;
        Some(line.feed.relay)
    }

    /// Tells every relay that there is nothing more to come.
    pub(super) fn close(&self) {
        for line in self.0.lock().iter().filter_map(Weak::upgrade) {
            tell(line.feed.relay, atoms::closed());
        }
    }
}

/// Makes the calling process the relay of a subscriber, a process or nil: `{:ok, feed}`, or `{:ok, nil}` where there is
/// one already. On the caller's scheduler: short locks.
#[rustler::nif]
fn mount_feed<'a>(env: Env<'a>, table: &'a TableResource, subscriber: Option<LocalPid>) -> Term<'a> {
    answer(env, || {
        let line = table.feeds.open(&table.table, env.pid(), subscriber);
        Ok(line.map(|line| ResourceArc::new(FeedResource(line))))
    })
}

/// The relay of a subscriber, or nil. On the caller's scheduler: short locks.
#[rustler::nif]
fn mount_relay<'a>(env: Env<'a>, table: &'a TableResource, subscriber: Option<LocalPid>) -> Term<'a> {
    answer(env, || Ok(table.feeds.relay_of(subscriber)))
}

/// Takes the events that are there. On a dirty scheduler: a full ring is a thousand maps.
#[rustler::nif(schedule = "DirtyCpu")]
fn mount_events<'a>(env: Env<'a>, feed: &'a FeedResource) -> Term<'a> {
    answer(env, || {
        let batch = feed.0.feed.take();
        let mut events: Vec<_> = batch.events.iter().map(|event| told(env, event)).collect();
        if batch.dropped > 0 {
            events.push(rustler::term_map!(env, { atoms::dropped() => batch.dropped }));
        }
        Ok(events)
    })
}

/// An event as a subscriber gets it.
fn told<'a>(env: Env<'a>, event: &Event<'_>) -> Term<'a> {
    let result = event.result.map_or_else(posix, |()| atoms::ok());
    let nanoseconds = u64::try_from(event.duration.as_nanos()).unwrap_or(u64::MAX);
    let told = rustler::term_map!(env, {
        atoms::op() => operation(event.operation),
        atoms::path() => &*event.path,
        atoms::bytes() => event.bytes,
        atoms::result() => result,
        atoms::duration_ns() => nanoseconds,
    });
    match &event.destination {
        // A map takes another key.
        Some(destination) => told.map_put(atoms::to(), &**destination).unwrap_or(told),
        None => told,
    }
}

/// The operation by the name that the function of `ExMonty.Mount`, or of `File`, has.
fn operation(operation: Operation) -> Atom {
    match operation {
        Operation::Metadata => atoms::stat(),
        Operation::SymlinkMetadata => atoms::lstat(),
        Operation::Read => atoms::read(),
        Operation::Write => atoms::write(),
        Operation::Append => atoms::append(),
        Operation::Open => atoms::open(),
        Operation::List => atoms::ls(),
        Operation::Scan => atoms::scan(),
        Operation::CreateDir => atoms::mkdir(),
        Operation::RemoveFile => atoms::rm(),
        Operation::RemoveDir => atoms::rmdir(),
        Operation::Rename => atoms::rename(),
        Operation::Resolve => atoms::resolve(),
        _ => atoms::other(),
    }
}
