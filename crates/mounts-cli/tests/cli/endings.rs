//! How scripts end, and what that is told by.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use super::program::{Program, directory, script};

#[test]
fn a_script_that_runs_to_its_end_exits_with_0() {
    assert_eq!(script("print('hello', 42)").printed(), "hello 42\n");
}

#[test]
fn an_exception_is_told_on_standard_error_with_its_traceback_and_status_1() {
    let ended = script("print('before')\ndef half(n):\n    return n / 0\nhalf(4)\n");
    assert_eq!((ended.status, ended.out.as_str()), (Some(1), "before\n"));
    assert!(
        ended
            .err
            .starts_with("Traceback (most recent call last):\n  File \"<stdin>\", line 4"),
        "{}",
        ended.err
    );
    assert!(
        ended.err.ends_with("ZeroDivisionError: division by zero\n"),
        "{}",
        ended.err
    );
}

#[test]
fn a_syntax_error_names_the_file_and_the_line() {
    let files = directory(&[("broken.py", "x = 1\ny = = 2\n")]);
    let path = files.path().join("broken.py");
    let ended = Program::new().arg(&path).run();
    assert_eq!((ended.status, ended.out.as_str()), (Some(1), ""));
    assert!(
        ended.err.contains(&format!("{}\", line 2", path.display())),
        "{}",
        ended.err
    );
    assert!(ended.err.contains("SyntaxError"), "{}", ended.err);
}

#[test]
fn system_exit_has_no_traceback() {
    let silent = script("raise SystemExit()");
    assert_eq!((silent.status, silent.err.as_str()), (Some(0), ""));
    let told = script("print('a')\nraise SystemExit('nothing to do')");
    assert_eq!(told.status, Some(1));
    assert_eq!((told.out.as_str(), told.err.as_str()), ("a\n", "nothing to do\n"));
}

#[test]
fn what_is_printed_to_standard_error_goes_there() {
    let ended = script("import sys\nprint('one')\nprint('two', file=sys.stderr)\nprint('three')\n");
    assert_eq!((ended.status, ended.out.as_str()), (Some(0), "one\nthree\n"));
    assert_eq!(ended.err, "two\n");
}

/// What a script prints, a line and part of one, can be read while it goes on by `waiting`.
#[track_caller]
fn output_comes_during(waiting: &str) {
    let shared = directory(&[]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_mounts-cli"))
        .args(["--limit-time", "600s", "--quiet", "--mount"])
        .arg(format!("/shared={}:ro", shared.path().display()))
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It ends well when what it printed has been read, and badly when that takes ten minutes.
    let code = format!(
        "import os, time
print('ready')
print('set', end='!')
while not os.path.exists('/shared/read'):
    {waiting}
"
    );
    child.stdin.take().unwrap().write_all(code.as_bytes()).unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let mut begun = [0; 4];
    out.read_exact(&mut begun).unwrap();
    std::fs::write(shared.path().join("read"), "").unwrap();
    assert_eq!((line.as_str(), &begun), ("ready\n", b"set!"));
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn output_comes_while_the_script_computes() {
    output_comes_during("[number for number in range(100_000)]");
}

#[test]
fn output_comes_while_the_script_sleeps() {
    output_comes_during("time.sleep(0.001)");
}

#[test]
fn a_reader_that_goes_away_ends_the_script() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_mounts-cli"))
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let code = "while True:\n    print('is anybody there?')\n";
    child.stdin.take().unwrap().write_all(code.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("Broken pipe"), "{err}");
    assert!(!err.contains("panicked"), "{err}");
}

#[test]
fn an_endless_loop_is_ended_by_the_time_limit() {
    let ended = Program::new()
        .arg("--limit-time")
        .arg("100ms")
        .script("try:\n    while True:\n        pass\nexcept BaseException:\n    print('caught')\n");
    assert_eq!((ended.status, ended.out.as_str()), (Some(1), ""));
    assert!(ended.err.contains("TimeoutError"), "{}", ended.err);
}

#[test]
fn sleep_counts_against_the_time_limit() {
    let asleep = Program::new()
        .arg("--limit-time")
        .arg("1s")
        .script("import time\ntry:\n    time.sleep(3600)\nexcept BaseException:\n    print('caught')\n");
    assert_eq!((asleep.status, asleep.out.as_str()), (Some(1), ""));
    assert!(asleep.err.contains("TimeoutError"), "{}", asleep.err);

    let tasks = Program::new()
        .arg("--limit-time")
        .arg("1s")
        .script("import asyncio\nasync def main():\n    await asyncio.gather(asyncio.sleep(3600), asyncio.sleep(7200))\nasyncio.run(main())\n");
    assert_eq!(tasks.status, Some(1));
    assert!(tasks.err.contains("TimeoutError"), "{}", tasks.err);
}

#[test]
fn tasks_sleep_side_by_side_and_wake_in_order() {
    let code = "
import asyncio, time
async def nap(seconds):
    await asyncio.sleep(seconds)
    print('woke after', seconds)
    return seconds
async def main():
    print(await asyncio.gather(nap(3), nap(1), nap(2)))
asyncio.run(main())
time.sleep(0.001)
";
    assert_eq!(
        script(code).printed(),
        "woke after 1\nwoke after 2\nwoke after 3\n[3, 1, 2]\n"
    );
}

#[test]
fn a_script_that_holds_too_much_is_ended_by_the_memory_limit() {
    for code in [
        "'x' * 10**9",
        "held = []\nwhile True:\n    held.append('x' * 1000 + str(len(held)))\n",
    ] {
        let ended = Program::new().arg("--limit-memory").arg("50MB").script(code);
        assert_eq!(ended.status, Some(1));
        assert!(
            ended.err.contains("MemoryError: memory limit exceeded"),
            "{}",
            ended.err
        );
    }
}

#[test]
fn what_the_mounts_keep_is_not_held_by_the_script() {
    let code = "
from pathlib import Path
for number in range(50):
    Path(f'/m/whole{number}').write_text('x' * 1_000_000)
    with open(f'/m/added{number}', 'w') as file:
        file.write('x' * 1_000_000)
print(sum(len(path.read_text()) for path in Path('/m').iterdir()))
";
    let ended = Program::new()
        .arg("--mount")
        .arg("/m=memory")
        .arg("--limit-memory")
        .arg("20MB")
        .script(code);
    assert!(ended.out.starts_with("100000000\n"), "{}{}", ended.out, ended.err);
    assert_eq!(ended.status, Some(0));
}

#[test]
fn deep_recursion_is_an_exception_and_no_crash() {
    let ended = script("def deeper(n):\n    return deeper(n + 1)\ndeeper(0)\n");
    assert_eq!(ended.status, Some(1));
    assert!(ended.err.contains("RecursionError"), "{}", ended.err);

    let nested = format!("print(len(str({}{})))", "[".repeat(150), "]".repeat(150));
    assert_eq!(script(&nested).printed(), "300\n");
}

#[test]
fn a_script_gets_nothing_of_the_host_but_its_mounts_and_the_clock() {
    for code in [
        "import os\nos.environ['HOME']",
        "import os\nos.getenv('HOME')",
        "import socket",
        "open('/etc/passwd').read()",
        "import subprocess",
        "undefined_name",
        "undefined_function()",
    ] {
        let ended = script(code);
        assert_eq!(
            (ended.status, ended.out.as_str()),
            (Some(1), ""),
            "{code}: {}",
            ended.err
        );
    }
    let exists = script("import os\nprint(os.path.exists('/etc/passwd'), os.getcwd())");
    assert_eq!(exists.printed(), "False /\n");
    let clock = script("import time\nprint(time.time() > 1_600_000_000)");
    assert_eq!(clock.printed(), "True\n");
}
