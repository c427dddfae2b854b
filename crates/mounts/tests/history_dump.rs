//! Dumps: that a loaded table is the one that was dumped, and that nothing else is loaded.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and plays the host"
)]

#[path = "support/packed.rs"]
mod packed;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mounts::history::{DumpError, DumpErrorKind, LoadOptions, OnDrift};
use mounts::{
    Answer, Contents, DirEntry, ErrorKind, FollowLinks, Globs, HostDirectory, Limits, Memory, Metadata,
    Mount, Overlay, Reader, RelativePath, Rules, Table, WritableHostDirectory,
};
use tempfile::TempDir;

fn mounted(mount: Mount) -> Table {
    let table = Table::new();
    table.mount("/m", mount).unwrap();
    table
}

fn load(bytes: &[u8]) -> Result<Table, DumpError> {
    Table::load(bytes, LoadOptions::new())
}

fn open(path: &Path) -> HostDirectory {
    HostDirectory::open(path).unwrap()
}

fn overlay_over(files: &[(&str, &str)]) -> (Table, TempDir) {
    let disk = tempfile::tempdir().unwrap();
    for (path, contents) in files {
        let path = disk.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    (mounted(Mount::overlay(open(disk.path()))), disk)
}

#[test]
fn limits_rules_counters_points_and_their_order_come_back() {
    let limits = Limits {
        max_bytes: Some(1000),
        max_files: None,
        max_file_size: Some(10),
        write_bytes: Some(8),
        memory: None,
    };
    let globs = Globs {
        deny: vec!["no".into()],
        hide: vec!["**/.env".into()],
        read_only: vec!["vendor".into()],
    };
    let table = Table::new();
    table.mount("/z/deep", Mount::memory()).unwrap();
    let rules = Rules::new(globs.clone()).unwrap();
    table
        .mount("/a", Mount::memory().with_limits(limits).with_rules(rules))
        .unwrap();
    table.write("/a/f", "1234").unwrap();
    table.remove_file("/a/f").unwrap();

    let loaded = load(&table.dump().unwrap()).unwrap();
    assert_eq!(loaded.list_mounts(), table.list_mounts());
    assert_eq!(loaded.list_mounts()[1].usage.written, 4);
    assert_eq!(
        loaded.write("/a/f", "12345").unwrap_err().kind(),
        ErrorKind::WriteLimit { limit: 8 }
    );
    assert_eq!(
        loaded.read("/a/no").unwrap_err().kind(),
        ErrorKind::PermissionDenied
    );
    assert_eq!(
        loaded.write("/a/.env", "").unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(
        loaded.write("/a/vendor", "").unwrap_err().kind(),
        ErrorKind::ReadOnly
    );
}

#[test]
fn each_distinct_content_is_in_a_dump_once() {
    // Bytes that do not compress.
    let mut state = 1_u64;
    let mut bytes = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    let noise: Vec<u8> = (0..100_000).map(|_| bytes()).collect();
    let table = Table::new();
    for point in ["/a", "/b"] {
        table.mount(point, Mount::memory()).unwrap();
        for file in 0..50 {
            table.write(&format!("{point}/{file}"), noise.clone()).unwrap();
        }
    }
    let dump = table.dump().unwrap();
    assert!(dump.len() < 110_000, "{} bytes", dump.len());
    let loaded = load(&dump).unwrap();
    assert_eq!(loaded.read("/b/49").unwrap(), *noise.as_slice());
    assert_eq!(loaded.list_mounts(), table.list_mounts());
    let one = loaded.read("/a/0").unwrap();
    assert!(
        one.shares_with(&loaded.read("/b/1").unwrap()),
        "and in memory, too"
    );
}

#[test]
fn lower_layers_that_are_no_host_directories_are_in_the_dump_and_stay_shared() {
    let base = Arc::new(Memory::new());
    let below = mounted(Mount::read_write(Arc::clone(&base)));
    below.write("/m/f", "base").unwrap();
    let table = Table::new();
    let middle = Arc::new(Overlay::new(Arc::clone(&base)));
    let through = mounted(Mount::read_write(Arc::clone(&middle)));
    through.append("/m/f", b" middle").unwrap();
    table.mount("/one", Mount::overlay(Arc::clone(&middle))).unwrap();
    table.mount("/two", Mount::overlay(Arc::clone(&middle))).unwrap();
    table
        .mount("/base", Mount::read_write(Arc::clone(&base)))
        .unwrap();
    table.mount("/look", Mount::read_only(base)).unwrap();
    table.append("/one/f", b" one").unwrap();

    let loaded = load(&table.dump().unwrap()).unwrap();
    assert_eq!(loaded.list_mounts(), table.list_mounts());
    assert_eq!(loaded.read("/one/f").unwrap(), *b"base middle one");
    assert_eq!(loaded.read("/two/f").unwrap(), *b"base middle");
    assert_eq!(loaded.read("/look/f").unwrap(), *b"base");
    assert!(loaded.write("/look/f", "").is_err());
    loaded.write("/base/new", "seen by all").unwrap();
    assert_eq!(loaded.read("/two/new").unwrap(), *b"seen by all");
    assert!(!table.exists("/two/new"), "and not by the table that was dumped");
}

/// What an overlay owns of a snapshot it knows by inode numbers, which depend on the order in which mounts came to the
/// table of the snapshot, and on those that went. A loaded overlay that did not find them again would be stale.
#[test]
fn a_snapshot_under_an_overlay_is_in_the_dump() {
    let disk = tempfile::tempdir().unwrap();
    fs::write(disk.path().join("f"), "host").unwrap();
    let base = Table::new();
    for point in ["/gone", "/lib/deep", "/over"] {
        base.mount(point, Mount::memory()).unwrap();
    }
    base.unmount("/gone").unwrap();
    base.mount("/lib/host", Mount::overlay(open(disk.path())))
        .unwrap();
    base.write("/lib/deep/a", "a").unwrap();
    let snapshot = base.snapshot();
    let table = mounted(Mount::overlay(snapshot.clone()));
    table.mount("/look", Mount::read_only(snapshot)).unwrap();
    table.append("/m/lib/deep/a", b"+").unwrap();
    table.append("/m/lib/host/f", b"+").unwrap();
    table.rename("/m/lib", "/m/moved").unwrap();

    let dump = table.dump().unwrap();
    assert_eq!(load(&dump).unwrap_err().paths(), ["/m/lib/host"]);
    let options = || LoadOptions::new().with_host("/m/lib/host", open(disk.path()));
    let loaded = Table::load(&dump, options()).unwrap();
    assert_eq!(loaded.list_mounts(), table.list_mounts());
    assert_eq!(loaded.read("/m/moved/deep/a").unwrap().to_vec(), b"a+");
    assert_eq!(loaded.read("/m/moved/host/f").unwrap().to_vec(), b"host+");
    assert_eq!(loaded.read("/look/lib/deep/a").unwrap(), *b"a");
    assert_eq!(loaded.changes(), table.changes());
    for path in ["/", "/m/moved", "/m/moved/host", "/look/lib"] {
        assert_eq!(
            loaded.metadata(path).unwrap(),
            table.metadata(path).unwrap(),
            "{path}"
        );
    }
    assert_eq!(loaded.dump().unwrap(), dump);
    fs::write(disk.path().join("f"), "changed").unwrap();
    let error = Table::load(&dump, options()).unwrap_err();
    assert_eq!(
        (error.kind(), error.paths()),
        (DumpErrorKind::Drifted, &["/m/moved/host/f".to_owned()][..])
    );
}

#[test]
fn host_directories_are_given_by_whoever_loads() {
    let disk = tempfile::tempdir().unwrap();
    let names = ["ro", "rw", "over"];
    for name in names {
        fs::create_dir(disk.path().join(name)).unwrap();
        fs::write(disk.path().join(name).join("f"), name).unwrap();
    }
    let at = |name: &str| disk.path().join(name);
    let writable = || WritableHostDirectory::new(open(&at("rw")));
    let table = Table::new();
    table.mount("/ro", Mount::read_only(open(&at("ro")))).unwrap();
    table.mount("/rw", Mount::read_write(writable())).unwrap();
    table.mount("/over", Mount::overlay(open(&at("over")))).unwrap();
    table.write("/over/new", "upper").unwrap();
    let dump = table.dump().unwrap();
    let root = disk.path().to_str().unwrap();
    assert!(
        !packed::body(&dump)
            .windows(root.len())
            .any(|window| window == root.as_bytes()),
        "no host path is in a dump"
    );

    let given = || {
        LoadOptions::new()
            .with_host("/ro", open(&at("ro")))
            .with_host("/over", open(&at("over")))
    };
    let loaded = Table::load(&dump, given().with_writable_host("/rw", writable())).unwrap();
    assert_eq!(loaded.list_mounts(), table.list_mounts());
    loaded.write("/rw/f", "through").unwrap();
    assert_eq!(fs::read(at("rw").join("f")).unwrap(), b"through");
    assert_eq!(loaded.read("/over/new").unwrap(), *b"upper");
    assert_eq!(loaded.read("/over/f").unwrap(), *b"over");

    let refused = |options| {
        let error = Table::load(&dump, options).unwrap_err();
        (error.kind(), error.paths().to_vec())
    };
    let spelled = LoadOptions::new()
        .with_host("/ro/", open(&at("ro")))
        .with_host("//over/.", open(&at("over")))
        .with_writable_host("/x/../rw", writable());
    assert!(Table::load(&dump, spelled).is_ok(), "two spellings are one path");
    assert_eq!(refused(given()), (DumpErrorKind::HostMissing, vec!["/rw".into()]));
    assert_eq!(
        refused(given().with_host("/rw", open(&at("rw")))),
        (DumpErrorKind::HostNotWritable, vec!["/rw".into()])
    );
    let more = given()
        .with_writable_host("/rw", writable())
        .with_host("/else", open(&at("ro")));
    assert_eq!(refused(more), (DumpErrorKind::HostUnused, vec!["/else".into()]));
    let no_path = given()
        .with_writable_host("/rw", writable())
        .with_host("else", open(&at("ro")));
    assert_eq!(refused(no_path), (DumpErrorKind::HostUnused, vec!["else".into()]));
    let overlapping = LoadOptions::new()
        .with_host("/ro", open(&at("rw")))
        .with_host("/over", open(&at("over")))
        .with_writable_host("/rw", writable());
    assert_eq!(
        refused(overlapping),
        (DumpErrorKind::NotMounted(ErrorKind::Overlaps), vec!["/rw".into()])
    );
}

/// The host changed a file that the dumped overlay had appended to, and one in a directory that it had deleted. Loaded
/// without a word, the first would read as a mixture, and the second would be deleted by a commit though nobody had
/// ever seen it.
#[test]
fn a_load_names_what_the_host_changed_of_what_an_overlay_owns() {
    let files = [
        ("tail", "1"),
        ("gone/x", "1"),
        ("moved/y", "1"),
        ("free", "1"),
        ("whole", "1"),
    ];
    let (table, disk) = overlay_over(&files);
    table.append("/m/tail", b"2").unwrap();
    table.remove_file("/m/gone/x").unwrap();
    table.remove_dir("/m/gone").unwrap();
    table.rename("/m/moved", "/m/elsewhere").unwrap();
    table.write("/m/whole", "mine").unwrap();
    let dump = table.dump().unwrap();
    let given = || LoadOptions::new().with_host("/m", open(disk.path()));
    assert!(Table::load(&dump, given()).is_ok());

    fs::write(disk.path().join("free"), "the host's to change").unwrap();
    assert!(Table::load(&dump, given()).is_ok(), "what nobody owns may change");
    fs::write(disk.path().join("tail"), "other").unwrap();
    fs::write(disk.path().join("gone/x"), "other").unwrap();
    fs::remove_file(disk.path().join("whole")).unwrap();
    fs::remove_dir_all(disk.path().join("moved")).unwrap();
    let error = Table::load(&dump, given()).unwrap_err();
    assert_eq!(error.kind(), DumpErrorKind::Drifted);
    assert_eq!(
        error.paths(),
        ["/m/elsewhere", "/m/gone/x", "/m/moved", "/m/tail", "/m/whole"]
    );

    let kept = Table::load(&dump, given().with_on_drift(OnDrift::Keep)).unwrap();
    assert_eq!(kept.read("/m/tail").unwrap_err().kind(), ErrorKind::Stale);
    assert_eq!(kept.read("/m/whole").unwrap(), *b"mine");
    assert_eq!(kept.read("/m/free").unwrap(), *b"the host's to change");
}

#[test]
fn a_loaded_overlay_knows_what_it_changed_and_a_loaded_tree_begins_anew() {
    let (table, disk) = overlay_over(&[("f", "1")]);
    table.mount("/memory", Mount::memory()).unwrap();
    table.write("/m/f", "2").unwrap();
    table.write("/memory/f", "1").unwrap();
    let options = LoadOptions::new().with_host("/m", open(disk.path()));
    let loaded = Table::load(&table.dump().unwrap(), options).unwrap();
    let paths: Vec<_> = loaded.changes().into_iter().map(|change| change.path).collect();
    assert_eq!(paths, ["/m/f"]);
}

#[derive(Debug)]
struct Foreign;

impl Reader for Foreign {
    fn metadata(&self, _: RelativePath<'_>, _: FollowLinks) -> Answer<Metadata> {
        Err(ErrorKind::NotFound.into())
    }

    fn read(&self, _: RelativePath<'_>, _: u64) -> Answer<Contents> {
        Err(ErrorKind::NotFound.into())
    }

    fn open(&self, _: RelativePath<'_>) -> Answer<()> {
        Err(ErrorKind::NotFound.into())
    }

    fn list(&self, _: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        Ok(Vec::new())
    }
}

#[test]
fn a_backend_that_nobody_here_knows_is_named_by_its_mount() {
    let table = mounted(Mount::memory());
    table.mount("/theirs", Mount::overlay(Foreign)).unwrap();
    let error = table.dump().unwrap_err();
    assert_eq!(error.kind(), DumpErrorKind::NotPortable);
    assert_eq!(error.paths(), ["/theirs"]);
    assert_eq!(
        error.to_string(),
        "the mount holds a backend that cannot be dumped: '/theirs'"
    );
}

#[test]
fn a_directory_of_the_host_is_given_back_as_what_it_was() {
    let disk = tempfile::tempdir().unwrap();
    fs::write(disk.path().join("file"), "host").unwrap();
    let table = Table::new();
    for point in ["/read", "/over"] {
        let mount = match point {
            "/read" => Mount::read_only(open(disk.path())),
            _ => Mount::overlay(WritableHostDirectory::new(open(disk.path()))),
        };
        table.mount(point, mount).unwrap();
    }
    table.write("/over/file", "changed").unwrap();
    let options = LoadOptions::new()
        .with_directory("/read", disk.path())
        .unwrap()
        .with_directory("/over", disk.path())
        .unwrap();
    let loaded = Table::load(&table.dump().unwrap(), options).unwrap();
    loaded
        .commit("/over", &mounts::history::CommitOptions::new())
        .unwrap();
    assert_eq!(loaded.read("/read/file").unwrap(), *b"changed");

    let written = Table::new();
    let mount = Mount::read_write(WritableHostDirectory::new(open(disk.path())));
    written.mount("/write", mount).unwrap();
    let options = LoadOptions::new().with_directory("/write", disk.path()).unwrap();
    let loaded = Table::load(&written.dump().unwrap(), options).unwrap();
    loaded.write("/write/file", "written").unwrap();
    assert_eq!(fs::read(disk.path().join("file")).unwrap(), b"written");

    let missing = LoadOptions::new().with_directory("/write", &disk.path().join("none"));
    assert_eq!(
        missing.unwrap_err().kind(),
        mounts::HostDirectoryErrorKind::NotFound
    );
}
