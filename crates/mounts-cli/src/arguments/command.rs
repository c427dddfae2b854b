//! The command line as it is described to its user.

use std::ffi::OsString;

use clap::{Arg, ArgAction, Command, value_parser};

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

When the script has ended, however it did, what it changed in its mounts is printed, a line for each entry:
  A PATH (SIZE)             is new          M PATH (SIZE -> SIZE)  has other contents
  A PATH (SIZE), was PATH   was moved here  D PATH (SIZE)          is gone
  M PATH/                   a directory that is written, in which more changed than is remembered
With --diff, the unified diff is printed instead, as 'patch' reads it, with the script's paths.

With --commit, overlays are then applied to their directories, all of them or those named, and a line for each entry
says what became of it: 'wrote', 'removed', or 'skipped' and why. Skipped is what would change a directory whose name
begins with a dot, such as .git, or make a file executable, unless --include says so. Where the host has changed what
would be changed, nothing is written at all. Nothing is committed if the script did not end well.

With --save, everything that is in memory is written to a file, however the script ended: mounts, rules, quotas, and
what overlays changed, after a commit what is left of it. --load starts from it, and --mount adds to it. Directories of
the host are not in it: --bind gives each to its mount, with the MODE that the mount has. Where they have changed what an
overlay changed, nothing is loaded unless --keep-drifted is said.

Exit status: 0 if the script ran to its end, 1 if an exception ended it, 2 if the command line asks for what there is
not, 3 if the host has changed what would be committed or loaded, 4 if a commit failed for another reason, 70 if the
interpreter failed, 74 if what is to be saved could not be.

Examples:
  mounts-cli --mount /src=./:ro --mount /scratch=memory --mount /repo=./:overlay --hide '/repo=**/.env' task.py
  mounts-cli --mount /repo=./:overlay --diff --commit --dry-run task.py
  mounts-cli --mount /repo=./:overlay --save work.dump one.py
  mounts-cli --load work.dump --bind /repo=./:overlay --save work.dump two.py";

/// The command line as it is described to its user.
pub(crate) fn command() -> Command {
    Command::new("mounts-cli")
        .version(env!("CARGO_PKG_VERSION"))
        .about(
            "Runs a Python file in the Monty interpreter, with the files that its mounts have and no others",
        )
        .after_long_help(GRAMMAR)
        .after_help("'--help' describes mounts, rules, quotas and what becomes of changes.")
        .arg(
            Arg::new("script")
                .value_name("SCRIPT")
                .required(true)
                .help("The Python file to run; '-' is what stands on standard input")
                .value_parser(value_parser!(OsString)),
        )
        .args(mounts())
        .args(loaded())
        .args(run())
        .args(changes())
        .args(commit())
        .arg(single(
            "save",
            "FILE",
            "Writes what the mounts keep in memory to a file",
        ))
}

/// What is mounted, and what is said of it.
fn mounts() -> [Arg; 5] {
    [
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
    ]
}

/// What was saved before.
fn loaded() -> [Arg; 3] {
    [
        single("load", "FILE", "Starts from the mounts that were saved to a file"),
        repeated(
            "bind",
            "POINT=DIRECTORY:MODE",
            "Gives the loaded mount at POINT its directory",
        )
        .requires("load"),
        flag(
            "keep-drifted",
            "Loads overlays also where the host has changed what they changed",
        )
        .requires("load"),
    ]
}

/// How the script runs.
fn run() -> [Arg; 3] {
    [
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
    ]
}

/// What is told of its changes.
fn changes() -> [Arg; 2] {
    [
        flag("quiet", "Does not print what the script changed"),
        flag("diff", "Prints what the script changed as a unified diff").conflicts_with("quiet"),
    ]
}

/// What becomes of them.
fn commit() -> [Arg; 5] {
    [
        // A value only behind '=': the next argument is the script's.
        repeated(
            "commit",
            "POINT",
            "Applies the overlay at POINT, or all of them, to the directory under it",
        )
        .num_args(0..=1)
        .require_equals(true),
        flag("dry-run", "Prints what would be committed, and does not").requires("commit"),
        repeated(
            "only",
            "POINT=GLOB",
            "Commits no paths of the overlay at POINT but these",
        )
        .requires("commit"),
        repeated(
            "except",
            "POINT=GLOB",
            "Does not commit these paths of the overlay at POINT",
        )
        .requires("commit"),
        repeated(
            "include",
            "POINT=GLOB",
            "Commits these paths also in dot-directories, or to be executable",
        )
        .requires("commit"),
    ]
}

fn repeated(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    single(name, value, help).action(ArgAction::Append)
}

fn single(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(value)
        .help(help)
        .value_parser(value_parser!(OsString))
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
}
