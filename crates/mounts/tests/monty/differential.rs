//! The same scripts under Python on a real directory and under Monty over mounts print the same.
//!
//! Each script in `scripts/` works below `ROOT` and prints what it sees. Where there is no `python3` the comparison
//! cannot be made, which the tests say and pass.

use std::path::Path;
use std::process::{Command, Stdio};

use mounts::{HostDirectory, Memory, Mount, MountKind, Overlay, Table, WritableHostDirectory};
use tempfile::TempDir;

use crate::script::Script;

/// The root that scripts work in, over mounts.
const ROOT: &str = "/work/space";

macro_rules! same_as_python {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                compare(stringify!($name), include_str!(concat!("scripts/", stringify!($name), ".py")));
            }
        )*

        #[test]
        fn every_script_is_compared() {
            let listed = [$(concat!(stringify!($name), ".py")),*];
            let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/monty/scripts");
            let mut found: Vec<_> = std::fs::read_dir(scripts)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            found.sort();
            assert_eq!(found, listed);
        }
    };
}

same_as_python! {
    binary csv_files decode errors glob glob_module inode json_files mkdir names open_modes ospath relative remove rename
    report shutil_files shutil_trees stat text walk
}

/// Runs a script in every way and compares what it prints.
fn compare(name: &str, script: &str) {
    let Some(expected) = python(script) else {
        println!("python3 is not installed: {name}.py was not compared");
        return;
    };
    let lower = tempfile::tempdir().unwrap();
    let written = tempfile::tempdir().unwrap();
    let host = |directory: &TempDir| HostDirectory::open(directory.path()).unwrap();
    let over_the_host = Table::new();
    over_the_host.mount("/", Mount::overlay(host(&lower))).unwrap();
    for (kind, point, mount) in [
        ("memory", ROOT, Mount::memory()),
        ("memory", "/work", Mount::memory()),
        ("memory", "/", Mount::memory()),
        ("an overlay over memory", ROOT, Mount::overlay(Memory::new())),
        (
            "an overlay over an overlay",
            ROOT,
            Mount::overlay(Overlay::new(Memory::new())),
        ),
        (
            "an overlay over a snapshot",
            ROOT,
            Mount::overlay(over_the_host.snapshot()),
        ),
        (
            "an overlay over a host directory",
            ROOT,
            Mount::overlay(host(&lower)),
        ),
        (
            "a host directory",
            ROOT,
            Mount::read_write(WritableHostDirectory::new(host(&written))),
        ),
    ] {
        if name == "inode" && mount.kind() == MountKind::ReadWrite {
            continue;
        }
        let table = Table::new();
        table.mount(point, mount).unwrap();
        table.create_dir_all(ROOT).unwrap();
        let code = format!("ROOT = {ROOT:?}\n{script}");
        let mut run = Script::new(&code);
        run.cwd = ROOT;
        let ended = run.run(&table);
        assert_eq!(ended.handed_back, [""; 0], "every call is covered");
        assert_same(name, &format!("{kind} at {point}"), &expected, &ended.printed());
    }
    assert_eq!(
        std::fs::read_dir(lower.path()).unwrap().count(),
        0,
        "an overlay leaves its lower alone"
    );
}

/// What Python prints, with its directory called [`ROOT`]; `None` where there is no Python.
fn python(script: &str) -> Option<String> {
    let found = Command::new("python3")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !found.is_ok_and(|status| status.success()) {
        return None;
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    let root = root.to_str().unwrap();
    let code = format!("import os\nos.umask(0o022)\nROOT = {root:?}\n{script}");
    let done = Command::new("python3")
        .args(["-I", "-X", "utf8", "-c", &code])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8(done.stdout).unwrap().replace(root, ROOT))
}

#[track_caller]
fn assert_same(name: &str, mounted: &str, expected: &str, actual: &str) {
    let mut lines = expected.lines().zip(actual.lines()).enumerate();
    if let Some((number, (python, monty))) = lines.find(|(_, (python, monty))| python != monty) {
        panic!(
            "{name}.py, {mounted}, line {}:\n  python: {python}\n  mounts: {monty}",
            number + 1
        );
    }
    assert_eq!(
        expected.lines().count(),
        actual.lines().count(),
        "{name}.py, {mounted}"
    );
}
