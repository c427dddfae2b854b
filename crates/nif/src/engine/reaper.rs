//! Frees what nobody needs any more, away from the schedulers.
//!
//! The VM calls a resource's destructor wherever it happens to collect garbage, mostly on a normal scheduler. A run's
//! heap takes tens of milliseconds to free, and freeing deep data needs a deep stack. So destructors hand what they hold
//! to one thread that does nothing else.

use std::{any::Any, io};

use super::{
    clerk::Clerk,
    stack::{STACK_BYTES, Stack},
};

/// The thread that frees things.
pub(crate) struct Reaper(Clerk);

impl Reaper {
    pub(crate) fn start() -> io::Result<Self> {
        Clerk::start("ex_monty_reaper", STACK_BYTES).map(Self)
    }

    /// Frees `dead` in a while. Never blocks.
    pub(crate) fn free(&self, dead: Box<dyn Any + Send>) {
        self.0.hand(move || {
            drop(dead);
            // Deep data took a deep stack to free.
            Stack::of_this_thread().give_back();
        });
    }
}
