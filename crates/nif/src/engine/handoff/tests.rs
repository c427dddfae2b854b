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
    assert_eq!(handoff.collect(Duration::ZERO, || true, || "home"), Some(1));
}

#[test]
fn an_outcome_after_the_caller_has_left_goes_to_its_address() {
    let handoff = Handoff::new();
    assert_eq!(handoff.collect(Duration::ZERO, || true, || "home"), None);
    assert_eq!(handoff.offer(1), Some((1, "home")));
}

#[test]
fn a_caller_that_may_not_look_out_leaves_at_once() {
    let handoff = Handoff::<u8, _>::new();
    assert_eq!(handoff.collect(LONG, || false, || "home"), None);
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
            let offer = |(round, handoff): (u32, &Handoff<Box<u32>, u32>)| {
                for _ in 0..round % 61 {
                    std::hint::spin_loop();
                }
                let sent = handoff.offer(Box::new(round));
                sent.inspect(|(value, address)| assert_eq!((**value, *address), (round, round)))
                    .is_some()
            };
            (0..).zip(handoffs.iter()).map(offer).collect::<Vec<_>>()
        })
    };
    barrier.wait();
    let taken: Vec<_> = (0..)
        .zip(handoffs.iter())
        .map(|(round, handoff): (u32, _)| {
            let patience = Duration::from_nanos(u64::from(round % 53) * 40);
            let outcome = handoff.collect(patience, || true, || round);
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
