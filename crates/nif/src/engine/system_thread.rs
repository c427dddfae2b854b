//! One thread as the system schedules it: its priority, and the time that it has had a core.

#[cfg(target_os = "linux")]
use std::fs;
use std::time::Duration;

/// A priority below that of the VM's threads.
#[derive(Debug, Clone, Copy)]
#[repr(i32)]
pub(crate) enum Priority {
    /// A third of the share that a normal thread gets of a core which both want.
    Low = 5,
    /// Next to nothing of it.
    Lowest = 19,
}

/// How long a thread has had a core, if that can be known.
pub(super) type CpuTime = Box<dyn Fn(ThreadId) -> Option<Duration> + Send + Sync>;

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

    /// How long the thread has had a core since it began; nothing where the system does not tell, or of a thread that has
    /// ended.
    #[cfg(target_os = "linux")]
    pub(crate) fn cpu_time(self) -> Option<Duration> {
        let id = self.id.as_raw_nonzero();
        let text = fs::read_to_string(format!("/proc/self/task/{id}/schedstat")).ok()?;
        text.split_ascii_whitespace()
            .next()?
            .parse()
            .ok()
            .map(Duration::from_nanos)
    }

    /// How long the thread has had a core: not told here.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn cpu_time(self) -> Option<Duration> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::Duration;

    use super::ThreadId;

    #[test]
    fn a_thread_that_computes_is_known_to_have_had_a_core() {
        let thread = ThreadId::current();
        let Some(before) = thread.cpu_time() else {
            // A kernel without these figures.
            return;
        };
        while thread.cpu_time().expect("it was told before") < before + Duration::from_millis(5) {
            std::hint::black_box((0..1000_u64).sum::<u64>());
        }
    }
}
