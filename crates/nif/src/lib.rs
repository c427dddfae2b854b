//! Monty inside the BEAM: the native half of `ExMonty`.

rustler::init!("Elixir.ExMonty.Native");
