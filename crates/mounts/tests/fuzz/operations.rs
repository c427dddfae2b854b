//! Programs of operations made of bytes, on memory and on overlays, beside a map from path to contents.

use std::collections::BTreeMap;
use std::sync::Arc;

use mounts::{
    ErrorKind, FileType, Lease, LeaseMode, Limits, Memory, Mount, Namespace, OpenMode, Overlay, Table,
};

use crate::input::Input;

/// A file's bytes, or `None` for a directory, by path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model(BTreeMap<String, Option<Vec<u8>>>);

type Done = Result<(), ErrorKind>;

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/'))
}

impl Model {
    /// Checks that what is above `path` is a directory.
    fn enter(&self, path: &str) -> Done {
        for (end, _) in path.match_indices('/') {
            match self.0.get(&path[..end]) {
                None => return Err(ErrorKind::NotFound),
                Some(Some(_)) => return Err(ErrorKind::NotADirectory),
                Some(None) => {}
            }
        }
        Ok(())
    }

    fn is_empty(&self, directory: &str) -> bool {
        !self.0.keys().any(|path| is_below(path, directory))
    }

    fn put(&mut self, path: &str, change: impl FnOnce(&mut Vec<u8>)) -> Done {
        self.enter(path)?;
        let entry = self.0.entry(path.to_owned()).or_insert_with(|| Some(Vec::new()));
        change(entry.as_mut().ok_or(ErrorKind::IsADirectory)?);
        Ok(())
    }

    fn create_dir(&mut self, path: &str) -> Done {
        self.enter(path)?;
        if self.0.contains_key(path) {
            return Err(ErrorKind::AlreadyExists);
        }
        self.0.insert(path.to_owned(), None);
        Ok(())
    }

    fn create_dir_all(&mut self, path: &str) -> Done {
        match self.create_dir(path) {
            Err(ErrorKind::NotFound) => {
                self.create_dir_all(parent(path))?;
                self.create_dir(path)
            }
            Err(ErrorKind::AlreadyExists) if self.0[path].is_none() => Ok(()),
            answer => answer,
        }
    }

    fn remove_file(&mut self, path: &str) -> Done {
        self.enter(path)?;
        match self.0.get(path) {
            None => Err(ErrorKind::NotFound),
            Some(None) => Err(ErrorKind::IsADirectory),
            Some(Some(_)) => {
                self.0.remove(path);
                Ok(())
            }
        }
    }

    fn remove_dir(&mut self, path: &str) -> Done {
        self.enter(path)?;
        match self.0.get(path) {
            None => Err(ErrorKind::NotFound),
            Some(Some(_)) => Err(ErrorKind::NotADirectory),
            Some(None) if !self.is_empty(path) => Err(ErrorKind::DirectoryNotEmpty),
            Some(None) => {
                self.0.remove(path);
                Ok(())
            }
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> Done {
        self.enter(from)?;
        self.enter(to)?;
        let moved = self.0.get(from).ok_or(ErrorKind::NotFound)?;
        if from == to {
            return Ok(());
        }
        if is_below(to, from) {
            return Err(ErrorKind::InvalidArgument);
        }
        if is_below(from, to) {
            return Err(ErrorKind::DirectoryNotEmpty);
        }
        match (moved, self.0.get(to)) {
            (None, Some(Some(_))) => return Err(ErrorKind::NotADirectory),
            (Some(_), Some(None)) => return Err(ErrorKind::IsADirectory),
            (None, Some(None)) if !self.is_empty(to) => return Err(ErrorKind::DirectoryNotEmpty),
            _ => {}
        }
        self.0.remove(to);
        let moving = |path: &str| path == from || is_below(path, from);
        let paths: Vec<_> = self.0.keys().filter(|path| moving(path)).cloned().collect();
        for path in paths {
            let entry = self.0.remove(&path);
            let there = format!("{to}{}", &path[from.len()..]);
            self.0.extend(entry.map(|entry| (there, entry)));
        }
        Ok(())
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, ErrorKind> {
        self.enter(path)?;
        let entry = self.0.get(path).ok_or(ErrorKind::NotFound)?;
        entry.clone().ok_or(ErrorKind::IsADirectory)
    }

    fn list(&self, path: &str) -> Result<Vec<String>, ErrorKind> {
        self.enter(path)?;
        if self.0.get(path).ok_or(ErrorKind::NotFound)?.is_some() {
            return Err(ErrorKind::NotADirectory);
        }
        let names = self.0.keys().filter(|other| is_below(other, path));
        let names = names.map(|other| &other[path.len() + 1..]);
        Ok(names
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
            .collect())
    }
}

const NAMES: [&str; 5] = ["a", "b", "c", "é", "..."];

/// One operation, on both: the answers are the same, but for limits, which only the mount has.
fn step(input: &mut Input<'_>, files: &Namespace, model: &mut Model) {
    let kind = |error: mounts::Error| error.kind();
    let path = input.path(&NAMES, 4);
    let at = format!("/m/{path}");
    let mut next = model.clone();
    let (ours, expected) = match input.below(12) {
        0 | 1 => {
            let data = input.bytes(20);
            (
                files.write(&at, data),
                next.put(&path, |bytes| *bytes = data.to_vec()),
            )
        }
        2 => {
            let data = input.bytes(20);
            (
                files.append(&at, data),
                next.put(&path, |bytes| bytes.extend_from_slice(data)),
            )
        }
        3 => (
            files.open_for_write(&at, OpenMode::Truncate),
            next.put(&path, Vec::clear),
        ),
        4 => (
            files.open_for_write(&at, OpenMode::Append),
            next.put(&path, |_| {}),
        ),
        5 | 6 => (files.create_dir(&at), next.create_dir(&path)),
        7 => (files.create_dir_all(&at), next.create_dir_all(&path)),
        8 => (files.remove_file(&at), next.remove_file(&path)),
        9 => (files.remove_dir(&at), next.remove_dir(&path)),
        _ => {
            let to = input.path(&NAMES, 4);
            (files.rename(&at, &format!("/m/{to}")), next.rename(&path, &to))
        }
    };
    let ours = ours.map_err(kind);
    if matches!(
        ours,
        Err(ErrorKind::NoSpace | ErrorKind::FileTooLarge | ErrorKind::WriteLimit { .. })
    ) {
        // Of directories made together, those above may have been admitted.
        *model = if expected.is_ok() {
            shown(files)
        } else {
            model.clone()
        };
    } else {
        assert_eq!(ours, expected, "{path}");
        *model = next;
    }
    assert_eq!(
        files.read(&at).map(|contents| contents.to_vec()).map_err(kind),
        model.read(&path),
        "{path}"
    );
    let listed = files.list(&at).map_err(kind);
    let listed = listed.map(|entries| entries.iter().map(|entry| entry.name.to_string()).collect());
    assert_eq!(listed, model.list(&path), "{path}");
}

/// The tree as the mount shows it.
fn shown(files: &Namespace) -> Model {
    let mut model = Model::default();
    let mut pending = vec![String::new()];
    while let Some(directory) = pending.pop() {
        for entry in files.list(&format!("/m{directory}")).unwrap() {
            let path = format!("{directory}/{}", entry.name);
            let contents = (entry.file_type == FileType::File)
                .then(|| files.read(&format!("/m{path}")).unwrap().to_vec());
            model.0.insert(path[1..].to_owned(), contents);
            pending.extend((entry.file_type == FileType::Directory).then_some(path));
        }
    }
    model
}

fn leased(mount: Mount) -> Lease {
    let table = Table::new();
    table.mount("/m", mount).unwrap();
    table.checkout(LeaseMode::Exclusive).unwrap()
}

fn limits(input: &mut Input<'_>) -> Limits {
    let mut limit = |choices: &[u64]| Some(input.pick(choices)).filter(|limit| *limit > 0);
    Limits {
        max_bytes: limit(&[0, 0, 0, 10, 50]),
        max_files: limit(&[0, 0, 0, 3, 8]),
        max_file_size: limit(&[0, 0, 0, 5, 15]),
        write_bytes: limit(&[0, 0, 0, 30, 100]),
        ..Limits::default()
    }
}

/// A part of the input is run in each layer: in a tree, in an overlay over it, and in one over that.
pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let third = bytes.len() / 3;
    let mut model = Model::default();

    let memory = Arc::new(Memory::new());
    let below = leased(Mount::read_write(Arc::clone(&memory)).with_limits(limits(&mut input)));
    let mut first = Input::new(&bytes[..third]);
    while !first.is_empty() {
        step(&mut first, &below, &mut model);
    }
    assert_eq!(shown(&below), model);
    let held = below.mounts()[0].usage.held;
    let contents = model.0.values().flatten().map(|bytes| bytes.len() as u64);
    assert_eq!((held.bytes, held.files), (contents.sum(), model.0.len() as u64));

    let untouched = model.clone();
    let overlay = Arc::new(Overlay::new(memory));
    let middle = leased(Mount::read_write(Arc::clone(&overlay)).with_limits(limits(&mut input)));
    let mut second = Input::new(&bytes[third..2 * third]);
    while !second.is_empty() {
        step(&mut second, &middle, &mut model);
    }
    assert_eq!(shown(&middle), model);
    assert_eq!(shown(&below), untouched, "the lower layer was written");

    let above = leased(Mount::overlay(overlay).with_limits(limits(&mut input)));
    let mut last = Input::new(&bytes[2 * third..]);
    while !last.is_empty() {
        step(&mut last, &above, &mut model);
    }
    assert_eq!(shown(&above), model);
}
