//! What the gateway accepted is what was sent, and a user sees it once.

use std::collections::{BTreeMap, BTreeSet};

use campaign::CampaignState;

use super::pushes::is_sent;
use super::{Doubles, Facts};

pub(super) fn complaints(facts: &Facts, doubles: Doubles) -> Vec<String> {
    let mut complaints = both_ways(facts, doubles);
    complaints.extend(repeats(facts, doubles));
    let started_at = facts.campaign.started_at.unwrap_or_default();
    let early = facts
        .deliveries
        .iter()
        .filter(|delivery| delivery.received_at < started_at);
    complaints.extend(early.map(|delivery| format!("{} was sent before the start", delivery.address)));
    complaints
}

/// Sent pushes were accepted, and accepted ones are sent: but for those of a campaign that ended
/// early, whose sender was cut off before it could settle them.
fn both_ways(facts: &Facts, doubles: Doubles) -> Vec<String> {
    let sent = facts.pushes.iter().filter(|push| is_sent(push));
    let sent: BTreeSet<_> = sent.map(|push| push.id.to_string()).collect();
    let accepted: BTreeSet<_> = facts
        .deliveries
        .iter()
        .map(|delivery| delivery.push_id.clone())
        .collect();
    let never_accepted = sent.difference(&accepted);
    let mut never_settled = accepted.difference(&sent).collect::<Vec<_>>();
    let ended_early = matches!(
        facts.campaign.state,
        CampaignState::Cancelled | CampaignState::Failed
    );
    if ended_early && never_settled.len() <= doubles.allowed() {
        never_settled.clear();
    }
    never_accepted
        .map(|push| format!("push {push} is sent, and no gateway accepted it"))
        .chain(
            never_settled
                .into_iter()
                .map(|push| format!("push {push} was accepted, and is not sent")),
        )
        .collect()
}

/// Of one push to one address all copies have one collapse id, and there are not too many.
fn repeats(facts: &Facts, doubles: Doubles) -> Vec<String> {
    let mut copies = BTreeMap::<_, Vec<_>>::new();
    for delivery in &facts.deliveries {
        let to = (&delivery.push_id, &delivery.address);
        copies.entry(to).or_default().push(&delivery.collapse_id);
    }
    let visible = copies.iter().filter(|(_, collapse_ids)| {
        let first = collapse_ids.first();
        first.is_none_or(|id| id.is_none()) || collapse_ids.iter().any(|id| Some(id) != first)
    });
    let mut complaints: Vec<_> = visible
        .map(|((push, address), ids)| format!("push {push} shows on {address} as {ids:?}"))
        .collect();
    let doubled = facts.deliveries.len() - copies.len();
    let allowed = doubles.allowed();
    if doubled > allowed {
        complaints.push(format!("{doubled} messages were sent twice, {allowed} may be"));
    }
    complaints
}
