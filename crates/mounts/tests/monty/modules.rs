//! `import shutil` and `import glob`: what is special about mounts. `scripts/` compares the rest with Python.

use std::time::Duration;

use mounts::monty::Budget;
use mounts::{Limits, Mount, Table};

use crate::endless::Endless;
use crate::linked::{Entry, Linked};
use crate::script::{Script, run};

const UNLIMITED: Limits = Limits {
    max_bytes: None,
    max_files: None,
    max_file_size: None,
    write_bytes: None,
    memory: None,
};

fn memory() -> Table {
    let table = Table::new();
    table.mount("/m", Mount::memory()).unwrap();
    table
}

#[test]
fn a_copy_in_memory_shares_its_bytes_and_is_counted_in_full() {
    let table = memory();
    table.mount("/other", Mount::memory()).unwrap();
    table.write("/m/large", vec![7; 1 << 20]).unwrap();
    run(
        &table,
        "import shutil\nshutil.copy('/m/large', '/m/twin')\nshutil.copy2('/m/large', '/other')\n",
    )
    .printed();
    let large = table.read("/m/large").unwrap();
    for copy in ["/m/twin", "/other/large"] {
        assert!(table.read(copy).unwrap().shares_with(&large), "{copy}");
    }
    let held: Vec<u64> = table
        .list_mounts()
        .iter()
        .map(|mount| mount.usage.held.bytes)
        .collect();
    assert_eq!(held, [2 << 20, 1 << 20]);
    table.append("/m/large", b"more").unwrap();
    assert_eq!(table.read("/m/twin").unwrap().len(), 1 << 20);
}

#[test]
fn a_file_is_copied_that_fills_more_than_half_of_its_mount() {
    let table = Table::new();
    let limits = Limits {
        memory: Some(3 << 20),
        ..UNLIMITED
    };
    table.mount("/m", Mount::memory().with_limits(limits)).unwrap();
    table.mount("/out", Mount::memory()).unwrap();
    table.write("/m/large", vec![7; 2 << 20]).unwrap();
    run(&table, "import shutil\nshutil.copy('/m/large', '/out/large')\n").printed();
    assert_eq!(table.read("/out/large").unwrap().len(), 2 << 20);
}

#[test]
fn a_copy_that_a_limit_refuses_leaves_the_target_as_it_was() {
    let table = Table::new();
    let limits = Limits {
        max_bytes: Some(10),
        ..UNLIMITED
    };
    table.mount("/m", Mount::memory().with_limits(limits)).unwrap();
    table.write("/m/a", "12345678").unwrap();
    table.write("/m/b", "b").unwrap();
    let ended = run(&table, "import shutil\nshutil.copy('/m/a', '/m/b')\n");
    assert_eq!(
        ended.raised(),
        "OSError: [Errno 28] No space left on device: '/m/b'"
    );
    assert_eq!(table.read("/m/b").unwrap(), *b"b");
}

#[test]
fn a_copied_tree_says_what_a_limit_kept_out_of_it() {
    let table = Table::new();
    let limits = Limits {
        max_files: Some(5),
        ..UNLIMITED
    };
    table.mount("/m", Mount::memory().with_limits(limits)).unwrap();
    table.create_dir_all("/m/t").unwrap();
    table.write("/m/t/a", "a").unwrap();
    table.write("/m/t/b", "b").unwrap();
    let ended = run(&table, "import shutil\nshutil.copytree('/m/t', '/m/u')\n");
    assert_eq!(
        ended.raised(),
        "OSError: [('/m/t/b', '/m/u/b', \"[Errno 28] No space left on device: '/m/u/b'\")]"
    );
    assert_eq!(table.read("/m/u/a").unwrap(), *b"a");
}

#[test]
fn a_read_only_mount_is_copied_from_and_not_into() {
    let table = memory();
    let tree = Linked::new([("d", Entry::Directory), ("d/f", Entry::File("text"))]);
    table.mount("/ro", Mount::read_only(tree)).unwrap();
    let code = "
import shutil
print(shutil.copytree('/ro/d', '/m/d'))
def attempt(work):
    try:
        work()
    except OSError as error:
        print(type(error).__name__, error)
attempt(lambda: shutil.copy('/m/d/f', '/ro/d/g'))
attempt(lambda: shutil.rmtree('/ro/d'))
shutil.rmtree('/ro/d', ignore_errors=True)
attempt(lambda: shutil.move('/ro/d/f', '/m/moved'))
print(tuple(shutil.disk_usage('/ro')))
";
    assert_eq!(
        run(&table, code).printed(),
        "/m/d\n\
         PermissionError [Errno 30] Read-only file system: '/ro/d/g'\n\
         PermissionError [Errno 30] Read-only file system: '/ro/d/f'\n\
         PermissionError [Errno 30] Read-only file system: '/ro/d/f'\n\
         (4096, 4096, 0)\n"
    );
    assert_eq!(table.read("/ro/d/f").unwrap(), *b"text");
    assert_eq!(table.read("/m/d/f").unwrap(), *b"text");
}

#[test]
fn trees_are_copied_and_moved_from_mount_to_mount() {
    let table = memory();
    table.mount("/n", Mount::memory()).unwrap();
    table.create_dir_all("/m/t/deep").unwrap();
    table.write("/m/t/deep/f", "text").unwrap();
    table.write("/m/f", "one").unwrap();
    let code = "
import shutil
print(shutil.move('/m/t', '/n'), shutil.move('/m/f', '/n/g'))
print(shutil.copytree('/n', '/m/all'))
";
    assert_eq!(run(&table, code).printed(), "/n/t /n/g\n/m/all\n");
    assert_eq!(table.read("/n/t/deep/f").unwrap(), *b"text");
    assert_eq!(table.read("/m/all/t/deep/f").unwrap(), *b"text");
    let left: Vec<_> = table
        .list("/m")
        .unwrap()
        .into_iter()
        .map(|entry| entry.name.to_string())
        .collect();
    assert_eq!(left, ["all"]);
}

#[test]
fn a_mount_point_and_what_has_one_in_it_is_neither_removed_nor_moved() {
    let table = Table::new();
    table.mount("/", Mount::memory()).unwrap();
    table.create_dir_all("/w/kept").unwrap();
    table.mount("/w/data", Mount::memory()).unwrap();
    table.write("/w/data/f", "text").unwrap();
    let code = "
import shutil
for path in ['/w/data', '/w', '/w/kept/../data/', '/']:
    try:
        shutil.rmtree(path)
    except OSError as error:
        print(type(error).__name__, error)
shutil.rmtree('/w', ignore_errors=True)
try:
    shutil.move('/w/data', '/w/kept')
except OSError as error:
    print(type(error).__name__, error)
";
    assert_eq!(
        run(&table, code).printed(),
        "PermissionError [Errno 13] Permission denied: '/w/data'\n\
         PermissionError [Errno 13] Permission denied: '/w'\n\
         PermissionError [Errno 13] Permission denied: '/w/kept/../data/'\n\
         PermissionError [Errno 13] Permission denied: '/'\n\
         PermissionError [Errno 13] Permission denied: '/w/data' -> '/w/kept/data'\n"
    );
    assert_eq!(table.read("/w/data/f").unwrap(), *b"text");
    assert!(table.list("/w/kept").unwrap().is_empty());
}

#[test]
fn links_are_followed_and_never_made() {
    let table = memory();
    let tree = Linked::new([
        ("real", Entry::Directory),
        ("real/leaf", Entry::File("x")),
        ("to_real", Entry::Link("real")),
        ("to_leaf", Entry::Link("real/leaf")),
        ("dangling", Entry::Link("missing")),
    ]);
    table.mount("/l", Mount::read_only(tree)).unwrap();
    let code = "
import glob, shutil
def attempt(work):
    try:
        print(work())
    except OSError as error:
        print(type(error).__name__, error)
attempt(lambda: shutil.copy('/l/to_leaf', '/m/leaf'))
attempt(lambda: shutil.copy('/l/to_leaf', '/m/link', follow_symlinks=False))
attempt(lambda: shutil.copytree('/l', '/m/followed'))
attempt(lambda: shutil.copytree('/l', '/m/skipped', ignore_dangling_symlinks=True))
attempt(lambda: shutil.copytree('/l', '/m/kept', True, ignore=shutil.ignore_patterns('dang*', '*_real')))
attempt(lambda: shutil.rmtree('/l/to_real'))
attempt(lambda: sorted(glob.glob('/l/*')))
attempt(lambda: sorted(glob.glob('/l/**/leaf', recursive=True)))
attempt(lambda: sorted(glob.glob('/l/*/')))
";
    assert_eq!(
        run(&table, code).printed(),
        "/m/leaf\n\
         PermissionError [Errno 1] Operation not permitted: '/l/to_leaf' -> '/m/link'\n\
         OSError [('/l/dangling', '/m/followed/dangling', \"[Errno 2] No such file or directory: '/l/dangling'\")]\n\
         /m/skipped\n\
         OSError [('/l/to_leaf', '/m/kept/to_leaf', \"[Errno 1] Operation not permitted: '/l/to_leaf' -> '/m/kept/to_leaf'\")]\n\
         OSError Cannot call rmtree on a symbolic link\n\
         ['/l/dangling', '/l/real', '/l/to_leaf', '/l/to_real']\n\
         ['/l/real/leaf', '/l/to_real/leaf']\n\
         ['/l/real/', '/l/to_real/']\n"
    );
    assert_eq!(table.read("/m/followed/to_real/leaf").unwrap(), *b"x");
}

#[test]
fn functions_of_the_script_are_refused_by_the_name_of_the_argument() {
    let table = memory();
    table.create_dir_all("/m/t").unwrap();
    let code = "
import shutil
def attempt(work):
    try:
        work()
    except NotImplementedError as error:
        print(error)
attempt(lambda: shutil.copytree('/m/t', '/m/u', ignore=lambda path, names: []))
attempt(lambda: shutil.copytree('/m/t', '/m/u', copy_function=print))
attempt(lambda: shutil.move('/m/t', '/m/u', lambda one, other: None))
attempt(lambda: shutil.rmtree('/m/t', onerror=print))
attempt(lambda: shutil.copy(b'/m/t', '/m/u'))
";
    assert_eq!(
        run(&table, code).printed(),
        "copytree() argument 'ignore': a function other than shutil.ignore_patterns(...) is not supported here\n\
         copytree() argument 'copy_function': a function other than shutil.copy, copy2 or copyfile is not supported here\n\
         move() argument 'copy_function': a function other than shutil.copy, copy2 or copyfile is not supported here\n\
         rmtree() argument 'onerror': a function to call is not supported here\n\
         copy() argument 'src': a path of bytes is not supported here\n"
    );
    assert!(!table.exists("/m/u"));
    assert!(table.exists("/m/t"));
}

#[test]
fn disk_usage_is_what_the_limits_leave() {
    let table = Table::new();
    let limits = Limits {
        max_bytes: Some(1 << 20),
        ..UNLIMITED
    };
    table
        .mount("/small", Mount::memory().with_limits(limits))
        .unwrap();
    table
        .mount("/open", Mount::memory().with_limits(UNLIMITED))
        .unwrap();
    table.write("/small/f", vec![0; 10_000]).unwrap();
    let code = "
import shutil
print(shutil.disk_usage('/small'))
print(shutil.disk_usage('/small/f').free, shutil.disk_usage('/open').free)
";
    assert_eq!(
        run(&table, code).printed(),
        "usage(total=1048576, used=10000, free=1038576)\n1038576 1125899906842624\n"
    );
}

#[test]
fn what_no_mount_covers_is_handed_back_before_anything_is_done() {
    let table = memory();
    table.write("/m/f", "text").unwrap();
    let code = "
import glob, shutil
for work in [lambda: shutil.copy('/m/f', '/etc/f'), lambda: shutil.move('/etc/f', '/m/g'), lambda: glob.glob('/etc/*')]:
    try:
        print(work())
    except PermissionError as error:
        print(error)
";
    let ended = run(&table, code);
    assert_eq!(ended.handed_back, ["shutil.copy", "shutil.move", "glob.glob"]);
    assert_eq!(
        ended.printed(),
        "no mount covers what shutil.copy('/m/f', '/etc/f') names\n\
         no mount covers what shutil.move('/etc/f', '/m/g') names\n\
         []\n"
    );
}

#[test]
fn without_mounts_the_import_is_for_somebody_else_to_answer() {
    let ended = run(&Table::new(), "import shutil\n");
    assert_eq!(ended.handed_back, ["import "]);
    assert_eq!(ended.raised(), "ModuleNotFoundError: No module named 'shutil'");
}

#[test]
fn other_modules_and_names_that_a_module_lacks_are_missing() {
    let table = memory();
    let missing = run(&table, "import requests\n").raised();
    assert_eq!(missing, "ModuleNotFoundError: No module named 'requests'");
    let ended = run(&table, "from shutil import make_archive\n");
    assert!(
        ended
            .raised()
            .starts_with("ImportError: cannot import name 'make_archive'"),
        "{}",
        ended.raised()
    );
    let ended = run(&table, "import shutil\nshutil.chown('/m', 'root')\n");
    assert_eq!(
        ended.raised(),
        "AttributeError: module 'shutil' has no attribute 'chown'"
    );
}

#[test]
fn a_script_cannot_make_up_a_function_of_a_module() {
    let table = memory();
    table.write("/m/f", "text").unwrap();
    let code = "
def rmtree(path):
    return 'mine'
class Mine:
    def copy(self, src, dst):
        return 'mine too'
shutil = Mine()
print(rmtree('/m'), shutil.copy('/m/f', '/m/g'))
";
    let ended = run(&table, code);
    assert_eq!(ended.handed_back, [""; 0]);
    assert_eq!(ended.printed(), "mine mine too\n");
    assert!(!table.exists("/m/g"));
}

#[test]
fn an_endless_tree_is_searched_and_copied_until_a_limit_says_so() {
    for code in [
        "import glob\nglob.glob('/e/**/nothing', recursive=True)",
        "import shutil\nshutil.copytree('/e', '/m/copy')",
    ] {
        let table = memory();
        let tree = Endless {
            directories: 3,
            ..Endless::default()
        };
        table
            .mount("/e", Mount::read_only(tree).with_limits(UNLIMITED))
            .unwrap();
        let mut script = Script::new(code);
        script.budget = Budget {
            limit: Some(Duration::from_millis(200)),
            ..Budget::default()
        };
        let ended = script.run(&table);
        assert!(
            ended
                .raised()
                .starts_with("TimeoutError: feed time limit exceeded"),
            "{}",
            ended.raised()
        );
    }
}

#[test]
fn a_tree_that_holds_its_own_copy_ends_where_paths_end() {
    let table = memory();
    table.create_dir_all("/m/a/b").unwrap();
    let ended = run(&table, "import shutil\nshutil.copytree('/m/a', '/m/a/b/c')\n");
    assert!(
        ended.raised().contains("[Errno 36] File name too long"),
        "{}",
        ended.raised()
    );
}

#[test]
fn a_pattern_of_too_many_parts_matches_nothing() {
    let table = memory();
    let code = "import glob\nprint(glob.glob('/m/' + '**/' * 2000, recursive=True), glob.glob('[' * 9999))";
    assert_eq!(run(&table, code).printed(), "[] []\n");
}
