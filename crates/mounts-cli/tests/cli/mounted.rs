//! What scripts find in their mounts, and what is left of it on the host.

use std::fs;

use super::program::{Program, directory};

#[test]
fn a_read_only_directory_is_read_and_not_written() {
    let source = directory(&[("main.txt", "hello\n")]);
    let ended = Program::new()
        .mount("/src", &source, "ro")
        .script("print(open('/src/main.txt').read(), end='')\nopen('/src/main.txt', 'w').write('changed')\n");
    assert_eq!((ended.status, ended.out.as_str()), (Some(1), "hello\n"));
    assert!(
        ended
            .err
            .ends_with("PermissionError: [Errno 30] Read-only file system: '/src/main.txt'\n"),
        "{}",
        ended.err
    );
    assert_eq!(
        fs::read_to_string(source.path().join("main.txt")).unwrap(),
        "hello\n"
    );
}

#[test]
fn an_overlay_leaves_the_directory_as_it_is() {
    let source = directory(&[
        ("kept.txt", "kept"),
        ("old/deep.txt", "deep"),
        ("changed.txt", "before"),
    ]);
    let code = "
import os
from pathlib import Path
Path('/repo/changed.txt').write_text('after')
Path('/repo/new.txt').write_text('new')
Path('/repo/old/deep.txt').unlink()
Path('/repo/old').rmdir()
print(sorted(os.listdir('/repo')), Path('/repo/changed.txt').read_text())
";
    let ended = Program::new().mount("/repo", &source, "overlay").script(code);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert_eq!(
        ended.out,
        "['changed.txt', 'kept.txt', 'new.txt'] after\n\
         M /repo/changed.txt (6 -> 5 bytes)\n\
         A /repo/new.txt (3 bytes)\n\
         D /repo/old/\n\
         D /repo/old/deep.txt (4 bytes)\n"
    );
    let names = fs::read_dir(source.path()).unwrap().count();
    assert_eq!(names, 3);
    assert_eq!(
        fs::read_to_string(source.path().join("changed.txt")).unwrap(),
        "before"
    );
    assert_eq!(
        fs::read_to_string(source.path().join("old/deep.txt")).unwrap(),
        "deep"
    );
}

#[test]
fn a_directory_that_is_written_has_what_the_script_left() {
    let source = directory(&[("a.txt", "before"), ("gone.txt", "")]);
    let code = "
import os
from pathlib import Path
Path('/out/a.txt').write_text('after')
os.makedirs('/out/new/deep')
with open('/out/new/deep/b.txt', 'w') as file:
    file.write('one')
    file.write('two')
os.remove('/out/gone.txt')
";
    let ended = Program::new().mount("/out", &source, "rw").script(code);
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
    let changes = "M /out/a.txt (6 -> 5 bytes)\nD /out/gone.txt (0 bytes)\nA /out/new/\nA /out/new/deep/\n\
                   A /out/new/deep/b.txt (6 bytes)\n";
    assert_eq!(ended.out, changes);
    let read = |name: &str| fs::read_to_string(source.path().join(name));
    assert_eq!(read("a.txt").unwrap(), "after");
    assert_eq!(read("new/deep/b.txt").unwrap(), "onetwo");
    assert!(read("gone.txt").is_err());
}

#[test]
fn a_quota_leaves_the_other_limits_of_a_written_directory_as_they_are() {
    let source = directory(&[]);
    let code = "
def attempt(size):
    try:
        with open('/out/a', 'wb') as file:
            file.write(b'x' * size)
        print('written')
    except OSError as error:
        print(error)
attempt(2000)
attempt(500)
";
    let ended = Program::new()
        .mount("/out", &source, "rw")
        .args(["--quota", "/out=file-size:1KB"])
        .script(code);
    assert!(
        ended
            .out
            .starts_with("[Errno 27] File too large: '/out/a'\nwritten\n"),
        "{}{}",
        ended.out,
        ended.err
    );
    assert_eq!(fs::metadata(source.path().join("a")).unwrap().len(), 500);
}

#[test]
fn mounts_nest_whatever_their_order() {
    let outer = directory(&[("a.txt", "outer")]);
    let inner = directory(&[("b.txt", "inner")]);
    let ended = Program::new()
        .mount("/work/vendor", &inner, "ro")
        .mount("/work", &outer, "overlay")
        .arg("--cwd")
        .arg("/work")
        .script(
            "import os\nfor at, dirs, files in os.walk('.'):\n    print(at, sorted(dirs), sorted(files))\n",
        );
    assert_eq!(ended.printed(), ". ['vendor'] ['a.txt']\n./vendor [] ['b.txt']\n");
}

#[test]
fn the_working_directory_is_the_first_mount_unless_it_is_said() {
    let source = directory(&[("deep/er/a.txt", "found")]);
    let first = Program::new()
        .mount("/src", &source, "ro")
        .arg("--mount")
        .arg("/m=memory");
    assert_eq!(first.script("import os\nprint(os.getcwd())").printed(), "/src\n");
    let said = Program::new()
        .mount("/src", &source, "ro")
        .arg("--cwd")
        .arg("/src/deep/../deep/er/");
    let code = "import os\nprint(os.getcwd(), open('a.txt').read())";
    assert_eq!(said.script(code).printed(), "/src/deep/er found\n");
}

#[test]
fn rules_hold_for_the_mount_that_they_name() {
    let source = directory(&[
        ("a/.env", "secret"),
        ("keys/id", "private"),
        ("notes", "read me"),
        ("plain", ""),
    ]);
    let code = "
import os
from pathlib import Path
print(sorted(os.listdir('/repo')), sorted(os.listdir('/repo/a')), Path('/other/a/.env').read_text())
for attempt in (
    lambda: Path('/repo/a/.env').read_text(),
    lambda: Path('/repo/keys/id').read_text(),
    lambda: Path('/repo/notes').write_text(''),
):
    try:
        attempt()
    except OSError as error:
        print(error)
Path('/repo/plain').write_text('allowed')
";
    let ended = Program::new()
        .mount("/repo", &source, "overlay")
        .mount("/other", &source, "ro")
        .args([
            "--hide",
            "/repo=**/.env",
            "--deny",
            "/repo/=keys",
            "--read-only",
            "/repo=note?",
        ])
        .script(code);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(
        ended.out.starts_with(
            "['a', 'keys', 'notes', 'plain'] [] secret\n\
             [Errno 2] No such file or directory: '/repo/a/.env'\n\
             [Errno 13] Permission denied: '/repo/keys/id'\n\
             [Errno 30] Read-only file system: '/repo/notes'\n"
        ),
        "{}",
        ended.out
    );
}

#[test]
fn a_quota_refuses_what_exceeds_it() {
    let code = "
from pathlib import Path
def attempt(name, size):
    try:
        Path(name).write_text('x' * size)
        print('written')
    except OSError as error:
        print(error)
attempt('/m/a', 1500)
attempt('/m/a', 900)
attempt('/m/b', 900)
attempt('/m/c', 1)
attempt('/m/a', 1000)
";
    let ended = Program::new()
        .args(["--mount", "/m=memory", "--quota", "/m=files:2,file-size:1KB"])
        .args(["--quota", "/m=written:2KB"])
        .script(code);
    assert!(
        ended.out.starts_with(
            "[Errno 27] File too large: '/m/a'\nwritten\nwritten\n[Errno 28] No space left on device: '/m/c'\n\
             disk write limit of 2 KB exceeded\n"
        ),
        "{}{}",
        ended.out,
        ended.err
    );
}

#[test]
fn no_path_of_the_host_is_told_to_a_script() {
    let source = directory(&[("a.txt", "")]);
    let code = "
from pathlib import Path
for attempt in (lambda: Path('/src/missing').read_text(), lambda: Path('/src/a.txt/b').read_text(), lambda: Path('/src').read_text()):
    try:
        attempt()
    except OSError as error:
        print(error)
print(Path('a.txt').resolve(), Path('.').absolute(), __file__)
";
    let printed = Program::new().mount("/src", &source, "ro").script(code).printed();
    assert!(printed.contains("/src/missing"), "{printed}");
    assert!(!printed.contains(source.path().to_str().unwrap()), "{printed}");
}

#[test]
fn what_changed_is_told_however_the_script_ended() {
    let code = "
import os
os.makedirs('/m/out/deep')
open('/m/out/deep/a.txt', 'w').write('12345')
open('/m/gone', 'w').write('x')
os.remove('/m/gone')
open('/m/two\\nlines', 'w').write('')
raise ValueError('enough')
";
    let ended = Program::new().args(["--mount", "/m=memory"]).script(code);
    assert_eq!(ended.status, Some(1));
    assert_eq!(
        ended.out,
        "A /m/out/\nA /m/out/deep/\nA /m/out/deep/a.txt (5 bytes)\nA \"/m/two\\nlines\" (0 bytes)\n"
    );
}

#[test]
fn what_is_moved_says_where_from() {
    let source = directory(&[("a/b.txt", "text")]);
    let code = "import os\nos.rename('/repo/a/b.txt', '/repo/c.txt')";
    assert_eq!(
        Program::new()
            .mount("/repo", &source, "overlay")
            .script(code)
            .printed(),
        "D /repo/a/b.txt (4 bytes)\nA /repo/c.txt (4 bytes), was /repo/a/b.txt\n"
    );
}

#[test]
fn a_quiet_run_prints_what_the_script_prints() {
    let run = Program::new().args(["--mount", "/m=memory", "--quiet"]);
    assert_eq!(
        run.script("open('/m/a', 'w').write('a')\nprint('done')")
            .printed(),
        "done\n"
    );
}

#[test]
fn shutil_and_glob_work_over_mounts_and_only_there() {
    let source = directory(&[("a.txt", "a"), ("deep/b.txt", "b")]);
    let code = "
import glob, shutil
shutil.copytree('/src', '/out/copy')
print(sorted(glob.glob('/out/**/*.txt', recursive=True)))
try:
    shutil.copy('/src/a.txt', '/etc/a.txt')
except PermissionError as error:
    print(error)
";
    let ended = Program::new()
        .mount("/src", &source, "ro")
        .args(["--mount", "/out=memory"])
        .script(code);
    assert!(
        ended.out.starts_with(
            "['/out/copy/a.txt', '/out/copy/deep/b.txt']\n\
             no mount covers what shutil.copy('/src/a.txt', '/etc/a.txt') names\n"
        ),
        "{}{}",
        ended.out,
        ended.err
    );
}
