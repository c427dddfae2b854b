//! From arguments to a table.

use mounts::{ErrorKind, FileType, HostDirectory, Mount, Namespace, Rules, Table, WritableHostDirectory};

use crate::arguments::{Arguments, MountArgument, refused};
use crate::dump;
use crate::failure::Failure;
use crate::spec::{Access, Source};

/// A table with everything that `arguments` load and mount. An overlay lies over a directory that can be written only
/// if it is to be committed.
pub(crate) fn table(arguments: &Arguments) -> Result<Table, Failure> {
    let table = match &arguments.load {
        Some(load) => dump::load(load, &arguments.commits)?,
        None => Table::new(),
    };
    for argument in &arguments.mounts {
        let point = &argument.spec.point;
        let overlay = if arguments.commits.has(point) {
            |directory| Mount::overlay(WritableHostDirectory::new(directory))
        } else {
            Mount::overlay
        };
        table
            .mount(point.as_str(), mount(argument, overlay)?)
            .map_err(|error| refused("mount", &argument.given, &error.kind().description()))?;
    }
    Ok(table)
}

fn mount(argument: &MountArgument, overlay: fn(HostDirectory) -> Mount) -> Result<Mount, Failure> {
    let refused = |why: &dyn std::fmt::Display| refused("mount", &argument.given, &why);
    let mut mount = match &argument.spec.source {
        Source::Memory => Mount::memory(),
        Source::Host { path, access } => {
            let directory = HostDirectory::open(path).map_err(|error| refused(&error))?;
            match access {
                Access::ReadOnly => Mount::read_only(directory),
                Access::ReadWrite => Mount::read_write(WritableHostDirectory::new(directory)),
                Access::Overlay => overlay(directory),
            }
        }
    };
    if !argument.quotas.is_empty() {
        let mut limits = *mount.limits();
        argument.quotas.iter().for_each(|quota| quota.set(&mut limits));
        mount = mount.with_limits(limits);
    }
    if argument.globs != mounts::Globs::default() {
        let rules = Rules::new(argument.globs.clone()).map_err(|error| refused(&error))?;
        mount = mount.with_rules(rules);
    }
    Ok(mount)
}

/// The directory that the script starts in: `asked` if it is one, else the first mount's point, else the root.
pub(crate) fn working_directory(namespace: &Namespace, asked: Option<String>) -> Result<String, Failure> {
    let Some(asked) = asked else {
        let first = namespace.mounts().into_iter().next();
        return Ok(first.map_or_else(|| "/".to_owned(), |mount| mount.point));
    };
    let kind = match namespace.metadata(&asked) {
        Ok(found) if found.file_type == FileType::Directory => return Ok(asked),
        Ok(_) => ErrorKind::NotADirectory,
        Err(error) => error.kind(),
    };
    Err(refused("cwd", asked.as_ref(), &kind.description()))
}
