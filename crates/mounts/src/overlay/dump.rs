//! An upper layer as records: each directory, then its slots in their order, each with what it hides before what it
//! shows.

mod records;

use std::sync::Arc;

use crate::backend::Reader;
use crate::metadata::Name;
use crate::quota::Held;
use crate::wire::{FREE_INODES, MAX_DEPTH, Malformed, Pack, Packer, Shape, TooDeep, Unpacker, name, path};

use super::emptied::Emptied;
use super::layer::{Directory, File, Link, Node, Slot};
use super::lookup::below;
use super::owned::{Hidden, SLOT_BYTES};
use super::{FIRST_INODE, Layer, Overlay};

use records::{
    BackingRecord, BelowRecord, DirectoryRecord, HiddenRecord, LayerRecord, NodeRecord, OriginRecord,
    SlotRecord,
};

impl Pack for Overlay {
    fn shape(&self) -> Shape {
        Shape::Layer
    }

    fn below(&self) -> Vec<(&str, &dyn Reader)> {
        vec![("/", self.lower.as_ref())]
    }

    fn pack(&self, _: &[u32], packer: &mut Packer) -> Result<(), TooDeep> {
        let layer = self.layer.read().clone();
        packer.put(&LayerRecord {
            last_inode: layer.last_inode,
            held: layer.held.into(),
            emptied: layer.emptied.records().len() as u64,
            root: DirectoryRecord::of(&layer.root),
        });
        for (path, hidden) in layer.emptied.records() {
            packer.put(&BelowRecord {
                name: path,
                hidden: HiddenRecord::of(hidden),
            });
            pack_below(packer, hidden)?;
        }
        let mut open = vec![layer.root.slot_map().iter()];
        while let Some(directory) = open.last_mut() {
            let Some((name, slot)) = directory.next() else {
                open.pop();
                continue;
            };
            let node = match &slot.node {
                None => NodeRecord::Nothing,
                Some(Node::File(file)) => NodeRecord::File {
                    attributes: (&file.attributes).into(),
                    base: file.base.as_ref().map(OriginRecord::of),
                    own: packer.contents(&file.own),
                },
                Some(Node::Link(link)) => NodeRecord::Link {
                    attributes: (&link.attributes).into(),
                    target: &link.target,
                },
                Some(Node::Directory(directory)) => NodeRecord::Directory(DirectoryRecord::of(directory)),
            };
            let hides = slot.hides.as_deref().map(HiddenRecord::of);
            packer.put(&SlotRecord { name, hides, node });
            if let Some(hides) = &slot.hides {
                pack_below(packer, hides)?;
            }
            if let Some(Node::Directory(directory)) = &slot.node {
                if open.len() == MAX_DEPTH {
                    return Err(TooDeep);
                }
                open.push(directory.slot_map().iter());
            }
        }
        Ok(())
    }
}

fn pack_below(packer: &mut Packer, hides: &Hidden) -> Result<(), TooDeep> {
    let mut open = vec![hides.below.iter()];
    while let Some(below) = open.last_mut() {
        let Some((name, hidden)) = below.next() else {
            open.pop();
            continue;
        };
        packer.put(&BelowRecord {
            name,
            hidden: HiddenRecord::of(hidden),
        });
        if open.len() == MAX_DEPTH {
            return Err(TooDeep);
        }
        open.push(hidden.below.iter());
    }
    Ok(())
}

/// A directory whose slots are still being read.
struct Open {
    name: Name,
    directory: Directory,
    hides: Option<Arc<Hidden>>,
    left: u64,
}

impl Overlay {
    /// Reads what [`Pack::pack`] wrote, to lie over `lower`.
    pub(crate) fn unpack(lower: Arc<dyn Reader>, unpacker: &mut Unpacker<'_>) -> Result<Self, Malformed> {
        let record: LayerRecord<'_> = unpacker.take()?;
        if !(FIRST_INODE - FREE_INODES..=FIRST_INODE).contains(&record.last_inode) {
            return Err(Malformed::Invalid("inode numbers are given twice, or not at all"));
        }
        if !matches!(record.root.backing, BackingRecord::Merged(_)) {
            return Err(Malformed::Invalid("the root of a layer is not that of the lower"));
        }
        let mut emptied = Emptied::default();
        for _ in 0..record.emptied {
            let BelowRecord { name: lower, hidden } = unpacker.take()?;
            if emptied.last_path().is_some_and(|last| last >= lower) {
                return Err(Malformed::Invalid("names are out of order"));
            }
            unpacker.charge(SLOT_BYTES + lower.len() as u64)?;
            emptied.keep((path(lower)?.into(), hidden.hidden(unpacker)?));
        }
        let mut held = Held {
            memory: emptied.memory(),
            ..Held::default()
        };
        let mut open = vec![Open {
            name: "".into(),
            directory: record.root.directory(Some(String::new()))?,
            hides: None,
            left: record.root.slots,
        }];
        let root = loop {
            let is_deepest = open.len() == MAX_DEPTH;
            let Some(Open { directory, left, .. }) = open.last_mut() else {
                return Err(Malformed::Invalid("a layer has no root"));
            };
            if *left == 0 {
                let Some(done) = open.pop() else { continue };
                let node = Arc::new(done.directory);
                let Some(above) = open.last_mut() else { break node };
                let levels = node.levels.counted_above();
                above.directory.levels = above.directory.levels.max(levels);
                let slot = Slot {
                    node: Some(Node::Directory(node)),
                    hides: done.hides,
                };
                held = held + slot.held(&done.name);
                above.directory.set(&done.name, slot);
                continue;
            }
            *left -= 1;
            let record: SlotRecord<'_> = unpacker.take()?;
            let previous = directory.slot_map().get_max().map(|(name, _)| &**name);
            let name = name(record.name, previous)?;
            unpacker.charge(SLOT_BYTES + name.len() as u64)?;
            let hides = record.hides.map(|hides| hides.hidden(unpacker)).transpose()?;
            let node = match record.node {
                NodeRecord::Nothing => None,
                NodeRecord::File {
                    attributes,
                    base,
                    own,
                } => Some(Node::File(Arc::new(File {
                    attributes: attributes.attributes()?,
                    base: base.map(|base| base.origin()).transpose()?,
                    own: unpacker.contents(own)?,
                }))),
                NodeRecord::Link { attributes, target } => Some(Node::Link(Arc::new(Link {
                    attributes: attributes.attributes()?,
                    target: target.to_owned(),
                }))),
                NodeRecord::Directory(_) if is_deepest => {
                    return Err(Malformed::Invalid("directories lie too deep in one another"));
                }
                NodeRecord::Directory(record) => {
                    let lower = directory.backing.lower().map(|base| below(base, name));
                    let inner = Open {
                        name: name.into(),
                        directory: record.directory(lower)?,
                        hides,
                        left: record.slots,
                    };
                    open.push(inner);
                    continue;
                }
            };
            let slot = Slot { node, hides };
            if slot.is_empty() {
                return Err(Malformed::Invalid("a slot is empty"));
            }
            held = held + slot.held(name);
            directory.set(name, slot);
        };
        let layer = Layer {
            root,
            emptied,
            held: record.held.check(held)?,
            last_inode: record.last_inode,
        };
        Ok(Self::over(lower, layer))
    }
}

impl HiddenRecord {
    /// What is hidden, with what follows below it.
    fn hidden(self, unpacker: &mut Unpacker<'_>) -> Result<Arc<Hidden>, Malformed> {
        let mut open: Vec<(Name, Hidden, u64)> =
            vec![("".into(), Hidden::new(self.identity.identity()?), self.below)];
        loop {
            let is_deepest = open.len() > MAX_DEPTH;
            let Some((_, hidden, left)) = open.last_mut() else {
                return Err(Malformed::Invalid("what is hidden is nothing"));
            };
            if *left == 0 {
                let Some((name, done, _)) = open.pop() else {
                    continue;
                };
                match open.last_mut() {
                    Some((_, above, _)) => above.below.insert(name, Arc::new(done)),
                    None => return Ok(Arc::new(done)),
                };
                continue;
            }
            if is_deepest {
                return Err(Malformed::Invalid("directories lie too deep in one another"));
            }
            *left -= 1;
            let record: BelowRecord<'_> = unpacker.take()?;
            let previous = hidden.below.get_max().map(|(name, _)| &**name);
            let name = name(record.name, previous)?;
            unpacker.charge(SLOT_BYTES + name.len() as u64)?;
            let next = Hidden::new(record.hidden.identity.identity()?);
            open.push((name.into(), next, record.hidden.below));
        }
    }
}
