//! Who is let in when the engine has too much to do.

use super::{Engine, meter};
use crate::{atoms, error::Failure};

/// What a piece of work is to the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    /// The beginning of something, which may be refused while too many turns that were abandoned are stuck, or while all
    /// runs together hold too much.
    Begin,
    /// The continuation of a run, which is refused only when there would be no end of threads.
    GoOn,
    /// What computes nothing and ends soon, or has been let in already.
    Always,
}

impl Admission {
    /// The refusal, if the engine is too busy.
    pub(crate) fn refusal(self) -> Option<Failure> {
        if self == Self::Always {
            return None;
        }
        let engine = Engine::get();
        let stuck = engine.pool.stuck();
        let most = match self {
            Self::Begin => engine.max_abandoned,
            Self::GoOn | Self::Always => engine.pool.max_threads(),
        };
        let refusal = if stuck >= most {
            format!("{stuck} turns that were abandoned still compute; the bound is {most}")
        } else if self == Self::Begin && meter::is_over_budget() {
            format!("all runs together hold {} bytes", meter::metered_bytes())
        } else {
            return None;
        };
        engine.count_refusal();
        Some(Failure::new(atoms::overloaded(), refusal))
    }
}

/// The refusal of work that no thread of the engine will come for, and for which the system has none to give.
pub(crate) fn without_a_thread() -> Failure {
    Engine::get().count_refusal();
    Failure::new(atoms::overloaded(), "the system has no thread to give")
}
