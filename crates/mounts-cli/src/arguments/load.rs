//! The dump that a run starts from, and the directories that its mounts get.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ArgMatches;
use mounts::VirtualPath;
use mounts::history::OnDrift;

use crate::failure::Failure;
use crate::spec::{Access, MountSpec, Source};

use super::{refused, values};

/// A dump to start from.
#[derive(Debug)]
pub(crate) struct Load {
    /// The file that it is in.
    pub(crate) file: PathBuf,
    /// The directories that its mounts get.
    pub(crate) bindings: Vec<Binding>,
    /// What is done where these have changed since.
    pub(crate) on_drift: OnDrift,
}

/// A directory for a mount of a dump.
#[derive(Debug)]
pub(crate) struct Binding {
    /// The argument that asked for it, for messages.
    pub(crate) given: OsString,
    /// Where it is mounted.
    pub(crate) point: VirtualPath<'static>,
    /// The directory.
    pub(crate) directory: PathBuf,
    /// What the mount may do with it, so that no dump decides that.
    pub(crate) access: Access,
}

impl Load {
    /// Takes apart what is said of a dump, if one is asked for.
    pub(super) fn new(found: &ArgMatches) -> Result<Option<Self>, Failure> {
        let Some(file) = found.get_one::<OsString>("load") else {
            return Ok(None);
        };
        let mut bindings: Vec<Binding> = Vec::new();
        for given in values(found, "bind") {
            let refused = |why: &dyn std::fmt::Display| refused("bind", given, &why);
            let spec = MountSpec::parse(given).map_err(|error| refused(&error))?;
            let Source::Host { path, access } = spec.source else {
                return Err(refused(
                    &"what is in memory is in the dump; accepted is 'DIRECTORY:MODE'",
                ));
            };
            if bindings.iter().any(|binding| binding.point == spec.point) {
                return Err(refused(&"the mount has its directory already"));
            }
            bindings.push(Binding {
                given: given.to_owned(),
                point: spec.point,
                directory: path,
                access,
            });
        }
        Ok(Some(Self {
            file: file.into(),
            bindings,
            on_drift: if found.get_flag("keep-drifted") {
                OnDrift::Keep
            } else {
                OnDrift::Refuse
            },
        }))
    }
}
