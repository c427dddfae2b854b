use std::{fs, hint::black_box, thread};

use super::{STACK_BYTES, Stack};

/// Pages of the whole process that are in memory. Other tests run beside this one, so that only large differences say
/// anything.
fn resident_bytes() -> usize {
    let text = fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: usize = text
        .split(' ')
        .nth(1)
        .expect("it has seven fields")
        .parse()
        .expect("a number");
    pages * 4096
}

fn deep(level: usize) -> usize {
    let frame = black_box([level; 128]);
    if level == 0 {
        frame[0]
    } else {
        deep(level - 1) + frame[1] % 2
    }
}

#[test]
#[cfg(target_os = "linux")]
fn what_a_deep_recursion_took_goes_back() {
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
        let stack = Stack::of_this_thread();
        // What is above stays as it is.
        let kept = black_box([7_u64; 1024]);
        stack.use_it();
        assert!(stack.is_to_give_back());
        black_box(deep(130 * 1024));
        let before = resident_bytes();
        stack.give_back();
        assert!(!stack.is_to_give_back());
        let after = resident_bytes();
        assert_eq!(kept, [7; 1024]);
        // The stack can be used again.
        assert_eq!(deep(10_000), deep(10_000));
        (before, after)
    });
    let (before, after) = thread.expect("a thread").join().expect("it does not panic");
    assert!(
        before > after + (64 << 20),
        "{before} bytes before, {after} bytes after"
    );
}

#[test]
fn a_stack_that_was_hardly_used_can_be_given_back_again_and_again() {
    let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn(|| {
        let stack = Stack::of_this_thread();
        for level in 0..100 {
            stack.give_back();
            assert!(deep(level) < 1000);
        }
    });
    thread.expect("a thread").join().expect("it does not panic");
}
