//! A table as a file, and a table from one.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use mounts::history::{DumpError, DumpErrorKind, LoadOptions};
use mounts::{HostDirectory, MountKind, Table, WritableHostDirectory};
use tempfile::NamedTempFile;

use crate::arguments::{Binding, Commits, Load, refused};
use crate::failure::Failure;
use crate::shown::Shown;
use crate::spec::Access;

/// What a dump may inflate to, in bytes.
const MAX_BYTES: u64 = 1 << 30;
/// A file of more bytes holds more than that, or is none.
const MAX_FILE_BYTES: u64 = MAX_BYTES + (1 << 20);

/// The table that `load` names, with its directories. One that `commits` names can be written by that commit.
///
/// # Errors
///
/// [`Failure::Usage`] for what is no dump, or not with these directories; [`Failure::Conflict`] where they have changed.
pub(crate) fn load(load: &Load, commits: &Commits) -> Result<Table, Failure> {
    let given = load.file.as_os_str();
    let bytes = read(&load.file).map_err(|error| refused("load", given, &error))?;
    let mut options = LoadOptions::new()
        .with_max_size(MAX_BYTES)
        .with_on_drift(load.on_drift);
    for binding in &load.bindings {
        let directory = HostDirectory::open(&binding.directory)
            .map_err(|error| refused("bind", &binding.given, &error))?;
        let point = binding.point.as_str();
        options = match binding.access {
            Access::ReadWrite => options.with_writable_host(point, WritableHostDirectory::new(directory)),
            Access::Overlay if commits.has(&binding.point) => {
                options.with_host(point, WritableHostDirectory::new(directory))
            }
            Access::Overlay | Access::ReadOnly => options.with_host(point, directory),
        };
    }
    let table = Table::load(&bytes, options).map_err(|error| not_loaded(load, &error))?;
    let mounts = table.list_mounts();
    for binding in &load.bindings {
        let mount = mounts.iter().find(|mount| mount.point == binding.point.as_str());
        if !mount.is_some_and(|mount| mount.kind == kind(binding.access)) {
            return Err(mismatched(binding, mount.map(|mount| mount.kind)));
        }
    }
    Ok(table)
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        let why = DumpErrorKind::TooLarge { limit: MAX_BYTES };
        return Err(io::Error::other(why.to_string()));
    }
    Ok(bytes)
}

/// The kind of mount that has such access to a directory.
fn kind(access: Access) -> MountKind {
    match access {
        Access::ReadOnly => MountKind::ReadOnly,
        Access::ReadWrite => MountKind::ReadWrite,
        Access::Overlay => MountKind::Overlay,
    }
}

fn mismatched(binding: &Binding, found: Option<MountKind>) -> Failure {
    let found = match found {
        Some(MountKind::Memory) => "in memory",
        Some(MountKind::ReadOnly) => "ro",
        Some(MountKind::ReadWrite) => "rw",
        Some(MountKind::Overlay) => "overlay",
        _ => "something else",
    };
    refused(
        "bind",
        &binding.given,
        &format_args!("the dump has this mount as {found}"),
    )
}

fn not_loaded(load: &Load, error: &DumpError) -> Failure {
    let text = format!("--load '{}': {}", load.file.to_string_lossy(), Reason(error));
    match error.kind() {
        DumpErrorKind::Drifted => Failure::Conflict(text),
        DumpErrorKind::HostMissing => {
            Failure::usage(format_args!("{text}\n'--bind POINT=DIRECTORY:MODE' gives it one"))
        }
        _ => Failure::Usage(text),
    }
}

/// Why something is no dump, or none can be made, with the paths that it is about.
struct Reason<'e>(&'e DumpError);

impl fmt::Display for Reason<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.kind())?;
        let mut paths = self.0.paths().iter();
        paths.try_for_each(|path| write!(f, "\n  {}", Shown(path)))
    }
}

/// Where a dump is to be written.
#[derive(Debug)]
pub(crate) struct Destination<'p> {
    file: &'p Path,
    /// The directory of the file, in which it is made before it gets its name.
    directory: PathBuf,
}

impl<'p> Destination<'p> {
    /// Finds out whether a file can be made there, before a script has done what would be lost.
    pub(crate) fn new(file: &'p Path) -> Result<Self, Failure> {
        let refused = |why: &dyn fmt::Display| refused("save", file.as_os_str(), &why);
        if file.is_dir() {
            return Err(refused(&"it is a directory"));
        }
        let directory = match file.parent() {
            Some(directory) if directory != Path::new("") => directory.to_owned(),
            _ => PathBuf::from("."),
        };
        NamedTempFile::new_in(&directory)
            .and_then(NamedTempFile::close)
            .map_err(|error| refused(&error))?;
        Ok(Self { file, directory })
    }

    /// Writes `table` there: whoever opens the file finds what was there before, or all of it.
    pub(crate) fn save(&self, table: &Table) -> Result<(), Failure> {
        let name = self.file.to_string_lossy();
        let bytes = table
            .dump()
            .map_err(|error| Failure::Save(format!("--save '{name}': {}", Reason(&error))))?;
        self.write(&bytes)
            .map_err(|error| Failure::Save(format!("--save '{name}': {error}")))
    }

    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.directory)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(self.file)?;
        File::open(&self.directory)?.sync_all()
    }
}
