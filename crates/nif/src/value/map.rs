//! Maps of any size, on any thread.

use rustler::{Env, Term};

/// Up to so many keys the VM keeps a map as two arrays.
const FLAT: usize = 32;

/// A map of `keys` to `values`, or nothing if two keys are the same term.
///
/// A large one is built entry by entry: the VM's own way to make one of arrays sorts with the random state of the
/// scheduler it runs on (seen in OTP 25), and takes the node down on a thread that is none.
pub(super) fn build<'a>(env: Env<'a>, keys: &[Term<'a>], values: &[Term<'a>]) -> Option<Term<'a>> {
    if keys.len() <= FLAT {
        return Term::map_from_term_arrays(env, keys, values).ok();
    }
    let map = keys
        .iter()
        .zip(values)
        .try_fold(Term::map_new(env), |map, (key, value)| {
            map.map_put(*key, *value).ok()
        })?;
    (map.map_size().ok()? == keys.len()).then_some(map)
}
