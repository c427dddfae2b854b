//! Directories as tar archives and back: what is in them, and what is refused.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and plays the host"
)]

mod support;

use std::error::Error as _;
use std::fs;
use std::process::Command;

use mounts::history::{TarError, TarErrorKind, TarLimits};
use mounts::{Error, ErrorKind, Globs, HostDirectory, LeaseMode, Limits, Memory, Mount, Rules, Table};
use proptest::prelude::*;
use support::programs::{mounted, program};
use support::{image, run};
use tar::{Builder, EntryType, Header};

fn limits() -> TarLimits {
    TarLimits::default()
}

/// An archive of entries as they come, with names that the crate's own writer would refuse.
fn archive(entries: &[(&[u8], EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, entry_type, bytes) in entries {
        let mut header = Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(*entry_type);
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        if entry_type.is_symlink() || entry_type.is_hard_link() {
            header.set_link_name_literal("elsewhere").unwrap();
        }
        header.set_cksum();
        builder.append(&header, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn refused(bytes: &[u8]) -> (TarErrorKind, String) {
    let table = mounted(Mount::memory());
    table.write("/m/kept", "kept").unwrap();
    let error = table.import_tar("/m", bytes, &limits()).unwrap_err();
    assert_eq!(table.list("/m").unwrap().len(), 1, "nothing is written: {error}");
    (error.kind(), error.path().to_owned())
}

fn reason(error: &TarError) -> ErrorKind {
    error.source().unwrap().downcast_ref::<Error>().unwrap().kind()
}

const FILE: EntryType = EntryType::Regular;

#[test]
fn an_entry_that_climbs_out_refuses_the_archive() {
    for name in ["../x", "a/../../x", "a/..", "..", "/etc/passwd", "//x", "a/../b"] {
        let bytes = archive(&[(b"good", FILE, b"1"), (name.as_bytes(), FILE, b"2")]);
        assert_eq!(refused(&bytes), (TarErrorKind::Escapes, name.to_owned()));
    }
}

#[test]
fn what_is_neither_file_nor_directory_refuses_the_archive() {
    for (entry_type, expected) in [
        (EntryType::Symlink, TarErrorKind::Link),
        (EntryType::Link, TarErrorKind::Link),
        (EntryType::Char, TarErrorKind::Special),
        (EntryType::Block, TarErrorKind::Special),
        (EntryType::Fifo, TarErrorKind::Special),
        (EntryType::new(b'Z'), TarErrorKind::Special),
    ] {
        let bytes = archive(&[(b"good", FILE, b"1"), (b"odd", entry_type, b"")]);
        assert_eq!(refused(&bytes), (expected, "odd".to_owned()), "{entry_type:?}");
    }
}

#[test]
fn names_that_no_file_can_have_refuse_the_archive() {
    for name in [&b"\xff"[..], b"a/\xc3"] {
        let (kind, _) = refused(&archive(&[(name, FILE, b"")]));
        assert_eq!(kind, TarErrorKind::InvalidName, "{name:?}");
    }
    assert_eq!(
        refused(&archive(&[(b"slash/", FILE, b"1")])).0,
        TarErrorKind::InvalidName
    );
    assert_eq!(
        refused(&archive(&[(b".", FILE, b"1")])).0,
        TarErrorKind::InvalidName
    );
    for name in ["x".repeat(256), "d/".repeat(64) + "f"] {
        let mut builder = Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_size(0);
        builder.append_data(&mut header, &name, &b""[..]).unwrap();
        let (kind, _) = refused(&builder.into_inner().unwrap());
        assert_eq!(kind, TarErrorKind::InvalidName, "{name}");
    }
}

#[test]
fn one_path_twice_refuses_the_archive() {
    let directory = EntryType::Directory;
    for entries in [
        [(&b"a"[..], FILE, &b"1"[..]), (b"a", FILE, b"1")],
        [(b"a", FILE, b"1"), (b"./a", FILE, b"1")],
        [(b"a", FILE, b"1"), (b"a/b", FILE, b"1")],
        [(b"a/b", FILE, b"1"), (b"a", FILE, b"1")],
        [(b"a/", directory, b""), (b"a", FILE, b"1")],
    ] {
        assert_eq!(
            refused(&archive(&entries)).0,
            TarErrorKind::Duplicate,
            "{entries:?}"
        );
    }
    let table = mounted(Mount::memory());
    let twice = archive(&[
        (b"a/", directory, b""),
        (b"a/f", FILE, b""),
        (b"a/", directory, b""),
    ]);
    table.import_tar("/m", &twice, &limits()).unwrap();
}

/// A sparse file says how large it is in a few bytes, and is filled with zeros to that size.
#[test]
fn an_archive_never_becomes_more_than_its_bytes() {
    let mut header = Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..1].copy_from_slice(b"s");
    header.set_entry_type(EntryType::GNUSparse);
    header.set_size(0);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.realsize.copy_from_slice(b"777777777777");
    gnu.sparse[0].offset.copy_from_slice(b"777777777777");
    gnu.sparse[0].numbytes.copy_from_slice(b"000000000000");
    header.set_cksum();
    let mut builder = Builder::new(Vec::new());
    builder.append(&header, &b""[..]).unwrap();
    assert_eq!(refused(&builder.into_inner().unwrap()).0, TarErrorKind::Sparse);

    let mut builder = Builder::new(Vec::new());
    builder
        .append_pax_extensions([("GNU.sparse.realsize", &b"99999999999"[..])])
        .unwrap();
    let mut header = Header::new_ustar();
    header.set_size(0);
    builder.append_data(&mut header, "s", &b""[..]).unwrap();
    assert_eq!(refused(&builder.into_inner().unwrap()).0, TarErrorKind::Sparse);

    // A size that is a lie.
    let mut header = Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..1].copy_from_slice(b"l");
    header.set_size(1 << 29);
    header.set_cksum();
    let lying = [&header.as_bytes()[..], &[0; 1024]].concat();
    assert_eq!(refused(&lying).0, TarErrorKind::Malformed);

    let limited = |max_size, max_entries| {
        let bytes = archive(&[(b"a", FILE, b"12345"), (b"d/b", FILE, b"12345")]);
        let table = mounted(Mount::memory());
        let limits = TarLimits {
            max_size,
            max_entries,
        };
        let imported = table
            .import_tar("/m", &bytes, &limits)
            .map_err(|error| error.kind());
        assert_eq!(table.exists("/m/a"), imported.is_ok());
        imported
    };
    assert_eq!(limited(10, 3), Ok(()));
    assert_eq!(limited(9, 3), Err(TarErrorKind::TooLarge { limit: 9 }));
    assert_eq!(limited(10, 2), Err(TarErrorKind::TooManyEntries { limit: 2 }));
}

#[test]
fn an_archive_that_was_cut_anywhere_is_refused() {
    let bytes = archive(&[(b"a", FILE, &[7; 600]), (b"b", FILE, b"1")]);
    for length in 0..bytes.len() - 512 {
        // A last block of zeros is an end; the padding of a file is none, unless the whole block is.
        assert_eq!(
            refused(&bytes[..length]).0,
            TarErrorKind::Malformed,
            "{length} bytes"
        );
    }
    assert_eq!(refused(b"no archive at all").0, TarErrorKind::Malformed);
}

#[test]
fn limits_and_rules_hold_and_what_fails_leaves_nothing() {
    let rules = Rules::new(Globs {
        read_only: vec!["ro".into()],
        deny: vec!["no".into()],
        hide: vec!["hidden".into()],
    });
    let few = Limits {
        max_files: Some(4),
        ..Limits::default()
    };
    let overlay = Mount::overlay(Memory::new());
    for mount in [Mount::memory(), overlay] {
        let table = mounted(mount.with_limits(few).with_rules(rules.clone().unwrap()));
        table.write("/m/a", "before").unwrap();
        for (name, expected) in [
            (&b"ro/x"[..], ErrorKind::ReadOnly),
            (b"no", ErrorKind::PermissionDenied),
            (b"hidden", ErrorKind::NotFound),
            (b"1/2/3/4", ErrorKind::NoSpace),
        ] {
            let bytes = archive(&[(b"a", FILE, b"after"), (b"b", FILE, b"new"), (name, FILE, b"x")]);
            let error = table.import_tar("/m", &bytes, &limits()).unwrap_err();
            assert_eq!((error.kind(), reason(&error)), (TarErrorKind::Refused, expected));
            assert_eq!(table.read("/m/a").unwrap(), *b"before");
            assert_eq!(table.list("/m").unwrap().len(), 1);
            assert_eq!(table.list_mounts()[0].usage.written, 6, "a trial is not counted");
        }
        let bytes = archive(&[(b"a", FILE, b"after"), (b"d/b", FILE, b"new")]);
        table.import_tar("/m", &bytes, &limits()).unwrap();
        assert_eq!(table.read("/m/d/b").unwrap(), *b"new");
        assert_eq!(table.list_mounts()[0].usage.written, 14);
    }
}

#[test]
fn an_import_makes_the_directory_and_is_refused_while_a_lease_is_out() {
    let bytes = archive(&[(b"./", EntryType::Directory, b""), (b"./x/y", FILE, b"1")]);
    let table = mounted(Mount::memory());
    table.import_tar("/m/new/place", &bytes, &limits()).unwrap();
    assert_eq!(table.read("/m/new/place/x/y").unwrap(), *b"1");
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    let error = table.import_tar("/m", &bytes, &limits()).unwrap_err();
    assert_eq!(reason(&error), ErrorKind::InUse);
    lease.import_tar("/m", &bytes, &limits()).unwrap();
    let error = lease.import_tar("/elsewhere", &bytes, &limits()).unwrap_err();
    assert_eq!(
        (reason(&error), error.path()),
        (ErrorKind::NotCovered, "/elsewhere")
    );
}

#[test]
fn an_export_holds_what_a_script_can_read_and_names_the_rest() {
    let disk = tempfile::tempdir().unwrap();
    let at = |name: &str| disk.path().join(name);
    for (name, contents) in [
        ("hidden", "h"),
        ("denied", "d"),
        ("plain", "p"),
        ("dir/inner", "i"),
    ] {
        fs::create_dir_all(at(name).parent().unwrap()).unwrap();
        fs::write(at(name), contents).unwrap();
    }
    for (name, target) in [
        ("to-file", "plain"),
        ("to-dir", "dir"),
        ("to-none", "none"),
        ("to-secret", "hidden"),
    ] {
        std::os::unix::fs::symlink(target, at(name)).unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", at("outside")).unwrap();
    let rules = Rules::new(Globs {
        hide: vec!["hidden".into()],
        deny: vec!["denied".into()],
        ..Globs::default()
    });
    let mount = Mount::read_only(HostDirectory::open(disk.path()).unwrap());
    let table = mounted(mount.with_rules(rules.unwrap()));
    table.mount("/m/dir/nested", Mount::memory()).unwrap();
    table.write("/m/dir/nested/f", "n").unwrap();

    let export = table.export_tar("/m", &limits()).unwrap();
    assert_eq!(
        export.left_out,
        ["/m/denied", "/m/to-dir", "/m/to-none", "/m/to-secret"]
    );
    let copy = mounted(Mount::memory());
    copy.import_tar("/m", &export.bytes, &limits()).unwrap();
    let lease = copy.checkout(LeaseMode::Shared).unwrap();
    let paths: Vec<_> = image(&lease, "/m").into_keys().collect();
    assert_eq!(
        paths,
        [
            "dir",
            "dir/inner",
            "dir/nested",
            "dir/nested/f",
            "plain",
            "to-file"
        ]
    );
    assert_eq!(copy.read("/m/to-file").unwrap(), *b"p");
    drop(lease);
    copy.import_tar(
        "/m/one",
        &table.export_tar("/m/plain", &limits()).unwrap().bytes,
        &limits(),
    )
    .unwrap();
    assert_eq!(copy.read("/m/one/plain").unwrap(), *b"p");
}

#[test]
fn an_export_is_refused_where_it_is_too_large_or_nothing_is_there() {
    let table = mounted(
        Mount::memory()
            .with_files([("/a", "12345"), ("/b", "12345")])
            .unwrap(),
    );
    let limited = |max_size, max_entries| {
        let limits = TarLimits {
            max_size,
            max_entries,
        };
        table
            .export_tar("/m", &limits)
            .map(drop)
            .map_err(|error| error.kind())
    };
    assert_eq!(limited(10, 2), Ok(()));
    assert_eq!(limited(9, 2), Err(TarErrorKind::TooLarge { limit: 9 }));
    assert_eq!(limited(10, 1), Err(TarErrorKind::TooManyEntries { limit: 1 }));
    let error = table.export_tar("/m/none", &limits()).unwrap_err();
    assert_eq!(reason(&error), ErrorKind::NotFound);
}

/// The tool itself reads what is exported and writes what is imported, long names included, where it is installed.
#[test]
fn tar_reads_and_writes_the_same_archives() {
    if Command::new("tar").arg("--version").output().is_err() {
        eprintln!("tar is not installed: nothing was checked");
        return;
    }
    let long = "n".repeat(255);
    let files = [("/d/é", "1"), (&format!("/{long}/{long}"), "2"), ("/empty", "")];
    let table = mounted(Mount::memory().with_files(files).unwrap());
    table.create_dir_all("/m/none").unwrap();
    let disk = tempfile::tempdir().unwrap();
    let tar = |arguments: &[&str]| {
        let status = Command::new("tar")
            .args(arguments)
            .current_dir(disk.path())
            .status();
        assert!(status.unwrap().success(), "{arguments:?}");
    };
    fs::create_dir(disk.path().join("out")).unwrap();
    fs::write(
        disk.path().join("a.tar"),
        table.export_tar("/m", &limits()).unwrap().bytes,
    )
    .unwrap();
    tar(&["-xf", "a.tar", "-C", "out"]);
    let tree = |table: &Table| image(&table.checkout(LeaseMode::Shared).unwrap(), "/m");
    assert_eq!(support::image_on_disk(&disk.path().join("out")), tree(&table));
    for format in ["gnu", "pax", "posix"] {
        tar(&["-cf", "b.tar", "--format", format, "-C", "out", "."]);
        let copy = mounted(Mount::memory());
        let bytes = fs::read(disk.path().join("b.tar")).unwrap();
        copy.import_tar("/m", &bytes, &limits()).unwrap();
        assert_eq!(tree(&copy), tree(&table), "{format}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_exported_and_imported_is_the_same_tree(program in program()) {
        let (table, copy) = (mounted(Mount::memory()), mounted(Mount::overlay(Memory::new())));
        let lease = table.checkout(LeaseMode::Exclusive).unwrap();
        for step in &program {
            let _ = run(&lease, "/m", step);
        }
        let export = lease.export_tar("/m", &limits()).unwrap();
        prop_assert!(export.left_out.is_empty());
        prop_assert_eq!(&lease.export_tar("/m", &limits()).unwrap(), &export, "equal trees give equal bytes");
        let into = copy.checkout(LeaseMode::Exclusive).unwrap();
        into.import_tar("/m", &export.bytes, &limits()).unwrap();
        prop_assert_eq!(image(&into, "/m"), image(&lease, "/m"));
    }
}
