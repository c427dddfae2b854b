//! Each call, one by one: answered where the table covers it, handed back untouched where it does not.

use monty_types::{
    ExtFunctionResult, FileMode, GetenvArgs, MkdirCallArgs, MontyObject, MontyPath, OpenCallArgs,
    OsFunctionCall, PathBytesDataArgs, PathStringDataArgs, RenameCallArgs, ScanArgs, TimeCaller, UrandomArgs,
    unstable,
};
use mounts::monty::{Answered, Clock, Terms, Unmetered, answer, unhandled};
use mounts::{LeaseMode, Mount, Table};

use crate::linked::{Entry, Linked};
use crate::script::run;

fn table() -> Table {
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    table.write("/m/file", "text").unwrap();
    table.create_dir_all("/m/dir").unwrap();
    table.write("/m/dir/b", "").unwrap();
    table.write("/m/dir/a", "").unwrap();
    table
}

fn ask(table: &Table, call: OsFunctionCall) -> Answered {
    let lease = table.checkout(LeaseMode::Shared).unwrap();
    let mut terms = Terms {
        meter: &mut Unmetered,
        clock: &Clock::unlimited(),
        tracker: None,
    };
    answer(&lease, call, &mut terms)
}

#[track_caller]
fn value(table: &Table, call: OsFunctionCall) -> MontyObject {
    match ask(table, call) {
        Answered::Answer(ExtFunctionResult::Return(value)) => value,
        other => panic!("no value: {other:?}"),
    }
}

/// Every call that names a path, about `path`.
fn file_calls(path: &str) -> Vec<OsFunctionCall> {
    let path = || MontyPath::from(path);
    let text = || PathStringDataArgs {
        path: path(),
        data: "dätä".to_owned(),
    };
    let bytes = || PathBytesDataArgs {
        path: path(),
        data: b"data\xff".to_vec(),
    };
    vec![
        OsFunctionCall::Exists(path()),
        OsFunctionCall::IsFile(path()),
        OsFunctionCall::IsDir(path()),
        OsFunctionCall::IsSymlink(path()),
        OsFunctionCall::ReadText(path()),
        OsFunctionCall::ReadBytes(path()),
        OsFunctionCall::Stat(path()),
        OsFunctionCall::Iterdir(path()),
        OsFunctionCall::Scan(ScanArgs::listing(path(), Some(1), false)),
        OsFunctionCall::Resolve(path()),
        OsFunctionCall::Absolute(path()),
        OsFunctionCall::WriteText(text()),
        OsFunctionCall::AppendText(text()),
        OsFunctionCall::WriteBytes(bytes()),
        OsFunctionCall::AppendBytes(bytes()),
        OsFunctionCall::Open(OpenCallArgs {
            path: path(),
            mode: FileMode::Append(true),
        }),
        OsFunctionCall::Mkdir(MkdirCallArgs {
            path: path(),
            parents: true,
            exist_ok: true,
        }),
        OsFunctionCall::Unlink(path()),
        OsFunctionCall::Rmdir(path()),
        OsFunctionCall::Rename(RenameCallArgs {
            src: path(),
            dst: MontyPath::from("/elsewhere/too"),
        }),
    ]
}

fn other_calls() -> Vec<OsFunctionCall> {
    vec![
        OsFunctionCall::Getenv(GetenvArgs {
            key: "HOME".to_owned(),
            default: MontyObject::none(),
        }),
        OsFunctionCall::GetEnviron,
        OsFunctionCall::DateToday,
        OsFunctionCall::DateTimeNow(None),
        OsFunctionCall::Urandom(UrandomArgs { size: 8 }),
        OsFunctionCall::Time(TimeCaller::Time),
        OsFunctionCall::Sleep(std::time::Duration::from_secs(1)),
        OsFunctionCall::Import("numpy".to_owned()),
    ]
}

#[test]
fn a_call_that_nobody_covers_comes_back_as_it_was() {
    let table = table();
    for call in file_calls("/elsewhere/x").into_iter().chain(other_calls()) {
        let before = format!("{call:?}");
        match ask(&table, call) {
            Answered::NotCovered(call) => assert_eq!(format!("{call:?}"), before),
            other => panic!("{before} was answered: {other:?}"),
        }
    }
    assert_eq!(table.list("/").unwrap().len(), 1);
}

#[test]
fn without_a_handler_predicates_are_false_and_the_rest_is_refused() {
    for call in file_calls("/elsewhere/x") {
        match (call.is_existence_check(), unhandled(&call)) {
            (true, ExtFunctionResult::Return(value)) => assert_eq!(value, MontyObject::bool(false)),
            (false, ExtFunctionResult::Error(error)) => {
                assert_eq!(
                    error.summary(),
                    "PermissionError: Permission denied: '/elsewhere/x'"
                );
            }
            other => panic!("{call}: {other:?}"),
        }
    }
}

#[test]
fn every_file_call_is_answered_where_a_mount_covers_it() {
    let table = table();
    for path in ["/m", "/m/file", "/m/dir", "/m/missing", "/m/missing/x", "/", ""] {
        for call in file_calls(path) {
            let asked = format!("{call:?}");
            match ask(&table, call) {
                Answered::Answer(ExtFunctionResult::Return(_) | ExtFunctionResult::Error(_)) => {}
                other => panic!("{asked}: {other:?}"),
            }
        }
    }
}

#[test]
fn writes_answer_with_characters_or_bytes() {
    let code = "
from pathlib import Path
p = Path('/m/new')
print(p.write_text('zwölf'), p.write_bytes(b'12345'), p.read_bytes())
with open(p, 'a') as f:
    print(f.write('äöü'))
with open(p, 'ab') as f:
    print(f.write(b'\\x00'))
print(p.read_bytes())
";
    assert_eq!(
        run(&table(), code).printed(),
        "5 5 b'12345'\n3\n1\nb'12345\\xc3\\xa4\\xc3\\xb6\\xc3\\xbc\\x00'\n"
    );
}

#[test]
fn stat_has_all_ten_fields() {
    let table = Table::new();
    let tree = Linked::new([("file", Entry::File("12345")), ("dir", Entry::Directory)]);
    table.mount("/m", Mount::read_only(tree)).unwrap();
    let code = "
import os
s = os.stat('/m/file')
print(oct(s.st_mode), s.st_ino, s.st_nlink, s.st_uid, s.st_gid, s.st_size, s.st_atime, s.st_mtime, s.st_ctime)
print(len(s), s[6], s.st_dev == os.stat('/m').st_dev, s.st_dev != os.stat('/').st_dev)
print(oct(os.stat('/m/dir').st_mode), oct(os.stat('/').st_mode))
";
    assert_eq!(
        run(&table, code).printed(),
        "0o100640 18446744073709551615 1 501 20 5 0.0 0.0 0.0\n10 5 True True\n0o40640 0o40555\n"
    );
}

#[test]
fn iterdir_and_listdir_name_the_entries_and_mount_points() {
    let table = table();
    table.mount("/m/dir/mounted", Mount::memory()).unwrap();
    let code = "
import os
from pathlib import Path
print([str(p) for p in Path('/m/dir').iterdir()], os.listdir('/m/dir'))
print(os.listdir('/'), os.listdir('/m/dir/mounted'))
os.chdir('/m')
print([str(p) for p in Path('dir').iterdir()])
";
    assert_eq!(
        run(&table, code).printed(),
        "['/m/dir/a', '/m/dir/b', '/m/dir/mounted'] ['a', 'b', 'mounted']\n['m'] []\n\
         ['dir/a', 'dir/b', 'dir/mounted']\n"
    );
}

#[test]
fn predicates_tell_links_from_what_they_lead_to() {
    let table = Table::new();
    let tree = Linked::new([
        ("file", Entry::File("x")),
        ("dir", Entry::Directory),
        ("to_file", Entry::Link("file")),
        ("to_dir", Entry::Link("dir")),
        ("dangling", Entry::Link("missing")),
        ("out", Entry::Link("../out")),
        ("round", Entry::Link("round")),
        ("pipe", Entry::Special),
    ]);
    table.mount("/m", Mount::read_only(tree)).unwrap();
    let code = "
from pathlib import Path
for name in ['file', 'dir', 'to_file', 'to_dir', 'dangling', 'out', 'round', 'pipe', 'file/x', 'missing']:
    p = Path('/m') / name
    print(name, *[int(b) for b in (p.exists(), p.is_file(), p.is_dir(), p.is_symlink())])
";
    assert_eq!(
        run(&table, code).printed(),
        "file 1 1 0 0\ndir 1 0 1 0\nto_file 1 1 0 1\nto_dir 1 0 1 1\ndangling 0 0 0 1\nout 0 0 0 1\n\
         round 0 0 0 1\npipe 1 0 0 0\nfile/x 0 0 0 0\nmissing 0 0 0 0\n"
    );
}

#[test]
fn resolve_follows_links_and_absolute_does_not() {
    let table = Table::new();
    let tree = Linked::new([("dir", Entry::Directory), ("to_dir", Entry::Link("dir"))]);
    table.mount("/m", Mount::read_only(tree)).unwrap();
    let code = "
import os
from pathlib import Path
print(Path('/m/to_dir/x').resolve(), Path('/m/to_dir/../x').absolute(), os.path.realpath('/m/to_dir'))
os.chdir('/m')
print(Path('to_dir').resolve(), Path('to_dir').absolute())
";
    assert_eq!(
        run(&table, code).printed(),
        "/m/dir/x /m/to_dir/../x /m/dir\n/m/dir /m/to_dir\n"
    );
}

#[test]
fn opening_takes_effect_at_once() {
    let table = table();
    let open = |path: &str, mode| {
        OsFunctionCall::Open(OpenCallArgs {
            path: path.into(),
            mode,
        })
    };
    let handle = value(&table, open("/m/file", FileMode::Append(false)));
    match unstable::root_node(&handle) {
        unstable::MontyNode::FileHandle(handle) => {
            assert_eq!((handle.path.as_str(), handle.position), ("/m/file", 4));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(table.read("/m/file").unwrap(), *b"text");
    value(&table, open("/m/file", FileMode::Write(true)));
    assert!(table.read("/m/file").unwrap().is_empty());
    value(&table, open("/m/new", FileMode::Append(true)));
    assert!(table.read("/m/new").unwrap().is_empty());
}

#[test]
fn calls_that_no_mount_covers_reach_the_host_and_only_those() {
    let code = "
import os
from pathlib import Path
print(Path('/m/file').read_text(), Path('/etc/passwd').exists(), os.path.isdir('/proc'))
for path in ['/etc/passwd', '/m/../etc/passwd']:
    try:
        open(path)
    except PermissionError as error:
        print(error)
";
    let ended = run(&table(), code);
    assert_eq!(
        ended.handed_back,
        [
            "Path.exists /etc/passwd",
            "Path.is_dir /proc",
            "open /etc/passwd",
            "open /m/../etc/passwd"
        ]
    );
    assert_eq!(ended.budget.calls, 1);
    assert_eq!(
        ended.printed(),
        "text False False\nPermission denied: '/etc/passwd'\nPermission denied: '/etc/passwd'\n"
    );
}
