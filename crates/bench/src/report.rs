//! What is printed: a table in Markdown, a line for each comparison.

use crate::harness::{Goal, Measured};

pub(crate) fn heading() {
    println!("| work | ours | beside it | its time | ours is | goal | met |");
    println!("|---|--:|---|--:|--:|--:|---|");
}

/// One line for the goal that is a time, then one for each contender.
pub(crate) fn row(name: &str, measured: &Measured) {
    let ours = time(measured.nanoseconds);
    let mut shown = name;
    let mut first = ours.as_str();
    if let Some(longest) = measured.within {
        let goal = Goal::Within(longest);
        let met = is_met(goal, measured.nanoseconds, 1.0);
        println!(
            "| {shown} | {first} | | | | {} | {} |",
            spelled(goal),
            answer(met)
        );
        (shown, first) = ("", "");
    }
    for other in &measured.others {
        let (goal, met) = match other.goal {
            Some(goal) => (
                spelled(goal),
                answer(is_met(goal, measured.nanoseconds, other.ratio)),
            ),
            None => (String::new(), ""),
        };
        let theirs = time(other.nanoseconds);
        let compared = comparison(other.ratio);
        println!(
            "| {shown} | {first} | {} | {theirs} | {compared} | {goal} | {met} |",
            other.name
        );
        (shown, first) = ("", "");
    }
}

/// The line for the figure that is no time.
pub(crate) fn footprint(name: &str, bytes: f64, most: f64) {
    println!(
        "| {name} | {bytes:.0} bytes | | | | ≤ {most} bytes | {} |",
        answer(bytes <= most)
    );
}

fn is_met(goal: Goal, nanoseconds: f64, ratio: f64) -> bool {
    match goal {
        Goal::TimesFaster(times) => 1.0 / ratio >= times,
        Goal::TimesTheTime(times) => ratio <= times,
        Goal::Within(longest) => nanoseconds <= longest.as_secs_f64() * 1e9,
    }
}

fn answer(met: bool) -> &'static str {
    if met { "yes" } else { "**no**" }
}

fn spelled(goal: Goal) -> String {
    match goal {
        Goal::TimesFaster(times) => format!("≥ {times}× faster"),
        Goal::TimesTheTime(times) => format!("≤ {times}× the time"),
        Goal::Within(longest) => format!("≤ {}", time(longest.as_secs_f64() * 1e9)),
    }
}

/// How ours compares, given our time in theirs.
fn comparison(ratio: f64) -> String {
    if ratio <= 0.67 {
        format!("{}× faster", digits(1.0 / ratio))
    } else {
        format!("{}× the time", digits(ratio))
    }
}

fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{} ns", digits(ns)),
        ns if ns < 1e6 => format!("{} µs", digits(ns / 1e3)),
        ns => format!("{} ms", digits(ns / 1e6)),
    }
}

/// Two digits at least.
fn digits(number: f64) -> String {
    if number < 9.95 {
        format!("{number:.2}")
    } else {
        format!("{number:.0}")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_have_the_unit_that_fits() {
        let spelled: Vec<_> = [8.0, 340.0, 1500.0, 64e6].map(time).into();
        assert_eq!(spelled, ["8.00 ns", "340 ns", "1.50 µs", "64 ms"]);
    }

    #[test]
    fn goals_are_met_at_their_edge() {
        assert!(is_met(Goal::TimesFaster(4.0), 1.0, 0.25));
        assert!(!is_met(Goal::TimesFaster(4.0), 1.0, 0.26));
        assert!(is_met(Goal::TimesTheTime(1.25), 1.0, 1.25));
        assert!(!is_met(Goal::TimesTheTime(1.25), 1.0, 1.26));
        assert!(is_met(Goal::Within(Duration::from_micros(5)), 5000.0, 9.0));
        assert!(!is_met(Goal::Within(Duration::from_micros(5)), 5001.0, 0.1));
    }

    #[test]
    fn a_comparison_says_which_way_it_goes() {
        assert_eq!(comparison(0.1), "10× faster");
        assert_eq!(comparison(1.2), "1.20× the time");
    }
}
