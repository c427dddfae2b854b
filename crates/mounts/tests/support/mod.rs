//! What the integration tests share: a model program of operations, and trees as plain values.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "each test binary uses its own part, a test fails by unwrapping, and the disk is the model"
)]

pub(crate) mod cases;
pub(crate) mod committed;
#[cfg(unix)]
pub(crate) mod disks;
pub(crate) mod faulty;
pub(crate) mod history;
pub(crate) mod programs;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use mounts::{ErrorKind, FileType, Metadata, Namespace, OpenMode};
use proptest::prelude::*;

/// What a walk finds at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    File(Vec<u8>),
    Directory,
}

/// A whole tree as a value: relative path → entry.
pub(crate) type TreeImage = BTreeMap<String, Entry>;

/// One operation of a model program, on paths relative to the root under test.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Write(String, Vec<u8>),
    Append(String, Vec<u8>),
    OpenTruncate(String),
    OpenAppend(String),
    Read(String),
    List(String),
    Stat(String),
    Lstat(String),
    CreateDir(String),
    CreateDirAll(String),
    RemoveFile(String),
    RemoveDir(String),
    Rename(String, String),
}

/// What an operation answered: an observation, or the number of the error.
pub(crate) type Outcome = Result<Seen, i32>;

/// What can be observed of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Done,
    Bytes(Vec<u8>),
    Names(Vec<(String, bool)>),
    Stat { directory: bool, size: Option<u64> },
}

/// Paths of up to three components over three names: collisions are the point.
fn path() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..=3).prop_map(|names| names.join("/"))
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..12)
}

/// A step, weighted towards those that build something.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (path(), data()).prop_map(|(path, data)| Step::Write(path, data)),
        2 => (path(), data()).prop_map(|(path, data)| Step::Append(path, data)),
        1 => path().prop_map(Step::OpenTruncate),
        1 => path().prop_map(Step::OpenAppend),
        2 => path().prop_map(Step::Read),
        1 => path().prop_map(Step::List),
        1 => path().prop_map(Step::Stat),
        1 => path().prop_map(Step::Lstat),
        4 => path().prop_map(Step::CreateDir),
        1 => path().prop_map(Step::CreateDirAll),
        2 => path().prop_map(Step::RemoveFile),
        2 => path().prop_map(Step::RemoveDir),
        4 => (path(), path()).prop_map(|(from, to)| Step::Rename(from, to)),
    ]
}

fn described(metadata: &Metadata) -> Seen {
    let directory = metadata.file_type == FileType::Directory;
    Seen::Stat {
        directory,
        size: (!directory).then_some(metadata.size),
    }
}

fn described_on_disk(metadata: &fs::Metadata) -> Seen {
    Seen::Stat {
        directory: metadata.is_dir(),
        size: (!metadata.is_dir()).then_some(metadata.len()),
    }
}

/// Runs a step on a namespace, below the virtual path `root`.
pub(crate) fn run(namespace: &Namespace, root: &str, step: &Step) -> Outcome {
    let at = |path: &str| format!("{root}/{path}");
    let done = |()| Seen::Done;
    match step {
        Step::Write(path, data) => namespace.write(&at(path), data.clone()).map(done),
        Step::Append(path, data) => namespace.append(&at(path), data).map(done),
        Step::OpenTruncate(path) => namespace.open_for_write(&at(path), OpenMode::Truncate).map(done),
        Step::OpenAppend(path) => namespace.open_for_write(&at(path), OpenMode::Append).map(done),
        Step::Read(path) => namespace
            .read(&at(path))
            .map(|contents| Seen::Bytes(contents.to_vec())),
        Step::List(path) => namespace.list(&at(path)).map(|entries| {
            let seen =
                |entry: mounts::DirEntry| (entry.name.to_string(), entry.file_type == FileType::Directory);
            Seen::Names(entries.into_iter().map(seen).collect())
        }),
        Step::Stat(path) => namespace.metadata(&at(path)).map(|metadata| described(&metadata)),
        Step::Lstat(path) => namespace
            .symlink_metadata(&at(path))
            .map(|metadata| described(&metadata)),
        Step::CreateDir(path) => namespace.create_dir(&at(path)).map(done),
        Step::CreateDirAll(path) => namespace.create_dir_all(&at(path)).map(done),
        Step::RemoveFile(path) => namespace.remove_file(&at(path)).map(done),
        Step::RemoveDir(path) => namespace.remove_dir(&at(path)).map(done),
        Step::Rename(from, to) => namespace.rename(&at(from), &at(to)).map(done),
    }
    .map_err(|error| error.errno().unwrap_or_else(|| panic!("{error} has no number")))
}

/// Runs a step on a real directory through `std::fs`.
pub(crate) fn run_on_disk(root: &Path, step: &Step) -> Outcome {
    let at = |path: &str| root.join(path);
    let done = |()| Seen::Done;
    match step {
        Step::Write(path, data) => fs::write(at(path), data).map(done),
        Step::Append(path, data) => fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(at(path))
            .and_then(|mut file| file.write_all(data))
            .map(done),
        Step::OpenTruncate(path) => fs::File::create(at(path)).map(|_| Seen::Done),
        Step::OpenAppend(path) => fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(at(path))
            .map(|_| Seen::Done),
        Step::Read(path) => fs::read(at(path)).map(Seen::Bytes),
        Step::List(path) => fs::read_dir(at(path)).map(|entries| {
            let mut names: Vec<_> = entries
                .map(|entry| entry.unwrap())
                .map(|entry| {
                    (
                        entry.file_name().into_string().unwrap(),
                        entry.file_type().unwrap().is_dir(),
                    )
                })
                .collect();
            names.sort();
            Seen::Names(names)
        }),
        Step::Stat(path) => fs::metadata(at(path)).map(|metadata| described_on_disk(&metadata)),
        Step::Lstat(path) => fs::symlink_metadata(at(path)).map(|metadata| described_on_disk(&metadata)),
        Step::CreateDir(path) => fs::create_dir(at(path)).map(done),
        Step::CreateDirAll(path) => fs::create_dir_all(at(path)).map(done),
        Step::RemoveFile(path) => fs::remove_file(at(path)).map(done),
        Step::RemoveDir(path) => fs::remove_dir(at(path)).map(done),
        Step::Rename(from, to) => fs::rename(at(from), at(to)).map(done),
    }
    .map_err(|error| {
        error
            .raw_os_error()
            .unwrap_or_else(|| panic!("{error} has no number"))
    })
}

/// The tree below `root` as a namespace shows it.
pub(crate) fn image(namespace: &Namespace, root: &str) -> TreeImage {
    let mut image = TreeImage::new();
    let mut pending = vec![String::new()];
    while let Some(directory) = pending.pop() {
        for entry in namespace.list(&format!("{root}/{directory}")).unwrap() {
            let path = if directory.is_empty() {
                entry.name.to_string()
            } else {
                format!("{directory}/{}", entry.name)
            };
            if entry.file_type == FileType::Directory {
                image.insert(path.clone(), Entry::Directory);
                pending.push(path);
            } else {
                let contents = namespace.read(&format!("{root}/{path}")).unwrap();
                image.insert(path, Entry::File(contents.to_vec()));
            }
        }
    }
    image
}

/// The tree below `root` on disk.
pub(crate) fn image_on_disk(root: &Path) -> TreeImage {
    let mut image = TreeImage::new();
    let mut pending = vec![PathBuf::from(root)];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                image.insert(name, Entry::Directory);
                pending.push(path);
            } else {
                image.insert(name, Entry::File(fs::read(&path).unwrap()));
            }
        }
    }
    image
}

/// The kind of an error, for comparing refusals.
pub(crate) fn kind<T: std::fmt::Debug>(result: mounts::Result<T>) -> ErrorKind {
    result.unwrap_err().kind()
}
