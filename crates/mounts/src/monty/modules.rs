//! The modules of Python that the interpreter lacks and a mount table can answer: `shutil` and `glob`.
//!
//! An import of a module that the interpreter does not know reaches the host, which answers with a value: a module whose
//! attributes are functions of the host. Their names have a dot in them (`shutil.copy`), and a call of one is a function
//! call of that name without a receiver. No script can make up such a function: what it defines is called in the
//! interpreter, and a name that it does not define has no dot.
//!
//! A call is answered in three steps. Its arguments are read as the signature in Python says, counted to the run. The
//! mounts work, outside of the run's memory. What they came to, a plain value of Rust, is made a Python value, counted to
//! the run again.
//!
//! The interpreter joins the paths of file calls to the working directory before a host sees them, and those of function
//! calls it does not, since it cannot know that they are paths. [`directory`] asks the paused run for it.
//!
//! ```text
//! modules/arguments   arguments as a signature in Python reads them
//! modules/directory   the working directory of a paused run
//! modules/outcome     what a function came to, as a Python value or exception
//! modules/work        the mounts as a function sees them: places, time, what may be looked at
//! modules/shutil      copy, copytree, move, rmtree, disk_usage
//! modules/glob        glob, iglob, escape, has_magic
//! ```

mod arguments;
mod directory;
mod glob;
mod outcome;
mod shutil;
mod work;

use ::monty_types::{CallArgs, ExcType, ExtFunctionResult, MontyObject, MontyUuid};

use ::serde::Serialize;

use crate::table::Namespace;

use super::answer::{Fault, Outcome};
use super::exception::raised;
use super::meter::Meter;
use super::terms::Terms;

use directory::working_directory;
use outcome::{Done, Failure, object, settled};
use work::Work;

/// A module as an import gets it.
struct Module {
    name: &'static str,
    /// Its identity: the same module whoever imports it.
    id: [u8; 16],
    functions: &'static [&'static str],
}

const MODULES: [Module; 2] = [
    Module {
        name: "shutil",
        id: *b"mounts\0\x80\x80\0shutil",
        functions: shutil::FUNCTIONS,
    },
    Module {
        name: "glob",
        id: *b"mounts\0\x80\x80\0glob\0\0",
        functions: glob::FUNCTIONS,
    },
];

/// Answers `import` of the module `name`, when something is mounted that it could work on.
pub(super) fn import(namespace: &Namespace, name: &str) -> Outcome {
    let module = MODULES.iter().find(|module| module.name == name);
    let Some(module) = module.filter(|_| namespace.mount_count() > 0) else {
        return Err(Fault::NotCovered);
    };
    let function = |function: &&str| {
        let value = MontyObject::function(format!("{name}.{function}"), None);
        (MontyObject::string((*function).to_owned()), value)
    };
    let attributes = module.functions.iter().map(function);
    Ok(MontyObject::module(
        name,
        MontyUuid::from_bytes(module.id),
        attributes,
    ))
}

/// A call of a function of one of these modules, by a run that waits for its answer.
#[derive(Debug)]
pub struct ModuleCall<'a> {
    function: &'a str,
    args: &'a CallArgs,
    cwd: Option<String>,
}

impl<'a> ModuleCall<'a> {
    /// The call of `function`, made without a receiver, if it is a function of these modules. `paused` is the call as the
    /// interpreter has it, with the state of the run.
    #[must_use]
    pub fn of(function: &'a str, args: &'a CallArgs, paused: &impl Serialize) -> Option<Self> {
        is_provided(function).then(|| Self {
            function,
            args,
            cwd: working_directory(paused),
        })
    }
}

fn is_provided(function: &str) -> bool {
    shutil::ignored_patterns(function).is_some()
        || function.split_once('.').is_some_and(|(module, function)| {
            let module = MODULES.iter().find(|known| known.name == module);
            module.is_some_and(|module| module.functions.contains(&function))
        })
}

/// Answers a function call of one of these modules; `NotCovered` where it names a path that no mount covers.
pub(super) fn answer<M: Meter>(
    namespace: &Namespace,
    call: &ModuleCall<'_>,
    terms: &mut Terms<'_, M>,
) -> Outcome {
    let Some(cwd) = &call.cwd else {
        return Err(Fault::Raise(raised(
            ExcType::RuntimeError,
            "the working directory of the script is not known",
        )));
    };
    let (clock, tracker) = (terms.clock, terms.tracker);
    let function = call.function;
    let mut job = |work: &mut dyn FnMut(&mut Work<'_>) -> Result<Done, Failure>| {
        let mut mounts = Work::new(namespace, cwd, clock, tracker);
        terms.meter.outside(|| work(&mut mounts))
    };
    let done = match function.split_once('.') {
        Some(("glob", name)) => glob::call(name, call.args, &mut job)?,
        Some((_, name)) => shutil::call(name, call.args, &mut job)?,
        None => return Err(Fault::NotCovered),
    };
    let answer = match &done {
        Ok(done) => terms
            .admit(done.bytes())
            .map_err(Fault::from)
            .and_then(|()| object(done)),
        Err(failure) => Err(settled(failure)),
    };
    terms.discard(done);
    answer
}

/// Lets the mounts work on a call, outside of the run's memory.
type Job<'j> =
    &'j mut dyn FnMut(&mut dyn FnMut(&mut Work<'_>) -> Result<Done, Failure>) -> Result<Done, Failure>;

/// What a function of the modules [`drive`](super::drive) answers comes to that no mount covers and nobody else
/// handles: a search finds nothing, the rest is `PermissionError`, as for a file call. `None` for any other function.
#[must_use]
pub fn unhandled_function(function: &str, args: &CallArgs) -> Option<ExtFunctionResult> {
    is_provided(function).then(|| {
        if function.starts_with("glob.") {
            return MontyObject::list([]).into();
        }
        let shown: Vec<String> = args.args().map(|argument| argument.py_repr()).collect();
        raised(
            ExcType::PermissionError,
            format!("no mount covers what {function}({}) names", shown.join(", ")),
        )
        .into()
    })
}

#[cfg(test)]
mod tests;
