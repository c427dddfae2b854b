//! Threads on one table: every history of answers is one that operations in some order, each at once, would give.
//!
//! Histories are recorded with the order in which operations began and ended, and judged after the fact.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[path = "linearizability/counters.rs"]
mod counters;
#[path = "linearizability/history.rs"]
mod history;
#[path = "support/kinds.rs"]
mod kinds;
#[path = "support/linked.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod linked;
#[path = "linearizability/logs.rs"]
mod logs;
#[path = "linearizability/registers.rs"]
mod registers;
mod support;
#[path = "linearizability/winners.rs"]
mod winners;

kinds::on_writable_kinds! {
    registers: a_file_is_a_register, files_renamed_over_one_another_are_registers;
    logs: no_append_is_lost_or_seen_early_or_late;
    winners: of_those_who_want_the_same_one_wins;
}

/// Of a host's directory, a listing is a sequence, and what it holds is counted as it was added.
mod memory_and_uppers {
    use crate::kinds::{MEMORY, OVERLAY_OVER_DIRECTORY, OVERLAY_OVER_MEMORY, OVERLAY_OVER_OVERLAY};
    use crate::{counters, winners};

    #[test]
    fn a_listing_shows_what_is_renamed_exactly_once() {
        for kind in [MEMORY, OVERLAY_OVER_MEMORY, OVERLAY_OVER_OVERLAY] {
            winners::a_listing_shows_what_is_renamed_exactly_once(kind);
        }
    }

    #[test]
    fn counters_equal_a_recount_when_everybody_is_done() {
        for kind in [
            MEMORY,
            OVERLAY_OVER_MEMORY,
            OVERLAY_OVER_OVERLAY,
            OVERLAY_OVER_DIRECTORY,
        ] {
            counters::counters_equal_a_recount_when_everybody_is_done(kind);
        }
    }

    #[test]
    fn limits_are_never_exceeded_by_many_at_once() {
        for kind in [
            MEMORY,
            OVERLAY_OVER_MEMORY,
            OVERLAY_OVER_OVERLAY,
            OVERLAY_OVER_DIRECTORY,
        ] {
            counters::limits_are_never_exceeded_by_many_at_once(kind);
        }
    }
}
