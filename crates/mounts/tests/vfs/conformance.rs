//! The suites that `vfs` has for its own file systems, on tables with each kind of mount.

#![allow(
    unused_imports,
    clippy::pedantic,
    reason = "the suites' code is written into these modules, by the rules of its own house"
)]
#![allow(clippy::disallowed_methods, reason = "what is mounted must be made first")]

use std::sync::Arc;

use mounts::vfs::{TableFs, VfsBackend};
use mounts::{LeaseMode, Memory, Mount, Overlay, Table};

fn mounted(point: &str, mount: Mount) -> Table {
    let table = Table::new();
    table.mount(point, mount).unwrap();
    table
}

fn below(point: &str, mount: Mount) -> TableFs {
    TableFs::new(mounted(point, mount)).below(point).unwrap()
}

fn leased(mount: Mount) -> TableFs {
    let table = mounted("/deep/down", mount);
    TableFs::leased(table.checkout(LeaseMode::Exclusive).unwrap())
        .below("/deep/down")
        .unwrap()
}

/// A suite in a module of its own, on what the expression makes: a fresh file system for each test.
macro_rules! conforms {
    ($name:ident, $files:expr) => {
        mod $name {
            use std::io::{Read as _, Write as _};

            use super::*;

            vfs::test_vfs!($files);
        }
    };
}

conforms!(memory, TableFs::new(mounted("/", Mount::memory())));
conforms!(memory_below_a_point, below("/m", Mount::memory()));
conforms!(memory_under_a_lease, leased(Mount::memory()));
conforms!(overlay_over_memory, below("/m", Mount::overlay(Memory::new())));
conforms!(
    overlay_over_an_overlay,
    leased(Mount::overlay(Overlay::new(Memory::new())))
);
conforms!(
    their_memory,
    below("/m", Mount::read_write(VfsBackend::new(vfs::MemoryFS::new())))
);
conforms!(
    overlay_over_their_memory,
    below("/m", Mount::overlay(VfsBackend::new(vfs::MemoryFS::new())))
);
conforms!(
    a_table_within_a_table,
    below(
        "/outer",
        Mount::read_write(VfsBackend::new(below("/inner", Mount::memory())))
    )
);

/// What the read-only suite expects to find.
const FILES: [(&str, &str); 5] = [
    ("/a.txt", "a"),
    ("/b.txt", "b"),
    ("/a.txt.dir/g.txt", "g"),
    ("/a/d.txt", "d"),
    ("/c/e.txt", "e"),
];
/// A file below the deepest directory.
const DEEPEST: (&str, &str) = ("/a/x/y/z", "z");

fn seeded() -> Arc<Memory> {
    let memory = Arc::new(Memory::new());
    let mount = Mount::read_write(Arc::clone(&memory));
    drop(mount.with_files(FILES.into_iter().chain([DEEPEST])).unwrap());
    memory
}

macro_rules! conforms_for_reading {
    ($name:ident, $files:expr) => {
        mod $name {
            use std::io::Read as _;

            use super::*;

            vfs::test_vfs_readonly!($files);
        }
    };
}

conforms_for_reading!(read_only_memory, below("/m", Mount::read_only(seeded())));
conforms_for_reading!(read_only_overlay, below("/m", Mount::overlay(seeded())));
conforms_for_reading!(
    a_read_only_table_within_a_table,
    below(
        "/outer",
        Mount::read_only(VfsBackend::new(below("/inner", Mount::read_only(seeded()))))
    )
);

/// Host directories, for reading and as the lower of an overlay.
#[cfg(unix)]
mod hosts {
    use std::fs;
    use std::path::Path;

    use mounts::{
        Admission, Answer, Contents, DirEntry, FollowLinks, Held, HostDirectory, HostIdentity, Metadata,
        OpenMode, Reader, RelativePath, RenameRefusal, WritableHostDirectory, Writer,
    };
    use tempfile::TempDir;

    use super::*;

    /// A directory that is there for as long as somebody reads it.
    #[derive(Debug)]
    struct Temporary<D> {
        directory: D,
        _removed_with_it: TempDir,
    }

    fn directory(fill: impl FnOnce(&Path)) -> Temporary<HostDirectory> {
        let directory = tempfile::tempdir().unwrap();
        fill(directory.path());
        Temporary {
            directory: HostDirectory::open(directory.path()).unwrap(),
            _removed_with_it: directory,
        }
    }

    fn writable_directory() -> Temporary<WritableHostDirectory> {
        let made = directory(|_| ());
        Temporary {
            directory: WritableHostDirectory::new(made.directory),
            _removed_with_it: made._removed_with_it,
        }
    }

    fn seeded_directory() -> Temporary<HostDirectory> {
        directory(|root| {
            for (path, text) in FILES.into_iter().chain([DEEPEST]) {
                let path = root.join(path.trim_start_matches('/'));
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
        })
    }

    impl<D: Reader> Reader for Temporary<D> {
        fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
            self.directory.metadata(path, follow)
        }

        fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
            self.directory.read(path, limit)
        }

        fn open(&self, path: RelativePath<'_>) -> Answer<()> {
            self.directory.open(path)
        }

        fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
            self.directory.list(path)
        }

        fn host(&self) -> Option<HostIdentity> {
            self.directory.host()
        }
    }

    impl<D: Writer> Writer for Temporary<D> {
        fn write(
            &self,
            path: RelativePath<'_>,
            data: &mut Vec<u8>,
            admission: &mut Admission<'_>,
        ) -> Answer<()> {
            self.directory.write(path, data, admission)
        }

        fn append(&self, path: RelativePath<'_>, data: &[u8], admission: &mut Admission<'_>) -> Answer<()> {
            self.directory.append(path, data, admission)
        }

        fn open_for_write(
            &self,
            path: RelativePath<'_>,
            mode: OpenMode,
            admission: &mut Admission<'_>,
        ) -> Answer<()> {
            self.directory.open_for_write(path, mode, admission)
        }

        fn create_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
            self.directory.create_dir(path, admission)
        }

        fn remove_file(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
            self.directory.remove_file(path, admission)
        }

        fn remove_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
            self.directory.remove_dir(path, admission)
        }

        fn rename(
            &self,
            from: RelativePath<'_>,
            to: RelativePath<'_>,
            admission: &mut Admission<'_>,
        ) -> Result<(), RenameRefusal> {
            self.directory.rename(from, to, admission)
        }

        fn held(&self) -> Held {
            self.directory.held()
        }
    }

    conforms!(written, below("/m", Mount::read_write(writable_directory())));
    conforms!(
        written_under_a_lease,
        leased(Mount::read_write(writable_directory()))
    );
    conforms_for_reading!(read_only, below("/m", Mount::read_only(seeded_directory())));
    conforms_for_reading!(overlay, below("/m", Mount::overlay(seeded_directory())));
    conforms!(
        overlay_over_an_empty_one,
        below("/m", Mount::overlay(directory(|_| ())))
    );
}
