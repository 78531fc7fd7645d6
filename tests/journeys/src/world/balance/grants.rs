//! Grants are exact both ways, stock that was not used is back, and nothing is promised still.

use campaign::{ChunkId, Reason, Standing};
use push_store::Push;

use super::Facts;
use super::pushes::is_sent;

pub(super) fn complaints(facts: &Facts) -> Vec<String> {
    let mut complaints = match facts.campaign.plan.coupon_id {
        Some(_) => exactness(facts),
        None if facts.grants.is_empty() => Vec::new(),
        None => vec![format!("{} grants without a coupon", facts.grants.len())],
    };
    complaints.extend(stock(facts));
    if facts.open_intents > 0 {
        complaints.push(format!("{} intents are open", facts.open_intents));
    }
    if facts.open_inconsistencies > 0 {
        complaints.push(format!("{} inconsistencies are open", facts.open_inconsistencies));
    }
    complaints
}

/// Who was sent the push has the coupon; who has the coupon has a push that may have one.
fn exactness(facts: &Facts) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut grants = facts.grants.clone();
    for push in &facts.pushes {
        let Some(user) = &push.user else { continue };
        let standing = push.standing;
        match grants.remove(user) {
            Some(_) if cannot_have_one(push) => {
                complaints.push(format!("{user} has a grant, and a push that is {standing:?}"));
            }
            Some(no) if ChunkId::of(push.campaign, no) != push.chunk => {
                complaints.push(format!("{user} has a grant of chunk {no}, and a push of another"));
            }
            None if is_sent(push) || standing == Standing::Granted => {
                complaints.push(format!("{user} has no grant, and a push that is {standing:?}"));
            }
            Some(_) | None => {}
        }
    }
    complaints.extend(
        grants
            .keys()
            .map(|user| format!("{user} has a grant and no push")),
    );
    complaints
}

/// Whether a push stands so that it cannot have been granted a coupon.
fn cannot_have_one(push: &Push) -> bool {
    match push.standing {
        Standing::Pending => true,
        Standing::Granted => false,
        Standing::Settled(reason) => matches!(
            reason,
            Reason::CouponExhausted | Reason::CouponInvalid | Reason::GrantRefused | Reason::LocalTimePast
        ),
    }
}

/// Every chunk is closed and has returned what it did not use; the coupon knows.
fn stock(facts: &Facts) -> Vec<String> {
    let Some(coupon) = &facts.coupon else {
        return Vec::new();
    };
    let granted = facts.grants.len() as u64;
    let used: u64 = facts
        .chunk_grants
        .iter()
        .map(|grants| u64::from(grants.used))
        .sum();
    let open = facts.chunk_grants.iter().filter(|grants| !grants.closed).count();
    let unreturned = facts
        .reservations
        .iter()
        .filter(|reservation| reservation.returned.is_none());
    let unreturned = unreturned.count();
    let kept: u64 = facts
        .reservations
        .iter()
        .map(|reservation| u64::from(reservation.amount - reservation.returned.unwrap_or_default()))
        .sum();
    let rules = [
        (open == 0, format!("{open} chunks may still grant")),
        (
            unreturned == 0,
            format!("{unreturned} reservations are not returned"),
        ),
        (
            used == granted,
            format!("the chunks count {used} grants, there are {granted}"),
        ),
        (
            kept == granted,
            format!("the chunks keep {kept} of the stock and granted {granted}"),
        ),
        (
            coupon.stock.is_none_or(|stock| coupon.reserved <= stock),
            format!("{} of {:?} are reserved", coupon.reserved, coupon.stock),
        ),
        (
            coupon.reserved == facts.granted_in_all,
            format!(
                "the coupon counts {} reserved, {} are granted",
                coupon.reserved, facts.granted_in_all
            ),
        ),
    ];
    let broken = rules.into_iter().filter(|(holds, _)| !holds);
    broken.map(|(_, complaint)| complaint).collect()
}
