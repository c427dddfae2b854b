//! What compiling takes of a run's memory.
//!
//! The interpreter's parser and compiler look at no limit, and there is no other way to stop them. So what they will take is
//! known before they begin, from the number of tokens: at the peak, between 130 and 460 bytes for each, whatever they
//! are (measured with twenty kinds of statements). Bytes of source would not do: a comment takes next to nothing.

use monty_types::{ExcType, MontyException};
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};

/// What a token takes at the peak: half of it at least, and not much more than half as much again.
const TOKEN_BYTES: usize = 300;

/// Checks that compiling `code` fits into `max_memory` bytes, as far as can be known before.
///
/// # Errors
///
/// `MemoryError`, in the words of the interpreter's own limit.
pub(crate) fn check(code: &str, max_memory: Option<usize>) -> Result<(), MontyException> {
    let Some(limit) = max_memory else {
        return Ok(());
    };
    // No token that counts is shorter than a byte.
    if code.len().saturating_mul(TOKEN_BYTES) <= limit {
        return Ok(());
    }
    let tokens = tokens(code);
    let bytes = tokens.saturating_mul(TOKEN_BYTES);
    if bytes <= limit {
        return Ok(());
    }
    let message = format!("memory limit exceeded: {bytes} bytes to compile {tokens} tokens > {limit} bytes");
    Err(MontyException::new(ExcType::MemoryError, Some(message)))
}

/// The tokens that the parser makes something of.
fn tokens(code: &str) -> usize {
    let mut lexer = lexer::lex(code, Mode::Module);
    let kinds = std::iter::from_fn(|| Some(lexer.next_token()));
    kinds
        .take_while(|kind| *kind != TokenKind::EndOfFile)
        .filter(|kind| {
            !matches!(
                kind,
                TokenKind::Comment | TokenKind::NonLogicalNewline | TokenKind::Indent | TokenKind::Dedent
            )
        })
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_lines_are_no_tokens() {
        assert_eq!(tokens("# a comment\n\nif x:\n    f(1)\n"), 9);
        assert_eq!(tokens(&"# a comment\n".repeat(1_000)), 0);
    }

    #[test]
    fn what_fits_is_let_through_and_what_does_not_is_refused_by_number() {
        let code = "f(1)\n".repeat(1_000);
        assert!(check(&code, None).is_ok());
        assert!(check(&code, Some(5_000 * TOKEN_BYTES)).is_ok());
        let error = check(&code, Some(5_000 * TOKEN_BYTES - 1)).unwrap_err();
        assert_eq!(error.exc_type(), ExcType::MemoryError);
        assert_eq!(
            error.message(),
            Some("memory limit exceeded: 1500000 bytes to compile 5000 tokens > 1499999 bytes")
        );
    }

    #[test]
    fn what_is_no_python_has_tokens_all_the_same() {
        assert!(check(&"?".repeat(1_000), Some(1_000)).is_err());
        assert!(check("'", Some(1)).is_err());
    }
}
