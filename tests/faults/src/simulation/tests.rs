//! Ten thousand worlds come to rest with everything as it must be, and no seeded bug does not.

use std::thread::available_parallelism;

use super::{many, one};
use crate::seeded::{Bug, Layer, Seeded};

/// Seeds within which a seeded bug must be found.
const SEEDS: u64 = 10_000;

fn threads() -> usize {
    available_parallelism().map_or(1, usize::from)
}

#[test]
fn ten_thousand_seeds_hold() {
    let runs = many(0, SEEDS, threads(), 1, Seeded::default());

    assert!(runs.failed.is_empty(), "{:#?}", runs.failed);
    assert_eq!(runs.seeds, SEEDS);
    assert!(runs.faults > SEEDS, "faults happen: {}", runs.faults);
}

#[test]
fn the_simulator_finds_every_bug_that_it_must() {
    for bug in Bug::of(Layer::Simulation) {
        let runs = many(0, SEEDS, threads(), 1, Seeded(Some(bug)));

        assert!(!runs.failed.is_empty(), "{} was not found", bug.name());
    }
}

#[test]
fn a_seed_is_always_the_same_run() {
    for seed in 0..20 {
        let (first, second) = (one(seed, Seeded::default()), one(seed, Seeded::default()));

        assert_eq!((first.events, first.faults), (second.events, second.faults));
    }
}
