//! What a script changed in its mounts: a line for each entry, or unified text.

use std::fmt;
use std::io::{self, Write};

use mounts::history::{Change, ChangeKind};
use mounts::{FileType, Table};

use crate::arguments::Report;
use crate::failure::Failure;
use crate::shown::Shown;

/// Prints what `report` asks for, by path.
pub(crate) fn print(table: &Table, report: Report) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match report {
        Report::Nothing => return Ok(()),
        Report::Changes => table
            .changes()
            .iter()
            .try_for_each(|change| writeln!(out, "{}", Line(change))),
        // Without mounts there is not even a root.
        Report::Diff if table.mount_count() == 0 => return Ok(()),
        Report::Diff => {
            let diff = table
                .diff("/")
                .map_err(|error| Failure::Internal(error.to_string()))?;
            out.write_all(diff.as_bytes())
        }
    }
    .and_then(|()| out.flush())
    .map_err(Failure::Output)
}

/// One change: `A` for what is new, `M` for what has other contents, `D` for what is gone; the path, with a `/` behind
/// that of a directory; and the size.
struct Line<'c>(&'c Change);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let change = self.0;
        let letter = match change.kind {
            ChangeKind::Created => 'A',
            ChangeKind::Modified => 'M',
            ChangeKind::Deleted => 'D',
        };
        let slash = match change.file_type {
            FileType::Directory => "/",
            FileType::File | FileType::Symlink | FileType::Special => "",
        };
        write!(f, "{letter} {}{slash}", Shown(&change.path))?;
        match (change.previous_size, change.size) {
            (Some(before), Some(now)) if change.kind == ChangeKind::Modified => {
                write!(f, " ({before} -> {now} {})", unit(now))?;
            }
            (_, Some(size)) | (Some(size), None) => write!(f, " ({size} {})", unit(size))?,
            (None, None) => {}
        }
        match &change.moved_from {
            Some(from) => write!(f, ", was {}{slash}", Shown(from)),
            None => Ok(()),
        }
    }
}

fn unit(size: u64) -> &'static str {
    if size == 1 { "byte" } else { "bytes" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(kind: ChangeKind, previous_size: Option<u64>, size: Option<u64>) -> Change {
        Change {
            path: "/m/a".to_owned(),
            kind,
            file_type: FileType::File,
            size,
            previous_size,
            moved_from: None,
        }
    }

    #[test]
    fn each_kind_of_change_has_its_letter_and_sizes() {
        for (kind, before, now, line) in [
            (ChangeKind::Created, None, Some(7), "A /m/a (7 bytes)"),
            (ChangeKind::Modified, Some(7), Some(9), "M /m/a (7 -> 9 bytes)"),
            (ChangeKind::Deleted, Some(9), None, "D /m/a (9 bytes)"),
        ] {
            assert_eq!(Line(&change(kind, before, now)).to_string(), line);
        }
    }

    #[test]
    fn a_directory_ends_with_a_slash_and_has_no_size() {
        let directory = Change {
            file_type: FileType::Directory,
            ..change(ChangeKind::Created, None, None)
        };
        assert_eq!(Line(&directory).to_string(), "A /m/a/");
    }

    #[test]
    fn what_was_moved_says_where_from() {
        let moved = Change {
            moved_from: Some("/m/b".to_owned()),
            ..change(ChangeKind::Created, None, Some(1))
        };
        assert_eq!(Line(&moved).to_string(), "A /m/a (1 byte), was /m/b");
    }
}
