//! Taking over what an overlay changed.
//!
//! Everything that is made, and everything that has to go, lies in one directory at the root while the work goes on,
//! under a name that no script ever sees (`host/attic`). So each step is one rename: into a place where nothing may be
//! (`RENAME_NOREPLACE`), or in exchange for what is there (`RENAME_EXCHANGE`). What came out is looked at then, when
//! nobody can change it by its name any more, and goes back if it is not what was to go. Where the file system has
//! neither kind of rename, the place is looked at just before instead.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};

use cap_std::fs::{Dir, File};
use parking_lot::MutexGuard;
use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, renameat, symlinkat, unlinkat};
use rustix::io::{Errno, retry_on_intr};

use crate::backend::{Answer, Refusal};
use crate::contents::Contents;
use crate::error::ErrorKind;
use crate::metadata::FileType;
use crate::path::RelativePath;
use crate::target::{CommitTarget, CommitWork, Expected, NewEntry, Staged};

use super::attic::Attic;
use super::entries::NEW_DIRECTORY;
use super::errors::refusal;
use super::place::Place;
use super::temporary::{self, rename_to_free};
use super::writable::WritableHostDirectory;
use super::write::{NEW_FILE, PRIVATE};
use super::{HostDirectory, kept, stat};

impl CommitTarget for WritableHostDirectory {
    fn takes(&self, path: RelativePath<'_>) -> bool {
        !temporary::is_in(path)
    }

    fn begin(&self) -> Answer<Box<dyn CommitWork + '_>> {
        Ok(Box::new(Work::begin_in(self)))
    }
}

/// Changes under way.
struct Work<'h> {
    _turn: MutexGuard<'h, ()>,
    host: &'h HostDirectory,
    /// The directory that nobody sees, once it is needed.
    attic: Option<Attic>,
    /// What was made, by the name that it had in the attic.
    made: BTreeMap<String, Made>,
    /// Whether something lies in the attic that had to go back and could not: it is somebody else's, and kept.
    has_stray: bool,
}

/// Something that was made.
#[derive(Debug, Clone, Copy)]
struct Made {
    inode: u64,
    /// Whether it is like nothing that was there, and gets from its directory what whatever is born there gets.
    is_born: bool,
    is_placed: bool,
}

impl<'h> Work<'h> {
    fn begin_in(directory: &'h WritableHostDirectory) -> Self {
        Self {
            _turn: directory.turn.lock(),
            host: &directory.directory,
            attic: None,
            made: BTreeMap::new(),
            has_stray: false,
        }
    }

    /// The directory that nobody sees.
    fn attic(&mut self) -> Answer<&mut Attic> {
        if self.attic.is_none() {
            self.attic = Some(Attic::create(&self.host.root).map_err(failed)?);
        }
        self.attic.as_mut().ok_or_else(|| failed(Errno::IO))
    }

    /// Whether what is called so was made under the name `made`.
    fn is_made(&self, directory: BorrowedFd<'_>, name: &str, made: &str) -> bool {
        let inode = self.made.get(made).map(|made| made.inode);
        stat::entry(directory, name).is_ok_and(|found| Some(found.metadata.inode) == inode)
    }

    fn set_placed(&mut self, made: &str, is_placed: bool) {
        if let Some(made) = self.made.get_mut(made) {
            made.is_placed = is_placed;
        }
    }

    fn at<'p>(&self, path: RelativePath<'p>) -> Answer<Place<'h, 'p>> {
        self.host.enter(path)?.ok_or(ErrorKind::PermissionDenied.into())
    }

    /// Brings back what was displaced and is not what was to be. Where somebody has taken its place meanwhile, it stays
    /// in the attic.
    fn put_back(&mut self, back: Result<(), Errno>) -> Answer<()> {
        self.has_stray |= back.is_err();
        back.map_err(failed)
    }

    fn write_file(
        &self,
        directory: BorrowedFd<'_>,
        name: &str,
        (like, base, own, mode): NewFile<'_>,
    ) -> Answer<()> {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let born = if like.is_some() { PRIVATE } else { NEW_FILE };
        let opened = retry_on_intr(|| openat(directory, name, flags, born)).map_err(failed)?;
        let mut file = File::from_std(opened.into());
        if let Some((path, size)) = base {
            let (source, _) = self.host.open_file(path)?;
            let mut source = source.into_std().take(size);
            let mut target = file.try_clone().map_err(refusal)?.into_std();
            if io::copy(&mut source, &mut target).map_err(refusal)? != size {
                return Err(ErrorKind::Stale.into());
            }
        }
        for segment in own.segments() {
            file.write_all(segment).map_err(refusal)?;
        }
        if let Some(path) = like {
            let (old, metadata) = self.host.open_file(path)?;
            kept::give(&file, &old, &metadata).map_err(refusal)?;
        }
        if let Some(mode) = mode {
            kept::set_mode(&file, mode).map_err(refusal)?;
        }
        #[cfg(not(target_os = "linux"))]
        file.sync_all().map_err(refusal)?;
        Ok(())
    }

    /// Puts what is in the attic in the place of what is there, where the file system cannot exchange the two.
    fn place_over(&mut self, name: &str, path: RelativePath<'_>, over: &Expected) -> Answer<()> {
        let is_met = {
            let place = self.at(path)?;
            self.host.is_met(place.directory(), place.name, over)
        };
        if !is_met {
            return Err(ErrorKind::Stale.into());
        }
        let aside = match over.file_type {
            FileType::Directory => Some(self.set_aside(path, over)?),
            _ => None,
        };
        let place = self.at(path)?;
        let placed = renameat(self.attic()?.directory(), name, place.directory(), place.name).map_err(failed);
        if let (Err(_), Some(aside)) = (&placed, aside) {
            self.rename(RelativePath::new(&aside), path, None)?;
        }
        placed
    }
}

impl Work<'_> {
    /// Puts what was made under `name` in the place of what is there, which stays in the attic; `None` where the file
    /// system cannot exchange the two.
    fn exchange(&mut self, name: &str, place: &Place<'_, '_>, over: &Expected) -> Answer<Option<()>> {
        let here = (place.directory(), place.name);
        let attic = self.attic()?;
        let held = attic.held();
        attic.rename(name, &held).map_err(failed)?;
        if let Err(error) = exchange((attic.directory(), &held), here) {
            attic.rename(&held, name).map_err(failed)?;
            return match error {
                Errno::INVAL | Errno::NOSYS => Ok(None),
                error => Err(failed(error)),
            };
        }
        let there = self.attic()?.directory().try_clone_to_owned().map_err(refusal)?;
        if self.host.is_met(there.as_fd(), &held, over) {
            if over.file_type != FileType::Directory {
                // Nobody misses it from now on.
                let spare = self.attic()?.spare();
                self.attic()?.rename(&held, &spare).map_err(failed)?;
            }
            return Ok(Some(()));
        }
        self.take_back((there.as_fd(), &held), here, name)?;
        Err(ErrorKind::Stale.into())
    }

    /// Takes what was made under `name` back from its place, and puts there what was displaced by it.
    fn take_back(&mut self, held: At<'_>, here: At<'_>, name: &str) -> Answer<()> {
        let back = exchange(held, here);
        if back.is_ok() && self.is_made(held.0, held.1, name) {
            return self.attic()?.rename(held.1, name).map_err(failed);
        }
        // What was made is lost: somebody has replaced it meanwhile, and theirs is the last word. What they did not see
        // any more is kept.
        self.set_placed(name, true);
        self.has_stray = true;
        back.and_then(|()| exchange(held, here)).map_err(failed)
    }
}

/// What a new file is like, its base, its own bytes and its mode; see [`NewEntry::File`].
type NewFile<'a> = (
    Option<RelativePath<'a>>,
    Option<(RelativePath<'a>, u64)>,
    &'a Contents,
    Option<u32>,
);

impl CommitWork for Work<'_> {
    fn create_dir(&mut self, path: RelativePath<'_>) -> Answer<()> {
        let place = self.at(path)?;
        mkdirat(place.directory(), place.name, NEW_DIRECTORY).map_err(failed)
    }

    fn remove_dir(&mut self, path: RelativePath<'_>) -> Answer<()> {
        let place = self.at(path)?;
        unlinkat(place.directory(), place.name, AtFlags::REMOVEDIR).map_err(failed)
    }

    fn rename(
        &mut self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        expected: Option<&Expected>,
    ) -> Answer<()> {
        let (source, target) = (self.at(from)?, self.at(to)?);
        let there = (source.directory(), source.name);
        let here = (target.directory(), target.name);
        to_free(there, here).map_err(failed)?;
        if expected.is_none_or(|expected| self.host.is_met(here.0, here.1, expected)) {
            return Ok(());
        }
        self.put_back(to_free(here, there))?;
        Err(ErrorKind::Stale.into())
    }

    fn set_aside(&mut self, path: RelativePath<'_>, expected: &Expected) -> Answer<String> {
        let attic = self.attic()?;
        let held = attic.held();
        let aside = attic.path(&held);
        self.rename(path, RelativePath::new(&aside), Some(expected))?;
        Ok(aside)
    }

    fn stage(&mut self, entry: NewEntry<'_>) -> Answer<Staged> {
        let attic = self.attic()?;
        let name = attic.spare();
        let made = attic.path(&name);
        let directory = attic.directory().try_clone_to_owned().map_err(refusal)?;
        let directory = directory.as_fd();
        let is_born = !matches!(entry, NewEntry::File { like: Some(_), .. });
        match entry {
            NewEntry::Link { target } => symlinkat(target, directory, &name).map_err(failed)?,
            NewEntry::File {
                like,
                base,
                own,
                mode,
            } => self.write_file(directory, &name, (like, base, own, mode))?,
        }
        let inode = stat::entry(directory, &name).map_err(refusal)?.metadata.inode;
        let made_so = Made {
            inode,
            is_born,
            is_placed: false,
        };
        self.made.insert(name, made_so);
        Ok(Staged(made))
    }

    fn flush(&mut self) -> Answer<()> {
        sync(&self.host.root).map_err(failed)
    }

    fn place(
        &mut self,
        Staged(made): &Staged,
        path: RelativePath<'_>,
        over: Option<&Expected>,
    ) -> Answer<()> {
        let name = name_of(made);
        let place = self.at(path)?;
        match over {
            None => {
                let is_born = self.made.get(name).is_some_and(|made| made.is_born);
                let there = (self.attic()?.directory(), name);
                if is_born {
                    kept::give_group(there, place.directory()).map_err(failed)?;
                }
                to_free(there, (place.directory(), place.name)).map_err(failed)?;
            }
            Some(over) => {
                if self.exchange(name, &place, over)?.is_none() {
                    self.place_over(name, path, over)?;
                }
            }
        }
        self.set_placed(name, true);
        Ok(())
    }

    fn withdraw(&mut self, Staged(made): &Staged, path: RelativePath<'_>) -> Answer<()> {
        let name = name_of(made);
        let place = self.at(path)?;
        let here = (place.directory(), place.name);
        let attic = self.attic()?;
        let held = attic.held();
        let there = attic.directory().try_clone_to_owned().map_err(refusal)?;
        let there = (there.as_fd(), held.as_str());
        to_free(here, there).map_err(failed)?;
        if self.is_made(there.0, there.1, name) {
            self.attic()?.rename(&held, name).map_err(failed)?;
            self.set_placed(name, false);
            return Ok(());
        }
        self.put_back(to_free(there, here))?;
        Err(ErrorKind::Stale.into())
    }

    fn finish(&mut self) -> Answer<()> {
        if !self.has_stray
            && let Some(attic) = self.attic.take()
        {
            attic.remove().map_err(refusal)?;
        }
        Ok(())
    }
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        let Some(attic) = &self.attic else {
            return;
        };
        // What cannot be removed stays out of sight, and so does what was set aside beside something to be kept.
        for (name, _) in self.made.iter().filter(|(_, made)| !made.is_placed) {
            let _ = unlinkat(attic.directory(), name, AtFlags::empty());
        }
        let _ = unlinkat(self.host.root.as_fd(), &attic.name, AtFlags::REMOVEDIR);
    }
}

/// The name in the attic of what was made.
fn name_of(made: &str) -> &str {
    made.rsplit('/').next().unwrap_or(made)
}

type At<'d> = (BorrowedFd<'d>, &'d str);

/// Moves an entry to where nothing is.
fn to_free((there, from): At<'_>, (here, to): At<'_>) -> Result<(), Errno> {
    match rename_to_free(there, from, here, to) {
        Err(Errno::INVAL | Errno::NOSYS) => match stat::entry(here, to) {
            Ok(_) => Err(Errno::EXIST),
            Err(_) => renameat(there, from, here, to),
        },
        renamed => renamed,
    }
}

#[cfg(target_os = "linux")]
fn exchange((there, from): At<'_>, (here, to): At<'_>) -> Result<(), Errno> {
    use rustix::fs::{RenameFlags, renameat_with};

    renameat_with(there, from, here, to, RenameFlags::EXCHANGE)
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: At<'_>, _: At<'_>) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

/// Waits until the file system has everything on the disk.
fn sync(root: &Dir) -> Result<(), Errno> {
    // The descriptor of the root may be one that only leads to what is below.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(root, ".", flags, Mode::empty())?;
    #[cfg(target_os = "linux")]
    return rustix::fs::syncfs(root);
    #[cfg(not(target_os = "linux"))]
    return rustix::fs::fsync(root);
}

fn failed(error: Errno) -> Refusal {
    refusal(error.into())
}
