//! Rules: what of a mount is hidden, denied or read-only, by glob.
//!
//! The obvious design matches the path that is asked for, and is passed by: a rule on a directory must hold for what
//! lies below it, whatever the pattern says about names below. So the *standing* of a path is found from the top
//! down, one prefix after the other; each prefix takes over the standing of the directory above and is matched
//! against all globs at once. The first prefix that is hidden or denied decides for everything below it.
//!
//! ```text
//! rules.rs         Rules: the compiled globs, and the verdict on a path
//! rules/matcher    one glob that picks paths of a table, and judges none
//! rules/glob       one glob: what is refused of it, how specific it is
//! rules/error      why a glob is no rule
//! ```
//!
//! This module judges paths. Where a path is judged is the table's business: once on the way in, and again after
//! each link.

mod error;
mod glob;
mod matcher;

use std::sync::Arc;

use globset::{Candidate, GlobSet};

use crate::path::{RelativePath, VirtualPath};

pub use error::{RuleError, RuleErrorKind};
pub use matcher::PathGlob;

/// The globs of a mount's rules, by what they do. See [`Rules`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Globs {
    /// What is listed, but may not be accessed in any way.
    pub deny: Vec<String>,
    /// What is not there.
    pub hide: Vec<String>,
    /// What may be read, but not changed.
    pub read_only: Vec<String>,
}

/// What the rules of a mount say about a path in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// No rule stands in the way.
    Open,
    /// It may be read; every change is `EROFS`.
    ReadOnly,
    /// It is listed; every access is `EACCES`, asking for its metadata included.
    Denied,
    /// As if absent: not listed, and every access is `ENOENT`, creating something there included.
    Hidden,
}

/// The rules of a mount, compiled from globs. Handed to [`Mount::with_rules`](crate::Mount::with_rules).
///
/// # Globs
///
/// Globs are those of the crate `globset`, on the path inside the mount: `*` and `?` match within one component,
/// `**/` any number of directories, `/**` everything below, `{a,b}` either, `[a-z]` a class, and `\` takes the next
/// character as it is. They are anchored at the mount (a leading `/` says nothing more; neither does a trailing one),
/// case-sensitive, and treat names that begin with a dot like all others. `?` and a class stand for one ASCII
/// character, since names are matched by bytes. The mount point itself is never matched: where a mount is, the table's
/// owner has said already.
///
/// # Verdicts
///
/// A rule on a directory holds for everything below it: below a hidden directory nothing is visible, below a denied
/// one nothing is accessible, whatever other globs say. Where several globs match a path or a directory above it, the
/// more specific one wins, which is the one with more literal components before its first wildcard; among equals,
/// `hide` before `deny` before `read_only`.
///
/// On the way to a file, the path is judged as it is given and again after each symbolic link. The strictest of these
/// verdicts holds: what is reached through a read-only path is not changed, wherever the link leads.
///
/// # What a hidden path does not tell
///
/// Every operation on a hidden path, or below one, is `ENOENT`, whether anything is there or not; creating is no
/// exception. A link to something hidden is a dangling link. Directories of a mount that hides something report one
/// link (`st_nlink`), as those of btrfs do, because the true number would count hidden subdirectories. What cannot
/// be concealed is that a directory that looks empty cannot be removed, and that one with hidden entries may not be
/// renamed: nothing hidden is ever destroyed or brought to light.
///
/// # What rules cannot do
///
/// They are about names. A file with a second name (a hard link of the host) is judged by the name it is asked for,
/// and on a host directory whose file system ignores case, so is a name spelled in another case.
///
/// ```
/// use mounts::{Globs, Mount, Rules, Table};
///
/// let rules = Rules::new(Globs {
///     hide: vec!["**/.env".into()],
///     read_only: vec!["vendor".into()],
///     ..Globs::default()
/// })?;
/// let table = Table::new();
/// let files = [("/.env", "KEY=1"), ("/vendor/lib.py", "pass\n")];
/// table.mount("/app", Mount::memory().with_files(files)?.with_rules(rules))?;
///
/// assert!(!table.exists("/app/.env"));
/// assert_eq!(table.read("/app/vendor/lib.py")?, *b"pass\n");
/// assert_eq!(table.write("/app/vendor/lib.py", "").unwrap_err().errno(), Some(30));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rules(Arc<Compiled>);

#[derive(Debug)]
struct Compiled {
    globs: Globs,
    set: GlobSet,
    /// The strength of each glob of the set, in its order.
    strengths: Vec<Strength>,
}

/// What a glob does, in order of precedence among equally specific ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Effect {
    ReadOnly,
    Deny,
    Hide,
}

/// How much a glob has to say where others match too; the greatest decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Strength {
    /// Literal components before the first wildcard.
    literal: usize,
    effect: Effect,
}

/// What is known about a path when it has been judged together with all directories above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing(Option<Strength>);

impl Standing {
    /// Where the mount's root stands, which no glob matches.
    pub(crate) const ROOT: Self = Self(None);

    pub(crate) fn verdict(self) -> Verdict {
        match self.0.map(|strength| strength.effect) {
            None => Verdict::Open,
            Some(Effect::ReadOnly) => Verdict::ReadOnly,
            Some(Effect::Deny) => Verdict::Denied,
            Some(Effect::Hide) => Verdict::Hidden,
        }
    }
}

impl Verdict {
    /// Whether the verdict on a directory is that on everything below it.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Denied | Self::Hidden)
    }
}

impl Rules {
    /// Compiles `globs`.
    ///
    /// # Errors
    ///
    /// [`RuleError`] for the first glob that is malformed, or that could never match a path.
    pub fn new(globs: Globs) -> Result<Self, RuleError> {
        let mut compiled = Vec::new();
        let mut strengths = Vec::new();
        for (effect, list) in [
            (Effect::Deny, &globs.deny),
            (Effect::Hide, &globs.hide),
            (Effect::ReadOnly, &globs.read_only),
        ] {
            for given in list {
                let glob = glob::Compiled::new(given)?;
                let literal = glob.literal;
                strengths.push(Strength { literal, effect });
                compiled.push(glob);
            }
        }
        let set = glob::set(&compiled)?;
        Ok(Self(Arc::new(Compiled {
            globs,
            set,
            strengths,
        })))
    }

    /// The globs as they were given.
    pub fn globs(&self) -> &Globs {
        &self.0.globs
    }

    /// The verdict on `path`, a path inside the mount, `/` being the mount's root.
    pub fn verdict(&self, path: &VirtualPath<'_>) -> Verdict {
        self.standing(path.relative_to_root()).verdict()
    }

    /// Whether anything may be hidden.
    pub(crate) fn hide_anything(&self) -> bool {
        !self.0.globs.hide.is_empty()
    }

    /// Judges `path`.
    pub(crate) fn standing(&self, path: RelativePath<'_>) -> Standing {
        self.judge(path).0
    }

    /// The part of `path` that a script can see: all of it, or the directory in which it is first hidden or denied.
    pub(crate) fn visible<'p>(&self, path: RelativePath<'p>) -> RelativePath<'p> {
        self.judge(path).1
    }

    /// Judges `path`, which lies directly in the directory that stands where `above` says.
    pub(crate) fn standing_in(&self, above: Standing, path: &str) -> Standing {
        if above.verdict().is_final() {
            return above;
        }
        self.matched(above, path, &mut Vec::new())
    }

    fn judge<'p>(&self, path: RelativePath<'p>) -> (Standing, RelativePath<'p>) {
        let mut matches = Vec::new();
        let mut standing = Standing::ROOT;
        let mut above = RelativePath::ROOT;
        for prefix in path.prefixes() {
            standing = self.matched(standing, prefix.as_str(), &mut matches);
            if standing.verdict().is_final() {
                return (standing, above);
            }
            above = prefix;
        }
        (standing, above)
    }

    fn matched(&self, above: Standing, path: &str, matches: &mut Vec<usize>) -> Standing {
        let Compiled { set, strengths, .. } = &*self.0;
        set.matches_candidate_into(&Candidate::from_bytes(path.as_bytes()), matches);
        let here = matches
            .iter()
            .filter_map(|index| strengths.get(*index).copied())
            .max();
        Standing(above.0.max(here))
    }
}
