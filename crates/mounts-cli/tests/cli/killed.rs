//! A commit that is killed at some moment: every file is the old one or the new one, nothing is lost, and the same
//! commit made again comes to its end.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::program::{Program, directory};

/// How many files there are of each kind: replaced, removed, and created.
const FILES: usize = 150;

const OLD_BYTES: usize = 3 << 10;
const NEW_BYTES: usize = 4 << 10;

/// Brings the directory to what it is to be, from whatever a commit that was killed has left.
const WORK: &str = "
import os
os.makedirs('/repo/new', exist_ok=True)
for i in range(150):
    open(f'/repo/replaced-{i:03}', 'w').write(str(i % 10) * 4096)
    open(f'/repo/new/created-{i:03}', 'w').write(str(i % 10) * 4096)
    if os.path.exists(f'/repo/removed-{i:03}'):
        os.remove(f'/repo/removed-{i:03}')
";

fn new_text(i: usize) -> String {
    (i % 10).to_string().repeat(NEW_BYTES)
}

fn old_text() -> String {
    "o".repeat(OLD_BYTES)
}

fn project() -> TempDir {
    let project = directory(&[]);
    for i in 0..FILES {
        for kind in ["replaced", "removed"] {
            fs::write(project.path().join(format!("{kind}-{i:03}")), old_text()).unwrap();
        }
    }
    project
}

/// The files below a directory, with what is in them.
fn files(directory: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if entry.file_type().unwrap().is_dir() {
            let inside = files(&entry.path()).into_iter();
            found.extend(inside.map(|(below, text)| (format!("{name}/{below}"), text)));
        } else {
            found.insert(name, fs::read_to_string(entry.path()).unwrap());
        }
    }
    found
}

/// Checks every file, and answers how many steps of the commit have been done.
#[track_caller]
fn check(project: &TempDir) -> usize {
    let mut found = files(project.path());
    let mut done = 0;
    for i in 0..FILES {
        match found.remove(&format!("replaced-{i:03}")) {
            Some(text) if text == old_text() => {}
            Some(text) if text == new_text(i) => done += 1,
            other => panic!("replaced-{i:03} is neither: {:?}", other.map(|text| text.len())),
        }
        match found.remove(&format!("removed-{i:03}")) {
            Some(text) if text == old_text() => {}
            None => done += 1,
            other => panic!("removed-{i:03} was changed: {:?}", other.map(|text| text.len())),
        }
        match found.remove(&format!("new/created-{i:03}")) {
            None => {}
            Some(text) if text == new_text(i) => done += 1,
            other => panic!("created-{i:03} is torn: {:?}", other.map(|text| text.len())),
        }
    }
    // What is left is in the commit's own directory. What it was changing places with is whole.
    let whole = |text: &String| *text == old_text() || (0..10).any(|i| *text == new_text(i));
    for (name, text) in found {
        assert!(name.starts_with(".mounts-"), "{name} belongs to nobody");
        assert!(!name.contains("/held-") || whole(&text), "{name} is torn");
    }
    done
}

fn commit(project: &TempDir) -> Program {
    Program::new()
        .mount("/repo", project, "overlay")
        .args(["--quiet", "--commit"])
}

#[test]
fn a_commit_that_is_killed_leaves_each_file_old_or_new_and_can_be_made_again() {
    let mut cut_short = 0;
    for round in (0..FILES).step_by(15) {
        let project = project();
        // From the first thing that it makes to the last that it replaces: each round waits for another step.
        let begun = |step: usize| match step.checked_sub(1) {
            None => fs::read_dir(project.path()).unwrap().any(|entry| {
                let name = entry.unwrap().file_name();
                name.to_str().unwrap().starts_with(".mounts-")
            }),
            Some(i) => {
                let replaced = project.path().join(format!("replaced-{i:03}"));
                fs::metadata(replaced).unwrap().len() == NEW_BYTES as u64
            }
        };
        commit(&project).killed_once(WORK, || begun(round));
        let done = check(&project);
        cut_short += usize::from(done < 3 * FILES);

        let ended = commit(&project).script(WORK);
        assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
        assert_eq!(check(&project), 3 * FILES, "round {round}");
    }
    // The first one is killed while it makes what it is to place, which is most of the work.
    assert!(cut_short > 0, "no commit was in the middle");
}
