//! Exceptions: their types as atoms, raised ones as the struct that the caller gets, and instances as values.

use std::{collections::HashMap, sync::Arc};

use monty_types::{CodeLoc, ExcType, MontyException, StackFrame, unstable::MontyNode};
use rustler::{Atom, Encoder, Env, Term, types::atom};

use super::{Refusal, text};
use crate::{atoms, error::structure};

/// Bytes of source lines and caret markers that one traceback carries. A script's lines may be as long as its source,
/// and a thousand frames may each show another part of one.
const PREVIEW_BYTES: usize = 1 << 20;

/// Both directions from one list, which the compiler holds against the interpreter's: a type added there does not build
/// until it has an atom here.
macro_rules! exception_types {
    ($($exc_type:ident => $name:ident,)*) => {
        fn type_atom(exc_type: ExcType) -> Atom {
            match exc_type {
                $(ExcType::$exc_type => atoms::$name(),)*
            }
        }

        /// The exception type that an atom such as `:value_error` names, or nothing.
        pub(crate) fn exc_type_from_atom(term: Term<'_>) -> Option<ExcType> {
            $(if atoms::$name() == term {
                return Some(ExcType::$exc_type);
            })*
            None
        }
    };
}

exception_types! {
    Exception => exception,
    BaseException => base_exception,
    SystemExit => system_exit,
    KeyboardInterrupt => keyboard_interrupt,
    ArithmeticError => arithmetic_error,
    OverflowError => overflow_error,
    ZeroDivisionError => zero_division_error,
    LookupError => lookup_error,
    IndexError => index_error,
    KeyError => key_error,
    RuntimeError => runtime_error,
    NotImplementedError => not_implemented_error,
    RecursionError => recursion_error,
    AttributeError => attribute_error,
    FrozenInstanceError => frozen_instance_error,
    NameError => name_error,
    UnboundLocalError => unbound_local_error,
    ValueError => value_error,
    UnicodeDecodeError => unicode_decode_error,
    UnicodeEncodeError => unicode_encode_error,
    JsonDecodeError => json_decode_error,
    TomlDecodeError => toml_decode_error,
    ImportError => import_error,
    ModuleNotFoundError => module_not_found_error,
    OSError => os_error,
    FileNotFoundError => file_not_found_error,
    FileExistsError => file_exists_error,
    IsADirectoryError => is_a_directory_error,
    NotADirectoryError => not_a_directory_error,
    PermissionError => permission_error,
    UnsupportedOperation => unsupported_operation,
    TimeoutError => timeout_error,
    AssertionError => assertion_error,
    MemoryError => memory_error,
    StopIteration => stop_iteration,
    SyntaxError => syntax_error,
    TypeError => type_error,
    RePatternError => re_pattern_error,
    BinasciiError => binascii_error,
    BinasciiIncomplete => binascii_incomplete,
    CsvError => csv_error,
    DecimalException => decimal_exception,
    DecimalClamped => decimal_clamped,
    DecimalInvalidOperation => decimal_invalid_operation,
    DecimalConversionSyntax => decimal_conversion_syntax,
    DecimalDivisionByZero => decimal_division_by_zero,
    DecimalDivisionImpossible => decimal_division_impossible,
    DecimalDivisionUndefined => decimal_division_undefined,
    DecimalInexact => decimal_inexact,
    DecimalInvalidContext => decimal_invalid_context,
    DecimalRounded => decimal_rounded,
    DecimalSubnormal => decimal_subnormal,
    DecimalOverflow => decimal_overflow,
    DecimalUnderflow => decimal_underflow,
    DecimalFloatOperation => decimal_float_operation,
}

/// `%ExMonty.Exception{}` for an exception that ended a run which had printed `output`.
pub(crate) fn encode_exception<'a>(env: Env<'a>, exception: &MontyException, output: &str) -> Term<'a> {
    let traceback = encode_traceback(env, exception.traceback());
    exception_struct(env, exception.exc_type(), exception.message(), traceback, output)
}

/// `%ExMonty.Exception{}` for an exception that is a value, raised by nobody.
pub(super) fn encode_instance<'a>(env: Env<'a>, exc_type: ExcType, message: Option<&str>) -> Term<'a> {
    exception_struct(env, exc_type, message, Term::list_new_empty(env), "")
}

fn exception_struct<'a>(
    env: Env<'a>,
    exc_type: ExcType,
    message: Option<&str>,
    traceback: Term<'a>,
    output: &str,
) -> Term<'a> {
    let fields = [
        (atoms::exception_key(), atom::true_().to_term(env)),
        (atoms::type_(), type_atom(exc_type).to_term(env)),
        (atoms::message(), text::optional(env, message)),
        (atoms::traceback(), traceback),
        (atoms::output(), text::binary(env, output.as_bytes())),
    ];
    structure(env, atoms::exception_struct(), &fields)
}

/// An exception instance handed in as a value. Its traceback and output stay behind: in Python, too, an exception that
/// is raised again begins a new traceback.
pub(super) fn instance(term: Term<'_>) -> Result<MontyNode, Refusal> {
    let malformed = || {
        Refusal::invalid(
            "an %ExMonty.Exception{} whose type is no Python exception, or whose message is no text, cannot become a Python value",
        )
    };
    let field = |name| term.map_get(name).map_err(|_| malformed());
    let exc_type = exc_type_from_atom(field(atoms::type_())?).ok_or_else(malformed)?;
    let message = field(atoms::message())?;
    let arg = match text::utf8(message) {
        Some(text) => Some(text.to_owned()),
        None if atom::nil() == message => None,
        None => return Err(malformed()),
    };
    Ok(MontyNode::Exception { exc_type, arg })
}

/// The frames, outermost first. The innermost keep their previews when there is no room for all.
fn encode_traceback<'a>(env: Env<'a>, frames: &[StackFrame]) -> Term<'a> {
    let mut previews = Previews {
        left: PREVIEW_BYTES,
        made: HashMap::new(),
    };
    let list = Term::list_new_empty(env);
    frames.iter().rev().fold(list, |list, frame| {
        let preview = previews.of(env, frame);
        list.list_prepend(encode_frame(env, frame, preview))
    })
}

fn encode_frame<'a>(env: Env<'a>, frame: &StackFrame, preview: Term<'a>) -> Term<'a> {
    let name = (!frame.hide_frame_name).then(|| frame.frame_name.as_deref().unwrap_or("<module>"));
    let fields = [
        (atoms::filename(), text::binary(env, frame.filename.as_bytes())),
        (atoms::line(), frame.start.line.encode(env)),
        (atoms::column(), frame.start.column.encode(env)),
        (atoms::end_line(), frame.end.line.encode(env)),
        (atoms::end_column(), frame.end.column.encode(env)),
        (atoms::name(), text::optional(env, name)),
        (atoms::preview(), preview),
    ];
    structure(env, atoms::stack_frame_struct(), &fields)
}

/// The previews of a traceback's frames, each made once: a recursive function has the same one a thousand times.
struct Previews<'a> {
    left: usize,
    made: HashMap<Shown, Term<'a>>,
}

/// What a preview is made of.
#[derive(PartialEq, Eq, Hash)]
struct Shown {
    line: Arc<str>,
    start: CodeLoc,
    end: CodeLoc,
    hide_caret: bool,
}

impl<'a> Previews<'a> {
    /// The lines that a traceback shows under a frame, without their indentation; `nil` where there are none.
    fn of(&mut self, env: Env<'a>, frame: &StackFrame) -> Term<'a> {
        let nil = atom::nil().to_term(env);
        let Some(line) = &frame.preview_line else {
            return nil;
        };
        let shown = Shown {
            line: Arc::clone(line),
            start: frame.start,
            end: frame.end,
            hide_caret: frame.hide_caret,
        };
        if let Some(made) = self.made.get(&shown) {
            return *made;
        }
        // The line, and markers that are no longer than it.
        let Some(left) = self.left.checked_sub(line.len().saturating_mul(2)) else {
            return nil;
        };
        self.left = left;
        let preview = preview(frame).map_or(nil, |preview| text::binary(env, preview.as_bytes()));
        self.made.insert(shown, preview);
        preview
    }
}

/// What the interpreter itself prints under the frame's first line.
fn preview(frame: &StackFrame) -> Option<String> {
    // A name without line breaks, so that the first line is the first line.
    let unnamed = StackFrame {
        filename: String::new(),
        ..frame.clone()
    }
    .to_string();
    let (_header, lines) = unnamed.split_once('\n')?;
    let lines: Vec<_> = lines
        .lines()
        .map(|line| line.strip_prefix("    ").unwrap_or(line))
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use monty_types::{CodeLoc, StackFrame};

    use super::preview;

    fn frame(line: &str, columns: (u32, u32), last_line: u32) -> StackFrame {
        StackFrame {
            filename: "a\nb.py".into(),
            start: CodeLoc {
                line: 1,
                column: columns.0,
            },
            end: CodeLoc {
                line: last_line,
                column: columns.1,
            },
            frame_name: Some("f".into()),
            preview_line: Some(line.into()),
            hide_caret: false,
            hide_frame_name: false,
        }
    }

    #[test]
    fn a_preview_is_the_line_and_its_markers() {
        assert_eq!(
            preview(&frame("  x = 1/0", (7, 10), 1)).as_deref(),
            Some("x = 1/0\n    ~~~")
        );
    }

    #[test]
    fn a_preview_without_markers_is_the_line() {
        let hidden = StackFrame {
            hide_caret: true,
            ..frame("raise E", (1, 8), 1)
        };
        assert_eq!(preview(&hidden).as_deref(), Some("raise E"));
    }

    #[test]
    fn a_preview_of_several_lines_keeps_their_own_indentation() {
        assert_eq!(
            preview(&frame("f(\n    1,\n)", (1, 2), 3)).as_deref(),
            Some("f(\n    1,\n)")
        );
    }

    #[test]
    fn a_frame_without_source_has_no_preview() {
        assert_eq!(
            preview(&StackFrame {
                preview_line: None,
                ..frame("", (1, 2), 1)
            }),
            None
        );
    }
}
