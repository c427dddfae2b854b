//! Rules on the way in: the only way from a path in a mount to the mount's backend.

use std::sync::Arc;

use crate::backend::{Answer, Reader, Writer};
use crate::error::ErrorKind;
use crate::metadata::DirEntry;
use crate::mount::Mount;
use crate::path::RelativePath;
use crate::quota::Admission;
use crate::rules::{Rules, Standing, Verdict};

use super::routes::Mounted;

/// A path in a mount that the mount's rules let somebody see and, perhaps, change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judged<'n, 'p> {
    mount: &'n Arc<Mount>,
    relative: RelativePath<'p>,
    standing: Standing,
    is_read_only: bool,
}

impl<'n, 'p> Mounted<'n, 'p> {
    /// Lets the rules of the mount judge the path.
    ///
    /// # Errors
    ///
    /// `NotFound` for what is hidden and `PermissionDenied` for what is denied, whether anything is there or not.
    #[inline]
    pub(crate) fn judge(self) -> Result<Judged<'n, 'p>, ErrorKind> {
        let Self { mount, relative } = self;
        let standing = match mount.rules() {
            None => Standing::ROOT,
            Some(rules) => admitted(rules.standing(relative))?,
        };
        Ok(Judged {
            mount,
            relative,
            standing,
            is_read_only: standing.verdict() == Verdict::ReadOnly,
        })
    }

    /// As much of the path as a script can see: all of it, or the directory in which the rules stop it.
    pub(crate) fn visible(self) -> Self {
        let Self { mount, relative } = self;
        let relative = mount.rules().map_or(relative, |rules| rules.visible(relative));
        Self { mount, relative }
    }
}

fn admitted(standing: Standing) -> Result<Standing, ErrorKind> {
    match standing.verdict() {
        Verdict::Hidden => Err(ErrorKind::NotFound),
        Verdict::Denied => Err(ErrorKind::PermissionDenied),
        Verdict::Open | Verdict::ReadOnly => Ok(standing),
    }
}

impl<'n, 'p> Judged<'n, 'p> {
    pub(crate) fn mount(&self) -> &'n Arc<Mount> {
        self.mount
    }

    /// The path in the mount.
    pub(crate) fn relative(&self) -> RelativePath<'p> {
        self.relative
    }

    /// The rules that judged, if the mount has any.
    pub(crate) fn rules(&self) -> Option<&'n Rules> {
        self.mount.rules()
    }

    pub(crate) fn reader(&self) -> &'n dyn Reader {
        self.mount.reader()
    }

    /// The writing side, unless the mount has none or the path may not be changed.
    pub(crate) fn writer(&self) -> Result<(&'n dyn Writer, Admission<'n>), ErrorKind> {
        if self.is_read_only {
            Err(ErrorKind::ReadOnly)
        } else {
            self.mount.writer()
        }
    }

    pub(crate) fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// The same path, reached through one that may not be changed.
    pub(crate) fn through_read_only(self) -> Self {
        Self {
            is_read_only: true,
            ..self
        }
    }

    /// The judge of names in this directory, where there are rules.
    pub(crate) fn names(&self) -> Option<Names> {
        let rules = self.rules()?;
        Some(Names::new(rules.clone(), self.relative.as_str(), self.standing))
    }

    /// Lists this directory, without what is hidden in it.
    pub(crate) fn list(&self) -> Answer<Vec<DirEntry>> {
        let mut entries = self.reader().list(self.relative)?;
        if let Some(mut names) = self.names() {
            entries.retain(|entry| names.shows(&entry.name));
        }
        Ok(entries)
    }
}

/// The judge of names in one directory.
#[derive(Debug)]
pub(crate) struct Names {
    rules: Rules,
    /// Where the directory stands.
    standing: Standing,
    /// The directory, with a `/` behind it where it is not the root, and then the name judged last.
    path: String,
    /// Where the name begins.
    directory: usize,
}

impl Names {
    fn new(rules: Rules, directory: &str, standing: Standing) -> Self {
        let mut path = directory.to_owned();
        if !path.is_empty() {
            path.push('/');
        }
        Self {
            rules,
            standing,
            directory: path.len(),
            path,
        }
    }

    /// The judge of names in `directory`.
    pub(crate) fn of(rules: &Rules, directory: RelativePath<'_>) -> Self {
        Self::new(rules.clone(), directory.as_str(), rules.standing(directory))
    }

    pub(crate) fn directory(&self) -> RelativePath<'_> {
        RelativePath::new(self.path[..self.directory].trim_end_matches('/'))
    }

    /// Where `name` stands.
    pub(crate) fn standing(&mut self, name: &str) -> Standing {
        self.path.truncate(self.directory);
        self.path.push_str(name);
        self.rules.standing_in(self.standing, &self.path)
    }

    /// The judge of names in the directory `name` in this one.
    pub(crate) fn enter(&mut self, name: &str) -> Self {
        let standing = self.standing(name);
        Self::new(self.rules.clone(), &self.path, standing)
    }

    /// Whether a listing shows `name`.
    pub(crate) fn shows(&mut self, name: &str) -> bool {
        !self.rules.hide_anything() || self.standing(name).verdict() != Verdict::Hidden
    }
}
