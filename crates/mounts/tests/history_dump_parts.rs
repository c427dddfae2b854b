//! Dumps in parts: that frame and contents make the table that was dumped, and nothing else makes one.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and plays the host"
)]

use std::collections::HashMap;

use mounts::history::{Digest, DumpErrorKind, DumpParts, LoadOptions};
use mounts::{Contents, HostDirectory, Mount, Table};

fn table() -> Table {
    let table = Table::new();
    let files = [
        ("/a", "one"),
        ("/deep/b", "two"),
        ("/same", "one"),
        ("/empty", ""),
    ];
    table
        .mount("/m", Mount::memory().with_files(files).unwrap())
        .unwrap();
    table
}

fn parts(table: &Table) -> DumpParts {
    table.snapshot().dump_parts().unwrap()
}

fn load(frame: &[u8], contents: &HashMap<Digest, Contents>) -> Result<Table, DumpErrorKind> {
    Table::load_parts(frame, |digest| contents.get(digest).cloned(), LoadOptions::new())
        .map_err(|error| error.kind())
}

fn kept(parts: DumpParts) -> (Vec<u8>, HashMap<Digest, Contents>) {
    (parts.frame, parts.contents.into_iter().collect())
}

#[test]
fn a_table_from_parts_is_the_one_from_the_whole_dump() {
    let table = table();
    table.append("/m/a", b" and more").unwrap();
    table.rename("/m/deep", "/m/moved").unwrap();
    let (frame, contents) = kept(parts(&table));
    let loaded = load(&frame, &contents).unwrap();
    assert_eq!(loaded.dump().unwrap(), table.dump().unwrap());
}

#[test]
fn an_overlay_comes_back_over_the_directory_that_is_given() {
    let disk = tempfile::tempdir().unwrap();
    std::fs::write(disk.path().join("log"), "lower\n").unwrap();
    let open = || HostDirectory::open(disk.path()).unwrap();
    let table = Table::new();
    table.mount("/p", Mount::overlay(open())).unwrap();
    table.append("/p/log", b"upper\n").unwrap();
    let (frame, contents) = kept(parts(&table));
    // Of what lies below nothing is in it.
    assert_eq!(contents.values().map(Contents::len).collect::<Vec<_>>(), [6]);
    let options = LoadOptions::new().with_host("/p", open());
    let loaded = Table::load_parts(&frame, |digest| contents.get(digest).cloned(), options).unwrap();
    assert_eq!(loaded.read("/p/log").unwrap(), *b"lower\nupper\n");
    assert_eq!(loaded.changes(), table.changes());
}

#[test]
fn each_distinct_content_is_named_once_and_keeps_its_name() {
    let table = table();
    let before = parts(&table);
    assert_eq!(before.contents.len(), 3);
    assert_eq!(parts(&table).frame, before.frame);
    table.write("/m/deep/b", "changed").unwrap();
    let (_, contents) = kept(before);
    let after = parts(&table);
    let new = after
        .contents
        .iter()
        .filter(|(digest, _)| !contents.contains_key(digest))
        .map(|(_, contents)| contents.to_vec());
    assert_eq!(new.collect::<Vec<_>>(), [b"changed"]);
}

#[test]
fn missing_or_other_contents_are_refused() {
    let (frame, contents) = kept(parts(&table()));
    for digest in contents.keys() {
        let mut fewer = contents.clone();
        fewer.remove(digest);
        assert_eq!(
            load(&frame, &fewer).map(|_| ()),
            Err(DumpErrorKind::ContentsMissing)
        );
        let mut others = contents.clone();
        others.insert(*digest, Contents::from("eno"));
        assert_eq!(load(&frame, &others).map(|_| ()), Err(DumpErrorKind::Damaged));
    }
}

#[test]
fn a_frame_is_no_dump_and_a_dump_no_frame() {
    let table = table();
    let (frame, contents) = kept(parts(&table));
    let whole = table.dump().unwrap();
    assert_eq!(
        Table::load(&frame, LoadOptions::new()).unwrap_err().kind(),
        DumpErrorKind::NotADump
    );
    assert_eq!(load(&whole, &contents).map(|_| ()), Err(DumpErrorKind::NotADump));
}

#[test]
fn every_changed_or_missing_byte_of_a_frame_is_refused() {
    let (frame, contents) = kept(parts(&table()));
    for index in 0..frame.len() {
        let mut changed = frame.clone();
        changed[index] ^= 1;
        assert!(load(&changed, &contents).is_err(), "byte {index}");
        assert!(load(&frame[..index], &contents).is_err(), "{index} bytes");
    }
    let mut longer = frame;
    longer.push(0);
    assert!(load(&longer, &contents).is_err());
}

#[test]
fn frame_and_contents_count_against_the_limit_together() {
    let table = table();
    table.write("/m/large", vec![7; 100_000]).unwrap();
    let (frame, contents) = kept(parts(&table));
    assert!(frame.len() < 10_000);
    let mut asked = 0;
    let options = LoadOptions::new().with_max_size(50_000);
    let provide = |digest: &Digest| {
        asked += usize::from(contents[digest].len() == 100_000);
        contents.get(digest).cloned()
    };
    let error = Table::load_parts(&frame, provide, options).unwrap_err();
    assert_eq!(error.kind(), DumpErrorKind::TooLarge { limit: 50_000 });
    assert_eq!(asked, 0, "what does not fit is not asked for");
}
