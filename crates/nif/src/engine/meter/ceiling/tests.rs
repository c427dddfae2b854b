use std::{
    hint::black_box,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use super::{CEILING, NONE, TERMS, above, aside, interpret, under};
use crate::engine::meter::{Meter, condemn, metered_bytes};

const MIB: usize = 1 << 20;

/// What asks for `bytes` in one piece, and is given it.
fn ask_for(bytes: usize) {
    drop(black_box(Vec::<u8>::with_capacity(bytes)));
}

/// A turn under a ceiling of a mebibyte on a thread of its own, and its flag.
fn begin(work: impl FnOnce() + Send + 'static) -> (JoinHandle<()>, Arc<AtomicBool>) {
    let stranded = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stranded);
    let thread = thread::spawn(move || Meter::new(None).turn(|| under(MIB, &told, work)));
    (thread, stranded)
}

/// The work comes to its end.
fn assert_free(work: impl FnOnce() + Send + 'static) {
    let (thread, stranded) = begin(work);
    thread.join().expect("the thread ends");
    assert!(!stranded.load(Ordering::Acquire));
}

/// The work says that it is stranded.
fn assert_stranded(work: impl FnOnce() + Send + 'static) {
    let (thread, stranded) = begin(work);
    while !stranded.load(Ordering::Acquire) {
        assert!(!thread.is_finished(), "it went through");
        thread::yield_now();
    }
}

#[test]
fn a_request_beyond_the_ceiling_is_never_answered() {
    assert_stranded(|| interpret(|| ask_for(MIB + 1)));
    assert_stranded(|| interpret(|| drop(black_box(vec![0_u8; MIB + 1]))));
    assert_stranded(|| {
        interpret(|| {
            let mut grows = Vec::<u8>::with_capacity(1000);
            loop {
                grows.reserve(grows.capacity() + 1);
            }
        });
    });
    assert_stranded(|| {
        interpret(|| {
            let mut many = Vec::with_capacity(1000);
            loop {
                many.push(vec![1_u8; 10_000]);
            }
        });
    });
}

#[test]
fn a_buffer_that_was_to_grow_beyond_the_ceiling_is_freed() {
    let (stranded, metered) = (Arc::new(AtomicBool::new(false)), metered_bytes());
    let told = Arc::clone(&stranded);
    thread::spawn(move || {
        Meter::new(None).turn(|| {
            under(100 * MIB, &told, || {
                interpret(|| {
                    let mut grows = black_box(vec![1_u8; 64 * MIB]);
                    grows.reserve_exact(64 * MIB);
                });
            });
        });
    });
    while !stranded.load(Ordering::Acquire) {
        thread::yield_now();
    }
    // Other tests hold far less at any time.
    assert!(metered_bytes() < metered + 32 * MIB);
}

#[test]
fn more_than_the_system_can_give_is_never_answered() {
    // No address space is as large. The ceiling is none, in words, and the system's refusal would end the process.
    let stranded = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stranded);
    thread::spawn(move || {
        under(usize::MAX >> 1, &told, || {
            CEILING.set(NONE - 1);
            ask_for(usize::MAX >> 2);
        });
    });
    while !stranded.load(Ordering::Acquire) {
        thread::yield_now();
    }
}

#[test]
fn what_is_below_the_ceiling_is_given() {
    assert_free(|| interpret(|| (0..100).for_each(|_| ask_for(MIB / 2))));
}

#[test]
fn outside_the_interpreter_there_is_no_ceiling() {
    assert_free(|| ask_for(2 * MIB));
    assert_free(|| interpret(|| aside(|| ask_for(2 * MIB))));
    // It holds again afterwards, and no longer than it is to.
    assert_stranded(|| {
        interpret(|| {
            aside(|| ());
            ask_for(2 * MIB);
        });
    });
    assert_free(|| {
        interpret(|| ());
        ask_for(2 * MIB);
    });
}

#[test]
fn a_condemned_run_has_the_ceiling_of_any_other() {
    assert_free(|| {
        interpret(|| {
            condemn();
            ask_for(MIB / 2);
        });
    });
    assert_stranded(|| {
        interpret(|| {
            condemn();
            ask_for(MIB + 1);
        });
    });
}

#[test]
fn a_thread_that_panics_is_not_stranded() {
    struct Farewell;

    impl Drop for Farewell {
        fn drop(&mut self) {
            ask_for(2 * MIB);
        }
    }

    let (thread, stranded) = begin(|| {
        interpret(|| {
            let _farewell = Farewell;
            panic!("inside")
        });
    });
    assert!(thread.join().is_err());
    assert!(!stranded.load(Ordering::Acquire));
}

#[test]
fn a_panic_leaves_no_ceiling_behind() {
    let stranded = AtomicBool::new(false);
    let panicked = panic::catch_unwind(AssertUnwindSafe(|| {
        Meter::new(None).turn(|| under(MIB, &stranded, || interpret(|| panic!("inside"))));
    }));
    assert!(panicked.is_err());
    assert_eq!(CEILING.get(), NONE);
    assert!(TERMS.get().1.is_null());
}

#[test]
fn the_ceiling_is_twice_the_limit_or_what_is_held_and_some_more() {
    assert_eq!(above(Some(256 * MIB)), 640 * MIB);
    assert_eq!(above(Some(usize::MAX)), usize::MAX);
    let mut meter = Meter::new(None);
    let held = meter.turn(|| black_box(vec![1_u8; 10 * MIB]));
    assert_eq!(meter.turn(|| above(Some(MIB))), 138 * MIB);
    meter.turn(|| drop(held));
}
