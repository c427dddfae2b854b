//! Rules, as a matrix beside an oracle: each verb at each door, under each effect, by each pattern, on each kind of mount.
//!
//! The oracle knows two things: what a naive judge says of a path, and what the same verb answers on a mount without
//! rules, one that can be written and one that cannot.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[path = "support/kinds.rs"]
mod kinds;
#[path = "support/linked.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod linked;
#[path = "support/naive_rules.rs"]
mod naive_rules;
mod support;
#[path = "support/verbs.rs"]
mod verbs;

use std::collections::BTreeMap;

use kinds::{Kind, Mounted, Tree};
use linked::Entry;
use mounts::{ErrorKind, FileType, Usage, Verdict};
use naive_rules::{Component, Part, compiled, judge};
use verbs::{Class, VERBS, Verb};

/// A file in a directory in a directory, neighbours of each, and links that lead in, out, and to what is above.
const TREE: Tree<'static> = &[
    ("g", Entry::Directory),
    ("g/p", Entry::Directory),
    ("g/p/f", Entry::File("f")),
    ("g/p/sibling", Entry::File("sibling")),
    ("g/p/d", Entry::Directory),
    ("g/p/d/below", Entry::File("below")),
    ("g/p/out", Entry::Link("../../other")),
    ("g/other", Entry::File("g other")),
    ("other", Entry::Directory),
    ("other/x", Entry::File("x")),
    ("other/in", Entry::Link("../g/p/f")),
    ("to_parent", Entry::Link("g/p")),
    ("to_grandparent", Entry::Link("other/../g")),
    ("to_link", Entry::Link("to_parent/out")),
    ("elsewhere_link", Entry::Link("g/p/new")),
    ("empty", Entry::Directory),
    ("z", Entry::File("z")),
];

/// What is opened, looked at, changed, moved: the ruled entries, what is beside, above and below them, and the ways
/// in and out through links.
const DOORS: [&str; 21] = [
    "g/p/f",
    "g/p/sibling",
    "g/p/new",
    "g/p/d",
    "g/p/d/below",
    "g/p/d/new/deeper",
    "g/p",
    "g",
    "g/other",
    "other/x",
    "other",
    "nothing",
    "other/in",
    "to_parent/f",
    "to_parent/new",
    "to_parent",
    "to_grandparent/p/f",
    "to_grandparent/p/d/below",
    "g/p/out/x",
    "to_link/x",
    "elsewhere_link",
];

const GLOBS: [&str; 10] = [
    "g/p/f", "**/f", "g/*/f", "g/p", "**/p", "g", "g/**", "g/p/**", "**/d", "**/out",
];

const EFFECTS: [Verdict; 3] = [Verdict::Hidden, Verdict::Denied, Verdict::ReadOnly];

fn parsed(glob: &'static str) -> Vec<Component> {
    let part = |name| if name == "*" { Part::Star } else { Part::Text(name) };
    glob.split('/')
        .map(|name| (name != "**").then(|| vec![part(name)]))
        .collect()
}

type Globs = Vec<(Verdict, Vec<Component>)>;

fn verdict(globs: &Globs, path: &str) -> Verdict {
    judge(globs, &path.split('/').collect::<Vec<_>>())
}

/// The path as it is given and after each link, the last component followed or not.
fn ways(tree: &[(&'static str, Entry)], path: &str, follows_last: bool) -> Vec<String> {
    let links: BTreeMap<_, _> = tree
        .iter()
        .filter_map(|(path, entry)| match entry {
            Entry::Link(target) => Some((*path, *target)),
            _ => None,
        })
        .collect();
    let mut ways = vec![path.to_owned()];
    loop {
        let path = ways.last().unwrap();
        let ends = path.match_indices('/').map(|(end, _)| end);
        let ends = ends.chain(follows_last.then_some(path.len()));
        let met = ends
            .into_iter()
            .find_map(|end| Some((end, *links.get(&path[..end])?)));
        let Some((end, target)) = met else {
            return ways;
        };
        let above = path[..end].rsplit_once('/').map_or("", |(above, _)| above);
        let mut names: Vec<&str> = above.split('/').filter(|name| !name.is_empty()).collect();
        for name in target
            .split('/')
            .chain(path[end..].split('/').filter(|name| !name.is_empty()))
        {
            if name == ".." {
                names.pop();
            } else {
                names.push(name);
            }
        }
        ways.push(names.join("/"));
    }
}

/// The verbs that mean what a link leads to.
const FOLLOWING: [&str; 8] = [
    "metadata", "read", "open", "list", "write", "append", "truncate", "touch",
];

type Answer = Result<(), ErrorKind>;

/// What mounts without rules answer to each verb at each door.
struct Plain {
    tree: Vec<(&'static str, Entry)>,
    writable: BTreeMap<(&'static str, &'static str), Answer>,
    read_only: BTreeMap<(&'static str, &'static str), Answer>,
}

impl Plain {
    fn of(kind: Kind, read_only: Kind) -> Self {
        let is_there = |(_, entry): &&(&str, Entry)| kind.has_links || !matches!(entry, Entry::Link(_));
        let tree: Vec<_> = TREE.iter().filter(is_there).copied().collect();
        let ask = |kind: Kind| {
            let at_door = |door: &'static str| {
                VERBS.map(|(name, _, act)| {
                    let answer = act(&kind.with(&tree), &format!("/m/{door}"));
                    ((door, name), answer.map_err(|error| error.kind()))
                })
            };
            DOORS.into_iter().flat_map(at_door).collect()
        };
        Self {
            writable: ask(kind),
            read_only: ask(read_only),
            tree,
        }
    }

    /// Whether everything in the directory `from` is judged alike at `to`.
    fn is_judged_alike(&self, globs: &Globs, from: &str, to: &str) -> bool {
        let below = self
            .tree
            .iter()
            .filter_map(|(path, _)| path.strip_prefix(from)?.strip_prefix('/'));
        below
            .map(|below| (format!("{from}/{below}"), format!("{to}/{below}")))
            .all(|(here, there)| verdict(globs, &here) == verdict(globs, &there))
    }

    /// Checks that a directory was made with all above it, or found, only where no rule is against it.
    fn check_created(
        &self,
        globs: &Globs,
        door: &'static str,
        files: &Mounted,
        answer: Answer,
        context: &str,
    ) {
        let ways = ways(&self.tree, door, true);
        let stands = |wanted| ways.iter().any(|way| verdict(globs, way) == wanted);
        let was_there = self.writable[&(door, "list")].is_ok();
        if answer.is_ok() {
            assert!(files.is_dir(&format!("/m/{door}")), "{context}");
            assert!(!stands(Verdict::Hidden) && !stands(Verdict::Denied), "{context}");
            assert!(was_there || !stands(Verdict::ReadOnly), "{context}");
        } else {
            let plain = self.writable[&(door, "create_dir_all")];
            let is_ruled = [Verdict::Hidden, Verdict::Denied, Verdict::ReadOnly]
                .map(stands)
                .contains(&true);
            assert!(is_ruled || answer == plain, "{context}: {answer:?}");
        }
    }

    fn expected(&self, globs: &Globs, door: &'static str, (name, class, _): Verb) -> Answer {
        let ways = ways(&self.tree, door, FOLLOWING.contains(&name));
        let mut is_read_only = false;
        for way in &ways {
            match verdict(globs, way) {
                Verdict::Hidden => return Err(ErrorKind::NotFound),
                Verdict::Denied => return Err(ErrorKind::PermissionDenied),
                Verdict::ReadOnly => is_read_only = true,
                Verdict::Open => {}
            }
        }
        if is_read_only && class == Class::Change {
            return self.read_only[&(door, name)];
        }
        let plain = self.writable[&(door, name)];
        let moved = ways.last().unwrap();
        if name == "rename from" && plain.is_ok() && !self.is_judged_alike(globs, moved, "elsewhere") {
            return Err(ErrorKind::PermissionDenied);
        }
        plain
    }
}

fn usage(files: &Mounted) -> Usage {
    files.table.list_mounts()[0].usage
}

/// A listing shows what is there without rules, less what is hidden; of everything else it tells the truth.
fn check_listings(plain: &Plain, globs: &Globs, files: &Mounted) {
    for (directory, entry) in &plain.tree {
        if !matches!(entry, Entry::Directory)
            || matches!(verdict(globs, directory), Verdict::Hidden | Verdict::Denied)
        {
            continue;
        }
        let listed: Vec<_> = files.list(&format!("/m/{directory}")).unwrap();
        let names: Vec<_> = listed.iter().map(|entry| entry.name.to_string()).collect();
        let within = |path: &'static str| path.strip_prefix(directory)?.strip_prefix('/');
        let mut expected: Vec<_> = plain
            .tree
            .iter()
            .filter_map(|(path, _)| within(path).filter(|name| !name.contains('/')))
            .filter(|name| verdict(globs, &format!("{directory}/{name}")) != Verdict::Hidden)
            .collect();
        expected.sort_unstable();
        assert_eq!(names, expected, "{directory} under {globs:?}");
        assert!(listed.iter().all(|entry| entry.file_type != FileType::Special));
    }
}

fn each_verb_at_each_door_is_answered_as_the_oracle_says(kind: Kind, read_only: Kind) {
    let plain = Plain::of(kind, read_only);
    for effect in EFFECTS {
        for glob in GLOBS {
            let globs: Globs = vec![(effect, parsed(glob))];
            let rules = compiled(&globs);
            let made = || kind.altered(&plain.tree, |mount| mount.with_rules(rules.clone()));
            let mut files = made();
            check_listings(&plain, &globs, &files);
            for door in DOORS {
                for verb in VERBS {
                    let before = usage(&files);
                    let path = format!("/m/{door}");
                    let answer = verb.2(&files, &path).map_err(|error| error.kind());
                    let context = format!("{}: {} {door} with {glob} {effect:?}", kind.name, verb.0);
                    if verb.0 == "create_dir_all" {
                        // Several operations, the first of which may succeed before the next is refused.
                        plain.check_created(&globs, door, &files, answer, &context);
                        files = made();
                        continue;
                    }
                    assert_eq!(answer, plain.expected(&globs, door, verb), "{context}");
                    if answer.is_ok() && verb.1 == Class::Change {
                        files = made();
                    } else {
                        assert_eq!(usage(&files), before, "{context}");
                    }
                }
            }
            // Whatever was refused has left no trace.
            check_listings(&plain, &globs, &files);
        }
    }
}

#[test]
fn memory_answers_as_the_oracle_says() {
    each_verb_at_each_door_is_answered_as_the_oracle_says(kinds::MEMORY, kinds::READ_ONLY_MEMORY);
}

#[test]
fn an_overlay_over_memory_answers_as_the_oracle_says() {
    each_verb_at_each_door_is_answered_as_the_oracle_says(
        kinds::OVERLAY_OVER_MEMORY,
        kinds::READ_ONLY_MEMORY,
    );
}

#[test]
fn an_overlay_over_links_answers_as_the_oracle_says() {
    each_verb_at_each_door_is_answered_as_the_oracle_says(kinds::OVERLAY_OVER_LINKS, kinds::READ_ONLY_LINKS);
}

#[cfg(unix)]
#[test]
fn an_overlay_over_a_directory_answers_as_the_oracle_says() {
    each_verb_at_each_door_is_answered_as_the_oracle_says(
        kinds::OVERLAY_OVER_DIRECTORY,
        kinds::READ_ONLY_DIRECTORY,
    );
}

#[cfg(unix)]
#[test]
fn a_directory_answers_as_the_oracle_says() {
    each_verb_at_each_door_is_answered_as_the_oracle_says(kinds::DIRECTORY, kinds::READ_ONLY_DIRECTORY);
}
