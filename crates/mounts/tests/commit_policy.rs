//! What a commit leaves in the overlay because it may not be committed, or was not asked for.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by unwrapping, and plays the host"
)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use mounts::history::SkipReason;
use mounts::{Globs, Mount, Rules, Table};
use support::committed::{all, directory, house, over, text};

#[test]
fn what_lies_in_dot_directories_stays_unless_it_is_included() {
    let (table, disk) = over(&[(".git/config", "1"), ("src/a", "1")]);
    table.create_dir_all("/m/.git/hooks").unwrap();
    table.write("/m/.git/hooks/post-checkout", "curl evil").unwrap();
    table.write("/m/.git/config", "[core] fsmonitor = evil").unwrap();
    table.write("/m/.gitignore", "target").unwrap();
    table.write("/m/src/a", "2").unwrap();
    let report = table.commit("/m", &all()).unwrap();
    assert_eq!(report.written, ["/m/.gitignore", "/m/src/a"]);
    assert_eq!(
        report.skipped,
        [
            ("/m/.git/config".into(), SkipReason::DotDirectory),
            ("/m/.git/hooks".into(), SkipReason::DotDirectory),
            ("/m/.git/hooks/post-checkout".into(), SkipReason::DotDirectory),
        ]
    );
    assert_eq!(text(&disk, ".git/config"), "1");
    assert_eq!(
        *table.read("/m/.git/config").unwrap().as_contiguous(),
        *b"[core] fsmonitor = evil"
    );
    let asked = all().include([".git/config"]).unwrap();
    assert_eq!(table.commit("/m", &asked).unwrap().written, ["/m/.git/config"]);
    assert_eq!(
        table.changes().len(),
        2,
        "the hook is still there to be looked at"
    );
}

/// Git takes a file called `.git` for a reference to the directory that it uses, and follows a link of that name. A script
/// that may make either has made a repository of a directory of its own, whose configuration names programs to run.
#[test]
fn what_git_takes_for_its_directory_is_a_dot_directory() {
    let (table, disk) = over(&[("sub/a", "1")]);
    std::os::unix::fs::symlink("evil", disk.path().join("current")).unwrap();
    table.create_dir_all("/m/evil").unwrap();
    table.write("/m/evil/config", "[core] fsmonitor = evil").unwrap();
    table.write("/m/sub/.git", "gitdir: ../evil").unwrap();
    table.rename("/m/current", "/m/.git").unwrap();
    let report = table.commit("/m", &all()).unwrap();
    assert_eq!(report.written, ["/m/evil", "/m/evil/config"]);
    assert_eq!(
        report.skipped,
        [
            ("/m/.git".into(), SkipReason::DotDirectory),
            ("/m/sub/.git".into(), SkipReason::DotDirectory),
        ]
    );
    assert!(!disk.path().join(".git").exists() && !disk.path().join("sub/.git").exists());
    let asked = all().include(["**/.git"]).unwrap();
    table.commit("/m", &asked).unwrap();
    assert_eq!(text(&disk, "sub/.git"), "gitdir: ../evil");
    assert_eq!(text(&disk, ".git/config"), "[core] fsmonitor = evil");
}

/// Moving a directory that the host trusts with hooks into place, or a file in and out of it, are doors too.
#[test]
fn nothing_comes_into_or_out_of_a_dot_directory_by_a_move() {
    let (table, disk) = over(&[("hooks/post-checkout", "evil"), (".git/HEAD", "ref")]);
    table.rename("/m/hooks", "/m/.git/hooks").unwrap();
    table.rename("/m/.git/HEAD", "/m/HEAD").unwrap();
    let report = table.commit("/m", &all()).unwrap();
    assert_eq!((report.written, report.removed), (vec![], vec![]));
    assert!(disk.path().join("hooks/post-checkout").exists() && disk.path().join(".git/HEAD").exists());
    let reasons: Vec<_> = report.skipped.into_iter().collect();
    assert_eq!(
        reasons,
        [
            ("/m/.git/HEAD".into(), SkipReason::DotDirectory),
            ("/m/.git/hooks".into(), SkipReason::DotDirectory),
            ("/m/HEAD".into(), SkipReason::Depends),
            ("/m/hooks".into(), SkipReason::Depends),
        ]
    );
}

#[test]
fn a_file_comes_to_be_executable_only_if_that_is_included() {
    let (table, disk) = over(&[("bin/tool", "#!"), ("notes", "")]);
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(disk.path().join("bin/tool"), executable).unwrap();
    table.rename("/m/bin/tool", "/m/notes").unwrap();
    let report = table.commit("/m", &all()).unwrap();
    assert_eq!(
        report.skipped,
        [
            ("/m/bin/tool".into(), SkipReason::Depends),
            ("/m/notes".into(), SkipReason::Executable)
        ]
    );
    table.commit("/m", &all().include(["notes"]).unwrap()).unwrap();
    assert_eq!(text(&disk, "notes"), "#!");
}

#[test]
fn only_and_except_choose_and_what_depends_on_the_rest_waits() {
    let (table, disk) = over(&[("a", "1"), ("b", "1")]);
    table.create_dir_all("/m/new/deep").unwrap();
    table.write("/m/new/deep/f", "").unwrap();
    table.write("/m/a", "2").unwrap();
    table.rename("/m/b", "/m/c").unwrap();
    let options = all().only(["new/**", "a", "c"]).unwrap().except(["a"]).unwrap();
    let report = table.commit("/m", &options).unwrap();
    assert_eq!(report.written, [""; 0]);
    assert_eq!(
        report.skipped,
        [
            ("/m/a".into(), SkipReason::NotSelected),
            ("/m/b".into(), SkipReason::NotSelected),
            ("/m/c".into(), SkipReason::Depends),
            ("/m/new".into(), SkipReason::NotSelected),
            ("/m/new/deep".into(), SkipReason::Depends),
            ("/m/new/deep/f".into(), SkipReason::Depends),
        ]
    );
    let report = table.commit("/m", &all().only(["new"]).unwrap()).unwrap();
    assert_eq!(report.written, ["/m/new", "/m/new/deep", "/m/new/deep/f"]);
    assert_eq!(text(&disk, "a"), "1");
    assert!(all().only(["["]).is_err());
}

#[test]
fn rules_hold_for_what_was_put_there_without_asking_them() {
    let disk = house(&[]);
    let rules = Rules::new(Globs {
        read_only: vec!["vendor".into()],
        ..Globs::default()
    });
    let files = [("/vendor/lib", "1"), ("/open", "1")];
    let mount = Mount::overlay(directory(&disk)).with_files(files).unwrap();
    let table = Table::new();
    table.mount("/m", mount.with_rules(rules.unwrap())).unwrap();
    let report = table.commit("/m", &all()).unwrap();
    assert_eq!(report.written, ["/m/open"]);
    assert_eq!(report.skipped[0], ("/m/vendor".into(), SkipReason::Rule));
    assert!(!disk.path().join("vendor").exists());
}

/// The names under which a commit keeps what it is not done with are nobody else's.
#[test]
fn a_name_that_the_directory_keeps_for_itself_stays_in_the_overlay() {
    let (table, disk) = over(&[]);
    let name = format!(".mounts-{}.partial", "0".repeat(32));
    table.write(&format!("/m/{name}"), "").unwrap();
    let report = table.commit("/m", &all()).unwrap();
    assert_eq!(report.skipped, [(format!("/m/{name}"), SkipReason::Name)]);
    assert!(!disk.path().join(name).exists());
}
