//! The component walk: each component is opened by itself in the directory before it, never through a link.
//!
//! What a name means can change between two system calls. Each step therefore acts first and asks afterwards: only
//! when the system refuses in the way it refuses links is the name asked for its target, and when there is no link
//! any more the step starts again.

use std::io;
use std::os::fd::AsFd as _;

use cap_fs_ext::{DirExt as _, FollowSymlinks, OpenOptionsFollowExt as _};
use cap_std::fs::{Dir, File, OpenOptions, OpenOptionsExt as _};
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::backend::{Answer, FollowLinks, LinkMet, Refusal};
use crate::error::ErrorKind;
use crate::metadata::{FileType, Metadata};
use crate::path::RelativePath;

use super::errors::refusal;
use super::lookup::{Purpose, spelled};
use super::{HostDirectory, link, stat};

/// How often one step is tried again because the name meant something else by the time it was asked.
const SWAPS: usize = 128;

impl HostDirectory {
    /// Opens the object at `path`, component by component.
    pub(super) fn walk_to_open(&self, path: RelativePath<'_>, purpose: Purpose) -> Answer<File> {
        let options = options(purpose);
        self.walk(path, |directory, name| directory.open_with(name, &options))
    }

    /// Describes what is at `path`, found component by component.
    pub(super) fn walk_to_describe(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        let found = self.walk(path, |directory, name| {
            let found = stat::entry(directory.as_fd(), name)?;
            if found.metadata.file_type == FileType::Symlink && follow == FollowLinks::Yes {
                return Err(Errno::LOOP.into());
            }
            Ok(found)
        })?;
        self.judge(found)
    }

    /// Opens the directory that has, or would have, the entry at `path`, component by component.
    pub(super) fn walk_to_directory(&self, path: RelativePath<'_>) -> Answer<Dir> {
        self.walk(path, |directory, _| directory.try_clone())
    }

    /// Enters the directories above the last component and runs `act` on that.
    fn walk<T>(&self, path: RelativePath<'_>, act: impl Fn(&Dir, &str) -> io::Result<T>) -> Answer<T> {
        let mut entered: Option<Dir> = None;
        let text = spelled(path);
        for (end, _) in text.match_indices('/') {
            let directory = entered.as_ref().unwrap_or(&self.root);
            let next = self.step(directory, &text[..end], |above, name| {
                above.open_dir_nofollow(name)
            })?;
            self.judge(stat::directory(&next).map_err(refusal)?)?;
            entered = Some(next);
        }
        self.step(entered.as_ref().unwrap_or(&self.root), text, act)
    }

    /// Runs `act` on the last name of `prefix` in `directory`, or answers with the link that stands there.
    fn step<T>(&self, directory: &Dir, prefix: &str, act: impl Fn(&Dir, &str) -> io::Result<T>) -> Answer<T> {
        let name = prefix.rsplit_once('/').map_or(prefix, |(_, name)| name);
        for _ in 0..SWAPS {
            let error = match act(directory, name) {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            // FreeBSD says MLINK; with `O_DIRECTORY`, Linux says NOTDIR.
            let number = Errno::from_io_error(&error);
            if !matches!(number, Some(Errno::LOOP | Errno::NOTDIR | Errno::MLINK)) {
                return Err(refusal(error));
            }
            match link::read(directory.as_fd(), name) {
                Ok(target) => {
                    let prefix = prefix.len();
                    return Err(Refusal::Link(LinkMet { prefix, target }));
                }
                Err(Errno::INVAL) => {}
                Err(gone) => return Err(refusal(gone.into())),
            }
            // Not a link, or no longer one. Only what is neither link nor directory was refused for good.
            let now = self.judge(stat::entry(directory.as_fd(), name).map_err(refusal)?)?;
            if number == Some(Errno::NOTDIR)
                && !matches!(now.file_type, FileType::Directory | FileType::Symlink)
            {
                return Err(refusal(error));
            }
        }
        Err(ErrorKind::from_errno(LINUX_EAGAIN).into())
    }
}

const LINUX_EAGAIN: i32 = 11;

fn options(purpose: Purpose) -> OpenOptions {
    let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    if purpose == Purpose::List {
        flags |= OFlags::DIRECTORY;
    }
    let mut options = OpenOptions::new();
    options
        .read(true)
        .follow(FollowSymlinks::No)
        .custom_flags(flags.bits().cast_signed());
    options
}
