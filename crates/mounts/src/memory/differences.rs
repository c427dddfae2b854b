//! How one tree differs from another. What both share is skipped without being looked at.

use std::sync::Arc;

use imbl::ordmap::DiffItem;

use crate::difference::{Differences, Entry, child};

use super::node::{Directory, Node};
use super::tree::Tree;

impl Tree {
    /// Notes how `self` differs from `since`.
    pub(super) fn differences(&self, since: &Self, found: &mut Differences<'_>) {
        compare("", since.root(), self.root(), found);
    }
}

fn compare(path: &str, since: &Arc<Directory>, now: &Arc<Directory>, found: &mut Differences<'_>) {
    if Arc::ptr_eq(since, now) {
        return;
    }
    for item in since.entries().diff(now.entries()) {
        match item {
            DiffItem::Add(name, node) => whole(&child(path, name), node, State::Now, found),
            DiffItem::Remove(name, node) => whole(&child(path, name), node, State::Before, found),
            DiffItem::Update {
                old: (name, before),
                new: (_, now),
            } => {
                let path = child(path, name);
                match (before, now) {
                    (Node::Directory(before), Node::Directory(now)) => {
                        if found.sees(&path) {
                            compare(&path, before, now, found);
                        }
                    }
                    (Node::File(one), Node::File(two)) => {
                        if one.contents != two.contents && found.sees(&path) {
                            found.note(&path, Some(entry(before)), Some(entry(now)));
                        }
                    }
                    _ => {
                        whole(&path, before, State::Before, found);
                        whole(&path, now, State::Now, found);
                    }
                }
            }
        }
    }
}

/// Which of the two states has something that the other lacks.
#[derive(Debug, Clone, Copy)]
enum State {
    Before,
    Now,
}

/// Notes `node` and everything below it.
fn whole(path: &str, node: &Node, state: State, found: &mut Differences<'_>) {
    if !found.sees(path) {
        return;
    }
    match state {
        State::Before => found.note(path, Some(entry(node)), None),
        State::Now => found.note(path, None, Some(entry(node))),
    }
    if let Node::Directory(directory) = node {
        for (name, node) in directory.entries() {
            whole(&child(path, name), node, state, found);
        }
    }
}

fn entry(node: &Node) -> Entry {
    Entry {
        file_type: node.file_type(),
        size: node.bytes(),
        inode: node.inode(),
    }
}
