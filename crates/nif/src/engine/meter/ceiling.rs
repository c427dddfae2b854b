//! The last bound on a run's memory.
//!
//! The interpreter compares the meter with the run's limit between operations, and before allocations that it knows to be
//! large. One that it does not know of would go on to the end of the machine's memory, and an allocator has no way to
//! stop it: whoever gets no memory ends the process, and unwinding out of an allocator is undefined. So a thread that asks
//! for more than the ceiling, inside the interpreter, gets no answer any more. It is *stranded*: it says so and sleeps for
//! ever, and whoever looks after turns answers its caller. A buffer that it wanted to grow is freed; what else it holds stays
//! with it, counted, as the price.
//!
//! It may hold nothing that others wait for. The interpreter's own locks are the run's. Ours, and those of the mounts, are
//! taken outside the interpreter, where no thread is stranded: [`interpret`] and [`aside`] draw the line. Nor is one that
//! panics, since whoever tells of a panic holds a lock of the whole process.

use std::{
    cell::Cell,
    ptr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::{count, publish_all};

/// No run comes to hold so much.
const NONE: isize = isize::MAX;

/// What a run may hold beyond twice its limit. Some operations of the interpreter take a few tens of mebibytes whatever
/// the limit is, a regular expression first of all.
const SLACK: usize = 128 << 20;

/// Where the turn of a thread may be stranded: the bytes, and the flag that says that it was.
type Terms = (isize, *const AtomicBool);

thread_local! {
    /// The bytes beyond which this thread is stranded now. Like the terms below it has no destructor and no lazy
    /// initialiser, so that the allocator can use it at any time in a thread's life.
    static CEILING: Cell<isize> = const { Cell::new(NONE) };

    /// What holds inside the interpreter, in the turn that this thread is at.
    static TERMS: Cell<Terms> = const { Cell::new((NONE, ptr::null())) };
}

/// The ceiling of the run whose turn this is, which may hold `limit` bytes. One without a limit has that of all runs
/// together. One that holds more already, as a session may after an evaluation with a larger limit, is to come to the
/// interpreter's own check all the same.
pub(crate) fn above(limit: Option<usize>) -> usize {
    let twice = limit.unwrap_or_else(super::budget).saturating_mul(2);
    let held = count().0.max(0).unsigned_abs();
    twice.max(held).saturating_add(SLACK)
}

/// Does a turn's `work`, in which the interpreter may hold `ceiling` bytes on this thread. `stranded` hears if it wants more.
pub(crate) fn under<T>(ceiling: usize, stranded: &AtomicBool, work: impl FnOnce() -> T) -> T {
    let bytes = isize::try_from(ceiling).unwrap_or(NONE);
    let _before = Before(&TERMS, TERMS.replace((bytes, ptr::from_ref(stranded))));
    work()
}

/// Does `step` inside the interpreter, where the turn's ceiling holds.
pub(crate) fn interpret<T>(step: impl FnOnce() -> T) -> T {
    let _before = Before(&CEILING, CEILING.replace(TERMS.get().0));
    step()
}

/// Does `work` of ours that the interpreter calls. No ceiling holds there, because it may hold what others wait for.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    let _before = Before(&CEILING, CEILING.replace(NONE));
    work()
}

/// Puts a thread's cell back as it was when dropped, also by a panic.
struct Before<T: Copy + 'static>(&'static thread::LocalKey<Cell<T>>, T);

impl<T: Copy> Drop for Before<T> {
    fn drop(&mut self) {
        self.0.set(self.1);
    }
}

/// Whether a ceiling holds on this thread now. Not while it panics, see above.
#[cold]
#[inline(never)]
pub(super) fn holds() -> bool {
    CEILING.get() != NONE && !thread::panicking()
}

/// Whether this thread, whose count is `held`, is to be stranded when it asks for `bytes` more.
#[inline]
pub(super) fn is_exceeded(held: isize, bytes: usize) -> bool {
    held.saturating_add_unsigned(bytes) > CEILING.get() && is_exceeded_by_its_run(bytes)
}

/// As [`is_exceeded`], for a count that may be that of a condemned run.
#[cold]
#[inline(never)]
fn is_exceeded_by_its_run(bytes: usize) -> bool {
    count().0.saturating_add_unsigned(bytes) > CEILING.get() && holds()
}

/// Says that this thread is stranded, and never returns. It allocates nothing.
#[cold]
#[inline(never)]
pub(super) fn strand() -> ! {
    CEILING.set(NONE);
    publish_all();
    let (_, stranded) = TERMS.get();
    // SAFETY: the pointer is null or was made by `under` from a reference that outlives the call of `under`, which has
    // put back what was there before by the time it returns. So it is good as long as it can be read here, on the thread
    // that it was set on.
    if let Some(stranded) = unsafe { stranded.as_ref() } {
        stranded.store(true, Ordering::Release);
    }
    loop {
        thread::sleep(Duration::from_hours(1));
    }
}

#[cfg(test)]
mod tests;
