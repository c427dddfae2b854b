//! Who hears of the death of a process.
//!
//! The VM tells a resource that monitors the process. It also hands that resource out, to whoever asks what monitors a
//! process: `Process.info(pid, :monitored_by)`, as dashboards and observers do. One that has just been given up, and whose
//! end the process has not heard of yet, is handed out all the same and then freed under whoever got it, which takes the
//! VM down. So what monitors here is never given up: a few resources that live as long as the library, each with a list
//! of those that want to hear.
//!
//! A watch ends on threads of ours and on those of the VM, with and without an environment at hand, which the end of a
//! monitor needs on the latter. So a monitor that nobody wants to hear of any more is ended when the next one begins.

use std::{
    array,
    collections::HashMap,
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use parking_lot::Mutex;
use rustler::{Env, LocalPid, Monitor, Resource, ResourceArc};

/// As many as keep the schedulers out of each other's way.
const LISTENERS: usize = 16;

static ALL: LazyLock<[ResourceArc<Listener>; LISTENERS]> =
    LazyLock::new(|| array::from_fn(|_| ResourceArc::new(Listener::default())));
static NEXT: AtomicUsize = AtomicUsize::new(0);

type Hear = Box<dyn FnOnce() + Send>;

/// Monitors that are ended when one begins, at most: more than one, so that none are left in the end, and few, because
/// a scheduler does it.
const ENDED_AT_ONCE: usize = 64;

/// What monitors processes, and who wants to hear of them.
#[derive(Default)]
struct Listener(Mutex<Watches>);

#[derive(Default)]
struct Watches {
    /// By the number of the watch.
    listening: HashMap<usize, (Monitor, Hear)>,
    /// What is still monitored, and nobody wants to hear of.
    ended: Vec<Monitor>,
}

#[rustler::resource_impl]
impl Resource for Listener {
    const IMPLEMENTS_DOWN: bool = true;

    /// Runs on the scheduler on which the process exits.
    fn down<'a>(&'a self, _env: Env<'a>, _process: LocalPid, monitor: Monitor) {
        let hear = {
            let mut watches = self.0.lock();
            let number = watches
                .listening
                .iter()
                .find_map(|(number, (known, _))| (*known == monitor).then_some(*number));
            number.and_then(|number| watches.listening.remove(&number))
        };
        if let Some((_, hear)) = hear {
            hear();
        }
    }
}

/// Hears of the death of a process for as long as this is there.
pub(crate) struct Watch(usize);

impl Watch {
    /// Has `hear` called when the calling process dies: on the scheduler on which it exits, so it takes short locks.
    /// Nothing if that process was killed while this call ran.
    pub(crate) fn over_caller(env: Env<'_>, hear: impl FnOnce() + Send + 'static) -> Option<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let listener = listener(number);
        // Under the lock, so that a death at once finds who wants to hear of it.
        let mut watches = listener.0.lock();
        let kept = watches.ended.len().saturating_sub(ENDED_AT_ONCE);
        for monitor in watches.ended.drain(kept..) {
            // One that has fired meanwhile is gone, which is as good.
            env.demonitor(listener, &monitor);
        }
        let monitor = env.monitor(listener, &env.pid())?;
        watches.listening.insert(number, (monitor, Box::new(hear)));
        Some(Self(number))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watches = listener(self.0).0.lock();
        let watch = watches.listening.remove(&self.0);
        watches.ended.extend(watch.as_ref().map(|(monitor, _)| *monitor));
        drop(watches);
        // What wanted to hear is freed outside of the lock.
        drop(watch);
    }
}

fn listener(number: usize) -> &'static ResourceArc<Listener> {
    &ALL[number % LISTENERS]
}
