//! `os.scandir`, `os.walk`, `glob`: a subtree in one call.
//!
//! [`collect_scan`] walks and matches; what is here shows it the mounts. Each directory and each link goes through
//! the table as any other path does, so a scan crosses into nested mounts, and sees of a link what the script would
//! see at its target. What a scan builds is counted to the run; only the mounts work outside.

use ::monty_types::scan::{EntryInfo, Listing, ScanArgs, ScanEntry, ScanReply, ScanSource, collect_scan};
use ::monty_types::unstable::{MontyGraph, MontyNode};

use crate::error::{Error, ErrorKind, Operation, Result};
use crate::metadata::{DirEntry, FileType};
use crate::path::MAX_PATH_BYTES;
use crate::table::Namespace;

use super::answer::{Fault, Outcome, fault};
use super::meter::Meter;
use super::terms::Terms;
use super::value::finished;

/// The most entries one scan may look at, those counted again that a pattern such as `*/**/*` comes back to.
pub(super) const MAX_VISITS: u64 = 1_000_000;

/// Entries looked at between two looks at the clock and at the run's memory, when matching one is cheap.
const VISITS_BETWEEN_CHECKS: u64 = 1_024;

/// What an entry costs in a scan beside its path, in bytes: the slots of a listing, an index and the answer.
const ENTRY_BYTES: usize = 128;

/// Answers a scan.
pub(super) fn scan<M: Meter>(namespace: &Namespace, args: &ScanArgs, terms: &mut Terms<'_, M>) -> Outcome {
    let pattern = args.pattern.as_deref().unwrap_or_default();
    let pattern_bytes = pattern.iter().map(|part| part.len() + 1).sum::<usize>();
    let mut source = Source {
        namespace,
        terms,
        root: &args.path,
        room: namespace.room_for_answer(&args.path),
        held: 0,
        visits: 0,
        // Matching one name costs at most its length times the pattern's.
        interval: VISITS_BETWEEN_CHECKS / (1 + pattern_bytes as u64 / 64),
    };
    // No path could match, and compiling and matching such a pattern is work without a bound.
    if pattern_bytes > MAX_PATH_BYTES {
        return Err(source.failed(ErrorKind::NameTooLong));
    }
    match collect_scan(args, &mut source)? {
        Some(ScanReply::Tree(entries)) => tree(entries),
        Some(matches @ ScanReply::Matches(_)) => Ok(matches.into_object()),
        // The lookup of the root fails with its reason, so this says it in its place.
        None => Err(source.failed(ErrorKind::NotFound)),
    }
}

/// What [`scan_reply`](::monty_types::scan::scan_reply) makes of the entries, in one piece: a list of tuples
/// `(path, is_dir, is_file, is_symlink)`.
fn tree(entries: Vec<ScanEntry>) -> Outcome {
    let mut graph = MontyGraph::with_capacity(2 * entries.len() + 3);
    let flags = [false, true].map(|flag| graph.push(MontyNode::Bool(flag)));
    let flag = |is: bool| flags[usize::from(is)];
    let rows = entries
        .into_iter()
        .map(|ScanEntry { path, info }| {
            let path = graph.push(MontyNode::String(path));
            let row = vec![path, flag(info.is_dir), flag(info.is_file), flag(info.is_symlink)];
            graph.push(MontyNode::Tuple(row))
        })
        .collect();
    let root = graph.push(MontyNode::List(rows));
    finished(graph, root)
}

/// The mounts as a scan reads them, by paths relative to its root.
struct Source<'a, 't, M> {
    namespace: &'a Namespace,
    terms: &'a mut Terms<'t, M>,
    root: &'a str,
    /// The bytes the scan may hold and the limit that says so, where there is one.
    room: Option<(u64, u64)>,
    held: u64,
    visits: u64,
    interval: u64,
}

impl<M: Meter> Source<'_, '_, M> {
    fn failed(&mut self, kind: ErrorKind) -> Fault {
        let error = self
            .terms
            .meter
            .outside(|| Error::new(kind, Operation::Scan, self.root));
        let fault = fault(&error);
        self.terms.discard(error);
        fault
    }

    fn at(&self, relative: &str) -> String {
        match (self.root.trim_end_matches('/'), relative) {
            (_, "") => self.root.to_owned(),
            (root, below) => format!("{root}/{below}"),
        }
    }

    /// Lets the mounts work. What fails at the root fails the scan; below it, there is simply nothing.
    fn ask<T>(
        &mut self,
        relative: &str,
        work: impl FnOnce(&Namespace, &str) -> Result<T>,
    ) -> std::result::Result<Option<T>, Fault> {
        let path = self.at(relative);
        let files = self.namespace;
        match self.terms.meter.outside(|| work(files, &path)) {
            Ok(found) => Ok(Some(found)),
            Err(error) => {
                let fault = relative.is_empty().then(|| fault(&error));
                self.terms.discard(error);
                fault.map_or(Ok(None), Err)
            }
        }
    }

    fn hold(&mut self, bytes: usize) -> std::result::Result<(), Fault> {
        self.held += bytes as u64;
        match self.room {
            Some((room, limit)) if self.held > room => Err(self.failed(ErrorKind::MemoryLimit { limit })),
            _ => Ok(()),
        }
    }

    fn check(&self) -> std::result::Result<(), Fault> {
        self.terms.clock.check()?;
        self.terms.admit(0)?;
        Ok(())
    }
}

impl<M: Meter> ScanSource for Source<'_, '_, M> {
    type Error = Fault;

    fn list(&mut self, directory: &str) -> std::result::Result<Option<Listing>, Fault> {
        self.check()?;
        let listed = self.ask(directory, |files, path| {
            let described = |entry: DirEntry| {
                let info = info(entry.file_type, || format!("{path}/{}", entry.name), files);
                (entry, info)
            };
            Ok(files.list(path)?.into_iter().map(described).collect::<Vec<_>>())
        })?;
        let Some(entries) = listed else {
            return Ok(None);
        };
        let bytes = entries
            .iter()
            .map(|(entry, _)| directory.len() + entry.name.len() + ENTRY_BYTES);
        let listing = self.hold(bytes.sum()).map(|()| {
            let shown = entries
                .iter()
                .map(|(entry, info)| (entry.name.to_string(), *info));
            Some(shown.collect())
        });
        self.terms.discard(entries);
        listing
    }

    fn lookup(&mut self, path: &str) -> std::result::Result<Option<EntryInfo>, Fault> {
        self.hold(path.len() + ENTRY_BYTES)?;
        self.ask(path, |files, path| {
            let entry = files.symlink_metadata(path)?;
            if entry.file_type == FileType::Symlink && files.is_refused_link(path) {
                return Err(Error::new(ErrorKind::PermissionDenied, Operation::Scan, path));
            }
            Ok(info(entry.file_type, || path.to_owned(), files))
        })
    }

    fn visit(&mut self) -> std::result::Result<(), Fault> {
        self.visits += 1;
        if self.visits > MAX_VISITS {
            return Err(self.failed(ErrorKind::ScanLimit { limit: MAX_VISITS }));
        }
        if self.visits.is_multiple_of(self.interval.max(1)) {
            self.check()?;
        }
        Ok(())
    }

    fn charge(&mut self, bytes: usize) -> std::result::Result<(), Fault> {
        self.hold(bytes)
    }
}

/// What a scan says of an entry: of a link, what it leads to, if anything.
fn info(file_type: FileType, path: impl FnOnce() -> String, files: &Namespace) -> EntryInfo {
    let target = match file_type {
        FileType::Symlink => files.metadata(&path()).ok().map(|found| found.file_type),
        _ => Some(file_type),
    };
    EntryInfo {
        is_dir: target == Some(FileType::Directory),
        is_file: target == Some(FileType::File),
        is_symlink: file_type == FileType::Symlink,
    }
}
