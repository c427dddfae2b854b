//! Reading a link without following it.

use std::os::fd::BorrowedFd;

use cap_std::fs::File;
use rustix::fs::readlinkat;
use rustix::io::Errno;

/// The target of the link called `name` in `directory`; `None` when no virtual path could be made of it.
///
/// # Errors
///
/// `INVAL` when there is something else than a link.
pub(super) fn read(directory: BorrowedFd<'_>, name: &str) -> Result<Option<String>, Errno> {
    let target = readlinkat(directory, name, Vec::new())?;
    if is_magic(directory) {
        return Ok(None);
    }
    Ok(target.into_string().ok())
}

/// The target of a link that was opened itself, as Linux can.
pub(super) fn read_open(link: &File) -> std::io::Result<Option<String>> {
    use std::os::fd::AsFd as _;
    Ok(read(link.as_fd(), "")?)
}

/// Whether links on the file system of `object` need not lead where they say.
///
/// `procfs` has both kinds, and the text of a magic one (`pipe:[17]`) can look like a name in its own directory.
#[cfg(target_os = "linux")]
fn is_magic(object: BorrowedFd<'_>) -> bool {
    rustix::fs::fstatfs(object).is_ok_and(|system| system.f_type == rustix::fs::PROC_SUPER_MAGIC)
}

#[cfg(not(target_os = "linux"))]
fn is_magic(_: BorrowedFd<'_>) -> bool {
    false
}
