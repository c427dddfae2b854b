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
    ptr,
    sync::atomic::{AtomicIsize, AtomicUsize, Ordering},
};

use monty_types::{RUN_MEMORY, RUN_PEAK};

pub(crate) use self::metered::Metered;

thread_local! {
    /// Allocations that the run of this thread may still make. Like `RUN_MEMORY` it has no destructor and no lazy
    /// initialiser, so that the allocator can use it at any time in a thread's life.
    static ALLOCATIONS_LEFT: Cell<i64> = const { Cell::new(i64::MAX) };

    /// Whether the count of this thread is a run's.
    static IN_TURN: Cell<bool> = const { Cell::new(false) };

    /// What the sum of all runs knows of that count.
    static PUBLISHED: Cell<isize> = const { Cell::new(0) };

    /// Whether this thread has allocated something [`LARGE`] since a turn began.
    static LARGE_SEEN: Cell<bool> = const { Cell::new(false) };
}

/// Allocations from this size on are told to the sum of all runs at once.
const LARGE: usize = 1 << 20;

/// The changes of a run's count that the sum of all runs does without until the turn ends: told one by one, they would
/// have all threads write to one place all the time.
const COARSE: usize = 64 << 10;

/// Added to a condemned run's count: beyond every limit that can be set, and still far from wrapping around.
const CONDEMNED: isize = isize::MAX / 2;

/// The largest memory limit of a run. One without a limit gets this one, so that it can be condemned like any other.
pub(crate) const MAX_LIMIT: usize = CONDEMNED.unsigned_abs() / 2;

/// The bytes held by all runs together, as of each one's last turn and, in a turn, as of the last time that it was
/// [published](publish).
static METERED: AtomicIsize = AtomicIsize::new(0);

/// So many allocations in one turn, or a [`LARGE`] one, and the allocator keeps much when all of it is free again.
const MANY: i64 = 100_000;

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

/// The bytes that all runs together are to hold at most.
static BUDGET: AtomicUsize = AtomicUsize::new(usize::MAX);

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
        if IN_TURN.get() {
            publish();
        }
    }
    let left = ALLOCATIONS_LEFT.get().wrapping_sub(1);
    ALLOCATIONS_LEFT.set(left);
    if left == 0 {
        condemn();
    }
}

/// The system's answer to a request for `bytes` in the place of `freed` ones, noted.
#[inline]
fn settle(memory: *mut u8, bytes: usize, freed: usize) -> *mut u8 {
    if memory.is_null() {
        if ceiling::holds() {
            ceiling::strand();
        }
    } else {
        debit(bytes, freed);
    }
    memory
}

// SAFETY: every method passes its arguments on to `System`, which keeps the contract of `GlobalAlloc`, and returns its
// answer unchanged, or never returns, which the contract allows. Otherwise only `Cell`s of the thread are read and written:
// they are initialised at compile time and have no destructor, so touching them neither allocates (which would recurse)
// nor fails late in a thread's life, and arithmetic on them wraps or saturates, so nothing here can unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if ceiling::is_exceeded(RUN_MEMORY.get(), layout.size()) {
            ceiling::strand();
        }
        // SAFETY: the caller's promise (a layout of non-zero size) is the one that `System` asks for.
        let memory = unsafe { System.alloc(layout) };
        settle(memory, layout.size(), 0)
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if ceiling::is_exceeded(RUN_MEMORY.get(), layout.size()) {
            ceiling::strand();
        }
        // SAFETY: as for `alloc`.
        let memory = unsafe { System.alloc_zeroed(layout) };
        settle(memory, layout.size(), 0)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that `memory` came from this allocator with this layout. All of it comes from
        // `System` with the very layout that was asked for.
        unsafe { System.dealloc(memory, layout) };
        RUN_MEMORY.set(RUN_MEMORY.get().wrapping_sub_unsigned(layout.size()));
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let mut moved = ptr::null_mut();
        if !ceiling::is_exceeded(RUN_MEMORY.get(), new_size.saturating_sub(layout.size())) {
            // SAFETY: as for `dealloc`, and the caller promises that `new_size` is not zero and does not overflow.
            moved = unsafe { System.realloc(memory, layout, new_size) };
        }
        if moved.is_null() && ceiling::holds() {
            // SAFETY: as for `dealloc`. The caller has the memory back only when this returns, which it never does. It is
            // most of what the run holds, where that is one buffer that grows.
            unsafe { self.dealloc(memory, layout) };
            ceiling::strand();
        }
        settle(moved, new_size, layout.size())
    }
}

/// What one run holds and may still allocate, kept with the run between its turns.
#[derive(Debug)]
pub(crate) struct Meter {
    held: isize,
    allocations_left: i64,
    /// The last turn ended condemned.
    condemned: bool,
}

impl Meter {
    /// The meter of a run that holds nothing yet and may make `max_allocations` allocations; none means any number.
    pub(crate) fn new(max_allocations: Option<u64>) -> Self {
        Self {
            held: 0,
            allocations_left: allowance(max_allocations),
            condemned: false,
        }
    }

    /// The meter of a run that holds nothing here yet and has made `allocations` of the ones that it may make.
    pub(crate) fn resumed(max_allocations: Option<u64>, allocations: u64) -> Self {
        let made = i64::try_from(allocations).unwrap_or(i64::MAX);
        Self {
            held: 0,
            // One that has made too many is condemned by its next one.
            allocations_left: allowance(max_allocations).saturating_sub(made).max(1),
            condemned: false,
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

    /// Whether the last turn was condemned, for whatever reason.
    pub(crate) fn was_condemned(&self) -> bool {
        self.condemned
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
    thread_published: isize,
    thread_in_turn: bool,
}

impl<'a> Window<'a> {
    fn open(meter: &'a mut Meter) -> Self {
        let thread_held = RUN_MEMORY.replace(meter.held);
        let thread_left = ALLOCATIONS_LEFT.replace(meter.allocations_left);
        // What a walk of another run came to is no business of this one.
        RUN_PEAK.set(0);
        // Much that was held before the turn is given back when it is freed in it.
        LARGE_SEEN.set(meter.held() > LARGE);
        Self {
            thread_published: PUBLISHED.replace(meter.held),
            thread_in_turn: IN_TURN.replace(true),
            meter,
            thread_held,
            thread_left,
        }
    }
}

impl Drop for Window<'_> {
    fn drop(&mut self) {
        let (held, condemned) = count();
        METERED.fetch_add(held.wrapping_sub(PUBLISHED.get()), Ordering::Relaxed);
        RUN_MEMORY.set(self.thread_held);
        RUN_PEAK.set(0);
        PUBLISHED.set(self.thread_published);
        IN_TURN.set(self.thread_in_turn);
        self.meter.held = held;
        self.meter.condemned = condemned;
        let left = ALLOCATIONS_LEFT.replace(self.thread_left);
        let made = self.meter.allocations_left.saturating_sub(left);
        self.meter.allocations_left = left;
        // What a paused run holds will be freed in a later turn.
        if (LARGE_SEEN.get() || made > MANY) && self.meter.held() < LARGE {
            give_back();
        }
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

/// The count of the run whose turn this is, and whether it is condemned.
fn count() -> (isize, bool) {
    let counted = RUN_MEMORY.get();
    if counted > CONDEMNED / 2 {
        (counted - CONDEMNED, true)
    } else {
        (counted, false)
    }
}

/// Tells the sum of all runs what the run whose turn this is holds now, if that has changed by much.
pub(crate) fn publish() {
    if count().0.wrapping_sub(PUBLISHED.get()).unsigned_abs() >= COARSE {
        publish_all();
    }
}

/// As [`publish`], however little it is.
fn publish_all() {
    let (held, _) = count();
    METERED.fetch_add(held.wrapping_sub(PUBLISHED.replace(held)), Ordering::Relaxed);
}

/// Sets the bytes that all runs together are to hold at most.
pub(crate) fn set_budget(bytes: usize) {
    BUDGET.store(bytes, Ordering::Relaxed);
}

/// The bytes that all runs together are to hold at most.
fn budget() -> usize {
    BUDGET.load(Ordering::Relaxed)
}

/// Whether all runs together hold so much that no other may begin.
pub(crate) fn is_over_budget() -> bool {
    metered_bytes() >= budget()
}

/// Whether all runs together hold half as much again as they are to: they began when there was room, and grew.
pub(crate) fn is_far_over_budget() -> bool {
    metered_bytes() >= budget().saturating_add(budget() / 2)
}

/// The bytes held by all runs together.
pub(crate) fn metered_bytes() -> usize {
    METERED.load(Ordering::Relaxed).max(0).unsigned_abs()
}

pub(crate) mod ceiling;
mod metered;

#[cfg(test)]
mod tests;
