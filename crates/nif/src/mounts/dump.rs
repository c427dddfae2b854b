//! Tables as bytes, and bytes as tables.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use mounts::{
    Operation, Table,
    history::{DumpError, DumpErrorKind, LoadOptions, OnDrift},
};
use rustler::{Atom, Binary, Decoder, Encoder, Env, Error, NifResult, ResourceArc, Term};

use super::{
    Answer, Refusal, answer, archive::Bytes, holder::Holder, options::proper_list, table::TableResource, text,
};
use crate::{atoms, error::Failure};

/// The host directories of a dump: virtual paths, and host paths.
pub(super) struct Hosts<'a>(Vec<(Binary<'a>, Binary<'a>)>);

impl<'a> Decoder<'a> for Hosts<'a> {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        proper_list(term).map(Self)
    }
}

/// What is done where the host has changed what an overlay owns.
#[derive(Clone, Copy)]
pub(super) struct Drift(OnDrift);

impl<'a> Decoder<'a> for Drift {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        match Atom::from_term(term)? {
            drift if drift == atoms::refuse() => Ok(Self(OnDrift::Refuse)),
            drift if drift == atoms::keep() => Ok(Self(OnDrift::Keep)),
            _ => Err(Error::BadArg),
        }
    }
}

/// Writes the present state down. On a dirty scheduler: it compresses everything that the table holds.
#[rustler::nif(schedule = "DirtyCpu")]
fn mount_dump<'a>(env: Env<'a>, holder: Holder<'a>) -> Term<'a> {
    answer(env, || {
        let dump = holder.ask(env, Table::dump, mounts::Namespace::dump)?;
        Ok(Bytes(dump))
    })
}

/// Makes a table of a dump. On a dirty I/O scheduler: it inflates, opens directories of the host and looks at their files.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_load<'a>(env: Env<'a>, dump: Binary<'a>, hosts: Hosts<'a>, drift: Drift, max_size: u64) -> Term<'a> {
    answer(env, move || {
        let table = Table::load(&dump, options(hosts, drift, max_size)?)?;
        Ok(ResourceArc::new(TableResource::from(table)))
    })
}

/// What a table is loaded with.
pub(super) fn options(hosts: Hosts<'_>, drift: Drift, max_size: u64) -> Answer<LoadOptions> {
    let mut options = LoadOptions::new().with_on_drift(drift.0).with_max_size(max_size);
    for (point, host) in hosts.0 {
        let point = text(point, Operation::Mount)?;
        options = options
            .with_directory(point, Path::new(OsStr::from_bytes(&host)))
            .map_err(|error| {
                let reason = super::refusal::host_directory(error.kind());
                Refusal::Failed(Failure::new(
                    reason,
                    format!("the host directory of {point}: {error}"),
                ))
            })?;
    }
    Ok(options)
}

impl From<DumpError> for Refusal {
    fn from(error: DumpError) -> Self {
        let reason = match error.kind() {
            DumpErrorKind::Drifted => return Self::Drifted(error.paths().to_vec()),
            DumpErrorKind::TooLarge { .. } => atoms::dump_too_large(),
            DumpErrorKind::HostMissing => atoms::host_missing(),
            DumpErrorKind::HostUnused => atoms::host_unused(),
            DumpErrorKind::NotPortable => atoms::not_portable(),
            DumpErrorKind::NotMounted(_) => atoms::overlaps(),
            _ => atoms::invalid_dump(),
        };
        Self::Failed(Failure::new(reason, error.to_string()))
    }
}

/// What drifted, in the place of a reason.
pub(super) fn drifted<'a>(env: Env<'a>, paths: &[String]) -> Term<'a> {
    (atoms::drift(), paths).encode(env)
}
