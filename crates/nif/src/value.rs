//! Python values and Elixir terms, both ways, bounded.
//!
//! [`decode()`] makes a Python value of a term, [`encode()`] a term of a Python value; the table they follow is in the
//! documentation of `ExMonty.Value`. Neither trusts its input: a term may be a list that ends in a pid, a script may
//! answer with `x = [x, x]` sixty times over. So
//!
//! - neither recurses: decoding keeps its own stack, encoding goes through the value's nodes once, children first;
//! - both know the depth and the size of a value *written out in full* before they build it, and refuse what is beyond
//!   [`Bounds`] at once;
//! - encoding makes one term for each node, so what a script shares stays shared. Decoding shares the bytes of a long
//!   binary and nothing else: Elixir's values have no identity, and two places of a term that happen to point to the
//!   same list must not become one Python list, where `append` to one would change the other.
//!
//! A Python value can never be mistaken for one of the tagged tuples made here. A tag is an atom in the first place of
//! a tuple, and the only atoms that a Python value becomes are those of [`singleton`], none of which is a tag.

mod calendar;
mod dataclass;
mod decode;
mod encode;
mod exception;
mod frame;
mod keys;
mod map;
mod measure;
mod number;
mod place;
mod set;
mod singleton;
mod tag;
mod text;
mod weigh;

use std::{borrow::Cow, fmt};

use rustler::Atom;

use crate::atoms;

pub(crate) use decode::decode;
pub(crate) use encode::{encode, encode_call_args};
pub(crate) use exception::{encode_exception, exc_type_from_atom};
pub(crate) use place::Place;
pub(crate) use set::learn_map_set;

/// How deep and how large one value may be, in either direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Containers inside one another: `[]` is one deep, `[[]]` two.
    pub(crate) max_depth: usize,
    /// Bytes of the value written out in full, everything shared counted as often as it is used.
    pub(crate) max_bytes: usize,
}

impl Bounds {
    /// The depth of every value, whatever the limits of the run.
    pub(crate) const MAX_DEPTH: usize = 200;

    /// The size of a value in a run without a memory limit. A term is written out in full when it is sent to another
    /// process, so that even there a value of sixty shared lists must not reach the host.
    pub(crate) const UNLIMITED_BYTES: usize = 4 << 30;

    /// The bounds in a run that may use `max_memory` bytes, or any number of bytes.
    pub(crate) fn new(max_memory: Option<usize>) -> Self {
        Self {
            max_depth: Self::MAX_DEPTH,
            max_bytes: max_memory.unwrap_or(Self::UNLIMITED_BYTES),
        }
    }
}

/// Why a value was refused: a reason to match on and a sentence that names the place.
#[derive(Debug)]
pub(crate) struct ValueError {
    refusal: Refusal,
    message: String,
}

impl ValueError {
    /// `:invalid_value`, `:value_too_deep`, `:value_too_large`, or `:argument_error` for what must raise.
    pub(crate) fn reason(&self) -> Atom {
        match self.refusal {
            Refusal::Invalid(_) => atoms::invalid_value(),
            Refusal::TooDeep(_) => atoms::value_too_deep(),
            Refusal::TooLarge(_) => atoms::value_too_large(),
            Refusal::Frozen => atoms::argument_error(),
        }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Why a term or a node cannot cross, where the place is not known yet.
#[derive(Debug)]
enum Refusal {
    /// The other side has no such value; the text says why.
    Invalid(Cow<'static, str>),
    /// More containers inside one another than this.
    TooDeep(usize),
    /// More bytes than this.
    TooLarge(usize),
    /// A frozen dataclass, which the interpreter would let a script change.
    Frozen,
}

impl Refusal {
    fn invalid(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Invalid(why.into())
    }

    /// The error for a value at `place`.
    fn at(self, place: impl fmt::Display) -> ValueError {
        ValueError {
            message: format!("{place}: {self}"),
            refusal: self,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(why) => f.write_str(why),
            Self::TooDeep(bound) => write!(f, "the value is nested more than {bound} deep"),
            Self::TooLarge(bound) => write!(
                f,
                "the value is larger than {bound} bytes when written out in full"
            ),
            Self::Frozen => f.write_str(
                "a dataclass with frozen: true cannot be sent, because a script could still change it",
            ),
        }
    }
}

/// The bytes that a value may still grow by.
struct Budget {
    bound: usize,
    left: usize,
}

impl Budget {
    fn new(bound: usize) -> Self {
        Self { bound, left: bound }
    }

    /// Takes `bytes`, before anything of that size is built.
    fn charge(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.left = self
            .left
            .checked_sub(bytes)
            .ok_or(Refusal::TooLarge(self.bound))?;
        Ok(())
    }
}
