//! Reading a file whole, within a limit.

use cap_std::fs::File;
use rustix::buffer::spare_capacity;
use rustix::io::{read, retry_on_intr};

use crate::backend::{Answer, Refusal};
use crate::error::ErrorKind;

use super::errors::refusal;

/// How much room is made at a time for a file that is longer than it said.
const STEP: usize = 64 * 1024;

/// Reads `file`, which said it has `size` bytes, and refuses more than `limit` of them.
///
/// A file may say less than it has, because it grows or because it is made up as it is read (`procfs`), or more
/// (`sysfs`). The limit holds for what comes, not for what was said.
pub(super) fn whole(file: &File, size: u64, limit: u64) -> Answer<Vec<u8>> {
    if size > limit {
        return Err(ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::new();
    // One byte more than expected: a read that leaves it free has seen the end, without another to find nothing.
    reserve(
        &mut bytes,
        usize::try_from(size).unwrap_or(usize::MAX).saturating_add(1),
    )?;
    loop {
        if bytes.len() == bytes.capacity() {
            let left = limit.saturating_add(1).saturating_sub(bytes.len() as u64);
            reserve(&mut bytes, usize::try_from(left).unwrap_or(STEP).clamp(1, STEP))?;
        }
        let count = retry_on_intr(|| read(file, spare_capacity(&mut bytes)))
            .map_err(|error| refusal(error.into()))?;
        if bytes.len() as u64 > limit {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let complete = size > 0 && bytes.len() as u64 == size && bytes.len() < bytes.capacity();
        if count == 0 || complete {
            return Ok(bytes);
        }
    }
}

fn reserve(bytes: &mut Vec<u8>, more: usize) -> Answer<()> {
    const LINUX_ENOMEM: i32 = 12;
    bytes
        .try_reserve_exact(more)
        .map_err(|_| Refusal::new(ErrorKind::from_errno(LINUX_ENOMEM)))
}
