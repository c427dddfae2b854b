//! Counts the bytes that one run holds.
//!
//! The interpreter compares its limit with `RUN_MEMORY` of its thread (see patches/). This module keeps that number
//! true. Every allocation of this library goes through [`Counting`], which adds to the number of the thread it happens
//! on and knows nothing of runs. What makes the number a run's is [`Meter::turn`]: it puts the run's own count in place
//! while its values are built, run or freed, and takes it away afterwards, so a run that wanders from thread to thread
//! takes its count along, and what a thread does between turns is nobody's.
//!
//! Two designs were set aside. One counter for the process cannot say whose bytes they are, so that ending one run
//! would hurt others. A switch that turns counting off costs a branch in every allocation, and the bytes that change
//! hands while it is off drift away from the truth; instead [`outside`] puts the count back as it was, and payloads that
//! change hands are told by [`hand_over`].
//!
//! The number is below zero when a run frees what was counted elsewhere. That is not an error: the sum over all
//! threads and runs is what the library holds.

// A global allocator cannot be written without `unsafe`; the rest of this library does without.
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    mem,
    sync::atomic::{AtomicIsize, Ordering},
};

use monty_types::RUN_MEMORY;

thread_local! {
    /// Allocations that the run of this thread may still make. Like `RUN_MEMORY` it has no destructor and no lazy
    /// initialiser, so that the allocator can use it at any time in a thread's life.
    static ALLOCATIONS_LEFT: Cell<i64> = const { Cell::new(i64::MAX) };
}

/// Added to a condemned run's count: beyond every limit that can be set, and still far from wrapping around.
const CONDEMNED: isize = isize::MAX / 2;

/// The largest memory limit of a run. One without a limit gets this one, so that it can be condemned like any other.
pub(crate) const MAX_LIMIT: usize = CONDEMNED.unsigned_abs() / 2;

/// The bytes held by all runs together, as of each one's last turn.
static METERED: AtomicIsize = AtomicIsize::new(0);

/// So many allocations in one turn, or one of so many bytes, and the allocator keeps much when all of it is free again.
const MANY: i64 = 100_000;
const LARGE: usize = 1 << 20;

thread_local! {
    /// Whether this thread has allocated something [`LARGE`] since a turn began.
    static LARGE_SEEN: Cell<bool> = const { Cell::new(false) };
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
unsafe extern "C" {
    fn malloc_trim(keep: usize) -> i32;
}

/// Has the allocator give back to the system what is free. That of Linux keeps what lies among memory in use, and what it
/// may soon need again: all that a run of many small objects had, and half of what one with large ones did.
fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the function may be called at any time from any thread, and touches nothing that is allocated.
    unsafe {
        malloc_trim(0);
    }
}

/// The system's allocator, counting.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

/// Notes one allocation of `bytes` in the place of `freed` ones.
fn debit(bytes: usize, freed: usize) {
    // A layout's size never exceeds `isize::MAX`.
    RUN_MEMORY.set(
        RUN_MEMORY
            .get()
            .wrapping_add_unsigned(bytes)
            .wrapping_sub_unsigned(freed),
    );
    if bytes >= LARGE {
        LARGE_SEEN.set(true);
    }
    let left = ALLOCATIONS_LEFT.get().wrapping_sub(1);
    ALLOCATIONS_LEFT.set(left);
    if left == 0 {
        condemn();
    }
}

// SAFETY: every method passes its arguments on to `System`, which keeps the contract of `GlobalAlloc`, and returns its
// answer unchanged. In between only two `Cell`s of the thread are read and written: they are initialised at compile
// time and have no destructor, so touching them neither allocates (which would recurse) nor fails late in a thread's
// life, and arithmetic on them wraps, so nothing here can unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise (a layout of non-zero size) is the one that `System` asks for.
        let memory = unsafe { System.alloc(layout) };
        if !memory.is_null() {
            debit(layout.size(), 0);
        }
        memory
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as for `alloc`.
        let memory = unsafe { System.alloc_zeroed(layout) };
        if !memory.is_null() {
            debit(layout.size(), 0);
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that `memory` came from this allocator with this layout. All of it comes from
        // `System` with the very layout that was asked for.
        unsafe { System.dealloc(memory, layout) };
        RUN_MEMORY.set(RUN_MEMORY.get().wrapping_sub_unsigned(layout.size()));
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: as for `dealloc`, and the caller promises that `new_size` is not zero and does not overflow.
        let moved = unsafe { System.realloc(memory, layout, new_size) };
        if !moved.is_null() {
            debit(new_size, layout.size());
        }
        moved
    }
}

/// What one run holds and may still allocate, kept with the run between its turns.
#[derive(Debug)]
pub(crate) struct Meter {
    held: isize,
    allocations_left: i64,
}

impl Meter {
    /// The meter of a run that holds nothing yet and may make `max_allocations` allocations; none means any number.
    pub(crate) fn new(max_allocations: Option<u64>) -> Self {
        Self {
            held: 0,
            allocations_left: allowance(max_allocations),
        }
    }

    /// The meter of a run that holds nothing here yet and has made `allocations` of the ones that it may make.
    pub(crate) fn resumed(max_allocations: Option<u64>, allocations: u64) -> Self {
        let made = i64::try_from(allocations).unwrap_or(i64::MAX);
        Self {
            held: 0,
            // One that has made too many is condemned by its next one.
            allocations_left: allowance(max_allocations).saturating_sub(made).max(1),
        }
    }

    /// Lets the run make `max_allocations` allocations from now on.
    pub(crate) fn renew(&mut self, max_allocations: Option<u64>) {
        self.allocations_left = allowance(max_allocations);
    }

    /// The allocations made by a run that may make `max_allocations`.
    pub(crate) fn allocations(&self, max_allocations: Option<u64>) -> u64 {
        let made = allowance(max_allocations).saturating_sub(self.allocations_left);
        u64::try_from(made).unwrap_or(0)
    }

    /// Does `work` as this run: what it allocates and frees on this thread is the run's, also when it panics.
    pub(crate) fn turn<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let _window = Window::open(self);
        work()
    }

    /// The bytes that the run held at the end of its last turn.
    pub(crate) fn held(&self) -> usize {
        self.held.max(0).unsigned_abs()
    }

    /// Whether the run has used up its allocations.
    pub(crate) fn allocations_exceeded(&self) -> bool {
        self.allocations_left <= 0
    }

    /// Counts `bytes` that were built for the run before it was at hand.
    pub(crate) fn take_over(&mut self, bytes: isize) {
        self.held = self.held.wrapping_add(bytes);
        METERED.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// What is counted down to zero: the allocation after the last one that is allowed is the one that condemns.
fn allowance(max_allocations: Option<u64>) -> i64 {
    max_allocations
        .map_or(i64::MAX, |max| i64::try_from(max).unwrap_or(i64::MAX))
        .saturating_add(1)
}

impl Drop for Meter {
    fn drop(&mut self) {
        // What the run built and left behind, such as its result, is not metered any longer.
        METERED.fetch_sub(self.held, Ordering::Relaxed);
    }
}

/// A turn in progress: the run's count stands in for the thread's, which is kept here.
struct Window<'a> {
    meter: &'a mut Meter,
    thread_held: isize,
    thread_left: i64,
}

impl<'a> Window<'a> {
    fn open(meter: &'a mut Meter) -> Self {
        let thread_held = RUN_MEMORY.replace(meter.held);
        let thread_left = ALLOCATIONS_LEFT.replace(meter.allocations_left);
        // Much that was held before the turn is given back when it is freed in it.
        LARGE_SEEN.set(meter.held() > LARGE);
        Self {
            meter,
            thread_held,
            thread_left,
        }
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        let counted = RUN_MEMORY.replace(self.thread_held);
        let held = if counted > CONDEMNED / 2 {
            counted - CONDEMNED
        } else {
            counted
        };
        METERED.fetch_add(held.wrapping_sub(self.meter.held), Ordering::Relaxed);
        self.meter.held = held;
        let left = ALLOCATIONS_LEFT.replace(self.thread_left);
        let made = self.meter.allocations_left.saturating_sub(left);
        self.meter.allocations_left = left;
        // What a paused run holds will be freed in a later turn.
        if (LARGE_SEEN.get() || made > MANY) && self.meter.held() < LARGE {
            give_back();
        }
    }
}

/// A value that a run holds, with the meter that knows what it weighs. Dropping it credits the meter, so it is dropped
/// where a large heap may be: on a worker, or by the reaper.
#[derive(Debug)]
pub(crate) struct Metered<T> {
    /// Empty only while this is being taken apart or dropped.
    value: Option<T>,
    meter: Meter,
}

impl<T> Metered<T> {
    /// The value that `build` makes, metered from its first byte.
    pub(crate) fn build<E>(mut meter: Meter, build: impl FnOnce() -> Result<T, E>) -> Result<Self, E> {
        let value = meter.turn(build)?;
        Ok(Self {
            value: Some(value),
            meter,
        })
    }

    /// As [`build`](Self::build), where nothing can go wrong.
    pub(crate) fn new(mut meter: Meter, build: impl FnOnce() -> T) -> Self {
        let value = Some(meter.turn(build));
        Self { value, meter }
    }

    /// A value built in turns of `meter`.
    pub(crate) fn join(value: T, meter: Meter) -> Self {
        Self {
            value: Some(value),
            meter,
        }
    }

    /// The value.
    #[expect(
        clippy::expect_used,
        reason = "only `into_parts` and the drop take the value, and both end the borrows"
    )]
    pub(crate) fn get(&self) -> &T {
        self.value
            .as_ref()
            .expect("the value is there until this is taken apart")
    }

    /// The value, to look at; what changes its size is for a turn.
    #[expect(clippy::expect_used, reason = "as for `get`")]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.value
            .as_mut()
            .expect("the value is there until this is taken apart")
    }

    /// The meter, as of the last turn.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The value and its meter apart, for a turn that is to begin.
    #[expect(
        clippy::expect_used,
        reason = "this takes `self`, and nothing else takes the value but the drop"
    )]
    pub(crate) fn into_parts(mut self) -> (T, Meter) {
        let value = self
            .value
            .take()
            .expect("the value is there until this is taken apart");
        (value, mem::replace(&mut self.meter, Meter::new(None)))
    }
}

impl<T> Drop for Metered<T> {
    fn drop(&mut self) {
        let value = self.value.take();
        self.meter.turn(|| drop(value));
    }
}

/// The counts of this thread, put back when dropped, also by a panic.
struct Restore {
    held: isize,
    left: i64,
}

impl Drop for Restore {
    fn drop(&mut self) {
        RUN_MEMORY.set(self.held);
        ALLOCATIONS_LEFT.set(self.left);
    }
}

/// Does `work` outside the run whose turn this is: what it allocates and frees is not counted. A payload of the run that
/// `work` frees or keeps must be told by [`hand_over`], and what it leaves for the run is built after it.
pub(crate) fn outside<T>(work: impl FnOnce() -> T) -> T {
    let _restore = Restore {
        held: RUN_MEMORY.get(),
        left: ALLOCATIONS_LEFT.get(),
    };
    work()
}

/// Credits the run whose turn this is with a payload of `bytes` that it built and that leaves it.
pub(crate) fn hand_over(bytes: usize) {
    RUN_MEMORY.set(RUN_MEMORY.get().wrapping_sub_unsigned(bytes));
}

/// Does `work`, and says by how many bytes it changed what this thread holds.
pub(crate) fn measure<T>(work: impl FnOnce() -> T) -> (T, isize) {
    let before = RUN_MEMORY.get();
    let value = work();
    (value, RUN_MEMORY.get().wrapping_sub(before))
}

/// Ends the run whose turn this is: the interpreter's next look at the memory limit fails, which no script can catch.
pub(crate) fn condemn() {
    let held = RUN_MEMORY.get();
    if held <= CONDEMNED / 2 {
        RUN_MEMORY.set(held.wrapping_add(CONDEMNED));
    }
}

/// The bytes held by all runs together.
pub(crate) fn metered_bytes() -> usize {
    METERED.load(Ordering::Relaxed).max(0).unsigned_abs()
}

#[cfg(test)]
mod tests;
