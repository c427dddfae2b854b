//! `Path.mkdir`: what Python does with `parents` and `exist_ok`, call by call, so that the error names the
//! directory that Python's would name.

use crate::error::{ErrorKind, Result};
use crate::table::Namespace;

/// Whether missing parents are created: the `parents` of `Path.mkdir`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parents {
    Create,
    MustExist,
}

/// Whether a directory that exists already is an error: the `exist_ok` of `Path.mkdir`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Existing {
    Accept,
    Refuse,
}

/// Creates the directory at `path`, and its parents first where they are missing and may be created. Parents that
/// exist are always accepted.
pub(super) fn make_dir(
    namespace: &Namespace,
    path: &str,
    parents: Parents,
    existing: Existing,
) -> Result<()> {
    // The directories that turned out to need a parent, deepest first.
    let mut waiting: Vec<(&str, Existing)> = Vec::new();
    let mut current = (path, existing);
    loop {
        let answer = attempt(namespace, current);
        match (answer, parent(current.0)) {
            (Err(error), Some(above))
                if error.kind() == ErrorKind::NotFound && parents == Parents::Create =>
            {
                waiting.push(current);
                current = (above, Existing::Accept);
            }
            (answer, _) => {
                answer?;
                break;
            }
        }
    }
    while let Some(next) = waiting.pop() {
        attempt(namespace, next)?;
    }
    Ok(())
}

fn attempt(namespace: &Namespace, (path, existing): (&str, Existing)) -> Result<()> {
    match namespace.create_dir(path) {
        // Which error stands for "exists" depends on what is there: a read-only file system may say so first.
        Err(error)
            if error.kind() != ErrorKind::NotFound
                && existing == Existing::Accept
                && namespace.is_dir(path) =>
        {
            Ok(())
        }
        answer => answer,
    }
}

/// The path above, as `pathlib` spells it: `..` stays, `.` and doubled slashes go. `None` above the root.
fn parent(path: &str) -> Option<&str> {
    let (above, _) = spelled(path).rsplit_once('/')?;
    let above = spelled(above);
    Some(if above.is_empty() { "/" } else { above })
}

/// Without the trailing `/` and `/.` that say nothing.
fn spelled(mut path: &str) -> &str {
    loop {
        let shorter = path.strip_suffix("/.").or_else(|| path.strip_suffix('/'));
        match shorter {
            Some(shorter) => path = shorter,
            None => return path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_spelled_as_pathlib_spells_them() {
        for (path, above) in [
            ("/a/b", Some("/a")),
            ("/a/b/", Some("/a")),
            ("/a//./b/.", Some("/a")),
            ("/a/../b", Some("/a/..")),
            ("/a", Some("/")),
            ("//a", Some("/")),
            ("/", None),
            ("//", None),
            ("/.", None),
        ] {
            assert_eq!(parent(path), above, "{path}");
        }
    }
}
