//! What of an archive is taken, and as what. Everything is looked at before anything is written.

use std::collections::BTreeMap;
use std::io::Read;

use tar::{Archive, Entry, EntryType};

use crate::path::VirtualPath;

use super::TarLimits;
use super::error::{TarError, TarErrorKind};

/// What an archive has at a path.
#[derive(Debug)]
pub(super) enum Found {
    Directory,
    File(Vec<u8>),
}

/// Files and directories by virtual path: a directory comes before what is in it.
pub(super) type Tree = BTreeMap<String, Found>;

/// Everything in the archive, to be placed below `base`.
pub(super) fn read(bytes: &[u8], base: &VirtualPath<'_>, limits: &TarLimits) -> Result<Tree, TarError> {
    let malformed = || TarError::new(TarErrorKind::Malformed, "");
    let mut tree = Tree::new();
    let mut size_left = limits.max_size;
    let mut archive = Archive::new(bytes);
    for entry in archive.entries().map_err(|_| malformed())? {
        let mut entry = entry.map_err(|_| malformed())?;
        let raw = entry.path_bytes().into_owned();
        let named = String::from_utf8_lossy(&raw).into_owned();
        let refused = |kind| Err(TarError::new(kind, named.as_str()));
        if entry.header().entry_type() == EntryType::XGlobalHeader {
            continue;
        }
        let Ok(name) = std::str::from_utf8(&raw) else {
            return refused(TarErrorKind::InvalidName);
        };
        let is_directory = match kind(&mut entry, name) {
            Ok(is_directory) => is_directory,
            Err(kind) => return refused(kind),
        };
        let path = match placed(name, base) {
            Ok(Some(path)) => path,
            // The directory itself that was archived.
            Ok(None) if is_directory => continue,
            Ok(None) => return refused(TarErrorKind::InvalidName),
            Err(kind) => return refused(kind),
        };
        let size = entry.size();
        if size > size_left {
            let limit = limits.max_size;
            return refused(TarErrorKind::TooLarge { limit });
        }
        size_left -= size;
        let found = if is_directory {
            Found::Directory
        } else {
            let mut contents = Vec::new();
            let whole = entry.read_to_end(&mut contents);
            if whole.is_err() || contents.len() as u64 != size {
                return refused(TarErrorKind::Malformed);
            }
            Found::File(contents)
        };
        if !add(&mut tree, base, &path, found) {
            return refused(TarErrorKind::Duplicate);
        }
        if tree.len() as u64 > limits.max_entries {
            let limit = limits.max_entries;
            return refused(TarErrorKind::TooManyEntries { limit });
        }
    }
    require_end(bytes).map(|()| tree)
}

/// Whether the entry is a directory; it is a file otherwise, or nothing that is taken.
fn kind(entry: &mut Entry<'_, &[u8]>, name: &str) -> Result<bool, TarErrorKind> {
    let extensions = entry.pax_extensions().map_err(|_| TarErrorKind::Malformed)?;
    for extension in extensions.into_iter().flatten() {
        let extension = extension.map_err(|_| TarErrorKind::Malformed)?;
        if extension.key_bytes().starts_with(b"GNU.sparse") {
            return Err(TarErrorKind::Sparse);
        }
    }
    let has_slash = name.ends_with('/');
    match entry.header().entry_type() {
        // Before there was a type for directories, they were files whose names end in a slash.
        EntryType::Regular if has_slash && entry.size() == 0 => Ok(true),
        EntryType::Regular if has_slash => Err(TarErrorKind::InvalidName),
        EntryType::Regular => Ok(false),
        EntryType::Directory if entry.size() > 0 => Err(TarErrorKind::Malformed),
        EntryType::Directory => Ok(true),
        EntryType::Link | EntryType::Symlink => Err(TarErrorKind::Link),
        EntryType::GNUSparse => Err(TarErrorKind::Sparse),
        _ => Err(TarErrorKind::Special),
    }
}

/// The virtual path of an entry, `None` for the directory that holds everything.
fn placed(name: &str, base: &VirtualPath<'_>) -> Result<Option<String>, TarErrorKind> {
    if name.starts_with('/') || name.split('/').any(|component| component == "..") {
        return Err(TarErrorKind::Escapes);
    }
    let path = base.join(name).map_err(|_| TarErrorKind::InvalidName)?;
    Ok((path != *base && !name.is_empty()).then(|| path.as_str().to_owned()))
}

/// Adds what is at `path` and the directories above it. Answers whether there was room for it.
fn add(tree: &mut Tree, base: &VirtualPath<'_>, path: &str, found: Found) -> bool {
    let mut parent = path;
    while let Some((above, _)) = parent.rsplit_once('/')
        && above.len() > base.as_str().trim_end_matches('/').len()
    {
        parent = above;
        match tree.get(parent) {
            Some(Found::Directory) => break,
            Some(Found::File(_)) => return false,
            None => {
                tree.insert(parent.to_owned(), Found::Directory);
            }
        }
    }
    match (tree.get(path), &found) {
        (None, _) => {
            tree.insert(path.to_owned(), found);
            true
        }
        (Some(Found::Directory), Found::Directory) => true,
        (Some(_), _) => false,
    }
}

/// Checks that the archive ends with an empty block: one that was cut between two entries does not.
fn require_end(bytes: &[u8]) -> Result<(), TarError> {
    const BLOCK: usize = 512;
    let is_whole = bytes.len().is_multiple_of(BLOCK)
        && bytes
            .last_chunk::<BLOCK>()
            .is_some_and(|last| last.iter().all(|byte| *byte == 0));
    if is_whole {
        Ok(())
    } else {
        Err(TarError::new(TarErrorKind::Malformed, ""))
    }
}
