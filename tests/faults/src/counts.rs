//! What is counted of a campaign that has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::iter::Sum;
use std::ops::Add;

use campaign::CampaignState;
use journeys::world::balance::Facts;
use serde::Serialize;

/// Counts of one campaign, or of many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Recipients.
    pub targets: u64,
    /// Recipients whose push is neither final nor, in a cancelled campaign, read as cancelled.
    pub lost: u64,
    /// Messages that a user sees twice: of one push to one address with different collapse ids.
    pub doubled_visible: u64,
    /// Messages more than one of a push to an address, which collapse into one.
    pub doubled_raw: u64,
    /// Most of those that may be: handed over and not settled when a fault struck.
    pub doubled_raw_bound: u64,
    /// Intents and inconsistencies that are still open.
    pub unrepaired: u64,
}

impl Counts {
    /// Those of one campaign.
    pub fn of(facts: &Facts, doubled_raw_bound: usize) -> Self {
        let targets = facts.recipients.iter().map(Vec::len).sum::<usize>();
        let settled = facts
            .pushes
            .iter()
            .filter(|push| push.standing.state().is_final())
            .count();
        let lost = match facts.campaign.state {
            // What is not settled there reads as cancelled.
            CampaignState::Cancelled | CampaignState::Failed => 0,
            CampaignState::Draft
            | CampaignState::Scheduled
            | CampaignState::Running
            | CampaignState::Paused
            | CampaignState::Finished => targets.saturating_sub(settled),
        };
        let mut copies = BTreeMap::<_, (usize, BTreeSet<_>)>::new();
        for delivery in &facts.deliveries {
            let (count, collapse_ids) = copies.entry((&delivery.push_id, &delivery.address)).or_default();
            *count += 1;
            collapse_ids.insert(&delivery.collapse_id);
        }
        let visible = copies
            .values()
            .map(|(_, collapse_ids)| collapse_ids.len() - 1)
            .sum::<usize>();
        Self {
            targets: targets as u64,
            lost: lost as u64,
            doubled_visible: visible as u64,
            doubled_raw: (facts.deliveries.len() - copies.len()) as u64,
            doubled_raw_bound: doubled_raw_bound as u64,
            unrepaired: facts.open_intents + facts.open_inconsistencies,
        }
    }
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            targets: self.targets + other.targets,
            lost: self.lost + other.lost,
            doubled_visible: self.doubled_visible + other.doubled_visible,
            doubled_raw: self.doubled_raw + other.doubled_raw,
            doubled_raw_bound: self.doubled_raw_bound + other.doubled_raw_bound,
            unrepaired: self.unrepaired + other.unrepaired,
        }
    }
}

impl Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), Add::add)
    }
}
