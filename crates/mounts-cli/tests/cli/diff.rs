//! What a script changed, as unified text.

use super::program::{Program, directory};

#[test]
fn a_diff_shows_what_changed_in_memory_and_in_overlays() {
    let project = directory(&[
        ("notes.md", "milk\nbread\n"),
        ("gone.txt", "gone\n"),
        ("old.txt", "moved\n"),
        ("data.bin", "\0"),
    ]);
    let code = "
import os
from pathlib import Path
with open('/repo/notes.md', 'a') as notes:
    notes.write('salt\\n')
os.remove('/repo/gone.txt')
os.rename('/repo/old.txt', '/repo/renamed.txt')
Path('/repo/data.bin').write_bytes(b'\\0\\0')
Path('/m/made.txt').write_text('no line feed')
print('done')
";
    let ended = Program::new()
        .args(["--mount", "/m=memory", "--diff"])
        .mount("/repo", &project, "overlay")
        .script(code);
    assert_eq!(
        ended.printed(),
        "done\n\
         --- /dev/null\n+++ /m/made.txt\n@@ -0,0 +1 @@\n+no line feed\n\\ No newline at end of file\n\
         file /repo/data.bin modified: binary, 1 -> 2 bytes\n\
         --- /repo/gone.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n\
         --- /repo/notes.md\n+++ /repo/notes.md\n@@ -1,2 +1,3 @@\n milk\n bread\n+salt\n\
         file /repo/old.txt moved to /repo/renamed.txt\n"
    );
}

#[test]
fn a_diff_is_printed_however_the_script_ended() {
    let ended = Program::new()
        .args(["--mount", "/m=memory", "--diff"])
        .script("open('/m/a', 'w').write('1\\n')\nraise ValueError('enough')");
    assert_eq!(ended.status, Some(1));
    assert_eq!(ended.out, "--- /dev/null\n+++ /m/a\n@@ -0,0 +1 @@\n+1\n");
}

#[test]
fn where_nothing_changed_or_nothing_is_mounted_a_diff_is_empty() {
    let mounted = Program::new().args(["--mount", "/m=memory", "--diff"]);
    assert_eq!(mounted.script("print('done')").printed(), "done\n");
    let bare = Program::new().arg("--diff");
    assert_eq!(bare.script("print('done')").printed(), "done\n");
}

#[test]
fn a_diff_of_what_is_then_committed_shows_it() {
    let project = directory(&[("a.txt", "1\n")]);
    let ended = Program::new()
        .mount("/repo", &project, "overlay")
        .args(["--diff", "--commit"])
        .script("open('/repo/a.txt', 'w').write('2\\n')");
    assert_eq!(
        ended.printed(),
        "--- /repo/a.txt\n+++ /repo/a.txt\n@@ -1 +1 @@\n-1\n+2\nwrote /repo/a.txt\n"
    );
}

#[test]
fn a_quiet_run_has_no_diff() {
    let told = Program::new().args(["--quiet", "--diff"]).script("").refused();
    assert!(told.contains("'--quiet' cannot be used with '--diff'"), "{told}");
}
