//! A tree as records: each directory, then its entries in their order.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::backend::Reader;
use crate::metadata::{Metadata, Name};
use crate::quota::Held;
use crate::wire::{
    Counters, FREE_INODES, Instant, MAX_DEPTH, Malformed, Pack, Packer, Shape, TooDeep, Unpacker, mode, name,
};

use super::Memory;
use super::node::{Directory, File, NODE_BYTES, Node, Times};
use super::tree::Tree;

#[derive(Debug, Serialize, Deserialize)]
struct TreeRecord {
    last_inode: u64,
    held: Counters,
    root: Attributes,
    entries: u64,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Attributes {
    inode: u64,
    mode: u32,
    modified: Instant,
    changed: Instant,
}

#[derive(Debug, Serialize, Deserialize)]
struct EntryRecord<'a> {
    name: &'a str,
    attributes: Attributes,
    kind: Kind,
}

#[derive(Debug, Serialize, Deserialize)]
enum Kind {
    /// The number of the contents.
    File(u32),
    /// How many entries follow, each with everything below it.
    Directory(u64),
}

impl From<Metadata> for Attributes {
    fn from(metadata: Metadata) -> Self {
        Self {
            inode: metadata.inode,
            mode: metadata.mode,
            modified: metadata.modified.into(),
            changed: metadata.changed.into(),
        }
    }
}

impl Attributes {
    fn times(&self) -> Result<Times, Malformed> {
        Ok(Times {
            modified: self.modified.try_into()?,
            changed: self.changed.try_into()?,
        })
    }

    fn directory(&self) -> Result<Directory, Malformed> {
        Ok(Directory::loaded(self.inode, mode(self.mode)?, self.times()?))
    }
}

impl Pack for Memory {
    fn shape(&self) -> Shape {
        Shape::Tree
    }

    fn below(&self) -> Vec<(&str, &dyn Reader)> {
        Vec::new()
    }

    fn pack(&self, _: &[u32], packer: &mut Packer) -> Result<(), TooDeep> {
        let tree = self.tree.read().clone();
        let root = tree.root();
        packer.put(&TreeRecord {
            last_inode: tree.last_inode(),
            held: tree.held().into(),
            root: root.metadata().into(),
            entries: root.entries().len() as u64,
        });
        let mut open = vec![root.entries().iter()];
        while let Some(directory) = open.last_mut() {
            let Some((name, node)) = directory.next() else {
                open.pop();
                continue;
            };
            let kind = match node {
                Node::File(file) => Kind::File(packer.contents(&file.contents)),
                Node::Directory(directory) => Kind::Directory(directory.entries().len() as u64),
            };
            packer.put(&EntryRecord {
                name,
                attributes: node.metadata().into(),
                kind,
            });
            if let Node::Directory(directory) = node {
                if open.len() == MAX_DEPTH {
                    return Err(TooDeep);
                }
                open.push(directory.entries().iter());
            }
        }
        Ok(())
    }
}

/// A directory whose entries are still being read.
struct Open {
    name: Name,
    directory: Directory,
    left: u64,
}

impl Memory {
    /// Reads what [`Pack::pack`] wrote.
    pub(crate) fn unpack(unpacker: &mut Unpacker<'_>) -> Result<Self, Malformed> {
        let record: TreeRecord = unpacker.take()?;
        let mut held = Held::default();
        let mut inodes = vec![record.root.inode];
        let mut open = vec![Open {
            name: "".into(),
            directory: record.root.directory()?,
            left: record.entries,
        }];
        let root = loop {
            let is_deepest = open.len() == MAX_DEPTH;
            let Some(Open { directory, left, .. }) = open.last_mut() else {
                return Err(Malformed::Invalid("a tree has no root"));
            };
            if *left == 0 {
                let done = open.pop().map(|open| (open.name, Arc::new(open.directory)));
                match (done, open.last_mut()) {
                    (Some((name, done)), Some(above)) => {
                        let levels = done.levels.counted_above();
                        above.directory.levels = above.directory.levels.max(levels);
                        above.directory.insert(&name, Node::Directory(done));
                    }
                    (Some((_, root)), None) => break root,
                    (None, _) => {}
                }
                continue;
            }
            *left -= 1;
            let entry: EntryRecord<'_> = unpacker.take()?;
            let name = name(entry.name, directory.last_name())?;
            unpacker.charge(NODE_BYTES + name.len() as u64)?;
            inodes.push(entry.attributes.inode);
            held = held.plus_node(name);
            match entry.kind {
                Kind::File(number) => {
                    let contents = unpacker.contents(number)?;
                    held = held.plus_bytes(contents.len() as u64);
                    let file = File {
                        inode: entry.attributes.inode,
                        mode: mode(entry.attributes.mode)?,
                        times: entry.attributes.times()?,
                        contents,
                    };
                    directory.insert(name, Node::File(Arc::new(file)));
                }
                Kind::Directory(_) if is_deepest => {
                    return Err(Malformed::Invalid("directories lie too deep in one another"));
                }
                Kind::Directory(entries) => open.push(Open {
                    name: name.into(),
                    directory: entry.attributes.directory()?,
                    left: entries,
                }),
            }
        };
        let held = record.held.check(held)?;
        inodes.sort_unstable();
        let are_given_once = inodes.windows(2).all(|pair| pair[0] < pair[1]);
        let is_last = inodes.last().is_none_or(|last| *last <= record.last_inode);
        if !are_given_once || !is_last || record.last_inode > FREE_INODES {
            return Err(Malformed::Invalid("inode numbers are given twice, or not at all"));
        }
        Ok(Self::of(Tree::loaded(root, held, record.last_inode)))
    }
}
