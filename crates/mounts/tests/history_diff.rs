//! What changed as text: that it turns the old tree into the new one, and what it shows of what is no text.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and plays the host"
)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

use mounts::{ErrorKind, Globs, HostDirectory, LeaseMode, Mount, Rules, Table};
use proptest::prelude::*;
use support::{Entry, Step, image, run, run_on_disk};

fn mounted(mount: Mount) -> Table {
    let table = Table::new();
    table.mount("/m", mount).unwrap();
    table
}

fn memory(files: &[(&str, &str)]) -> Table {
    mounted(Mount::memory().with_files(files.iter().copied()).unwrap())
}

fn overlay(files: &[(&str, &str)]) -> (Table, tempfile::TempDir) {
    let disk = tempfile::tempdir().unwrap();
    for (path, contents) in files {
        fs::write(disk.path().join(&path[1..]), contents).unwrap();
    }
    let table = mounted(Mount::overlay(HostDirectory::open(disk.path()).unwrap()));
    (table, disk)
}

#[test]
fn files_that_came_changed_and_went_have_sections_by_path() {
    let files = [("/gone", "one\ntwo\n"), ("/kept", "a\nb\nc\n")];
    let (over, _disk) = overlay(&files);
    for table in [memory(&files), over] {
        table.remove_file("/m/gone").unwrap();
        table.write("/m/kept", "a\nB\nc").unwrap();
        table.write("/m/new", "line").unwrap();
        let expected = "\
--- /m/gone
+++ /dev/null
@@ -1,2 +0,0 @@
-one
-two
--- /m/kept
+++ /m/kept
@@ -1,3 +1,3 @@
 a
-b
-c
+B
+c
\\ No newline at end of file
--- /dev/null
+++ /m/new
@@ -0,0 +1 @@
+line
\\ No newline at end of file
";
        assert_eq!(table.diff("/m").unwrap(), expected);
        assert_eq!(
            table.diff("/m/new").unwrap(),
            expected.split_at(expected.find("--- /dev/null").unwrap()).1
        );
        assert_eq!(table.diff("/m/ne").unwrap(), "", "components count, not letters");
    }
}

#[test]
fn what_is_no_text_is_told_in_one_line() {
    let table = memory(&[("/bin", "\0"), ("/empty", ""), ("/latin", "x")]);
    table.write("/m/bin", [0, 1]).unwrap();
    table.remove_file("/m/empty").unwrap();
    table.write("/m/latin", [0xe9]).unwrap();
    table.write("/m/large", vec![b'x'; (1 << 20) + 1]).unwrap();
    table.create_dir_all("/m/dir").unwrap();
    table.write("/m/none", "").unwrap();
    assert_eq!(
        table.diff("/").unwrap(),
        "file /m/bin modified: binary, 1 -> 2 bytes\n\
         directory /m/dir created\n\
         file /m/empty deleted: empty\n\
         file /m/large created: too large to show, 1048577 bytes\n\
         file /m/latin modified: binary, 1 -> 1 bytes\n\
         file /m/none created: empty\n"
    );
}

#[test]
fn a_moved_file_says_so_and_shows_what_else_changed() {
    let files = [("/a", "1\n2\n"), ("/b", "same\n")];
    let (over, _disk) = overlay(&files);
    for table in [memory(&files), over] {
        table.rename("/m/a", "/m/y").unwrap();
        table.append("/m/y", b"3\n").unwrap();
        table.rename("/m/b", "/m/z").unwrap();
        assert_eq!(
            table.diff("/m").unwrap(),
            "file /m/a moved to /m/y\n--- /m/a\n+++ /m/y\n@@ -1,2 +1,3 @@\n 1\n 2\n+3\n\
             file /m/b moved to /m/z\n"
        );
    }
}

#[test]
fn a_file_moved_over_another_shows_what_that_one_became() {
    let table = memory(&[("/a", "a\n"), ("/b", "b\n")]);
    table.rename("/m/a", "/m/b").unwrap();
    assert_eq!(
        table.diff("/m").unwrap(),
        "--- /m/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n\
         file /m/a moved over /m/b\n--- /m/b\n+++ /m/b\n@@ -1 +1 @@\n-b\n+a\n"
    );
}

#[test]
fn rules_hold_for_what_is_shown() {
    let ruled = |contents: &str| {
        let rules = Rules::new(Globs {
            deny: vec!["denied".into()],
            hide: vec!["hidden".into()],
            ..Globs::default()
        });
        let files = ["/denied", "/hidden", "/open"].map(|path| (path, contents));
        mounted(
            Mount::memory()
                .with_files(files)
                .unwrap()
                .with_rules(rules.unwrap()),
        )
    };
    assert_eq!(
        ruled("new\n")
            .diff_since("/m", &ruled("old\n").snapshot())
            .unwrap(),
        "file /m/denied modified: access denied, 4 -> 4 bytes\n\
         --- /m/open\n+++ /m/open\n@@ -1 +1 @@\n-old\n+new\n"
    );
}

/// The host changed a file after the script had replaced it. A diff against what the host has now would show changes
/// that the script never made.
#[test]
fn a_diff_never_shows_what_the_host_made_of_an_owned_file() {
    let (table, disk) = overlay(&[("/f", "as the script saw it\n")]);
    table.write("/m/f", "the script's\n").unwrap();
    fs::write(disk.path().join("f"), "the host's, later\n").unwrap();
    assert_eq!(
        table.diff("/m").unwrap(),
        "file /m/f modified: contents not available, 21 -> 13 bytes\n"
    );
}

#[test]
fn a_carriage_return_is_a_character_of_its_line() {
    let table = memory(&[("/f", "a\rb\r\nc\n")]);
    table.write("/m/f", "a\rb\r\nd\n").unwrap();
    assert_eq!(
        table.diff("/m/f").unwrap(),
        "--- /m/f\n+++ /m/f\n@@ -1,2 +1,2 @@\n a\rb\r\n-c\n+d\n"
    );
}

#[test]
fn a_path_must_be_one_that_the_table_answers_for() {
    let table = memory(&[]);
    assert_eq!(
        table.diff("/elsewhere").unwrap_err().kind(),
        ErrorKind::NotCovered
    );
    assert_eq!(table.diff("m").unwrap_err().kind(), ErrorKind::NotAbsolute);
    assert_eq!(table.diff("/m/missing").unwrap(), "");
}

/// Files by virtual path.
type Files = BTreeMap<String, String>;

fn files(table: &Table) -> Files {
    let tree = image(&table.checkout(LeaseMode::Shared).unwrap(), "/m");
    tree.into_iter()
        .filter_map(|(path, entry)| match entry {
            Entry::File(bytes) => Some((format!("/m/{path}"), String::from_utf8(bytes).unwrap())),
            Entry::Directory => None,
        })
        .collect()
}

/// What `diff` makes of `before`. Every line must be accounted for.
fn applied(before: &Files, diff: &str) -> Files {
    let mut lines = diff.split_inclusive('\n').peekable();
    let mut gone = Vec::new();
    let mut came = Files::new();
    while let Some(line) = lines.next() {
        let line = line.strip_suffix('\n').unwrap();
        if let Some(old) = line.strip_prefix("--- ") {
            let new = lines.next().unwrap().strip_prefix("+++ ").unwrap().trim_end();
            let text = before.get(old).map_or("", String::as_str);
            if new == "/dev/null" {
                assert_eq!(hunks(text, &mut lines), "");
                gone.push(old.to_owned());
            } else {
                came.insert(new.to_owned(), hunks(text, &mut lines));
            }
        } else if let Some(file) = line.strip_prefix("file ") {
            let file = file.strip_suffix(": empty").unwrap_or(file);
            if let Some((from, to)) = file.split_once(" moved to ") {
                gone.push(from.to_owned());
                came.insert(to.to_owned(), before[from].clone());
            } else if let Some(path) = file.strip_suffix(" created") {
                came.insert(path.to_owned(), String::new());
            } else if let Some(path) = file.strip_suffix(" deleted") {
                gone.push(path.to_owned());
            } else {
                assert!(file.contains(" moved over "), "{line}");
            }
        } else {
            assert!(line.starts_with("directory "), "{line}");
        }
    }
    let mut after = before.clone();
    after.retain(|path, _| !gone.contains(path));
    after.extend(came);
    after
}

/// `old` after the hunks that come next.
fn hunks<'d>(old: &str, lines: &mut std::iter::Peekable<impl Iterator<Item = &'d str>>) -> String {
    let mut rest = old.split_inclusive('\n').enumerate().peekable();
    let mut new = String::new();
    while let Some(header) = lines.next_if(|line| line.starts_with("@@ ")) {
        let mut ranges = header.split(' ').skip(1).map(|range| {
            let (start, length) = range[1..].split_once(',').unwrap_or((&range[1..], "1"));
            (start.parse::<usize>().unwrap(), length.parse::<usize>().unwrap())
        });
        let ((start, mut before), (_, mut after)) = (ranges.next().unwrap(), ranges.next().unwrap());
        let first = if before == 0 { start } else { start - 1 };
        while let Some((_, line)) = rest.next_if(|(number, _)| *number < first) {
            new.push_str(line);
        }
        while before + after > 0 {
            let line = lines.next().unwrap();
            let (sign, line) = line.split_at(1);
            let ends = lines.next_if(|line| line.starts_with("\\ ")).is_none();
            let line = if ends {
                line
            } else {
                line.strip_suffix('\n').unwrap()
            };
            if sign != "+" {
                assert_eq!(rest.next().unwrap().1, line);
                before -= 1;
            }
            if sign != "-" {
                new.push_str(line);
                after -= 1;
            }
        }
    }
    new.extend(rest.map(|(_, line)| line));
    new
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let line = prop::sample::select(vec!["\n", "x\n", "--- a\n", "+++ b\n", "@@ -1 +1 @@\n", "y\r\n"]);
    (
        prop::collection::vec(line, 0..30),
        prop::sample::select(vec!["", "no end"]),
    )
        .prop_map(|(lines, end)| format!("{}{end}", lines.concat()).into_bytes())
}

fn program() -> impl Strategy<Value = Vec<Step>> {
    let step = (support::step(), text()).prop_map(|(step, text)| match step {
        Step::Write(path, _) => Step::Write(path, text),
        Step::Append(path, _) => Step::Append(path, text),
        step => step,
    });
    prop::collection::vec(step, 1..40)
}

fn work(table: &Table, program: &[Step]) {
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    for step in program {
        let _ = run(&lease, "/m", step);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_diff_turns_the_old_files_into_the_new_ones(
        before in program(), early in program(), late in program()
    ) {
        let disk = tempfile::tempdir().unwrap();
        for step in &before {
            let _ = run_on_disk(disk.path(), step);
        }
        let seeded = mounted(Mount::memory());
        work(&seeded, &before);
        let over = mounted(Mount::overlay(HostDirectory::open(disk.path()).unwrap()));
        for table in [seeded.fork(), over] {
            let origin = files(&table);
            work(&table, &early);
            let (snapshot, middle) = (table.snapshot(), files(&table));
            prop_assert_eq!(applied(&origin, &table.diff("/m").unwrap()), middle.clone());
            work(&table, &late);
            prop_assert_eq!(applied(&origin, &table.diff("/m").unwrap()), files(&table));
            prop_assert_eq!(applied(&middle, &table.diff_since("/m", &snapshot).unwrap()), files(&table));
        }
    }
}

/// The tool itself, where it is installed.
#[test]
fn patch_applies_a_diff() {
    if Command::new("patch").arg("--version").output().is_err() {
        eprintln!("patch is not installed: nothing was checked");
        return;
    }
    let numbers = |from: u32, to: u32| {
        let lines: Vec<_> = (from..to).map(|line| line.to_string()).collect();
        lines.join("\n") + "\n"
    };
    let old = [
        ("/plain", numbers(0, 100)),
        ("/with space", numbers(0, 3)),
        ("/new\nline", numbers(0, 3)),
        ("/gone", numbers(0, 9)),
        ("/unended", "x".to_owned()),
    ];
    let table = mounted(
        Mount::memory()
            .with_files(old.iter().map(|(path, text)| (*path, text.clone())))
            .unwrap(),
    );
    table
        .write("/m/plain", numbers(5, 50) + &numbers(55, 120))
        .unwrap();
    table.write("/m/with space", numbers(1, 4)).unwrap();
    table.write("/m/new\nline", numbers(2, 5)).unwrap();
    table.remove_file("/m/gone").unwrap();
    table.write("/m/unended", "x\ny").unwrap();
    table.write("/m/created", numbers(0, 2)).unwrap();

    let disk = tempfile::tempdir().unwrap();
    fs::create_dir(disk.path().join("m")).unwrap();
    for (path, text) in &old {
        fs::write(disk.path().join("m").join(&path[1..]), text).unwrap();
    }
    let diff = disk.path().join("diff");
    fs::write(&diff, table.diff("/").unwrap()).unwrap();
    let status = Command::new("patch")
        .args(["-p1", "--silent", "-d"])
        .arg(disk.path())
        .arg("--input")
        .arg(&diff)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    for (path, text) in files(&table) {
        assert_eq!(
            fs::read_to_string(disk.path().join(&path[1..])).unwrap(),
            text,
            "{path}"
        );
    }
    assert!(!disk.path().join("m/gone").exists());
}
