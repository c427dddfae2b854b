//! A host that swaps what is in a directory while the directory is used.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use rustix::fs::{CWD, RenameFlags, renameat_with};

/// The swaps and the operations that one race has at least.
const ROUNDS: u64 = 2000;

/// Runs `swap` over and over while `act` runs, until both have had their rounds and `act` has met both states, which
/// it tells by answering true or false.
pub(crate) fn race(swap: impl Fn(u64) + Sync, mut act: impl FnMut(u64) -> bool) {
    let over = AtomicBool::new(false);
    let swaps = AtomicU64::new(0);
    let mut met = [0_u64; 2];
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                swap(swaps.fetch_add(1, Ordering::Relaxed));
            }
        });
        // However it ends, the other side ends too.
        let _end = OnDrop(|| over.store(true, Ordering::Relaxed));
        let enough = |met: &[u64; 2]| {
            met.iter().sum::<u64>() >= ROUNDS
                && met.iter().all(|count| *count > 0)
                && swaps.load(Ordering::Relaxed) >= ROUNDS
        };
        while !enough(&met) {
            met[usize::from(act(met.iter().sum()))] += 1;
        }
    });
    eprintln!("{swaps:?} swaps; {met:?} answers of each kind");
}

/// Exchanges two entries in one atomic step, for a [`race`].
pub(crate) fn exchange(one: &Path, other: &Path) {
    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
}

pub(crate) struct OnDrop<F: Fn()>(pub(crate) F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}
