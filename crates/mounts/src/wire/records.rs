//! What memory trees and upper layers have in common, as records.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::path::MAX_NAME_BYTES;
use crate::quota::Held;

use super::unpacker::Malformed;

/// Bits of a mode that an entry can have: permissions and the sticky bit.
const MODE_BITS: u32 = 0o1777;

/// Inode numbers are given upwards or downwards from an end; this many can still be given.
pub(crate) const FREE_INODES: u64 = 1 << 62;

/// A point in time, from the epoch on: seconds, and nanoseconds after them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Instant {
    seconds: i64,
    nanoseconds: u32,
}

impl From<SystemTime> for Instant {
    fn from(time: SystemTime) -> Self {
        let (seconds, nanoseconds) = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => (after.as_secs().cast_signed(), after.subsec_nanos()),
            Err(error) => {
                let before = error.duration();
                match before.subsec_nanos() {
                    0 => (-before.as_secs().cast_signed(), 0),
                    nanoseconds => (-before.as_secs().cast_signed() - 1, 1_000_000_000 - nanoseconds),
                }
            }
        };
        Self { seconds, nanoseconds }
    }
}

impl TryFrom<Instant> for SystemTime {
    type Error = Malformed;

    fn try_from(instant: Instant) -> Result<Self, Malformed> {
        let Instant { seconds, nanoseconds } = instant;
        let whole = Duration::from_secs(seconds.unsigned_abs());
        let time = if seconds < 0 {
            Self::UNIX_EPOCH.checked_sub(whole)
        } else {
            Self::UNIX_EPOCH.checked_add(whole)
        };
        time.filter(|_| nanoseconds < 1_000_000_000)
            .and_then(|time| time.checked_add(Duration::from_nanos(u64::from(nanoseconds))))
            .ok_or(Malformed::Invalid("a time is none"))
    }
}

/// What a backend holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    bytes: u64,
    files: u64,
    memory: u64,
}

impl From<Held> for Counters {
    fn from(held: Held) -> Self {
        Self {
            bytes: held.bytes,
            files: held.files,
            memory: held.memory,
        }
    }
}

impl Counters {
    /// Checks that they are what was counted.
    pub(crate) fn check(self, counted: Held) -> Result<Held, Malformed> {
        if self == Self::from(counted) {
            Ok(counted)
        } else {
            Err(Malformed::Invalid("the counters are not those of the tree"))
        }
    }
}

/// Checks that `name` can be an entry, and comes after `previous` in its directory.
pub(crate) fn name<'n>(name: &'n str, previous: Option<&str>) -> Result<&'n str, Malformed> {
    if !is_name(name) {
        return Err(Malformed::Invalid("a name is none"));
    }
    if previous.is_some_and(|previous| previous >= name) {
        return Err(Malformed::Invalid("names are out of order"));
    }
    Ok(name)
}

/// Checks that `path` names something inside a mount, which is not its root.
pub(crate) fn path(path: &str) -> Result<&str, Malformed> {
    if path.split('/').all(is_name) {
        Ok(path)
    } else {
        Err(Malformed::Invalid("a path is none"))
    }
}

fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME_BYTES && !name.contains(['/', '\0'])
}

/// Checks the permission bits of an entry.
pub(crate) fn mode(mode: u32) -> Result<u32, Malformed> {
    if mode & !MODE_BITS == 0 {
        Ok(mode)
    } else {
        Err(Malformed::Invalid("a mode has more than permission bits"))
    }
}

/// Checks a length in bytes, which is that of no file if it has the highest bit.
pub(crate) fn size(size: u64) -> Result<u64, Malformed> {
    if i64::try_from(size).is_ok() {
        Ok(size)
    } else {
        Err(Malformed::Invalid("a size is none"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_before_and_after_the_epoch_come_back() {
        for nanoseconds in [0_u64, 1, 999_999_999, 1_000_000_000, 1_500_000_001] {
            let offset = Duration::from_nanos(nanoseconds);
            for time in [SystemTime::UNIX_EPOCH + offset, SystemTime::UNIX_EPOCH - offset] {
                assert_eq!(SystemTime::try_from(Instant::from(time)), Ok(time));
            }
        }
    }
}
