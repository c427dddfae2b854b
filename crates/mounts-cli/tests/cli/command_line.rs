//! What the command line accepts, and what it says about the rest.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use super::program::{Program, directory};

/// What is said about `arguments`, with a script that is never run.
#[track_caller]
fn refused(arguments: &[&str]) -> String {
    Program::new()
        .args(arguments.iter().copied())
        .script("print('it ran')")
        .refused()
}

#[test]
fn a_mount_that_is_none_is_told_what_is_accepted() {
    for (spec, why) in [
        (
            "/src=./",
            "'./' has no mode; accepted are 'memory', 'DIRECTORY:ro', 'DIRECTORY:rw', 'DIRECTORY:overlay'",
        ),
        (
            "/src=./:writable",
            "unknown mode 'writable'; accepted are 'memory', 'DIRECTORY:ro', 'DIRECTORY:rw', 'DIRECTORY:overlay'",
        ),
        ("/src", "it does not begin with a virtual path and '='"),
        ("./src=./:ro", "a virtual path starts with '/'"),
        ("/src=./no/such/directory:ro", "the host directory does not exist"),
        ("/src=/dev/null:overlay", "the host path is not a directory"),
        ("/src=:ro", "no directory stands before the mode"),
    ] {
        assert_eq!(
            refused(&["--mount", spec]),
            format!("mounts-cli: --mount '{spec}': {why}\n")
        );
    }
}

#[test]
fn one_point_is_mounted_once() {
    assert_eq!(
        refused(&["--mount", "/m=memory", "--mount", "/m/=memory"]),
        "mounts-cli: --mount '/m/=memory': a mount exists at this path already\n"
    );
}

#[test]
fn a_directory_that_is_written_does_not_overlap_another() {
    let outer = directory(&[("inner/a.txt", "")]);
    let inner = outer.path().join("inner");
    for (first, second) in [("rw", "rw"), ("rw", "ro"), ("overlay", "rw")] {
        let spec = format!("/inner={}:{second}", inner.display());
        let told = Program::new()
            .mount("/outer", &outer, first)
            .args(["--mount", &spec])
            .script("")
            .refused();
        assert_eq!(
            told,
            format!("mounts-cli: --mount '{spec}': the host directory overlaps that of another mount\n")
        );
    }
}

#[test]
fn what_is_said_of_a_mount_that_there_is_not_is_refused() {
    for option in ["hide", "deny", "read-only", "quota"] {
        assert_eq!(
            refused(&["--mount", "/m=memory", &format!("--{option}"), "/n=files:1"]),
            format!("mounts-cli: --{option} '/n=files:1': nothing is mounted at '/n'\n")
        );
    }
}

#[test]
fn a_glob_or_a_quota_that_is_none_is_told_why() {
    let rule = refused(&["--mount", "/m=memory", "--hide", "/m=[a"]);
    assert_eq!(
        rule,
        "mounts-cli: --mount '/m=memory': glob '[a': a class is not closed by ']'\n"
    );
    let quota = refused(&["--mount", "/m=memory", "--quota", "/m=bytes:lots"]);
    assert!(
        quota.starts_with("mounts-cli: --quota '/m=bytes:lots': 'lots' is not a size"),
        "{quota}"
    );
}

#[test]
fn a_limit_that_is_none_is_told_its_units() {
    let time = refused(&["--limit-time", "soon"]);
    assert!(
        time.starts_with("mounts-cli: --limit-time 'soon': 'soon' is not a time"),
        "{time}"
    );
    let memory = refused(&["--limit-memory", "64Mb"]);
    assert!(
        memory.starts_with("mounts-cli: --limit-memory '64Mb': '64Mb' is not a size"),
        "{memory}"
    );
}

#[test]
fn a_working_directory_is_a_directory_of_the_mounts() {
    let source = directory(&[("a.txt", "")]);
    for (path, why) in [
        ("/src/a.txt", "Not a directory"),
        ("/src/missing", "No such file or directory"),
        ("/elsewhere", "no mount covers this path"),
        ("src", "a virtual path starts with '/'"),
    ] {
        let ended = Program::new()
            .mount("/src", &source, "ro")
            .args(["--cwd", path])
            .script("");
        assert_eq!(ended.refused(), format!("mounts-cli: --cwd '{path}': {why}\n"));
    }
}

#[test]
fn a_script_that_cannot_be_read_is_no_script() {
    let files = directory(&[]);
    let missing = files.path().join("missing.py");
    assert_eq!(
        Program::new().arg(&missing).run().refused(),
        format!(
            "mounts-cli: cannot run '{}': No such file or directory (os error 2)\n",
            missing.display()
        )
    );
    let binary = files.path().join("binary.py");
    fs::write(&binary, b"x = '\xff'").unwrap();
    let told = Program::new().arg(&binary).run().refused();
    assert!(told.contains("it is not UTF-8"), "{told}");
}

#[test]
fn without_a_script_or_with_an_unknown_option_the_usage_is_told() {
    assert!(Program::new().run().refused().contains("Usage: mounts-cli"));
    let unknown = Program::new().arg("--mont").arg("/m=memory").run().refused();
    assert!(
        unknown.contains("'--mont'") && unknown.contains("--mount"),
        "{unknown}"
    );
}

#[test]
fn help_describes_what_a_mount_is() {
    let help = Program::new().arg("--help").run().printed();
    for word in [
        "memory",
        "ro ",
        "overlay ",
        "GLOB",
        "file-size",
        "--commit[=<POINT>]",
        "--diff",
        "Exit status",
    ] {
        assert!(help.contains(word), "{word} in {help}");
    }
}

#[test]
fn arguments_need_not_be_utf8_where_they_are_paths_of_the_host() {
    let files = directory(&[]);
    let mut name = files.path().as_os_str().as_bytes().to_vec();
    name.extend(b"/caf\xe9");
    let path = OsStr::from_bytes(&name);
    fs::create_dir(path).unwrap();
    let script = std::path::Path::new(path).join("task.py");
    fs::write(&script, "print(open('/src/task.py').read())").unwrap();

    let spec = [b"/src=", name.as_slice(), b":ro"].concat();
    let ended = Program::new()
        .arg("--mount")
        .arg(OsStr::from_bytes(&spec))
        .arg(&script)
        .run();
    assert_eq!(ended.printed(), "print(open('/src/task.py').read())\n");

    let told = Program::new()
        .arg("--mount")
        .arg(OsStr::from_bytes(b"/\xff=memory"))
        .script("")
        .refused();
    assert!(told.contains("the mount point is not UTF-8"), "{told}");
    let told = Program::new()
        .arg("--cwd")
        .arg(OsStr::from_bytes(b"/\xff"))
        .script("")
        .refused();
    assert!(
        told.contains("--cwd") && told.contains("it is not UTF-8"),
        "{told}"
    );
}
