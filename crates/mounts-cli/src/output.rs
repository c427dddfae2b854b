//! What the script prints, on its way out.

use std::borrow::Cow;
use std::io::{self, Write};

use monty_types::{ExcType, MontyException, PrintWriterCallback};

/// The program's own streams. Lines of standard output leave as they end, and what is begun leaves when something
/// goes to standard error, and when the script sleeps or computes for a while.
#[derive(Debug)]
pub(crate) struct Streams {
    stdout: io::Stdout,
    stderr: io::Stderr,
}

impl Streams {
    pub(crate) fn new() -> Self {
        Self {
            stdout: io::stdout(),
            stderr: io::stderr(),
        }
    }

    fn out(&mut self, text: &str) -> Result<(), MontyException> {
        self.stdout
            .write_all(text.as_bytes())
            .map_err(|error| raised(&error))
    }

    fn error(&mut self, text: &str) -> Result<(), MontyException> {
        let Self { stdout, stderr } = self;
        stdout
            .flush()
            .and_then(|()| stderr.write_all(text.as_bytes()))
            .map_err(|error| raised(&error))
    }
}

/// What a script is told that prints to nobody, in Python's words.
fn raised(error: &io::Error) -> MontyException {
    let text = if error.kind() == io::ErrorKind::BrokenPipe {
        "[Errno 32] Broken pipe".to_owned()
    } else {
        error.to_string()
    };
    MontyException::new(ExcType::OSError, Some(text))
}

impl PrintWriterCallback for Streams {
    fn stdout_write(&mut self, output: Cow<'_, str>) -> Result<(), MontyException> {
        self.out(&output)
    }

    fn stdout_push(&mut self, end: char) -> Result<(), MontyException> {
        self.out(end.encode_utf8(&mut [0; 4]))
    }

    fn stderr_write(&mut self, output: Cow<'_, str>) -> Result<(), MontyException> {
        self.error(&output)
    }

    fn stderr_push(&mut self, end: char) -> Result<(), MontyException> {
        self.error(end.encode_utf8(&mut [0; 4]))
    }

    fn poll_flush(&mut self) -> Result<(), MontyException> {
        self.stdout.flush().map_err(|error| raised(&error))
    }
}
