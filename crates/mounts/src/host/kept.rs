//! What a file that takes another's place keeps of it: mode, owner, extended attributes.

use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::fchown;

use cap_std::fs::{File, Permissions, PermissionsExt as _};
use rustix::fs::{AtFlags, Gid, Mode, chownat, fstat};
use rustix::io::Errno;

use crate::metadata::Metadata;

use super::stat;

/// Makes `new` look like `old`, whose metadata are `kept`.
///
/// A program that runs as its owner loses that right with its contents, as when an unprivileged user writes it.
///
/// # Errors
///
/// Those of the system where owner, group or access list cannot be kept: with other ones, the file would be open to
/// other people than before.
pub(super) fn give(new: &File, old: &File, kept: &Metadata) -> io::Result<()> {
    let born = stat::object(new)?.metadata;
    let other = |now: u32, then: u32| (now != then).then_some(then);
    let (owner, group) = (other(born.uid, kept.uid), other(born.gid, kept.gid));
    if owner.is_some() || group.is_some() {
        fchown(new, owner, group)?;
    }
    give_attributes(new, old)?;
    // After the owner, and after the access list, whose mask it is.
    set_mode(new, kept.mode)
}

/// Gives an entry that was born elsewhere the group that it would have been born with in `directory`, where that hands its
/// own on. One who may not give that group away leaves the entry with the one that it has.
///
/// # Errors
///
/// Those of looking at the directory.
pub(super) fn give_group(
    (there, name): (BorrowedFd<'_>, &str),
    directory: BorrowedFd<'_>,
) -> Result<(), Errno> {
    let found = fstat(directory)?;
    if Mode::from_raw_mode(found.st_mode).contains(Mode::SGID) {
        let group = Gid::from_raw(found.st_gid);
        let _ = chownat(there, name, None, Some(group), AtFlags::SYMLINK_NOFOLLOW);
    }
    Ok(())
}

/// Sets the permission bits of an open file, which has no others afterwards.
pub(super) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

/// Copies the extended attributes that may be copied, and takes away the access list that a directory gives to what is
/// born in it where `old` has none.
#[cfg(target_os = "linux")]
fn give_attributes(new: &File, old: &File) -> Result<(), Errno> {
    use rustix::fs::{XattrFlags, fgetxattr, fremovexattr, fsetxattr};

    const ACCESS_LIST: &[u8] = b"system.posix_acl_access";
    /// What vouches for the contents that the file had, or lets them act with privileges.
    const OF_THE_CONTENTS: [&[u8]; 3] = [b"security.capability", b"security.ima", b"security.evm"];

    let has_list = |names: &[u8]| names.split(|byte| *byte == 0).any(|name| name == ACCESS_LIST);
    let names = attribute_names(old)?;
    if !has_list(&names) && has_list(&attribute_names(new)?) {
        fremovexattr(new, ACCESS_LIST)?;
    }
    if names.is_empty() {
        return Ok(());
    }
    let mut value = vec![0; LONGEST_ATTRIBUTE];
    for name in names.split(|byte| *byte == 0) {
        if name.is_empty() || OF_THE_CONTENTS.contains(&name) {
            continue;
        }
        let given = fgetxattr(old, name, value.as_mut_slice())
            .and_then(|length| fsetxattr(new, name, &value[..length], XattrFlags::empty()));
        if name == ACCESS_LIST {
            given?;
        }
    }
    Ok(())
}

/// The longest list of names, and the longest value, that Linux has, in bytes.
#[cfg(target_os = "linux")]
const LONGEST_ATTRIBUTE: usize = 64 * 1024;

/// The names of the extended attributes of `file`, each with a NUL byte behind it.
#[cfg(target_os = "linux")]
fn attribute_names(file: &File) -> Result<Vec<u8>, Errno> {
    use rustix::fs::{flistxattr, flistxattr_query};

    match flistxattr_query(file) {
        Ok(0) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(Vec::new()),
        Ok(_) => {}
        Err(error) => return Err(error),
    }
    let mut names = vec![0; LONGEST_ATTRIBUTE];
    let length = flistxattr(file, names.as_mut_slice())?;
    names.truncate(length);
    Ok(names)
}

#[cfg(not(target_os = "linux"))]
fn give_attributes(_: &File, _: &File) -> Result<(), Errno> {
    Ok(())
}
