//! The kernel's way: one `openat2` that resolves beneath the root and stops at links and mounts.

use std::io;

use cap_std::fs::{Dir, File};
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::{Errno, retry_on_intr};

use super::lookup::Purpose;

const RESOLVE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// How often a lookup is tried again that the kernel gave up because something was renamed meanwhile.
const TRIES: usize = 4;

/// Whether the kernel, and the filter this process may be under, allow `openat2`.
pub(super) fn is_available(root: &Dir) -> bool {
    open(root, ".", Purpose::Describe).is_some()
}

/// Opens `path` beneath `root`; `None` where the component walk has to decide: a link is in the way, the kernel
/// lacks the call, or it kept giving up.
///
/// A final link is opened itself to be described, and is in the way for any other purpose.
pub(super) fn open(root: &Dir, path: &str, purpose: Purpose) -> Option<io::Result<File>> {
    let flags = OFlags::CLOEXEC
        | match purpose {
            Purpose::Describe => OFlags::PATH | OFlags::NOFOLLOW,
            // Neither waits for the other end of a FIFO, nor takes a terminal.
            Purpose::Read => OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY,
            Purpose::List => OFlags::RDONLY | OFlags::DIRECTORY,
            Purpose::Enter => OFlags::PATH | OFlags::DIRECTORY,
        };
    for _ in 0..TRIES {
        match retry_on_intr(|| openat2(root, path, flags, Mode::empty(), RESOLVE)) {
            Ok(descriptor) => return Some(Ok(File::from_std(descriptor.into()))),
            Err(Errno::AGAIN) => {}
            // Filters answer PERM or NOSYS, older kernels INVAL or TOOBIG for flags they do not know.
            Err(Errno::LOOP | Errno::NOSYS | Errno::PERM | Errno::INVAL | Errno::TOOBIG) => return None,
            Err(error) => return Some(Err(error.into())),
        }
    }
    None
}
