//! How much a mount may hold and how much work it may do.
//!
//! A backend that is about to change something describes the change exactly and asks for [`Admission`]; the
//! answer is given here and nowhere else. What a mount holds is counted by the backend, beside the tree it
//! counts, so that a snapshot carries its counters and the two can never part.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::ErrorKind;

/// The limits of one mount; `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes held at one time, all files together.
    pub max_bytes: Option<u64>,
    /// Files and directories held at one time, the mount's root not counted.
    pub max_files: Option<u64>,
    /// Bytes in one file.
    pub max_file_size: Option<u64>,
    /// Bytes ever written, whether kept or not.
    pub write_bytes: Option<u64>,
    /// Bytes the mount keeps in memory, plus the answer being made. 256 MiB by default.
    pub memory: Option<u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_bytes: None,
            max_files: None,
            max_file_size: None,
            write_bytes: None,
            memory: Some(256 << 20),
        }
    }
}

impl Limits {
    /// The limits of a read-write mount of a host directory unless others are given: 100,000 files and directories
    /// more than there were, 1 GiB ever written, and 256 MiB of memory for an answer.
    ///
    /// ```
    /// use mounts::Limits;
    ///
    /// let smaller = Limits { max_bytes: Some(10_000_000), ..Limits::written_through() };
    /// assert_eq!(smaller.max_files, Some(100_000));
    /// ```
    #[must_use]
    pub fn written_through() -> Self {
        Self {
            max_files: Some(100_000),
            write_bytes: Some(1 << 30),
            ..Self::default()
        }
    }
}

/// What a mount holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// Bytes of contents.
    pub bytes: u64,
    /// Files and directories, the mount's root not counted.
    pub files: u64,
    /// Bytes kept in memory: contents, and what names and nodes cost.
    pub memory: u64,
}

impl Held {
    pub(crate) fn plus_bytes(mut self, bytes: u64) -> Self {
        self.bytes += bytes;
        self.memory += bytes;
        self
    }

    pub(crate) fn minus_bytes(mut self, bytes: u64) -> Self {
        self.bytes -= bytes;
        self.memory -= bytes;
        self
    }
}

impl std::ops::Add for Held {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            files: self.files + other.files,
            memory: self.memory + other.memory,
        }
    }
}

impl std::ops::Sub for Held {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            bytes: self.bytes - other.bytes,
            files: self.files - other.files,
            memory: self.memory - other.memory,
        }
    }
}

/// What a mount holds and has done, as [`MountInfo`](crate::MountInfo) reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// What the mount holds now.
    pub held: Held,
    /// Bytes ever written.
    pub written: u64,
    /// Bytes of memory in which it is remembered what was changed through the mount; 0 for what is compared with an
    /// earlier state instead. Counted against [`Limits::memory`] beside what is held.
    pub journal: u64,
}

/// A change a backend is about to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Change {
    /// What the mount holds before.
    pub before: Held,
    /// What it will hold after.
    pub after: Held,
    /// The length the file written will have, in bytes; 0 for changes that write none.
    pub file_size: u64,
    /// Bytes being written.
    pub written: u64,
}

/// The limits of a mount and the one counter that only grows.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    limits: Limits,
    written: AtomicU64,
}

impl Quota {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            written: AtomicU64::new(0),
        }
    }

    /// The same limits, where so much was written already.
    pub(crate) fn with_written(self, bytes: u64) -> Self {
        Self {
            written: AtomicU64::new(bytes),
            ..self
        }
    }

    /// The same limits, and a counter of its own that goes on from here.
    pub(crate) fn fork(&self) -> Self {
        Self {
            limits: self.limits,
            written: AtomicU64::new(self.written()),
        }
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// The most bytes one answer may have while the mount keeps `held` bytes in memory.
    pub(crate) fn room_for_answer(&self, held: impl FnOnce() -> u64) -> u64 {
        self.limits
            .memory
            .map_or(u64::MAX, |limit| limit.saturating_sub(held()))
    }

    fn check(&self, change: &Change) -> Result<(), ErrorKind> {
        let Change {
            before,
            after,
            file_size,
            written,
        } = *change;
        let exceeds = |limit: Option<u64>, before: u64, after: u64| {
            limit.is_some_and(|limit| after > limit && after > before)
        };
        if written > 0 && self.limits.max_file_size.is_some_and(|limit| file_size > limit) {
            return Err(ErrorKind::FileTooLarge);
        }
        if exceeds(self.limits.max_bytes, before.bytes, after.bytes)
            || exceeds(self.limits.max_files, before.files, after.files)
        {
            return Err(ErrorKind::NoSpace);
        }
        match self.limits.memory {
            Some(limit) if exceeds(Some(limit), before.memory, after.memory) => {
                Err(ErrorKind::MemoryLimit { limit })
            }
            _ => Ok(()),
        }
    }

    /// Counts `bytes` as written, unless that would exceed the limit.
    fn charge(&self, bytes: u64) -> Result<(), ErrorKind> {
        let Some(limit) = self.limits.write_bytes else {
            self.written.fetch_add(bytes, Ordering::Relaxed);
            return Ok(());
        };
        self.written
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |written| {
                written.checked_add(bytes).filter(|sum| *sum <= limit)
            })
            .map(drop)
            .map_err(|_| ErrorKind::WriteLimit { limit })
    }
}

/// The answer to "may this change be made?", handed to a backend for one operation.
#[derive(Debug)]
pub struct Admission<'q> {
    quota: &'q Quota,
    /// The change that was admitted last.
    admitted: Option<Change>,
}

impl<'q> Admission<'q> {
    pub(crate) fn new(quota: &'q Quota) -> Self {
        let admitted = None;
        Self { quota, admitted }
    }

    /// The change that has been admitted since this was asked last, if one was: the last one.
    pub(crate) fn take_admitted(&mut self) -> Option<Change> {
        self.admitted.take()
    }

    /// The limits that are applied.
    pub(crate) fn limits(&self) -> &Limits {
        self.quota.limits()
    }

    /// Admits `change` and counts what it writes, or refuses it and counts nothing.
    ///
    /// A change that makes the mount hold less, or no more, is admitted even over a limit.
    ///
    /// # Errors
    ///
    /// `FileTooLarge`, `NoSpace`, `MemoryLimit` or `WriteLimit`.
    pub fn admit(&mut self, change: &Change) -> Result<(), ErrorKind> {
        self.quota.check(change)?;
        if change.written > 0 {
            self.quota.charge(change.written)?;
        }
        self.admitted = Some(*change);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growing_to(bytes: u64, files: u64) -> Change {
        let after = Held {
            bytes,
            files,
            memory: bytes,
        };
        Change {
            before: Held::default(),
            after,
            file_size: bytes,
            written: bytes,
        }
    }

    #[test]
    fn each_counter_refuses_with_its_own_error_and_counts_nothing() {
        let none = Limits {
            memory: None,
            ..Limits::default()
        };
        for (limits, expected) in [
            (
                Limits {
                    max_bytes: Some(9),
                    ..none
                },
                ErrorKind::NoSpace,
            ),
            (
                Limits {
                    max_files: Some(0),
                    ..none
                },
                ErrorKind::NoSpace,
            ),
            (
                Limits {
                    max_file_size: Some(9),
                    ..none
                },
                ErrorKind::FileTooLarge,
            ),
            (
                Limits {
                    write_bytes: Some(9),
                    ..none
                },
                ErrorKind::WriteLimit { limit: 9 },
            ),
            (
                Limits {
                    memory: Some(9),
                    ..none
                },
                ErrorKind::MemoryLimit { limit: 9 },
            ),
        ] {
            let quota = Quota::new(limits);
            assert_eq!(Admission::new(&quota).admit(&growing_to(10, 1)), Err(expected));
            assert_eq!(quota.written(), 0);
        }
    }

    #[test]
    fn limits_admit_what_reaches_them_exactly() {
        let limits = Limits {
            max_bytes: Some(10),
            max_files: Some(1),
            max_file_size: Some(10),
            write_bytes: Some(10),
            memory: Some(10),
        };
        let quota = Quota::new(limits);
        assert_eq!(Admission::new(&quota).admit(&growing_to(10, 1)), Ok(()));
        assert_eq!(quota.written(), 10);
        assert_eq!(
            Admission::new(&quota).admit(&Change {
                written: 1,
                ..Change::default()
            }),
            Err(ErrorKind::WriteLimit { limit: 10 })
        );
    }

    #[test]
    fn what_frees_is_admitted_over_the_limit() {
        let quota = Quota::new(Limits {
            max_bytes: Some(1),
            ..Limits::default()
        });
        let before = Held {
            bytes: 10,
            files: 2,
            memory: 10,
        };
        let after = Held {
            bytes: 5,
            files: 1,
            memory: 5,
        };
        assert_eq!(
            Admission::new(&quota).admit(&Change {
                before,
                after,
                ..Change::default()
            }),
            Ok(())
        );
    }
}
