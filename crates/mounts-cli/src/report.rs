//! What a script changed in its mounts, a line for each entry.

use std::fmt;
use std::io::{self, Write};

use mounts::FileType;
use mounts::history::{Change, ChangeKind};

/// Prints `changes`, in the order in which they are.
pub(crate) fn print(changes: &[Change]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for change in changes {
        writeln!(out, "{}", Line(change))?;
    }
    out.flush()
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

/// A path as a line can have it. Names are the script's choice: what would end the line, move the cursor or hide a
/// part of the name is written as an escape, in quotes that say so.
struct Shown<'p>(&'p str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0;
        // What Rust would escape, but for quotes and backslashes, is what cannot be seen.
        let is_plain = path
            .chars()
            .all(|character| matches!(character, '"' | '\'' | '\\') || character.escape_debug().count() == 1);
        if is_plain && !path.contains('"') {
            f.write_str(path)
        } else {
            write!(f, "{path:?}")
        }
    }
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

    #[test]
    fn a_name_cannot_pass_for_another_line_or_hide_itself() {
        for (path, shown) in [
            ("/m/plain name's ünïcödé \\", "/m/plain name's ünïcödé \\"),
            ("/m/a\nD /etc/passwd", r#""/m/a\nD /etc/passwd""#),
            ("/m/\u{1b}[2J", r#""/m/\u{1b}[2J""#),
            ("/m/\u{202e}txt", r#""/m/\u{202e}txt""#),
            ("/m/\"", r#""/m/\"""#),
        ] {
            assert_eq!(Shown(path).to_string(), shown);
        }
    }
}
