//! Two texts as hunks of unified text.
//!
//! Lines end at `\n` and nowhere else, as `patch` sees them: a carriage return is a character of its line.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::Instant;

use similar::{Algorithm, DiffOp, DiffTag, capture_diff_slices_deadline, group_diff_ops};

/// Lines that did not change, on each side of those that did.
const CONTEXT: usize = 3;

/// Writes the hunks that turn `old` into `new`.
pub(super) fn write(text: &mut String, old: &str, new: &str, deadline: Instant) {
    let old: Vec<&str> = old.split_inclusive('\n').collect();
    let new: Vec<&str> = new.split_inclusive('\n').collect();
    let operations = capture_diff_slices_deadline(Algorithm::Myers, &old, &new, Some(deadline));
    for group in group_diff_ops(operations, CONTEXT) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let _ = writeln!(
            text,
            "@@ -{} +{} @@",
            range(first.old_range().start..last.old_range().end),
            range(first.new_range().start..last.new_range().end),
        );
        for operation in &group {
            lines(text, operation, &old, &new);
        }
    }
}

/// The lines of a hunk as its header counts them: from one, and an empty range by the line before it.
fn range(lines: Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => format!("{}", lines.start + 1),
        length => format!("{},{length}", lines.start + 1),
    }
}

fn lines(text: &mut String, operation: &DiffOp, old: &[&str], new: &[&str]) {
    let (tag, before, after) = operation.as_tag_tuple();
    if tag == DiffTag::Equal {
        each(text, ' ', &old[before]);
    } else {
        each(text, '-', &old[before]);
        each(text, '+', &new[after]);
    }
}

fn each(text: &mut String, sign: char, lines: &[&str]) {
    for line in lines {
        text.push(sign);
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_in_every_line_end_when_the_time_is_up() {
        let numbers: Vec<String> = (0..20_000).map(|line| line.to_string()).collect();
        let (one, two) = (
            numbers.join("\n"),
            numbers.iter().rev().cloned().collect::<Vec<_>>().join("\n"),
        );
        let mut text = String::new();
        write(&mut text, &one, &two, Instant::now());
        let count = |sign: char| text.lines().filter(|line| line.starts_with(sign)).count();
        assert_eq!(count('-') + count(' '), 20_000, "every old line is there");
        assert_eq!(count('+') + count(' '), 20_000, "and every new one");
    }
}
