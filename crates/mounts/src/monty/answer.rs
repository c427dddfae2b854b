//! One call: from what the interpreter asks to what it is answered.

use ::monty_types::unstable::MontyNode;
use ::monty_types::{
    ExcType, ExtFunctionResult, FileMode, MontyException, MontyFileHandle, MontyObject, OsFunctionCall,
    ResourceError,
};

use crate::backend::OpenMode;
use crate::error::{Error, ErrorKind, Operation, Result};
use crate::metadata::FileType;
use crate::path::VirtualPath;
use crate::table::Namespace;

use super::contents;
use super::exception::{exception, raised};
use super::meter::Meter;
use super::mkdir::{Existing, Parents, make_dir};
use super::modules;
use super::scan;
use super::stat::stat_result;
use super::terms::Terms;
use super::value::holding;

/// What became of a call.
#[derive(Debug)]
pub enum Answered {
    /// Resume with this value or exception.
    Answer(ExtFunctionResult),
    /// The run exceeded its time or memory and may not be resumed, only aborted.
    Exceeded(ResourceError),
    /// No mount covers the path, or it is no file call: here it is back, untouched.
    NotCovered(OsFunctionCall),
}

/// Why there is no value to answer with.
pub(super) enum Fault {
    NotCovered,
    Raise(MontyException),
    Exceeded(ResourceError),
}

impl From<ResourceError> for Fault {
    fn from(error: ResourceError) -> Self {
        Self::Exceeded(error)
    }
}

pub(super) type Outcome = std::result::Result<MontyObject, Fault>;

/// Answers `call` from the mounts of `namespace`.
///
/// A malformed path is refused here whether a mount covers it or not. The four predicates raise nothing: they
/// answer False for whatever cannot be seen.
pub fn answer<M: Meter>(
    namespace: &Namespace,
    mut call: OsFunctionCall,
    terms: &mut Terms<'_, M>,
) -> Answered {
    let outcome = match call.check_path_null_bytes() {
        Ok(()) => Answering { namespace, terms }.outcome(&mut call),
        Err(_) if call.is_existence_check() => Ok(MontyObject::bool(false)),
        Err(text) => Err(Fault::Raise(raised(ExcType::ValueError, text))),
    };
    match outcome {
        Ok(value) => Answered::Answer(value.into()),
        Err(Fault::Raise(exception)) => Answered::Answer(exception.into()),
        Err(Fault::Exceeded(error)) => Answered::Exceeded(error),
        Err(Fault::NotCovered) => Answered::NotCovered(call),
    }
}

/// What a call is answered that no mount covers and nobody else handles: the predicates are False, the rest is what
/// the interpreter itself says (`PermissionError` for files).
#[must_use]
pub fn unhandled(call: &OsFunctionCall) -> ExtFunctionResult {
    if call.is_existence_check() {
        MontyObject::bool(false).into()
    } else {
        call.on_no_handler().into()
    }
}

/// A call being answered.
struct Answering<'a, 't, M> {
    namespace: &'a Namespace,
    terms: &'a mut Terms<'t, M>,
}

impl<M: Meter> Answering<'_, '_, M> {
    /// Answers `call`; where it is not covered, leaves it as it was.
    fn outcome(&mut self, call: &mut OsFunctionCall) -> Outcome {
        match call {
            OsFunctionCall::Exists(path) => self.whether(|files| files.metadata(path).map(|_| true)),
            OsFunctionCall::IsFile(path) => self.whether(|files| {
                let found = files.metadata(path)?;
                Ok(found.file_type == FileType::File)
            }),
            OsFunctionCall::IsDir(path) => self.whether(|files| {
                let found = files.metadata(path)?;
                Ok(found.file_type == FileType::Directory)
            }),
            OsFunctionCall::IsSymlink(path) => self.whether(|files| {
                let found = files.symlink_metadata(path)?;
                Ok(found.file_type == FileType::Symlink)
            }),
            OsFunctionCall::ReadText(path) => {
                let found = self.ask(|files| files.read(path))?;
                let answer = contents::text(&found, self.terms);
                self.terms.discard(found);
                answer
            }
            OsFunctionCall::ReadBytes(path) => {
                let found = self.ask(|files| files.read(path))?;
                let answer = contents::bytes(&found, self.terms);
                self.terms.discard(found);
                answer
            }
            OsFunctionCall::Stat(path) => {
                let found = self.ask(|files| files.metadata(path))?;
                stat_result(&found)
            }
            OsFunctionCall::Iterdir(path) => self.iterdir(path),
            OsFunctionCall::Scan(args) => scan::scan(self.namespace, args, self.terms),
            OsFunctionCall::Resolve(path) => {
                let found = self.ask(|files| files.real_path(path))?;
                let answer = MontyObject::path(found.as_str());
                self.terms.discard(found);
                Ok(answer)
            }
            // As `pathlib`, which joins but neither follows links nor collapses `..`: the path came joined.
            OsFunctionCall::Absolute(path) => self.covered(path).map(|()| MontyObject::path(path.as_str())),
            OsFunctionCall::WriteText(args) => {
                let characters = args.data.chars().count();
                let mut data = std::mem::take(&mut args.data).into_bytes();
                let written = self.write(&args.path, &mut data);
                if matches!(written, Err(Fault::NotCovered)) {
                    // It was text a moment ago, and no mount has seen it.
                    args.data = String::from_utf8(data).unwrap_or_default();
                }
                written.map(|()| count(characters))
            }
            OsFunctionCall::WriteBytes(args) => {
                let bytes = args.data.len();
                self.write(&args.path, &mut args.data).map(|()| count(bytes))
            }
            OsFunctionCall::AppendText(args) => {
                self.ask(|files| files.append(&args.path, args.data.as_bytes()))?;
                Ok(count(args.data.chars().count()))
            }
            OsFunctionCall::AppendBytes(args) => {
                self.ask(|files| files.append(&args.path, &args.data))?;
                Ok(count(args.data.len()))
            }
            OsFunctionCall::Open(args) => self.open(&args.path, args.mode),
            OsFunctionCall::Mkdir(args) => {
                let parents = if args.parents {
                    Parents::Create
                } else {
                    Parents::MustExist
                };
                let existing = if args.exist_ok {
                    Existing::Accept
                } else {
                    Existing::Refuse
                };
                self.change(|files| make_dir(files, &args.path, parents, existing))
            }
            OsFunctionCall::Unlink(path) => self.change(|files| files.remove_file(path)),
            OsFunctionCall::Rmdir(path) => self.change(|files| files.remove_dir(path)),
            OsFunctionCall::Rename(args) => self.change(|files| files.rename(&args.src, &args.dst)),
            OsFunctionCall::Import(name) => modules::import(self.namespace, name),
            OsFunctionCall::Getenv(_)
            | OsFunctionCall::GetEnviron
            | OsFunctionCall::DateToday
            | OsFunctionCall::DateTimeNow(_)
            | OsFunctionCall::Urandom(_)
            | OsFunctionCall::Time(_)
            | OsFunctionCall::Sleep(_)
            | OsFunctionCall::SystemSleep(_)
            | OsFunctionCall::AsyncSleep(_)
            | OsFunctionCall::AsyncSystemSleep(_)
            | OsFunctionCall::ImportStubs(_) => Err(Fault::NotCovered),
        }
    }

    /// Lets the mounts work, outside the run's memory.
    fn ask<T>(&mut self, work: impl FnOnce(&Namespace) -> Result<T>) -> std::result::Result<T, Fault> {
        let files = self.namespace;
        self.terms.meter.outside(|| work(files)).map_err(|error| {
            let fault = fault(&error);
            self.terms.discard(error);
            fault
        })
    }

    /// Asks for a change, whose answer is None.
    fn change(&mut self, work: impl FnOnce(&Namespace) -> Result<()>) -> Outcome {
        self.ask(work).map(|()| MontyObject::none())
    }

    /// Asks a predicate: whatever cannot be seen is False.
    fn whether(&mut self, question: impl FnOnce(&Namespace) -> Result<bool>) -> Outcome {
        let files = self.namespace;
        let answer = self
            .terms
            .meter
            .outside(|| question(files).map_err(|error| error.kind()));
        match answer {
            Err(ErrorKind::NotCovered) => Err(Fault::NotCovered),
            answer => Ok(MontyObject::bool(answer.unwrap_or(false))),
        }
    }

    fn covered(&mut self, path: &str) -> std::result::Result<(), Fault> {
        self.ask(|files| match VirtualPath::parse(path) {
            Err(error) => Err(Error::from_path(error, Operation::Resolve, path)),
            Ok(_) if files.covers(path) => Ok(()),
            Ok(_) => Err(Error::new(ErrorKind::NotCovered, Operation::Resolve, path)),
        })
    }

    /// Writes `data`, and says whose it is afterwards.
    fn write(&mut self, path: &str, data: &mut Vec<u8>) -> std::result::Result<(), Fault> {
        let held = data.capacity();
        let written = self.ask(|files| files.write_from(path, data));
        if data.capacity() == 0 {
            self.terms.meter.hand_over(held);
        }
        written
    }

    /// The effect of opening, and a handle on nothing: each later read or write names the path again.
    fn open(&mut self, path: &str, mode: FileMode) -> Outcome {
        let position = self.ask(|files| match mode {
            FileMode::Read(_) | FileMode::ReadUpdate(_) => files.open(path).map(|()| 0),
            FileMode::Write(_) | FileMode::WriteUpdate(_) => {
                files.open_for_write(path, OpenMode::Truncate).map(|()| 0)
            }
            // `tell()` of a file opened for appending is its size.
            FileMode::Append(_) | FileMode::AppendUpdate(_) => {
                files.open_for_write(path, OpenMode::Append)?;
                files.metadata(path).map(|found| found.size)
            }
        })?;
        Ok(MontyObject::file_handle(MontyFileHandle {
            path: path.to_owned(),
            mode,
            position,
        }))
    }

    /// The names in a directory; the interpreter puts the path before them as the script spelled it.
    fn iterdir(&mut self, path: &str) -> Outcome {
        /// What an entry costs in the answer beside its name, in bytes: the name's own header and its list slots.
        const ENTRY_BYTES: usize = 128;
        let entries = self.ask(|files| {
            let entries = files.list(path)?;
            let bytes = entries.iter().map(|entry| entry.name.len() + ENTRY_BYTES).sum();
            match files.room_for_answer(path) {
                Some((room, limit)) if bytes as u64 > room => Err(Error::new(
                    ErrorKind::MemoryLimit { limit },
                    Operation::List,
                    path,
                )),
                _ => Ok((entries, bytes)),
            }
        })?;
        let (entries, bytes): (_, usize) = entries;
        let answer = match self.terms.admit(bytes) {
            Ok(()) => holding(
                entries
                    .iter()
                    .map(|entry| MontyNode::String(entry.name.to_string())),
                MontyNode::List,
            ),
            Err(exceeded) => Err(exceeded.into()),
        };
        self.terms.discard(entries);
        answer
    }
}

pub(super) fn fault(error: &Error) -> Fault {
    match error.kind() {
        ErrorKind::NotCovered => Fault::NotCovered,
        _ => Fault::Raise(exception(error)),
    }
}

/// The answer of a write: characters or bytes, as `write` returns them.
fn count(length: usize) -> MontyObject {
    MontyObject::int(i64::try_from(length).unwrap_or(i64::MAX))
}
