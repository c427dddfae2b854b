//! What files and states are asked of: a table, or a lease of it.

use mounts::{Lease, Mount, Namespace, Table};
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

    /// Changes which mounts there are: of a table that nobody has leased, or through an exclusive lease that no call and
    /// no turn is using.
    pub(super) fn reshape(self, env: Env<'_>, change: impl Fn(Site<'_>) -> Answer<()>) -> Answer<()> {
        match self {
            Self::Table(resource) => resource.ask(env, |table| change(Site::Table(table))),
            Self::Lease(resource) => resource.reshape(|lease| change(Site::Lease(lease))),
        }
    }
}

/// Where mounts come and go.
pub(super) enum Site<'a> {
    Table(&'a Table),
    Lease(&'a mut Lease),
}

impl Site<'_> {
    pub(super) fn mount(self, point: &str, mount: Mount) -> mounts::Result<()> {
        match self {
            Self::Table(table) => table.mount(point, mount),
            Self::Lease(lease) => lease.mount(point, mount),
        }
    }

    pub(super) fn unmount(self, point: &str) -> mounts::Result<()> {
        match self {
            Self::Table(table) => table.unmount(point),
            Self::Lease(lease) => lease.unmount(point),
        }
    }
}
