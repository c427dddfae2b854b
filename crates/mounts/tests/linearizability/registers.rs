//! Whole reads and whole replacements.

use std::sync::atomic::{AtomicU64, Ordering};

use mounts::{ErrorKind, Namespace};

use crate::history::{Access, Clock, check_register, together};
use crate::kinds::Kind;
use crate::linked::Entry;

const THREADS: usize = 4;
const ROUNDS: u64 = 60;
const MOUNTS: usize = 10;

/// Contents that tell their value, and whether they are whole: of a length of its own, and the same throughout.
fn contents(value: u64) -> Vec<u8> {
    let line = format!("{value:08}");
    line.repeat(1 + usize::try_from(value % 700).unwrap())
        .into_bytes()
}

fn value(contents: &[u8]) -> u64 {
    let value = std::str::from_utf8(&contents[..8]).unwrap().parse().unwrap();
    assert_eq!(
        contents.len(),
        self::contents(value).len(),
        "a torn read of {value}"
    );
    assert!(
        contents.chunks(8).all(|line| line == &contents[..8]),
        "a torn read of {value}"
    );
    value
}

const INITIAL: &str = "00000000";

fn read(files: &Namespace, path: &str) -> u64 {
    value(&files.read(path).unwrap().to_vec())
}

/// Lets threads read and write two registers, as `write` writes them, and judges each one's history.
fn judge(kind: Kind, write: impl Fn(&Namespace, usize, &str, Vec<u8>) + Sync) {
    let files = kind.with(&[("a", Entry::File(INITIAL)), ("b", Entry::File(INITIAL))]);
    let (clock, values) = (Clock::default(), AtomicU64::new(1));
    let (began, ()) = clock.time(|| {});
    let recorded = together(THREADS, |thread| {
        let mut accesses = Vec::new();
        for round in 0..ROUNDS {
            let register = usize::from((round + thread as u64).is_multiple_of(3));
            let path = ["/m/a", "/m/b"][register];
            let is_write = (round / 2 + thread as u64).is_multiple_of(2);
            let (span, value) = if is_write {
                let value = values.fetch_add(1, Ordering::SeqCst);
                let data = contents(value);
                clock.time(|| {
                    write(&files, thread, path, data);
                    value
                })
            } else {
                clock.time(|| read(&files, path))
            };
            accesses.push((
                register,
                Access {
                    span,
                    value,
                    is_write,
                },
            ));
        }
        accesses
    });
    for register in 0..2 {
        let initial = Access {
            span: began,
            value: 0,
            is_write: true,
        };
        let of_register = recorded
            .iter()
            .flatten()
            .filter(|(number, _)| *number == register);
        let accesses: Vec<_> = of_register.map(|(_, access)| *access).chain([initial]).collect();
        assert!(
            accesses.iter().any(|access| !access.is_write && access.value > 0),
            "nobody saw anybody"
        );
        if let Err(reason) = check_register(&accesses) {
            panic!("{}: {reason}", kind.name);
        }
    }
}

pub(crate) fn a_file_is_a_register(kind: Kind) {
    for _ in 0..MOUNTS {
        judge(kind, |files, _, path, data| files.write(path, data).unwrap());
    }
}

/// The other way to replace a file whole: a new one beside it is renamed over it.
pub(crate) fn files_renamed_over_one_another_are_registers(kind: Kind) {
    for _ in 0..MOUNTS {
        judge(kind, |files, thread, path, data| {
            let beside = format!("/m/beside{thread}");
            files.write(&beside, data).unwrap();
            files.rename(&beside, path).unwrap();
            assert_eq!(files.metadata(&beside).unwrap_err().kind(), ErrorKind::NotFound);
        });
    }
}
