//! What a run prints.

use std::{borrow::Cow, mem};

use monty_types::{ExcType, MontyException, PrintWriterCallback};

use serde::{Deserialize, Serialize};

use super::{limits::breach, meter};

/// The text printed since the run's last pause, and the count of all of it. Text printed to stderr joins it in order.
///
/// The text grows while the meter is on and belongs to the run until it leaves, so a run without a limit for its output
/// is still held by its memory limit.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Output {
    text: String,
    printed: usize,
    limit: Option<usize>,
    exceeded: bool,
}

impl Output {
    /// Nothing printed yet, of at most `limit` bytes.
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Self {
            text: String::new(),
            printed: 0,
            limit,
            exceeded: false,
        }
    }

    /// Changes how much may be printed, what has been printed included.
    pub(crate) fn set_limit(&mut self, limit: Option<usize>) {
        self.limit = limit;
    }

    /// The text since the last pause.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Takes the text, so that what is printed next begins anew.
    pub(crate) fn take(&mut self) -> String {
        mem::take(&mut self.text)
    }

    /// The exception of a run that printed more than it may.
    pub(crate) fn breach(&self) -> Option<MontyException> {
        let limit = self.limit.filter(|_| self.exceeded)?;
        Some(breach(
            ExcType::MemoryError,
            format!("output limit exceeded: more than {limit} bytes"),
        ))
    }

    /// Counts `bytes` more. A script may catch the exception, so what ends the run is that it is condemned.
    fn charge(&mut self, bytes: usize) -> Result<(), MontyException> {
        self.printed = self.printed.saturating_add(bytes);
        if self.limit.is_some_and(|limit| self.printed > limit) {
            self.exceeded = true;
            meter::condemn();
        }
        self.breach().map_or(Ok(()), Err)
    }
}

impl PrintWriterCallback for Output {
    fn stdout_write(&mut self, output: Cow<'_, str>) -> Result<(), MontyException> {
        self.charge(output.len())?;
        self.text.push_str(&output);
        Ok(())
    }

    fn stdout_push(&mut self, end: char) -> Result<(), MontyException> {
        self.charge(end.len_utf8())?;
        self.text.push(end);
        Ok(())
    }
}
