//! The command line, taken apart.
//!
//! ```text
//! arguments           what it asks for
//! arguments/command   what it is, and how it is described
//! arguments/load      the dump to start from, and its directories
//! arguments/commit    which overlays are committed, and what of them
//! ```

mod command;
mod commit;
mod load;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgMatches;
use mounts::VirtualPath;

use crate::failure::Failure;
use crate::quantity;
use crate::spec::{Access, Assigned, MountSpec, Quota, Source, SpecError};

pub(crate) use command::command;
pub(crate) use commit::{Commits, Trial};
pub(crate) use load::{Binding, Load};

/// Where the script is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Script {
    /// In a file of the host.
    File(PathBuf),
    /// What the program is given to read.
    StandardInput,
}

/// What is told when the script has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Report {
    /// What changed in the mounts, a line for each entry.
    Changes,
    /// What changed, as unified text.
    Diff,
    /// Nothing.
    Nothing,
}

/// A mount with everything that was said about it.
#[derive(Debug)]
pub(crate) struct MountArgument {
    /// The argument that asked for it, for messages.
    pub(crate) given: OsString,
    /// The mount itself.
    pub(crate) spec: MountSpec,
    /// The globs of its rules.
    pub(crate) globs: mounts::Globs,
    /// What was said of its limits.
    pub(crate) quotas: Vec<Quota>,
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) struct Arguments {
    /// What to run.
    pub(crate) script: Script,
    /// The dump to start from.
    pub(crate) load: Option<Load>,
    /// The mounts beside it, in the order in which they were given.
    pub(crate) mounts: Vec<MountArgument>,
    /// The working directory that was asked for.
    pub(crate) working_directory: Option<String>,
    /// The most time that the run may take, sleep and file calls included.
    pub(crate) time: Option<Duration>,
    /// The most bytes that the script may hold.
    pub(crate) memory: Option<u64>,
    /// What is told in the end.
    pub(crate) report: Report,
    /// What is then committed.
    pub(crate) commits: Commits,
    /// The file that the table is then dumped to.
    pub(crate) save: Option<PathBuf>,
}

impl Arguments {
    /// Takes what `clap` found apart.
    pub(crate) fn new(found: &ArgMatches) -> Result<Self, Failure> {
        let mut mounts = Vec::new();
        for given in values(found, "mount") {
            let spec = MountSpec::parse(given).map_err(|error| refused("mount", given, &error))?;
            mounts.push(MountArgument {
                given: given.to_owned(),
                spec,
                globs: mounts::Globs::default(),
                quotas: Vec::new(),
            });
        }
        let mut arguments = Self {
            script: match found.get_one::<OsString>("script") {
                Some(path) if path != "-" => Script::File(path.into()),
                _ => Script::StandardInput,
            },
            load: Load::new(found)?,
            mounts,
            working_directory: text(found, "cwd", |path| {
                VirtualPath::parse(path).map(|path| path.as_str().to_owned())
            })?,
            time: text(found, "limit-time", quantity::duration)?,
            memory: text(found, "limit-memory", quantity::bytes)?,
            report: match (found.get_flag("quiet"), found.get_flag("diff")) {
                (true, _) => Report::Nothing,
                (false, true) => Report::Diff,
                (false, false) => Report::Changes,
            },
            commits: Commits::default(),
            save: found.get_one::<OsString>("save").map(PathBuf::from),
        };
        arguments.commits = Commits::new(found, arguments.overlays())?;
        arguments.assign(found, "hide", |mount, glob| {
            mount.globs.hide.push(glob);
            Ok(())
        })?;
        arguments.assign(found, "deny", |mount, glob| {
            mount.globs.deny.push(glob);
            Ok(())
        })?;
        arguments.assign(found, "read-only", |mount, glob| {
            mount.globs.read_only.push(glob);
            Ok(())
        })?;
        arguments.assign(found, "quota", |mount, quota| {
            mount.quotas.extend(Quota::parse(&quota, &mount.spec.source)?);
            Ok(())
        })?;
        Ok(arguments)
    }

    /// Where there are overlays of directories.
    fn overlays(&self) -> Vec<VirtualPath<'static>> {
        let loaded = self.load.iter().flat_map(|load| &load.bindings);
        let loaded = loaded.map(|binding| (&binding.point, Some(binding.access)));
        let mounted = self.mounts.iter().map(|mount| {
            let access = match mount.spec.source {
                Source::Memory => None,
                Source::Host { access, .. } => Some(access),
            };
            (&mount.spec.point, access)
        });
        loaded
            .chain(mounted)
            .filter(|(_, access)| *access == Some(Access::Overlay))
            .map(|(point, _)| point.clone())
            .collect()
    }

    /// Adds what every argument of `option` says to the mount that it is said of.
    fn assign(
        &mut self,
        found: &ArgMatches,
        option: &str,
        add: impl Fn(&mut MountArgument, String) -> Result<(), SpecError>,
    ) -> Result<(), Failure> {
        let hint = match self.load {
            Some(_) => " beside what is loaded, which has its own rules and quotas",
            None => "",
        };
        for given in values(found, option) {
            let Assigned { point, value } =
                Assigned::parse(given).map_err(|error| refused(option, given, &error))?;
            let mount = self
                .mounts
                .iter_mut()
                .find(|mount| mount.spec.point == point)
                .ok_or_else(|| {
                    refused(
                        option,
                        given,
                        &format_args!("nothing is mounted at '{point}'{hint}"),
                    )
                })?;
            add(mount, value).map_err(|error| refused(option, given, &error))?;
        }
        Ok(())
    }
}

/// The failure of an argument that cannot be used.
pub(crate) fn refused(option: &str, given: &OsStr, why: &impl fmt::Display) -> Failure {
    Failure::usage(format_args!("--{option} '{}': {why}", given.to_string_lossy()))
}

fn values<'a>(found: &'a ArgMatches, option: &str) -> impl Iterator<Item = &'a OsString> {
    found.get_many::<OsString>(option).into_iter().flatten()
}

/// The value of an option that is given once at most, as `read` reads it.
fn text<T, E: fmt::Display>(
    found: &ArgMatches,
    option: &str,
    read: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Failure> {
    let Some(given) = found.get_one::<OsString>(option) else {
        return Ok(None);
    };
    let text = given
        .to_str()
        .ok_or_else(|| refused(option, given, &"it is not UTF-8"))?;
    read(text)
        .map(Some)
        .map_err(|error| refused(option, given, &error))
}
