//! Rules as the documentation has them, word by word, without a matcher that is fast.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses its own part, and a test fails by unwrapping"
)]

use mounts::{Globs, Rules, Verdict, VirtualPath};

pub(crate) const NAMES: [&str; 7] = ["a", "b", "ab", ".a", "a.b", "ba", "-"];

/// A part of a glob's component, as the naive judge matches it.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    Text(&'static str),
    Any,
    Star,
    Class(bool, char, char),
    Either(&'static str, &'static str),
}

/// One component of a glob; `None` is `**`.
pub(crate) type Component = Option<Vec<Part>>;

pub(crate) fn text(glob: &[Component]) -> String {
    let component = |component: &Component| match component {
        None => "**".to_owned(),
        Some(parts) => parts.iter().map(Part::text).collect(),
    };
    glob.iter().map(component).collect::<Vec<_>>().join("/")
}

impl Part {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => (*text).to_owned(),
            Self::Any => "?".into(),
            Self::Star => "*".into(),
            Self::Class(true, from, to) => format!("[{from}-{to}]"),
            Self::Class(false, from, to) => format!("[!{from}-{to}]"),
            Self::Either(one, other) => format!("{{{one},{other}}}"),
        }
    }
}

pub(crate) fn matches_name(parts: &[Part], name: &str) -> bool {
    let Some((part, rest)) = parts.split_first() else {
        return name.is_empty();
    };
    let after = |text: &str| {
        name.strip_prefix(text)
            .is_some_and(|name| matches_name(rest, name))
    };
    let mut chars = name.chars();
    let first = chars.next();
    match part {
        Part::Text(text) => after(text),
        Part::Either(one, other) => after(one) || after(other),
        Part::Any => first.is_some() && matches_name(rest, chars.as_str()),
        Part::Class(within, from, to) => {
            first.is_some_and(|char| (*from..=*to).contains(&char) == *within)
                && matches_name(rest, chars.as_str())
        }
        Part::Star => (0..=name.len()).any(|end| matches_name(rest, &name[end..])),
    }
}

/// `**` is any number of directories, and at the end at least one entry.
pub(crate) fn matches(glob: &[Component], path: &[&str]) -> bool {
    match (glob.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((None, [])), _) => !path.is_empty(),
        (Some((None, rest)), _) => (0..=path.len()).any(|skipped| matches(rest, &path[skipped..])),
        (Some((Some(parts), rest)), Some((name, below))) => matches_name(parts, name) && matches(rest, below),
        _ => false,
    }
}

pub(crate) fn literal(glob: &[Component]) -> usize {
    let is_literal = |component: &&Component| {
        let plain = |part: &Part| matches!(part, Part::Text(_));
        component.as_ref().is_some_and(|parts| parts.iter().all(plain))
    };
    glob.iter().take_while(is_literal).count()
}

/// What the page says, word by word: each directory from the top down, and the strongest glob so far.
pub(crate) fn judge(globs: &[(Verdict, Vec<Component>)], path: &[&str]) -> Verdict {
    let rank = |verdict| match verdict {
        Verdict::Open => 0,
        Verdict::ReadOnly => 1,
        Verdict::Denied => 2,
        Verdict::Hidden => 3,
    };
    for end in 1..=path.len() {
        let mut matching: Vec<_> = (1..=end)
            .flat_map(|end| globs.iter().filter(move |(_, glob)| matches(glob, &path[..end])))
            .collect();
        matching.sort_by_key(|(verdict, glob)| (literal(glob), rank(*verdict)));
        match matching.last() {
            Some((verdict @ (Verdict::Hidden | Verdict::Denied), _)) => return *verdict,
            Some((verdict, _)) if end == path.len() => return *verdict,
            _ => {}
        }
    }
    Verdict::Open
}

pub(crate) fn compiled(globs: &[(Verdict, Vec<Component>)]) -> Rules {
    let of = |wanted| {
        let listed = globs.iter().filter(move |(verdict, _)| *verdict == wanted);
        listed.map(|(_, glob)| text(glob)).collect()
    };
    Rules::new(Globs {
        deny: of(Verdict::Denied),
        hide: of(Verdict::Hidden),
        read_only: of(Verdict::ReadOnly),
    })
    .unwrap()
}

/// Any bytes as a glob: rules, or an error that names it; never a panic, and no path panics either.
pub(crate) fn any_glob(bytes: &[u8]) {
    let glob = String::from_utf8_lossy(bytes).into_owned();
    let globs = Globs {
        hide: vec!["**/x".into(), glob.clone()],
        deny: vec![glob.clone()],
        ..Globs::default()
    };
    match Rules::new(globs.clone()) {
        Ok(rules) => {
            assert_eq!(*rules.globs(), globs);
            for path in [
                "/",
                "/x",
                "/a/x/b",
                "/a",
                "/.a/b",
                "/é/\u{202e}",
                &format!("/{}", glob.replace('\0', "0")),
            ] {
                let Ok(path) = VirtualPath::parse(path) else {
                    continue;
                };
                let verdict = rules.verdict(&path);
                assert!(
                    path.is_root() <= (verdict == Verdict::Open),
                    "the root is never matched"
                );
            }
        }
        Err(error) => assert_eq!(error.glob(), glob, "{error}"),
    }
}
