//! The counters of an upper layer against a count of what it is made of.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use std::sync::Arc;

use proptest::prelude::*;

use crate::backend::Writer as _;
use crate::memory::Memory;
use crate::mount::Mount;
use crate::table::{Namespace, Table};
use crate::{LeaseMode, OpenMode};

use super::Overlay;

fn act(namespace: &Namespace, (verb, from, to): (u8, String, String)) {
    // What is refused must leave the counters right as well.
    let _ = match verb {
        0 => namespace.write(&from, to.as_bytes()),
        1 => namespace.append(&from, to.as_bytes()),
        2 => namespace.create_dir(&from),
        3 => namespace.remove_file(&from),
        4 => namespace.remove_dir(&from),
        5 => namespace.open_for_write(&from, OpenMode::Truncate),
        _ => namespace.rename(&from, &to),
    };
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "long-name"]), 1..=3)
        .prop_map(|names| format!("/m/{}", names.join("/")))
}

fn program() -> impl Strategy<Value = Vec<(u8, String, String)>> {
    prop::collection::vec((0_u8..10, path(), path()), 0..60)
}

fn mounted(mount: Mount) -> Table {
    let table = Table::new();
    table.mount("/m", mount).unwrap();
    table
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_counters_equal_a_recount(before in program(), program in program()) {
        let memory = Arc::new(Memory::new());
        let below = mounted(Mount::read_write(Arc::clone(&memory)));
        let lease = below.checkout(LeaseMode::Exclusive).unwrap();
        for step in before {
            act(&lease, step);
        }
        let overlay = Arc::new(Overlay::new(memory));
        let table = mounted(Mount::read_write(Arc::clone(&overlay)));
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        for step in program {
            act(&lease, step.clone());
            let layer = overlay.layer.read().clone();
            prop_assert_eq!(layer.held, layer.recount(), "after {:?}", step);
            prop_assert_eq!(overlay.held_memory(), layer.held.memory, "after {:?}", step);
        }
    }
}
