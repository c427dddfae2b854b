//! What a paused run is answered with.

use std::collections::HashSet;

use monty_types::{ExtFunctionResult, MontyException, MontyObject, NameLookupResult, OsFunctionCall};
use mounts::monty::Suspended;
use rustler::{Term, types::tuple::get_tuple};

use super::{file_stat, os_call::Reply};
use crate::{
    atoms,
    engine::{
        no_handler, parcel,
        run::Run,
        suspended::{At, Progress, Question},
    },
    error::Failure,
    value::{self, Bounds, Place},
};

/// The kind of answer that a run waits for.
#[derive(Debug, Clone)]
pub(super) enum Expected {
    Function {
        call_id: u32,
    },
    Os {
        reply: Reply,
        call_id: u32,
        import: Option<String>,
    },
    Name,
    Futures {
        pending: Vec<u32>,
    },
}

/// An answer that has been read and fits.
#[derive(Debug)]
pub(super) enum Answer {
    Call(ExtFunctionResult),
    NoHandler,
    Name(NameLookupResult),
    Futures(Vec<(u32, ExtFunctionResult)>),
}

impl Expected {
    pub(super) fn of(question: &Question<'_>) -> Self {
        match question {
            Question::Function { call_id, .. } => Self::Function { call_id: *call_id },
            Question::Os { call, call_id } => Self::Os {
                reply: Reply::to(call),
                call_id: *call_id,
                import: match call {
                    OsFunctionCall::Import(name) => Some(name.clone()),
                    _ => None,
                },
            },
            Question::Futures(pending) => Self::Futures {
                pending: pending.to_vec(),
            },
            Question::Name { .. } => Self::Name,
        }
    }

    fn shapes(&self) -> &'static str {
        match self {
            Self::Function { .. } => "{:ok, value}, {:error, type, message} or :pending",
            Self::Os {
                reply: Reply::Awaitable,
                ..
            } => "{:ok, value}, {:error, type, message}, :pending or :no_handler",
            Self::Os { .. } => "{:ok, value}, {:error, type, message} or :no_handler",
            Self::Name => "{:ok, value}, :undefined or {:error, type, message}",
            Self::Futures { .. } => {
                "a list of {call_id, {:ok, value}} and {call_id, {:error, type, message}}"
            }
        }
    }
}

impl Answer {
    /// Reads an answer. Nothing of the run is touched before this has succeeded.
    pub(super) fn decode(term: Term<'_>, expected: &Expected, bounds: &Bounds) -> Result<Self, Failure> {
        let unfit = || Failure::invalid_result(format!("expected {} as the result", expected.shapes()));
        let place = Place::new("result");
        match expected {
            Expected::Function { call_id } => match Given::read(term, &place)? {
                Given::Ok(value) => Ok(Self::Call(value::decode(value, &place, bounds)?.into())),
                Given::Raise(exception) => Ok(Self::Call(exception.into())),
                Given::Atom if atoms::pending() == term => {
                    Ok(Self::Call(ExtFunctionResult::Future(*call_id)))
                }
                Given::Atom | Given::Other => Err(unfit()),
            },
            Expected::Os {
                reply,
                call_id,
                import,
            } => match Given::read(term, &place)? {
                Given::Ok(value) => match import {
                    Some(name) if atoms::not_found() == value => {
                        Ok(Self::Call(ExtFunctionResult::NotFound(name.clone())))
                    }
                    _ => Ok(Self::Call(decode_reply(value, *reply, &place, bounds)?.into())),
                },
                Given::Raise(exception) => Ok(Self::Call(exception.into())),
                Given::Atom if atoms::no_handler() == term => Ok(Self::NoHandler),
                Given::Atom if atoms::pending() == term && *reply == Reply::Awaitable => {
                    Ok(Self::Call(ExtFunctionResult::Future(*call_id)))
                }
                Given::Atom | Given::Other => Err(unfit()),
            },
            Expected::Name => match Given::read(term, &place)? {
                Given::Ok(value) => Ok(Self::Name(value::decode(value, &place, bounds)?.into())),
                Given::Raise(exception) => Ok(Self::Name(exception.into())),
                Given::Atom if atoms::undefined() == term => Ok(Self::Name(NameLookupResult::Undefined)),
                Given::Atom | Given::Other => Err(unfit()),
            },
            Expected::Futures { pending } => decode_futures(term, pending, bounds)
                .and_then(|results| results.ok_or_else(unfit))
                .map(Self::Futures),
        }
    }

    /// Sets the run going with this answer, which was read for this very pause and fits it.
    pub(super) fn give(self, at: At, run: &mut Run) -> Progress {
        self.learn(run);
        match self {
            Self::Call(result) => at.answer(result, run.print()),
            Self::NoHandler => match at.question() {
                Some(Question::Os { call, .. }) => {
                    let result = no_handler::answer(call, &run.zone);
                    at.answer(result, run.print())
                }
                _ => Ok(at),
            },
            Self::Name(result) => at.answer_name(result, run.print()),
            Self::Futures(results) => at.answer_futures(results, run.print()),
        }
    }

    fn learn(&self, run: &mut Run) {
        let mut learn = |result: &ExtFunctionResult| {
            if let ExtFunctionResult::Return(value) = result {
                run.instances.learn(value);
            }
        };
        match self {
            Self::Call(result) => learn(result),
            Self::Futures(results) => results.iter().for_each(|(_, result)| learn(result)),
            Self::Name(NameLookupResult::Value(value)) => run.instances.learn(value),
            Self::Name(_) | Self::NoHandler => {}
        }
    }
}

/// The shapes that all answers share.
enum Given<'a> {
    Ok(Term<'a>),
    Raise(MontyException),
    Atom,
    Other,
}

impl<'a> Given<'a> {
    fn read(term: Term<'a>, place: &Place) -> Result<Self, Failure> {
        if term.is_atom() {
            return Ok(Self::Atom);
        }
        Ok(match get_tuple(term).as_deref() {
            Ok([tag, value]) if atoms::ok() == *tag => Self::Ok(*value),
            Ok([tag, exc_type, message]) if atoms::error() == *tag => {
                let known = value::exc_type_from_atom(*exc_type).ok_or_else(|| {
                    Failure::invalid_result(format!("{place}: no Python exception has that type"))
                })?;
                let message = message.decode::<String>().map_err(|_| {
                    Failure::invalid_result(format!("{place}: the message must be a UTF-8 binary"))
                })?;
                Self::Raise(MontyException::new(known, Some(message)))
            }
            _ => Self::Other,
        })
    }
}

fn decode_reply(
    term: Term<'_>,
    reply: Reply,
    place: &Place,
    bounds: &Bounds,
) -> Result<MontyObject, Failure> {
    let unfit = || {
        Failure::invalid_result(format!(
            "expected {} as the value of the result",
            reply.expected()
        ))
    };
    if matches!(reply, Reply::Ignored | Reply::Awaitable) {
        return Ok(MontyObject::none());
    }
    if reply == Reply::Stat && file_stat::is_file_stat(term) {
        return file_stat::decode(term).ok_or_else(unfit);
    }
    let value = value::decode(term, place, bounds)?;
    if reply.admits(&value) {
        Ok(value)
    } else {
        Err(unfit())
    }
}

/// The results of futures, each of which is pending and named once; nothing where the term is no list of results.
fn decode_futures(
    term: Term<'_>,
    pending: &[u32],
    bounds: &Bounds,
) -> Result<Option<Vec<(u32, ExtFunctionResult)>>, Failure> {
    let Ok(items) = parcel::items(term) else {
        return Ok(None);
    };
    let mut named = HashSet::new();
    let mut results = Vec::with_capacity(items.len().min(pending.len()));
    for item in items {
        let Ok((call_id, result)) = item.decode::<(u32, Term<'_>)>() else {
            return Ok(None);
        };
        if !pending.contains(&call_id) {
            return Err(Failure::invalid_result(format!(
                "call {call_id} is not pending; pending are {pending:?}"
            )));
        }
        if !named.insert(call_id) {
            return Err(Failure::invalid_result(format!(
                "call {call_id} is answered twice"
            )));
        }
        let place = Place::new(format!("result of call {call_id}"));
        let result = match Given::read(result, &place)? {
            Given::Ok(value) => value::decode(value, &place, bounds)?.into(),
            Given::Raise(exception) => exception.into(),
            Given::Atom | Given::Other => return Ok(None),
        };
        results.push((call_id, result));
    }
    Ok(Some(results))
}
