//! `glob`: the paths that match a pattern, found as Python's module finds them.

use ::monty_types::scan::SegmentPattern;
use ::monty_types::unstable::{self, MontyNode};
use ::monty_types::{CallArgs, ObjectRef};

use crate::metadata::FileType;
use crate::monty::answer::Fault;
use crate::path::MAX_PATH_BYTES;

use super::Job;
use super::arguments::{Signature, wrong};
use super::outcome::{Done, Failure};
use super::work::{Place, Work, joined};

pub(super) const FUNCTIONS: &[&str] = &["glob", "iglob", "escape", "has_magic"];

const GLOB: Signature = Signature {
    name: "glob",
    positional: &["pathname"],
    required: 1,
    keyword_only: &["root_dir", "dir_fd", "recursive", "include_hidden"],
};
const IGLOB: Signature = Signature {
    name: "iglob",
    ..GLOB
};
const ESCAPE: Signature = Signature {
    name: "escape",
    positional: &["pathname"],
    required: 1,
    keyword_only: &[],
};
const HAS_MAGIC: Signature = Signature {
    name: "has_magic",
    positional: &["s"],
    ..ESCAPE
};

/// The most parts of a pattern: each may match a component of a path or, as `**`, none.
const MAX_PARTS: usize = 256;

/// The pattern that matches directories at any depth, where it is asked for.
const ANY_DEPTH: &str = "**";

/// Answers a function of the module.
pub(super) fn call(name: &str, args: &CallArgs, job: Job<'_>) -> Result<Result<Done, Failure>, Fault> {
    match name {
        "escape" => {
            let pathname = ESCAPE
                .bind(args)?
                .path("pathname", "expected str, bytes or os.PathLike object")?
                .text;
            Ok(job(&mut |_| Ok(Done::Text(escaped(pathname)))))
        }
        "has_magic" => {
            let bound = HAS_MAGIC.bind(args)?;
            let text = bound.get("s").and_then(|value| value.as_str()).ok_or_else(|| {
                let given = bound.get("s").map_or("NoneType", |value| value.type_name());
                wrong(format!("expected string or bytes-like object, got '{given}'"))
            })?;
            Ok(Ok(Done::Flag(has_magic(text))))
        }
        _ => {
            let signature = if name == "iglob" { &IGLOB } else { &GLOB };
            let bound = signature.bind(args)?;
            bound.refuse("dir_fd", "a descriptor")?;
            let pathname = pattern(bound.get("pathname"))?;
            let root = bound
                .some("root_dir")
                .map(|root| bound.as_path("root_dir", root, "expected str, bytes or os.PathLike object"))
                .transpose()?
                .map_or("", |root| root.text);
            let (recursive, hidden) = (
                bound.flag("recursive", false),
                bound.flag("include_hidden", false),
            );
            Ok(job(&mut |work| {
                let search = Search {
                    root,
                    recursive,
                    hidden,
                    work,
                };
                search.all(pathname).map(Done::Texts)
            }))
        }
    }
}

/// The pattern of a call. A path is none: Python's function takes the beginning of its argument.
fn pattern(given: Option<ObjectRef<'_>>) -> Result<&str, Fault> {
    match given.map(|value| (unstable::node(value), value.type_name())) {
        Some((MontyNode::String(text), _)) => Ok(text),
        Some((MontyNode::Bytes(_), _)) => Err(wrong("a pattern of bytes is not supported here".to_owned())),
        Some((_, class)) => Err(wrong(format!("'{class}' object is not subscriptable"))),
        None => Err(wrong("glob() needs 'pathname'".to_owned())),
    }
}

fn is_magic(character: char) -> bool {
    matches!(character, '*' | '?' | '[')
}

fn has_magic(text: &str) -> bool {
    text.contains(is_magic)
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if is_magic(character) {
            escaped.extend(['[', character, ']']);
        } else {
            escaped.push(character);
        }
    }
    escaped
}

fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}

/// `os.path.split`.
fn split(path: &str) -> (&str, &str) {
    let (head, tail) = path.split_at(path.rfind('/').map_or(0, |slash| slash + 1));
    let trimmed = head.trim_end_matches('/');
    (if trimmed.is_empty() { head } else { trimmed }, tail)
}

/// Which entries of directories are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    All,
    Directories,
}

/// One call of `glob`.
struct Search<'s, 'w> {
    root: &'s str,
    recursive: bool,
    hidden: bool,
    work: &'s mut Work<'w>,
}

impl Search<'_, '_> {
    fn all(mut self, pattern: &str) -> Result<Vec<String>, Failure> {
        let literal = pattern
            .find(is_magic)
            .map_or(pattern, |magic| split(&pattern[..magic]).0);
        let begin = self.at(literal);
        if !self.work.is_covered(&begin) {
            return Err(Failure::NotCovered);
        }
        self.work.answer_from(&begin);
        if pattern.len() > MAX_PATH_BYTES || pattern.split('/').count() > MAX_PARTS {
            return Ok(Vec::new());
        }
        let mut found = self.matches(pattern, Wanted::All)?;
        // The directory where a search at any depth begins has no name in it.
        let begins_at_any_depth = self.recursive && pattern.starts_with(ANY_DEPTH);
        if (pattern.is_empty() || begins_at_any_depth) && found.first().is_some_and(String::is_empty) {
            found.remove(0);
        }
        Ok(found)
    }

    /// The place of a path that the search speaks of.
    fn at(&self, path: &str) -> Place {
        let spelled = joined(self.root, path);
        self.work.locate(if spelled.is_empty() { "." } else { &spelled })
    }

    fn matches(&mut self, pattern: &str, wanted: Wanted) -> Result<Vec<String>, Failure> {
        let (directory, name) = split(pattern);
        if !has_magic(pattern) {
            let is_there = if name.is_empty() {
                self.is_dir(directory)
            } else {
                self.exists(pattern)
            };
            self.visit(pattern)?;
            let found = if is_there {
                vec![pattern.to_owned()]
            } else {
                Vec::new()
            };
            return Ok(found);
        }
        let directories = if directory != pattern && has_magic(directory) {
            self.matches(directory, Wanted::Directories)?
        } else {
            vec![directory.to_owned()]
        };
        let mut found = Vec::new();
        for directory in &directories {
            for name in self.names(directory, name, wanted)? {
                let path = joined(directory, &name);
                self.hold(&path)?;
                found.push(path);
            }
        }
        Ok(found)
    }

    /// The names in a directory that match one part of a pattern.
    fn names(&mut self, directory: &str, part: &str, wanted: Wanted) -> Result<Vec<String>, Failure> {
        if self.recursive && part == ANY_DEPTH {
            let mut found = vec![String::new()];
            self.descend(directory, "", wanted, &mut found)?;
            return Ok(found);
        }
        if !has_magic(part) {
            let is_there = if part.is_empty() {
                self.is_dir(directory)
            } else {
                self.exists(&joined(directory, part))
            };
            self.visit(directory)?;
            return Ok(if is_there {
                vec![part.to_owned()]
            } else {
                Vec::new()
            });
        }
        let shows_hidden = self.hidden || is_hidden(part);
        let matcher = SegmentPattern::new(part, true);
        let mut found = Vec::new();
        for (name, _) in self.entries(directory, wanted)? {
            if (shows_hidden || !is_hidden(&name)) && matcher.matches(&name) {
                found.push(name);
            }
        }
        Ok(found)
    }

    /// Notes everything below a directory, by its path from where the search at any depth began.
    fn descend(
        &mut self,
        directory: &str,
        above: &str,
        wanted: Wanted,
        found: &mut Vec<String>,
    ) -> Result<(), Failure> {
        for (name, file_type) in self.entries(directory, wanted)? {
            if !self.hidden && is_hidden(&name) {
                continue;
            }
            let path = joined(above, &name);
            self.hold(&path)?;
            found.push(path.clone());
            if matches!(file_type, FileType::Directory | FileType::Symlink) {
                self.descend(&joined(directory, &name), &path, wanted, found)?;
            }
        }
        Ok(())
    }

    /// What is in a directory; nothing where it cannot be listed.
    fn entries(&mut self, directory: &str, wanted: Wanted) -> Result<Vec<(String, FileType)>, Failure> {
        let place = self.at(directory);
        self.work.visit(&place)?;
        let mut entries = Vec::new();
        for entry in self.work.list(&place).unwrap_or_default() {
            self.work.visit(&place)?;
            let is_wanted = match (wanted, entry.file_type) {
                (Wanted::All, _) | (Wanted::Directories, FileType::Directory) => true,
                (Wanted::Directories, FileType::Symlink) => self.work.is_dir(&place.child(&entry.name)),
                (Wanted::Directories, FileType::File | FileType::Special) => false,
            };
            if is_wanted {
                entries.push((entry.name.to_string(), entry.file_type));
            }
        }
        Ok(entries)
    }

    fn visit(&mut self, path: &str) -> Result<(), Failure> {
        let place = self.at(path);
        self.work.visit(&place)
    }

    fn hold(&mut self, path: &str) -> Result<(), Failure> {
        let place = self.at(path);
        self.work.visit(&place)?;
        self.work.hold(path, &place)
    }

    fn exists(&self, path: &str) -> bool {
        let absolute = self.at(path).absolute;
        let files = self.work.files;
        match files.symlink_metadata(&absolute) {
            Ok(found) => found.file_type != FileType::Symlink || !files.is_refused_link(&absolute),
            Err(_) => false,
        }
    }

    fn is_dir(&self, path: &str) -> bool {
        self.work.is_dir(&self.at(path))
    }
}

/// `glob.glob(pattern, recursive=True)`.
#[cfg(test)]
pub(super) fn search_all(work: &mut Work<'_>, pattern: &str) -> Result<Vec<String>, Failure> {
    let search = Search {
        root: "",
        recursive: true,
        hidden: false,
        work,
    };
    search.all(pattern)
}
