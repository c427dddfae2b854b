//! Monty inside the BEAM: the native half of `ExMonty`.
//!
//! `value` carries values across, `runner`, `progress` and `mounts` are what Elixir calls, `engine` is where Python runs.
//! File calls are the business of the `mounts` crate; no rule about files is decided here.

#[cfg(test)]
mod absent_vm;
mod atoms;
mod deaths;
mod dump;
mod engine;
mod error;
mod mounts;
mod progress;
mod runner;
mod session;
mod value;

use rustler::{Env, NifResult, Term};

use self::engine::{Configuration, Engine};

/// Starts the engine with the configuration that `ExMonty.Native` loads the library with.
fn load(_env: Env<'_>, configuration: Term<'_>) -> bool {
    let start = || -> NifResult<bool> {
        value::learn_map_set(configuration.map_get(atoms::map_set_example())?);
        Ok(Engine::start(&configuration.decode::<Configuration>()?).is_ok())
    };
    start().unwrap_or(false)
}

rustler::init!("Elixir.ExMonty.Native", load = load);
