//! Rules against a naive judge, against any string, and against what an onlooker could tell.

#![allow(clippy::unwrap_used, reason = "a test fails by unwrapping")]

#[path = "support/naive_rules.rs"]
mod naive_rules;
mod support;

use std::sync::Arc;

use mounts::{Globs, LeaseMode, Memory, Mount, Namespace, Rules, Table, Verdict, VirtualPath};
use naive_rules::{Component, NAMES, Part, any_glob, compiled, judge, text};
use proptest::prelude::*;
use support::cases::cases;
use support::{Step, image, run, step};

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
