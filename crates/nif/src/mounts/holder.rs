//! What files and states are asked of: a table, or a lease of it.

use mounts::{Namespace, Table};
use rustler::{Decoder, Env, NifResult, Term};

use super::{Answer, LeaseResource, Refusal, table::TableResource};

/// The table itself, or a lease.
#[derive(Clone, Copy)]
pub(super) enum Holder<'a> {
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
    pub(super) fn ask<T, E: Into<Refusal>>(
        self,
        env: Env<'_>,
        table: impl Fn(&Table) -> Result<T, E>,
        leased: impl Fn(&Namespace) -> Result<T, E>,
    ) -> Answer<T> {
        match self {
            Self::Table(resource) => resource.ask(env, |asked| table(asked).map_err(Into::into)),
            Self::Lease(resource) => leased(&*resource.enter()?).map_err(Into::into),
        }
    }

    /// Asks what nothing refuses but a lease that has ended.
    pub(super) fn see<T>(
        self,
        env: Env<'_>,
        table: impl Fn(&Table) -> T,
        leased: impl Fn(&Namespace) -> T,
    ) -> Answer<T> {
        self.ask(env, |asked| Answer::Ok(table(asked)), |asked| Ok(leased(asked)))
    }
}
