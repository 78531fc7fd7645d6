//! The model holds, and would tell if it did not.

use super::{Bounds, check};
use crate::seeded::{Bug, Layer, Seeded};

#[test]
fn the_protocol_holds_in_every_order_of_events() {
    for bounds in Bounds::SUITE {
        let report = check(bounds, Seeded::default());

        assert!(report.holds(), "{report}");
        assert!(report.states > 100_000, "{report}");
    }
}

#[test]
fn the_model_finds_every_bug_that_it_must() {
    for bug in Bug::of(Layer::Model) {
        let mut reports = Bounds::SUITE
            .into_iter()
            .map(|bounds| check(bounds, Seeded(Some(bug))));

        assert!(
            reports.any(|report| !report.broken.is_empty()),
            "{} was not found",
            bug.name()
        );
    }
}
