//! Paths as one line of a diff shows them.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The path as `patch` reads it: quoted, with octal escapes, where a character could be taken for something else.
pub(super) fn shown(path: &str) -> Cow<'_, str> {
    if path.chars().any(needs_quotes) {
        let mut quoted = String::with_capacity(path.len() + 8);
        quoted.push('"');
        for char in path.chars() {
            match char {
                '"' | '\\' => quoted.extend(['\\', char]),
                char if needs_quotes(char) => {
                    let mut bytes = [0; 4];
                    for byte in char.encode_utf8(&mut bytes).bytes() {
                        let _ = write!(quoted, "\\{byte:03o}");
                    }
                }
                char => quoted.push(char),
            }
        }
        quoted.push('"');
        quoted.into()
    } else {
        path.into()
    }
}

/// Control characters, line separators, and what turns the direction of text.
fn needs_quotes(char: char) -> bool {
    char.is_control()
        || matches!(char, '"' | '\\')
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_looks_like_another_line() {
        for (path, expected) in [
            ("/m/f", "/m/f"),
            ("/m/é", "/m/é"),
            ("/m/a b", "/m/a b"),
            ("/m/a\n+++ /etc", "\"/m/a\\012+++ /etc\""),
            ("/m/\"q\"", "\"/m/\\\"q\\\"\""),
            ("/m/a\\b", "\"/m/a\\\\b\""),
            ("/m/\u{202e}x", "\"/m/\\342\\200\\256x\""),
        ] {
            assert_eq!(shown(path), expected);
        }
    }
}
