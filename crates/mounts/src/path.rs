//! Virtual paths: absolute, `/`-separated, UTF-8, normalised by component.
//!
//! A script names files by strings; everything behind the table works on a [`VirtualPath`], which exists only
//! once the string has been checked against the limits and `.`, `..`, `//` and a trailing `/` have been resolved
//! lexically. Confinement does not rest on this module: a host mount is confined by its directory descriptor.
//! What rests here is *identity*: two spellings of one path are one path, and component boundaries count.

use std::borrow::Cow;
use std::fmt;

/// The longest path accepted, in bytes, as Linux's `PATH_MAX`.
pub const MAX_PATH_BYTES: usize = 4096;
/// The longest component accepted, in bytes, as Linux's `NAME_MAX`.
pub const MAX_NAME_BYTES: usize = 255;
/// The deepest path accepted, in components after normalisation.
///
/// Linux has no such limit. It bounds what one call can cost where a path is walked component by component.
pub const MAX_COMPONENTS: usize = 64;

/// Why a string is not a [`VirtualPath`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathError {
    /// The path does not start with `/`.
    NotAbsolute,
    /// The path contains a NUL byte, which no file name may.
    Nul,
    /// The path exceeds [`MAX_PATH_BYTES`], [`MAX_NAME_BYTES`] or [`MAX_COMPONENTS`].
    TooLong,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAbsolute => f.write_str("a virtual path starts with '/'"),
            Self::Nul => f.write_str("a path cannot contain a NUL byte"),
            Self::TooLong => write!(
                f,
                "a path has at most {MAX_PATH_BYTES} bytes, {MAX_COMPONENTS} components and {MAX_NAME_BYTES} bytes in a component"
            ),
        }
    }
}

impl std::error::Error for PathError {}

/// An absolute, normalised virtual path.
///
/// Unlike [`std::path::Path`] it is never relative, never holds `.`, `..` or an empty component, and never
/// exceeds the limits of this module. `..` at the root stays at the root, as on Linux.
///
/// ```
/// use mounts::VirtualPath;
///
/// let path = VirtualPath::parse("/data//reports/../2026.csv")?;
/// assert_eq!(path.as_str(), "/data/2026.csv");
/// assert_eq!(path.file_name(), Some("2026.csv"));
/// # Ok::<(), mounts::PathError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VirtualPath<'a>(Cow<'a, str>);

impl<'a> VirtualPath<'a> {
    /// Checks and normalises `path`; a path already normal is borrowed.
    ///
    /// # Errors
    ///
    /// [`PathError`] says which rule the path breaks. Bytes are measured as given; components after `..` has
    /// been resolved.
    pub fn parse(path: &'a str) -> Result<Self, PathError> {
        let bytes = path.as_bytes();
        if bytes.first() != Some(&b'/') {
            return Err(if bytes.contains(&0) {
                PathError::Nul
            } else {
                PathError::NotAbsolute
            });
        }
        if bytes.len() > MAX_PATH_BYTES {
            return Err(if bytes.contains(&0) {
                PathError::Nul
            } else {
                PathError::TooLong
            });
        }
        if bytes.len() == 1 {
            return Ok(Self(Cow::Borrowed("/")));
        }
        match Shape::of(bytes)? {
            Shape::Normal => Ok(Self(Cow::Borrowed(path))),
            Shape::Collapsible => Self::collapse(path),
        }
    }

    /// The root, `/`.
    #[must_use]
    pub fn root() -> VirtualPath<'static> {
        VirtualPath(Cow::Borrowed("/"))
    }

    fn collapse(path: &str) -> Result<Self, PathError> {
        let mut normal = String::with_capacity(path.len());
        for component in path.split('/') {
            match component {
                "" | "." => {}
                ".." => normal.truncate(normal.rfind('/').unwrap_or(0)),
                name => {
                    normal.push('/');
                    normal.push_str(name);
                }
            }
        }
        if normal.is_empty() {
            normal.push('/');
        }
        if normal.bytes().filter(|byte| *byte == b'/').count() > MAX_COMPONENTS {
            return Err(PathError::TooLong);
        }
        Ok(Self(Cow::Owned(normal)))
    }

    /// The path as text, always starting with `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is `/`.
    pub fn is_root(&self) -> bool {
        self.0.len() == 1
    }

    /// The components from the root down; none for `/`.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.relative_to_root().components()
    }

    /// The last component, `None` for `/`.
    pub fn file_name(&self) -> Option<&str> {
        self.relative_to_root().split_last().map(|(_, name)| name)
    }

    /// The path without its last component, `None` for `/`.
    pub fn parent(&self) -> Option<VirtualPath<'_>> {
        let (parent, _) = self.relative_to_root().split_last()?;
        Some(if parent.is_root() {
            VirtualPath::root()
        } else {
            VirtualPath(Cow::Borrowed(&self.0[..=parent.as_str().len()]))
        })
    }

    /// This path with the path `below` appended, normalised again: `..` in `below` climbs, at most to the root.
    ///
    /// # Errors
    ///
    /// [`PathError::TooLong`] or [`PathError::Nul`], as [`parse`](Self::parse).
    pub fn join(&self, below: &str) -> Result<VirtualPath<'static>, PathError> {
        let joined = format!("{}/{below}", self.0);
        VirtualPath::parse(&joined).map(VirtualPath::into_owned)
    }

    /// The same path, owning its text.
    pub fn into_owned(self) -> VirtualPath<'static> {
        VirtualPath(Cow::Owned(self.0.into_owned()))
    }

    /// Whether `self` is `other` or lies below it, by components: `/data` does not contain `/database`.
    pub fn starts_with(&self, other: &VirtualPath<'_>) -> bool {
        other.is_root()
            || self
                .0
                .strip_prefix(other.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    pub(crate) fn relative_to_root(&self) -> RelativePath<'_> {
        RelativePath(&self.0[1..])
    }
}

impl fmt::Display for VirtualPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What one pass over the bytes of a path finds.
enum Shape {
    Normal,
    Collapsible,
}

impl Shape {
    /// Classifies a path that starts with `/` and has more than one byte.
    fn of(bytes: &[u8]) -> Result<Self, PathError> {
        let mut normal = true;
        let mut too_long = false;
        let mut components = 0;
        let mut end_component = |component: &[u8]| {
            components += 1;
            too_long |= component.len() > MAX_NAME_BYTES;
            normal &= !matches!(component, b"" | b"." | b"..");
        };
        let mut start = 1;
        for (index, byte) in bytes.iter().enumerate().skip(1) {
            match byte {
                0 => return Err(PathError::Nul),
                b'/' => {
                    end_component(&bytes[start..index]);
                    start = index + 1;
                }
                _ => {}
            }
        }
        end_component(&bytes[start..]);
        match (too_long, normal) {
            (true, _) => Err(PathError::TooLong),
            (false, true) if components > MAX_COMPONENTS => Err(PathError::TooLong),
            (false, true) => Ok(Self::Normal),
            (false, false) => Ok(Self::Collapsible),
        }
    }
}

/// A path inside a mount: normalised, without a leading `/`, empty for the mount's own root.
///
/// Only the table makes these, so a backend never sees `.`, `..`, an empty component, a NUL byte or a path over
/// the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath<'a>(&'a str);

impl<'a> RelativePath<'a> {
    /// The mount's root.
    pub const ROOT: RelativePath<'static> = RelativePath("");

    pub(crate) fn new(normalised: &'a str) -> Self {
        debug_assert!(!normalised.starts_with('/') && !normalised.ends_with('/'));
        Self(normalised)
    }

    /// The path as text; `""` is the mount's root.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether this is the mount's root.
    pub fn is_root(self) -> bool {
        self.0.is_empty()
    }

    /// The components from the mount's root down; none for the root itself.
    pub fn components(self) -> impl Iterator<Item = &'a str> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let (name, below) = rest.split_first()?;
            rest = below;
            Some(name)
        })
    }

    /// The first component and what comes after it, `None` for the mount's root.
    pub(crate) fn split_first(self) -> Option<(&'a str, RelativePath<'a>)> {
        if self.0.is_empty() {
            return None;
        }
        // Names are short: a plain loop over the bytes finds their end before a searcher is set up.
        Some(match self.0.bytes().position(|byte| byte == b'/') {
            Some(end) => (&self.0[..end], RelativePath(&self.0[end + 1..])),
            None => (self.0, RelativePath::ROOT),
        })
    }

    /// The directories on the way from the mount's root down, and the path itself last; none for the root.
    pub(crate) fn prefixes(self) -> impl Iterator<Item = RelativePath<'a>> {
        let whole = self.0;
        let ends = whole.match_indices('/').map(|(end, _)| end).chain([whole.len()]);
        ends.filter(|end| *end > 0).map(|end| RelativePath(&whole[..end]))
    }

    /// The parent and the last component, `None` for the mount's root.
    pub fn split_last(self) -> Option<(RelativePath<'a>, &'a str)> {
        if self.0.is_empty() {
            return None;
        }
        Some(match self.0.rsplit_once('/') {
            Some((parent, name)) => (RelativePath(parent), name),
            None => (RelativePath(""), self.0),
        })
    }

    /// Whether `self` is `other` or lies below it, by components.
    pub fn starts_with(self, other: RelativePath<'_>) -> bool {
        other.is_root()
            || self
                .0
                .strip_prefix(other.0)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(path: &str) -> Result<String, PathError> {
        VirtualPath::parse(path).map(|path| path.as_str().to_owned())
    }

    #[test]
    fn dots_and_slashes_are_resolved_lexically() {
        for (given, normal) in [
            ("/", "/"),
            ("//", "/"),
            ("/.", "/"),
            ("/..", "/"),
            ("/../../a", "/a"),
            ("/a/b/", "/a/b"),
            ("/a//b", "/a/b"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/b/../..", "/"),
            ("/a/..b", "/a/..b"),
            ("/a/b..", "/a/b.."),
            ("/a/...", "/a/..."),
            ("/é/\u{202e}x", "/é/\u{202e}x"),
        ] {
            assert_eq!(parsed(given).as_deref(), Ok(normal), "{given}");
        }
    }

    #[test]
    fn a_normal_path_is_borrowed() {
        assert!(matches!(
            VirtualPath::parse("/a/b"),
            Ok(VirtualPath(Cow::Borrowed("/a/b")))
        ));
    }

    #[test]
    fn malformed_paths_are_refused_with_their_reason() {
        assert_eq!(parsed(""), Err(PathError::NotAbsolute));
        assert_eq!(parsed("a/b"), Err(PathError::NotAbsolute));
        assert_eq!(parsed("/a\0"), Err(PathError::Nul));
        assert_eq!(parsed("/a/\0/../b"), Err(PathError::Nul));
        assert_eq!(parsed(&format!("/{}\0", "x".repeat(5000))), Err(PathError::Nul));
    }

    #[test]
    fn the_limits_hold_at_their_edges() {
        let name = |length: usize| format!("/{}", "x".repeat(length));
        assert!(parsed(&name(MAX_NAME_BYTES)).is_ok());
        assert_eq!(parsed(&name(MAX_NAME_BYTES + 1)), Err(PathError::TooLong));
        assert_eq!(parsed(&format!("{}/..", name(256))), Err(PathError::TooLong));
        assert!(parsed(&"/a".repeat(MAX_COMPONENTS)).is_ok());
        assert_eq!(parsed(&"/a".repeat(MAX_COMPONENTS + 1)), Err(PathError::TooLong));
        assert_eq!(
            parsed(&format!("/.{}", "/a".repeat(MAX_COMPONENTS + 1))),
            Err(PathError::TooLong)
        );
        assert!(
            parsed(&"/a/..".repeat(200)).is_ok(),
            "what collapses is counted after collapsing"
        );
        assert_eq!(parsed(&"/".repeat(MAX_PATH_BYTES + 1)), Err(PathError::TooLong));
        assert_eq!(parsed(&"/".repeat(MAX_PATH_BYTES)).as_deref(), Ok("/"));
    }

    #[test]
    fn parents_names_and_components_agree() -> Result<(), PathError> {
        let path = VirtualPath::parse("/a/b/c")?;
        assert_eq!(path.components().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(path.file_name(), Some("c"));
        assert_eq!(
            path.parent().map(|parent| parent.to_string()).as_deref(),
            Some("/a/b")
        );
        assert_eq!(VirtualPath::parse("/a")?.parent(), Some(VirtualPath::root()));
        assert_eq!(VirtualPath::root().parent(), None);
        assert_eq!(VirtualPath::root().components().count(), 0);
        Ok(())
    }

    #[test]
    fn prefixes_count_by_component() -> Result<(), PathError> {
        let data = VirtualPath::parse("/data")?;
        assert!(VirtualPath::parse("/data/x")?.starts_with(&data));
        assert!(data.starts_with(&data));
        assert!(!VirtualPath::parse("/database")?.starts_with(&data));
        assert!(data.starts_with(&VirtualPath::root()));
        Ok(())
    }

    #[test]
    fn join_normalises_and_stays_below_the_root() -> Result<(), PathError> {
        let base = VirtualPath::parse("/a/b")?;
        assert_eq!(base.join("../c")?.as_str(), "/a/c");
        assert_eq!(base.join("../../../../x")?.as_str(), "/x");
        assert_eq!(VirtualPath::root().join("x/y")?.as_str(), "/x/y");
        Ok(())
    }
}
