//! One glob: what is refused of it, and how specific it is.
//!
//! A rule that silently matches nothing is a hole, so what no path could match is an error here, beside what the
//! matcher itself refuses. Two of the matcher's habits would also surprise: a class matches `/` when it is negated
//! or spans it, and a character outside ASCII counts as several. The first is taken out of negated classes and
//! refused in others, the second is refused in classes.

use std::str::Chars;

use globset::{ErrorKind, Glob, GlobBuilder, GlobSet};

use crate::path::MAX_PATH_BYTES;

use super::error::{RuleError, RuleErrorKind};

/// How deep alternatives may stand in alternatives. The compiler recurses into them.
const MAX_NESTING: usize = 16;

/// A glob that the matcher understands.
#[derive(Debug)]
pub(super) struct Compiled<'g> {
    given: &'g str,
    glob: Glob,
    /// Literal components before the first wildcard.
    pub(super) literal: usize,
}

impl<'g> Compiled<'g> {
    pub(super) fn new(given: &'g str) -> Result<Self, RuleError> {
        let compile = || {
            let (text, literal) = scan(given)?;
            let glob = GlobBuilder::new(&text)
                .literal_separator(true)
                .backslash_escape(true)
                .empty_alternates(true)
                .build()
                .map_err(|error| kind(error.kind()))?;
            Ok(Self { given, glob, literal })
        };
        compile().map_err(|kind| RuleError::new(given, kind))
    }
}

impl AsRef<Glob> for Compiled<'_> {
    fn as_ref(&self) -> &Glob {
        &self.glob
    }
}

/// The matcher of all `globs`, numbered in their order.
pub(super) fn set(globs: &[Compiled<'_>]) -> Result<GlobSet, RuleError> {
    GlobSet::new(globs).map_err(|error| {
        let culprit = globs.iter().find(|glob| GlobSet::new([glob]).is_err());
        // None is too complex by itself: the last was the one too many.
        let given = culprit.or(globs.last()).map_or("", |glob| glob.given);
        RuleError::new(given, kind(error.kind()))
    })
}

fn kind(kind: &ErrorKind) -> RuleErrorKind {
    match kind {
        ErrorKind::UnclosedClass => RuleErrorKind::UnclosedClass,
        ErrorKind::InvalidRange(..) => RuleErrorKind::InvalidRange,
        ErrorKind::UnopenedAlternates => RuleErrorKind::UnopenedAlternates,
        ErrorKind::UnclosedAlternates => RuleErrorKind::UnclosedAlternates,
        ErrorKind::DanglingEscape => RuleErrorKind::DanglingEscape,
        _ => RuleErrorKind::TooComplex,
    }
}

/// The glob as the matcher is to have it, and the number of its literal components before the first wildcard.
fn scan(given: &str) -> Result<(String, usize), RuleErrorKind> {
    if given.len() > MAX_PATH_BYTES {
        return Err(RuleErrorKind::TooLong);
    }
    let text = given.strip_prefix('/').unwrap_or(given);
    let text = text.strip_suffix('/').unwrap_or(text);
    if text.is_empty() {
        return Err(RuleErrorKind::Empty);
    }
    let mut scanned = String::with_capacity(text.len());
    let mut components = Components::default();
    let mut nesting = 0_usize;
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        if char == '[' {
            components.wildcard();
            class(&mut chars, &mut scanned)?;
            continue;
        }
        scanned.push(char);
        match char {
            '\0' => return Err(RuleErrorKind::Unreachable),
            '/' if nesting == 0 => components.end()?,
            '*' | '?' => components.wildcard(),
            '{' => {
                components.wildcard();
                nesting += 1;
                if nesting > MAX_NESTING {
                    return Err(RuleErrorKind::TooNested);
                }
            }
            '}' => nesting = nesting.checked_sub(1).ok_or(RuleErrorKind::UnopenedAlternates)?,
            '\\' => match chars.next().ok_or(RuleErrorKind::DanglingEscape)? {
                // A separator is one however it is written.
                '/' => {
                    scanned.pop();
                    scanned.push('/');
                    components.end()?;
                }
                escaped => {
                    scanned.push(escaped);
                    components.literal(escaped);
                }
            },
            char => components.literal(char),
        }
    }
    components.end()?;
    Ok((scanned, components.leading))
}

/// The components of a glob, as they go by.
#[derive(Debug, Default)]
struct Components {
    /// The literal characters of this one.
    text: String,
    has_wildcard: bool,
    /// Whether this one or one before it has a wildcard.
    is_wild: bool,
    /// Those before the first with a wildcard.
    leading: usize,
}

impl Components {
    fn literal(&mut self, char: char) {
        self.text.push(char);
    }

    fn wildcard(&mut self) {
        self.has_wildcard = true;
        self.is_wild = true;
    }

    fn end(&mut self) -> Result<(), RuleErrorKind> {
        if !self.has_wildcard && matches!(self.text.as_str(), "" | "." | "..") {
            return Err(RuleErrorKind::Unreachable);
        }
        self.leading += usize::from(!self.is_wild);
        self.text.clear();
        self.has_wildcard = false;
        Ok(())
    }
}

/// Copies a class, whose `[` was read, so that it does not match `/`.
fn class(chars: &mut Chars<'_>, scanned: &mut String) -> Result<(), RuleErrorKind> {
    let before = chars.as_str();
    let negated = before.starts_with(['!', '^']);
    scanned.push('[');
    scanned.extend(chars.by_ref().take(usize::from(negated)));
    let mut is_first = true;
    loop {
        let start = chars.next().ok_or(RuleErrorKind::UnclosedClass)?;
        scanned.push(start);
        // Where it comes first, it is an element like any other.
        if start == ']' && !is_first {
            return Ok(());
        }
        let mut end = start;
        // The matcher takes `a-c-e` as the range from `a` to `e`, and a last `-` as itself.
        while let Some(next) = chars
            .as_str()
            .strip_prefix('-')
            .and_then(|rest| rest.chars().next())
            && next != ']'
        {
            scanned.extend(chars.by_ref().take(2));
            end = next;
            if end < start {
                return Err(RuleErrorKind::InvalidRange);
            }
        }
        if !end.is_ascii() || !start.is_ascii() {
            return Err(RuleErrorKind::ClassNotAscii);
        }
        if !negated && (start..=end).contains(&'/') {
            return Err(RuleErrorKind::SeparatorInClass);
        }
        if negated && is_first {
            // After the first element, where it can neither close the class nor become the end of a range.
            scanned.push('/');
        }
        is_first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scanned(glob: &str) -> Result<(String, usize), RuleErrorKind> {
        Compiled::new(glob)
            .map(|compiled| (compiled.glob.glob().to_owned(), compiled.literal))
            .map_err(|error| error.kind())
    }

    #[test]
    fn literal_components_are_counted_up_to_the_first_wildcard() {
        for (glob, literal) in [
            ("a", 1),
            ("/a/b/", 2),
            ("a/b*/c", 1),
            ("a/b/**", 2),
            ("**/a/b", 0),
            ("a/[b]/c", 1),
            ("{a,b}/c", 0),
            ("a/{b/c,d}/e", 1),
            (r"a\*/b\/c", 3),
            ("a/?", 1),
        ] {
            assert_eq!(scanned(glob).map(|(_, literal)| literal), Ok(literal), "{glob}");
        }
    }

    #[test]
    fn negated_classes_are_kept_from_matching_a_separator() {
        for (glob, expected) in [
            ("[!a]", "[!a/]"),
            ("[^a-c]", "[^a-c/]"),
            ("[!]a]", "[!]/a]"),
            ("[!]-z-]", "[!]-z/-]"),
            ("[!a-c-e]", "[!a-c-e/]"),
            ("[!-a]", "[!-/a]"),
            ("[!-]", "[!-/]"),
            ("[!--z]", "[!--z/]"),
            ("[!a-]", "[!a/-]"),
            ("[a!]", "[a!]"),
        ] {
            assert_eq!(
                scanned(glob).map(|(text, _)| text).as_deref(),
                Ok(expected),
                "{glob}"
            );
        }
    }

    #[test]
    fn what_could_never_match_or_is_malformed_is_refused_with_its_reason() {
        use RuleErrorKind as Kind;
        let long = "x".repeat(MAX_PATH_BYTES + 1);
        let deep = format!("{}a{}", "{".repeat(MAX_NESTING + 1), "}".repeat(MAX_NESTING + 1));
        for (glob, expected) in [
            ("", Kind::Empty),
            ("/", Kind::Empty),
            ("//", Kind::Empty),
            ("//a", Kind::Unreachable),
            ("a//b", Kind::Unreachable),
            ("./a", Kind::Unreachable),
            ("a/..", Kind::Unreachable),
            (r"a/\..", Kind::Unreachable),
            (r"a\//b", Kind::Unreachable),
            ("a\0", Kind::Unreachable),
            ("[+-9]", Kind::SeparatorInClass),
            ("[/]", Kind::SeparatorInClass),
            ("a[é]", Kind::ClassNotAscii),
            ("[!a-é]", Kind::ClassNotAscii),
            ("[", Kind::UnclosedClass),
            ("[]", Kind::UnclosedClass),
            ("[!]", Kind::UnclosedClass),
            ("[a-", Kind::UnclosedClass),
            ("[z-a]", Kind::InvalidRange),
            ("}", Kind::UnopenedAlternates),
            ("{a", Kind::UnclosedAlternates),
            ("a\\", Kind::DanglingEscape),
            ("a\\/", Kind::DanglingEscape),
            (&long, Kind::TooLong),
            (&deep, Kind::TooNested),
        ] {
            assert_eq!(scanned(glob), Err(expected), "{glob:?}");
        }
    }

    #[test]
    fn the_one_glob_that_is_too_much_is_named() -> Result<(), RuleError> {
        let heavy = "{a?b*c,d*e?f}".repeat(300);
        let light = Compiled::new("a")?;
        let heavy = [light, Compiled::new(&heavy)?, Compiled::new("b")?];
        if let Err(error) = set(&heavy) {
            assert_eq!(error.kind(), RuleErrorKind::TooComplex);
            assert!(error.glob().len() > 1);
        }
        Ok(())
    }
}
