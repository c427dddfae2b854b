//! Whose turn it is to change what: one at a time for a path and everything below it.
//!
//! A change of one file never waits for that of another: a writer may be slow.

use parking_lot::{Condvar, Mutex};

use crate::path::RelativePath;

/// The paths at which something is being changed.
#[derive(Debug, Default)]
pub(super) struct Turns {
    busy: Mutex<Vec<String>>,
    ended: Condvar,
}

/// A right to change what is at some paths and below them, until it is dropped.
pub(super) struct Turn<'t, const N: usize> {
    turns: &'t Turns,
    paths: [RelativePath<'t>; N],
}

impl Turns {
    /// Waits until nobody changes anything at, above or below one of `paths`. All are taken at once, so that nobody waits
    /// for a path while holding another.
    pub(super) fn take<'t, const N: usize>(&'t self, paths: [RelativePath<'t>; N]) -> Turn<'t, N> {
        let mut busy = self.busy.lock();
        while busy
            .iter()
            .any(|busy| is_related(RelativePath::new(busy), &paths))
        {
            self.ended.wait(&mut busy);
        }
        busy.extend(paths.iter().map(|path| path.as_str().to_owned()));
        Turn { turns: self, paths }
    }
}

fn is_related(busy: RelativePath<'_>, paths: &[RelativePath<'_>]) -> bool {
    let related = |path: &RelativePath<'_>| busy.starts_with(*path) || path.starts_with(busy);
    paths.iter().any(related)
}

impl<const N: usize> Drop for Turn<'_, N> {
    fn drop(&mut self) {
        let mut busy = self.turns.busy.lock();
        for path in &self.paths {
            if let Some(place) = busy.iter().position(|busy| busy == path.as_str()) {
                busy.swap_remove(place);
            }
        }
        self.turns.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_at_above_or_below_a_path_waits_for_it() {
        for (busy, path, expected) in [
            ("a", "a", true),
            ("a", "a/b", true),
            ("a/b", "a", true),
            ("a", "ab", false),
            ("a/b", "a/c", false),
            ("a", "b", false),
        ] {
            let related = is_related(RelativePath::new(busy), &[RelativePath::new(path)]);
            assert_eq!(related, expected, "{busy} and {path}");
        }
    }

    #[test]
    fn a_turn_that_has_ended_leaves_nothing_behind() {
        let turns = Turns::default();
        let (a, b) = (RelativePath::new("a"), RelativePath::new("b"));
        let first = turns.take([a]);
        drop(turns.take([b]));
        drop(first);
        drop(turns.take([a, a]));
        assert!(turns.busy.lock().is_empty());
    }
}
