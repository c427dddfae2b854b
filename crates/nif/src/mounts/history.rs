//! States of a table: snapshots, forks, and what changed.

use std::mem;

use mounts::{
    Operation,
    history::{Change, ChangeKind, Snapshot},
};
use rustler::{Binary, Encoder, Env, Resource, ResourceArc, Term};

use super::{answer, done, files::type_of, holder::Holder, table::TableResource, text};
use crate::{atoms, engine::Engine, error::structure};

/// A state of a table, as the VM holds it.
pub(crate) struct SnapshotResource(Option<Snapshot>);

#[rustler::resource_impl]
impl Resource for SnapshotResource {}

impl SnapshotResource {
    #[expect(
        clippy::expect_used,
        reason = "it is taken out by the destructor and by nothing else"
    )]
    pub(super) fn state(&self) -> &Snapshot {
        self.0.as_ref().expect("a snapshot is there until it is freed")
    }
}

impl Drop for SnapshotResource {
    fn drop(&mut self) {
        // The last state that holds a tree frees it, and the VM collects garbage on normal schedulers.
        Engine::get().reaper.free(Box::new(mem::take(&mut self.0)));
    }
}

/// Keeps the present state. On a dirty scheduler: it is quick, but tries again while mounts are being changed.
#[rustler::nif(schedule = "DirtyCpu")]
fn mount_snapshot<'a>(env: Env<'a>, holder: Holder<'a>) -> Term<'a> {
    answer(env, || {
        let snapshot = holder.see(env, mounts::Table::snapshot, mounts::Namespace::snapshot)?;
        Ok(ResourceArc::new(SnapshotResource(Some(snapshot))))
    })
}

/// Makes a table of the present state. On a dirty scheduler, as a snapshot.
#[rustler::nif(schedule = "DirtyCpu")]
fn mount_fork<'a>(env: Env<'a>, holder: Holder<'a>) -> Term<'a> {
    answer(env, || {
        let fork = holder.see(env, mounts::Table::fork, |leased| leased.snapshot().fork())?;
        Ok(ResourceArc::new(TableResource::from(fork)))
    })
}

/// Puts the contents of a snapshot back. On a dirty I/O scheduler: it waits for changes, and frees what they wrote.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_restore<'a>(env: Env<'a>, holder: Holder<'a>, snapshot: &'a SnapshotResource) -> Term<'a> {
    done(env, || {
        let snapshot = snapshot.state();
        holder.ask(
            env,
            |table| table.restore(snapshot),
            |leased| leased.restore(snapshot),
        )
    })
}

/// Lists what changed, since a snapshot or since the origin. On a dirty I/O scheduler: it reads files of the host that
/// an overlay replaced.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_changes<'a>(env: Env<'a>, holder: Holder<'a>, since: Option<&'a SnapshotResource>) -> Term<'a> {
    answer(env, || {
        let since = since.map(SnapshotResource::state);
        let changes = holder.see(
            env,
            |table| since.map_or_else(|| table.changes(), |since| table.changes_since(since)),
            |leased| since.map_or_else(|| leased.changes(), |since| leased.changes_since(since)),
        )?;
        Ok(changes
            .iter()
            .map(|change| described(env, change))
            .collect::<Vec<_>>())
    })
}

/// A change as `ExMonty.Mount.Change`.
fn described<'a>(env: Env<'a>, change: &Change) -> Term<'a> {
    let kind = match change.kind {
        ChangeKind::Created => atoms::created(),
        ChangeKind::Modified => atoms::modified(),
        ChangeKind::Deleted => atoms::deleted(),
    };
    structure(
        env,
        atoms::change_struct(),
        &[
            (atoms::path(), change.path.encode(env)),
            (atoms::kind(), kind.encode(env)),
            (atoms::type_(), type_of(change.file_type).encode(env)),
            (atoms::size(), change.size.encode(env)),
            (atoms::previous_size(), change.previous_size.encode(env)),
        ],
    )
}

/// Shows what changed at a path and below it as unified text. On a dirty I/O scheduler: it reads files and compares them.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_diff<'a>(env: Env<'a>, holder: Holder<'a>, path: Binary<'a>) -> Term<'a> {
    answer(env, || {
        let path = text(path, Operation::Diff)?;
        holder.ask(env, |table| table.diff(path), |leased| leased.diff(path))
    })
}
