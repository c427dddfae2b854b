//! A table as a file system of `vfs`, beyond what the suites ask: handles, leases, mounts and refusals.

use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use mounts::vfs::TableFs;
use mounts::{ErrorKind, LeaseMode, Limits, Memory, Mount, Table};
use proptest::prelude::*;
use vfs::error::VfsErrorKind;
use vfs::{FileSystem, SeekAndWrite, VfsError, VfsFileType, VfsPath};

fn table(points: &[&str]) -> Table {
    let table = Table::new();
    for point in points {
        table.mount(point, Mount::memory()).unwrap();
    }
    table
}

fn limited(limits: Limits) -> Table {
    let table = Table::new();
    table.mount("/m", Mount::memory().with_limits(limits)).unwrap();
    table
}

fn io_kind(error: &VfsError) -> io::ErrorKind {
    match error.kind() {
        VfsErrorKind::IoError(error) => error.kind(),
        other => panic!("not an I/O error: {other}"),
    }
}

#[test]
fn a_root_below_confines_whoever_names_paths() {
    let table = table(&["/m"]);
    table.create_dir_all("/m/inside").unwrap();
    table.write("/m/secret", "outside").unwrap();
    let files = TableFs::new(table.clone()).below("/m/inside").unwrap();
    for path in ["/../secret", "/x/../../secret", "/..", "/../../m/secret"] {
        assert!(files.open_file(path).is_err(), "{path}");
    }
    files.create_file("/../escaped").unwrap().flush().unwrap();
    assert!(table.exists("/m/inside/escaped"));
    let deeper = files.below("/../..").unwrap();
    assert!(
        deeper.exists("/escaped").unwrap(),
        "a root is below the root before"
    );
    assert!(TableFs::new(table).below("relative").is_err());
}

#[test]
fn malformed_paths_are_invalid_and_show_nothing() {
    let files = TableFs::new(table(&["/m"]));
    for path in ["/m/\0", "m/relative"] {
        let error = files.metadata(path).unwrap_err();
        assert!(matches!(error.kind(), VfsErrorKind::InvalidPath), "{path:?}");
        assert!(!files.exists(path).unwrap());
    }
    let error = files.metadata(&format!("/m/{}", "x".repeat(256))).unwrap_err();
    assert_eq!(io_kind(&error), io::ErrorKind::InvalidFilename);
}

#[test]
fn what_no_mount_covers_is_missing_and_cannot_be_made() {
    let root = VfsPath::new(TableFs::new(table(&["/mnt/one"])));
    let missing = root.join("elsewhere").unwrap();
    assert!(!missing.exists().unwrap());
    let error = missing.metadata().unwrap_err();
    assert!(matches!(error.kind(), VfsErrorKind::FileNotFound));
    let error = missing.create_dir().unwrap_err();
    assert_eq!(io_kind(&error), io::ErrorKind::ReadOnlyFilesystem);
    let walked: Vec<_> = root
        .walk_dir()
        .unwrap()
        .map(|path| path.unwrap().as_str().to_owned())
        .collect();
    assert_eq!(walked, ["/mnt", "/mnt/one"]);
    root.join("mnt/one/a/b").unwrap().create_dir_all().unwrap();
}

#[test]
fn refusals_have_the_kind_of_the_standard_library_and_the_tables_error_within() {
    let table = limited(Limits {
        max_file_size: Some(3),
        ..Limits::default()
    });
    table.create_dir_all("/m/d/e").unwrap();
    table.write("/m/f", "1").unwrap();
    table.mount("/r", Mount::read_only(Memory::new())).unwrap();
    let files = TableFs::new(table);
    for (error, expected) in [
        (
            files.remove_dir("/m/d").unwrap_err(),
            io::ErrorKind::DirectoryNotEmpty,
        ),
        (
            files.remove_file("/m/d").unwrap_err(),
            io::ErrorKind::IsADirectory,
        ),
        (
            files.remove_dir("/m/f").unwrap_err(),
            io::ErrorKind::NotADirectory,
        ),
        (
            files.remove_dir("/m").unwrap_err(),
            io::ErrorKind::PermissionDenied,
        ),
        (
            files.create_dir("/r/d").unwrap_err(),
            io::ErrorKind::ReadOnlyFilesystem,
        ),
        (
            files.move_dir("/m/d", "/m/d/e/g").unwrap_err(),
            io::ErrorKind::InvalidInput,
        ),
    ] {
        assert_eq!(io_kind(&error), expected);
    }
    let mut file = files.create_file("/m/g").unwrap();
    file.write_all(b"1234").unwrap();
    let error = file.flush().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    let within: &mounts::Error = error.get_ref().unwrap().downcast_ref().unwrap();
    assert_eq!((within.kind(), within.path()), (ErrorKind::FileTooLarge, "/m/g"));
}

#[test]
fn through_a_table_an_exclusive_lease_keeps_changes_out_and_through_the_lease_it_does_not() {
    let table = table(&["/m"]);
    let outside = TableFs::new(table.clone());
    let mut pending = outside.create_file("/m/late").unwrap();
    pending.write_all(b"too late").unwrap();
    let inside = TableFs::leased(table.checkout(LeaseMode::Exclusive).unwrap());
    assert_eq!(pending.flush().unwrap_err().kind(), io::ErrorKind::ResourceBusy);
    let error = outside.create_dir("/m/d").unwrap_err();
    assert_eq!(io_kind(&error), io::ErrorKind::ResourceBusy);
    inside.create_dir("/m/d").unwrap();
    assert!(outside.exists("/m/d").unwrap());
    let clone = inside.clone();
    drop(inside);
    assert!(
        table.checkout(LeaseMode::Shared).is_err(),
        "a clone holds the lease"
    );
    drop(clone);
    table.checkout(LeaseMode::Exclusive).unwrap();
    pending.flush().unwrap();
    assert_eq!(table.read("/m/late").unwrap(), *b"too late");
}

#[test]
fn a_handle_holds_its_lease_until_it_is_written() {
    let table = table(&["/m"]);
    let files = TableFs::leased(table.checkout(LeaseMode::Exclusive).unwrap());
    let mut file = files.create_file("/m/a").unwrap();
    file.write_all(b"mine").unwrap();
    drop(files);
    assert!(table.checkout(LeaseMode::Exclusive).is_err());
    drop(file);
    table.checkout(LeaseMode::Exclusive).unwrap();
    assert_eq!(table.read("/m/a").unwrap(), *b"mine");
}

#[test]
fn a_created_file_is_empty_at_once_and_whole_when_flushed_or_dropped() {
    let table = table(&["/m"]);
    table.write("/m/a", "before").unwrap();
    let files = TableFs::new(table.clone());
    let mut one = files.create_file("/m/a").unwrap();
    assert_eq!(table.read("/m/a").unwrap(), *b"");
    one.write_all(b"one").unwrap();
    assert_eq!(table.read("/m/a").unwrap(), *b"");
    one.flush().unwrap();
    assert_eq!(table.read("/m/a").unwrap(), *b"one");
    let mut other = files.create_file("/m/a").unwrap();
    other.write_all(b"other").unwrap();
    one.write_all(b" more").unwrap();
    drop(other);
    assert_eq!(table.read("/m/a").unwrap(), *b"other");
    drop(one);
    assert_eq!(
        table.read("/m/a").unwrap(),
        *b"one more",
        "the last to flush wins"
    );
}

#[test]
fn what_was_flushed_is_not_written_again() {
    let table = table(&["/m"]);
    let files = TableFs::new(table.clone());
    let written = || table.list_mounts()[0].usage.written;
    drop(files.create_file("/m/a").unwrap());
    assert_eq!(written(), 0);
    let mut file = files.create_file("/m/a").unwrap();
    file.write_all(b"1234").unwrap();
    file.flush().unwrap();
    file.flush().unwrap();
    drop(file);
    assert_eq!(written(), 4);
}

#[test]
fn a_refused_flush_can_be_tried_again() {
    let table = limited(Limits {
        max_bytes: Some(5),
        ..Limits::default()
    });
    table.write("/m/other", "xxx").unwrap();
    let files = TableFs::new(table.clone());
    let mut file = files.create_file("/m/a").unwrap();
    file.write_all(b"1234").unwrap();
    assert_eq!(file.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(table.read("/m/a").unwrap(), *b"");
    table.remove_file("/m/other").unwrap();
    file.flush().unwrap();
    assert_eq!(table.read("/m/a").unwrap(), *b"1234");
}

/// A byte far behind the end makes a file of zeros in memory: no further than the mount could keep.
#[test]
fn a_position_far_behind_the_end_does_not_take_the_memory() {
    let table = limited(Limits {
        memory: Some(10_000),
        ..Limits::default()
    });
    let files = TableFs::new(table.clone());
    let mut file = files.create_file("/m/a").unwrap();
    for far in [20_000, 1 << 40, u64::MAX - 1, u64::MAX] {
        file.seek(SeekFrom::Start(far)).unwrap();
        assert!(file.write(b"xyz").is_err(), "{far}");
    }
    assert!(file.seek(SeekFrom::Current(i64::MAX)).is_err());
    file.seek(SeekFrom::Start(1_000)).unwrap();
    file.write_all(b"x").unwrap();
    drop(file);
    assert_eq!(table.read("/m/a").unwrap().len(), 1_001);
}

#[test]
fn appending_handles_lose_nothing_to_each_other() {
    let table = table(&["/m"]);
    table.write("/m/log", "0").unwrap();
    let files = TableFs::new(table.clone());
    let mut one = files.append_file("/m/log").unwrap();
    let mut other = files.append_file("/m/log").unwrap();
    one.write_all(b"1").unwrap();
    other.write_all(b"2").unwrap();
    one.seek(SeekFrom::Start(0)).unwrap();
    one.write_all(b"3").unwrap();
    assert_eq!(table.read("/m/log").unwrap(), *b"0123");
    assert_eq!(one.stream_position().unwrap(), 4);
}

#[test]
fn appending_is_refused_where_nothing_is_or_nothing_may_be_written() {
    let table = table(&["/m"]);
    let read_only = Mount::memory().with_files([("/a", "x")]).unwrap();
    table.mount("/full", read_only).unwrap();
    let files = TableFs::new(table.clone());
    assert!(files.append_file("/m/missing").is_err());
    assert!(!table.exists("/m/missing"));
    assert!(files.append_file("/m").is_err());
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    assert!(files.append_file("/full/a").is_err());
    drop(lease);
    files.append_file("/full/a").unwrap();
}

#[test]
fn what_is_opened_stays_as_it_was() {
    let table = table(&["/m"]);
    table.write("/m/a", "first").unwrap();
    let files = TableFs::new(table.clone());
    let mut file = files.open_file("/m/a").unwrap();
    table.write("/m/a", "second").unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "first");
}

/// Contents that were appended to while somebody held them lie in several pieces.
#[test]
fn a_file_in_pieces_reads_as_one() {
    const PIECE: usize = 100_000;
    let table = table(&["/m"]);
    let mut held = Vec::new();
    let mut expected = Vec::new();
    for piece in 0..4_u8 {
        table.append("/m/a", &vec![piece; PIECE]).unwrap();
        expected.extend(vec![piece; PIECE]);
        held.push(table.read("/m/a").unwrap());
    }
    assert!(held[3].segments().count() > 1);
    let mut file = TableFs::new(table).open_file("/m/a").unwrap();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, expected);
    file.seek(SeekFrom::End(-1)).unwrap();
    assert_eq!(file.read(&mut [0; 8]).unwrap(), 1);
}

#[test]
fn between_two_mounts_files_and_directories_are_copied() {
    let table = table(&["/a", "/b"]);
    table.create_dir_all("/a/dir/sub").unwrap();
    table.write("/a/dir/sub/f", "deep").unwrap();
    table.write("/a/f", "flat").unwrap();
    let root = VfsPath::new(TableFs::new(table.clone()));
    let at = |path: &str| root.join(path).unwrap();
    at("a/f").move_file(&at("b/f")).unwrap();
    at("a/dir").move_dir(&at("b/dir")).unwrap();
    assert_eq!(table.read("/b/f").unwrap(), *b"flat");
    assert_eq!(table.read("/b/dir/sub/f").unwrap(), *b"deep");
    assert!(table.list("/a").unwrap().is_empty());
    at("b/f").copy_file(&at("a/copy")).unwrap();
    assert_eq!(table.read("/a/copy").unwrap(), *b"flat");
}

#[test]
fn metadata_is_what_the_other_crate_expects() {
    let table = table(&["/m"]);
    table.write("/m/a", "123").unwrap();
    let files = TableFs::new(table);
    let metadata = files.metadata("/m/a").unwrap();
    assert_eq!((metadata.file_type, metadata.len), (VfsFileType::File, 3));
    assert!(metadata.modified.is_some() && metadata.created.is_none());
    let metadata = files.metadata("").unwrap();
    assert_eq!((metadata.file_type, metadata.len), (VfsFileType::Directory, 0));
    assert!(matches!(
        files
            .set_modification_time("/m/a", std::time::SystemTime::now())
            .unwrap_err()
            .kind(),
        VfsErrorKind::NotSupported
    ));
}

/// What is done with a handle.
#[derive(Debug, Clone)]
enum Use {
    Write(Vec<u8>),
    Seek(SeekFrom),
    Flush,
}

fn uses() -> impl Strategy<Value = Vec<Use>> {
    let seek = prop_oneof![
        (0..40_u64).prop_map(SeekFrom::Start),
        (-20..20_i64).prop_map(SeekFrom::Current),
        (-20..20_i64).prop_map(SeekFrom::End),
    ];
    let one = prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 0..10).prop_map(Use::Write),
        2 => seek.prop_map(Use::Seek),
        1 => Just(Use::Flush),
    ];
    prop::collection::vec(one, 0..20)
}

/// Uses a handle on a file of the table and one on a real file alike.
fn use_both(
    uses: &[Use],
    (ours, theirs): (&mut (dyn SeekAndWrite + Send), &mut (dyn SeekAndWrite + Send)),
) -> Result<(), TestCaseError> {
    for one in uses {
        match one {
            Use::Write(data) => {
                prop_assert_eq!(ours.write(data).unwrap(), theirs.write(data).unwrap());
            }
            Use::Seek(to) => prop_assert_eq!(ours.seek(*to).ok(), theirs.seek(*to).ok()),
            Use::Flush => ours.flush().unwrap(),
        }
        prop_assert_eq!(
            ours.stream_position().unwrap(),
            theirs.stream_position().unwrap(),
            "after {:?}",
            one
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_created_file_is_written_as_a_real_one(uses in uses()) {
        let table = table(&["/m"]);
        let mut ours = TableFs::new(table.clone()).create_file("/m/a").unwrap();
        let mut theirs = tempfile::NamedTempFile::new().unwrap();
        use_both(&uses, (&mut *ours, &mut theirs))?;
        drop(ours);
        let mut expected = Vec::new();
        theirs.rewind().unwrap();
        theirs.read_to_end(&mut expected).unwrap();
        prop_assert_eq!(table.read("/m/a").unwrap().to_vec(), expected);
    }
}
