//! Globs and paths made of bytes: the verdict is that of the naive judge, and no bytes are worse than an error.

use mounts::{Verdict, VirtualPath};

use crate::input::Input;
use crate::naive_rules::{Component, NAMES, Part, any_glob, compiled, judge};

fn part(input: &mut Input<'_>) -> Part {
    match input.below(10) {
        0 => Part::Any,
        1 | 2 => Part::Star,
        3 => Part::Class(input.below(2) == 0, 'a', 'z'),
        4 => Part::Class(input.below(2) == 0, 'a', 'a'),
        5 => Part::Either("a", "b"),
        6 => Part::Either("", ".a"),
        _ => Part::Text(input.pick(&NAMES)),
    }
}

/// A glob that is spelled one way only: two stars in a component spell `**`.
fn glob(input: &mut Input<'_>) -> Vec<Component> {
    let mut glob: Vec<Component> = Vec::new();
    for _ in 0..=input.below(3) {
        if input.below(5) == 0 && glob.last().is_none_or(Option::is_some) {
            glob.push(None);
            continue;
        }
        let mut parts = vec![part(input)];
        if input.below(2) == 0 {
            let next = part(input);
            if !matches!((&parts[0], &next), (Part::Star, Part::Star)) {
                parts.push(next);
            }
        }
        glob.push(Some(parts));
    }
    glob
}

pub(crate) fn run(bytes: &[u8]) {
    any_glob(bytes);
    let mut input = Input::new(bytes);
    let effects = [Verdict::Hidden, Verdict::Denied, Verdict::ReadOnly];
    let globs: Vec<_> = (0..input.below(5))
        .map(|_| (input.pick(&effects), glob(&mut input)))
        .collect();
    let rules = compiled(&globs);
    for _ in 0..8 {
        let path = input.path(&NAMES, 4);
        let names: Vec<_> = path.split('/').collect();
        let verdict = rules.verdict(&VirtualPath::parse(&format!("/{path}")).unwrap());
        assert_eq!(verdict, judge(&globs, &names), "{path} under {globs:?}");
        if input.is_empty() {
            break;
        }
    }
}
