//! What an upper layer is made of, as records of a dump.

use serde::{Deserialize, Serialize};

use crate::metadata::FileType;
use crate::wire::{Counters, Instant, Malformed, mode, path, size};

use super::super::layer::{Attributes, Backing, Directory};
use super::super::owned::{Hidden, Identity, Origin};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LayerRecord<'a> {
    pub(super) last_inode: u64,
    pub(super) held: Counters,
    /// How many directories follow that were renamed, and then removed.
    pub(super) emptied: u64,
    #[serde(borrow)]
    pub(super) root: DirectoryRecord<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DirectoryRecord<'a> {
    #[serde(borrow)]
    pub(super) backing: BackingRecord<'a>,
    pub(super) touched: Option<Instant>,
    /// How many slots follow, each with everything below it.
    pub(super) slots: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum BackingRecord<'a> {
    Own(AttributesRecord),
    /// The lower directory is the one of this name in that of the directory above.
    Merged(AttributesRecord),
    #[serde(borrow)]
    Moved(OriginRecord<'a>),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AttributesRecord {
    pub(super) inode: u64,
    pub(super) mode: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) modified: Instant,
    pub(super) changed: Instant,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OriginRecord<'a> {
    pub(super) path: &'a str,
    pub(super) identity: IdentityRecord,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct IdentityRecord {
    pub(super) file_type: TypeRecord,
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) modified: Instant,
    pub(super) changed: Instant,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum TypeRecord {
    File,
    Directory,
    Symlink,
    Special,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SlotRecord<'a> {
    pub(super) name: &'a str,
    /// What is hidden here; what had been hidden below it follows.
    pub(super) hides: Option<HiddenRecord>,
    #[serde(borrow)]
    pub(super) node: NodeRecord<'a>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HiddenRecord {
    pub(super) identity: IdentityRecord,
    pub(super) below: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct BelowRecord<'a> {
    pub(super) name: &'a str,
    pub(super) hidden: HiddenRecord,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum NodeRecord<'a> {
    Nothing,
    File {
        attributes: AttributesRecord,
        #[serde(borrow)]
        base: Option<OriginRecord<'a>>,
        own: u32,
    },
    Link {
        attributes: AttributesRecord,
        target: &'a str,
    },
    #[serde(borrow)]
    Directory(DirectoryRecord<'a>),
}

impl<'a> DirectoryRecord<'a> {
    pub(super) fn of(directory: &'a Directory) -> Self {
        Self {
            backing: match &directory.backing {
                Backing::Own(attributes) => BackingRecord::Own(attributes.into()),
                Backing::Merged(_, seen) => BackingRecord::Merged(seen.into()),
                Backing::Moved(origin) => BackingRecord::Moved(OriginRecord::of(origin)),
            },
            touched: directory.touched.map(Instant::from),
            slots: directory.slot_map().len() as u64,
        }
    }

    /// The directory, still without slots, at whose place the lower has `natural`.
    pub(super) fn directory(&self, natural: Option<String>) -> Result<Directory, Malformed> {
        let backing = match &self.backing {
            BackingRecord::Own(attributes) => Backing::Own(attributes.attributes()?),
            BackingRecord::Merged(seen) => {
                let lower = natural.ok_or(Malformed::Invalid("nothing shows through where it should"))?;
                Backing::Merged(lower.into(), seen.attributes()?)
            }
            BackingRecord::Moved(origin) => Backing::Moved(origin.origin()?),
        };
        let mut directory = Directory::new(backing);
        directory.touched = self.touched.map(TryInto::try_into).transpose()?;
        Ok(directory)
    }
}

impl HiddenRecord {
    pub(super) fn of(hidden: &Hidden) -> Self {
        Self {
            identity: (&hidden.identity).into(),
            below: hidden.below.len() as u64,
        }
    }
}

impl<'a> OriginRecord<'a> {
    pub(super) fn of(origin: &'a Origin) -> Self {
        Self {
            path: &origin.path,
            identity: (&origin.identity).into(),
        }
    }

    pub(super) fn origin(&self) -> Result<Origin, Malformed> {
        Ok(Origin {
            path: path(self.path)?.into(),
            identity: self.identity.identity()?,
        })
    }
}

impl From<&Attributes> for AttributesRecord {
    fn from(attributes: &Attributes) -> Self {
        Self {
            inode: attributes.inode,
            mode: attributes.mode,
            uid: attributes.uid,
            gid: attributes.gid,
            modified: attributes.modified.into(),
            changed: attributes.changed.into(),
        }
    }
}

impl AttributesRecord {
    pub(super) fn attributes(&self) -> Result<Attributes, Malformed> {
        Ok(Attributes {
            inode: self.inode,
            mode: mode(self.mode)?,
            uid: self.uid,
            gid: self.gid,
            modified: self.modified.try_into()?,
            changed: self.changed.try_into()?,
        })
    }
}

impl From<&Identity> for IdentityRecord {
    fn from(identity: &Identity) -> Self {
        Self {
            file_type: match identity.file_type {
                FileType::File => TypeRecord::File,
                FileType::Directory => TypeRecord::Directory,
                FileType::Symlink => TypeRecord::Symlink,
                FileType::Special => TypeRecord::Special,
            },
            inode: identity.inode,
            size: identity.size,
            modified: identity.modified.into(),
            changed: identity.changed.into(),
        }
    }
}

impl IdentityRecord {
    pub(super) fn identity(&self) -> Result<Identity, Malformed> {
        Ok(Identity {
            file_type: match self.file_type {
                TypeRecord::File => FileType::File,
                TypeRecord::Directory => FileType::Directory,
                TypeRecord::Symlink => FileType::Symlink,
                TypeRecord::Special => FileType::Special,
            },
            inode: self.inode,
            size: size(self.size)?,
            modified: self.modified.try_into()?,
            changed: self.changed.try_into()?,
        })
    }
}
