//! What the pool takes of the system.

use std::{io, thread, time::Duration};

use crate::engine::{
    stack::STACK_BYTES,
    system_thread::{CpuTime, ThreadId},
};

/// What one thread does.
pub(super) type Life = Box<dyn FnOnce() + Send>;

/// How threads come and go.
pub(super) struct System {
    /// How long a thread has had a core.
    pub(super) cpu_time: CpuTime,
    /// Begins a thread with a large stack.
    pub(super) begin: Box<dyn Fn(Life) -> io::Result<()> + Send + Sync>,
    /// How long a thread sleeps without work before it ends, which gives its stack back to the system.
    pub(super) retire_after: Duration,
}

impl Default for System {
    fn default() -> Self {
        Self {
            cpu_time: Box::new(ThreadId::cpu_time),
            begin: Box::new(begin),
            retire_after: Duration::from_secs(30),
        }
    }
}

fn begin(life: Life) -> io::Result<()> {
    thread::Builder::new()
        .name("ex_monty".to_owned())
        .stack_size(STACK_BYTES)
        .spawn(life)
        .map(drop)
}
