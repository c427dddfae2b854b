//! Frees what nobody needs any more, away from the schedulers.
//!
//! The VM calls a resource's destructor wherever it happens to collect garbage, mostly on a normal scheduler. A run's
//! heap takes tens of milliseconds to free, and freeing deep data needs a deep stack. So destructors hand what they hold
//! to one thread that does nothing else.

use std::{
    any::Any,
    io,
    panic::{self, AssertUnwindSafe},
    sync::mpsc::{self, Sender},
    thread,
};

use super::pool::STACK_BYTES;

/// The thread that frees things.
pub(crate) struct Reaper {
    remains: Sender<Box<dyn Any + Send>>,
}

impl Reaper {
    pub(crate) fn start() -> io::Result<Self> {
        let (remains, arriving) = mpsc::channel::<Box<dyn Any + Send>>();
        thread::Builder::new()
            .name("ex_monty_reaper".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                for dead in arriving {
                    // A panic while freeing one thing must not keep the next from being freed.
                    let _ = panic::catch_unwind(AssertUnwindSafe(|| drop(dead)));
                }
            })?;
        Ok(Self { remains })
    }

    /// Frees `dead` in a while. Never blocks.
    pub(crate) fn free(&self, dead: Box<dyn Any + Send>) {
        // The thread lives as long as the library, so the channel is open.
        let _ = self.remains.send(dead);
    }
}
