//! What is done to the contents of a file, whatever keeps them.

#[cfg(any(unix, feature = "vfs"))]
use std::borrow::Cow;

use crate::backend::OpenMode;
use crate::contents::Contents;

/// A change of the contents of a file.
#[derive(Debug)]
pub(crate) enum Update<'a> {
    /// The file holds these bytes from now on. They are taken when the update is made, and left when it is refused.
    Replace(&'a mut Vec<u8>),
    /// The file holds these bytes from now on, shared with whoever else holds them.
    Share(&'a Contents),
    /// These bytes follow those it has.
    Append(&'a [u8]),
    /// The file is emptied.
    Truncate,
    /// The file is created when missing, and left alone when there.
    Touch,
}

impl Update<'_> {
    /// Bytes written.
    pub(crate) fn written(&self) -> u64 {
        match self {
            Self::Replace(data) => data.len() as u64,
            Self::Share(contents) => contents.len() as u64,
            Self::Append(data) => data.len() as u64,
            Self::Truncate | Self::Touch => 0,
        }
    }

    /// The bytes that are written.
    #[cfg(any(unix, feature = "vfs"))]
    pub(crate) fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Replace(data) => Cow::Borrowed(data),
            Self::Share(contents) => contents.as_contiguous(),
            Self::Append(data) => Cow::Borrowed(data),
            Self::Truncate | Self::Touch => Cow::Borrowed(&[]),
        }
    }

    /// The length of a file that had `before` bytes.
    pub(crate) fn size_after(&self, before: u64) -> u64 {
        if self.keeps_contents() {
            before + self.written()
        } else {
            self.written()
        }
    }

    /// Whether what the file held before is still there afterwards.
    pub(crate) fn keeps_contents(&self) -> bool {
        matches!(self, Self::Append(_) | Self::Touch)
    }

    pub(crate) fn apply(self, contents: &mut Contents) {
        match self {
            Self::Replace(data) => *contents = Contents::from(std::mem::take(data)),
            Self::Share(shared) => *contents = shared.clone(),
            Self::Append(data) => contents.append(data),
            Self::Truncate => *contents = Contents::default(),
            Self::Touch => {}
        }
    }
}

impl From<OpenMode> for Update<'_> {
    fn from(mode: OpenMode) -> Self {
        match mode {
            OpenMode::Truncate => Self::Truncate,
            OpenMode::Append => Self::Touch,
        }
    }
}
