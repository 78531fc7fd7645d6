//! The model holds, and would tell if it did not.

use super::{Bounds, check};
use crate::seeded::{Bug, Layer, Seeded};

#[test]
fn the_protocol_holds_in_every_order_of_events() {
    let report = check(Bounds::SUITE, Seeded::default());

    assert!(report.holds(), "{report}");
    assert!(report.promises >= 14, "{report}");
}

#[test]
fn the_model_finds_every_bug_that_it_must() {
    for bug in Bug::of(Layer::Model) {
        let report = check(Bounds::SUITE, Seeded(Some(bug)));

        assert!(
            !report.broken.is_empty(),
            "{} was not found: {report}",
            bug.name()
        );
    }
}
