//! One run of the program.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// How it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A program that is yet to be started.
pub(crate) struct Program(Command);

impl Program {
    pub(crate) fn new() -> Self {
        Self(Command::new(env!("CARGO_BIN_EXE_mounts-cli")))
    }

    /// A program that the system refuses files of more than a few kilobytes.
    pub(crate) fn with_file_size_limit() -> Self {
        let mut shell = Command::new("sh");
        // Without the trap the signal would end it.
        shell
            .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
            .arg(env!("CARGO_BIN_EXE_mounts-cli"));
        Self(shell)
    }

    pub(crate) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    pub(crate) fn args<'a>(mut self, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        self.0.args(arguments);
        self
    }

    /// Mounts `directory` at `point`.
    pub(crate) fn mount(self, point: &str, directory: &tempfile::TempDir, mode: &str) -> Self {
        self.arg("--mount")
            .arg(format!("{point}={}:{mode}", directory.path().display()))
    }

    /// Starts it in `directory`.
    pub(crate) fn directory(mut self, directory: &Path) -> Self {
        self.0.current_dir(directory);
        self
    }

    /// Runs it without anything on standard input.
    pub(crate) fn run(self) -> Ended {
        self.run_with("")
    }

    /// Runs the script `code`, which comes by standard input.
    pub(crate) fn script(self, code: &str) -> Ended {
        self.arg("-").run_with(code)
    }

    /// Runs the script `code`, which prints nothing, and does `act` when it is through and before it ends.
    pub(crate) fn meanwhile(self, code: &str, act: impl FnOnce()) -> Ended {
        let shared = directory(&[]);
        let code = format!(
            "{code}
import os
print('ready')
while not os.path.exists('/shared/go'):
    pass
"
        );
        let mut child = self.mount("/shared", &shared, "ro").arg("-").start(&code);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        act();
        std::fs::write(shared.path().join("go"), "").unwrap();
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(line, "ready\n", "{err}");
        Ended {
            status: output.status.code(),
            out: rest,
            err,
        }
    }

    /// Runs the script `code`, and kills the program as soon as it is `time`, unless it has ended by then.
    pub(crate) fn killed_once(self, code: &str, time: impl Fn() -> bool) {
        let mut child = self.arg("-").start(code);
        while !time() && child.try_wait().unwrap().is_none() {}
        // One that has ended needs no killing.
        let _ = child.kill();
        child.wait().unwrap();
    }

    fn start(mut self, input: &str) -> Child {
        let mut child = self
            .0
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that refuses its arguments does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child
    }

    fn run_with(self, input: &str) -> Ended {
        let output = self.start(input).wait_with_output().unwrap();
        Ended {
            status: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// What it printed, for a run that ended well.
    #[track_caller]
    pub(crate) fn printed(self) -> String {
        assert_eq!((self.status, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// What it said about its arguments, for a run that never began.
    #[track_caller]
    pub(crate) fn refused(self) -> String {
        assert_eq!((self.status, self.out.as_str()), (Some(2), ""), "{}", self.err);
        self.err
    }
}

/// Runs the script `code` without mounts.
pub(crate) fn script(code: &str) -> Ended {
    Program::new().script(code)
}

/// A directory with `files` in it.
pub(crate) fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, contents) in files {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, contents).unwrap();
    }
    directory
}

/// The names in a directory of the host, sorted.
pub(crate) fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
