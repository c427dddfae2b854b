//! The priority of one thread, as the system schedules it.

/// A priority below that of the VM's threads.
#[derive(Debug, Clone, Copy)]
#[repr(i32)]
pub(crate) enum Priority {
    /// A third of the share that a normal thread gets of a core which both want.
    Low = 5,
    /// Next to nothing of it.
    Lowest = 19,
}

/// A thread, as the system knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThreadId {
    /// Linux gives each thread a priority of its own. Where only processes have one, a thread keeps that of the VM.
    #[cfg(target_os = "linux")]
    id: rustix::process::Pid,
}

impl ThreadId {
    /// The thread that calls.
    pub(crate) fn current() -> Self {
        Self {
            #[cfg(target_os = "linux")]
            id: rustix::thread::gettid(),
        }
    }

    /// Gives the thread a lower priority, for good: to raise one again takes privileges. A thread that has ended
    /// meanwhile needs none.
    pub(crate) fn step_back(self, priority: Priority) {
        #[cfg(target_os = "linux")]
        // Fails for a thread that is no more, or one whose priority is lower already.
        let _ = rustix::process::setpriority_process(Some(self.id), priority as i32);
        #[cfg(not(target_os = "linux"))]
        let _ = priority;
    }
}
