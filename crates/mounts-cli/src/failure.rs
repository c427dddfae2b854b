//! Why the program could not do what it was asked to, and the status that it exits with.

use std::fmt;
use std::io;

/// A failure of the program, as opposed to one of the script.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line asks for something that does not exist or makes no sense.
    Usage(String),
    /// The host has changed what would be committed, or what a dump was made over.
    Conflict(String),
    /// A commit was not made, or not to its end.
    Commit(String),
    /// A dump could not be written.
    Save(String),
    /// What is printed goes nowhere.
    Output(io::Error),
    /// The system or the interpreter failed.
    Internal(String),
}

impl Failure {
    /// A mistake on the command line.
    pub(crate) fn usage(text: impl fmt::Display) -> Self {
        Self::Usage(text.to_string())
    }

    /// The status to exit with: 2 is what command lines are refused with, 1 what Python exits with when it cannot
    /// write, 70 and 74 `sysexits`' numbers for a fault of the program and for what cannot be written; 3 and 4 are
    /// this program's own.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Conflict(_) => 3,
            Self::Commit(_) => 4,
            Self::Output(_) => 1,
            Self::Internal(_) => 70,
            Self::Save(_) => 74,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text)
            | Self::Conflict(text)
            | Self::Commit(text)
            | Self::Save(text)
            | Self::Internal(text) => f.write_str(text),
            Self::Output(error) => write!(f, "standard output: {error}"),
        }
    }
}
