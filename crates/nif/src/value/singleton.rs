//! The values that are atoms in Elixir. None of these atoms is a tag (see [`super::tag`]), which is why a Python tuple
//! that begins with one of these values is never taken for a tagged tuple.

use monty_types::unstable::MontyNode;
use rustler::{Atom, Term, types::atom};

use crate::atoms;

/// The value that an atom stands for, if it is not just a name.
pub(super) fn node(term: Term<'_>) -> Option<MontyNode> {
    if !term.is_atom() {
        return None;
    }
    let values: [(Atom, MontyNode); 8] = [
        (atom::nil(), MontyNode::None),
        (atom::true_(), MontyNode::Bool(true)),
        (atom::false_(), MontyNode::Bool(false)),
        (atoms::infinity(), MontyNode::Float(f64::INFINITY)),
        (atoms::neg_infinity(), MontyNode::Float(f64::NEG_INFINITY)),
        (atoms::nan(), MontyNode::Float(f64::NAN)),
        (atoms::ellipsis(), MontyNode::Ellipsis),
        (atoms::not_implemented(), MontyNode::NotImplemented),
    ];
    values
        .into_iter()
        .find_map(|(name, value)| (name == term).then_some(value))
}

/// The atom of a float that is not a number Elixir can hold.
pub(super) fn of_float(value: f64) -> Option<Atom> {
    if value.is_nan() {
        Some(atoms::nan())
    } else if value == f64::INFINITY {
        Some(atoms::infinity())
    } else if value == f64::NEG_INFINITY {
        Some(atoms::neg_infinity())
    } else {
        None
    }
}
