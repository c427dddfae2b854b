//! A lease that is lent: who has it meanwhile, and where it is afterwards.

use super::*;

/// A table, and the place where an exclusive lease of it is kept.
fn held() -> (Table, Hold) {
    let table = Table::new();
    let lease = table.checkout(LeaseMode::Exclusive).unwrap();
    (table, Hold::new(Held::Lease(Arc::new(lease))))
}

fn borrowed(hold: &Hold) -> Lent<'_> {
    // Not `unwrap`: what it says of a refusal would need the VM.
    hold.lend().ok().unwrap()
}

fn is_out(table: &Table) -> bool {
    table.checkout(LeaseMode::Exclusive).is_err()
}

#[test]
fn what_is_lent_is_lent_once_and_comes_back() {
    let (table, hold) = held();
    let lent = borrowed(&hold);
    assert!(
        matches!(hold.lend(), Err(Refusal::Mounts(error)) if error.kind() == ErrorKind::InUse),
        "one at a time has it"
    );
    assert!(!hold.withdraw(), "it has been granted");
    drop(lent);
    assert!(is_out(&table));
    assert!(hold.lend().is_ok());
}

#[test]
fn a_lease_that_is_to_end_while_it_is_lent_ends_afterwards() {
    let (table, hold) = held();
    let lent = borrowed(&hold);
    hold.end();
    assert!(is_out(&table), "its borrower still has it");
    drop(lent);
    assert!(!is_out(&table));
    assert!(matches!(hold.lend(), Err(Refusal::LeaseReleased)));
}

#[test]
fn of_many_who_end_a_lease_each_finds_it_ended() {
    for _ in 0..2_000 {
        let (table, hold) = held();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    hold.end();
                    assert!(table.checkout(LeaseMode::Shared).is_ok());
                });
            }
        });
    }
}

#[test]
fn a_panic_of_the_borrower_gives_it_back() {
    let (table, hold) = held();
    let lent = borrowed(&hold);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _lent = lent;
        panic!("as planned");
    }));
    assert!(panicked.is_err());
    assert!(is_out(&table));
    assert!(hold.lend().is_ok());
}
