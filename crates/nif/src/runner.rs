//! Compiled programs.
//!
//! Compiling is a turn like any other: the parser and the compiler recurse with the nesting and the length of the
//! source, and build some hundred bytes for each of its bytes.

use std::{sync::Arc, time::Duration};

use monty::{DUMP_VERSION, MontyRun};
use monty_types::{CompileOptions, ExcType, MontyException, OsPolicy};
use parking_lot::Mutex;
use rustler::{Binary, Encoder, Env, NifResult, Reference, Resource, ResourceArc, Term};
use serde::{Deserialize, Serialize};

use crate::{
    atoms,
    dump::record::{self, Malformed},
    engine::{
        Engine,
        admission::Admission,
        compiling,
        dynamic_code::DynamicCode,
        meter::{Meter, Metered},
        parcel::{Names, Parcel},
        tether::Tether,
        turn::{self, Outcome, Request},
    },
    error::{Failure, Panic, argument_error},
    value::encode_exception,
};

/// How long compiling may take. The parser has no limits to look at, so what takes longer is abandoned.
const COMPILE_TIME: Duration = Duration::from_secs(10);

/// A compiled program, shared by its runner and by the runs that came from it.
#[derive(Debug)]
pub(crate) struct Program {
    /// Behind a lock because the interpreter's programs are not `Sync`; it is held while one is copied.
    compiled: Mutex<Metered<MontyRun>>,
    options: Options,
}

/// How a source is compiled.
#[derive(Debug, Serialize, Deserialize)]
struct Options {
    script_name: String,
    inputs: Vec<String>,
    dynamic_code: DynamicCode,
}

impl Options {
    fn compile(&self, code: String, max_memory: Option<usize>) -> Result<MontyRun, MontyException> {
        compiling::check(&code, max_memory)?;
        let inputs = self.inputs.clone();
        let run = MontyRun::new(code, &self.script_name, inputs, CompileOptions::default())?;
        self.dynamic_code.check(run.code(), &self.script_name)?;
        Ok(run)
    }
}

/// Why there is no program.
pub(crate) enum Rejection {
    NotText,
    Raised(MontyException),
    Malformed(Malformed),
}

impl From<MontyException> for Rejection {
    fn from(exception: MontyException) -> Self {
        Self::Raised(exception)
    }
}

impl From<Malformed> for Rejection {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

impl Program {
    /// Compiles the source in `code`, metered from the copy of its text on.
    fn compile(code: Parcel, options: Options, max_memory: Option<usize>) -> Result<Self, Rejection> {
        let compiled = Metered::build(Meter::new(None), || {
            let code = code.open(|code| {
                let bytes = code.decode::<Binary<'_>>().ok()?;
                std::str::from_utf8(bytes.as_slice()).ok().map(str::to_owned)
            });
            Ok::<_, Rejection>(options.compile(code.ok_or(Rejection::NotText)?, max_memory)?)
        })?;
        Ok(Self {
            compiled: Mutex::new(compiled),
            options,
        })
    }

    /// The program as bytes: its source, and what was compiled from it.
    pub(crate) fn dump(&self) -> Result<Vec<u8>, Malformed> {
        let compiled = self.compiled.lock();
        let run = compiled.get();
        let mut body = record::write(&(DUMP_VERSION, run.code(), &self.options))?;
        record::append(&mut body, run)?;
        Ok(body)
    }

    /// The program of a dump. What another version of the interpreter has compiled is compiled anew.
    pub(crate) fn load(body: &[u8]) -> Result<Self, Rejection> {
        let mut options = None;
        let compiled = Metered::build(Meter::new(None), || {
            let ((version, code, read), rest): ((u16, String, Options), _) = record::read(body)?;
            let run = if version == DUMP_VERSION {
                record::read_last(rest)?
            } else {
                read.compile(code, None)?
            };
            options = Some(read);
            Ok::<_, Rejection>(run)
        })?;
        Ok(Self {
            compiled: Mutex::new(compiled),
            options: options.ok_or_else(|| Malformed::new("no options"))?,
        })
    }

    /// The names of the inputs, in the order in which a run takes their values.
    pub(crate) fn inputs(&self) -> &[String] {
        &self.options.inputs
    }

    /// The program for one run.
    pub(crate) fn instantiate(&self, cwd: &str, policy: OsPolicy) -> MontyRun {
        let mut run = self.compiled.lock().get().clone().with_os_policy(policy);
        run.set_cwd(cwd);
        run
    }
}

/// What Elixir holds of a program.
pub(crate) struct Runner(Arc<Program>);

#[rustler::resource_impl]
impl Resource for Runner {}

impl Runner {
    pub(crate) fn program(&self) -> Arc<Program> {
        Arc::clone(&self.0)
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // This clone outlives the runner, so that the program is freed where the reaper is.
        Engine::get().reaper.free(Box::new(self.program()));
    }
}

/// The runner that a term refers to.
pub(crate) fn decode(term: Term<'_>) -> NifResult<ResourceArc<Runner>> {
    term.decode()
        .map_err(|_| argument_error("expected a runner, as ExMonty.compile/2 returns it"))
}

/// What compiling comes to.
pub(crate) enum Compiled {
    Runner(ResourceArc<Runner>),
    Raised(MontyException),
    Failed(Failure),
}

impl From<Result<Program, Rejection>> for Compiled {
    fn from(compiled: Result<Program, Rejection>) -> Self {
        match compiled {
            Ok(program) => Self::Runner(ResourceArc::new(Runner(Arc::new(program)))),
            Err(Rejection::NotText) => Self::Failed(Failure::invalid_source()),
            Err(Rejection::Raised(exception)) => Self::Raised(exception),
            Err(Rejection::Malformed(malformed)) => Self::Failed(malformed.into()),
        }
    }
}

impl Outcome for Compiled {
    fn failed(failure: Failure) -> Self {
        Self::Failed(failure)
    }

    fn panicked(panic: Panic) -> Self {
        Self::Failed(panic.into())
    }

    fn raised(exception: MontyException, _output: String) -> Self {
        Self::Raised(exception)
    }

    fn is_large(&self) -> bool {
        // A syntax error has one frame, with one line of a source whose size is capped.
        false
    }

    fn into_term(self, env: Env<'_>) -> Term<'_> {
        match self {
            Self::Runner(runner) => (atoms::ok(), runner).encode(env),
            Self::Raised(exception) => (atoms::error(), encode_exception(env, &exception, "")).encode(env),
            Self::Failed(failure) => failure.encode(env),
        }
    }
}

/// Compiles `code`, in so many bytes of memory. On a normal scheduler: the work is a worker's, see [`turn`].
#[rustler::nif]
fn compile<'a>(
    env: Env<'a>,
    reference: Reference<'a>,
    code: Binary<'a>,
    script_name: String,
    Names(inputs): Names,
    dynamic_code: DynamicCode,
    max_memory: Option<usize>,
) -> Term<'a> {
    let code = Parcel::pack(code);
    let options = Options {
        script_name,
        inputs,
        dynamic_code,
    };
    let work = move |turn: &Arc<Tether>| {
        turn.arm(COMPILE_TIME, COMPILE_TIME);
        let compiled = Program::compile(code, options, max_memory);
        if matches!(&compiled, Err(Rejection::Raised(exception)) if exception.exc_type() == ExcType::MemoryError)
        {
            Engine::get().count_breach();
        }
        Compiled::from(compiled)
    };
    turn::submit(env, reference, Request::new(Admission::Begin, work))
}

/// The names of a runner's inputs, in order. On a normal scheduler: it copies a few names.
#[rustler::nif]
fn input_names<'a>(env: Env<'a>, runner: Term<'a>) -> NifResult<Term<'a>> {
    Ok(decode(runner)?.program().inputs().encode(env))
}
