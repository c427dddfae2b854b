//! What an overlay does that no single tree does: whiteouts, opaque directories, copy-up in part, renames by
//! redirection, and a lower that changes underneath.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mounts::{
    Answer, Contents, DirEntry, ErrorKind, FollowLinks, Lease, LeaseMode, Memory, Metadata, Mount, OpenMode,
    Overlay, Reader, RelativePath, Table,
};
use support::kind;

/// An overlay at `/m`, and its lower layer, which stands for a host directory that others change, at `/m` of a
/// table of its own.
struct Layers {
    over: Lease,
    host: Lease,
    lower: Arc<Counting>,
}

/// A lower layer that counts how often the bytes of a file, or the entries of a directory, are asked for.
#[derive(Debug)]
struct Counting {
    tree: Arc<Memory>,
    reads: AtomicUsize,
    lists: AtomicUsize,
}

impl Reader for Counting {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        self.tree.metadata(path, follow)
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.tree.read(path, limit)
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        self.tree.open(path)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        self.tree.list(path)
    }
}

fn leased(mount: Mount) -> Lease {
    let table = Table::new();
    table.mount("/m", mount).unwrap();
    table.checkout(LeaseMode::Exclusive).unwrap()
}

/// Layers whose lower holds these files, each in the directories its path names.
fn layers(files: &[&str]) -> Layers {
    let tree = Arc::new(Memory::new());
    let host = leased(Mount::read_write(Arc::clone(&tree)));
    for file in files {
        host.create_dir_all(&format!(
            "/m/{}",
            file.rsplit_once('/').map_or("", |(parent, _)| parent)
        ))
        .unwrap();
        host.write(&format!("/m/{file}"), format!("lower {file}"))
            .unwrap();
    }
    let lower = Arc::new(Counting {
        tree,
        reads: AtomicUsize::new(0),
        lists: AtomicUsize::new(0),
    });
    let over = leased(Mount::overlay(Arc::clone(&lower)));
    Layers { over, host, lower }
}

fn names(lease: &Lease, path: &str) -> Vec<String> {
    lease
        .list(path)
        .unwrap()
        .iter()
        .map(|entry| entry.name.to_string())
        .collect()
}

fn text(lease: &Lease, path: &str) -> String {
    String::from_utf8(lease.read(path).unwrap().to_vec()).unwrap()
}

#[test]
fn a_renamed_lower_directory_can_be_deleted_and_stays_deleted() {
    let Layers { over, host, .. } = layers(&["d/e/f"]);
    over.rename("/m/d", "/m/moved").unwrap();
    assert_eq!(text(&over, "/m/moved/e/f"), "lower d/e/f");
    assert_eq!(kind(over.read("/m/d/e/f")), ErrorKind::NotFound);
    over.remove_file("/m/moved/e/f").unwrap();
    over.remove_dir("/m/moved/e").unwrap();
    over.remove_dir("/m/moved").unwrap();
    assert_eq!(names(&over, "/m"), Vec::<String>::new());
    assert_eq!(text(&host, "/m/d/e/f"), "lower d/e/f");
}

#[test]
fn a_directory_made_anew_is_opaque_also_to_what_the_lower_gains_later() {
    let Layers { over, host, .. } = layers(&["d/old"]);
    over.remove_file("/m/d/old").unwrap();
    over.remove_dir("/m/d").unwrap();
    over.create_dir("/m/d").unwrap();
    assert_eq!(names(&over, "/m/d"), Vec::<String>::new());
    host.write("/m/d/late", "x").unwrap();
    assert_eq!(names(&over, "/m/d"), Vec::<String>::new());
    assert_eq!(kind(over.read("/m/d/late")), ErrorKind::NotFound);
    over.write("/m/d/late", "mine").unwrap();
    assert_eq!(text(&over, "/m/d/late"), "mine");
}

#[test]
fn a_whiteout_covers_its_subtree_also_what_the_lower_gains_later() {
    let Layers { over, host, .. } = layers(&["d/e/f"]);
    over.rename("/m/d", "/m/away").unwrap();
    host.write("/m/d/late", "x").unwrap();
    for path in ["/m/d", "/m/d/e", "/m/d/e/f", "/m/d/late"] {
        assert_eq!(kind(over.metadata(path)), ErrorKind::NotFound, "{path}");
        assert_eq!(
            kind(over.append(&format!("{path}/x"), b"x")),
            ErrorKind::NotFound,
            "{path}"
        );
    }
}

#[test]
fn file_directory_file_and_back() {
    let Layers { over, .. } = layers(&["x", "d/f"]);
    over.remove_file("/m/x").unwrap();
    over.create_dir("/m/x").unwrap();
    over.write("/m/x/below", "1").unwrap();
    assert_eq!(kind(over.write("/m/x", "no")), ErrorKind::IsADirectory);
    over.remove_file("/m/x/below").unwrap();
    over.remove_dir("/m/x").unwrap();
    over.write("/m/x", "file again").unwrap();
    assert_eq!(text(&over, "/m/x"), "file again");

    over.remove_file("/m/d/f").unwrap();
    over.remove_dir("/m/d").unwrap();
    over.write("/m/d", "now a file").unwrap();
    assert_eq!(kind(over.read("/m/d/f")), ErrorKind::NotADirectory);
    assert_eq!(names(&over, "/m"), ["d", "x"]);
}

#[test]
fn a_deleted_lower_file_stays_deleted_through_renames_of_its_directory() {
    let Layers { over, .. } = layers(&["d/keep", "d/gone"]);
    over.remove_file("/m/d/gone").unwrap();
    over.rename("/m/d", "/m/e").unwrap();
    assert_eq!(names(&over, "/m/e"), ["keep"]);
    over.rename("/m/e", "/m/d").unwrap();
    assert_eq!(names(&over, "/m/d"), ["keep"]);
    assert_eq!(kind(over.read("/m/d/gone")), ErrorKind::NotFound);
}

#[test]
fn what_is_renamed_back_leaves_nothing_behind() {
    let Layers { over, .. } = layers(&["f", "d/g"]);
    let held = || over.mounts()[0].usage.held;
    assert_eq!(held(), mounts::Held::default());
    over.rename("/m/f", "/m/f2").unwrap();
    over.rename("/m/f2", "/m/f").unwrap();
    assert_eq!(held(), mounts::Held::default());
    over.rename("/m/d", "/m/d2").unwrap();
    over.rename("/m/d2/g", "/m/g").unwrap();
    over.rename("/m/g", "/m/d2/g").unwrap();
    over.rename("/m/d2", "/m/d").unwrap();
    assert_eq!(held().files, 0);
    assert_eq!(text(&over, "/m/d/g"), "lower d/g");
}

#[test]
fn whiteouts_over_nothing_are_not_kept() {
    let Layers { over, .. } = layers(&["d/f"]);
    for _ in 0..100 {
        over.write("/m/new", "x").unwrap();
        over.remove_file("/m/new").unwrap();
        over.create_dir("/m/dir").unwrap();
        over.remove_dir("/m/dir").unwrap();
    }
    assert_eq!(over.mounts()[0].usage.held, mounts::Held::default());
}

#[test]
fn appending_to_and_renaming_a_lower_file_do_not_read_it() {
    let Layers { over, lower, .. } = layers(&["d/log"]);
    over.append("/m/d/log", b" and more").unwrap();
    over.rename("/m/d/log", "/m/d/log2").unwrap();
    over.append("/m/d/log2", b"!").unwrap();
    over.rename("/m/d", "/m/e").unwrap();
    over.open_for_write("/m/e/log2", OpenMode::Append).unwrap();
    assert_eq!(lower.reads.load(Ordering::Relaxed), 0);
    let usage = over.mounts()[0].usage;
    assert_eq!((usage.held.bytes, usage.written), (10, 10));
    assert_eq!(text(&over, "/m/e/log2"), "lower d/log and more!");
    assert_eq!(over.metadata("/m/e/log2").unwrap().size, 21);
    assert_eq!(lower.reads.load(Ordering::Relaxed), 1);
}

#[test]
fn renaming_a_lower_directory_looks_at_nothing_in_it() {
    let Layers { over, lower, .. } = layers(&["d/a", "d/b/c"]);
    over.rename("/m/d", "/m/e").unwrap();
    assert_eq!(
        (
            lower.reads.load(Ordering::Relaxed),
            lower.lists.load(Ordering::Relaxed)
        ),
        (0, 0)
    );
    over.rename("/m/e/b", "/m/e/z").unwrap();
    assert_eq!(names(&over, "/m/e"), ["a", "z"]);
    assert_eq!(text(&over, "/m/e/z/c"), "lower d/b/c");
}

#[test]
fn a_path_that_the_upper_does_not_own_shows_what_the_lower_has_now() {
    let Layers { over, host, .. } = layers(&["d/a", "d/b"]);
    over.write("/m/d/mine", "upper").unwrap();
    host.write("/m/d/a", "changed").unwrap();
    host.write("/m/d/new", "born below").unwrap();
    host.remove_file("/m/d/b").unwrap();
    assert_eq!(names(&over, "/m/d"), ["a", "mine", "new"]);
    assert_eq!(text(&over, "/m/d/a"), "changed");
    assert_eq!(text(&over, "/m/d/new"), "born below");
}

#[test]
fn what_the_upper_has_survives_the_lower_directory_around_it() {
    let Layers { over, host, .. } = layers(&["d/a"]);
    over.write("/m/d/mine", "upper").unwrap();
    host.remove_file("/m/d/a").unwrap();
    host.remove_dir("/m/d").unwrap();
    assert_eq!(names(&over, "/m/d"), ["mine"]);
    host.write("/m/d", "a file now").unwrap();
    assert_eq!(names(&over, "/m/d"), ["mine"]);
    assert_eq!(text(&over, "/m/d/mine"), "upper");
}

/// Each way in which the host can change a file that the upper owns, against each way of owning it.
#[test]
fn drift_is_seen_where_lower_bytes_are_needed_and_nowhere_else() {
    type Act = fn(&Lease);
    let changes: [(&str, Act); 3] = [
        ("rewritten", |host| host.write("/m/f", "other bytes").unwrap()),
        ("deleted", |host| host.remove_file("/m/f").unwrap()),
        ("replaced by a directory", |host| {
            host.remove_file("/m/f").unwrap();
            host.create_dir("/m/f").unwrap();
        }),
    ];
    for (change, apply) in changes {
        let Layers { over, host, .. } = layers(&["f"]);
        over.append("/m/f", b"+").unwrap();
        apply(&host);
        assert_eq!(kind(over.read("/m/f")), ErrorKind::Stale, "extended, {change}");
        assert_eq!(kind(over.open("/m/f")), ErrorKind::Stale, "extended, {change}");
        over.append("/m/f", b"+").unwrap();
        over.write("/m/f", "whole").unwrap();
        assert_eq!(text(&over, "/m/f"), "whole", "extended then replaced, {change}");

        let Layers { over, host, .. } = layers(&["f"]);
        over.rename("/m/f", "/m/g").unwrap();
        apply(&host);
        assert_eq!(kind(over.read("/m/g")), ErrorKind::Stale, "renamed, {change}");
        assert_eq!(
            kind(over.read("/m/f")),
            ErrorKind::NotFound,
            "renamed away, {change}"
        );
        over.remove_file("/m/g").unwrap();

        let Layers { over, host, .. } = layers(&["f"]);
        over.write("/m/f", "mine").unwrap();
        apply(&host);
        assert_eq!(text(&over, "/m/f"), "mine", "replaced, {change}");

        let Layers { over, host, .. } = layers(&["f"]);
        over.remove_file("/m/f").unwrap();
        apply(&host);
        assert_eq!(
            kind(over.metadata("/m/f")),
            ErrorKind::NotFound,
            "hidden, {change}"
        );
    }
}

#[test]
fn a_renamed_lower_directory_that_became_another_is_stale() {
    let Layers { over, host, .. } = layers(&["d/f"]);
    over.rename("/m/d", "/m/e").unwrap();
    host.rename("/m/d", "/m/elsewhere").unwrap();
    host.create_dir("/m/d").unwrap();
    host.write("/m/d/f", "planted").unwrap();
    assert_eq!(kind(over.read("/m/e/f")), ErrorKind::Stale);
    assert_eq!(kind(over.list("/m/e")), ErrorKind::Stale);
    over.write("/m/e/f", "whole").unwrap_err();
}

#[test]
fn inode_numbers_are_kept_through_copy_up_and_rename() {
    let Layers { over, .. } = layers(&["f", "d/g"]);
    let inode = |path: &str| over.metadata(path).unwrap().inode;
    let (file, directory) = (inode("/m/f"), inode("/m/d"));
    over.append("/m/f", b"x").unwrap();
    assert_eq!(inode("/m/f"), file);
    over.write("/m/f", "x").unwrap();
    over.rename("/m/f", "/m/f2").unwrap();
    assert_eq!(inode("/m/f2"), file);
    over.write("/m/d/new", "x").unwrap();
    over.rename("/m/d", "/m/d2").unwrap();
    assert_eq!(inode("/m/d2"), directory);
    let born = inode("/m/d2/new");
    assert!(born > 1 << 62 && born < 1 << 63);
}

#[test]
fn link_counts_of_merged_directories_count_what_shows() {
    let Layers { over, .. } = layers(&["d/a/x", "d/b/x"]);
    let links = |path: &str| over.metadata(path).unwrap().links;
    assert_eq!(links("/m/d"), 4);
    over.create_dir("/m/d/c").unwrap();
    assert_eq!(links("/m/d"), 5);
    over.rename("/m/d/a", "/m/a").unwrap();
    assert_eq!((links("/m/d"), links("/m/a"), links("/m")), (4, 2, 4));
    over.remove_file("/m/d/b/x").unwrap();
    over.remove_dir("/m/d/b").unwrap();
    assert_eq!(links("/m/d"), 3);
    over.write("/m/d/b", "a file").unwrap();
    assert_eq!(links("/m/d"), 3);
}

#[test]
fn limits_count_the_upper_only_and_refuse_without_effect() {
    let tree = Arc::new(Memory::new());
    let host = leased(Mount::read_write(Arc::clone(&tree)));
    host.write("/m/big", vec![b'x'; 1000]).unwrap();
    let limits = mounts::Limits {
        max_bytes: Some(10),
        max_files: Some(1),
        max_file_size: Some(1005),
        ..mounts::Limits::default()
    };
    let over = leased(Mount::overlay(tree).with_limits(limits));
    over.append("/m/big", b"12345").unwrap();
    assert_eq!(kind(over.append("/m/big", b"6")), ErrorKind::FileTooLarge);
    assert_eq!(over.read("/m/big").unwrap().len(), 1005);
    assert_eq!(kind(over.write("/m/new", vec![0; 6])), ErrorKind::NoSpace);
    over.write("/m/new", vec![0; 5]).unwrap();
    assert_eq!(kind(over.create_dir("/m/dir")), ErrorKind::NoSpace);
    assert_eq!(names(&over, "/m"), ["big", "new"]);
    let usage = over.mounts()[0].usage;
    assert_eq!((usage.held.bytes, usage.held.files, usage.written), (10, 1, 10));
}

#[test]
fn an_overlay_over_an_overlay_sees_through_both() {
    let Layers { lower, .. } = layers(&["d/a", "d/b"]);
    let middle = Arc::new(Overlay::new(lower));
    let between = leased(Mount::read_write(Arc::clone(&middle)));
    between.remove_file("/m/d/a").unwrap();
    between.write("/m/d/c", "middle").unwrap();
    let over = leased(Mount::overlay(middle));
    over.rename("/m/d", "/m/e").unwrap();
    over.append("/m/e/c", b" and top").unwrap();
    assert_eq!(names(&over, "/m/e"), ["b", "c"]);
    assert_eq!(text(&over, "/m/e/c"), "middle and top");
    assert_eq!(names(&between, "/m/d"), ["b", "c"]);
    assert_eq!(text(&between, "/m/d/c"), "middle");
}
