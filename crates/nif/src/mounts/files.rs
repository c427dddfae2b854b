//! Files, through a table or through a lease of it.
//!
//! All of these run on a dirty I/O scheduler: the path may lead to a host directory, contents are copied, and a change
//! may wait for another.

use std::time::{SystemTime, UNIX_EPOCH};

use mounts::{Contents, FileType, Metadata, Namespace, Operation, Table};
use rustler::{Binary, Decoder, Encoder, Env, NewBinary, NifResult, Term};

use super::{Answer, LeaseResource, answer, done, table::TableResource, text};
use crate::atoms;

/// What a file is asked of: the table itself, or a lease.
#[derive(Clone, Copy)]
enum Holder<'a> {
    Table(&'a TableResource),
    Lease(&'a LeaseResource),
}

impl<'a> Decoder<'a> for Holder<'a> {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        let lease = term.decode().map(Self::Lease);
        lease.or_else(|_| term.decode().map(Self::Table))
    }
}

impl Holder<'_> {
    /// Asks the table, which refuses changes while an exclusive lease is out, or what is leased, which does not. The
    /// lease does not end before the answer is there.
    fn ask<T>(
        self,
        env: Env<'_>,
        table: impl Fn(&Table) -> mounts::Result<T>,
        leased: impl Fn(&Namespace) -> mounts::Result<T>,
    ) -> Answer<T> {
        match self {
            Self::Table(resource) => resource.ask(env, |asked| Ok(table(asked)?)),
            Self::Lease(resource) => Ok(leased(&*resource.enter()?)?),
        }
    }
}

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
            |table| Ok((table.metadata(path)?, table.is_writable(path))),
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
    let file_type = match metadata.file_type {
        FileType::File => atoms::regular(),
        FileType::Directory => atoms::directory(),
        FileType::Symlink => atoms::symlink(),
        FileType::Special => atoms::other(),
    };
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
        holder.ask(
            env,
            |table| Ok(table.exists(path)),
            |leased| Ok(leased.exists(path)),
        )
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
