//! The one mapping of failures to terms.

use std::{any::Any, fmt};

use rustler::{Atom, Encoder, Env, Error, Term};

use crate::{atoms, value::ValueError};

/// `{:error, %ExMonty.Error{}}`: what went wrong that Python did not raise.
#[derive(Debug)]
pub(crate) struct Failure {
    reason: Atom,
    message: String,
}

impl Failure {
    pub(crate) fn new(reason: Atom, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// The snapshot has been resumed before, and lives once.
    pub(crate) fn consumed() -> Self {
        Self::new(
            atoms::snapshot_consumed(),
            "the snapshot has been resumed before; go on with the one in the progress that this returned",
        )
    }

    /// A source that is no text.
    pub(crate) fn invalid_source() -> Self {
        Self::new(atoms::invalid_source(), "the source is not valid UTF-8")
    }

    /// A result that does not fit what the run waits for.
    pub(crate) fn invalid_result(message: impl Into<String>) -> Self {
        Self::new(atoms::invalid_result(), message)
    }
}

/// A panic in the native library, which ended the call and nothing else.
#[derive(Debug)]
pub(crate) struct Panic(String);

impl Panic {
    /// The panic that carried `payload`.
    pub(crate) fn of(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("no message");
        Self(text.to_owned())
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the native library panicked: {}", self.0)
    }
}

impl From<Panic> for Failure {
    fn from(panic: Panic) -> Self {
        Self::new(atoms::panic(), panic.to_string())
    }
}

impl From<ValueError> for Failure {
    fn from(error: ValueError) -> Self {
        Self::new(error.reason(), error.to_string())
    }
}

impl Failure {
    /// The `%ExMonty.Error{}` alone.
    pub(crate) fn exception<'a>(&self, env: Env<'a>) -> Term<'a> {
        structure(
            env,
            atoms::error_struct(),
            &[
                (atoms::exception_key(), true.encode(env)),
                (atoms::reason(), self.reason.encode(env)),
                (atoms::message(), self.message.encode(env)),
            ],
        )
    }
}

impl Encoder for Failure {
    fn encode<'a>(&self, env: Env<'a>) -> Term<'a> {
        if self.reason == atoms::argument_error() {
            return (atoms::raise(), &self.message).encode(env);
        }
        (atoms::error(), self.exception(env)).encode(env)
    }
}

/// An `ArgumentError` that is raised where the NIF was called.
pub(crate) fn argument_error(message: impl Into<String>) -> Error {
    Error::RaiseTerm(Box::new(ArgumentError(message.into())))
}

struct ArgumentError(String);

impl Encoder for ArgumentError {
    fn encode<'a>(&self, env: Env<'a>) -> Term<'a> {
        structure(
            env,
            atoms::argument_error_struct(),
            &[
                (atoms::exception_key(), true.encode(env)),
                (atoms::message(), self.0.encode(env)),
            ],
        )
    }
}

/// The Elixir struct `module` with `fields`.
pub(crate) fn structure<'a>(env: Env<'a>, module: Atom, fields: &[(Atom, Term<'a>)]) -> Term<'a> {
    let mut keys = vec![atoms::struct_key().encode(env)];
    let mut values = vec![module.encode(env)];
    for (key, value) in fields {
        keys.push(key.encode(env));
        values.push(*value);
    }
    #[expect(
        clippy::expect_used,
        reason = "it fails only for lengths that differ or keys that repeat; the callers name each field once"
    )]
    Term::map_from_term_arrays(env, &keys, &values).expect("fields are named once")
}
