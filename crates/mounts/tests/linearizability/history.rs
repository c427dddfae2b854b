//! What threads did, with when it began and ended, and the judges of it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;

/// A clock that ticks at each look.
#[derive(Debug, Default)]
pub(crate) struct Clock(AtomicU64);

impl Clock {
    fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    /// Does something, and says between which ticks.
    pub(crate) fn time<T>(&self, act: impl FnOnce() -> T) -> (Span, T) {
        let began = self.tick();
        let answer = act();
        (
            Span {
                began,
                ended: self.tick(),
            },
            answer,
        )
    }
}

/// When an operation ran.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) began: u64,
    pub(crate) ended: u64,
}

impl Span {
    /// Whether everybody would agree that this was over when `later` began.
    pub(crate) fn is_before(self, later: Self) -> bool {
        self.ended < later.began
    }
}

/// Runs `act` on so many threads, which begin together, and gives what each made.
pub(crate) fn together<T: Send>(threads: usize, act: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let ready = AtomicUsize::new(0);
    let (ready, act) = (&ready, &act);
    thread::scope(|scope| {
        let spawned: Vec<_> = (0..threads)
            .map(|number| {
                scope.spawn(move || {
                    // Whoever sleeps until the others are there is late by more than the work takes.
                    ready.fetch_add(1, Ordering::SeqCst);
                    while ready.load(Ordering::SeqCst) < threads {
                        thread::yield_now();
                    }
                    act(number)
                })
            })
            .collect();
        spawned.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// A read or a write of a register to which no value is written twice.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access {
    pub(crate) span: Span,
    pub(crate) value: u64,
    pub(crate) is_write: bool,
}

/// Checks that the accesses can be put into one order that agrees with their times, in which each read gives the value
/// written last (Gibbons and Korach).
///
/// The accesses of one value span a zone. If one of them ended before another began, the register held the value in
/// between: no two such zones overlap. If all were under way at one time, the value may have been there for an instant,
/// but not while another was held throughout.
pub(crate) fn check_register(accesses: &[Access]) -> Result<(), String> {
    let mut values: Vec<u64> = accesses.iter().map(|access| access.value).collect();
    values.sort_unstable();
    values.dedup();
    let (mut held, mut passing) = (Vec::new(), Vec::new());
    for value in values {
        let of_value = || accesses.iter().filter(move |access| access.value == value);
        let write = of_value()
            .find(|access| access.is_write)
            .ok_or(format!("{value} was never written"))?;
        if let Some(read) = of_value().find(|access| access.span.is_before(write.span)) {
            return Err(format!("{read:?} was over before {write:?} began"));
        }
        let first_end = of_value().map(|access| access.span.ended).min().unwrap_or(0);
        let last_begin = of_value().map(|access| access.span.began).max().unwrap_or(0);
        if first_end < last_begin {
            held.push((first_end, last_begin, value));
        } else {
            passing.push((last_begin, first_end, value));
        }
    }
    held.sort_unstable();
    for pair in held.windows(2) {
        if pair[1].0 < pair[0].1 {
            return Err(format!(
                "{} and {} were held at the same time",
                pair[0].2, pair[1].2
            ));
        }
    }
    for (from, to, value) in passing {
        let within = held.iter().find(|(start, end, _)| *start < from && to < *end);
        if let Some((_, _, other)) = within {
            return Err(format!("{value} came and went while {other} was held"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(began: u64, ended: u64, value: u64, is_write: bool) -> Access {
        Access {
            span: Span { began, ended },
            value,
            is_write,
        }
    }

    #[test]
    fn the_judge_accepts_what_an_order_explains() {
        let one_after_the_other = [
            access(0, 1, 1, true),
            access(2, 3, 1, false),
            access(4, 5, 2, true),
        ];
        assert!(check_register(&one_after_the_other).is_ok());
        let read_while_written = [
            access(0, 1, 1, true),
            access(2, 9, 2, true),
            access(3, 4, 1, false),
            access(5, 6, 2, false),
        ];
        assert!(check_register(&read_while_written).is_ok());
        let unseen = [
            access(0, 9, 1, true),
            access(1, 8, 2, true),
            access(10, 11, 1, false),
        ];
        assert!(check_register(&unseen).is_ok());
    }

    #[test]
    fn the_judge_refuses_what_no_order_explains() {
        let from_nowhere = [access(0, 1, 1, false)];
        let from_the_future = [access(0, 1, 1, false), access(2, 3, 1, true)];
        let stale = [
            access(0, 1, 1, true),
            access(2, 3, 2, true),
            access(4, 5, 1, false),
        ];
        let flickering = [
            access(0, 1, 1, true),
            access(2, 20, 2, true),
            access(3, 4, 2, false),
            access(5, 6, 1, false),
        ];
        for history in [&from_nowhere[..], &from_the_future, &stale, &flickering] {
            assert!(check_register(history).is_err(), "{history:?}");
        }
    }
}
