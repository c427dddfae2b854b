//! What an overlay asks of its lower layer: as little as it can, counted rather than timed.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

use std::sync::{Arc, Mutex};

use mounts::{
    Answer, Contents, DirEntry, FollowLinks, LeaseMode, Memory, Metadata, Mount, Reader, RelativePath, Table,
};

/// A lower layer that notes what it is asked.
#[derive(Debug, Default)]
struct Asked {
    memory: Memory,
    questions: Mutex<Vec<String>>,
}

impl Asked {
    fn note(&self, question: &str, path: RelativePath<'_>) {
        let question = format!("{question} {}", path.as_str());
        self.questions.lock().unwrap().push(question);
    }

    /// What was asked since this was called last.
    fn since(&self) -> Vec<String> {
        std::mem::take(&mut self.questions.lock().unwrap())
    }
}

impl Reader for Asked {
    fn metadata(&self, path: RelativePath<'_>, follow: FollowLinks) -> Answer<Metadata> {
        self.note("stat", path);
        self.memory.metadata(path, follow)
    }

    fn read(&self, path: RelativePath<'_>, limit: u64) -> Answer<Contents> {
        self.note("read", path);
        self.memory.read(path, limit)
    }

    fn open(&self, path: RelativePath<'_>) -> Answer<()> {
        self.note("open", path);
        self.memory.open(path)
    }

    fn list(&self, path: RelativePath<'_>) -> Answer<Vec<DirEntry>> {
        self.note("list", path);
        self.memory.list(path)
    }
}

/// An overlay at `/m` over a directory `d` with a file `f`, and the lower that it asks.
fn overlaid() -> (Table, Arc<Asked>) {
    let memory = Arc::new(Memory::new());
    let below = Table::new();
    below.mount("/m", Mount::read_write(Arc::clone(&memory))).unwrap();
    below.create_dir_all("/m/d").unwrap();
    below.write("/m/d/f", "below").unwrap();
    let asked = Arc::new(Asked {
        memory: memory.fork(),
        ..Asked::default()
    });
    let table = Table::new();
    table.mount("/m", Mount::overlay(Arc::clone(&asked))).unwrap();
    (table, asked)
}

#[test]
fn a_file_of_the_lower_is_described_and_read_with_one_question() {
    let (table, asked) = overlaid();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    lease.metadata("/m/d/f").unwrap();
    assert_eq!(asked.since(), ["stat d/f"]);
    lease.read("/m/d/f").unwrap();
    assert_eq!(asked.since(), ["read d/f"]);
}

/// A directory that the upper has is one, whatever has become of the lower's: only the name is asked for.
#[test]
fn a_file_is_created_in_a_directory_of_the_upper_with_one_question() {
    let (table, asked) = overlaid();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    lease.write("/m/d/first", "").unwrap();
    asked.since();
    lease.write("/m/d/second", "").unwrap();
    assert_eq!(asked.since(), ["stat d/second"]);
    lease.create_dir_all("/m/new").unwrap();
    asked.since();
    lease.write("/m/new/third", "").unwrap();
    assert_eq!(asked.since(), [""; 0], "nothing of the lower shows there");
}

#[test]
fn what_is_missing_in_a_directory_of_the_lower_is_missing_for_the_right_reason() {
    let (table, asked) = overlaid();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    let refused = |path: &str| lease.write(path, "").unwrap_err().kind();
    assert_eq!(refused("/m/gone/new"), mounts::ErrorKind::NotFound);
    assert_eq!(refused("/m/d/f/new"), mounts::ErrorKind::NotADirectory);
    lease.write("/m/d/g", "").unwrap();
    assert_eq!(refused("/m/d/gone/new"), mounts::ErrorKind::NotFound);
    assert!(!asked.since().is_empty());
}

#[test]
fn what_is_appended_to_or_renamed_is_neither_read_nor_listed() {
    let (table, asked) = overlaid();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    lease.append("/m/d/f", b", above").unwrap();
    lease.rename("/m/d", "/m/moved").unwrap();
    let asked = asked.since();
    assert!(
        asked.iter().all(|question| question.starts_with("stat ")),
        "{asked:?}"
    );
    assert_eq!(lease.read("/m/moved/f").unwrap(), *b"below, above");
}
