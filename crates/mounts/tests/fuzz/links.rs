//! Trees of links made of bytes, asked through a mount, beside a walk along them in a few lines.

use std::collections::BTreeMap;
use std::time::SystemTime;

use mounts::{
    Answer, Contents, DirEntry, ErrorKind, FileType, FollowLinks, LeaseMode, LinkMet, Metadata, Mount,
    Reader, Refusal, RelativePath, Table,
};

use crate::input::Input;

#[derive(Debug, Clone)]
enum Entry {
    File,
    Directory,
    Link(String),
}

/// A backend of fixed entries. Everything above an entry is a directory.
#[derive(Debug, Clone)]
struct Farm(BTreeMap<String, Entry>);

impl Farm {
    fn grow(input: &mut Input<'_>) -> Self {
        let mut farm = BTreeMap::new();
        for _ in 0..input.below(12) {
            let path = input.path(&["a", "b", "c"], 3);
            let entry = match input.below(8) {
                0 => Entry::Directory,
                1 | 2 => Entry::File,
                3 => Entry::Link(String::from_utf8_lossy(input.bytes(30)).into_owned()),
                _ => Entry::Link(input.path(&["a", "b", "c", "..", ".", "a", "b", "c", "..", "", "x"], 6)),
            };
            let is_free = |farm: &BTreeMap<String, Entry>| {
                let above = path.match_indices('/').map(|(end, _)| &path[..end]);
                above
                    .into_iter()
                    .all(|above| matches!(farm.get(above), None | Some(Entry::Directory)))
                    && !farm.contains_key(&path)
            };
            if is_free(&farm) {
                for (end, _) in path.match_indices('/') {
                    farm.insert(path[..end].to_owned(), Entry::Directory);
                }
                farm.insert(path, entry);
            }
        }
        Self(farm)
    }

    fn get(&self, path: &str) -> Option<&Entry> {
        if path.is_empty() {
            Some(&Entry::Directory)
        } else {
            self.0.get(path)
        }
    }

    fn find(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<&Entry> {
        let whole = path.as_str();
        let mut found = &Entry::Directory;
        let ends = whole.match_indices('/').map(|(end, _)| end).chain([whole.len()]);
        for end in ends.filter(|end| *end > 0) {
            if !matches!(found, Entry::Directory) {
                return Err(ErrorKind::NotADirectory.into());
            }
            found = self.get(&whole[..end]).ok_or(ErrorKind::NotFound)?;
            if let Entry::Link(target) = found
                && (end < whole.len() || follow == FollowLinks::Yes)
            {
                return Err(Refusal::Link(LinkMet {
                    prefix: end,
                    target: Some(target.clone()),
                }));
            }
        }
        Ok(found)
    }
}

impl Entry {
    fn file_type(&self) -> FileType {
        match self {
            Self::File => FileType::File,
            Self::Directory => FileType::Directory,
            Self::Link(_) => FileType::Symlink,
        }
    }
}

impl Reader for Farm {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        Ok(Metadata {
            file_type: self.find(path, follow)?.file_type(),
            mode: 0o644,
            size: 0,
            inode: 1,
            device: 0,
            links: 1,
            uid: 0,
            gid: 0,
            accessed: SystemTime::UNIX_EPOCH,
            modified: SystemTime::UNIX_EPOCH,
            changed: SystemTime::UNIX_EPOCH,
        })
    }

    fn read(&self, path: RelativePath<'_>, _: u64) -> Answer<Contents> {
        match self.find(path, FollowLinks::Yes)? {
            Entry::Directory => Err(ErrorKind::IsADirectory.into()),
            // What is read tells which file it was.
            _ => Ok(Contents::from(path.as_str())),
        }
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        self.read(path, u64::MAX).map(drop)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        let Entry::Directory = self.find(path, FollowLinks::Yes)? else {
            return Err(ErrorKind::NotADirectory.into());
        };
        let within = |name: &str| {
            let below = match path.as_str() {
                "" => name,
                directory => name.strip_prefix(directory)?.strip_prefix('/')?,
            };
            (!below.contains('/')).then(|| below.to_owned())
        };
        let listed = self.0.iter().filter_map(|(whole, entry)| {
            let name = within(whole)?;
            let file_type = entry.file_type();
            Some(DirEntry {
                name: name.as_str().into(),
                file_type,
            })
        });
        Ok(listed.collect())
    }
}

/// Where Linux would end that is asked to read `path`, were the mount its root and nothing above it allowed.
fn walk(farm: &Farm, path: &str) -> Result<String, ErrorKind> {
    let reversed = |path: &str| path.split('/').rev().map(str::to_owned).collect::<Vec<_>>();
    let mut here: Vec<String> = Vec::new();
    let mut pending = reversed(path);
    let mut links = 0;
    while let Some(name) = pending.pop() {
        match farm.get(&here.join("/")) {
            Some(Entry::Directory) => {}
            Some(_) => return Err(ErrorKind::NotADirectory),
            None => return Err(ErrorKind::NotFound),
        }
        match name.as_str() {
            "" | "." => {}
            ".." => drop(here.pop().ok_or(ErrorKind::PermissionDenied)?),
            _ => {
                here.push(name);
                if let Some(Entry::Link(target)) = farm.get(&here.join("/")) {
                    links += 1;
                    if links > 40 {
                        return Err(ErrorKind::TooManyLinks);
                    }
                    if target.starts_with('/') {
                        return Err(ErrorKind::PermissionDenied);
                    }
                    here.pop();
                    pending.extend(reversed(target));
                }
            }
        }
    }
    let here = here.join("/");
    match farm.get(&here) {
        Some(Entry::Directory) => Err(ErrorKind::IsADirectory),
        Some(_) => Ok(here),
        None => Err(ErrorKind::NotFound),
    }
}

pub(crate) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let farm = Farm::grow(&mut input);
    for mount in [Mount::read_only(farm.clone()), Mount::overlay(farm.clone())] {
        let table = Table::new();
        table.mount("/m", mount).unwrap();
        let lease = table.checkout(LeaseMode::Shared).unwrap();
        let mut others = Vec::new();
        for _ in 0..6 {
            others.push(input.path(&["a", "b", "c", "x"], 5));
        }
        for path in farm.0.keys().chain(&others) {
            let at = format!("/m/{path}");
            let expected = walk(&farm, path);
            let ours = lease
                .read(&at)
                .map(|contents| String::from_utf8(contents.to_vec()).unwrap());
            match ours.map_err(|error| error.kind()) {
                // No limit of ours is one of the walk.
                Err(ErrorKind::NameTooLong | ErrorKind::Nul) => {}
                ours => assert_eq!(ours, expected, "{path} in {farm:?}"),
            }
            let real = lease.real_path(&at).unwrap();
            if let Ok(file) = &expected {
                assert_eq!(real.as_str(), format!("/m/{file}"), "{path} in {farm:?}");
            }
            assert!(
                real.as_str().starts_with("/m"),
                "{path} leads to {real} in {farm:?}"
            );
            let _ = (lease.metadata(&at), lease.symlink_metadata(&at), lease.list(&at));
        }
        for entry in lease.list("/m").unwrap() {
            let target = walk(&farm, &entry.name);
            assert!(
                entry.file_type != FileType::Symlink || target != Err(ErrorKind::PermissionDenied),
                "{} in {farm:?} is listed",
                entry.name
            );
        }
    }
}
