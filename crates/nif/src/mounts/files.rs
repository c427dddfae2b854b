//! Files, through a table or through a lease of it.
//!
//! All of these run on a dirty I/O scheduler: the path may lead to a host directory, contents are copied, and a change
//! may wait for another.

use std::time::{SystemTime, UNIX_EPOCH};

use mounts::{Contents, FileType, Metadata, Operation, PathGlob};
use rustler::{Atom, Binary, Decoder, Encoder, Env, NewBinary, NifResult, Term};

use super::{answer, done, holder::Holder, text};
use crate::{atoms, error::argument_error};

/// Reads a whole file.
#[rustler::nif(schedule = "DirtyIo")]
fn file_read<'a>(env: Env<'a>, holder: Holder<'a>, path: Binary<'a>) -> Term<'a> {
    answer(env, || {
        let path = text(path, Operation::Read)?;
        let contents = holder.ask(env, |table| table.read(path), |leased| leased.read(path))?;
        Ok(binary(env, &contents))
    })
}

/// The bytes as a binary of the VM, copied once.
fn binary<'a>(env: Env<'a>, contents: &Contents) -> Binary<'a> {
    let mut binary = NewBinary::new(env, contents.len());
    let mut rest = binary.as_mut_slice();
    for segment in contents.segments() {
        let (filled, unfilled) = rest.split_at_mut(segment.len());
        filled.copy_from_slice(segment);
        rest = unfilled;
    }
    binary.into()
}

/// Replaces or creates a file.
#[rustler::nif(schedule = "DirtyIo")]
fn file_write<'a>(env: Env<'a>, holder: Holder<'a>, path: Binary<'a>, contents: Binary<'a>) -> Term<'a> {
    done(env, || {
        let path = text(path, Operation::Write)?;
        let contents = contents.as_slice();
        holder.ask(
            env,
            |table| table.write(path, contents),
            |leased| leased.write(path, contents),
        )
    })
}

/// Adds to the end of a file, or creates it.
#[rustler::nif(schedule = "DirtyIo")]
fn file_append<'a>(env: Env<'a>, holder: Holder<'a>, path: Binary<'a>, contents: Binary<'a>) -> Term<'a> {
    done(env, || {
        let path = text(path, Operation::Append)?;
        let contents = contents.as_slice();
        holder.ask(
            env,
            |table| table.append(path, contents),
            |leased| leased.append(path, contents),
        )
    })
}

/// The names in a directory, sorted.
#[rustler::nif(schedule = "DirtyIo")]
fn file_list<'a>(env: Env<'a>, holder: Holder<'a>, path: Binary<'a>) -> Term<'a> {
    answer(env, || {
        let path = text(path, Operation::List)?;
        let entries = holder.ask(env, |table| table.list(path), |leased| leased.list(path))?;
        Ok(entries
            .iter()
            .map(|entry| entry.name.encode(env))
            .collect::<Vec<_>>())
    })
}

/// What a path leads to, as the fields of a `File.Stat` with times in seconds since 1970.
#[rustler::nif(schedule = "DirtyIo")]
fn file_stat<'a>(env: Env<'a>, holder: Holder<'a>, path: Binary<'a>) -> Term<'a> {
    answer(env, || {
        let path = text(path, Operation::Metadata)?;
        let (metadata, writable) = holder.ask(
            env,
            |table| mounts::Result::Ok((table.metadata(path)?, table.is_writable(path))),
            |leased| Ok((leased.metadata(path)?, leased.is_writable(path))),
        )?;
        Ok(stat(env, &metadata, writable))
    })
}

fn stat<'a>(env: Env<'a>, metadata: &Metadata, writable: bool) -> Term<'a> {
    let access = if writable {
        atoms::read_write()
    } else {
        atoms::read()
    };
    let file_type = type_of(metadata.file_type);
    rustler::term_map!(env, {
        atoms::size() => metadata.size,
        atoms::type_() => file_type,
        atoms::access() => access,
        atoms::atime() => seconds(metadata.accessed),
        atoms::mtime() => seconds(metadata.modified),
        atoms::ctime() => seconds(metadata.changed),
        atoms::mode() => metadata.file_type.mode_bits() | metadata.mode,
        atoms::links() => metadata.links,
        atoms::major_device() => metadata.device,
        atoms::minor_device() => 0,
        atoms::inode() => metadata.inode,
        atoms::uid() => metadata.uid,
        atoms::gid() => metadata.gid,
    })
}

/// The type of an entry, as `File.Stat` has it.
pub(super) fn type_of(file_type: FileType) -> Atom {
    match file_type {
        FileType::File => atoms::regular(),
        FileType::Directory => atoms::directory(),
        FileType::Symlink => atoms::symlink(),
        FileType::Special => atoms::other(),
    }
}

/// Whole seconds since 1970, rounded down as `stat` does, negative before.
fn seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        Err(before) => {
            let before = before.duration();
            let whole = i64::try_from(before.as_secs()).unwrap_or(i64::MAX);
            -whole - i64::from(before.subsec_nanos() > 0)
        }
    }
}

/// Whether anything is at a path.
#[rustler::nif(schedule = "DirtyIo")]
fn file_exists<'a>(env: Env<'a>, holder: Holder<'a>, path: Binary<'a>) -> Term<'a> {
    answer(env, || {
        // Nothing is at what is no path.
        let path = text(path, Operation::Metadata).unwrap_or_default();
        holder.see(env, |table| table.exists(path), |leased| leased.exists(path))
    })
}

/// Creates a directory and what is missing above it.
#[rustler::nif(schedule = "DirtyIo")]
fn file_mkdir_p<'a>(env: Env<'a>, holder: Holder<'a>, path: Binary<'a>) -> Term<'a> {
    done(env, || {
        let path = text(path, Operation::CreateDir)?;
        holder.ask(
            env,
            |table| table.create_dir_all(path),
            |leased| leased.create_dir_all(path),
        )
    })
}

/// Removes a file.
#[rustler::nif(schedule = "DirtyIo")]
fn file_remove<'a>(env: Env<'a>, holder: Holder<'a>, path: Binary<'a>) -> Term<'a> {
    done(env, || {
        let path = text(path, Operation::RemoveFile)?;
        holder.ask(
            env,
            |table| table.remove_file(path),
            |leased| leased.remove_file(path),
        )
    })
}

/// Renames a file or a directory.
#[rustler::nif(schedule = "DirtyIo")]
fn file_rename<'a>(env: Env<'a>, holder: Holder<'a>, from: Binary<'a>, to: Binary<'a>) -> Term<'a> {
    done(env, || {
        let from = text(from, Operation::Rename)?;
        let to = text(to, Operation::Rename)?;
        holder.ask(
            env,
            |table| table.rename(from, to),
            |leased| leased.rename(from, to),
        )
    })
}

/// Every path below a directory, sorted.
#[rustler::nif(schedule = "DirtyIo")]
fn file_walk<'a>(env: Env<'a>, holder: Holder<'a>, path: Binary<'a>) -> Term<'a> {
    answer(env, || {
        let path = text(path, Operation::Scan)?;
        holder.ask(env, |table| table.walk(path), |leased| leased.walk(path))
    })
}

/// Every path that a glob matches, sorted.
#[rustler::nif(schedule = "DirtyIo")]
fn file_glob<'a>(env: Env<'a>, holder: Holder<'a>, glob: Glob) -> Term<'a> {
    answer(env, move || {
        holder.ask(env, |table| table.glob(&glob.0), |leased| leased.glob(&glob.0))
    })
}

/// A glob on virtual paths. One that is none is an `ArgumentError` which says why.
struct Glob(PathGlob);

impl<'a> Decoder<'a> for Glob {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        let glob = PathGlob::new(term.decode()?);
        glob.map(Self).map_err(|error| argument_error(error.to_string()))
    }
}

/// Removes whatever is at a path, and everything below it.
#[rustler::nif(schedule = "DirtyIo")]
fn file_remove_all<'a>(env: Env<'a>, holder: Holder<'a>, path: Binary<'a>) -> Term<'a> {
    done(env, || {
        let path = text(path, Operation::RemoveDir)?;
        holder.ask(
            env,
            |table| table.remove_all(path),
            |leased| leased.remove_all(path),
        )
    })
}
