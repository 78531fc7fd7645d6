//! Grants are exact both ways: SQL is where they are committed, and the pushes follow.

use campaign::{PushId, Reason, Standing};

use super::super::difference::{Difference, DifferenceKind as Kind, Stage, Verdict};
use super::super::facts::Facts;

/// What is different in the grants of a chunk, of a campaign with a coupon.
pub(super) fn differences(facts: &Facts, stage: Stage) -> Vec<Difference> {
    let mut differences = pushes(facts, stage);
    differences.extend(count(facts, stage));
    differences
}

/// Whether a push that stands so was granted a coupon, in a campaign with one.
pub(in super::super) fn needs_grant(standing: Standing) -> bool {
    matches!(standing, Standing::Granted | Standing::Settled(Reason::Accepted))
}

/// Whether a push that stands so cannot have been.
fn cannot_have_grant(standing: Standing) -> bool {
    matches!(
        standing,
        Standing::Settled(
            Reason::CouponExhausted | Reason::CouponInvalid | Reason::GrantRefused | Reason::LocalTimePast
        )
    )
}

/// Who was sent the push has the coupon; who has the coupon has a push that may have one.
fn pushes(facts: &Facts, stage: Stage) -> Vec<Difference> {
    let (mut missing, mut impossible, mut unknown, mut elsewhere) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for push in facts.pushes() {
        let Some(user) = &push.user else { continue };
        match facts.grants.get(user) {
            None if needs_grant(push.standing) && !facts.erased.contains(user) => missing.push(push.id),
            None => {}
            Some(no) if *no != facts.no => elsewhere.push(push.id),
            Some(_) if cannot_have_grant(push.standing) => impossible.push(push.id),
            Some(_) if push.standing == Standing::Pending => unknown.push(push.id),
            Some(_) => {}
        }
    }
    let of = |kind, verdict, pushes: &[PushId], words| {
        Difference::of_pushes(kind, verdict, facts.no, pushes, words)
    };
    let fault = Verdict::Fault;
    [
        of(
            Kind::GrantMissing,
            fault,
            &missing,
            "pushes have a coupon that SQL has not granted",
        ),
        of(
            Kind::GrantUnexpected,
            fault,
            &impossible,
            "pushes were refused a coupon that SQL has granted",
        ),
        of(
            Kind::GrantUnexpected,
            stage.passing(),
            &unknown,
            "pushes do not know of the coupon that SQL has granted",
        ),
        of(
            Kind::GrantElsewhere,
            fault,
            &elsewhere,
            "pushes have a coupon that SQL has granted in another chunk",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The chunk's row counts the grants of its users. Those of erased users have other names.
fn count(facts: &Facts, stage: Stage) -> Option<Difference> {
    let found = facts.grants.values().filter(|no| **no == facts.no).count() as u64;
    let erased = facts.erased_users();
    let (used, is_closed) = facts
        .stock
        .map_or((0, false), |stock| (u64::from(stock.used), stock.closed));
    let verdict = match (used < found, is_closed) {
        // The count was read after the grants, and only grows.
        (true, _) | (false, true) => Verdict::Fault,
        (false, false) => stage.passing(),
    };
    (!(found..=found + erased).contains(&used)).then(|| {
        let detail = format!("SQL counts {used} grants of it, and has {found}");
        Difference::of_chunk(Kind::GrantCountDiffers, verdict, facts.no, detail)
    })
}
