//! What a turn came to, as Elixir sees it.

use monty_types::{
    CallArgs, MontyException, MontyObject, MontyUuid,
    unstable::{self, MontyGraph},
};
use rustler::{Encoder, Env, ResourceArc, Term};

use super::{os_call, snapshot::Snapshot};
use crate::{
    atoms,
    engine::{
        meter::Metered,
        run::{Host, Pause, Stop},
        suspended::Question,
        turn::Outcome,
    },
    error::{Failure, Panic, structure},
    value::{self, Bounds},
};

/// Nodes of a value, and bytes of one and of output, up to which a term is built on a normal scheduler. A node takes
/// about a tenth of a microsecond there, and a scheduler should be back within a hundred.
const SMALL_NODES: usize = 500;
const SMALL_BYTES: usize = 256 << 10;

/// Frames of a traceback that are built on a normal scheduler.
const SMALL_TRACEBACK: usize = 100;

/// How a run that has ended well is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `{:ok, {:complete, value, output}}`
    Progress,
    /// `{:ok, value, output}`
    Result,
}

impl Shape {
    /// A run without a host is one call, one with a host goes step by step.
    pub(super) fn of(host: &Host) -> Self {
        match host {
            Host::Nobody => Self::Result,
            Host::Elixir | Host::Mounts { .. } => Self::Progress,
        }
    }
}

/// What a turn came to.
pub(crate) enum Turned {
    /// A run that has paused. What Elixir holds of it is made where the term is, which on a scheduler is cheaper.
    Paused(Box<Metered<Pause>>, Bounds),
    /// A run that paused before, told once more.
    Told(ResourceArc<Snapshot>),
    Complete {
        value: MontyObject,
        output: String,
        shape: Shape,
        bounds: Bounds,
    },
    Raised {
        exception: MontyException,
        output: String,
    },
    Failed(Failure),
}

impl Turned {
    pub(crate) fn new(stop: Stop, shape: Shape, bounds: Bounds) -> Self {
        match stop {
            Stop::Paused(pause) => Self::Paused(pause, bounds),
            Stop::Complete { value, output } => Self::Complete {
                value,
                output,
                shape,
                bounds,
            },
            Stop::Raised { exception, output } => Self::Raised { exception, output },
            Stop::Overloaded => Self::Failed(Failure::new(
                atoms::overloaded(),
                "all runs together hold far more than they may, and this one was growing",
            )),
        }
    }
}

impl From<Failure> for Turned {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Outcome for Turned {
    fn failed(failure: Failure) -> Self {
        Self::Failed(failure)
    }

    fn panicked(panic: Panic) -> Self {
        Self::Failed(panic.into())
    }

    fn raised(exception: MontyException, output: String) -> Self {
        Self::Raised { exception, output }
    }

    fn is_large(&self) -> bool {
        match self {
            Self::Paused(pause, _) => asks_much(pause.get()),
            Self::Told(snapshot) => snapshot.look().is_some_and(|pause| asks_much(&pause)),
            Self::Complete { value, output, .. } => {
                output.len() > SMALL_BYTES || large(unstable::graph_parts(value).0)
            }
            Self::Raised { exception, output } => {
                output.len() > SMALL_BYTES || exception.traceback().len() > SMALL_TRACEBACK
            }
            Self::Failed(_) => false,
        }
    }

    fn into_term(self, env: Env<'_>) -> Term<'_> {
        match self {
            Self::Paused(pause, bounds) => tell(env, &Snapshot::new(pause, bounds)),
            Self::Told(snapshot) => tell(env, &snapshot),
            Self::Complete {
                value,
                output,
                shape,
                bounds,
            } => complete(env, &value, &output, shape, &bounds),
            Self::Raised { exception, output } => {
                (atoms::error(), value::encode_exception(env, &exception, &output)).encode(env)
            }
            Self::Failed(failure) => failure.encode(env),
        }
    }
}

/// Whether there is much to tell of a pause.
fn asks_much(pause: &Pause) -> bool {
    let question = match pause.at.question() {
        Some(Question::Function { args, .. }) => large(unstable::call_args_parts(args).0),
        Some(Question::Os { call, .. }) => os_call::payload(call) > SMALL_BYTES,
        _ => false,
    };
    question || pause.run.output.text().len() > SMALL_BYTES
}

fn large(graph: &MontyGraph) -> bool {
    graph.len() > SMALL_NODES || graph.decoded_size() > SMALL_BYTES
}

fn complete<'a>(env: Env<'a>, value: &MontyObject, output: &str, shape: Shape, bounds: &Bounds) -> Term<'a> {
    match value::encode(env, value, bounds) {
        Ok(value) if shape == Shape::Result => (atoms::ok(), value, output).encode(env),
        Ok(value) => (atoms::ok(), (atoms::complete(), value, output)).encode(env),
        Err(error) => Failure::from(error).encode(env),
    }
}

/// `{:ok, progress}` of a paused run.
fn tell<'a>(env: Env<'a>, snapshot: &ResourceArc<Snapshot>) -> Term<'a> {
    let Some(pause) = snapshot.look() else {
        return Failure::consumed().encode(env);
    };
    match progress(env, snapshot.encode(env), &pause) {
        Ok(progress) => (atoms::ok(), progress).encode(env),
        Err(failure) => failure.encode(env),
    }
}

fn progress<'a>(env: Env<'a>, snapshot: Term<'a>, pause: &Pause) -> Result<Term<'a>, Failure> {
    let bounds = pause.run.ledger.limits.bounds();
    let output = pause.run.output.text();
    // What has ended is in no snapshot.
    let question = pause.at.question().ok_or_else(Failure::consumed)?;
    Ok(match question {
        Question::Function {
            name,
            args,
            call_id,
            object,
        } => {
            let (mut args, kwargs) = value::encode_call_args(env, args, &bounds)?;
            let kind = match object {
                None => atoms::function_call(),
                Some(id) => {
                    args = args.list_prepend(instance(env, pause, id, &bounds)?);
                    atoms::method_call()
                }
            };
            let fields = [
                (atoms::name(), name.encode(env)),
                (atoms::args(), args),
                (atoms::kwargs(), kwargs),
                (atoms::call_id(), call_id.encode(env)),
            ];
            let call = structure(env, atoms::function_call_struct(), &fields);
            (kind, call, snapshot, output).encode(env)
        }
        Question::Os { call, call_id } => {
            // The call is copied, since its arguments are made by taking it apart; the copy is freed here as well.
            let arguments: CallArgs = call.clone().to_args();
            let (args, kwargs) = value::encode_call_args(env, &arguments, &bounds)?;
            let fields = [
                (atoms::function(), os_call::name(call).encode(env)),
                (atoms::args(), args),
                (atoms::kwargs(), kwargs),
                (atoms::call_id(), call_id.encode(env)),
            ];
            let call = structure(env, atoms::os_call_struct(), &fields);
            (atoms::os_call(), call, snapshot, output).encode(env)
        }
        Question::Name { name, object: None } => (atoms::name_lookup(), name, snapshot, output).encode(env),
        Question::Name {
            name,
            object: Some(id),
        } => {
            let attribute = (atoms::attribute(), instance(env, pause, id, &bounds)?, name);
            (atoms::name_lookup(), attribute, snapshot, output).encode(env)
        }
        Question::Futures(_) => (atoms::resolve_futures(), snapshot, output).encode(env),
    })
}

/// The host's object with an identity that the interpreter tells.
fn instance<'a>(env: Env<'a>, pause: &Pause, id: MontyUuid, bounds: &Bounds) -> Result<Term<'a>, Failure> {
    let object = pause.run.instances.get(id);
    let object = object.unwrap_or_else(|| MontyObject::repr(format!("<object {id} of the host>")));
    Ok(value::encode(env, &object, bounds)?)
}
