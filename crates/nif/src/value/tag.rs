//! Tagged tuples: values that Elixir has no type of its own for.
//!
//! A tuple that begins with a tag is that value or an error, never a plain tuple: `{:bytes, 5}` is a mistake, and a
//! Python tuple `("bytes", 5)` is written with a string.

use monty_types::{MontyFileHandle, unstable::MontyNode};
use rustler::{Atom, Term};

use super::{Refusal, calendar, dataclass, number, set, text};
use crate::atoms;

/// What a tagged tuple holds.
pub(super) enum Tagged<'a> {
    /// A value without values inside.
    Leaf(MontyNode),
    /// The `MapSet` of a frozenset.
    FrozenSet(Term<'a>),
    NamedTuple {
        name: String,
        fields: Vec<(String, Term<'a>)>,
    },
    Module {
        name: String,
        attrs: Vec<(String, Term<'a>)>,
    },
}

/// A tag: its atom, how the whole tuple is written, and how it is read.
struct Tag {
    atom: Atom,
    form: &'static str,
    read: for<'a> fn(&[Term<'a>]) -> Option<Tagged<'a>>,
}

/// Tags of values that only leave the interpreter.
fn one_way() -> [(Atom, &'static str); 3] {
    [
        (
            atoms::type_(),
            "a type object {:type, name} cannot be sent to Python",
        ),
        (
            atoms::repr(),
            "{:repr, text} only describes a value, and cannot be sent to Python",
        ),
        (
            atoms::cycle(),
            "{:cycle, text} only marks where a value holds itself, and cannot be sent to Python",
        ),
    ]
}

fn tags() -> [Tag; 12] {
    let tag = |atom, form, read| Tag { atom, form, read };
    [
        tag(atoms::bytes(), "{:bytes, binary}", |rest| match rest {
            [bytes] => leaf(MontyNode::Bytes(
                rustler::Binary::from_term(*bytes).ok()?.to_vec(),
            )),
            _ => None,
        }),
        tag(atoms::path(), "{:path, text}", |rest| match rest {
            [path] => leaf(MontyNode::Path(text::utf8(*path)?.to_owned())),
            _ => None,
        }),
        tag(atoms::function(), "{:function, name}", |rest| match rest {
            [name] => leaf(MontyNode::Function {
                name: text::given(*name)?,
                docstring: None,
            }),
            _ => None,
        }),
        tag(
            atoms::decimal(),
            "{:decimal, text} with a text that Python's Decimal accepts",
            |rest| match rest {
                [text] => leaf(number::decimal(*text)?),
                _ => None,
            },
        ),
        tag(
            atoms::complex(),
            "{:complex, re, im} with two floats",
            |rest| match rest {
                [real, imag] => leaf(number::complex(*real, *imag)?),
                _ => None,
            },
        ),
        tag(
            atoms::timedelta(),
            "{:timedelta, %{days: d, seconds: s, microseconds: us}} of at most 999,999,999 days",
            |rest| match rest {
                [fields] => leaf(calendar::timedelta(*fields)?),
                _ => None,
            },
        ),
        tag(
            atoms::timezone(),
            "{:timezone, %{offset_seconds: s, name: text or nil}} of less than a day",
            |rest| match rest {
                [fields] => leaf(calendar::timezone(*fields)?),
                _ => None,
            },
        ),
        tag(
            atoms::time(),
            "{:time, %Time{}, offset_seconds, name or nil} of less than a day",
            |rest| match rest {
                [wall, offset, name] => leaf(calendar::aware_time(*wall, *offset, *name)?),
                _ => None,
            },
        ),
        tag(
            atoms::file_handle(),
            "{:file_handle, %{path: path, mode: mode, position: n}}",
            |rest| match rest {
                [fields] => leaf(file_handle(*fields)?),
                _ => None,
            },
        ),
        tag(atoms::frozenset(), "{:frozenset, %MapSet{}}", |rest| match rest {
            [elements] if set::is_map_set(*elements) => Some(Tagged::FrozenSet(*elements)),
            _ => None,
        }),
        tag(
            atoms::named_tuple(),
            "{:named_tuple, name, [{field, value}]} with distinct fields",
            |rest| match rest {
                [name, fields] => Some(Tagged::NamedTuple {
                    name: text::given(*name)?,
                    fields: distinct(named(pairs(*fields)?)?)?,
                }),
                _ => None,
            },
        ),
        tag(
            atoms::module(),
            "{:module, name, %{attribute => value}}",
            |rest| match rest {
                [name, attrs] => Some(Tagged::Module {
                    name: text::given(*name)?,
                    attrs: distinct(dataclass::named(*attrs)?)?,
                }),
                _ => None,
            },
        ),
    ]
}

/// Reads a tuple as a tagged one; nothing if it begins with no tag.
pub(super) fn read<'a>(tuple: &[Term<'a>]) -> Result<Option<Tagged<'a>>, Refusal> {
    let Some((first, rest)) = tuple.split_first().filter(|(first, _)| first.is_atom()) else {
        return Ok(None);
    };
    if let Some((_, why)) = one_way().into_iter().find(|(tag, _)| *tag == *first) {
        return Err(Refusal::invalid(why));
    }
    let Some(tag) = tags().into_iter().find(|tag| tag.atom == *first) else {
        return Ok(None);
    };
    (tag.read)(rest).map(Some).ok_or_else(|| {
        Refusal::invalid(format!(
            "a tuple with this tag must be {}; a plain tuple begins with a string",
            tag.form
        ))
    })
}

#[allow(clippy::unnecessary_wraps, reason = "the readers of all tags have one shape")]
fn leaf<'a>(node: MontyNode) -> Option<Tagged<'a>> {
    Some(Tagged::Leaf(node))
}

/// The items of a list of pairs.
pub(super) fn pairs(list: Term<'_>) -> Option<Vec<(Term<'_>, Term<'_>)>> {
    // The length first: iterating over an improper list panics.
    list.list_length().ok()?;
    list.into_list_iterator()
        .ok()?
        .map(|pair| pair.decode().ok())
        .collect()
}

fn named<'a>(fields: Vec<(Term<'a>, Term<'a>)>) -> Option<Vec<(String, Term<'a>)>> {
    fields
        .into_iter()
        .map(|(name, value)| Some((text::given(name)?, value)))
        .collect()
}

fn distinct(fields: Vec<(String, Term<'_>)>) -> Option<Vec<(String, Term<'_>)>> {
    let mut names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    (names.len() == all).then_some(fields)
}

fn file_handle(fields: Term<'_>) -> Option<MontyNode> {
    let field = |name| fields.map_get(name).ok();
    Some(MontyNode::FileHandle(MontyFileHandle {
        path: text::utf8(field(atoms::path())?)?.to_owned(),
        mode: text::utf8(field(atoms::mode())?)?.parse().ok()?,
        position: field(atoms::position())?.decode().ok()?,
    }))
}
