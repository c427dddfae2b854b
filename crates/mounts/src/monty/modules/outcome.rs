//! What a function came to: made while the mounts worked, and then a Python value or exception.

use ::monty_types::unstable::MontyNode;
use ::monty_types::{ExcType, MontyException, MontyObject, ResourceError};

use crate::error::Error;
use crate::monty::answer::{Fault, Outcome, fault};
use crate::monty::exception::{exception, raised};
use crate::monty::value::holding;

/// What an entry of a list costs in the answer beside its text, in bytes.
pub(super) const ENTRY_BYTES: usize = 128;

/// What a function answers.
#[derive(Debug)]
pub(super) enum Done {
    Nothing,
    Flag(bool),
    Text(String),
    Path(String),
    Texts(Vec<String>),
    Set(Vec<String>),
    Function(String),
    /// The named tuple of `disk_usage`.
    Space {
        used: u64,
        free: u64,
    },
}

/// Why it answers nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// No mount covers a path.
    NotCovered,
    /// A file could not be had or changed.
    File(Error),
    /// A function's own exception.
    Raised(ExcType, String),
    Exceeded(ResourceError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::File(error)
    }
}

impl From<ResourceError> for Failure {
    fn from(error: ResourceError) -> Self {
        Self::Exceeded(error)
    }
}

impl Failure {
    /// The exception it is in the script, if it is one that ends no run.
    pub(super) fn exception(&self) -> Option<MontyException> {
        match self {
            Self::File(error) => Some(exception(error)),
            Self::Raised(class, text) => Some(raised(*class, text.as_str())),
            Self::NotCovered | Self::Exceeded(_) => None,
        }
    }
}

impl Done {
    /// What the answer will hold, in bytes.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Nothing | Self::Flag(_) | Self::Space { .. } => ENTRY_BYTES,
            Self::Text(text) | Self::Path(text) | Self::Function(text) => text.len() + ENTRY_BYTES,
            Self::Texts(texts) | Self::Set(texts) => {
                texts.iter().map(|text| text.len() + ENTRY_BYTES).sum::<usize>() + ENTRY_BYTES
            }
        }
    }
}

fn strings(texts: &[String]) -> impl ExactSizeIterator<Item = MontyNode> + '_ {
    texts.iter().cloned().map(MontyNode::String)
}

/// The answer as a Python value.
pub(super) fn object(done: &Done) -> Outcome {
    Ok(match done {
        Done::Nothing => MontyObject::none(),
        Done::Flag(flag) => MontyObject::bool(*flag),
        Done::Text(text) => MontyObject::string(text.clone()),
        Done::Path(path) => MontyObject::path(path.clone()),
        Done::Function(name) => MontyObject::function(name.clone(), None),
        Done::Texts(texts) => return holding(strings(texts), MontyNode::List),
        Done::Set(texts) => return holding(strings(texts), MontyNode::Set),
        Done::Space { used, free } => {
            let amounts = [used.saturating_add(*free), *used, *free];
            let amount = |bytes| MontyObject::int(i64::try_from(bytes).unwrap_or(i64::MAX));
            MontyObject::named_tuple("usage", ["total", "used", "free"], amounts.map(amount))
        }
    })
}

/// The failure as what it is to the run.
pub(super) fn settled(failure: &Failure) -> Fault {
    match failure {
        Failure::NotCovered => Fault::NotCovered,
        Failure::File(error) => fault(error),
        Failure::Raised(class, text) => Fault::Raise(raised(*class, text.as_str())),
        Failure::Exceeded(exceeded) => Fault::Exceeded(exceeded.clone()),
    }
}
