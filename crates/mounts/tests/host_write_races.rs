//! Attacks on a host directory that is written, by swapping what is in it while a change is made.
//!
//! Both states must have been met, or nothing was proven; what is outside must be as it was.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test fails by unwrapping, and plays the host"
)]

#[path = "support/host.rs"]
mod host;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use host::with_each_writer;
use mounts::{ErrorKind, Lease, OpenMode};
use rustix::fs::{CWD, Mode, RenameFlags, mknodat, renameat_with};

/// The swaps and the changes that one race has at least.
const ROUNDS: u64 = 1000;

/// Runs `swap` over and over while `act` runs, until both have had their rounds and `act` has met both states, which
/// it tells by answering true or false.
fn race(swap: impl Fn(u64) + Sync, mut act: impl FnMut(u64) -> bool) {
    let over = AtomicBool::new(false);
    let swaps = AtomicU64::new(0);
    let mut met = [0_u64; 2];
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                swap(swaps.fetch_add(1, Ordering::Relaxed));
            }
        });
        // However it ends, the other side ends too.
        let _end = OnDrop(|| over.store(true, Ordering::Relaxed));
        let enough = |met: &[u64; 2]| {
            met.iter().sum::<u64>() >= ROUNDS
                && met.iter().all(|count| *count > 0)
                && swaps.load(Ordering::Relaxed) >= ROUNDS
        };
        while !enough(&met) {
            met[usize::from(act(met.iter().sum()))] += 1;
        }
    });
    eprintln!("{swaps:?} swaps; {met:?} answers of each kind");
}

struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Every path below `directory`, with the contents of files.
fn image(directory: &Path) -> BTreeMap<String, Option<Vec<u8>>> {
    let mut image = BTreeMap::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
            image.insert(name, fs::read(&path).ok());
            if path.is_dir() {
                pending.push(path);
            }
        }
    }
    image
}

type Change = fn(&Lease, &str) -> mounts::Result<()>;

const FILE_CHANGES: [(&str, Change); 4] = [
    ("write", |lease, path| lease.write(path, "written")),
    ("append", |lease, path| lease.append(path, b"appended")),
    ("truncate", |lease, path| {
        lease.open_for_write(path, OpenMode::Truncate)
    }),
    ("touch", |lease, path| {
        lease.open_for_write(path, OpenMode::Append)
    }),
];

#[test]
fn a_file_swapped_for_a_link_that_leaves_is_never_written_through() {
    for (name, change) in FILE_CHANGES {
        with_each_writer(
            |inside| {
                fs::create_dir(inside.join("dir")).unwrap();
                fs::write(inside.with_file_name("outside"), "outside").unwrap();
            },
            |lease, inside| {
                let swap = |round: u64| {
                    let spare = inside.with_file_name("spare");
                    if round.is_multiple_of(2) {
                        symlink("../../outside", &spare).unwrap();
                    } else {
                        fs::write(&spare, "inside").unwrap();
                    }
                    fs::rename(spare, inside.join("dir/file")).unwrap();
                };
                race(swap, |_| match change(lease, "/m/dir/file") {
                    Ok(()) => true,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{name}");
                        false
                    }
                });
                assert_eq!(
                    fs::read(inside.with_file_name("outside")).unwrap(),
                    b"outside",
                    "{name}"
                );
            },
        );
    }
}

#[test]
fn a_file_swapped_for_a_fifo_is_never_written_and_nobody_waits() {
    for (name, change) in FILE_CHANGES {
        for has_reader in [false, true] {
            with_each_writer(
                |inside| {
                    fs::create_dir(inside.join("dir")).unwrap();
                    let fifo = inside.with_file_name("fifo");
                    mknodat(CWD, &fifo, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
                },
                |lease, inside| {
                    let fifo = inside.with_file_name("fifo");
                    let reader = has_reader.then(|| {
                        let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
                        let mut options = File::options();
                        options.read(true).custom_flags(nonblocking).open(&fifo).unwrap()
                    });
                    let file = inside.join("dir/file");
                    let replaces = name == "write";
                    if !replaces {
                        fs::write(&file, "inside").unwrap();
                    }
                    let swap = |round: u64| {
                        // A FIFO with one name would be written in place, and one with two be replaced.
                        if !replaces {
                            return renameat_with(CWD, &file, CWD, &fifo, RenameFlags::EXCHANGE).unwrap();
                        }
                        let spare = inside.with_file_name("spare");
                        if round.is_multiple_of(2) {
                            fs::hard_link(&fifo, &spare).unwrap();
                        } else {
                            fs::write(&spare, "inside").unwrap();
                        }
                        fs::rename(spare, &file).unwrap();
                    };
                    race(swap, |_| match change(lease, "/m/dir/file") {
                        Ok(()) => true,
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{name}");
                            false
                        }
                    });
                    if let Some(mut reader) = reader {
                        let mut came = Vec::new();
                        let _ = reader.read_to_end(&mut came);
                        assert_eq!(came, b"", "{name} wrote to the FIFO");
                    }
                },
            );
        }
    }
}

const CHANGES: [(&str, Change); 9] = [
    FILE_CHANGES[0],
    FILE_CHANGES[1],
    FILE_CHANGES[2],
    ("create", |lease, directory| {
        lease.write(&format!("{directory}/new"), "created")
    }),
    ("create_dir", |lease, directory| {
        lease.create_dir(&format!("{directory}/made"))
    }),
    ("remove_dir", |lease, directory| {
        lease.remove_dir(&format!("{directory}/empty"))
    }),
    ("remove_file", |lease, directory| {
        lease.remove_file(&format!("{directory}/file"))
    }),
    ("rename out of it", |lease, directory| {
        lease.rename(&format!("{directory}/deeper"), "/m/taken")
    }),
    ("rename into it", |lease, directory| {
        lease.rename("/m/given", &format!("{directory}/deeper/given"))
    }),
];

#[test]
fn a_directory_swapped_for_a_link_that_leaves_is_never_changed_through() {
    for (name, change) in CHANGES {
        let on_file = matches!(name, "write" | "append" | "truncate");
        let path = if on_file { "/m/dir/file" } else { "/m/dir" };
        with_each_writer(
            |inside| {
                let outside = inside.with_file_name("outside");
                for directory in [inside.join("dir"), outside] {
                    fs::create_dir_all(directory.join("deeper/below")).unwrap();
                    fs::create_dir(directory.join("empty")).unwrap();
                    fs::write(directory.join("file"), "as it was").unwrap();
                }
                fs::write(inside.join("given"), "given").unwrap();
                symlink("../outside", inside.join("trap")).unwrap();
            },
            |lease, inside| {
                let outside = inside.with_file_name("outside");
                let before = image(&outside);
                let (dir, trap) = (inside.join("dir"), inside.join("trap"));
                // The real directory, wherever it is now, is given back what a change has taken.
                let hold = File::open(&dir).unwrap();
                let restore = || {
                    use rustix::fs::{AtFlags, mkdirat, renameat, unlinkat};

                    let inside_it =
                        |name: &str| rustix::fs::statat(&hold, name, AtFlags::SYMLINK_NOFOLLOW).is_ok();
                    let _ = unlinkat(&hold, "new", AtFlags::empty());
                    let _ = unlinkat(&hold, "made", AtFlags::REMOVEDIR);
                    if !inside_it("empty") {
                        mkdirat(&hold, "empty", Mode::RWXU).unwrap();
                    }
                    if !inside_it("file") {
                        drop(
                            rustix::fs::openat(&hold, "file", rustix::fs::OFlags::CREATE, Mode::RWXU)
                                .unwrap(),
                        );
                    }
                    if !inside_it("deeper") {
                        renameat(CWD, inside.join("taken"), &hold, "deeper").unwrap();
                    }
                    if inside_it("deeper/given") {
                        renameat(&hold, "deeper/given", CWD, inside.join("given")).unwrap();
                    }
                };
                race(
                    |_| renameat_with(CWD, &dir, CWD, &trap, RenameFlags::EXCHANGE).unwrap(),
                    |_| match change(lease, path) {
                        Ok(()) => {
                            restore();
                            true
                        }
                        Err(error) => {
                            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{name}");
                            false
                        }
                    },
                );
                assert_eq!(image(&outside), before, "{name}");
            },
        );
    }
}

/// Refused changes and changes that came through leave no temporary, wherever the directory was at that moment: the
/// suite's [`with_each_writer`] looks. Here the directory is moved out of the mount and back.
#[test]
fn a_directory_moved_away_while_it_is_written_gets_a_whole_file_or_none() {
    with_each_writer(
        |inside| {
            fs::create_dir(inside.join("dir")).unwrap();
            fs::write(inside.join("dir/file"), "0").unwrap();
            fs::create_dir(inside.with_file_name("empty")).unwrap();
        },
        |lease, inside| {
            let empty = inside.with_file_name("empty");
            let dir = inside.join("dir");
            race(
                |_| renameat_with(CWD, &dir, CWD, &empty, RenameFlags::EXCHANGE).unwrap(),
                |round| {
                    // Moved out half-way through a lookup, it is denied, as the kernel notices where it ended up.
                    if let Err(error) = lease.write("/m/dir/file", round.to_string()) {
                        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
                    }
                    lease
                        .read("/m/dir/file")
                        .is_ok_and(|text| text.to_vec() == round.to_string().into_bytes())
                },
            );
            for directory in [&dir, &empty] {
                let text = fs::read_to_string(directory.join("file")).unwrap();
                assert!(text.parse::<u64>().is_ok(), "{text}");
            }
        },
    );
}
