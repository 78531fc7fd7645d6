//! The law that a demo must obey, and what it says where it does not.

use super::api::CampaignProgress;
use super::message::Coupon;
use super::report::Report;

/// Whatever does not hold, in words; empty where everything does.
///
/// `told` is what the API says of the finished campaign: its counters must be those that were
/// found in the stores.
pub(super) fn violations(report: &Report, told: &CampaignProgress, coupon: Coupon) -> Vec<String> {
    let truth = &report.truth;
    let wanted_grants = match coupon {
        Coupon::ForAll => truth.audience,
        Coupon::None => 0,
    };
    let pushes = &truth.pushes;
    let equal = [
        (
            "pushes in Datastore, of recipients",
            pushes.total(),
            truth.audience,
        ),
        ("final pushes, of recipients", pushes.settled(), truth.audience),
        ("coupons granted, of those due", truth.grants, wanted_grants),
        (
            "recipients with a coupon, of those due",
            truth.granted,
            wanted_grants,
        ),
        ("recipients lost, of none", truth.lost, 0),
        ("messages doubled, of none", truth.doubled, 0),
        ("inconsistencies open, of none", report.inconsistencies_open, 0),
        (
            "pushes that the API counts, of those in Datastore",
            told.expanded,
            pushes.total(),
        ),
        (
            "final pushes that the API counts, of those in Datastore",
            told.tally.settled(),
            pushes.settled(),
        ),
        (
            "sent pushes that the API counts, of those in Datastore",
            told.tally.sent,
            pushes.count(campaign::PushState::Sent),
        ),
        (
            "coupons that the API counts, of those granted",
            told.grants,
            truth.grants,
        ),
    ];
    let unequal = equal.into_iter().filter(|(_, is, should)| is != should);
    unequal
        .map(|(what, is, should)| format!("{what}: {is} instead of {should}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::api::PushCounts;
    use super::super::report::tests::report;
    use super::*;

    fn told() -> CampaignProgress {
        CampaignProgress {
            state: "finished".to_owned(),
            reason: None,
            expanded: 18,
            tally: PushCounts {
                sent: 15,
                failed: 0,
                skipped: 3,
                cancelled: 0,
                expired: 0,
            },
            grants: 18,
            missing: Vec::new(),
        }
    }

    #[test]
    fn a_demo_that_went_well_violates_nothing() {
        assert_eq!(
            violations(&report(), &told(), Coupon::ForAll),
            Vec::<String>::new()
        );
    }

    #[test]
    fn each_thing_that_does_not_hold_is_said() {
        let mut report = report();
        report.truth.lost = 1;
        report.truth.doubled = 2;
        report.inconsistencies_open = 3;
        report.truth.granted = 17;
        let told = CampaignProgress {
            expanded: 19,
            ..told()
        };

        assert_eq!(
            violations(&report, &told, Coupon::ForAll),
            [
                "recipients with a coupon, of those due: 17 instead of 18",
                "recipients lost, of none: 1 instead of 0",
                "messages doubled, of none: 2 instead of 0",
                "inconsistencies open, of none: 3 instead of 0",
                "pushes that the API counts, of those in Datastore: 19 instead of 18",
            ]
        );
    }

    #[test]
    fn without_a_coupon_nobody_has_one() {
        let violations = violations(&report(), &told(), Coupon::None);

        assert_eq!(
            violations,
            [
                "coupons granted, of those due: 18 instead of 0",
                "recipients with a coupon, of those due: 18 instead of 0",
            ]
        );
    }
}
