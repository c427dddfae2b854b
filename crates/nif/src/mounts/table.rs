//! Tables: making one, mounting, describing what is mounted.

use std::{ffi::OsStr, mem, os::unix::ffi::OsStrExt, path::Path};

use mounts::{
    ErrorKind, HostDirectory, Mount, MountInfo, MountKind, Operation, Table, Usage, WritableHostDirectory,
};
use rustler::{Atom, Binary, Env, NewBinary, Resource, ResourceArc, Term};

use super::{
    Answer, Refusal, answer, done,
    events::Feeds,
    history::SnapshotResource,
    holder::Holder,
    lease::Owners,
    options::{Files, Mode, Seed, Settings, SnapshotMode},
    text,
};
use crate::{atoms, engine::Engine};

/// A mount table, as the VM holds it.
#[derive(Default)]
pub(crate) struct TableResource {
    pub(super) table: Table,
    pub(super) owners: Owners,
    pub(super) feeds: Feeds,
}

#[rustler::resource_impl]
impl Resource for TableResource {}

impl From<Table> for TableResource {
    fn from(table: Table) -> Self {
        Self {
            table,
            owners: Owners::default(),
            feeds: Feeds::default(),
        }
    }
}

impl TableResource {
    /// Asks the table for something. When it is in use, the leases of the dead are ended and it is asked again.
    pub(super) fn ask<T>(&self, env: Env<'_>, question: impl Fn(&Table) -> Answer<T>) -> Answer<T> {
        match question(&self.table) {
            Err(Refusal::Mounts(error)) if error.kind() == ErrorKind::InUse => {
                self.owners.end_leases_of_the_dead(env);
                question(&self.table)
            }
            answer => answer,
        }
    }
}

impl Drop for TableResource {
    fn drop(&mut self) {
        // Nobody is left who could cause an event.
        self.feeds.close();
        // The last handle frees the trees, and the VM collects garbage on normal schedulers.
        Engine::get().reaper.free(Box::new(mem::take(&mut self.table)));
    }
}

/// Makes a table with nothing mounted. On the caller's scheduler: one small allocation.
#[rustler::nif]
fn mount_new(env: Env<'_>) -> Term<'_> {
    answer(env, || Ok(ResourceArc::new(TableResource::default())))
}

/// Mounts a memory mount that holds `seeds`, whose paths are absolute within the mount. On a dirty I/O scheduler: it
/// copies the files and waits for changes in flight.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_add_memory<'a>(
    env: Env<'a>,
    holder: Holder<'a>,
    point: Binary<'a>,
    seeds: Files<'a>,
    settings: Settings,
) -> Term<'a> {
    done(env, move || {
        let point = text(point, Operation::Mount)?;
        let (mut files, mut directories) = (Vec::with_capacity(seeds.0.len()), Vec::new());
        for (path, seed) in &seeds.0 {
            match seed {
                Seed::File(contents) => files.push((text(*path, Operation::Write)?, contents.as_slice())),
                Seed::Directory => directories.push(text(*path, Operation::CreateDir)?),
            }
        }
        holder.reshape(env, |site| {
            let mount = settings.apply(Mount::memory());
            let mount = mount.with_directories(directories.iter().copied())?;
            Ok(site.mount(point, mount.with_files(files.iter().copied())?)?)
        })
    })
}

/// Mounts a directory of the host. On a dirty I/O scheduler: it opens the directory.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_add_host<'a>(
    env: Env<'a>,
    holder: Holder<'a>,
    point: Binary<'a>,
    host: Binary<'a>,
    mode: Mode,
    settings: Settings,
) -> Term<'a> {
    done(env, move || {
        let point = text(point, Operation::Mount)?;
        let host = Path::new(OsStr::from_bytes(&host));
        holder.reshape(env, |site| {
            let directory = HostDirectory::open(host)?;
            let mount = match mode {
                Mode::ReadOnly => Mount::read_only(directory),
                Mode::ReadWrite => Mount::read_write(WritableHostDirectory::new(directory)),
                // Writable, so that it can be committed to: the overlay itself only reads it.
                Mode::Overlay => Mount::overlay(WritableHostDirectory::new(directory)),
            };
            Ok(site.mount(point, settings.apply(mount))?)
        })
    })
}

/// Mounts what a snapshot holds, as seen from its root. On a dirty I/O scheduler: it waits for changes in flight.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_add_snapshot<'a>(
    env: Env<'a>,
    holder: Holder<'a>,
    point: Binary<'a>,
    snapshot: &'a SnapshotResource,
    mode: SnapshotMode,
    settings: Settings,
) -> Term<'a> {
    done(env, move || {
        let point = text(point, Operation::Mount)?;
        holder.reshape(env, |site| {
            let source = snapshot.state().clone();
            let mount = match mode {
                SnapshotMode::ReadOnly => Mount::read_only(source),
                SnapshotMode::Overlay => Mount::overlay(source),
            };
            Ok(site.mount(point, settings.apply(mount))?)
        })
    })
}

/// Takes the mount at `point` away. On a dirty I/O scheduler: it waits for changes in flight and frees what the mount
/// held.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_remove<'a>(env: Env<'a>, holder: Holder<'a>, point: Binary<'a>) -> Term<'a> {
    done(env, || {
        let point = text(point, Operation::Unmount)?;
        holder.reshape(env, |site| Ok(site.unmount(point)?))
    })
}

/// Describes the mounts, in the order they were added. On a dirty I/O scheduler: a mount that is being written into
/// counts what it holds once the write is done.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_list<'a>(env: Env<'a>, table: &'a TableResource) -> Term<'a> {
    answer(env, || {
        let mounts = table.table.list_mounts();
        Ok(mounts
            .iter()
            .map(|mount| describe(env, mount))
            .collect::<Vec<_>>())
    })
}

/// The number of mounts. On the caller's scheduler: one short lock.
#[rustler::nif]
fn mount_count(table: &TableResource) -> usize {
    table.table.mount_count()
}

/// A mount as `ExMonty.Mount.list/1` shows it.
fn describe<'a>(env: Env<'a>, mount: &MountInfo) -> Term<'a> {
    rustler::term_map!(env, {
        atoms::virtual_() => mount.point.as_str(),
        atoms::host() => mount.host.as_ref().map(|host| bytes_of(env, host)),
        atoms::mode() => mode(mount.kind),
        atoms::write_bytes_limit() => mount.limits.write_bytes,
        atoms::usage() => usage(env, &mount.usage),
    })
}

/// A host path as Elixir writes it: its bytes, whatever their encoding.
fn bytes_of<'a>(env: Env<'a>, path: &Path) -> Binary<'a> {
    let bytes = path.as_os_str().as_bytes();
    let mut binary = NewBinary::new(env, bytes.len());
    binary.copy_from_slice(bytes);
    binary.into()
}

fn mode(kind: MountKind) -> Atom {
    match kind {
        MountKind::Memory => atoms::memory(),
        MountKind::ReadOnly => atoms::read_only(),
        MountKind::ReadWrite => atoms::read_write(),
        MountKind::Overlay => atoms::overlay(),
        _ => atoms::other(),
    }
}

fn usage<'a>(env: Env<'a>, usage: &Usage) -> Term<'a> {
    rustler::term_map!(env, {
        atoms::bytes() => usage.held.bytes,
        atoms::files() => usage.held.files,
        atoms::memory() => usage.held.memory,
        atoms::bytes_written() => usage.written,
    })
}
