//! A mount's options as Elixir writes them: `[{"/path", "contents"}]` and `[max_bytes: 1024, memory_limit: :unlimited]`.

use mounts::Limits;
use rustler::{Atom, Binary, Decoder, Error, NifResult, Term};

use crate::atoms;

/// The files that a mount starts with: paths within it, and contents.
pub(super) struct Files<'a>(pub(super) Vec<(Binary<'a>, Binary<'a>)>);

impl<'a> Decoder<'a> for Files<'a> {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        proper_list(term).map(Self)
    }
}

/// The limits of a mount: those given, and the defaults of the crate for the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct MountLimits(pub(super) Limits);

impl<'a> Decoder<'a> for MountLimits {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        let given: Vec<(Atom, Ceiling)> = proper_list(term)?;
        let mut limits = Limits::default();
        for (option, ceiling) in given {
            let limit = match option {
                option if option == atoms::write_bytes_limit() => &mut limits.write_bytes,
                option if option == atoms::max_bytes() => &mut limits.max_bytes,
                option if option == atoms::max_files() => &mut limits.max_files,
                option if option == atoms::max_file_size() => &mut limits.max_file_size,
                option if option == atoms::memory_limit() => &mut limits.memory,
                _ => return Err(Error::BadArg),
            };
            *limit = ceiling.0;
        }
        Ok(Self(limits))
    }
}

/// A number, or `:unlimited`.
struct Ceiling(Option<u64>);

impl<'a> Decoder<'a> for Ceiling {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        if atoms::unlimited() == term {
            Ok(Self(None))
        } else {
            Ok(Self(Some(term.decode()?)))
        }
    }
}

/// The items of a list. The decoder for vectors panics when a list ends in something else than the empty one; only a
/// proper list has a length.
fn proper_list<'a, T: Decoder<'a>>(term: Term<'a>) -> NifResult<Vec<T>> {
    term.list_length()?;
    term.decode()
}
