//! What a run prints.

use std::{borrow::Cow, mem, sync::Arc};

use monty_types::{ExcType, MontyException, PrintWriterCallback};
use serde::{Deserialize, Serialize};

use super::{
    limits::breach,
    meter::{self, ceiling::aside},
    overseer::Overseer,
    tether::{Stop, Tether},
};

/// The text printed since the run's last pause, and the count of all of it. Text printed to stderr joins it in order.
///
/// The text grows while the meter is on and belongs to the run until it leaves, so a run without a limit for its output
/// is still held by its memory limit. While a turn is under way it is with the [`Tether`], where whoever abandons the turn
/// finds it.
///
/// The interpreter asks what it prints to, every 256 instructions, whether there is anything to flush. That is when a
/// turn hears that it is to stop.
#[derive(Serialize, Deserialize)]
pub(crate) struct Output {
    text: String,
    #[serde(skip)]
    turn: Option<Arc<Tether>>,
    printed: usize,
    limit: Option<usize>,
    exceeded: bool,
    #[serde(skip)]
    overseer: Option<Arc<Overseer>>,
}

impl Output {
    /// Nothing printed yet, of at most `limit` bytes.
    pub(crate) fn new(limit: Option<usize>) -> Self {
        Self {
            text: String::new(),
            turn: None,
            printed: 0,
            limit,
            exceeded: false,
            overseer: None,
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

    /// Begins a turn, with nothing printed in it.
    pub(crate) fn begin(&mut self, turn: &Arc<Tether>) {
        self.text = String::new();
        self.turn = Some(Arc::clone(turn));
    }

    /// Ends the turn.
    pub(crate) fn end(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.text = turn.take_printed();
        }
    }

    /// Puts the run under an overseer, or none: a session's next run has another.
    pub(crate) fn oversee(&mut self, overseer: Option<Arc<Overseer>>) {
        self.overseer = overseer;
    }

    /// Who oversees the run.
    pub(crate) fn overseer(&self) -> Option<&Overseer> {
        self.overseer.as_deref()
    }

    /// As [`overseer`](Self::overseer), to keep.
    pub(crate) fn share_overseer(&self) -> Option<Arc<Overseer>> {
        self.overseer.clone()
    }

    /// Lets the overseer's listener know what has been printed.
    pub(crate) fn tell(&self) {
        if let Some(overseer) = &self.overseer {
            overseer.tell();
        }
    }

    /// The exception of a run that printed more than it may.
    pub(crate) fn breach(&self) -> Option<MontyException> {
        let limit = self.limit.filter(|_| self.exceeded)?;
        Some(breach(
            ExcType::MemoryError,
            format!("output limit exceeded: more than {limit} bytes"),
        ))
    }

    fn print(&mut self, text: &str) {
        if let Some(overseer) = &self.overseer {
            overseer.hear(text);
        }
        match &self.turn {
            Some(turn) => turn.print(text),
            None => self.text.push_str(text),
        }
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
        aside(|| {
            self.charge(output.len())?;
            self.print(&output);
            Ok(())
        })
    }

    fn stdout_push(&mut self, end: char) -> Result<(), MontyException> {
        aside(|| {
            self.charge(end.len_utf8())?;
            self.print(end.encode_utf8(&mut [0; 4]));
            if end == '\n' {
                self.tell();
            }
            Ok(())
        })
    }

    fn poll_flush(&mut self) -> Result<(), MontyException> {
        aside(|| {
            meter::publish();
            if let Some(turn) = &self.turn {
                if meter::is_far_over_budget() {
                    turn.stop(Stop::Overload);
                }
                turn.heed();
            }
            self.tell();
            Ok(())
        })
    }
}
