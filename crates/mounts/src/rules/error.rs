//! Why a glob is no rule.

use std::fmt;

/// A glob that is no rule: which one, and why.
///
/// ```
/// use mounts::{Globs, RuleErrorKind, Rules};
///
/// let globs = Globs { hide: vec!["secrets/[a-".into()], ..Globs::default() };
/// let error = Rules::new(globs).unwrap_err();
/// assert_eq!(error.glob(), "secrets/[a-");
/// assert_eq!(error.kind(), RuleErrorKind::UnclosedClass);
/// assert_eq!(error.to_string(), "glob 'secrets/[a-': a class is not closed by ']'");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleError {
    glob: String,
    kind: RuleErrorKind,
}

/// What is wrong with a glob.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RuleErrorKind {
    /// It names nothing, or the mount's root alone.
    Empty,
    /// A component of it is empty, `.` or `..`, or holds a NUL byte: no path in a mount has such components, so the
    /// rule would silently do nothing.
    Unreachable,
    /// It is longer than a path may be.
    TooLong,
    /// Alternatives stand in alternatives more than 16 deep.
    TooNested,
    /// A class matches `/`: `[+-9]`. No wildcard but `**` does.
    SeparatorInClass,
    /// A class holds characters outside ASCII, which are more than one byte; alternatives say it: `{é,è}`.
    ClassNotAscii,
    /// A class is not closed by `]`.
    UnclosedClass,
    /// A range of a class ends before it starts: `[z-a]`.
    InvalidRange,
    /// A `}` has no `{`.
    UnopenedAlternates,
    /// A `{` has no `}`.
    UnclosedAlternates,
    /// The last character is a `\` that has nothing to escape.
    DanglingEscape,
    /// It, or all globs of the mount together, are more than can be compiled.
    TooComplex,
}

impl RuleError {
    pub(super) fn new(glob: &str, kind: RuleErrorKind) -> Self {
        Self {
            glob: glob.to_owned(),
            kind,
        }
    }

    /// The glob, as it was given.
    pub fn glob(&self) -> &str {
        &self.glob
    }

    /// What is wrong with it.
    pub fn kind(&self) -> RuleErrorKind {
        self.kind
    }
}

impl RuleErrorKind {
    /// The same in words.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Empty => "it names nothing in the mount",
            Self::Unreachable => "no path has an empty component, '.', '..' or a NUL byte",
            Self::TooLong => "it is longer than a path may be",
            Self::TooNested => "its alternatives are nested too deeply",
            Self::SeparatorInClass => "a class matches '/'",
            Self::ClassNotAscii => "a class holds characters outside ASCII",
            Self::UnclosedClass => "a class is not closed by ']'",
            Self::InvalidRange => "a range of a class ends before it starts",
            Self::UnopenedAlternates => "a '}' has no '{'",
            Self::UnclosedAlternates => "a '{' has no '}'",
            Self::DanglingEscape => "the last '\\' escapes nothing",
            Self::TooComplex => "it is too complex to compile",
        }
    }
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "glob '{}': {}", self.glob, self.kind.description())
    }
}

impl std::error::Error for RuleError {}
