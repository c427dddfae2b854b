//! The bytes of a dump: damaged, cut short, lying about their size.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[path = "support/packed.rs"]
mod packed;

use mounts::history::{DumpError, DumpErrorKind, LoadOptions};
use mounts::{Memory, Mount, Table};

fn mounted(mount: Mount) -> Table {
    let table = Table::new();
    table.mount("/m", mount).unwrap();
    table
}

fn load(bytes: &[u8]) -> Result<Table, DumpError> {
    Table::load(bytes, LoadOptions::new())
}

fn refused(bytes: &[u8]) -> DumpErrorKind {
    load(bytes).unwrap_err().kind()
}

fn small() -> Vec<u8> {
    let table = mounted(
        Mount::memory()
            .with_files([("/d/one", "1"), ("/two", "2222")])
            .unwrap(),
    );
    table.mount("/m/over", Mount::overlay(Memory::new())).unwrap();
    table.write("/m/over/three", "333").unwrap();
    table.dump().unwrap()
}

#[test]
fn every_byte_that_is_not_the_one_that_was_written_is_noticed() {
    let dump = small();
    assert!(load(&dump).is_ok());
    for index in 0..dump.len() {
        for flip in 1..=255 {
            let mut damaged = dump.clone();
            damaged[index] ^= flip;
            assert!(load(&damaged).is_err(), "byte {index} ^ {flip}");
        }
    }
}

#[test]
fn a_dump_that_ends_too_early_or_too_late_is_refused() {
    let dump = small();
    assert_eq!(refused(b""), DumpErrorKind::NotADump);
    for length in 1..dump.len() {
        assert_eq!(
            refused(&dump[..length]),
            DumpErrorKind::Truncated,
            "{length} bytes"
        );
    }
    assert_eq!(
        refused(&[&dump[..], b"\0"].concat()),
        DumpErrorKind::TrailingBytes
    );
    assert_eq!(
        refused(&[&dump[..], &dump].concat()),
        DumpErrorKind::TrailingBytes
    );
    let body = packed::body(&dump);
    assert!(
        load(&packed::dump(&body)).is_ok(),
        "the test puts dumps together rightly"
    );
    assert_eq!(
        refused(&packed::dump(&[&body[..], b"\0"].concat())),
        DumpErrorKind::Malformed("something follows the contents")
    );
    let later = packed::sealed(2, 0, &[]);
    assert_eq!(refused(&later), DumpErrorKind::UnknownVersion { found: 2 });
}

#[test]
fn a_dump_larger_than_allowed_is_refused_before_it_is_inflated() {
    let table = mounted(Mount::memory());
    table.write("/m/zeros", vec![0; 4 << 20]).unwrap();
    let dump = table.dump().unwrap();
    assert!(dump.len() < 100_000, "zeros compress to {}", dump.len());
    let limited = |limit| Table::load(&dump, LoadOptions::new().with_max_size(limit));
    assert_eq!(
        limited(4 << 20).unwrap_err().kind(),
        DumpErrorKind::TooLarge { limit: 4 << 20 }
    );
    assert!(limited(5 << 20).is_ok());
    // Many entries: little to inflate, and much to keep.
    let table = mounted(Mount::memory());
    for file in 0..1000 {
        table.write(&format!("/m/{file}"), "").unwrap();
    }
    let dump = table.dump().unwrap();
    assert!(packed::body(&dump).len() < 50_000);
    let limited = |limit| Table::load(&dump, LoadOptions::new().with_max_size(limit));
    assert_eq!(
        limited(100_000).unwrap_err().kind(),
        DumpErrorKind::TooLarge { limit: 100_000 }
    );
    assert!(limited(1_000_000).is_ok());
}

#[test]
fn a_lying_length_is_refused_and_allocates_nothing() {
    let body = packed::body(&small());
    let huge = LoadOptions::new().with_max_size(u64::MAX);
    let lies = packed::sealed(1, 1 << 60, &packed::dump(&body)[60..]);
    let why = "it cannot be as large as it says";
    assert_eq!(
        Table::load(&lies, huge).unwrap_err().kind(),
        DumpErrorKind::Malformed(why)
    );
    for length in [u64::MAX, 1 << 40, body.len() as u64, body.len() as u64 - 8] {
        let mut lying = body.clone();
        lying[..8].copy_from_slice(&length.to_le_bytes());
        assert!(matches!(
            refused(&packed::dump(&lying)),
            DumpErrorKind::Malformed(_)
        ));
    }
    // Chunks that say they are more, fewer or other than they are.
    for (inflated, packed) in [(0_u32, 0_u32), (1 << 30, 1 << 30), (5, 4), (4, 5), (u32::MAX, 1)] {
        let chunk = [&inflated.to_le_bytes()[..], &packed.to_le_bytes(), b"1234"].concat();
        let dump = packed::sealed(1, 4, &chunk);
        assert!(
            matches!(refused(&dump), DumpErrorKind::Malformed(_)),
            "{inflated} {packed}"
        );
    }
}
