//! Keeps `eval` and `exec` out of sources that are not trusted with them.
//!
//! Both compile, at run time and as part of a turn, text that nobody has measured: its length is not capped, and what
//! the parser and the compiler take of time, memory and stack for it is not bounded by any limit of the run. The
//! interpreter has them under these two names and in no other way: there is no `builtins`, no `globals`, no `__self__`
//! of a function, no `compile`. So a source that never reads one of the two names can never reach them, whatever strings
//! it makes.
//!
//! The names are looked for among the tokens of the interpreter's own lexer, so a string, a comment and a longer name
//! are never mistaken for them, and the expressions inside f-strings are not overlooked. A name is compared as the
//! interpreter compares it, after normalisation (NFKC): `ｅval` is `eval`. It is refused wherever it could be read,
//! and so where it is assigned, imported, deleted or declared, too; what cannot be read as a variable is left alone: an
//! attribute (`model.eval()`), the name of a function or a class that is being defined, the name of an argument.

use monty_types::{CodeLoc, ExcType, MontyException, StackFrame};
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};
use ruff_source_file::{LineIndex, OneIndexed};
use rustler::{Decoder, NifResult, Term};
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// The names of the builtins that compile.
const NAMES: [&str; 2] = ["eval", "exec"];

/// Whether a source may use `eval` and `exec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DynamicCode {
    /// As for every source that somebody else wrote.
    Refused,
    /// For trusted sources only.
    Allowed,
}

impl<'a> Decoder<'a> for DynamicCode {
    fn decode(term: Term<'a>) -> NifResult<Self> {
        Ok(if term.decode()? {
            Self::Allowed
        } else {
            Self::Refused
        })
    }
}

impl DynamicCode {
    /// Checks a source that compiles; one that does not may be told so by the parser.
    pub(crate) fn check(self, code: &str, script_name: &str) -> Result<(), MontyException> {
        match self {
            Self::Allowed => Ok(()),
            Self::Refused => first_use(code).map_or(Ok(()), |found| Err(refusal(&found, code, script_name))),
        }
    }
}

/// A token that names one of the two.
struct Use {
    name: &'static str,
    start: usize,
    end: usize,
}

/// The first name in `code` by which one of the two could be reached.
fn first_use(code: &str) -> Option<Use> {
    let mut lexer = lexer::lex(code, Mode::Module);
    let mut next = || loop {
        let kind = lexer.next_token();
        if !matches!(kind, TokenKind::Comment | TokenKind::NonLogicalNewline) {
            let range = lexer.current_range();
            return (kind, range.start().to_usize(), range.end().to_usize());
        }
    };
    let mut open = Vec::new();
    let mut before = TokenKind::Newline;
    let (mut kind, mut start, mut end) = next();
    while kind != TokenKind::EndOfFile {
        let following = next();
        match kind {
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => open.push(kind),
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => drop(open.pop()),
            TokenKind::Name => {
                if let Some(name) = builtin(&code[start..end])
                    && !cannot_be_read(before, following.0, open.last().copied())
                {
                    return Some(Use { name, start, end });
                }
            }
            _ => {}
        }
        before = kind;
        (kind, start, end) = following;
    }
    None
}

/// Which of the two a name is once it is normalised.
fn builtin(name: &str) -> Option<&'static str> {
    NAMES.into_iter().find(|builtin| {
        if name.is_ascii() {
            name == *builtin
        } else {
            name.nfkc().eq(builtin.chars())
        }
    })
}

/// Whether a name between these tokens, inside the bracket `within`, is one that no variable is read by.
fn cannot_be_read(before: TokenKind, after: TokenKind, within: Option<TokenKind>) -> bool {
    match before {
        TokenKind::Dot | TokenKind::Def | TokenKind::Class => true,
        // `f(eval=1)` and `def f(x, eval=1)`. In the braces of an f-string, `{eval=}` does read it.
        TokenKind::Lpar | TokenKind::Comma => after == TokenKind::Equal && within == Some(TokenKind::Lpar),
        _ => false,
    }
}

/// The exception, at the place where the name stands.
fn refusal(found: &Use, code: &str, script_name: &str) -> MontyException {
    let index = LineIndex::from_source_text(code);
    let location = |offset: usize| {
        // The lexer takes no source whose offsets do not fit.
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        let place = index.line_column(offset.into(), code);
        CodeLoc {
            line: number(place.line),
            column: number(place.column),
        }
    };
    let start = location(found.start);
    let line = code[..found.start].rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let preview = code[line..].split(['\n', '\r']).next();
    let message = format!(
        "'{0}' is not available: scripts may not compile code at run time, nor use the name '{0}' for a variable",
        found.name
    );
    let frame = StackFrame {
        filename: script_name.to_owned(),
        start,
        end: location(found.end),
        frame_name: None,
        preview_line: preview.map(Into::into),
        hide_caret: false,
        hide_frame_name: true,
    };
    MontyException::with_traceback(ExcType::SyntaxError, Some(message), vec![frame])
}

fn number(one_indexed: OneIndexed) -> u32 {
    u32::try_from(one_indexed.get()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
