//! A run at a pause, or at its end: of a program, or of a session. Everything else in this library treats them alike. Each
//! step of the interpreter is taken here, under the [ceiling](super::meter::ceiling) of its turn.

use monty::{MontyRepl, MontyRun, OsCall, ReplOsCall, ReplProgress, ReplStartError, RunProgress};
use monty_types::{
    CallArgs, ExtFunctionResult, MontyException, MontyObject, MontyUuid, NameLookupResult, OsFunctionCall,
    PrintWriter, ResourceLimits, ResourceTracker,
};
use mounts::monty::{ModuleCall, Suspended};

use super::meter::ceiling::interpret;

/// A run of either kind.
#[expect(
    clippy::large_enum_variant,
    reason = "a run moves once per call, where a box costs an allocation; that of a session is larger still and has one"
)]
pub(crate) enum At {
    Program(RunProgress),
    Session(Box<ReplProgress>),
}

/// What a run ends with that is no value.
pub(crate) struct Ended {
    pub(crate) exception: MontyException,
    /// The session that it was an evaluation of.
    pub(crate) session: Option<Box<MontyRepl>>,
}

/// What a step of the interpreter comes to.
pub(crate) type Progress = Result<At, Ended>;

/// What a run waits for.
pub(crate) enum Question<'a> {
    Function {
        name: &'a str,
        args: &'a CallArgs,
        call_id: u32,
        /// The host's object whose method is called.
        object: Option<MontyUuid>,
    },
    Os {
        call: &'a OsFunctionCall,
        call_id: u32,
    },
    Name {
        name: &'a str,
        /// The host's object whose attribute is looked up.
        object: Option<MontyUuid>,
    },
    Futures(&'a [u32]),
}

impl From<MontyException> for Ended {
    fn from(exception: MontyException) -> Self {
        Self {
            exception,
            session: None,
        }
    }
}

impl From<Box<ReplStartError>> for Ended {
    fn from(error: Box<ReplStartError>) -> Self {
        let ReplStartError { repl, error } = *error;
        Self {
            exception: error,
            session: Some(Box::new(repl)),
        }
    }
}

/// A match over the variants of either kind of run.
macro_rules! ask {
    ($progress:expr, $kind:ident, $os:ident) => {
        match $progress {
            $kind::FunctionCall(call) => Question::Function {
                name: &call.function_name,
                args: &call.args,
                call_id: call.call_id,
                object: call.object_id,
            },
            $kind::OsCall($os {
                function_call,
                call_id,
                ..
            }) => Question::Os {
                call: function_call,
                call_id: *call_id,
            },
            $kind::NameLookup(lookup) => Question::Name {
                name: &lookup.name,
                object: lookup.object_id(),
            },
            $kind::ResolveFutures(futures) => Question::Futures(futures.pending_call_ids()),
            $kind::Complete { .. } => return None,
        }
    };
}

impl At {
    /// Starts the run of a program.
    pub(crate) fn start_program(
        program: MontyRun,
        inputs: Vec<MontyObject>,
        tracker: ResourceTracker,
        print: PrintWriter<'_>,
    ) -> Progress {
        interpret(|| Ok(Self::Program(program.start(inputs, tracker, print)?)))
    }

    /// Starts an evaluation of a session.
    pub(crate) fn start_evaluation(
        repl: Box<MontyRepl>,
        code: &str,
        inputs: Vec<(String, MontyObject)>,
        print: PrintWriter<'_>,
    ) -> Progress {
        interpret(|| Ok(Self::Session(Box::new(repl.feed_start(code, inputs, print)?))))
    }

    /// What the run waits for; nothing when it has ended.
    pub(crate) fn question(&self) -> Option<Question<'_>> {
        Some(match self {
            Self::Program(progress) => ask!(progress, RunProgress, OsCall),
            Self::Session(progress) => ask!(&**progress, ReplProgress, ReplOsCall),
        })
    }

    /// The value of a run that has ended, and the session that it was an evaluation of.
    #[expect(
        clippy::result_large_err,
        reason = "a run that goes on moves as often in any other shape"
    )]
    pub(crate) fn into_value(self) -> Result<(MontyObject, Option<Box<MontyRepl>>), Self> {
        match self {
            Self::Program(RunProgress::Complete(value)) => Ok((value, None)),
            Self::Session(progress) => match *progress {
                ReplProgress::Complete { repl, value } => Ok((value, Some(Box::new(repl)))),
                waiting => Err(Self::Session(Box::new(waiting))),
            },
            waiting @ Self::Program(_) => Err(waiting),
        }
    }

    /// The session of an evaluation that is given up.
    pub(crate) fn into_session(self) -> Option<Box<MontyRepl>> {
        match self {
            Self::Program(_) => None,
            Self::Session(progress) => Some(Box::new(progress.into_repl())),
        }
    }

    /// Lowers the limits of an evaluation that the interpreter keeps; those of a program's run cannot be reached.
    pub(crate) fn tighten(&mut self, ceiling: &ResourceLimits) {
        if let Self::Session(progress) = self {
            progress.tracker_mut().tighten_limits(ceiling);
        }
    }

    /// Goes on from the lookup of a name; a run that waits for anything else stays as it is.
    pub(crate) fn answer_name(self, result: NameLookupResult, print: PrintWriter<'_>) -> Progress {
        interpret(|| {
            Ok(match self {
                Self::Program(RunProgress::NameLookup(lookup)) => {
                    Self::Program(lookup.resume(result, print)?)
                }
                Self::Program(other) => Self::Program(other),
                Self::Session(progress) => Self::Session(Box::new(match *progress {
                    ReplProgress::NameLookup(lookup) => lookup.resume(result, print)?,
                    other => other,
                })),
            })
        })
    }

    /// Goes on from futures, with the results of some; a run that waits for anything else stays as it is.
    pub(crate) fn answer_futures(
        self,
        results: Vec<(u32, ExtFunctionResult)>,
        print: PrintWriter<'_>,
    ) -> Progress {
        interpret(|| {
            Ok(match self {
                Self::Program(RunProgress::ResolveFutures(futures)) => {
                    Self::Program(futures.resume(results, print)?)
                }
                Self::Program(other) => Self::Program(other),
                Self::Session(progress) => Self::Session(Box::new(match *progress {
                    ReplProgress::ResolveFutures(futures) => futures.resume(results, print)?,
                    other => other,
                })),
            })
        })
    }
}

impl Suspended for At {
    type Failure = Ended;

    fn take_call(&mut self) -> Option<OsFunctionCall> {
        match self {
            Self::Program(progress) => progress.take_call(),
            Self::Session(progress) => progress.as_mut().take_call(),
        }
    }

    fn module_call(&self) -> Option<ModuleCall<'_>> {
        match self {
            Self::Program(progress) => progress.module_call(),
            Self::Session(progress) => progress.as_ref().module_call(),
        }
    }

    fn put_back(&mut self, call: OsFunctionCall) {
        match self {
            Self::Program(progress) => progress.put_back(call),
            Self::Session(progress) => progress.put_back(call),
        }
    }

    fn tracker(&self) -> Option<&ResourceTracker> {
        match self {
            Self::Program(progress) => Suspended::tracker(progress),
            Self::Session(progress) => Suspended::tracker(progress.as_ref()),
        }
    }

    fn answer(self, result: ExtFunctionResult, print: PrintWriter<'_>) -> Progress {
        interpret(|| {
            Ok(match self {
                Self::Program(progress) => Self::Program(progress.answer(result, print)?),
                Self::Session(progress) => Self::Session(Box::new((*progress).answer(result, print)?)),
            })
        })
    }

    fn abort(self, exception: MontyException, print: PrintWriter<'_>) -> Progress {
        interpret(|| {
            Ok(match self {
                Self::Program(progress) => Self::Program(progress.abort(exception, print)?),
                Self::Session(progress) => Self::Session(Box::new((*progress).abort(exception, print)?)),
            })
        })
    }
}
