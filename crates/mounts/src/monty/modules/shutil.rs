//! `shutil`: files and trees, copied, moved and removed as Python's module does it.
//!
//! Its exceptions are raised as `OSError`, which they are, and have no names here: the interpreter has no subclasses of
//! `OSError` but its own, and a class that a host gives it cannot stand in an `except` clause.
//!
//! ```text
//! shutil.rs        signatures, and from a call to the work
//! shutil/file      copying one file
//! shutil/tree      copying and removing trees
//! shutil/transfer  moving
//! shutil/ignored   `ignore_patterns`
//! shutil/space     `disk_usage`
//! ```

mod file;
mod ignored;
mod space;
mod transfer;
mod tree;

use ::monty_types::unstable::{self, MontyNode};
use ::monty_types::{CallArgs, ExcType, StringRepr};

use crate::error::{Error, ErrorKind, Operation};
use crate::monty::answer::Fault;

use super::Job;
use super::arguments::{Bound, GivenPath, Signature};
use super::outcome::{Done, Failure};
use super::work::Place;
#[cfg(test)]
use super::work::Work;

use file::{Copied, Symlinks};
use tree::{Removal, TreeCopy};

pub(super) use ignored::ignored_patterns;

pub(super) const FUNCTIONS: &[&str] = &[
    "copy",
    "copy2",
    "copyfile",
    "copytree",
    "disk_usage",
    "ignore_patterns",
    "move",
    "rmtree",
];

const COPY: Signature = Signature {
    name: "copy",
    positional: &["src", "dst"],
    required: 2,
    keyword_only: &["follow_symlinks"],
};
const COPY2: Signature = Signature {
    name: "copy2",
    ..COPY
};
const COPYFILE: Signature = Signature {
    name: "copyfile",
    ..COPY
};
const COPYTREE: Signature = Signature {
    name: "copytree",
    positional: &[
        "src",
        "dst",
        "symlinks",
        "ignore",
        "copy_function",
        "ignore_dangling_symlinks",
        "dirs_exist_ok",
    ],
    required: 2,
    keyword_only: &[],
};
const DISK_USAGE: Signature = Signature {
    name: "disk_usage",
    positional: &["path"],
    required: 1,
    keyword_only: &[],
};
const MOVE: Signature = Signature {
    name: "move",
    positional: &["src", "dst", "copy_function"],
    required: 2,
    keyword_only: &[],
};
const RMTREE: Signature = Signature {
    name: "rmtree",
    positional: &["path", "ignore_errors", "onerror"],
    required: 1,
    keyword_only: &["onexc", "dir_fd"],
};

/// What Python says before the type of what is no path: the call that meets it first.
const STAT: &str = "stat: path should be string, bytes, os.PathLike or integer";
const STATVFS: &str = "statvfs: path should be string, bytes, os.PathLike or integer";
const SCANDIR: &str = "scandir: path should be string, bytes, os.PathLike, integer or None";
const LSTAT: &str = "lstat: path should be string, bytes or os.PathLike";
const RENAME: &str = "rename: src should be string, bytes or os.PathLike";
const FSPATH: &str = "expected str, bytes or os.PathLike object";

/// Answers a function of the module.
pub(super) fn call(name: &str, args: &CallArgs, job: Job<'_>) -> Result<Result<Done, Failure>, Fault> {
    match name {
        "copyfile" => copy(&COPYFILE.bind(args)?, Copied::Exactly, job),
        "copy" => copy(&COPY.bind(args)?, Copied::Into, job),
        "copy2" => copy(&COPY2.bind(args)?, Copied::Into, job),
        "copytree" => {
            let bound = COPYTREE.bind(args)?;
            let (src, dst) = (bound.path("src", SCANDIR)?, bound.path("dst", FSPATH)?);
            let plan = TreeCopy {
                symlinks: symlinks(bound.flag("symlinks", false)),
                ignored: ignore(&bound)?,
                copied: copy_function(&bound)?,
                skips_dangling: bound.flag("ignore_dangling_symlinks", false),
                exist_ok: bound.flag("dirs_exist_ok", false),
            };
            Ok(job(&mut |work| {
                let (from, to) = (work.place(src)?, work.place(dst)?);
                work.copy_whole_tree(&from, &to, &plan)?;
                Ok(as_given(dst))
            }))
        }
        "disk_usage" => {
            let bound = DISK_USAGE.bind(args)?;
            let path = bound.path("path", STATVFS)?;
            Ok(job(&mut |work| {
                let place = work.place(path)?;
                work.disk_usage(&place)
            }))
        }
        "ignore_patterns" => {
            let name = ignored::named(args)?;
            Ok(job(&mut |_| Ok(Done::Function(name.clone()))))
        }
        "move" => {
            let bound = MOVE.bind(args)?;
            let (dst, src) = (bound.path("dst", STAT)?, bound.path("src", RENAME)?);
            let copied = copy_function(&bound)?;
            Ok(job(&mut |work| {
                let (from, to) = (work.place(src)?, work.place(dst)?);
                let moved = work.transfer(&from, &to, copied)?;
                Ok(match moved {
                    transfer::Moved::Exactly => as_given(dst),
                    transfer::Moved::Into(there) => Done::Text(there.spelled),
                    transfer::Moved::Nowhere => Done::Nothing,
                })
            }))
        }
        "rmtree" => {
            let bound = RMTREE.bind(args)?;
            let path = bound.path("path", LSTAT)?;
            for callable in ["onerror", "onexc"] {
                bound.refuse(callable, "a function to call")?;
            }
            bound.refuse("dir_fd", "a descriptor")?;
            let removal = if bound.flag("ignore_errors", false) {
                Removal::Tolerant
            } else {
                Removal::Strict
            };
            Ok(job(&mut |work| {
                let place = work.place(path)?;
                work.remove_whole_tree(&place, removal).map(|()| Done::Nothing)
            }))
        }
        _ => ignored::call(name, args, job),
    }
}

/// Answers one of the functions that copy a file.
fn copy(bound: &Bound<'_>, copied: Copied, job: Job<'_>) -> Result<Result<Done, Failure>, Fault> {
    let (dst, src) = (bound.path("dst", STAT)?, bound.path("src", STAT)?);
    let symlinks = symlinks(!bound.flag("follow_symlinks", true));
    Ok(job(&mut |work| {
        let (from, to) = (work.place(src)?, work.place(dst)?);
        let shown = shown(src);
        let inside = (copied == Copied::Into && work.is_dir(&to)).then(|| to.child(base_name(&from.spelled)));
        if let Some(there) = inside {
            let names = (shown.as_str(), quoted(&there.spelled));
            work.copy_file(&from, &there, symlinks, names)?;
            Ok(Done::Text(there.spelled))
        } else {
            work.copy_file(&from, &to, symlinks, (&shown, self::shown(dst)))?;
            Ok(as_given(dst))
        }
    }))
}

fn symlinks(kept: bool) -> Symlinks {
    if kept { Symlinks::Kept } else { Symlinks::Followed }
}

/// The patterns of `ignore=`. A function of the script cannot be called here.
fn ignore<'a>(bound: &Bound<'a>) -> Result<Vec<&'a str>, Fault> {
    let Some(given) = bound.some("ignore") else {
        return Ok(Vec::new());
    };
    match unstable::node(given) {
        MontyNode::Function { name, .. } if let Some(patterns) = ignored_patterns(name) => Ok(patterns),
        _ => Err(bound.unsupported("ignore", "a function other than shutil.ignore_patterns(...)")),
    }
}

/// What `copy_function=` does, where it is one of this module.
fn copy_function(bound: &Bound<'_>) -> Result<Copied, Fault> {
    let Some(given) = bound.get("copy_function") else {
        return Ok(Copied::Into);
    };
    match unstable::node(given) {
        MontyNode::Function { name, .. } => match name.as_str() {
            "shutil.copy" | "shutil.copy2" => Some(Copied::Into),
            "shutil.copyfile" => Some(Copied::Exactly),
            _ => None,
        },
        _ => None,
    }
    .ok_or_else(|| {
        bound.unsupported(
            "copy_function",
            "a function other than shutil.copy, copy2 or copyfile",
        )
    })
}

/// The last component of a path, `os.path.basename`.
fn base_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn as_given(path: GivenPath<'_>) -> Done {
    if path.is_path {
        Done::Path(path.text.to_owned())
    } else {
        Done::Text(path.text.to_owned())
    }
}

fn quoted(text: &str) -> String {
    StringRepr(text).to_string()
}

/// The `repr` of a path as it was given.
fn shown(path: GivenPath<'_>) -> String {
    let text = quoted(path.text);
    if path.is_path {
        format!("PosixPath({text})")
    } else {
        text
    }
}

/// An error of the module itself, `shutil.Error`.
fn error(text: String) -> Failure {
    Failure::Raised(ExcType::OSError, text)
}

/// What a link is refused that would have to be made: no mount makes links, as some file systems do not.
fn no_link(from: &Place, to: &Place) -> Failure {
    const EPERM: i32 = 1;
    let error = Error::new(ErrorKind::Os(EPERM), Operation::Write, &from.spelled);
    Failure::File(error.with_destination(&to.spelled))
}

/// `shutil.copytree(from, to)`, by paths in the working directory.
#[cfg(test)]
pub(super) fn copy_all(work: &mut Work<'_>, from: &str, to: &str) -> Result<(), Failure> {
    let plan = TreeCopy {
        symlinks: Symlinks::Followed,
        ignored: Vec::new(),
        copied: Copied::Into,
        skips_dangling: false,
        exist_ok: false,
    };
    let (from, to) = (work.locate(from), work.locate(to));
    work.copy_whole_tree(&from, &to, &plan)
}

/// `shutil.rmtree(path, ignore_errors=True)`, by a path in the working directory.
#[cfg(test)]
pub(super) fn remove_all(work: &mut Work<'_>, path: &str) -> Result<(), Failure> {
    let path = work.locate(path);
    work.remove_whole_tree(&path, Removal::Tolerant)
}
