//! Waiting for a lease without holding a scheduler.
//!
//! A request joins the line and the NIF returns at once, with the lease that it is going to be; the process gets
//! `{:ex_monty, reference, :leased}` when its turn has come. It waits for that message as long as it likes, and then
//! withdraws: the answer says whether it did, or the lease was granted meanwhile and its message is there or on its way.
//! The message is sent by the courier, because whoever ends a lease may be on a scheduler.

use mounts::{Lease, Ticket};
use rustler::{Encoder, Env, Reference, ResourceArc, Term};

use super::{
    LeaseResource, answer,
    lease::{Grantee, LeaseShare},
    table::TableResource,
};
use crate::{
    atoms,
    engine::{Engine, parcel::Parcel},
};

/// Joins the line for a lease. On the caller's scheduler: short locks, and what those ahead in line are told.
#[rustler::nif]
fn mount_wait<'a>(
    env: Env<'a>,
    table: ResourceArc<TableResource>,
    mode: LeaseShare,
    reference: Reference<'a>,
) -> Term<'a> {
    answer(env, || {
        let process = env.pid();
        let reference = Parcel::pack(reference);
        let request = move |table: &mounts::Table, grantee: Grantee| -> Ticket {
            table.checkout_queued(mode.0, move |lease: Lease| {
                if grantee.grant(lease) {
                    Engine::get().courier.hand(move || {
                        reference.send(process, |env, reference| {
                            (atoms::ex_monty(), reference, atoms::leased()).encode(env)
                        });
                    });
                }
            })
        };
        Ok(LeaseResource::awaited_by_caller(env, table, request))
    })
}

/// Leaves the line: `{:ok, true}`, or `{:ok, false}` when the lease has been granted. On the caller's scheduler: short
/// locks, and what those behind in line are told.
#[rustler::nif]
fn mount_withdraw<'a>(env: Env<'a>, lease: &'a LeaseResource) -> Term<'a> {
    answer(env, || Ok(lease.withdraw()))
}
