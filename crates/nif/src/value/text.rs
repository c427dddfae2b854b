//! The text of terms.

use rustler::{Binary, Env, NewBinary, Term};

use super::singleton;

const ATOM_UTF8_EXT: u8 = 118;
const SMALL_ATOM_UTF8_EXT: u8 = 119;

/// The text of a UTF-8 binary, borrowed.
pub(super) fn utf8(term: Term<'_>) -> Option<&str> {
    std::str::from_utf8(Binary::from_term(term).ok()?.as_slice()).ok()
}

/// The name of an atom.
pub(super) fn atom(term: Term<'_>) -> Option<String> {
    if let Ok(name) = term.atom_to_string() {
        return Some(name);
    }
    // Before NIF 2.17 only atoms within Latin-1 can be read directly; the external format holds any.
    let external = term.is_atom().then(|| term.to_binary())?;
    let name = match *external.get(1)? {
        ATOM_UTF8_EXT => external.get(4..)?,
        SMALL_ATOM_UTF8_EXT => external.get(3..)?,
        _ => return None,
    };
    String::from_utf8(name.to_vec()).ok()
}

/// A name or text given by the host: a UTF-8 binary, or an atom that is no value of its own.
pub(super) fn given(term: Term<'_>) -> Option<String> {
    match utf8(term) {
        Some(text) => Some(text.to_owned()),
        None => singleton::node(term).is_none().then(|| atom(term))?,
    }
}

/// A binary of `bytes`.
pub(super) fn binary<'a>(env: Env<'a>, bytes: &[u8]) -> Term<'a> {
    let mut binary = NewBinary::new(env, bytes.len());
    binary.as_mut_slice().copy_from_slice(bytes);
    binary.into()
}

/// The text, or `nil`.
pub(super) fn optional<'a>(env: Env<'a>, text: Option<&str>) -> Term<'a> {
    text.map_or_else(
        || rustler::types::atom::nil().to_term(env),
        |text| binary(env, text.as_bytes()),
    )
}
