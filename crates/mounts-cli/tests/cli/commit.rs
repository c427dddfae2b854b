//! What is committed of an overlay, and what is not.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::program::{Program, directory, names};

/// Changes a file, makes one in a new directory, and removes one.
const WORK: &str = "
import os
from pathlib import Path
Path('/repo/changed.txt').write_text('after')
os.makedirs('/repo/new/deep')
Path('/repo/new/deep/made.txt').write_text('made')
os.remove('/repo/gone.txt')
";

const DOT: &str = "it is, or is in, a directory whose name begins with a dot; --include takes it";

fn project() -> TempDir {
    directory(&[
        ("changed.txt", "before"),
        ("gone.txt", ""),
        (".git/config", "config"),
    ])
}

#[track_caller]
fn text(directory: &TempDir, name: &str) -> String {
    fs::read_to_string(directory.path().join(name)).unwrap()
}

/// That the host has what [`project`] made, and nothing else.
#[track_caller]
fn assert_untouched(project: &TempDir) {
    assert_eq!(names(project.path()), [".git", "changed.txt", "gone.txt"]);
    assert_eq!(text(project, "changed.txt"), "before");
    assert_eq!(text(project, ".git/config"), "config");
}

#[test]
fn a_commit_writes_what_the_script_changed_and_says_so() {
    let project = project();
    let ended = Program::new()
        .mount("/repo", &project, "overlay")
        .args(["--quiet", "--commit"])
        .script(WORK);
    assert_eq!(
        ended.printed(),
        "wrote /repo/changed.txt\nwrote /repo/new\nwrote /repo/new/deep\nwrote /repo/new/deep/made.txt\n\
         removed /repo/gone.txt\n"
    );
    assert_eq!(names(project.path()), [".git", "changed.txt", "new"]);
    assert_eq!(text(&project, "changed.txt"), "after");
    assert_eq!(text(&project, "new/deep/made.txt"), "made");
}

#[test]
fn what_changed_is_printed_before_what_is_committed() {
    let project = project();
    let ended = Program::new()
        .mount("/repo", &project, "overlay")
        .arg("--commit")
        .script("open('/repo/changed.txt', 'w').write('after')");
    assert_eq!(
        ended.printed(),
        "M /repo/changed.txt (6 -> 5 bytes)\nwrote /repo/changed.txt\n"
    );
}

#[test]
fn a_dry_run_says_what_a_commit_would_do_and_does_nothing() {
    let project = project();
    let ended = Program::new()
        .mount("/repo", &project, "overlay")
        .args([
            "--quiet",
            "--commit",
            "--dry-run",
            "--except",
            "/repo=changed.txt",
        ])
        .script(WORK);
    assert_eq!(
        ended.printed(),
        "would write /repo/new\nwould write /repo/new/deep\nwould write /repo/new/deep/made.txt\n\
         would remove /repo/gone.txt\nwould skip /repo/changed.txt: it is not asked for\n"
    );
    assert_untouched(&project);
}

#[test]
fn an_overlay_that_is_not_named_is_not_committed() {
    let (one, two) = (directory(&[]), directory(&[]));
    let run = |commit: &[&str]| {
        Program::new()
            .mount("/one", &one, "overlay")
            .mount("/two", &two, "overlay")
            .arg("--quiet")
            .args(commit.iter().copied())
            .script("open('/one/a', 'w').write('1')\nopen('/two/b', 'w').write('2')\n")
            .printed()
    };
    assert_eq!(run(&["--commit=/two/"]), "wrote /two/b\n");
    assert_eq!(
        (names(one.path()), names(two.path())),
        (vec![], vec!["b".to_owned()])
    );
    assert_eq!(
        run(&["--commit=/one", "--commit=/two"]),
        "wrote /one/a\nwrote /two/b\n"
    );
    assert_eq!((text(&one, "a"), text(&two, "b")), ("1".into(), "2".into()));
}

#[test]
fn without_a_commit_an_overlay_is_not_committed() {
    let project = project();
    let run = Program::new().mount("/repo", &project, "overlay").arg("--quiet");
    assert_eq!(run.script(WORK).printed(), "");
    assert_untouched(&project);
}

#[test]
fn what_the_host_changed_meanwhile_is_a_conflict_and_nothing_is_written_anywhere() {
    let (project, other) = (project(), directory(&[]));
    let ended = Program::new()
        .mount("/other", &other, "overlay")
        .mount("/repo", &project, "overlay")
        .args(["--quiet", "--commit"])
        .meanwhile(&format!("{WORK}Path('/other/a').write_text('a')"), || {
            fs::write(project.path().join("changed.txt"), "by the host").unwrap();
            fs::create_dir(project.path().join("new")).unwrap();
        });
    assert_eq!((ended.status, ended.out.as_str()), (Some(3), ""));
    assert_eq!(
        ended.err,
        "mounts-cli: nothing is committed where the host has changed what would be\n  \
         /repo/changed.txt: it is not what it was when the script changed it\n  \
         /repo/new: something has come to be there\n"
    );
    assert_eq!(text(&project, "changed.txt"), "by the host");
    assert_eq!(names(project.path()), [".git", "changed.txt", "gone.txt", "new"]);
    assert_eq!(names(&project.path().join("new")), [""; 0]);
    assert_eq!(names(other.path()), [""; 0]);
}

#[test]
fn a_dry_run_finds_conflicts_too() {
    let project = project();
    let ended = Program::new()
        .mount("/repo", &project, "overlay")
        .args(["--quiet", "--commit", "--dry-run"])
        .meanwhile(WORK, || fs::remove_file(project.path().join("gone.txt")).unwrap());
    assert_eq!((ended.status, ended.out.as_str()), (Some(3), ""));
    assert!(ended.err.contains("\n  /repo/gone.txt: "), "{}", ended.err);
}

#[test]
fn dot_directories_are_skipped_unless_they_are_included() {
    let project = project();
    let code = "
from pathlib import Path
Path('/repo/.git/config').write_text('[core] fsmonitor = evil')
Path('/repo/.gitignore').write_text('target')
";
    let run = |include: &[&str]| {
        Program::new()
            .mount("/repo", &project, "overlay")
            .args(["--quiet", "--commit"])
            .args(include.iter().copied())
            .script(code)
            .printed()
    };
    assert_eq!(
        run(&[]),
        format!("wrote /repo/.gitignore\nskipped /repo/.git/config: {DOT}\n")
    );
    assert_eq!(text(&project, ".git/config"), "config");
    assert_eq!(
        run(&["--include", "/repo=.git/config"]),
        "wrote /repo/.git/config\nwrote /repo/.gitignore\n"
    );
    assert_eq!(text(&project, ".git/config"), "[core] fsmonitor = evil");
}

#[test]
fn a_file_becomes_executable_only_if_it_is_included() {
    let project = directory(&[("tool", "#!"), ("notes.md", "")]);
    fs::set_permissions(project.path().join("tool"), fs::Permissions::from_mode(0o755)).unwrap();
    let run = |include: &[&str]| {
        Program::new()
            .mount("/repo", &project, "overlay")
            .args(["--quiet", "--commit"])
            .args(include.iter().copied())
            .script("import os\nos.rename('/repo/tool', '/repo/notes.md')")
            .printed()
    };
    assert_eq!(
        run(&[]),
        "skipped /repo/notes.md: it would become executable; --include takes it\n\
         skipped /repo/tool: it depends on something else that is skipped\n"
    );
    assert_eq!(text(&project, "notes.md"), "");
    assert_eq!(
        run(&["--include", "/repo=*.md"]),
        "wrote /repo/notes.md\nremoved /repo/tool\n"
    );
    assert_eq!(text(&project, "notes.md"), "#!");
}

#[test]
fn only_and_except_choose_what_is_committed() {
    let project = project();
    let ended = Program::new()
        .mount("/repo", &project, "overlay")
        .args([
            "--quiet",
            "--commit",
            "--only",
            "/repo=new",
            "--only",
            "/repo=*.txt",
        ])
        .args(["--except", "/repo=gone*"])
        .script(WORK);
    assert_eq!(
        ended.printed(),
        "wrote /repo/changed.txt\nwrote /repo/new\nwrote /repo/new/deep\nwrote /repo/new/deep/made.txt\n\
         skipped /repo/gone.txt: it is not asked for\n"
    );
    assert_eq!(names(project.path()), [".git", "changed.txt", "gone.txt", "new"]);
}

#[test]
fn a_script_that_does_not_end_well_is_not_committed() {
    for (ending, told) in [
        ("raise ValueError('enough')", "ValueError: enough\n"),
        ("raise SystemExit('enough')", "enough\n"),
    ] {
        let project = project();
        let ended = Program::new()
            .mount("/repo", &project, "overlay")
            .args(["--quiet", "--commit"])
            .script(&format!("{WORK}{ending}"));
        assert_eq!((ended.status, ended.out.as_str()), (Some(1), ""));
        let expected = format!("{told}mounts-cli: the script did not end well: nothing is committed\n");
        assert!(ended.err.ends_with(&expected), "{}", ended.err);
        assert_untouched(&project);
    }
    let project = project();
    let ended = Program::new()
        .mount("/repo", &project, "overlay")
        .args(["--quiet", "--commit"])
        .script("open('/repo/gone.txt', 'w').write('here')\nraise SystemExit()");
    assert_eq!(ended.printed(), "wrote /repo/gone.txt\n");
}

/// A file that the host does not take stops the commit before anything is changed, and leaves no half of itself.
#[test]
fn a_commit_that_stops_says_what_it_did_not_come_to() {
    let project = project();
    let code = "
import os
os.makedirs('/repo/new')
open('/repo/new/large', 'w').write('x' * 1_000_000)
";
    let ended = Program::with_file_size_limit()
        .mount("/repo", &project, "overlay")
        .args(["--quiet", "--commit"])
        .script(code);
    assert_eq!(ended.status, Some(4), "{}", ended.err);
    assert_eq!(
        ended.out,
        "did not come to /repo/new\ndid not come to /repo/new/large\n"
    );
    assert_eq!(
        ended.err,
        "mounts-cli: the commit of '/repo' stopped at /repo/new/large: File too large\n"
    );
    assert!(!project.path().join("new").exists());
}

#[test]
fn what_is_no_overlay_cannot_be_committed() {
    let project = project();
    let refused = |mode: &str, arguments: &[&str]| {
        Program::new()
            .args(["--mount", "/m=memory"])
            .mount("/repo", &project, mode)
            .args(arguments.iter().copied())
            .script("print('it ran')")
            .refused()
    };
    for mode in ["ro", "rw"] {
        assert_eq!(
            refused(mode, &["--commit"]),
            "mounts-cli: --commit: no overlay of a directory is mounted\n"
        );
    }
    for (point, why) in [
        ("/m", "no overlay of a directory is mounted there"),
        ("/repo/new", "no overlay of a directory is mounted there"),
        ("", "a virtual path starts with '/'"),
        ("repo", "a virtual path starts with '/'"),
    ] {
        assert_eq!(
            refused("overlay", &[&format!("--commit={point}")]),
            format!("mounts-cli: --commit '{point}': {why}\n")
        );
    }
}

#[test]
fn what_is_said_of_a_commit_that_is_not_asked_for_is_refused() {
    let project = project();
    let refused = |arguments: &[&str]| {
        Program::new()
            .args(["--mount", "/m=memory"])
            .mount("/repo", &project, "overlay")
            .args(arguments.iter().copied())
            .script("print('it ran')")
            .refused()
    };
    for option in ["only", "except", "include"] {
        let option = format!("--{option}");
        assert_eq!(
            refused(&["--commit", &option, "/m=*"]),
            format!("mounts-cli: {option} '/m=*': no commit of '/m' is asked for\n")
        );
        assert_eq!(
            refused(&["--commit", &option, "/repo=[a"]),
            format!("mounts-cli: {option}: glob '[a': a class is not closed by ']'\n")
        );
        let alone = refused(&[&option, "/repo=*"]);
        assert!(alone.contains("--commit"), "{alone}");
    }
    assert!(refused(&["--dry-run"]).contains("--commit"));
}
