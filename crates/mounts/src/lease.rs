//! Leases: who may use a table now.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use crate::table::{Namespace, Table};

/// How a lease shares the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeaseMode {
    /// Nobody else may take a lease or change anything.
    Exclusive,
    /// Others may share it; nobody may take it exclusively, and no mount may come or go.
    Shared,
}

/// The right to use a table, from [`Table::checkout`] until it is dropped.
///
/// A lease dereferences to the [`Namespace`] as it was when the lease was taken: mounts cannot come or go while
/// any lease is out, so that is also the namespace as it is.
pub struct Lease {
    table: Table,
    namespace: Arc<Namespace>,
    mode: LeaseMode,
}

impl Lease {
    pub(crate) fn new(table: Table, namespace: Arc<Namespace>, mode: LeaseMode) -> Self {
        Self {
            table,
            namespace,
            mode,
        }
    }

    /// How it shares the table.
    pub fn mode(&self) -> LeaseMode {
        self.mode
    }

    /// The table it is a lease of.
    pub fn table(&self) -> &Table {
        &self.table
    }
}

impl Deref for Lease {
    type Target = Namespace;

    fn deref(&self) -> &Namespace {
        &self.namespace
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.table.release(self.mode);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// The leases that are out.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    exclusive: bool,
    shared: usize,
}

impl Leases {
    pub(crate) fn any_out(&self) -> bool {
        self.exclusive || self.shared > 0
    }

    pub(crate) fn exclusive_out(&self) -> bool {
        self.exclusive
    }

    /// Counts a lease of this mode, unless those that are out exclude it.
    pub(crate) fn admit(&mut self, mode: LeaseMode) -> bool {
        match mode {
            LeaseMode::Exclusive if !self.any_out() => {
                self.exclusive = true;
                true
            }
            LeaseMode::Shared if !self.exclusive => {
                self.shared += 1;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn end(&mut self, mode: LeaseMode) {
        match mode {
            LeaseMode::Exclusive => self.exclusive = false,
            LeaseMode::Shared => self.shared -= 1,
        }
    }
}
