//! The jobs that wait, and the threads that there are for them.

use std::{collections::VecDeque, mem, sync::Arc, time::Instant};

use super::{Job, Unattended, adrift::Adrift, desk::Desk};
use crate::engine::tether::Deadline;

#[derive(Default)]
pub(super) struct Queue {
    pub(super) jobs: VecDeque<Box<dyn Job>>,
    pub(super) threads: usize,
    /// What each of the threads is at.
    pub(super) desks: Vec<Arc<Desk>>,
    /// Threads whose turns were abandoned and have not ended.
    pub(super) adrift: Vec<Arc<Adrift>>,
    /// Threads that sleep, and that nobody has woken.
    pub(super) sleeping: usize,
    /// Threads that look out for a job; each of them looks into the queue once more before it sleeps.
    pub(super) lookouts: usize,
}

impl Queue {
    /// Takes the jobs whose time is over, which no thread needs to come for.
    pub(super) fn take_late(&mut self, now: Instant) -> Vec<(Box<dyn Job>, Unattended)> {
        if !self.jobs.iter().any(|job| deadline(job.as_ref(), now).is_some()) {
            return Vec::new();
        }
        let mut late = Vec::new();
        for job in mem::take(&mut self.jobs) {
            match deadline(job.as_ref(), now) {
                Some(deadline) => late.push((job, Unattended::Late(deadline))),
                None => self.jobs.push_back(job),
            }
        }
        late
    }

    /// Takes all jobs, because no thread will come for them.
    pub(super) fn take_all(&mut self) -> Vec<(Box<dyn Job>, Unattended)> {
        let jobs = mem::take(&mut self.jobs);
        jobs.into_iter().map(|job| (job, Unattended::NoThread)).collect()
    }
}

/// The end of the job's time, if it is over by `now`.
fn deadline(job: &dyn Job, now: Instant) -> Option<Deadline> {
    let deadline = job.turn()?.tether().deadline()?;
    (now >= deadline.at).then_some(deadline)
}
