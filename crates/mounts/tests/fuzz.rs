//! The fuzz targets, driven by a bounded number of inputs from a fixed seed. `fuzz/` drives them without end.
//!
//! `MOUNTS_CASES` asks for another number, and for new ones with each seed in `MOUNTS_SEED`.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[path = "fuzz/input.rs"]
mod input;
#[path = "fuzz/links.rs"]
mod links;
#[path = "fuzz/load.rs"]
mod load;
#[path = "support/naive_rules.rs"]
mod naive_rules;
#[path = "fuzz/operations.rs"]
mod operations;
#[path = "fuzz/paths.rs"]
mod paths;
#[path = "fuzz/rules.rs"]
mod rules;
#[path = "fuzz/tar.rs"]
mod tar;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

fn asked(variable: &str) -> Option<u64> {
    let value = std::env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is a number, not {value:?}")),
    )
}

/// A generator of numbers that is enough for inputs (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// Bytes of which some are random, some are words that mean something, and some were there before.
    fn input(&mut self, longest: usize) -> Vec<u8> {
        const WORDS: [&[u8]; 20] = [
            b"/",
            b"//",
            b"..",
            b".",
            b"/../",
            b"\0",
            b"**",
            b"**/",
            b"*",
            b"?",
            b"[!a-",
            b"]",
            b"{a,",
            b"}",
            b"\\",
            b"a/b",
            b"\xff\xfe",
            "é".as_bytes(),
            "e\u{301}".as_bytes(),
            "\u{202e}".as_bytes(),
        ];
        let length = self.below(longest) + 1;
        let mut bytes = Vec::with_capacity(length);
        while bytes.len() < length {
            match self.below(8) {
                0 => bytes.extend_from_slice(WORDS[self.below(WORDS.len())]),
                1 if !bytes.is_empty() => {
                    let (start, end) = (self.below(bytes.len()), self.below(bytes.len()));
                    bytes.extend_from_within(start.min(end)..start.max(end));
                }
                2 => bytes.extend(std::iter::repeat_n(b'a', self.below(40))),
                _ => bytes.push(self.next().to_le_bytes()[0]),
            }
        }
        bytes
    }
}

/// Runs `target` on inputs of up to `longest` bytes, and shows the one at which it fails.
fn drive(bounded: u64, longest: usize, target: fn(&[u8])) {
    let mut numbers = Numbers(asked("MOUNTS_SEED").unwrap_or(0x6d6f_756e_7473));
    for _ in 0..asked("MOUNTS_CASES").unwrap_or(bounded) {
        let input = numbers.input(longest);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| target(&input))) {
            eprintln!("the input was {input:?}");
            resume_unwind(panic);
        }
    }
}

#[test]
fn any_string_is_a_normal_path_or_refused_for_the_right_reason() {
    drive(3000, 200, paths::run);
    drive(100, 9000, paths::run);
}

#[test]
fn any_program_leaves_mounts_and_a_map_alike() {
    drive(600, 600, operations::run);
}

#[test]
fn any_globs_judge_as_the_naive_judge_does() {
    drive(1500, 100, rules::run);
}

#[test]
fn any_links_lead_where_a_plain_walk_leads() {
    drive(1500, 300, links::run);
}

#[test]
fn any_bytes_are_refused_as_a_dump_or_make_a_table_that_can_be_used() {
    drive(400, 60, load::run);
}

#[test]
fn any_bytes_are_refused_as_an_archive_or_stay_where_they_are_put() {
    drive(1500, 400, tar::run);
}
