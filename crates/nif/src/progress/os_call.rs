//! Calls of the operating system: their names in Elixir, and what each is answered with.

use monty_types::{
    MontyObject, OsFunctionCall,
    unstable::{self, MontyNode},
};
use rustler::Atom;

use crate::atoms;

/// The call's name in `ExMonty.OsCall`.
pub(super) fn name(call: &OsFunctionCall) -> Atom {
    match call {
        OsFunctionCall::Exists(_) => atoms::exists(),
        OsFunctionCall::IsFile(_) => atoms::is_file(),
        OsFunctionCall::IsDir(_) => atoms::is_dir(),
        OsFunctionCall::IsSymlink(_) => atoms::is_symlink(),
        OsFunctionCall::ReadText(_) => atoms::read_text(),
        OsFunctionCall::ReadBytes(_) => atoms::read_bytes(),
        OsFunctionCall::Stat(_) => atoms::stat(),
        OsFunctionCall::Iterdir(_) => atoms::iterdir(),
        OsFunctionCall::Scan(_) => atoms::scan(),
        OsFunctionCall::Resolve(_) => atoms::resolve(),
        OsFunctionCall::Absolute(_) => atoms::absolute(),
        OsFunctionCall::WriteText(_) => atoms::write_text(),
        OsFunctionCall::AppendText(_) => atoms::append_text(),
        OsFunctionCall::WriteBytes(_) => atoms::write_bytes(),
        OsFunctionCall::AppendBytes(_) => atoms::append_bytes(),
        OsFunctionCall::Open(_) => atoms::open(),
        OsFunctionCall::Mkdir(_) => atoms::mkdir(),
        OsFunctionCall::Unlink(_) => atoms::unlink(),
        OsFunctionCall::Rmdir(_) => atoms::rmdir(),
        OsFunctionCall::Rename(_) => atoms::rename(),
        OsFunctionCall::Getenv(_) => atoms::getenv(),
        OsFunctionCall::GetEnviron => atoms::get_environ(),
        OsFunctionCall::DateToday => atoms::date_today(),
        OsFunctionCall::DateTimeNow(_) => atoms::datetime_now(),
        OsFunctionCall::Urandom(_) => atoms::urandom(),
        OsFunctionCall::Time(_) => atoms::time(),
        OsFunctionCall::Sleep(_) | OsFunctionCall::SystemSleep(_) => atoms::sleep(),
        OsFunctionCall::AsyncSleep(_) | OsFunctionCall::AsyncSystemSleep(_) => atoms::async_sleep(),
        // The interpreter asks for stubs before type checking only, which this library does not do.
        OsFunctionCall::Import(_) | OsFunctionCall::ImportStubs(_) => atoms::import_(),
    }
}

/// The bytes of the payload that a call carries out of the interpreter.
pub(super) fn payload(call: &OsFunctionCall) -> usize {
    match call {
        OsFunctionCall::WriteText(call) | OsFunctionCall::AppendText(call) => call.data.len(),
        OsFunctionCall::WriteBytes(call) | OsFunctionCall::AppendBytes(call) => call.data.len(),
        _ => 0,
    }
}

/// What a call is answered with, beside an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// Whatever it is, the interpreter makes nothing of it.
    Ignored,
    /// As `Ignored`, and it may come later.
    Awaitable,
    Boolean,
    Text,
    Bytes,
    Integer,
    Number,
    Path,
    Names,
    Stat,
    Scan,
    File,
    Date,
    DateTime,
    Environment,
    Module,
    Value,
}

impl Reply {
    pub(super) fn to(call: &OsFunctionCall) -> Self {
        match call {
            OsFunctionCall::Exists(_)
            | OsFunctionCall::IsFile(_)
            | OsFunctionCall::IsDir(_)
            | OsFunctionCall::IsSymlink(_) => Self::Boolean,
            OsFunctionCall::ReadText(_) => Self::Text,
            OsFunctionCall::ReadBytes(_) | OsFunctionCall::Urandom(_) => Self::Bytes,
            OsFunctionCall::Stat(_) => Self::Stat,
            OsFunctionCall::Iterdir(_) => Self::Names,
            OsFunctionCall::Scan(_) => Self::Scan,
            OsFunctionCall::Resolve(_) | OsFunctionCall::Absolute(_) => Self::Path,
            OsFunctionCall::WriteText(_)
            | OsFunctionCall::AppendText(_)
            | OsFunctionCall::WriteBytes(_)
            | OsFunctionCall::AppendBytes(_) => Self::Integer,
            OsFunctionCall::Open(_) => Self::File,
            OsFunctionCall::Mkdir(_)
            | OsFunctionCall::Unlink(_)
            | OsFunctionCall::Rmdir(_)
            | OsFunctionCall::Rename(_)
            | OsFunctionCall::Sleep(_)
            | OsFunctionCall::SystemSleep(_) => Self::Ignored,
            OsFunctionCall::AsyncSleep(_) | OsFunctionCall::AsyncSystemSleep(_) => Self::Awaitable,
            OsFunctionCall::GetEnviron => Self::Environment,
            OsFunctionCall::DateToday => Self::Date,
            OsFunctionCall::DateTimeNow(_) => Self::DateTime,
            OsFunctionCall::Time(_) => Self::Number,
            OsFunctionCall::Import(_) => Self::Module,
            OsFunctionCall::Getenv(_) | OsFunctionCall::ImportStubs(_) => Self::Value,
        }
    }

    /// Whether `value` is such a reply.
    pub(super) fn admits(self, value: &MontyObject) -> bool {
        let node = unstable::root_node(value);
        match self {
            Self::Ignored | Self::Awaitable | Self::Value => true,
            Self::Boolean => matches!(node, MontyNode::Bool(_)),
            Self::Text => matches!(node, MontyNode::String(_)),
            Self::Bytes => matches!(node, MontyNode::Bytes(_)),
            Self::Integer => matches!(node, MontyNode::Int(_)),
            Self::Number => matches!(node, MontyNode::Int(_) | MontyNode::Float(_)),
            Self::Path => matches!(node, MontyNode::Path(_)),
            Self::Names => items(value).is_some_and(|mut items| {
                items.all(|item| matches!(item, MontyNode::Path(_) | MontyNode::String(_)))
            }),
            Self::Stat => matches!(node, MontyNode::NamedTuple { .. }),
            Self::Scan => matches!(node, MontyNode::List(_) | MontyNode::Dict(_)),
            Self::File => matches!(node, MontyNode::FileHandle(_)),
            Self::Date => matches!(node, MontyNode::Date(_)),
            Self::DateTime => matches!(node, MontyNode::DateTime(_)),
            Self::Environment => matches!(node, MontyNode::Dict(_)),
            Self::Module => matches!(node, MontyNode::Module { .. } | MontyNode::ClassInstance { .. }),
        }
    }

    /// The reply in words, as an error says what was expected.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Ignored | Self::Awaitable | Self::Value => "any value",
            Self::Boolean => "a boolean",
            Self::Text => "a UTF-8 binary",
            Self::Bytes => "{:bytes, binary}",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::Path => "{:path, path}",
            Self::Names => "a list of {:path, path} or names",
            Self::Stat => "a %File.Stat{} or a stat result",
            Self::Scan => "a list of {path, dir?, file?, link?} or %{\"matches\" => paths}",
            Self::File => "{:file_handle, map}",
            Self::Date => "a %Date{}",
            Self::DateTime => "a %NaiveDateTime{} or %DateTime{}",
            Self::Environment => "a map",
            Self::Module => "{:module, name, attributes} or :not_found",
        }
    }
}

fn items(value: &MontyObject) -> Option<impl Iterator<Item = &MontyNode>> {
    let (graph, _) = unstable::graph_parts(value);
    match unstable::root_node(value) {
        MontyNode::List(items) => Some(items.iter().map(|item| graph.node(*item))),
        _ => None,
    }
}
