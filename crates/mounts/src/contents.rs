//! The bytes of a file, shared between trees, snapshots and readers.
//!
//! One buffer per file would make the first append after a snapshot copy the whole file; a rope of small chunks
//! would make every read assemble it. Here a file is one growing tail, and only when a *shared* tail of some size
//! is appended to is it sealed and a new tail begun. A file that is never snapshotted stays one buffer.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// A shared tail up to this many bytes is copied rather than sealed, so that no file becomes a rope of crumbs.
const SEAL_BYTES: usize = 64 * 1024;

/// The contents of a file: cheap to clone, cheap to append to.
///
/// Cloning shares the bytes. Appending to contents that nobody shares extends them in place; appending to shared
/// ones copies at most 64 KiB, whatever the size of the file.
///
/// ```
/// use mounts::Contents;
///
/// let mut log = Contents::from("first\n");
/// let kept = log.clone();
/// log.append(b"second\n");
/// assert_eq!(kept, *b"first\n");
/// assert_eq!(log.to_vec(), b"first\nsecond\n");
/// ```
#[derive(Clone, Default)]
pub struct Contents {
    sealed: Option<Arc<Sealed>>,
    tail: Arc<Vec<u8>>,
}

#[derive(Clone, Default)]
struct Sealed {
    segments: Vec<Arc<Vec<u8>>>,
    bytes: usize,
}

impl Contents {
    /// The length in bytes.
    pub fn len(&self) -> usize {
        self.sealed.as_ref().map_or(0, |sealed| sealed.bytes) + self.tail.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes in order, as the slices that hold them; usually one.
    pub fn segments(&self) -> impl Iterator<Item = &[u8]> {
        let sealed = self.sealed.as_deref().map_or(&[][..], |sealed| &sealed.segments);
        sealed
            .iter()
            .chain([&self.tail])
            .map(|segment| segment.as_slice())
    }

    /// The bytes as one slice, copied only when they lie in more than one segment.
    pub fn as_contiguous(&self) -> Cow<'_, [u8]> {
        match self.sealed {
            None => Cow::Borrowed(&self.tail),
            Some(_) => Cow::Owned(self.to_vec()),
        }
    }

    /// A copy of the bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        for segment in self.segments() {
            bytes.extend_from_slice(segment);
        }
        bytes
    }

    /// Adds `bytes` at the end: amortised O(`bytes`), plus at most 64 KiB of copying when the contents are shared.
    pub fn append(&mut self, bytes: &[u8]) {
        if let Some(tail) = Arc::get_mut(&mut self.tail) {
            tail.extend_from_slice(bytes);
        } else if self.tail.len() <= SEAL_BYTES {
            let mut tail = Vec::with_capacity(self.tail.len() + bytes.len());
            tail.extend_from_slice(&self.tail);
            tail.extend_from_slice(bytes);
            self.tail = Arc::new(tail);
        } else {
            let full = std::mem::replace(&mut self.tail, Arc::new(bytes.to_vec()));
            let sealed = Arc::make_mut(self.sealed.get_or_insert_default());
            sealed.bytes += full.len();
            sealed.segments.push(full);
        }
    }

    /// These contents and then `more`, sharing the bytes of both.
    #[must_use]
    pub fn followed_by(self, more: &Self) -> Self {
        if more.is_empty() {
            return self;
        }
        let bytes = self.len() + more.len() - more.tail.len();
        let sealed = |contents: &Self| contents.sealed.as_deref().cloned().unwrap_or_default().segments;
        let mut segments = sealed(&self);
        segments.push(self.tail);
        segments.extend(sealed(more));
        Self {
            sealed: Some(Arc::new(Sealed { segments, bytes })),
            tail: Arc::clone(&more.tail),
        }
    }

    /// Whether both share every byte, so that they are equal without looking at one.
    pub fn shares_with(&self, other: &Self) -> bool {
        let sealed = match (&self.sealed, &other.sealed) {
            (None, None) => true,
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            _ => false,
        };
        sealed && Arc::ptr_eq(&self.tail, &other.tail)
    }
}

impl From<Vec<u8>> for Contents {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            sealed: None,
            tail: Arc::new(bytes),
        }
    }
}

impl From<String> for Contents {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

impl From<&[u8]> for Contents {
    fn from(bytes: &[u8]) -> Self {
        bytes.to_vec().into()
    }
}

impl<const N: usize> From<&[u8; N]> for Contents {
    fn from(bytes: &[u8; N]) -> Self {
        bytes.to_vec().into()
    }
}

impl From<&str> for Contents {
    fn from(text: &str) -> Self {
        text.as_bytes().into()
    }
}

impl PartialEq for Contents {
    fn eq(&self, other: &Self) -> bool {
        self.shares_with(other)
            || (self.len() == other.len() && self.as_contiguous() == other.as_contiguous())
    }
}

impl Eq for Contents {}

impl PartialEq<[u8]> for Contents {
    fn eq(&self, other: &[u8]) -> bool {
        self.len() == other.len() && *self.as_contiguous() == *other
    }
}

impl<const N: usize> PartialEq<[u8; N]> for Contents {
    fn eq(&self, other: &[u8; N]) -> bool {
        *self == other[..]
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contents({} bytes)", self.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appending_to_shared_contents_leaves_the_other_holder_alone() {
        for size in [0, 1, SEAL_BYTES, SEAL_BYTES + 1, 3 * SEAL_BYTES] {
            let mut grown = Contents::from(vec![b'x'; size]);
            let kept = grown.clone();
            grown.append(b"yz");
            grown.append(b"!");
            assert_eq!(kept, *vec![b'x'; size].as_slice());
            let mut expected = vec![b'x'; size];
            expected.extend_from_slice(b"yz!");
            assert_eq!(grown.to_vec(), expected);
            assert_eq!(grown.len(), size + 3);
        }
    }

    #[test]
    fn a_large_shared_tail_is_sealed_and_not_copied() {
        let mut grown = Contents::from(vec![0; 10 * SEAL_BYTES]);
        let kept = grown.clone();
        grown.append(b"1");
        let shared = grown.segments().next().map(<[u8]>::as_ptr);
        assert_eq!(shared, kept.segments().next().map(<[u8]>::as_ptr));
    }

    #[test]
    fn snapshots_between_appends_do_not_make_crumbs() {
        let mut grown = Contents::default();
        let mut kept = Vec::new();
        for _ in 0..SEAL_BYTES {
            kept = vec![grown.clone()];
            grown.append(&[7; 8]);
        }
        assert_eq!(kept.len(), 1);
        assert_eq!(grown.len(), 8 * SEAL_BYTES);
        assert!(
            grown.segments().count() <= 9,
            "{} segments",
            grown.segments().count()
        );
    }

    #[test]
    fn equality_is_by_bytes_and_sharing_is_seen_first() {
        let mut rope = Contents::from(vec![1; SEAL_BYTES + 1]);
        let kept = rope.clone();
        assert!(rope.shares_with(&kept));
        rope.append(&[2]);
        let mut flat = vec![1; SEAL_BYTES + 1];
        flat.push(2);
        assert_eq!(rope, Contents::from(flat));
        assert_ne!(rope, kept);
    }
}
