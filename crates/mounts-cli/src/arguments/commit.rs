//! Which overlays are committed, and what of them.

use std::ffi::{OsStr, OsString};

use clap::ArgMatches;
use mounts::history::CommitOptions;
use mounts::{RuleError, VirtualPath};

use crate::failure::Failure;
use crate::spec::Assigned;

use super::{refused, values};

/// Whether something is done, or only said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Trial {
    /// It is done.
    #[default]
    Real,
    /// It is said what would be done.
    DryRun,
}

/// What is committed when the script has ended well.
#[derive(Debug, Default)]
pub(crate) struct Commits {
    /// The overlays, in the order in which they were mounted.
    pub(crate) overlays: Vec<Overlay>,
    /// Whether it is done.
    pub(crate) trial: Trial,
}

/// An overlay that is committed.
#[derive(Debug)]
pub(crate) struct Overlay {
    /// Where it is mounted.
    pub(crate) point: VirtualPath<'static>,
    /// What of it is committed.
    pub(crate) options: CommitOptions,
}

/// Adds globs to options.
type Choose = fn(CommitOptions, Vec<String>) -> Result<CommitOptions, RuleError>;

/// The options that choose what is committed.
const CHOICES: [(&str, Choose); 3] = [
    ("only", CommitOptions::only),
    ("except", CommitOptions::except),
    ("include", CommitOptions::include),
];

impl Commits {
    /// Finds what is to be committed among the overlays at `points`.
    pub(super) fn new(found: &ArgMatches, mut points: Vec<VirtualPath<'static>>) -> Result<Self, Failure> {
        let asked = Asked::new(found)?;
        match &asked {
            Asked::All if points.is_empty() => {
                return Err(Failure::usage("--commit: no overlay of a directory is mounted"));
            }
            Asked::All => {}
            Asked::These(asked) => {
                let unknown = asked.iter().find(|(point, _)| !points.contains(point));
                if let Some((_, given)) = unknown {
                    let why = "no overlay of a directory is mounted there";
                    return Err(refused("commit", given, &why));
                }
                points.retain(|point| asked.iter().any(|(asked, _)| asked == point));
            }
        }
        let overlays = points.into_iter().map(|point| Overlay {
            point,
            options: CommitOptions::new(),
        });
        let mut commits = Self {
            overlays: overlays.collect(),
            trial: if found.get_flag("dry-run") {
                Trial::DryRun
            } else {
                Trial::Real
            },
        };
        for (option, choose) in CHOICES {
            commits.choose(found, option, choose)?;
        }
        Ok(commits)
    }

    /// Whether the overlay at `point` is to be committed.
    pub(crate) fn has(&self, point: &VirtualPath<'_>) -> bool {
        self.overlays.iter().any(|overlay| overlay.point == *point)
    }

    /// Hands to `choose` the globs that the arguments of `option` say of each overlay.
    fn choose(&mut self, found: &ArgMatches, option: &str, choose: Choose) -> Result<(), Failure> {
        let mut globs = vec![Vec::new(); self.overlays.len()];
        for given in values(found, option) {
            let Assigned { point, value } =
                Assigned::parse(given).map_err(|error| refused(option, given, &error))?;
            let overlay = self.overlays.iter().position(|overlay| overlay.point == point);
            let Some(globs) = overlay.and_then(|overlay| globs.get_mut(overlay)) else {
                let why = format_args!("no commit of '{point}' is asked for");
                return Err(refused(option, given, &why));
            };
            globs.push(value);
        }
        for (overlay, globs) in self.overlays.iter_mut().zip(globs) {
            if !globs.is_empty() {
                let options = std::mem::take(&mut overlay.options);
                overlay.options = choose(options, globs)
                    .map_err(|error| Failure::usage(format_args!("--{option}: {error}")))?;
            }
        }
        Ok(())
    }
}

/// What `--commit` asks for.
enum Asked<'a> {
    /// Every overlay.
    All,
    /// Those at these points, each with the argument that says so; perhaps none.
    These(Vec<(VirtualPath<'static>, &'a OsStr)>),
}

impl<'a> Asked<'a> {
    fn new(found: &'a ArgMatches) -> Result<Self, Failure> {
        let mut points = Vec::new();
        for mut occurrence in found.get_occurrences::<OsString>("commit").into_iter().flatten() {
            let Some(given) = occurrence.next() else {
                return Ok(Self::All);
            };
            let refused = |why: &dyn std::fmt::Display| refused("commit", given, &why);
            let point = given.to_str().ok_or_else(|| refused(&"it is not UTF-8"))?;
            let point = VirtualPath::parse(point).map_err(|error| refused(&error))?;
            points.push((point.into_owned(), given.as_os_str()));
        }
        Ok(Self::These(points))
    }
}
