use std::{
    hint::black_box,
    panic::{self, AssertUnwindSafe},
    thread,
};

use monty_types::RUN_MEMORY;

use super::{CONDEMNED, MAX_LIMIT, Meter, Metered, condemn, hand_over, measure, outside};

const MIB: usize = 1 << 20;

/// A payload that the compiler cannot do without.
fn payload(bytes: usize) -> Vec<u8> {
    black_box(vec![1; bytes])
}

#[test]
fn what_a_turn_frees_again_leaves_nothing() {
    let mut meter = Meter::new(None);
    meter.turn(|| {
        let mut list: Vec<_> = (0..1000).map(|size| payload(size + 1)).collect();
        list.shrink_to_fit();
        list.extend_from_within(..10);
    });
    assert_eq!(meter.held(), 0);
}

#[test]
fn what_a_turn_keeps_is_held_until_another_one_frees_it() {
    let mut meter = Meter::new(None);
    let kept = meter.turn(|| payload(MIB));
    assert_eq!(meter.held(), MIB);
    meter.turn(|| drop(kept));
    assert_eq!(meter.held(), 0);
}

#[test]
fn a_run_takes_its_count_from_thread_to_thread() {
    let mut meter = Meter::new(None);
    let kept = meter.turn(|| payload(MIB));
    let meter = thread::spawn(move || {
        meter.turn(|| drop(kept));
        meter
    })
    .join()
    .expect("the thread does not panic");
    assert_eq!(meter.held(), 0);
}

#[test]
fn a_payload_that_is_handed_over_leaves_nothing() {
    let mut meter = Meter::new(None);
    let mut mount = Vec::new();
    for _ in 0..100 {
        let written = meter.turn(|| {
            let data = payload(MIB);
            hand_over(data.capacity());
            data
        });
        outside(|| mount.push(written));
    }
    assert_eq!(meter.held(), 0);
}

#[test]
fn ten_thousand_reads_and_writes_of_a_mebibyte_leave_the_count_where_it_was() {
    let mut meter = Meter::new(None);
    let mut file = payload(MIB);
    meter.turn(|| {
        for _ in 0..10_000 {
            // A read: the mount finds the bytes, the answer is built for the run, which drops it some time.
            let found = outside(|| file.as_slice());
            drop(black_box(found.to_vec()));
            // A write: the run builds the payload, the mount keeps it and drops what it had.
            let data = payload(MIB);
            hand_over(data.capacity());
            outside(|| file = data);
        }
    });
    assert!(meter.held() < MIB, "{} bytes are left", meter.held());
}

#[test]
fn what_is_done_outside_is_not_counted_even_when_it_panics() {
    let mut meter = Meter::new(None);
    let mut kept = Vec::new();
    meter.turn(|| {
        outside(|| kept = payload(MIB));
        let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
            outside(|| {
                kept = payload(2 * MIB);
                panic::resume_unwind(Box::new("while answering"));
            })
        }));
        outside(|| drop(panicked));
    });
    assert_eq!(kept.len(), 2 * MIB);
    // What the panic carries is made outside and freed outside; the machinery of unwinding may keep a little.
    assert!(meter.held() < 1024, "{} bytes are left", meter.held());
}

#[test]
fn a_panic_ends_the_turn_and_not_the_count() {
    let before = RUN_MEMORY.get();
    let mut meter = Meter::new(None);
    let mut kept = Vec::new();
    let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
        meter.turn(|| {
            kept = payload(MIB);
            panic::resume_unwind(Box::new("in a turn"));
        })
    }));
    assert!(panicked.is_err());
    drop(panicked);
    assert!((MIB..MIB + 1024).contains(&meter.held()));
    assert!(RUN_MEMORY.get().abs_diff(before) < 1024);
}

#[test]
fn a_turn_inside_a_turn_counts_for_its_own_meter() {
    let mut outer = Meter::new(None);
    let mut inner = Meter::new(None);
    let (own, others) = outer.turn(|| (payload(MIB), inner.turn(|| payload(3 * MIB))));
    assert_eq!((outer.held(), inner.held()), (MIB, 3 * MIB));
    drop((own, others));
}

#[test]
fn a_condemned_run_is_over_every_limit_and_its_count_stays_true() {
    let mut meter = Meter::new(None);
    let kept = meter.turn(|| {
        let kept = payload(MIB);
        condemn();
        condemn();
        assert!(RUN_MEMORY.get().unsigned_abs() > MAX_LIMIT);
        assert!(RUN_MEMORY.get() < CONDEMNED + CONDEMNED / 2);
        kept
    });
    assert_eq!(meter.held(), MIB);
    meter.turn(|| drop(kept));
    assert_eq!(meter.held(), 0);
}

#[test]
fn the_allocation_after_the_last_one_condemns() {
    let mut meter = Meter::new(Some(10));
    meter.turn(|| {
        for _ in 0..10 {
            drop(payload(10));
        }
        assert!(RUN_MEMORY.get().unsigned_abs() <= MAX_LIMIT);
    });
    assert!(!meter.allocations_exceeded());
    meter.turn(|| {
        drop(payload(10));
        assert!(RUN_MEMORY.get().unsigned_abs() > MAX_LIMIT);
    });
    assert!(meter.allocations_exceeded());
    assert_eq!(meter.held(), 0);
}

#[test]
fn a_metered_value_is_freed_where_it_was_counted() {
    let value = Metered::build(Meter::new(None), || Ok::<_, ()>(payload(MIB))).expect("it is built");
    assert_eq!(value.get().len(), MIB);
    let (payload, mut meter) = value.into_parts();
    assert_eq!(meter.held(), MIB);
    meter.turn(|| drop(payload));
    assert_eq!(meter.held(), 0);
}

#[test]
fn what_was_measured_can_be_taken_over() {
    let (value, bytes) = measure(|| payload(MIB));
    let mut meter = Meter::new(None);
    meter.take_over(bytes);
    assert_eq!(meter.held(), MIB);
    meter.turn(|| drop(value));
    assert_eq!(meter.held(), 0);
}
