//! How many random cases a property test tries, and from which seed.

use proptest::test_runner::{Config, RngSeed};

/// `bounded` cases, the same ones each time. With `MOUNTS_CASES` it is that many new ones instead; proptest's own
/// `PROPTEST_RNG_SEED` repeats a run.
pub(crate) fn cases(bounded: u32) -> Config {
    let asked = std::env::var("MOUNTS_CASES").ok().map(|count| {
        count
            .parse()
            .unwrap_or_else(|_| panic!("MOUNTS_CASES is a number of cases, not {count:?}"))
    });
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    match asked {
        Some(cases) => Config { cases, ..config },
        None => Config {
            cases: bounded,
            rng_seed: RngSeed::Fixed(0x6d6f_756e_7473),
            ..config
        },
    }
}
