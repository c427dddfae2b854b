//! Paths as a line can have them.

use std::fmt;

/// A path in a line of text. Names are the script's choice: what would end the line, move the cursor or hide a part of
/// the name is written as an escape, in quotes that say so.
pub(crate) struct Shown<'p>(pub(crate) &'p str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0;
        // What Rust would escape, but for quotes and backslashes, is what cannot be seen.
        let is_plain = path
            .chars()
            .all(|character| matches!(character, '"' | '\'' | '\\') || character.escape_debug().count() == 1);
        if is_plain && !path.contains('"') {
            f.write_str(path)
        } else {
            write!(f, "{path:?}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_pass_for_another_line_or_hide_itself() {
        for (path, shown) in [
            ("/m/plain name's ünïcödé \\", "/m/plain name's ünïcödé \\"),
            ("/m/a\nD /etc/passwd", r#""/m/a\nD /etc/passwd""#),
            ("/m/\u{1b}[2J", r#""/m/\u{1b}[2J""#),
            ("/m/\u{202e}txt", r#""/m/\u{202e}txt""#),
            ("/m/\"", r#""/m/\"""#),
        ] {
            assert_eq!(Shown(path).to_string(), shown);
        }
    }
}
