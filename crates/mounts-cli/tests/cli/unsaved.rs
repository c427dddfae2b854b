//! Dumps that cannot be written.

use std::fs;

use super::program::{Program, directory, names};

#[test]
fn a_file_that_cannot_be_written_is_refused_before_the_script_runs() {
    let files = directory(&[("file", "")]);
    let refused = |name: &str| {
        let file = files.path().join(name).to_str().unwrap().to_owned();
        Program::new()
            .args(["--mount", "/m=memory", "--save", &file])
            .script("print('it ran')")
            .refused()
    };
    assert!(refused("").ends_with(": it is a directory\n"));
    assert!(refused("missing/work.dump").contains("No such file or directory"));
    assert!(refused("file/work.dump").contains("Not a directory"));
    assert_eq!(names(files.path()), ["file"]);
}

#[test]
fn a_dump_that_is_not_written_whole_leaves_the_one_before() {
    let files = directory(&[("work.dump", "before")]);
    let file = files.path().join("work.dump").to_str().unwrap().to_owned();
    // What cannot be compressed is larger than the system takes.
    let code = "
noise, state = [], 1
for _ in range(100_000):
    state = state * 6364136223846793005 % 18446744073709551616 + 1442695040888963407
    noise.append(chr(33 + state // 4294967296 % 90))
open('/m/noise', 'w').write(''.join(noise))
";
    let ended = Program::with_file_size_limit()
        .args(["--mount", "/m=memory", "--quiet", "--save", &file])
        .script(code);
    assert_eq!(
        (ended.status, ended.out.as_str()),
        (Some(74), ""),
        "{}",
        ended.err
    );
    assert!(
        ended
            .err
            .starts_with(&format!("mounts-cli: --save '{file}': File too large")),
        "{}",
        ended.err
    );
    assert_eq!(names(files.path()), ["work.dump"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "before");
}
