use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use super::Handoff;

const LONG: Duration = Duration::from_mins(1);

#[test]
fn an_outcome_that_is_there_is_handed_over() {
    let handoff = Handoff::new();
    assert_eq!(handoff.offer(1), None);
    assert_eq!(handoff.collect(Duration::ZERO, || true), Some(1));
}

#[test]
fn an_outcome_after_the_caller_has_left_goes_back_to_the_job() {
    let handoff = Handoff::new();
    assert_eq!(handoff.collect(Duration::ZERO, || true), None);
    assert_eq!(handoff.offer(1), Some(1));
}

#[test]
fn a_caller_that_may_not_look_out_leaves_at_once() {
    let handoff = Handoff::<u8>::new();
    assert_eq!(handoff.collect(LONG, || false), None);
}

#[test]
fn a_dismissed_caller_leaves_at_once_and_the_outcome_goes_by_post() {
    let handoff = Handoff::new();
    handoff.dismiss();
    assert_eq!(handoff.collect(LONG, || true), None);
    assert_eq!(handoff.offer(1), Some(1));
}

/// Symptom of a lost race: the caller waits for a message that nobody sends, or gets the outcome twice. Each round both
/// sides start together and each leaves at another moment; exactly one of them must end up with the outcome, and both
/// ends of the race must have been seen.
#[test]
fn exactly_one_side_ends_up_with_the_outcome() {
    const ROUNDS: u32 = 200_000;
    let mut collected = 0;
    let mut posted = 0;
    let handoffs: Arc<Vec<_>> = Arc::new((0..ROUNDS).map(|_| Handoff::new()).collect());
    let barrier = Arc::new(Barrier::new(2));
    let job = {
        let (handoffs, barrier) = (Arc::clone(&handoffs), Arc::clone(&barrier));
        thread::spawn(move || {
            barrier.wait();
            let offer = |(round, handoff): (u32, &Handoff<Box<u32>>)| {
                for _ in 0..round % 61 {
                    std::hint::spin_loop();
                }
                if round % 7 == 0 {
                    handoff.dismiss();
                }
                handoff.offer(Box::new(round)).is_some()
            };
            (0..).zip(handoffs.iter()).map(offer).collect::<Vec<_>>()
        })
    };
    barrier.wait();
    let taken: Vec<_> = (0..)
        .zip(handoffs.iter())
        .map(|(round, handoff): (u32, _)| {
            let outcome = handoff.collect(Duration::from_nanos(u64::from(round % 53) * 40), || true);
            outcome.inspect(|value| assert_eq!(**value, round)).is_some()
        })
        .collect();
    let returned = job.join().expect("the job does not panic");
    for (taken, returned) in taken.into_iter().zip(returned) {
        assert_ne!(taken, returned, "the outcome went to both sides or to none");
        collected += u32::from(taken);
        posted += u32::from(returned);
    }
    assert!(
        collected > 0 && posted > 0,
        "only one end of the race was run: {collected} and {posted}"
    );
}
