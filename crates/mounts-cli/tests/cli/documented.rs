//! The commands that the documentation shows.

use std::fs;

use super::program::{Program, directory};

const README: &str = include_str!("../../../../README.md");
const GUIDE: &str = include_str!("../../../../docs/guides/rust_crate.md");

/// The program with the arguments of the one command line in `text` that calls it.
fn documented(text: &str) -> Program {
    let mut calls = text
        .lines()
        .filter_map(|line| line.strip_prefix("target/release/mounts-cli "));
    let arguments = calls.next().unwrap();
    assert_eq!(calls.next(), None);
    // None of the quoted arguments has a blank in it.
    Program::new().args(arguments.split(' ').map(|argument| argument.trim_matches('\'')))
}

#[test]
fn the_command_of_the_readme_leaves_the_directory_as_it_is_and_tells_what_changed() {
    let script = "
import os
from pathlib import Path
print(sorted(os.listdir('/src')), sorted(os.listdir('/repo')))
Path('/repo/notes.md').write_text('seen')
";
    let project = directory(&[("lib/a.ex", ""), (".git/config", ""), ("script.py", script)]);
    let ended = documented(README).directory(project.path()).run();
    assert_eq!(
        ended.printed(),
        "['a.ex'] ['lib', 'script.py']\nA /repo/notes.md (4 bytes)\n"
    );
    assert!(!project.path().join("notes.md").exists());
}

#[test]
fn the_command_of_the_guide_counts_lines() {
    let (_, script) = GUIDE.split_once("<<'PYTHON'\n").unwrap();
    let (script, _) = script.split_once("PYTHON\n").unwrap();
    let project = directory(&[
        ("crates/mounts/src/lib.rs", "1\n2\n"),
        ("crates/mounts/src/a/b.rs", "3\n"),
    ]);
    fs::write(project.path().join("count.py"), script).unwrap();
    let ended = documented(GUIDE).directory(project.path()).run();
    assert_eq!(ended.printed(), "counted True\nA /scratch/count.txt (16 bytes)\n");
}
