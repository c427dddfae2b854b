//! Sets: `MapSet` holds its elements as the keys of a map, and one more field in some releases of Elixir.

use std::sync::OnceLock;

use rustler::{Env, MapIterator, Term};

use super::Refusal;
use crate::{atoms, error::structure};

/// The `version` field of this VM's `MapSet`, where it has one.
static VERSION: OnceLock<Option<i64>> = OnceLock::new();

/// Learns the fields of `MapSet` from an empty one, so that a set that comes out equals the set that went in. Called
/// once, when the library is loaded.
pub(crate) fn learn_map_set(empty: Term<'_>) {
    let version = empty.map_get(atoms::version()).and_then(Term::decode).ok();
    VERSION.get_or_init(|| version);
}

/// The elements of a `MapSet`.
pub(super) fn elements(term: Term<'_>) -> Result<Vec<Term<'_>>, Refusal> {
    term.map_get(atoms::map())
        .ok()
        .and_then(MapIterator::new)
        .map(|elements| elements.map(|(element, _)| element).collect())
        .ok_or_else(|| Refusal::invalid("a %MapSet{} without its map cannot become a Python value"))
}

/// The number of elements of a `MapSet`; none where it is malformed.
pub(super) fn size(term: Term<'_>) -> usize {
    term.map_get(atoms::map())
        .and_then(Term::map_size)
        .unwrap_or_default()
}

/// A `MapSet` of `elements`, or nothing if two of them are the same term.
pub(super) fn encode<'a>(env: Env<'a>, elements: &[Term<'a>]) -> Option<Term<'a>> {
    let present = vec![Term::list_new_empty(env); elements.len()];
    let map = super::map::build(env, elements, &present)?;
    let mut fields = vec![(atoms::map(), map)];
    if let Some(version) = VERSION.get().copied().flatten() {
        fields.push((atoms::version(), rustler::Encoder::encode(&version, env)));
    }
    Some(structure(env, atoms::map_set(), &fields))
}

/// Whether a term is a `MapSet`.
pub(super) fn is_map_set(term: Term<'_>) -> bool {
    term.map_get(atoms::struct_key())
        .is_ok_and(|module| atoms::map_set() == module)
}
