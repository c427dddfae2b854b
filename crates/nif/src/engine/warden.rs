//! Looks after turns that take long.
//!
//! The interpreter ends a run at its limits when it comes to look at them. It does not look while a single operation
//! computes, it knows nothing of the time that answers take, and nobody tells it that the caller has died. The warden
//! looks at the turns under way every [`TICK`]: one whose time is over is asked to stop, and one that has not stopped
//! [`GRACE`] later is abandoned: its caller is answered, and its thread goes on alone. So is the caller of one whose time
//! was over before a thread came for it.
//!
//! It sleeps while all turns are short. Whoever waits for one that is not wakes it.

use std::{
    io,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};

use super::{pool::Pool, stack::STACK_BYTES};

/// How often the turns are looked at.
const TICK: Duration = Duration::from_millis(20);

/// How long a turn may take to stop: what a machine with many more turns than cores needs to let each of them have one. With
/// the tick and the answer, a caller hears within a second.
pub(crate) const GRACE: Duration = Duration::from_millis(700);

/// Looks in a row that found no turn under way, after which the warden sleeps.
const IDLE_LOOKS: u32 = 50;

/// The thread that looks after turns.
#[derive(Clone)]
pub(crate) struct Warden {
    bed: Arc<Bed>,
}

#[derive(Default)]
struct Bed {
    asleep: AtomicBool,
    wanted: Mutex<bool>,
    wake: Condvar,
}

impl Warden {
    /// Starts the warden of `pool`.
    pub(crate) fn start(pool: Pool) -> io::Result<Self> {
        let warden = Self { bed: Arc::default() };
        let bed = Arc::clone(&warden.bed);
        thread::Builder::new()
            .name("ex_monty_warden".to_owned())
            // What a job held that is given up may be deep, and is freed here.
            .stack_size(STACK_BYTES)
            .spawn(move || bed.look_after(&pool))?;
        Ok(warden)
    }

    /// Says that a turn takes long.
    pub(crate) fn wake(&self) {
        if self.bed.asleep.load(Ordering::Acquire) {
            *self.bed.wanted.lock() = true;
            self.bed.wake.notify_one();
        }
    }
}

impl Bed {
    fn look_after(&self, pool: &Pool) {
        let mut idle_looks = 0;
        loop {
            // A turn's caller is answered here, by code of the turn's kind; a panic there must not end this thread.
            let busy = panic::catch_unwind(AssertUnwindSafe(|| pool.look_after_turns())).unwrap_or(true);
            idle_looks = if busy { 0 } else { idle_looks + 1 };
            if idle_looks > IDLE_LOOKS {
                self.sleep(pool);
                idle_looks = 0;
            }
            thread::sleep(TICK);
        }
    }

    /// Sleeps until woken. A turn that began before `asleep` was set is seen by the look after that.
    fn sleep(&self, pool: &Pool) {
        self.asleep.store(true, Ordering::SeqCst);
        let mut wanted = self.wanted.lock();
        if !pool.is_busy() {
            while !*wanted {
                self.wake.wait(&mut wanted);
            }
        }
        *wanted = false;
        self.asleep.store(false, Ordering::SeqCst);
    }
}
