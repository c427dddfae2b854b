//! What the upper owns of the lower, and what of that the lower does not have any more as it was.

use std::sync::Arc;

use crate::backend::{FollowLinks, Reader};
use crate::difference::child;
use crate::path::RelativePath;

use super::Overlay;
use super::emptied::Emptied;
use super::layer::{Backing, Directory, Node};
use super::owned::{Hidden, Identity};

impl Overlay {
    /// The paths, in order, of what the upper owns and the lower has changed, moved or removed since.
    pub(crate) fn drifted(&self) -> Vec<String> {
        let layer = self.layer.read().clone();
        let mut found = Drifted {
            lower: self.lower.as_ref(),
            emptied: &layer.emptied,
            paths: Vec::new(),
        };
        let mut open: Vec<(String, &Arc<Directory>)> = vec![(String::new(), &layer.root)];
        while let Some((path, directory)) = open.pop() {
            for (name, slot) in directory.slots() {
                let path = child(&path, name);
                if let (Some(hides), Some(base)) = (&slot.hides, directory.backing.lower()) {
                    found.look_below(&path, &child(base, name), hides);
                }
                match &slot.node {
                    Some(Node::File(file)) => {
                        if let Some(base) = &file.base {
                            found.look(&path, &base.path, &base.identity);
                        }
                    }
                    Some(Node::Directory(directory)) => {
                        if let Backing::Moved(origin) = &directory.backing {
                            found.look(&path, &origin.path, &origin.identity);
                        }
                        open.push((path, directory));
                    }
                    Some(Node::Link(_)) | None => {}
                }
            }
        }
        found.paths.sort();
        found.paths.dedup();
        found.paths
    }
}

struct Drifted<'l> {
    lower: &'l dyn Reader,
    emptied: &'l Emptied,
    paths: Vec<String>,
}

impl Drifted<'_> {
    fn look(&mut self, path: &str, lower: &str, expected: &Identity) {
        let found = self.lower.metadata(RelativePath::new(lower), FollowLinks::No);
        if !found.is_ok_and(|found| Identity::of(&found) == *expected) {
            self.paths.push(path.to_owned());
        }
    }

    fn look_below(&mut self, path: &str, lower: &str, hidden: &Hidden) {
        self.look(path, lower, &hidden.identity);
        for (name, hidden) in self.emptied.below(lower, hidden) {
            self.look_below(&child(path, name), &child(lower, name), hidden);
        }
    }
}
