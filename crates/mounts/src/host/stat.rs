//! Describing an object, and which mount of the host it lives in.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cap_std::fs::{Dir, File, MetadataExt as _};

use crate::metadata::{FileType, Metadata};

/// The set-user-id and set-group-id bits.
const SET_ID_BITS: u32 = 0o6000;

/// The permission bits a script may see: all but set-user-id and set-group-id.
const MODE_BITS: u32 = 0o1777;

/// What one look at an object tells.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) metadata: Metadata,
    pub(super) mount: HostMount,
    /// Whether it is a program that runs as its owner or group, whoever starts it.
    pub(super) is_set_id: bool,
}

/// One mount in the host's own tree of mounts.
#[derive(Debug, Clone, Copy)]
pub(super) struct HostMount {
    device: u64,
    /// Linux's number for the mount, from 5.8 on.
    id: Option<u64>,
}

impl HostMount {
    pub(super) fn device(self) -> u64 {
        self.device
    }

    #[cfg(target_os = "linux")]
    pub(super) fn id(self) -> Option<u64> {
        self.id
    }

    /// Whether the two are known to differ.
    ///
    /// The number decides where there is one: bind mounts of one file system share a device, and one mount of
    /// overlayfs or btrfs shows several.
    pub(super) fn is_other_than(self, other: Self) -> bool {
        match (self.id, other.id) {
            (Some(one), Some(other)) => one != other,
            _ => self.device != other.device,
        }
    }
}

/// Describes an open directory.
pub(super) fn directory(directory: &Dir) -> io::Result<Found> {
    look(directory.as_fd(), "", || directory.dir_metadata())
}

/// Describes an open object.
pub(super) fn object(object: &File) -> io::Result<Found> {
    look(object.as_fd(), "", || object.metadata())
}

/// Describes the entry called `name` itself; `directory` is an open directory.
pub(super) fn entry(directory: BorrowedFd<'_>, name: &str) -> io::Result<Found> {
    look(directory, name, || {
        Dir::from_std_file(directory.try_clone_to_owned()?.into()).symlink_metadata(name)
    })
}

/// Looks once where the system can tell everything at once, else the way `portable` does.
#[cfg(target_os = "linux")]
fn look(
    descriptor: BorrowedFd<'_>,
    name: &str,
    portable: impl FnOnce() -> io::Result<cap_std::fs::Metadata>,
) -> io::Result<Found> {
    use rustix::fs::{AtFlags, StatxFlags, statx};
    use rustix::io::Errno;

    let flags = AtFlags::EMPTY_PATH | AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT;
    let wanted = StatxFlags::BASIC_STATS | StatxFlags::MNT_ID;
    match statx(descriptor, name, flags, wanted) {
        Ok(stat) => Ok(from_statx(&stat)),
        // Kernels before 4.11, and filters that do not know the call.
        Err(Errno::NOSYS | Errno::PERM) => portable().map(|metadata| from_portable(&metadata)),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn look(
    _: BorrowedFd<'_>,
    _: &str,
    portable: impl FnOnce() -> io::Result<cap_std::fs::Metadata>,
) -> io::Result<Found> {
    portable().map(|metadata| from_portable(&metadata))
}

#[cfg(target_os = "linux")]
fn from_statx(stat: &rustix::fs::Statx) -> Found {
    use rustix::fs::{StatxFlags, StatxTimestamp, makedev};

    let time = |stamp: StatxTimestamp| time(stamp.tv_sec, stamp.tv_nsec.into());
    let mode = u32::from(stat.stx_mode);
    Found {
        metadata: Metadata {
            file_type: file_type(mode),
            mode: mode & MODE_BITS,
            size: stat.stx_size,
            inode: stat.stx_ino,
            device: 0,
            links: stat.stx_nlink.into(),
            uid: stat.stx_uid,
            gid: stat.stx_gid,
            accessed: time(stat.stx_atime),
            modified: time(stat.stx_mtime),
            changed: time(stat.stx_ctime),
        },
        is_set_id: mode & SET_ID_BITS != 0,
        mount: HostMount {
            device: makedev(stat.stx_dev_major, stat.stx_dev_minor),
            id: StatxFlags::from_bits_retain(stat.stx_mask)
                .contains(StatxFlags::MNT_ID)
                .then_some(stat.stx_mnt_id),
        },
    }
}

fn from_portable(metadata: &cap_std::fs::Metadata) -> Found {
    Found {
        metadata: Metadata {
            file_type: file_type(metadata.mode()),
            mode: metadata.mode() & MODE_BITS,
            size: metadata.size(),
            inode: metadata.ino(),
            device: 0,
            links: metadata.nlink(),
            uid: metadata.uid(),
            gid: metadata.gid(),
            accessed: time(metadata.atime(), metadata.atime_nsec()),
            modified: time(metadata.mtime(), metadata.mtime_nsec()),
            changed: time(metadata.ctime(), metadata.ctime_nsec()),
        },
        is_set_id: metadata.mode() & SET_ID_BITS != 0,
        mount: HostMount {
            device: metadata.dev(),
            id: None,
        },
    }
}

/// The file type in the upper bits of `st_mode`.
fn file_type(mode: u32) -> FileType {
    const TYPE_BITS: u32 = 0o170_000;
    [FileType::File, FileType::Directory, FileType::Symlink]
        .into_iter()
        .find(|file_type| file_type.mode_bits() == mode & TYPE_BITS)
        .unwrap_or(FileType::Special)
}

/// A time given in whole seconds, also before 1970, and the nanoseconds to add to them.
fn time(seconds: i64, nanoseconds: i64) -> SystemTime {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let second = if seconds < 0 {
        UNIX_EPOCH.checked_sub(whole)
    } else {
        UNIX_EPOCH.checked_add(whole)
    };
    let fraction = Duration::from_nanos(nanoseconds.unsigned_abs());
    second
        .and_then(|second| second.checked_add(fraction))
        .unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_1970_count_their_nanoseconds_forwards() {
        assert_eq!(time(0, 0), UNIX_EPOCH);
        assert_eq!(time(-1, 999_999_999), UNIX_EPOCH - Duration::from_nanos(1));
        assert_eq!(time(1, 1), UNIX_EPOCH + Duration::from_nanos(1_000_000_001));
        assert_eq!(time(i64::MAX, 999_999_999).min(UNIX_EPOCH), UNIX_EPOCH);
    }

    #[test]
    fn everything_but_files_directories_and_links_is_special() {
        for (mode, expected) in [
            (0o100_644, FileType::File),
            (0o040_755, FileType::Directory),
            (0o120_777, FileType::Symlink),
            (0o010_600, FileType::Special),
            (0o020_600, FileType::Special),
            (0o060_600, FileType::Special),
            (0o140_600, FileType::Special),
            (0, FileType::Special),
        ] {
            assert_eq!(file_type(mode), expected, "{mode:o}");
        }
    }

    #[test]
    fn mounts_are_told_apart_by_number_where_both_have_one() {
        let mount = |device, id| HostMount { device, id };
        assert!(!mount(1, Some(7)).is_other_than(mount(2, Some(7))));
        assert!(mount(1, Some(7)).is_other_than(mount(1, Some(8))));
        assert!(mount(1, None).is_other_than(mount(2, Some(7))));
        assert!(!mount(1, None).is_other_than(mount(1, Some(7))));
    }
}
