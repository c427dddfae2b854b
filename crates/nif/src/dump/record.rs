//! Values as bytes, one after the other, in the form that the interpreter has for its own dumps.

use std::fmt;

use minicbor_serde::{Deserializer, Serializer};
use serde::{Deserialize, Serialize};

use crate::{atoms, error::Failure};

/// Bytes that are not what they should be.
#[derive(Debug)]
pub(crate) struct Malformed(String);

impl Malformed {
    pub(crate) fn new(what: impl fmt::Display) -> Self {
        Self(what.to_string())
    }
}

impl From<Malformed> for Failure {
    fn from(Malformed(what): Malformed) -> Self {
        Self::new(
            atoms::invalid_dump(),
            format!("the content of the dump cannot be restored: {what}"),
        )
    }
}

/// A value as bytes.
pub(crate) fn write(value: &impl Serialize) -> Result<Vec<u8>, Malformed> {
    let mut bytes = Vec::new();
    append(&mut bytes, value)?;
    Ok(bytes)
}

/// Writes a value behind `bytes`.
pub(crate) fn append(bytes: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Malformed> {
    value
        .serialize(&mut Serializer::new(bytes))
        .map_err(Malformed::new)
}

/// The value that `bytes` begin with, and what comes behind it.
pub(crate) fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), Malformed> {
    let mut deserializer = Deserializer::new(bytes);
    let value = T::deserialize(&mut deserializer).map_err(Malformed::new)?;
    let position = deserializer.decoder().position();
    Ok((value, bytes.get(position..).unwrap_or_default()))
}

/// The value that `bytes` are.
pub(crate) fn read_last<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Malformed> {
    match read(bytes)? {
        (value, []) => Ok(value),
        _ => Err(Malformed::new("bytes behind its end")),
    }
}
