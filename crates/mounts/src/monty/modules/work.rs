//! The mounts as a function of a module sees them.

use ::monty_types::ResourceTracker;

use crate::error::{Error, ErrorKind, Operation};
use crate::metadata::{DirEntry, FileType, Metadata};
use crate::monty::budget::Clock;
use crate::monty::scan::MAX_VISITS;
use crate::path::VirtualPath;
use crate::table::Namespace;

use super::arguments::GivenPath;
use super::outcome::{ENTRY_BYTES, Failure};

/// A path of a call: as the script spelled it, which errors show, and as the mounts know it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) spelled: String,
    pub(super) absolute: String,
}

impl Place {
    /// What has this name in the directory.
    pub(super) fn child(&self, name: &str) -> Self {
        Self {
            spelled: joined(&self.spelled, name),
            absolute: joined(&self.absolute, name),
        }
    }

    /// An error of the mounts, about this place as it is spelled.
    pub(super) fn error(&self, error: &Error) -> Failure {
        Failure::File(Error::new(error.kind(), error.operation(), &self.spelled))
    }

    pub(super) fn failure(&self, kind: ErrorKind, operation: Operation) -> Failure {
        Failure::File(Error::new(kind, operation, &self.spelled))
    }
}

/// `os.path.join`.
pub(super) fn joined(directory: &str, below: &str) -> String {
    if below.starts_with('/') || directory.is_empty() {
        below.to_owned()
    } else if directory.ends_with('/') {
        format!("{directory}{below}")
    } else {
        format!("{directory}/{below}")
    }
}

/// One call at work.
pub(super) struct Work<'a> {
    pub(super) files: &'a Namespace,
    cwd: &'a str,
    clock: &'a Clock,
    tracker: Option<&'a ResourceTracker>,
    visits: u64,
    /// How many entries the call may look at.
    pub(super) most_visits: u64,
    held: usize,
    room: Option<(u64, u64)>,
}

impl<'a> Work<'a> {
    pub(super) fn new(
        files: &'a Namespace,
        cwd: &'a str,
        clock: &'a Clock,
        tracker: Option<&'a ResourceTracker>,
    ) -> Self {
        Self {
            files,
            cwd,
            clock,
            tracker,
            visits: 0,
            most_visits: MAX_VISITS,
            held: 0,
            room: None,
        }
    }

    /// Where `spelled` is, whether a mount covers it or not.
    pub(super) fn locate(&self, spelled: &str) -> Place {
        let absolute = match spelled {
            "" => String::new(),
            _ => joined(self.cwd, spelled),
        };
        Place {
            spelled: spelled.to_owned(),
            absolute,
        }
    }

    /// Where a path of the call is. What is no path at all is covered: the mounts say what is wrong with it.
    pub(super) fn place(&self, given: GivenPath<'_>) -> Result<Place, Failure> {
        let place = self.locate(given.text);
        if self.is_covered(&place) {
            Ok(place)
        } else {
            Err(Failure::NotCovered)
        }
    }

    pub(super) fn is_covered(&self, place: &Place) -> bool {
        VirtualPath::parse(&place.absolute).is_err() || self.files.covers(&place.absolute)
    }

    /// What the answer about `place`, and what is noted on the way to it, may hold.
    pub(super) fn answer_from(&mut self, place: &Place) {
        self.room = self.files.room_for_answer(&place.absolute);
    }

    /// Counts an entry that is looked at, copied or removed, and looks at the time.
    pub(super) fn visit(&mut self, at: &Place) -> Result<(), Failure> {
        self.visits += 1;
        let limit = self.most_visits;
        if self.visits > limit {
            return Err(at.failure(ErrorKind::ScanLimit { limit }, Operation::Scan));
        }
        self.clock.check()?;
        Ok(())
    }

    /// Counts a text that is kept until the call is answered.
    pub(super) fn hold(&mut self, text: &str, at: &Place) -> Result<(), Failure> {
        self.held += text.len() + ENTRY_BYTES;
        if let Some(tracker) = self.tracker {
            tracker.check_allocation(self.held)?;
        }
        match self.room {
            Some((room, limit)) if self.held as u64 > room => {
                Err(at.failure(ErrorKind::MemoryLimit { limit }, Operation::Scan))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn list(&self, place: &Place) -> Result<Vec<DirEntry>, Failure> {
        self.files
            .list(&place.absolute)
            .map_err(|error| place.error(&error))
    }

    /// What is at the place, its last component followed; nothing where it cannot be seen.
    pub(super) fn look(&self, place: &Place) -> Option<Metadata> {
        self.files.metadata(&place.absolute).ok()
    }

    pub(super) fn is_dir(&self, place: &Place) -> bool {
        self.look(place)
            .is_some_and(|found| found.file_type == FileType::Directory)
    }

    pub(super) fn is_link(&self, place: &Place) -> bool {
        self.files
            .symlink_metadata(&place.absolute)
            .is_ok_and(|found| found.file_type == FileType::Symlink)
    }

    /// Whether both lead to one file.
    pub(super) fn is_same(&self, one: &Place, other: &Place) -> bool {
        match (self.look(one), self.look(other)) {
            (Some(one), Some(other)) => (one.device, one.inode) == (other.device, other.inode),
            _ => false,
        }
    }
}
