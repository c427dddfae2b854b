//! Every row of the table of errors, class and text, as a script catches it.

use std::collections::BTreeMap;

use monty_types::ExcType;
use mounts::{ErrorKind, HostDirectory, LeaseMode, Limits, Mount, Operation, Table};

use crate::linked::{Entry, Linked};
use crate::script::run;

/// Runs each expression and gives what it raised.
pub(crate) fn raised(table: &Table, attempts: &[(&str, &str)]) {
    let mut code = String::from(
        "import os\nfrom pathlib import Path\n\
         def attempt(what):\n    \
             try:\n        what()\n    \
             except Exception as error:\n        print(type(error).__name__ + ': ' + str(error))\n    \
             else:\n        print('nothing raised')\n",
    );
    for (attempt, _) in attempts {
        code.extend(["attempt(lambda: ", attempt, ")\n"]);
    }
    let ended = run(table, &code);
    assert_eq!(ended.handed_back, [""; 0]);
    let printed = ended.printed();
    let seen: BTreeMap<_, _> = attempts
        .iter()
        .map(|(attempt, _)| *attempt)
        .zip(printed.lines())
        .collect();
    let expected: BTreeMap<_, _> = attempts.iter().copied().collect();
    assert_eq!(seen, expected);
}

fn table() -> Table {
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    table.mount("/m/nested", Mount::memory()).unwrap();
    table.write("/m/file", "text").unwrap();
    table.create_dir_all("/m/dir/sub").unwrap();
    table
}

#[test]
fn what_is_missing_there_or_of_the_wrong_kind() {
    raised(
        &table(),
        &[
            (
                "Path('/m/v').read_text()",
                "FileNotFoundError: [Errno 2] No such file or directory: '/m/v'",
            ),
            (
                "os.mkdir('/m/dir')",
                "FileExistsError: [Errno 17] File exists: '/m/dir'",
            ),
            ("os.mkdir('/m')", "FileExistsError: [Errno 17] File exists: '/m'"),
            (
                "Path('/m/file/v').read_bytes()",
                "NotADirectoryError: [Errno 20] Not a directory: '/m/file/v'",
            ),
            (
                "os.listdir('/m/file')",
                "NotADirectoryError: [Errno 20] Not a directory: '/m/file'",
            ),
            (
                "open('/m/dir')",
                "IsADirectoryError: [Errno 21] Is a directory: '/m/dir'",
            ),
            (
                "open('/m/nested', 'w')",
                "IsADirectoryError: [Errno 21] Is a directory: '/m/nested'",
            ),
            (
                "os.rmdir('/m/dir')",
                "OSError: [Errno 39] Directory not empty: '/m/dir'",
            ),
            (
                "Path(\"/m/it's\").read_text()",
                "FileNotFoundError: [Errno 2] No such file or directory: \"/m/it's\"",
            ),
            (
                "open('/m/../m/./v')",
                "FileNotFoundError: [Errno 2] No such file or directory: '/m/../m/./v'",
            ),
        ],
    );
}

#[test]
fn renames_name_both_paths() {
    raised(
        &table(),
        &[
            (
                "os.rename('/m/v', '/m/w')",
                "FileNotFoundError: [Errno 2] No such file or directory: '/m/v' -> '/m/w'",
            ),
            (
                "os.rename('/m/file', '/m/nested/file')",
                "OSError: [Errno 18] Invalid cross-device link: '/m/file' -> '/m/nested/file'",
            ),
            (
                "os.rename('/m/file', '/elsewhere/file')",
                "OSError: [Errno 18] Invalid cross-device link: '/m/file' -> '/elsewhere/file'",
            ),
            (
                "os.rename('/elsewhere/file', '/m/file')",
                "OSError: [Errno 18] Invalid cross-device link: '/elsewhere/file' -> '/m/file'",
            ),
            (
                "os.rename('/m/dir', '/m/dir/sub/x')",
                "OSError: [Errno 22] Invalid argument: '/m/dir' -> '/m/dir/sub/x'",
            ),
            (
                "os.rename('/m/nested', '/m/other')",
                "PermissionError: [Errno 13] Permission denied: '/m/nested' -> '/m/other'",
            ),
            (
                "os.rename('/m/file', '/m/dir')",
                "IsADirectoryError: [Errno 21] Is a directory: '/m/file' -> '/m/dir'",
            ),
        ],
    );
}

#[test]
fn read_only_mounts_say_so() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("file"), "text").unwrap();
    std::fs::create_dir(directory.path().join("dir")).unwrap();
    let table = Table::new();
    table
        .mount(
            "/ro",
            Mount::read_only(HostDirectory::open(directory.path()).unwrap()),
        )
        .unwrap();
    raised(
        &table,
        &[
            (
                "Path('/ro/file').write_text('x')",
                "PermissionError: [Errno 30] Read-only file system: '/ro/file'",
            ),
            (
                "open('/ro/file', 'a')",
                "PermissionError: [Errno 30] Read-only file system: '/ro/file'",
            ),
            (
                "Path('/ro/v').write_bytes(b'x')",
                "PermissionError: [Errno 30] Read-only file system: '/ro/v'",
            ),
            (
                "os.mkdir('/ro/v')",
                "PermissionError: [Errno 30] Read-only file system: '/ro/v'",
            ),
            (
                "Path('/ro/x/y/z').mkdir(parents=True)",
                "PermissionError: [Errno 30] Read-only file system: '/ro/x'",
            ),
            (
                "os.remove('/ro/file')",
                "PermissionError: [Errno 30] Read-only file system: '/ro/file'",
            ),
            (
                "os.rmdir('/ro/dir')",
                "PermissionError: [Errno 30] Read-only file system: '/ro/dir'",
            ),
            (
                "os.rename('/ro/file', '/ro/v')",
                "PermissionError: [Errno 30] Read-only file system: '/ro/file' -> '/ro/v'",
            ),
            (
                "open('/ro/v')",
                "FileNotFoundError: [Errno 2] No such file or directory: '/ro/v'",
            ),
            (
                "open('/ro/dir')",
                "IsADirectoryError: [Errno 21] Is a directory: '/ro/dir'",
            ),
        ],
    );
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn what_may_not_be_reached_is_denied() {
    let table = Table::new();
    let tree = Linked::new([
        ("out", Entry::Link("../secret")),
        ("absolute", Entry::Link("/etc/passwd")),
        ("pipe", Entry::Special),
        ("round", Entry::Link("round")),
    ]);
    table.mount("/m", Mount::read_only(tree)).unwrap();
    raised(
        &table,
        &[
            (
                "open('/m/out')",
                "PermissionError: [Errno 13] Permission denied: '/m/out'",
            ),
            (
                "os.stat('/m/absolute')",
                "PermissionError: [Errno 13] Permission denied: '/m/absolute'",
            ),
            (
                "Path('/m/pipe').read_bytes()",
                "PermissionError: [Errno 13] Permission denied: '/m/pipe'",
            ),
            (
                "os.stat('/m/round')",
                "OSError: [Errno 40] Too many levels of symbolic links: '/m/round'",
            ),
        ],
    );
}

#[test]
fn limits_say_which_limit_it_was() {
    let table = Table::new();
    let none = Limits::default();
    let mount =
        |point: &str, limits: Limits| table.mount(point, Mount::memory().with_limits(limits)).unwrap();
    mount(
        "/bytes",
        Limits {
            max_bytes: Some(10),
            ..none
        },
    );
    mount(
        "/files",
        Limits {
            max_files: Some(1),
            ..none
        },
    );
    mount(
        "/size",
        Limits {
            max_file_size: Some(3),
            ..none
        },
    );
    mount(
        "/work",
        Limits {
            write_bytes: Some(1_500_000),
            ..none
        },
    );
    mount(
        "/memory",
        Limits {
            memory: Some(50_000_000),
            ..none
        },
    );
    table.write("/files/one", "").unwrap();
    raised(
        &table,
        &[
            (
                "Path('/bytes/v').write_text('x' * 11)",
                "OSError: [Errno 28] No space left on device: '/bytes/v'",
            ),
            (
                "os.mkdir('/files/v')",
                "OSError: [Errno 28] No space left on device: '/files/v'",
            ),
            (
                "Path('/size/v').write_bytes(b'1234')",
                "OSError: [Errno 27] File too large: '/size/v'",
            ),
            (
                "Path('/work/v').write_text('x' * 1_500_001)",
                "OSError: disk write limit of 1.5 MB exceeded",
            ),
            (
                "Path('/memory/v').write_text('x' * 50_000_000)",
                "MemoryError: mount memory usage limit of 50 MB exceeded",
            ),
        ],
    );
}

#[test]
fn malformed_paths_are_refused_whether_mounted_or_not() {
    let long = "x".repeat(256);
    let elided = format!("{}…{}", &format!("/m/{long}")[..20], "x".repeat(20));
    let too_long = format!("OSError: [Errno 36] File name too long: '{elided}'");
    let elsewhere = format!("{}…{}", &format!("/e/{long}")[..20], "x".repeat(20));
    let too_long_elsewhere = format!("OSError: [Errno 36] File name too long: '{elsewhere}'");
    raised(
        &table(),
        &[
            ("open('/m/' + 'x' * 256)", &too_long),
            ("open('/e/' + 'x' * 256, 'w')", &too_long_elsewhere),
            ("open('/m/\\0')", "ValueError: embedded null byte"),
            (
                "os.mkdir('/e/\\0')",
                "ValueError: mkdir: embedded null character in path",
            ),
            (
                "os.rename('/m/file', '/m/\\0')",
                "ValueError: rename: embedded null character in dst",
            ),
            (
                "os.stat('')",
                "FileNotFoundError: [Errno 2] No such file or directory: ''",
            ),
        ],
    );
    let code = "
import os
print([os.path.exists(p) for p in ['/m/\\0', '/e/\\0', '', '/e/' + 'x' * 256, '/m' + '/a' * 64]])
print([os.path.islink('/e/' + 'x' * 5000), os.path.isdir('/m/' + 'x' * 256), os.path.isfile('')])
";
    let ended = run(&table(), code);
    assert_eq!(ended.handed_back, [""; 0]);
    assert_eq!(
        ended.printed(),
        "[False, False, False, False, False]\n[False, False, False]\n"
    );
}

#[test]
fn stale_files_and_errors_of_the_owner_have_texts_too() {
    let shown = |kind: ErrorKind| {
        let exception = mounts::monty::exception(&mounts::Error::new(kind, Operation::Read, "/v"));
        (exception.exc_type(), exception.message().unwrap().to_owned())
    };
    assert_eq!(
        shown(ErrorKind::Stale),
        (ExcType::OSError, "[Errno 116] Stale file handle: '/v'".to_owned())
    );
    assert_eq!(
        shown(ErrorKind::NotCovered),
        (
            ExcType::PermissionError,
            "[Errno 13] Permission denied: '/v'".to_owned()
        )
    );
}

#[test]
fn an_error_is_the_same_whichever_lease_it_is_met_through() {
    let table = table();
    let lease = table.checkout(LeaseMode::Shared).unwrap();
    let error = lease.read("/m/dir").unwrap_err();
    let exception = mounts::monty::exception(&error);
    assert_eq!(
        exception.summary(),
        "IsADirectoryError: [Errno 21] Is a directory: '/m/dir'"
    );
}
