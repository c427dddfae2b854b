//! Dumps that somebody made: damaged behind a checksum that is right, so that what reads them is what is attacked.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[path = "fuzz/load.rs"]
mod load;
mod support;

use load::{load_and_use, packed};
use mounts::LeaseMode;
use proptest::prelude::*;
use support::{Step, run, step};

/// The dump of a table with everything in it, after a program.
fn rich(program: &[Step]) -> Vec<u8> {
    let table = load::rich();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    for step in program {
        let _ = run(&lease, "/m", step);
    }
    drop(lease);
    table.dump().unwrap()
}

/// One way to damage a body.
#[derive(Debug, Clone)]
enum Damage {
    Set(usize, u8),
    Flip(usize, u8),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Copy(usize, usize, usize),
}

impl Damage {
    fn apply(&self, body: &mut Vec<u8>) {
        // The first eight bytes say how long the records are, and are made right again.
        let at = |index: usize| 8 + index % (body.len() - 8).max(1);
        match self {
            Self::Set(index, byte) => {
                let index = at(*index);
                body[index] = *byte;
            }
            Self::Flip(index, bit) => {
                let index = at(*index);
                body[index] ^= 1 << (bit % 8);
            }
            Self::Remove(index, length) => {
                let start = at(*index);
                let end = (start + length).min(body.len());
                body.drain(start..end);
            }
            Self::Insert(index, bytes) => {
                let index = at(*index);
                body.splice(index..index, bytes.iter().copied());
            }
            Self::Copy(from, to, length) => {
                let (from, to) = (at(*from), at(*to));
                let bytes = body[from..(from + length).min(body.len())].to_vec();
                body.splice(to..to, bytes);
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<usize>();
    prop_oneof![
        4 => (index, any::<u8>()).prop_map(|(index, byte)| Damage::Set(index, byte)),
        4 => (index, any::<u8>()).prop_map(|(index, bit)| Damage::Flip(index, bit)),
        1 => (index, 1_usize..20).prop_map(|(index, length)| Damage::Remove(index, length)),
        1 => (index, prop::collection::vec(any::<u8>(), 1..20)).prop_map(|(index, bytes)| Damage::Insert(index, bytes)),
        1 => (index, index, 1_usize..60).prop_map(|(from, to, length)| Damage::Copy(from, to, length)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_body_is_refused_or_makes_a_table_that_can_be_used(
        program in prop::collection::vec(step(), 0..20),
        damages in prop::collection::vec(damage(), 1..4)
    ) {
        let mut body = packed::body(&rich(&program));
        let contents = body.len() - 8 - usize::try_from(u64::from_le_bytes(body[..8].try_into().unwrap())).unwrap();
        for damage in &damages {
            damage.apply(&mut body);
        }
        load_and_use(&packed::dump(&body));
        // The same where the records end where the contents begin.
        let records = (body.len() - 8).saturating_sub(contents) as u64;
        body[..8].copy_from_slice(&records.to_le_bytes());
        load_and_use(&packed::dump(&body));
    }

    #[test]
    fn bytes_that_are_no_dump_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!load_and_use(&bytes));
        prop_assert!(!load_and_use(&packed::dump(&bytes)));
        prop_assert!(!load_and_use(&packed::sealed(1, 100, &bytes)));
        load::run(&bytes);
    }
}

/// Each byte of a body with everything in it is every other byte once. Most of these are refused; those that are not
/// (a letter of a name, a time, a byte of contents) make tables that can be used.
#[test]
fn each_byte_of_a_body_may_be_any_other() {
    let body = packed::body(&rich(&[]));
    assert!(load_and_use(&packed::dump(&body)));
    let (mut made, mut refused) = (0, 0);
    for index in 0..body.len() {
        for byte in [
            0,
            1,
            2,
            0x2f,
            0x7f,
            0x80,
            0xff,
            body[index] ^ 1,
            body[index].wrapping_add(1),
        ] {
            let mut damaged = body.clone();
            damaged[index] = byte;
            if load_and_use(&packed::dump(&damaged)) {
                made += 1;
            } else {
                refused += 1;
            }
        }
    }
    assert!(made > 1000 && refused > 1000, "{made} made, {refused} refused");
}
