//! One glob that picks paths of a table.

use globset::GlobMatcher;

use crate::path::VirtualPath;

use super::error::RuleError;
use super::glob;

/// A glob on virtual paths, for [`Namespace::glob`](crate::Namespace::glob). It reads as those of
/// [`Rules`](crate::Rules) do, but is anchored at the root of the table, and matches what it matches and nothing below.
///
/// ```
/// use mounts::{PathGlob, VirtualPath};
///
/// let sources = PathGlob::new("/work/**/*.py")?;
/// assert!(sources.matches(&VirtualPath::parse("/work/src/main.py")?));
/// assert!(!sources.matches(&VirtualPath::parse("/work/notes.md")?));
/// assert_eq!(sources.base(), "/work");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct PathGlob {
    matcher: GlobMatcher,
    base: String,
    deepest: Option<usize>,
}

impl PathGlob {
    /// Compiles a glob.
    ///
    /// # Errors
    ///
    /// [`RuleError`] when it is malformed, or could never match a path.
    pub fn new(given: &str) -> Result<Self, RuleError> {
        // Compiled as a set first: what is too complex for that is refused with the same error as a rule.
        let compiled = glob::Compiled::new(given)?;
        glob::set(std::slice::from_ref(&compiled))?;
        let components = given.trim_matches('/').split('/');
        let mut base = String::new();
        for literal in components.clone().take(compiled.literal) {
            // What is escaped is literal, too; where it begins, the walk does.
            if literal.contains('\\') {
                break;
            }
            base.push('/');
            base.push_str(literal);
        }
        // Alternatives may hold separators.
        let deepest = (!given.contains("**") && !given.contains('{')).then(|| components.count());
        Ok(Self {
            matcher: compiled.as_ref().compile_matcher(),
            base: if base.is_empty() { "/".to_owned() } else { base },
            deepest,
        })
    }

    /// The path that everything it matches is, or lies below.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Whether it matches `path`. The root is matched by nothing.
    pub fn matches(&self, path: &VirtualPath<'_>) -> bool {
        !path.is_root() && self.matcher.is_match(path.relative_to_root().as_str())
    }

    /// Whether it could match what lies in a directory at this path.
    pub(crate) fn reaches_below(&self, path: &VirtualPath<'_>) -> bool {
        self.deepest
            .is_none_or(|deepest| path.components().count() < deepest)
    }
}
