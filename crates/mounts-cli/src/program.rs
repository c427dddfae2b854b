//! The script, as it is read.

use std::fs;
use std::io::{self, Read};

use crate::arguments::Script;
use crate::failure::Failure;

/// A script that has been read.
#[derive(Debug)]
pub(crate) struct Program {
    /// The name that tracebacks show.
    pub(crate) name: String,
    /// Its source.
    pub(crate) code: String,
}

impl Program {
    /// Reads `script` whole.
    pub(crate) fn read(script: &Script) -> Result<Self, Failure> {
        let (name, read) = match script {
            Script::File(path) => (path.to_string_lossy().into_owned(), fs::read(path)),
            Script::StandardInput => ("<stdin>".to_owned(), standard_input()),
        };
        let unreadable =
            |why: &dyn std::fmt::Display| Failure::usage(format_args!("cannot run '{name}': {why}"));
        let code = String::from_utf8(read.map_err(|error| unreadable(&error))?)
            .map_err(|error| unreadable(&format_args!("it is not UTF-8 ({})", error.utf8_error())))?;
        Ok(Self { name, code })
    }
}

fn standard_input() -> io::Result<Vec<u8>> {
    let mut code = Vec::new();
    io::stdin().lock().read_to_end(&mut code)?;
    Ok(code)
}
