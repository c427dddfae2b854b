use std::{
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use ::mounts::{LeaseMode, Table};

use super::{Deadline, Stop, Tether};

fn leased() -> (Table, Tether) {
    let table = Table::new();
    let tether = Tether::default();
    tether.hold(Arc::new(
        table.checkout(LeaseMode::Exclusive).expect("nobody has it"),
    ));
    (table, tether)
}

fn is_free(table: &Table) -> bool {
    table.checkout(LeaseMode::Exclusive).is_ok()
}

#[test]
fn a_turn_ends_once_by_its_thread_or_by_who_abandons_it() {
    let turn = Tether::default();
    assert!(turn.end());
    assert!(!turn.abandon());
    let turn = Tether::default();
    assert!(turn.abandon());
    assert!(!turn.end());
}

#[test]
fn the_end_of_a_turn_frees_its_lease() {
    let (table, turn) = leased();
    assert!(!is_free(&table));
    assert!(turn.enter());
    turn.leave();
    assert!(!is_free(&table));
    turn.end();
    assert!(is_free(&table));
}

#[test]
fn a_turn_that_is_shut_out_reaches_no_mount_and_has_no_lease() {
    let (table, turn) = leased();
    turn.shut_out();
    assert!(is_free(&table));
    assert!(!turn.enter());
    // Not even with a lease that comes late.
    turn.hold(Arc::new(
        table.checkout(LeaseMode::Exclusive).expect("nobody has it"),
    ));
    assert!(is_free(&table));
    assert!(!turn.enter());
}

#[test]
fn a_call_that_is_under_way_when_its_turn_is_shut_out_ends_under_the_lease() {
    let (table, turn) = leased();
    assert!(turn.enter());
    turn.shut_out();
    assert!(!is_free(&table));
    turn.leave();
    assert!(is_free(&table));
    assert!(!turn.enter());
}

/// Symptom of a lost race: the lease is out though nobody is inside, or somebody is inside though the lease is free.
#[test]
fn a_lease_is_freed_however_shutting_out_and_calls_meet() {
    let mut shut_out_inside = 0;
    for round in 0..20_000_u32 {
        let (table, turn) = leased();
        let barrier = Barrier::new(2);
        let refused = thread::scope(|scope| {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..round % 97 {
                    std::hint::spin_loop();
                }
                turn.shut_out();
            });
            barrier.wait();
            let mut entered = 0;
            while turn.enter() {
                entered += 1;
                assert!(!is_free(&table), "one is inside without a lease");
                turn.leave();
            }
            entered
        });
        shut_out_inside += u32::from(refused > 0);
        assert!(is_free(&table), "the lease is out after {refused} calls");
        if round > 200 && shut_out_inside > 50 {
            return;
        }
    }
    panic!("the race was not run: {shut_out_inside}");
}

#[test]
fn the_first_reason_to_stop_counts() {
    let turn = Tether::default();
    assert_eq!(turn.stopped(), None);
    turn.stop(Stop::Overload);
    turn.stop(Stop::Time);
    assert_eq!(turn.stopped(), Some(Stop::Overload));
}

#[test]
fn a_turn_whose_caller_is_gone_has_no_time_and_no_mounts_left() {
    let (table, turn) = leased();
    assert!(turn.deadline().is_none());
    turn.stop(Stop::CallerGone);
    let deadline = turn.deadline().expect("its time is over");
    assert!(deadline.at.elapsed() >= Duration::ZERO);
    assert!(is_free(&table));
}

#[test]
fn who_abandons_a_turn_finds_what_it_has_printed() {
    let turn = Tether::default();
    turn.print("so far");
    assert!(turn.abandon());
    assert_eq!(turn.printed(), "so far");
    assert_eq!(turn.take_printed(), "so far");
    assert_eq!(turn.printed(), "");
}

#[test]
fn a_time_without_end_is_no_deadline() {
    let turn = Tether::default();
    turn.arm(Duration::MAX, Duration::MAX);
    assert!(turn.deadline().is_none());
}

#[test]
fn the_earliest_end_of_a_turns_time_counts() {
    let turn = Tether::default();
    let hour = Duration::from_hours(1);
    turn.arm(hour, hour);
    let at = Instant::now();
    turn.end_by(Deadline { at, limit: None });
    turn.arm(hour, hour);
    let deadline = turn.deadline().expect("it has an end");
    assert_eq!((deadline.at, deadline.limit), (at, None));
}
