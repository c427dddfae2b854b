//! What a file that takes another's place keeps of it: mode, owner, extended attributes.

use std::io;
use std::os::unix::fs::fchown;

use cap_std::fs::{File, Permissions, PermissionsExt as _};
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

/// Sets the permission bits of an open file, which has no others afterwards.
pub(super) fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(mode))
}

/// Copies the extended attributes that may be copied.
#[cfg(target_os = "linux")]
fn give_attributes(new: &File, old: &File) -> Result<(), Errno> {
    use rustix::fs::{XattrFlags, fgetxattr, flistxattr, fsetxattr};

    /// The longest list of names, and the longest value, that Linux has.
    const LONGEST: usize = 64 * 1024;
    const ACCESS_LIST: &[u8] = b"system.posix_acl_access";
    /// What vouches for the contents that the file had, or lets them act with privileges.
    const OF_THE_CONTENTS: [&[u8]; 3] = [b"security.capability", b"security.ima", b"security.evm"];

    if matches!(
        rustix::fs::flistxattr_query(old),
        Ok(0) | Err(Errno::OPNOTSUPP | Errno::NOSYS)
    ) {
        return Ok(());
    }
    let mut buffer = vec![0; LONGEST];
    let length = match flistxattr(old, buffer.as_mut_slice()) {
        Ok(length) => length,
        Err(Errno::OPNOTSUPP) => return Ok(()),
        Err(error) => return Err(error),
    };
    let names = buffer[..length].to_vec();
    for name in names.split(|byte| *byte == 0) {
        if name.is_empty() || OF_THE_CONTENTS.contains(&name) {
            continue;
        }
        let given = fgetxattr(old, name, buffer.as_mut_slice())
            .and_then(|length| fsetxattr(new, name, &buffer[..length], XattrFlags::empty()));
        if name == ACCESS_LIST {
            given?;
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn give_attributes(_: &File, _: &File) -> Result<(), Errno> {
    Ok(())
}
