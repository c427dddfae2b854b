//! Mount tables as Elixir holds them. What a file system does is decided in the crate `mounts`; here are only its
//! handles, who they belong to, and how its answers become terms.
//!
//! ```text
//! mounts/table     tables: making one, mounting, describing
//! mounts/options   a mount's options as Elixir writes them
//! mounts/lease     leases, and what becomes of them when their owner dies
//! mounts/wait      waiting for a lease
//! mounts/holder    what is asked: a table, or a lease of it
//! mounts/files     files, through either
//! mounts/history   snapshots, forks, changes and differences
//! mounts/commit    what becomes of an overlay's changes
//! mounts/dump      tables as bytes
//! mounts/parts     the same in parts, for whoever has most of the contents
//! mounts/archive   directories as tar archives
//! mounts/events    operations, told to processes
//! mounts/refusal   every refusal as the atom of the contract
//! ```
//!
//! Each NIF says on which scheduler it runs. What may wait for another caller's change, touch a host directory or copy
//! contents runs on a dirty I/O scheduler, whose threads are there to be waited on; what takes a short lock and nothing
//! else runs where it is called.

mod archive;
mod commit;
mod dump;
mod events;
mod files;
mod history;
mod holder;
mod lease;
mod options;
mod parts;
mod refusal;
mod table;
mod wait;

use std::panic::{self, AssertUnwindSafe};

use rustler::{Binary, Encoder, Env, Term};

use crate::{
    atoms,
    error::{Failure, Panic},
};

pub(crate) use lease::LeaseResource;
pub(crate) use refusal::Refusal;

/// What a NIF of this module comes to before it is a term.
type Answer<T> = Result<T, Refusal>;

/// Does `work` and makes `{:ok, value}` or `{:error, reason}` of what it comes to.
fn answer<T: Encoder>(env: Env<'_>, work: impl FnOnce() -> Answer<T>) -> Term<'_> {
    settle(env, work, |value| (atoms::ok(), value).encode(env))
}

/// Does `work` and makes `:ok` or `{:error, reason}` of what it comes to.
fn done(env: Env<'_>, work: impl FnOnce() -> Answer<()>) -> Term<'_> {
    settle(env, work, |()| atoms::ok().encode(env))
}

/// Does `work`; a panic is one more error.
///
/// Nothing is left half done by one: a backend replaces its tree whole, the locks are not poisoned, and a lease that
/// the call held ends as the stack unwinds.
fn settle<'a, T>(
    env: Env<'a>,
    work: impl FnOnce() -> Answer<T>,
    success: impl FnOnce(T) -> Term<'a>,
) -> Term<'a> {
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => success(value),
        Ok(Err(refusal)) => (atoms::error(), refusal).encode(env),
        Err(payload) => Failure::from(Panic::of(&*payload)).encode(env),
    }
}

/// The text of a path from Elixir, which is UTF-8 or no path of ours.
fn text(path: Binary<'_>, operation: mounts::Operation) -> Answer<&str> {
    str::from_utf8(path.as_slice()).map_err(|_| {
        let shown = String::from_utf8_lossy(path.as_slice());
        mounts::Error::new(mounts::ErrorKind::InvalidArgument, operation, shown).into()
    })
}
