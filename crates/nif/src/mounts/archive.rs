//! Directories as tar archives, and archives as directories.

use mounts::{
    Operation,
    history::{TarError, TarErrorKind, TarLimits},
};
use rustler::{Binary, Encoder, Env, NewBinary, Term};

use super::{Refusal, answer, done, holder::Holder, text};
use crate::{atoms, error::Failure};

/// Bytes that become a binary of the VM.
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Encoder for Bytes {
    fn encode<'a>(&self, env: Env<'a>) -> Term<'a> {
        let mut binary = NewBinary::new(env, self.0.len());
        binary.copy_from_slice(&self.0);
        binary.into()
    }
}

/// Makes an archive of what is at a path. On a dirty I/O scheduler: it reads every file.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_export_tar<'a>(env: Env<'a>, holder: Holder<'a>, path: Binary<'a>) -> Term<'a> {
    answer(env, || {
        let path = text(path, Operation::Read)?;
        let limits = TarLimits::default();
        let export = holder.ask(
            env,
            |table| table.export_tar(path, &limits),
            |leased| leased.export_tar(path, &limits),
        )?;
        Ok(Bytes(export.bytes))
    })
}

/// Puts an archive into a directory. On a dirty I/O scheduler: it writes every file.
#[rustler::nif(schedule = "DirtyIo")]
fn mount_import_tar<'a>(env: Env<'a>, holder: Holder<'a>, path: Binary<'a>, archive: Binary<'a>) -> Term<'a> {
    done(env, || {
        let path = text(path, Operation::ImportTar)?;
        let limits = TarLimits::default();
        holder.ask(
            env,
            |table| table.import_tar(path, &archive, &limits),
            |leased| leased.import_tar(path, &archive, &limits),
        )
    })
}

impl From<TarError> for Refusal {
    fn from(error: TarError) -> Self {
        let source = std::error::Error::source(&error);
        match (
            error.kind(),
            source.and_then(|source| source.downcast_ref::<mounts::Error>()),
        ) {
            (TarErrorKind::Refused, Some(refused)) => {
                let (kind, operation) = (refused.kind(), refused.operation());
                Self::Mounts(mounts::Error::new(kind, operation, refused.path()))
            }
            (TarErrorKind::TooLarge { .. } | TarErrorKind::TooManyEntries { .. }, _) => {
                Self::Failed(Failure::new(atoms::tar_too_large(), error.to_string()))
            }
            _ => Self::Failed(Failure::new(atoms::invalid_tar(), error.to_string())),
        }
    }
}
