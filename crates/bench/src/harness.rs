//! How things are measured: all contenders of a row in turns, so that a machine that is busy for a while is busy for
//! each of them.
//!
//! A round runs every contender once, in an order that is reversed from round to round. A run is short, and there are
//! many: most then fall between two interruptions, and the medians are theirs. The ratio is the median of the ratios
//! within the rounds. After each run the contender's answer is compared with ours: contenders that do not do the same
//! work cannot be compared.

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How thoroughly to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effort {
    /// For the figures.
    Full,
    /// Once, for the answers.
    Quick,
}

impl Effort {
    /// Whether a row has been measured enough.
    fn suffices(self, rounds: usize, taken: Duration) -> bool {
        const FEWEST: usize = 7;
        const MOST: usize = 2000;
        const LONG: Duration = Duration::from_millis(1500);
        match self {
            Self::Full => rounds >= MOST || (rounds >= FEWEST && taken >= LONG),
            Self::Quick => rounds > 0,
        }
    }

    /// How long one contender runs in one round, what it needs to prepare included.
    fn turn(self) -> Duration {
        match self {
            Self::Full => Duration::from_micros(200),
            Self::Quick => Duration::ZERO,
        }
    }
}

/// One run of a contender.
struct Run {
    /// What the work took.
    taken: Duration,
    /// What the work and what it needed to prepare took.
    spent: Duration,
    answer: String,
}

/// One way of doing the work of a row.
pub(crate) struct Contender {
    name: &'static str,
    run: Box<dyn FnMut(u32) -> Run>,
}

impl Contender {
    /// Work that can be done again and again. `describe` says what came of it, for the comparison.
    pub(crate) fn repeated<T>(
        name: &'static str,
        mut work: impl FnMut() -> T + 'static,
        describe: impl Fn(T) -> String + 'static,
    ) -> Self {
        let run = move |times| {
            let began = Instant::now();
            for _ in 1..times {
                black_box(work());
            }
            let answer = black_box(work());
            let taken = began.elapsed();
            Run {
                taken,
                spent: taken,
                answer: describe(answer),
            }
        };
        Self {
            name,
            run: Box::new(run),
        }
    }

    /// Work that uses up what it works on. What `prepare` does, and freeing it, are not measured.
    pub(crate) fn prepared<S, T>(
        name: &'static str,
        mut prepare: impl FnMut() -> S + 'static,
        mut work: impl FnMut(&mut S) -> T + 'static,
        describe: impl Fn(&mut S, T) -> String + 'static,
    ) -> Self {
        let run = move |times| {
            let mut run = Run {
                taken: Duration::ZERO,
                spent: Duration::ZERO,
                answer: String::new(),
            };
            let started = Instant::now();
            for left in (0..times).rev() {
                let mut state = prepare();
                let began = Instant::now();
                let answer = black_box(work(&mut state));
                run.taken += began.elapsed();
                if left == 0 {
                    run.spent = started.elapsed();
                    run.answer = describe(&mut state, answer);
                }
            }
            run
        };
        Self {
            name,
            run: Box::new(run),
        }
    }

    /// How often the work fits into a turn.
    fn calibrate(&mut self, turn: Duration) -> u32 {
        const MOST: u32 = 1 << 20;
        let mut times = 1;
        loop {
            let spent = (self.run)(times).spent;
            if spent * 2 >= turn || times >= MOST {
                let fits = turn.as_nanos() * u128::from(times) / spent.as_nanos().max(1);
                return u32::try_from(fits).unwrap_or(MOST).clamp(1, MOST);
            }
            times *= 2;
        }
    }
}

/// What a row is to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Goal {
    /// At least so many times as fast as the contender beside it.
    TimesFaster(f64),
    /// At most so many times the time of the contender beside it.
    TimesTheTime(f64),
    /// At most so long, whatever the others need.
    Within(Duration),
}

/// What is measured together.
pub(crate) struct Row {
    ours: Contender,
    others: Vec<(Contender, Option<Goal>)>,
    within: Option<Duration>,
    units: u32,
}

impl Row {
    pub(crate) fn new(ours: Contender) -> Self {
        Self {
            ours,
            others: Vec::new(),
            within: None,
            units: 1,
        }
    }

    /// Work once done is so many of the operations that the figures are for.
    pub(crate) fn units(self, units: u32) -> Self {
        Self { units, ..self }
    }

    /// Measures `other` too, for orientation.
    pub(crate) fn beside(mut self, other: Contender) -> Self {
        self.others.push((other, None));
        self
    }

    /// Measures `other` too, and compares with it.
    pub(crate) fn against(mut self, other: Contender, goal: Goal) -> Self {
        self.others.push((other, Some(goal)));
        self
    }

    /// States how long one operation may take.
    pub(crate) fn within(self, longest: Duration) -> Self {
        Self {
            within: Some(longest),
            ..self
        }
    }

    /// Measures everything in the row.
    pub(crate) fn measure(self, effort: Effort) -> Result<Measured, Disagreement> {
        let mut contenders = vec![self.ours];
        let mut goals = Vec::new();
        for (other, goal) in self.others {
            contenders.push(other);
            goals.push(goal);
        }
        let times: Vec<u32> = contenders
            .iter_mut()
            .map(|contender| match effort {
                Effort::Full => contender.calibrate(effort.turn()),
                Effort::Quick => 1,
            })
            .collect();
        let mut figures = vec![Vec::new(); contenders.len()];
        let mut order: Vec<usize> = (0..contenders.len()).collect();
        let began = Instant::now();
        let mut rounds = 0;
        while !effort.suffices(rounds, began.elapsed()) {
            rounds += 1;
            let mut answers = vec![String::new(); contenders.len()];
            for &index in &order {
                let run = (contenders[index].run)(times[index]);
                let operations = f64::from(times[index]) * f64::from(self.units);
                figures[index].push(run.taken.as_secs_f64() * 1e9 / operations);
                answers[index] = run.answer;
            }
            if let Some(index) = answers.iter().position(|answer| *answer != answers[0]) {
                return Err(Disagreement {
                    name: contenders[index].name,
                    answer: answers.swap_remove(index),
                    ours: answers.swap_remove(0),
                });
            }
            order.reverse();
        }
        let ours = figures.remove(0);
        let others = contenders[1..]
            .iter()
            .zip(figures)
            .zip(goals)
            .map(|((contender, theirs), goal)| Beside {
                name: contender.name,
                ratio: median(ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs)),
                nanoseconds: median(theirs),
                goal,
            })
            .collect();
        Ok(Measured {
            nanoseconds: median(ours),
            others,
            within: self.within,
        })
    }
}

/// The figures of a row, for one operation each.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) nanoseconds: f64,
    pub(crate) others: Vec<Beside>,
    pub(crate) within: Option<Duration>,
}

/// The figures of a contender that is not ours.
#[derive(Debug)]
pub(crate) struct Beside {
    pub(crate) name: &'static str,
    pub(crate) nanoseconds: f64,
    /// Our time in its.
    pub(crate) ratio: f64,
    pub(crate) goal: Option<Goal>,
}

/// Two contenders that did not do the same.
#[derive(Debug)]
pub(crate) struct Disagreement {
    name: &'static str,
    answer: String,
    ours: String,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, answer, ours } = self;
        write!(f, "{name} answers {answer:?}, and ours {ours:?}")
    }
}

fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = figures.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answering(name: &'static str, answer: &'static str) -> Contender {
        Contender::repeated(name, move || answer, str::to_owned)
    }

    #[test]
    fn contenders_that_answer_differently_are_not_compared() {
        let row = Row::new(answering("ours", "a"))
            .beside(answering("same", "a"))
            .beside(answering("other", "b"));
        let disagreement = row.measure(Effort::Quick).expect_err("the answers differ");
        assert_eq!(disagreement.to_string(), r#"other answers "b", and ours "a""#);
    }

    #[test]
    fn every_contender_has_its_figure_and_goal() {
        let row = Row::new(answering("ours", "a"))
            .against(answering("one", "a"), Goal::TimesFaster(2.0))
            .beside(answering("two", "a"))
            .within(Duration::from_nanos(5));
        let measured = row.measure(Effort::Quick).expect("the answers are the same");
        let others: Vec<_> = measured
            .others
            .iter()
            .map(|other| (other.name, other.goal))
            .collect();
        assert_eq!(others, [("one", Some(Goal::TimesFaster(2.0))), ("two", None)]);
        assert_eq!(measured.within, Some(Duration::from_nanos(5)));
    }

    #[test]
    fn only_the_work_on_what_was_prepared_is_repeated() {
        let contender = Contender::prepared("ours", || 0, |count| *count += 1, |count, ()| count.to_string());
        let mut run = contender.run;
        assert_eq!(run(7).answer, "1");
    }

    #[test]
    fn the_median_is_the_one_in_the_middle() {
        assert!((median([9.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!(median([]).is_nan());
    }
}
