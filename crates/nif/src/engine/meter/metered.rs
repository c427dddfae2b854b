//! Values together with the meters that know what they weigh.

use std::mem;

use super::Meter;

/// A value that a run holds, with the meter that knows what it weighs. Dropping it credits the meter, so it is dropped
/// where a large heap may be: on a worker, or by the reaper.
#[derive(Debug)]
pub(crate) struct Metered<T> {
    /// Empty only while this is being taken apart or dropped.
    value: Option<T>,
    meter: Meter,
}

impl<T> Metered<T> {
    /// The value that `build` makes, metered from its first byte.
    pub(crate) fn build<E>(mut meter: Meter, build: impl FnOnce() -> Result<T, E>) -> Result<Self, E> {
        let value = meter.turn(build)?;
        Ok(Self {
            value: Some(value),
            meter,
        })
    }

    /// As [`build`](Self::build), where nothing can go wrong.
    pub(crate) fn new(mut meter: Meter, build: impl FnOnce() -> T) -> Self {
        let value = Some(meter.turn(build));
        Self { value, meter }
    }

    /// A value built in turns of `meter`.
    pub(crate) fn join(value: T, meter: Meter) -> Self {
        Self {
            value: Some(value),
            meter,
        }
    }

    /// The value.
    #[expect(
        clippy::expect_used,
        reason = "only `into_parts` and the drop take the value, and both end the borrows"
    )]
    pub(crate) fn get(&self) -> &T {
        self.value
            .as_ref()
            .expect("the value is there until this is taken apart")
    }

    /// The value, to look at; what changes its size is for a turn.
    #[expect(clippy::expect_used, reason = "as for `get`")]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.value
            .as_mut()
            .expect("the value is there until this is taken apart")
    }

    /// The meter, as of the last turn.
    pub(crate) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// The value and its meter apart, for a turn that is to begin.
    #[expect(
        clippy::expect_used,
        reason = "this takes `self`, and nothing else takes the value but the drop"
    )]
    pub(crate) fn into_parts(mut self) -> (T, Meter) {
        let value = self
            .value
            .take()
            .expect("the value is there until this is taken apart");
        (value, mem::replace(&mut self.meter, Meter::new(None)))
    }
}

impl<T> Drop for Metered<T> {
    fn drop(&mut self) {
        let value = self.value.take();
        self.meter.turn(|| drop(value));
    }
}
