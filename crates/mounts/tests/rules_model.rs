//! Rules against a naive judge, against any string, and against what an onlooker could tell.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

mod support;

use std::sync::Arc;

use mounts::{Globs, LeaseMode, Memory, Mount, Namespace, Rules, Table, Verdict, VirtualPath};
use proptest::prelude::*;
use support::cases::cases;
use support::{Step, image, run, step};

/// A part of a glob's component, as the naive judge matches it.
#[derive(Debug, Clone)]
enum Part {
    Text(&'static str),
    Any,
    Star,
    Class(bool, char, char),
    Either(&'static str, &'static str),
}

/// One component of a glob; `None` is `**`.
type Component = Option<Vec<Part>>;

fn text(glob: &[Component]) -> String {
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

fn matches_name(parts: &[Part], name: &str) -> bool {
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
fn matches(glob: &[Component], path: &[&str]) -> bool {
    match (glob.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((None, [])), _) => !path.is_empty(),
        (Some((None, rest)), _) => (0..=path.len()).any(|skipped| matches(rest, &path[skipped..])),
        (Some((Some(parts), rest)), Some((name, below))) => matches_name(parts, name) && matches(rest, below),
        _ => false,
    }
}

fn literal(glob: &[Component]) -> usize {
    let is_literal = |component: &&Component| {
        let plain = |part: &Part| matches!(part, Part::Text(_));
        component.as_ref().is_some_and(|parts| parts.iter().all(plain))
    };
    glob.iter().take_while(is_literal).count()
}

/// What the page says, word by word: each directory from the top down, and the strongest glob so far.
fn judge(globs: &[(Verdict, Vec<Component>)], path: &[&str]) -> Verdict {
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

const NAMES: [&str; 7] = ["a", "b", "ab", ".a", "a.b", "ba", "-"];

fn part() -> impl Strategy<Value = Part> {
    prop_oneof![
        6 => prop::sample::select(NAMES.to_vec()).prop_map(Part::Text),
        1 => Just(Part::Any),
        2 => Just(Part::Star),
        1 => any::<bool>().prop_map(|within| Part::Class(within, 'a', 'a')),
        1 => any::<bool>().prop_map(|within| Part::Class(within, 'a', 'z')),
        1 => Just(Part::Either("a", "b")),
        1 => Just(Part::Either("", ".a")),
    ]
}

fn glob() -> impl Strategy<Value = Vec<Component>> {
    let component = prop_oneof![
        1 => Just(None),
        4 => prop::collection::vec(part(), 1..3).prop_map(Some),
    ];
    let spelled_plainly = |glob: &Vec<Component>| {
        // Two stars in a component spell `**`, and two `**` in a row are the matcher's own affair.
        let stars = |pair: &[Part]| matches!(pair, [Part::Star, Part::Star]);
        glob.windows(2).all(|pair| pair[0].is_some() || pair[1].is_some())
            && !glob.iter().flatten().any(|parts| parts.windows(2).any(stars))
    };
    prop::collection::vec(component, 1..4).prop_filter("spelled plainly", spelled_plainly)
}

fn ruled() -> impl Strategy<Value = Vec<(Verdict, Vec<Component>)>> {
    let effect = prop::sample::select(vec![Verdict::Hidden, Verdict::Denied, Verdict::ReadOnly]);
    prop::collection::vec((effect, glob()), 0..5)
}

fn compiled(globs: &[(Verdict, Vec<Component>)]) -> Rules {
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
fn any_glob(bytes: &[u8]) {
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

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn the_verdict_is_that_of_a_naive_judge(
        globs in ruled(),
        paths in prop::collection::vec(prop::collection::vec(prop::sample::select(NAMES.to_vec()), 1..5), 1..12)
    ) {
        let rules = compiled(&globs);
        for path in paths {
            let joined = format!("/{}", path.join("/"));
            let expected = judge(&globs, &path);
            let texts: Vec<_> = globs.iter().map(|(verdict, glob)| (verdict, text(glob))).collect();
            prop_assert_eq!(rules.verdict(&VirtualPath::parse(&joined).unwrap()), expected, "{} under {:?}", joined, texts);
        }
    }

    #[test]
    fn any_string_is_a_glob_or_an_error(glob in r"[\[\]{}!^,*?/\\.a-cé\-\x00]{0,24}") {
        any_glob(glob.as_bytes());
    }

    #[test]
    fn any_bytes_are_a_glob_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        any_glob(&bytes);
    }

    /// Two mounts, one with something under the hidden names and one without: no program can tell which it runs on,
    /// but by a directory that looks empty and is not (removing it, replacing it) or that may not be renamed.
    #[test]
    fn nobody_can_tell_whether_anything_is_hidden(
        hidden in prop::collection::vec(step(), 1..30),
        program in prop::collection::vec(step(), 1..60),
        overlaid in any::<bool>()
    ) {
        let rules = || Rules::new(Globs { hide: vec!["**/c".into(), "a/b/a".into()], ..Globs::default() }).unwrap();
        let mounted = |memory: Arc<Memory>| {
            let table = Table::new();
            let mount = if overlaid { Mount::overlay(memory) } else { Mount::read_write(memory) };
            table.mount("/m", mount.with_rules(rules())).unwrap();
            table.checkout(LeaseMode::Exclusive).unwrap()
        };
        let (with, without) = (Arc::new(Memory::new()), Arc::new(Memory::new()));
        for (memory, is_shown) in [(&with, false), (&without, true)] {
            let table = Table::new();
            let everything = Mount::read_write(Arc::clone(memory));
            table.mount("/m", if is_shown { everything.with_rules(rules()) } else { everything }).unwrap();
            let lease = table.checkout(LeaseMode::Exclusive).unwrap();
            // The same visible tree in both, and in one of them a hidden one below it.
            for directory in ["a", "a/b", "b", "b/a"] {
                lease.create_dir(&format!("/m/{directory}")).unwrap();
            }
            for step in &hidden {
                if let Step::Write(path, _) | Step::CreateDir(path) | Step::CreateDirAll(path) = step
                    && (path.split('/').any(|name| name == "c") || path.starts_with("a/b/a"))
                {
                    let _ = run(&lease, "/m", step);
                }
            }
        }
        let (with, without) = (mounted(with), mounted(without));
        for step in program {
            let (seen, expected) = (run(&with, "/m", &step), run(&without, "/m", &step));
            let gives_itself_away = match &step {
                Step::RemoveDir(_) => seen == Err(39),
                Step::Rename(..) => seen == Err(39) || seen == Err(13),
                _ => false,
            };
            if seen != expected && gives_itself_away {
                return Ok(());
            }
            prop_assert_eq!(seen, expected, "{:?}", step);
        }
        let seen = image(&with, "/m");
        prop_assert_eq!(&seen, &image(&without, "/m"));
        for path in seen.keys().map(|path| format!("/m/{path}")) {
            let links = |files: &Namespace| files.metadata(&path).unwrap().links;
            prop_assert_eq!(links(&with), links(&without), "{}", path);
        }
    }
}
