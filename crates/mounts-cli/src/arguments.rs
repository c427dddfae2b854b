//! The command line.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use mounts::VirtualPath;

use crate::failure::Failure;
use crate::quantity;
use crate::spec::{Assigned, MountSpec, Quota, SpecError};

/// What is at the end of the long help.
const GRAMMAR: &str = "\
A mount is POINT=memory, an empty tree in memory, or POINT=DIRECTORY:MODE, a directory of the host:
  ro       the script reads it
  rw       the script reads and changes it
  overlay  the script reads it, and what it changes is kept in memory: the directory stays as it is

A GLOB is matched against the path inside the mount. '*' and '?' stop at '/', '**/' matches at any depth, and a rule
on a directory holds for everything below it.

A quota is COUNTER:AMOUNT, several of them separated by commas; an AMOUNT may be 'unlimited':
  bytes      in all files at one time
  files      files and directories at one time
  file-size  bytes in one file
  written    bytes ever written, kept or not
  memory     bytes that the mount keeps in memory, with the answer to one read; 256MiB unless it is said
Of a directory that is written, 'bytes' and 'files' are what the script adds to it: at most 100,000 files, and 1GiB
'written', unless it is said. Of a directory that is only read there is 'memory' alone.

A script has its mounts, the clock in UTC, and nothing else of the host: no environment, no network, no processes.

When the script has ended, however it did, what it changed in memory and in overlays is printed, a line for each entry:
  A PATH (SIZE)             is new          M PATH (SIZE -> SIZE)  has other contents
  A PATH (SIZE), was PATH   was moved here  D PATH (SIZE)          is gone

Exit status: 0 if the script ran to its end, 1 if an exception ended it, 2 if the command line asks for what there is
not, 70 if the interpreter failed.

Example:
  mounts-cli --mount /src=./:ro --mount /scratch=memory --mount /repo=./:overlay --hide '/repo=**/.env' task.py";

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
    /// What changed in the mounts.
    Changes,
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
    /// The mounts, in the order in which they were given.
    pub(crate) mounts: Vec<MountArgument>,
    /// The working directory that was asked for.
    pub(crate) working_directory: Option<String>,
    /// The most time that the run may take, sleep and file calls included.
    pub(crate) time: Option<Duration>,
    /// The most bytes that the script may hold.
    pub(crate) memory: Option<u64>,
    /// What is told in the end.
    pub(crate) report: Report,
}

/// The command line as it is described to its user.
pub(crate) fn command() -> Command {
    let repeated = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name(value)
            .help(help)
            .action(ArgAction::Append)
            .value_parser(value_parser!(OsString))
    };
    let single = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .value_name(value)
            .help(help)
            .value_parser(value_parser!(OsString))
    };
    Command::new("mounts-cli")
        .version(env!("CARGO_PKG_VERSION"))
        .about(
            "Runs a Python file in the Monty interpreter, with the files that its mounts have and no others",
        )
        .after_long_help(GRAMMAR)
        .after_help("'--help' describes mounts, rules and quotas.")
        .args([
            Arg::new("script")
                .value_name("SCRIPT")
                .required(true)
                .help("The Python file to run; '-' is what stands on standard input")
                .value_parser(value_parser!(OsString)),
            repeated("mount", "POINT=SOURCE", "Mounts memory or a directory"),
            repeated("hide", "POINT=GLOB", "Hides paths of the mount at POINT"),
            repeated(
                "deny",
                "POINT=GLOB",
                "Lists paths of the mount at POINT, and denies every access",
            ),
            repeated(
                "read-only",
                "POINT=GLOB",
                "Refuses changes of paths of the mount at POINT",
            ),
            repeated(
                "quota",
                "POINT=COUNTER:AMOUNT",
                "Limits what the mount at POINT may hold",
            ),
            single(
                "cwd",
                "PATH",
                "The script's working directory: the first mount's point unless it is said",
            ),
            single(
                "limit-time",
                "TIME",
                "Ends a script that takes longer, as in 10s or 500ms",
            ),
            single(
                "limit-memory",
                "SIZE",
                "Ends a script that holds more, as in 64MB",
            ),
            Arg::new("quiet")
                .long("quiet")
                .help("Does not print what the script changed")
                .action(ArgAction::SetTrue),
        ])
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
            mounts,
            working_directory: text(found, "cwd", |path| {
                VirtualPath::parse(path).map(|path| path.as_str().to_owned())
            })?,
            time: text(found, "limit-time", quantity::duration)?,
            memory: text(found, "limit-memory", quantity::bytes)?,
            report: if found.get_flag("quiet") {
                Report::Nothing
            } else {
                Report::Changes
            },
        };
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

    /// Adds what every argument of `option` says to the mount that it is said of.
    fn assign(
        &mut self,
        found: &ArgMatches,
        option: &str,
        add: impl Fn(&mut MountArgument, String) -> Result<(), SpecError>,
    ) -> Result<(), Failure> {
        for given in values(found, option) {
            let Assigned { point, value } =
                Assigned::parse(given).map_err(|error| refused(option, given, &error))?;
            let mount = self
                .mounts
                .iter_mut()
                .find(|mount| mount.spec.point == point)
                .ok_or_else(|| refused(option, given, &format_args!("nothing is mounted at '{point}'")))?;
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
