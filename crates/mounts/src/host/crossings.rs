//! Which names in a listing may be mount points of the host.
//!
//! What another mount covers is not listed, but a listing does not say what is covered: that takes a look at each
//! entry, and triples its cost. The kernel's table of mounts says it in advance, for the whole tree, and lets itself
//! be watched for changes. Only names of mount points are taken from it: a mount point keeps its name while it is
//! one, whatever happens to the directories above it, so a name that is not in the table needs no look.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::stat::HostMount;

/// The kernel's table of the mounts this process can see.
const TABLE: &str = "/proc/self/mountinfo";

/// How often the table is read again because it changed meanwhile.
const TRIES: usize = 8;

/// The names of mount points, kept until the kernel says that a mount came or went.
#[derive(Debug, Default)]
pub(super) struct Crossings(Mutex<Option<Watched>>);

#[derive(Debug)]
struct Watched {
    table: File,
    /// `None` when the table does not tell about the mount in question.
    names: Option<Names>,
}

type Names = Arc<BTreeSet<Vec<u8>>>;

impl Crossings {
    /// The last names of the mount points on `mount`; `None` when only a look at each entry can tell.
    pub(super) fn names_below(&self, mount: HostMount) -> Option<Names> {
        let id = mount.id()?;
        let mut watched = self.0.lock();
        let names = Self::refreshed(&mut watched, id);
        if names.is_err() {
            *watched = None;
        }
        names.ok().flatten()
    }

    fn refreshed(watched: &mut Option<Watched>, mount: u64) -> io::Result<Option<Names>> {
        let mut known = watched.is_some();
        let watched = match watched {
            Some(watched) => watched,
            None => watched.insert(Watched {
                table: File::open(TABLE)?,
                names: None,
            }),
        };
        for _ in 0..TRIES {
            if has_changed(&watched.table)? || !known {
                known = true;
                let mut text = Vec::new();
                watched.table.rewind()?;
                watched.table.read_to_end(&mut text)?;
                watched.names = names_on(mount, &text);
            } else {
                return Ok(watched.names.clone());
            }
        }
        Err(io::ErrorKind::Interrupted.into())
    }
}

/// Whether a mount came or went since the table was opened or last asked.
fn has_changed(table: &File) -> io::Result<bool> {
    let mut polled = [PollFd::new(table, PollFlags::PRI)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut polled, Some(&now))?;
    Ok(polled[0].revents().intersects(PollFlags::PRI | PollFlags::ERR))
}

/// The last names of the mount points directly on `mount`, from lines of
/// `mount parent major:minor root mount-point …`; `None` when `mount` is not among them, because it belongs to
/// another namespace.
fn names_on(mount: u64, table: &[u8]) -> Option<Names> {
    let mut listed = false;
    let mut names = BTreeSet::new();
    for line in table.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b' ');
        let id = fields.next().and_then(number);
        let parent = fields.next().and_then(number);
        listed |= id == Some(mount);
        if parent == Some(mount)
            && let Some(point) = fields.nth(2)
        {
            let name = point.rsplit(|byte| *byte == b'/').next().unwrap_or(point);
            names.insert(unescaped(name));
        }
    }
    listed.then(|| Arc::new(names))
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The table writes white space and backslashes as a backslash and three octal digits.
fn unescaped(mut name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    while let Some((&first, rest)) = name.split_first() {
        let code = match (first, rest) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', ..]) => {
                Some((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'))
            }
            _ => None,
        };
        plain.push(code.unwrap_or(first));
        name = if code.is_some() { &rest[3..] } else { rest };
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: &[u8] = b"21 1 254:0 / / rw,relatime - ext4 /dev/a rw\n\
        22 21 0:5 / /proc rw - proc proc rw\n\
        23 21 254:0 /x /srv/with\\040space\\134 rw shared:1 - ext4 /dev/a rw\n\
        24 22 0:6 / /proc/deeper rw - tmpfs none rw\n";

    fn names(mount: u64) -> Option<Vec<String>> {
        let mut names: Vec<_> = names_on(mount, SOME)?
            .iter()
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        names.sort();
        Some(names)
    }

    #[test]
    fn the_mount_points_on_one_mount_are_found_by_their_last_name() {
        assert_eq!(names(21), Some(vec!["proc".into(), "with space\\".into()]));
        assert_eq!(names(22), Some(vec!["deeper".into()]));
        assert_eq!(names(24), Some(vec![]));
    }

    #[test]
    fn a_mount_that_the_table_does_not_list_is_unknown() {
        assert_eq!(names(20), None);
        assert!(names_on(1, b"").is_none());
        assert!(names_on(1, b"1").is_some(), "a short line is no reason to fail");
    }

    #[test]
    fn only_whole_escapes_are_undone() {
        assert_eq!(unescaped(b"\\040a\\"), b" a\\");
        assert_eq!(unescaped(b"\\04"), b"\\04");
        assert_eq!(unescaped(b"\\999"), b"\\999");
        assert_eq!(unescaped(b"\\377"), b"\xff");
    }
}
