//! A host that counts the memory of a run is told whose memory it is.

use std::cell::Cell;

use mounts::monty::Meter;
use mounts::{
    Admission, Answer, Contents, DirEntry, FollowLinks, Held, Limits, Memory, Metadata, Mount, OpenMode,
    Reader, RelativePath, RenameRefusal, Table, Writer,
};

use crate::script::{Ended, Script};

thread_local! {
    /// Whether a mount is at work, according to the meter.
    static OUTSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Counts what it is told.
#[derive(Debug, Default)]
struct Told {
    times_outside: u64,
    handed_over: usize,
}

impl Meter for Told {
    fn outside<R>(&mut self, work: impl FnOnce() -> R) -> R {
        assert!(!OUTSIDE.replace(true), "one is not outside twice");
        self.times_outside += 1;
        let result = work();
        OUTSIDE.set(false);
        result
    }

    fn hand_over(&mut self, bytes: usize) {
        assert!(!OUTSIDE.get(), "what is handed over is the run's until then");
        self.handed_over += bytes;
    }
}

/// What a writer does with the bytes it is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payload {
    Kept,
    Copied,
}

/// A memory mount that checks that it is asked outside the run's memory.
#[derive(Debug)]
struct Watched {
    memory: Memory,
    payload: Payload,
}

fn watched() {
    assert!(OUTSIDE.get(), "a mount works outside the run's memory");
}

impl Reader for Watched {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        watched();
        self.memory.metadata(path, follow)
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        watched();
        self.memory.read(path, limit)
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        watched();
        self.memory.open(path)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        watched();
        self.memory.list(path)
    }
}

impl Writer for Watched {
    fn write(&self, path: RelativePath<'_>, data: &mut Vec<u8>, admission: &mut Admission<'_>) -> Answer<()> {
        watched();
        match self.payload {
            Payload::Kept => self.memory.write(path, data, admission),
            Payload::Copied => self.memory.write(path, &mut data.clone(), admission),
        }
    }

    fn append(&self, path: RelativePath<'_>, data: &[u8], admission: &mut Admission<'_>) -> Answer<()> {
        watched();
        self.memory.append(path, data, admission)
    }

    fn open_for_write(
        &self,
        path: RelativePath<'_>,
        mode: OpenMode,
        admission: &mut Admission<'_>,
    ) -> Answer<()> {
        watched();
        self.memory.open_for_write(path, mode, admission)
    }

    fn create_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        watched();
        self.memory.create_dir(path, admission)
    }

    fn remove_file(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        watched();
        self.memory.remove_file(path, admission)
    }

    fn remove_dir(&self, path: RelativePath<'_>, admission: &mut Admission<'_>) -> Answer<()> {
        watched();
        self.memory.remove_dir(path, admission)
    }

    fn rename(
        &self,
        from: RelativePath<'_>,
        to: RelativePath<'_>,
        admission: &mut Admission<'_>,
    ) -> Result<(), RenameRefusal> {
        watched();
        self.memory.rename(from, to, admission)
    }

    fn held(&self) -> Held {
        self.memory.held()
    }
}

fn run(payload: Payload, limits: Limits, code: &str) -> (Told, Ended) {
    let table = Table::new();
    let mount = Mount::read_write(Watched {
        memory: Memory::new(),
        payload,
    });
    table.mount("/m", mount.with_limits(limits)).unwrap();
    let mut told = Told::default();
    let ended = Script::new(code).run_metered(&table, &mut told);
    (told, ended)
}

#[test]
fn mounts_work_outside_whatever_they_are_asked() {
    let code = "
import os
from pathlib import Path
root = Path('/m')
(root / 'a' / 'b').mkdir(parents=True)
(root / 'a' / 'f').write_text('text')
(root / 'a' / 'g').write_bytes(b'bytes')
with open('/m/a/f', 'a') as f:
    f.write('more')
print((root / 'a' / 'f').read_text(), (root / 'a' / 'g').read_bytes(), os.stat('/m/a/f').st_size)
print([p.name for p in (root / 'a').iterdir()], [str(p) for p in root.rglob('f')], len(list(os.walk('/m'))))
print(root.exists(), root.is_dir(), root.is_file(), root.is_symlink(), root.resolve(), root.absolute())
(root / 'a' / 'f').rename(root / 'h')
(root / 'h').unlink()
(root / 'a' / 'b').rmdir()
for path in ['missing', 'a']:
    try:
        (root / path).read_text()
    except OSError as error:
        print(error)
";
    let (told, ended) = run(Payload::Kept, Limits::default(), code);
    let calls = ended.budget.calls;
    assert_eq!(ended.handed_back, [""; 0]);
    assert!(ended.printed().contains("[Errno 21] Is a directory: '/m/a'"));
    assert!(told.times_outside >= calls);
}

#[test]
fn a_payload_that_the_mount_keeps_is_handed_over() {
    let code = "
from pathlib import Path
for number in range(10):
    Path(f'/m/{number}').write_text('x' * 1000)
    Path(f'/m/{number}').write_bytes(b'y' * 500)
";
    let (told, _) = run(Payload::Kept, Limits::default(), code);
    assert_eq!(told.handed_over, 10 * 1500);
}

#[test]
fn a_payload_that_stays_with_the_run_is_not_handed_over() {
    let code = "
from pathlib import Path
Path('/m/f').write_bytes(b'y' * 500)
with open('/m/f', 'a') as f:
    f.write('x' * 1000)
";
    let (told, ended) = run(Payload::Copied, Limits::default(), code);
    assert!(ended.result.is_ok());
    assert_eq!(told.handed_over, 0);

    let (told, ended) = run(
        Payload::Kept,
        Limits::default(),
        "with open('/m/f', 'a') as f:\n    f.write('x')",
    );
    assert!(ended.result.is_ok());
    assert_eq!(told.handed_over, 0);

    let full = Limits {
        max_bytes: Some(10),
        ..Limits::default()
    };
    let (told, ended) = run(
        Payload::Kept,
        full,
        "from pathlib import Path\nPath('/m/f').write_text('x' * 11)",
    );
    assert!(ended.result.is_err());
    assert_eq!(told.handed_over, 0);
}
