//! What the end of a script comes to: text on standard error, and a status.

use std::io::{self, Write};

use monty_types::{ExcType, MontyException};

/// How a script ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ending {
    /// What is to be told on standard error, without the last line feed.
    pub(crate) text: Option<String>,
    /// The status to exit with.
    pub(crate) status: u8,
}

impl Ending {
    /// The ending of a script, as Python has it: `SystemExit` ends it well when it says nothing, and has no traceback
    /// when it says why. The interpreter's exceptions take a text or nothing, so that is all there is.
    pub(crate) fn of(result: &Result<(), MontyException>) -> Self {
        let Err(exception) = result else {
            return Self {
                text: None,
                status: 0,
            };
        };
        let text = match exception.exc_type() {
            ExcType::SystemExit => exception.message().map(str::to_owned),
            _ => Some(exception.to_string()),
        };
        let status = u8::from(text.is_some());
        Self { text, status }
    }

    /// Tells it, after everything that the script has printed.
    pub(crate) fn tell(&self) -> io::Result<()> {
        io::stdout().flush()?;
        match &self.text {
            Some(text) => writeln!(io::stderr(), "{text}"),
            None => Ok(()),
        }
    }
}
