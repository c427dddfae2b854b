//! What is saved, and loaded again.

use std::fs;

use tempfile::TempDir;

use super::program::{Program, directory, names};

/// Changes memory and an overlay.
const WORK: &str = "
import os
from pathlib import Path
Path('/m/kept.txt').write_text('kept')
Path('/repo/changed.txt').write_text('after')
os.rename('/repo/moved.txt', '/repo/elsewhere.txt')
os.remove('/repo/gone.txt')
";

/// Prints every file of the mounts that [`WORK`] changes.
const SHOW: &str = "
import os
for top in ('/m', '/repo'):
    for at, directories, files in os.walk(top):
        directories.sort()
        for name in sorted(files):
            print(os.path.join(at, name), open(os.path.join(at, name)).read())
";

fn project() -> TempDir {
    directory(&[
        ("changed.txt", "before"),
        ("gone.txt", "gone"),
        ("moved.txt", "moved"),
        ("untouched.txt", "same"),
    ])
}

/// The option that gives the mount at `/repo` its directory.
fn bound(project: &TempDir) -> [String; 2] {
    let directory = project.path().display();
    ["--bind".to_owned(), format!("/repo={directory}:overlay")]
}

/// A file with a dump of what [`WORK`] does to `project`, in a directory of its own.
#[track_caller]
fn saved(project: &TempDir) -> (TempDir, String) {
    let files = directory(&[]);
    let file = files.path().join("work.dump").to_str().unwrap().to_owned();
    let ended = Program::new()
        .args(["--mount", "/m=memory", "--quiet", "--save", &file])
        .mount("/repo", project, "overlay")
        .script(WORK);
    assert_eq!(ended.printed(), "");
    assert_eq!(names(files.path()), ["work.dump"]);
    (files, file)
}

/// What is said about loading `file`, with `arguments`, for a script that is never run.
#[track_caller]
fn refused(file: &str, arguments: &[String]) -> String {
    Program::new()
        .args(["--load", file])
        .args(arguments.iter().map(String::as_str))
        .script("print('it ran')")
        .refused()
}

#[test]
fn what_is_saved_is_loaded_with_its_files_and_changes() {
    let project = project();
    let (_files, file) = saved(&project);
    let load = |arguments: &[&str], code: &str| {
        let [bind, spec] = bound(&project);
        let program = Program::new().args(["--load", &file, &bind, &spec]);
        program.args(arguments.iter().copied()).script(code).printed()
    };
    let shown =
        "/m/kept.txt kept\n/repo/changed.txt after\n/repo/elsewhere.txt moved\n/repo/untouched.txt same\n";
    assert_eq!(load(&["--quiet"], SHOW), shown);
    assert_eq!(
        load(&[], "import os\nprint(os.getcwd())"),
        "/m\n\
         M /repo/changed.txt (6 -> 5 bytes)\n\
         A /repo/elsewhere.txt (5 bytes), was /repo/moved.txt\n\
         D /repo/gone.txt (4 bytes)\n\
         D /repo/moved.txt (5 bytes)\n"
    );
    assert_eq!(
        fs::read_to_string(project.path().join("changed.txt")).unwrap(),
        "before"
    );
}

#[test]
fn what_is_loaded_can_be_saved_over_itself_and_committed() {
    let project = project();
    let (files, file) = saved(&project);
    let run = |arguments: &[&str], code: &str| {
        let [bind, spec] = bound(&project);
        let program = Program::new().args(["--load", &file, &bind, &spec, "--quiet", "--save", &file]);
        program.args(arguments.iter().copied()).script(code).printed()
    };
    run(&[], "open('/m/kept.txt', 'a').write(' twice')");
    assert_eq!(run(&[], "print(open('/m/kept.txt').read())"), "kept twice\n");
    assert_eq!(
        run(&["--commit", "--except", "/repo=gone.txt"], ""),
        "wrote /repo/changed.txt\nwrote /repo/elsewhere.txt\nremoved /repo/moved.txt\n\
         skipped /repo/gone.txt: it is not asked for\n"
    );
    assert_eq!(
        names(project.path()),
        ["changed.txt", "elsewhere.txt", "gone.txt", "untouched.txt"]
    );
    // What was committed is the host's by now; what was not is still in the dump.
    assert_eq!(run(&["--commit"], ""), "removed /repo/gone.txt\n");
    assert_eq!(names(files.path()), ["work.dump"]);
}

#[test]
fn rules_and_quotas_are_saved_and_hold_when_they_are_loaded() {
    let files = directory(&[]);
    let file = files.path().join("work.dump").to_str().unwrap().to_owned();
    Program::new()
        .args([
            "--mount",
            "/m=memory",
            "--quota",
            "/m=file-size:10B",
            "--hide",
            "/m=secret",
        ])
        .args(["--quiet", "--save", &file])
        .script("")
        .printed();
    let code = "
for name, size in (('a', 11), ('secret', 1), ('a', 10)):
    try:
        open('/m/' + name, 'w').write('x' * size)
        print('written')
    except OSError as error:
        print(type(error).__name__)
";
    let ended = Program::new().args(["--load", &file, "--quiet"]).script(code);
    assert_eq!(ended.printed(), "OSError\nFileNotFoundError\nwritten\n");
    assert_eq!(
        refused(&file, &["--hide".into(), "/m=b".into()]),
        "mounts-cli: --hide '/m=b': nothing is mounted at '/m' beside what is loaded, which has its own rules and \
         quotas\n"
    );
}

#[test]
fn a_loaded_table_takes_further_mounts() {
    let project = project();
    let (_files, file) = saved(&project);
    let more = directory(&[("b.txt", "more")]);
    let [bind, spec] = bound(&project);
    let ended = Program::new()
        .args(["--load", &file, &bind, &spec, "--quiet"])
        .mount("/more", &more, "ro")
        .script("print(open('/more/b.txt').read(), open('/m/kept.txt').read())");
    assert_eq!(ended.printed(), "more kept\n");
    assert_eq!(
        refused(&file, &[bind, spec, "--mount".into(), "/m=memory".into()]),
        "mounts-cli: --mount '/m=memory': a mount exists at this path already\n"
    );
}

#[test]
fn a_script_that_ends_badly_and_a_commit_that_conflicts_are_saved_too() {
    let project = project();
    let files = directory(&[]);
    let file = files.path().join("work.dump").to_str().unwrap().to_owned();
    let program = || {
        Program::new()
            .args(["--mount", "/m=memory", "--quiet", "--commit", "--save", &file])
            .mount("/repo", &project, "overlay")
    };
    let shown = |arguments: &[&str]| {
        let [bind, spec] = bound(&project);
        let program = Program::new().args(["--load", &file, "--quiet", &bind, &spec]);
        program
            .args(arguments.iter().copied())
            .script("print(open('/m/kept.txt').read(), open('/repo/changed.txt').read())")
    };
    let ended = program().script(&format!("{WORK}raise ValueError('enough')"));
    assert_eq!(ended.status, Some(1));
    assert_eq!(shown(&[]).printed(), "kept after\n");

    fs::remove_file(&file).unwrap();
    let path = project.path().join("gone.txt");
    let ended = program().meanwhile(WORK, || fs::write(&path, "longer than before").unwrap());
    assert_eq!(ended.status, Some(3), "{}", ended.err);
    // The script was told by a directory of its own when to go on.
    let bound = ["--bind", &format!("/shared={}:ro", files.path().display())];
    let drifted = shown(&bound);
    assert_eq!(
        (drifted.status, drifted.out.as_str()),
        (Some(3), ""),
        "{}",
        drifted.err
    );
    let kept = shown(&[bound[0], bound[1], "--keep-drifted"]);
    assert_eq!(kept.printed(), "kept after\n");
}

#[test]
fn what_the_host_changed_since_is_named_and_nothing_is_loaded() {
    let project = project();
    let (_files, file) = saved(&project);
    fs::write(project.path().join("moved.txt"), "by the host").unwrap();
    fs::remove_file(project.path().join("gone.txt")).unwrap();
    fs::write(project.path().join("untouched.txt"), "by the host").unwrap();
    let load = |arguments: &[&str], code: &str| {
        let [bind, spec] = bound(&project);
        let program = Program::new().args(["--load", &file, "--quiet", &bind, &spec]);
        program.args(arguments.iter().copied()).script(code)
    };
    let ended = load(&[], "print('it ran')");
    assert_eq!((ended.status, ended.out.as_str()), (Some(3), ""));
    assert_eq!(
        ended.err,
        format!(
            "mounts-cli: --load '{file}': the host has changed what an overlay owns\n  /repo/elsewhere.txt\n  \
             /repo/gone.txt\n  /repo/moved.txt\n"
        )
    );
    let code = "
print(open('/repo/changed.txt').read(), open('/repo/untouched.txt').read())
try:
    open('/repo/elsewhere.txt').read()
except OSError as error:
    print(error)
";
    assert_eq!(
        load(&["--keep-drifted"], code).printed(),
        "after by the host\n[Errno 116] Stale file handle: '/repo/elsewhere.txt'\n"
    );
}

#[test]
fn a_file_that_is_no_dump_is_told_why() {
    let project = project();
    let (files, file) = saved(&project);
    let whole = fs::read(&file).unwrap();
    let bad = files.path().join("bad.dump").to_str().unwrap().to_owned();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut later = whole.clone();
    later[8] = 200;
    let longer = [whole.as_slice(), b"more"].concat();
    for (bytes, why) in [
        (&b""[..], "the bytes are no dump of a table"),
        (b"print('a script')", "the bytes are no dump of a table"),
        (&whole[..20], "the dump is truncated"),
        (&whole[..whole.len() - 1], "the dump is truncated"),
        (&longer, "bytes follow the dump"),
        (&flipped, "the dump is damaged"),
        (&later, "the dump has version 200, which is not known here"),
    ] {
        fs::write(&bad, bytes).unwrap();
        assert_eq!(
            refused(&bad, &bound(&project)),
            format!("mounts-cli: --load '{bad}': {why}\n")
        );
    }
    let large = fs::File::create(&bad).unwrap();
    large.set_len(3 << 30).unwrap();
    assert_eq!(
        refused(&bad, &[]),
        format!("mounts-cli: --load '{bad}': the dump holds more than 1073741824 bytes\n")
    );
    assert!(refused("./no/such/file", &[]).contains("No such file or directory"));
}

#[test]
fn a_directory_is_bound_where_and_as_the_dump_has_it() {
    let project = project();
    let (_files, file) = saved(&project);
    assert_eq!(
        refused(&file, &[]),
        format!(
            "mounts-cli: --load '{file}': the mount needs a host directory\n  /repo\n\
             '--bind POINT=DIRECTORY:MODE' gives it one\n"
        )
    );
    let directory = project.path().display();
    let bind = |spec: &str| {
        let [bind, right] = bound(&project);
        refused(&file, &[bind.clone(), right, bind, spec.to_owned()])
    };
    for point in ["/m", "/elsewhere"] {
        assert_eq!(
            bind(&format!("{point}={directory}:overlay")),
            format!("mounts-cli: --load '{file}': no mount needs a host directory here\n  {point}\n")
        );
    }
    for (spec, why) in [
        ("/repo/=./:ro", "the mount has its directory already"),
        (
            "/m=memory",
            "what is in memory is in the dump; accepted is 'DIRECTORY:MODE'",
        ),
        ("/n=./no/such/directory:ro", "the host directory does not exist"),
    ] {
        assert_eq!(bind(spec), format!("mounts-cli: --bind '{spec}': {why}\n"));
    }
    assert!(bind("/n=./").contains("'./' has no mode"));
}

/// The dump of a mount that was written to its directory could otherwise be bound as one that looks harmless, or the
/// other way around.
#[test]
fn a_dump_does_not_decide_what_may_be_done_with_a_directory() {
    let files = directory(&[]);
    let file = files.path().join("work.dump").to_str().unwrap().to_owned();
    let modes = ["ro", "rw", "overlay"];
    for saved in modes {
        let project = directory(&[("a.txt", "before")]);
        Program::new()
            .mount("/repo", &project, saved)
            .args(["--quiet", "--save", &file])
            .script("")
            .printed();
        for given in modes {
            let spec = format!("/repo={}:{given}", project.path().display());
            let program = Program::new().args(["--load", &file, "--quiet", "--bind", &spec]);
            let ended = program.script("print(open('/repo/a.txt').read())");
            if given == saved {
                assert_eq!(ended.printed(), "before\n");
                continue;
            }
            let why = match saved {
                "rw" => {
                    format!("--load '{file}': the mount needs a host directory that can be written\n  /repo")
                }
                saved => format!("--bind '{spec}': the dump has this mount as {saved}"),
            };
            assert_eq!(ended.refused(), format!("mounts-cli: {why}\n"));
        }
    }
}

#[test]
fn what_is_said_of_a_dump_that_is_not_loaded_is_refused() {
    for arguments in [&["--bind", "/repo=./:overlay"][..], &["--keep-drifted"]] {
        let told = Program::new()
            .args(arguments.iter().copied())
            .script("")
            .refused();
        assert!(told.contains("--load <FILE>"), "{told}");
    }
}
