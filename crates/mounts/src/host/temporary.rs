//! Files under construction: written beside the file they will replace, under a name that no script ever sees.
//!
//! Whoever writes one holds a lock on it, which ends with the process at the latest. A temporary that nobody holds a
//! lock on was left by a crash, whatever its age, and is removed by the next that comes across it; one that somebody
//! writes now, in this process or another, is left alone. Where the file system has no locks, nothing is removed.

use std::hash::{BuildHasher as _, RandomState};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::File;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, openat, renameat, unlinkat};
use rustix::io::{Errno, retry_on_intr};

use crate::metadata::FileType;
use crate::path::RelativePath;

use super::{attic, stat};

const PREFIX: &str = ".mounts-";
const SUFFIX: &str = ".partial";
/// What stands between them: lower-case hexadecimal digits.
const DIGITS: usize = 32;

/// How often another name is tried because somebody has taken, or taken away, the last one.
const TRIES: usize = 64;

/// Whether `name` is one that temporaries have.
pub(super) fn is_reserved(name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .and_then(|name| name.strip_suffix(SUFFIX))
        .is_some_and(|digits| {
            digits.len() == DIGITS
                && digits
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
}

/// Whether `path` leads to a temporary or through something called like one.
pub(super) fn is_in(path: RelativePath<'_>) -> bool {
    path.as_str().contains(PREFIX) && path.components().any(is_reserved)
}

/// A name nobody can foresee, different each time.
pub(super) fn fresh_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // The keys of the hash are the system's random bytes. The process tells a child apart that has them by `fork`.
    let seed = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let (high, low) = (
        RandomState::new().hash_one(seed),
        RandomState::new().hash_one(seed),
    );
    format!("{PREFIX}{high:016x}{low:016x}{SUFFIX}")
}

/// A file under construction. Dropped before it is published, it is removed.
#[derive(Debug)]
pub(super) struct Temporary<'d> {
    directory: BorrowedFd<'d>,
    name: String,
    file: File,
    is_published: bool,
}

impl<'d> Temporary<'d> {
    /// Begins an empty file in `directory`, with `mode` less the process's mask.
    pub(super) fn create(directory: BorrowedFd<'d>, mode: Mode) -> Result<Self, Errno> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        for _ in 0..TRIES {
            let name = fresh_name();
            let file = match retry_on_intr(|| openat(directory, &name, flags, mode)) {
                Ok(descriptor) => File::from_std(descriptor.into()),
                Err(Errno::EXIST) => continue,
                Err(error) => return Err(error),
            };
            let temporary = Self {
                directory,
                name,
                file,
                is_published: false,
            };
            if temporary.is_locked() {
                return Ok(temporary);
            }
        }
        Err(Errno::AGAIN)
    }

    /// Locks the file, unless somebody who took it for a leftover was faster.
    fn is_locked(&self) -> bool {
        match retry_on_intr(|| flock(&self.file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => stat::object(&self.file).is_ok_and(|found| found.metadata.links > 0),
            Err(Errno::WOULDBLOCK) => false,
            // No locks here, and so nobody who removes what is not locked.
            Err(_) => true,
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Gives the file its name, in the place of whatever has it.
    pub(super) fn publish_over(mut self, name: &str) -> Result<(), Errno> {
        renameat(self.directory, &self.name, self.directory, name)?;
        self.is_published = true;
        Ok(())
    }

    /// Gives the file its name.
    ///
    /// # Errors
    ///
    /// `EXIST` when something has the name, where the file system can tell.
    pub(super) fn publish_new(mut self, name: &str) -> Result<(), Errno> {
        match rename_to_free(self.directory, &self.name, self.directory, name) {
            Err(Errno::INVAL | Errno::NOSYS) => self.publish_over(name),
            Err(error) => Err(error),
            Ok(()) => {
                self.is_published = true;
                Ok(())
            }
        }
    }
}

/// Renames to where nothing is; `INVAL` or `NOSYS` where the file system cannot tell.
#[cfg(target_os = "linux")]
pub(super) fn rename_to_free(
    there: BorrowedFd<'_>,
    from: &str,
    here: BorrowedFd<'_>,
    to: &str,
) -> Result<(), Errno> {
    use rustix::fs::{RenameFlags, renameat_with};

    renameat_with(there, from, here, to, RenameFlags::NOREPLACE)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn rename_to_free(_: BorrowedFd<'_>, _: &str, _: BorrowedFd<'_>, _: &str) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

impl Drop for Temporary<'_> {
    fn drop(&mut self) {
        if !self.is_published {
            // Where it cannot be removed it is left over, as after a crash.
            let _ = unlinkat(self.directory, &self.name, AtFlags::empty());
        }
    }
}

/// Removes the temporary called `name` from `directory` unless somebody is writing it, or what is spare of an attic of that
/// name, and says whether it is gone.
pub(super) fn sweep(directory: BorrowedFd<'_>, name: &str) -> bool {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = match openat(directory, name, flags, Mode::empty()) {
        Ok(descriptor) => File::from_std(descriptor.into()),
        Err(Errno::ISDIR) => return attic::sweep(directory, name),
        Err(_) => return false,
    };
    // The lock is held until it is gone, so that who begins a temporary notices. Once published it has another name.
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return false;
    }
    is_named(directory, name, &file, FileType::File)
        && unlinkat(directory.as_fd(), name, AtFlags::empty()).is_ok()
}

/// Whether `object`, of this type, is what has the name.
pub(super) fn is_named(directory: BorrowedFd<'_>, name: &str, object: &File, file_type: FileType) -> bool {
    match (stat::object(object), stat::entry(directory, name)) {
        (Ok(open), Ok(named)) => {
            open.metadata.file_type == file_type
                && open.metadata.inode == named.metadata.inode
                && !open.mount.is_other_than(named.mount)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_names_are_reserved_and_differ() {
        let names: std::collections::BTreeSet<_> = (0..1000).map(|_| fresh_name()).collect();
        assert_eq!(names.len(), 1000);
        assert!(names.iter().all(|name| is_reserved(name) && name.len() < 64));
    }

    #[test]
    fn names_that_only_look_alike_are_ordinary() {
        let digits = "0123456789abcdef0123456789abcdef";
        assert!(is_reserved(&format!(".mounts-{digits}.partial")));
        for name in [
            ".mounts-.partial".to_owned(),
            format!("mounts-{digits}.partial"),
            format!(".mounts-{digits}.partial~"),
            format!(".mounts-{}.partial", &digits[1..]),
            format!(".mounts-{digits}0.partial"),
            format!(".mounts-{}.partial", digits.to_uppercase()),
        ] {
            assert!(!is_reserved(&name), "{name}");
        }
    }

    #[test]
    fn a_path_is_reserved_with_any_of_its_components() {
        let name = fresh_name();
        for (path, expected) in [
            (name.clone(), true),
            (format!("a/{name}"), true),
            (format!("{name}/a"), true),
            (format!("a{name}"), false),
            ("a/.mounts-b".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(is_in(RelativePath::new(&path)), expected, "{path}");
        }
    }
}
