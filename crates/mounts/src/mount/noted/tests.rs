//! A writer that fails half-way, as a disk does when it fills.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use crate::difference::ChangeKind;
use crate::error::ErrorKind;
use crate::memory::Memory;
use crate::mount::Mount;
use crate::table::Table;

use super::*;

/// A tree in which each change of a file fails when half of its bytes are written, and each rename when the copy is made.
#[derive(Debug)]
struct Filling(Memory);

impl Reader for Filling {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        self.0.metadata(path, follow)
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        self.0.read(path, limit)
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        self.0.open(path)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        self.0.list(path)
    }
}

impl Writer for Filling {
    fn write(&self, path: RelativePath<'_>, data: &mut Vec<u8>, admission: &mut Admission<'_>) -> Answer<()> {
        let mut half = data[..data.len() / 2].to_vec();
        self.0.write(path, &mut half, admission)?;
        Err(ErrorKind::NoSpace.into())
    }

    fn append(&self, path: RelativePath<'_>, data: &[u8], admission: &mut Admission<'_>) -> Answer<()> {
        self.0.append(path, &data[..data.len() / 2], admission)?;
        Err(ErrorKind::NoSpace.into())
    }

    fn open_for_write(
        &self,
        path: RelativePath<'_>,
        mode: OpenMode,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        self.0.open_for_write(path, mode, admission)
    }

    fn create_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.0.create_dir(path, admission)
    }

    fn remove_file(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.0.remove_file(path, admission)
    }

    fn remove_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        self.0.remove_dir(path, admission)
    }

    fn rename(
        &self,
        _: RelativePath<'_>,
        to: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Result<(), RenameRefusal> {
        let copied = self.0.open_for_write(to, OpenMode::Truncate, admission);
        copied.map_err(RenameRefusal::To)?;
        Err(RenameRefusal::From(ErrorKind::NoSpace.into()))
    }

    fn held(&self) -> Held {
        self.0.held()
    }
}

fn filling() -> Table {
    let table = Table::new();
    table
        .mount("/m", Mount::read_write(Filling(Memory::new())))
        .unwrap();
    table
}

#[test]
fn what_a_failed_change_left_behind_is_reported_with_the_size_it_has() {
    let table = filling();
    table.write("/m/new", "1234").unwrap_err();
    table.append("/m/new", b"56").unwrap_err();
    let changes = table.changes();
    assert_eq!((changes[0].kind, changes[0].size), (ChangeKind::Created, Some(3)));
    let fork = table.fork();
    fork.append("/m/new", b"7").unwrap_err();
    assert_eq!(fork.changes(), [], "nothing of it was written");
    fork.append("/m/new", b"7890").unwrap_err();
    let changes = fork.changes();
    assert_eq!(
        (changes[0].kind, changes[0].previous_size, changes[0].size),
        (ChangeKind::Modified, Some(3), Some(5))
    );
}

#[test]
fn a_rename_that_stops_half_way_makes_the_journal_give_up() {
    let table = filling();
    table.write("/m/a", "1234").unwrap_err();
    table.rename("/m/a", "/m/b").unwrap_err();
    let changes = table.changes();
    assert_eq!(
        (changes.len(), changes[0].path.as_str(), changes[0].kind),
        (1, "/m", ChangeKind::Modified)
    );
}
