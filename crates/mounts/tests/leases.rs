//! Leases, one step at a time: who is let in, in which order, and what becomes of requests that are withdrawn.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[path = "support/gated.rs"]
mod gated;

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use gated::{WAIT, gated};
use mounts::{ErrorKind, Lease, LeaseMode, Mount, Table, Ticket};
use parking_lot::Mutex;

use LeaseMode::{Exclusive, Shared};

/// Longer than any test takes: waiting for this long fails.
const LONG: Duration = Duration::from_mins(10);

fn refused<T>(result: mounts::Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::InUse)
}

/// The leases that were handed to callbacks, by name, in the order of their arrival.
#[derive(Clone, Default)]
struct Hands(Arc<Mutex<Vec<(&'static str, Lease)>>>);

impl Hands {
    fn request(&self, table: &Table, mode: LeaseMode, name: &'static str) -> Ticket {
        let hands = self.clone();
        table.checkout_queued(mode, move |lease| hands.0.lock().push((name, lease)))
    }

    fn names(&self) -> Vec<&'static str> {
        self.0.lock().iter().map(|(name, _)| *name).collect()
    }

    fn release(&self, name: &str) {
        let released = {
            let mut leases = self.0.lock();
            let place = leases.iter().position(|(other, _)| *other == name).unwrap();
            leases.remove(place)
        };
        drop(released);
    }
}

#[test]
fn whoever_waits_is_served_in_the_order_of_arrival() {
    let table = Table::new();
    let hands = Hands::default();
    let first = table.checkout(Exclusive).unwrap();
    let _tickets = [
        hands.request(&table, Shared, "a"),
        hands.request(&table, Shared, "b"),
        hands.request(&table, Exclusive, "c"),
        hands.request(&table, Shared, "d"),
        hands.request(&table, Exclusive, "e"),
        hands.request(&table, Exclusive, "f"),
    ];
    assert_eq!(hands.names(), [""; 0]);
    drop(first);
    assert_eq!(
        hands.names(),
        ["a", "b"],
        "shared ones next to each other come together"
    );
    hands.release("b");
    assert_eq!(
        hands.names(),
        ["a"],
        "an exclusive one waits for the last of them"
    );
    hands.release("a");
    assert_eq!(hands.names(), ["c"], "and the shared one behind it for its turn");
    for (done, next) in [("c", "d"), ("d", "e"), ("e", "f")] {
        hands.release(done);
        assert_eq!(hands.names(), [next]);
    }
    assert_eq!(table.waiting_count(), 0);
}

#[test]
fn threads_and_callbacks_stand_in_one_line() {
    let table = Table::new();
    let order = Mutex::new(Vec::new());
    let first = table.checkout(Exclusive).unwrap();
    thread::scope(|scope| {
        for place in 0..6 {
            let (table, order) = (&table, &order);
            if place % 3 == 1 {
                scope.spawn(move || {
                    let (granted, leases) = channel();
                    let ticket = table.checkout_queued(Exclusive, move |lease| granted.send(lease).unwrap());
                    let lease = leases.recv().unwrap();
                    order.lock().push(place);
                    drop(lease);
                    drop(ticket);
                });
            } else {
                scope.spawn(move || {
                    let lease = table.checkout_timeout(Exclusive, LONG).unwrap();
                    order.lock().push(place);
                    drop(lease);
                });
            }
            while table.waiting_count() <= place {
                thread::yield_now();
            }
        }
        drop(first);
    });
    assert_eq!(order.into_inner(), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn nobody_overtakes_whoever_waits() {
    let table = Table::new();
    let hands = Hands::default();
    let shared = table.checkout(Shared).unwrap();
    let ticket = hands.request(&table, Exclusive, "waiting");
    assert!(
        refused(table.checkout(Shared)),
        "it could be granted, but not in order"
    );
    assert!(refused(table.checkout_timeout(Shared, Duration::ZERO)));
    assert!(refused(table.mount("/m", Mount::memory())));
    assert!(ticket.withdraw());
    table.checkout(Shared).unwrap();
    drop(shared);
    table.mount("/m", Mount::memory()).unwrap();
    assert_eq!(hands.names(), [""; 0]);
}

#[test]
fn a_request_that_can_be_granted_is_granted_before_the_call_returns() {
    let table = Table::new();
    let hands = Hands::default();
    let ticket = hands.request(&table, Exclusive, "now");
    assert_eq!(hands.names(), ["now"]);
    drop(ticket);
    assert!(
        refused(table.checkout(Shared)),
        "the lease is not the ticket's to end"
    );
    hands.release("now");
    table.checkout(Exclusive).unwrap();
}

#[test]
fn a_withdrawn_request_lets_those_behind_it_in() {
    let table = Table::new();
    let hands = Hands::default();
    let shared = table.checkout(Shared).unwrap();
    let exclusive = hands.request(&table, Exclusive, "exclusive");
    let _behind = [
        hands.request(&table, Shared, "one"),
        hands.request(&table, Shared, "two"),
    ];
    drop(exclusive);
    assert_eq!(hands.names(), ["one", "two"]);
    drop(shared);
}

#[test]
fn a_request_that_times_out_lets_those_behind_it_in_and_leaves_nothing_behind() {
    let table = Table::new();
    let (granted, leases) = channel();
    let shared = table.checkout(Shared).unwrap();
    thread::scope(|scope| {
        let timed = scope.spawn(|| {
            table
                .checkout_timeout(Exclusive, Duration::from_millis(20))
                .map(drop)
        });
        while table.waiting_count() == 0 && !timed.is_finished() {
            thread::yield_now();
        }
        let _ticket = table.checkout_queued(Shared, move |lease| granted.send(lease).unwrap());
        leases.recv_timeout(LONG).unwrap();
        assert!(refused(timed.join().unwrap()));
    });
    assert_eq!(table.waiting_count(), 0);
    drop(shared);
    table.checkout(Exclusive).unwrap();
}

#[test]
fn a_timeout_too_long_for_a_clock_waits_for_as_long_as_it_takes() {
    let table = Table::new();
    let first = table.checkout(Exclusive).unwrap();
    thread::scope(|scope| {
        let waiting = scope.spawn(|| table.checkout_timeout(Shared, Duration::MAX).map(drop));
        while table.waiting_count() == 0 {
            thread::yield_now();
        }
        drop(first);
        waiting.join().unwrap().unwrap();
    });
}

/// While one callback runs, a lease may be granted to another that is not running yet: withdrawing it there ends
/// the lease, which otherwise nobody would ever end.
#[test]
fn a_lease_that_is_granted_but_not_handed_over_is_ended_by_withdrawing() {
    let table = Table::new();
    let first = table.checkout(Exclusive).unwrap();
    let (entered, entrance): (Sender<()>, Receiver<()>) = channel();
    let (leave, left) = channel::<()>();
    let slow = table.checkout_queued(Shared, move |lease| {
        entered.send(()).unwrap();
        left.recv().unwrap();
        drop(lease);
    });
    let hands = Hands::default();
    let behind = hands.request(&table, Shared, "behind");
    thread::scope(|scope| {
        scope.spawn(|| drop(first));
        entrance.recv().unwrap();
        assert_eq!(table.waiting_count(), 0, "both are granted");
        assert!(behind.withdraw());
        assert!(!slow.withdraw(), "the first has been handed over");
        leave.send(()).unwrap();
    });
    assert_eq!(hands.names(), [""; 0]);
    table.checkout(Exclusive).unwrap();
}

#[test]
fn a_callback_that_panics_loses_nobodys_lease() {
    let table = Table::new();
    let hands = Hands::default();
    let first = table.checkout(Exclusive).unwrap();
    let _tickets = [
        table.checkout_queued(Exclusive, |_lease| panic!("a callback of the test panics")),
        hands.request(&table, Exclusive, "next"),
    ];
    drop(first);
    assert_eq!(hands.names(), ["next"]);
    hands.release("next");
    table.checkout(Exclusive).unwrap();
}

/// Each callback ends its lease at once, which grants the next: as deep as the line is long, were they nested.
#[test]
fn a_long_line_of_callbacks_needs_no_deep_stack() {
    const LENGTH: usize = 50_000;
    let table = Table::new();
    let first = table.checkout(Exclusive).unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let request = |place| {
        let order = Arc::clone(&order);
        table.checkout_queued(Exclusive, move |lease| {
            drop(lease);
            order.lock().push(place);
        })
    };
    let tickets: Vec<_> = (0..LENGTH).map(request).collect();
    drop(first);
    assert_eq!(*order.lock(), (0..LENGTH).collect::<Vec<_>>());
    drop(tickets);
}

#[test]
fn a_callback_may_use_the_table_and_queue_again() {
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    let first = table.checkout(Exclusive).unwrap();
    let hands = Hands::default();
    let (again, tickets) = channel();
    let for_later = hands.clone();
    let _ticket = table.checkout_queued(Exclusive, move |lease| {
        lease.write("/m/a", "from the callback").unwrap();
        again
            .send(for_later.request(lease.table(), Shared, "again"))
            .unwrap();
        assert!(lease.table().write("/m/a", "past the lease").is_err());
    });
    drop(first);
    assert_eq!(hands.names(), ["again"]);
    assert_eq!(table.read("/m/a").unwrap(), *b"from the callback");
    drop(tickets);
}

#[test]
fn leases_and_requests_outlive_every_handle_on_the_table_and_leave_nothing_behind() {
    let (backend, _gate) = gated();
    let table = Table::new();
    table
        .mount("/m", Mount::read_write(Arc::clone(&backend)))
        .unwrap();
    let hands = Hands::default();
    let first = table.checkout(Exclusive).unwrap();
    let kept = hands.request(&table, Shared, "kept");
    let withdrawn = hands.request(&table, Shared, "withdrawn");
    drop(table);
    drop(withdrawn);
    drop(first);
    assert_eq!(hands.names(), ["kept"]);
    let table = hands.0.lock()[0].1.table().clone();
    assert_eq!(table.mount_count(), 1);
    drop((table, kept));
    hands.release("kept");
    assert_eq!(Arc::strong_count(&backend), 1);
}

#[test]
fn an_exclusive_lease_begins_when_changes_in_flight_have_ended() {
    let (backend, gate) = gated();
    let table = Table::new();
    table.mount("/m", Mount::read_write(backend)).unwrap();
    thread::scope(|scope| {
        // Both end with this block, also when it panics: whoever waits for them is then let go.
        let (gate, hands) = (gate, Hands::default());
        let change = scope.spawn(|| table.write("/m/a", WAIT));
        gate.wait_for_arrival();
        drop(table.checkout(Shared).unwrap());
        table.write("/m/b", "beside it").unwrap();
        let ticket = hands.request(&table, Exclusive, "queued");
        assert_eq!(hands.names(), [""; 0], "a change is in flight");
        assert!(
            refused(table.write("/m/b", "more")),
            "or there would be no end of them"
        );
        assert!(ticket.withdraw());
        table.write("/m/b", "more").unwrap();
        let waiting = scope.spawn(|| table.checkout_timeout(Exclusive, LONG).map(drop));
        while table.waiting_count() == 0 {
            thread::yield_now();
        }
        assert!(!waiting.is_finished());
        gate.open();
        waiting.join().unwrap().unwrap();
        change.join().unwrap().unwrap();
    });
    assert_eq!(table.read("/m/a").unwrap(), *WAIT);
}

/// Not waiting is about other leases. A change that is in flight would make of it a matter of luck.
#[test]
fn a_checkout_that_does_not_wait_waits_for_changes_in_flight() {
    let (backend, gate) = gated();
    let table = Table::new();
    table.mount("/m", Mount::read_write(backend)).unwrap();
    thread::scope(|scope| {
        let gate = gate;
        scope.spawn(|| table.write("/m/a", WAIT));
        gate.wait_for_arrival();
        assert!(table.try_checkout(Exclusive).unwrap().is_none());
        assert!(table.try_checkout(Shared).unwrap().is_some());
        let waiting = scope.spawn(|| {
            let lease = table.checkout(Exclusive).unwrap();
            assert_eq!(lease.read("/m/a").unwrap(), *WAIT);
        });
        while table.waiting_count() == 0 && !waiting.is_finished() {
            thread::yield_now();
        }
        gate.open();
        waiting.join().unwrap();
    });
    let lease = table.try_checkout(Exclusive).unwrap().unwrap();
    assert!(refused(table.try_checkout(Shared)));
    drop(lease);
}

/// A mount that is gone is not written to any more once `unmount` has returned; other changes are not held up.
#[test]
fn unmounting_waits_for_the_changes_that_met_the_mount() {
    let (backend, gate) = gated();
    let table = Table::new();
    table.mount("/old", Mount::read_write(backend)).unwrap();
    table.mount("/other", Mount::memory()).unwrap();
    let order = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let gate = gate;
        scope.spawn(|| table.write("/old/a", WAIT));
        gate.wait_for_arrival();
        let unmounting = scope.spawn(|| {
            table.unmount("/old").unwrap();
            order.lock().push("unmounted");
        });
        while table.mount_count() == 2 {
            thread::yield_now();
        }
        for _ in 0..100 {
            table.write("/other/a", "meanwhile").unwrap();
            thread::yield_now();
        }
        assert!(!unmounting.is_finished());
        order.lock().push("opened");
        gate.open();
    });
    assert_eq!(order.into_inner(), ["opened", "unmounted"]);
}
