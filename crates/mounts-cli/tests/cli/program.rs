//! One run of the program.

use std::ffi::OsStr;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

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

    fn run_with(mut self, input: &str) -> Ended {
        let mut child = self
            .0
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that refuses its arguments does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
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
