//! A thread that does one thing after the other, away from the schedulers.
//!
//! What hands it something to do never waits, wherever it runs: in the destructor of a resource, on the scheduler on
//! which a process exits, in a callback of the mount table.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::mpsc::{self, Sender},
    thread,
};

/// Something to be done.
pub(crate) type Errand = Box<dyn FnOnce() + Send>;

/// The thread, as the others see it.
pub(crate) struct Clerk {
    errands: Sender<Errand>,
}

impl Clerk {
    pub(crate) fn start(name: &str, stack_bytes: usize) -> io::Result<Self> {
        let (errands, arriving) = mpsc::channel::<Errand>();
        thread::Builder::new()
            .name(name.to_owned())
            .stack_size(stack_bytes)
            .spawn(move || {
                for errand in arriving {
                    // A panic in one thing must not keep the next from being done.
                    let _ = panic::catch_unwind(AssertUnwindSafe(errand));
                }
            })?;
        Ok(Self { errands })
    }

    /// Has `errand` done in a while, after those that were handed over before. Never blocks.
    pub(crate) fn hand(&self, errand: impl FnOnce() + Send + 'static) {
        // The thread lives as long as the library, so the channel is open.
        let _ = self.errands.send(Box::new(errand));
    }
}
