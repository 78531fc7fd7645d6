//! The stripes in a pass's hands, and whose chunk is next.
//!
//! Campaigns share the pass chunk by chunk: next is the one with the fewest chunks under way, and
//! among equals the one that has waited longest. So a campaign of three chunks gets the first
//! place that becomes free, however many chunks another has. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use campaign::CampaignId;

use super::stripe::Stripe;
use super::target::Target;

/// Campaigns in hand at most: each is a lease that is kept alive.
const CAMPAIGNS: usize = 32;

/// Which stripe: the campaign's, and its number.
pub(super) type Key = (CampaignId, u32);

/// What a pass holds.
#[derive(Debug, Default)]
pub(super) struct Hand {
    stripes: BTreeMap<Key, Stripe>,
    members: BTreeMap<CampaignId, Member>,
    starts: u64,
}

/// A campaign in hand.
#[derive(Debug)]
struct Member {
    target: Arc<Target>,
    /// The number of its last start.
    started: u64,
}

/// Whose chunk is to start.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) target: Arc<Target>,
    pub(super) stripe: Key,
}

impl Hand {
    /// Takes a stripe in.
    pub(super) fn take_in(&mut self, target: Arc<Target>, stripe: Stripe) {
        let campaign = stripe.lease.campaign_id;
        self.members
            .entry(campaign)
            .or_insert(Member { target, started: 0 });
        self.stripes.insert((campaign, stripe.lease.no), stripe);
    }

    /// Lets a stripe go.
    pub(super) fn let_go(&mut self, key: Key) {
        self.stripes.remove(&key);
        if self.of(key.0).next().is_none() {
            self.members.remove(&key.0);
        }
    }

    /// What is known of a campaign in hand.
    pub(super) fn target(&self, campaign: CampaignId) -> Option<Arc<Target>> {
        self.members.get(&campaign).map(|member| member.target.clone())
    }

    /// A stripe in hand.
    pub(super) fn stripe_mut(&mut self, key: Key) -> Option<&mut Stripe> {
        self.stripes.get_mut(&key)
    }

    /// All stripes in hand.
    pub(super) fn stripes_mut(&mut self) -> impl Iterator<Item = (Key, &mut Stripe)> {
        self.stripes.iter_mut().map(|(key, stripe)| (*key, stripe))
    }

    /// Whether nothing is in hand.
    pub(super) fn is_empty(&self) -> bool {
        self.stripes.is_empty()
    }

    /// Lets nothing more start.
    pub(super) fn close_all(&mut self) {
        self.close_unless(|_| false);
    }

    /// Lets nothing more of a campaign start.
    pub(super) fn close(&mut self, campaign: CampaignId) {
        self.close_unless(|other| other != campaign);
    }

    /// Lets nothing more start, but of those campaigns.
    pub(super) fn close_unless(&mut self, may_start: impl Fn(CampaignId) -> bool) {
        for ((campaign, _), stripe) in &mut self.stripes {
            if !may_start(*campaign) {
                stripe.close();
            }
        }
    }

    /// Chunks that may start.
    pub(super) fn ready(&self) -> usize {
        self.stripes.values().map(Stripe::ready).sum()
    }

    /// Chunks under way.
    pub(super) fn under_way(&self) -> usize {
        self.stripes.values().map(Stripe::under_way).sum()
    }

    /// Whose stripe is to be leased next, of the campaigns that have one: the one that has the
    /// fewest chunks ready. `None` while enough is ready for `limit` chunks at once.
    pub(super) fn wants(
        &self,
        free: impl IntoIterator<Item = CampaignId>,
        limit: usize,
    ) -> Option<CampaignId> {
        let is_full = self.members.len() >= CAMPAIGNS;
        let free = free
            .into_iter()
            .filter(|id| !is_full || self.members.contains_key(id));
        let ready = |id| self.of(id).map(|(_, stripe)| stripe.ready()).sum::<usize>();
        let (ready, campaign) = free.map(|id| (ready(id), id)).min()?;
        (ready == 0 || self.ready() < limit).then_some(campaign)
    }

    /// Whose turn it is, if anything may start.
    pub(super) fn turn(&self) -> Option<Turn> {
        let by_turn = self.members.iter().filter_map(|(id, member)| {
            let (stripe, _) = self.of(*id).find(|(_, stripe)| stripe.ready() > 0)?;
            let under_way: usize = self.of(*id).map(|(_, stripe)| stripe.under_way()).sum();
            Some((under_way, member.started, stripe))
        });
        let (_, _, stripe) = by_turn.min()?;
        let target = self.target(stripe.0)?;
        Some(Turn { target, stripe })
    }

    /// Starts the next chunk of the stripe whose turn it is.
    pub(super) fn start(&mut self, turn: &Turn) -> Option<u32> {
        self.starts += 1;
        self.members.get_mut(&turn.stripe.0)?.started = self.starts;
        self.stripes.get_mut(&turn.stripe)?.start()
    }

    /// Mutations of all chunks that may start.
    pub(super) fn mutations(&self) -> u64 {
        let of_each = self.stripes.iter().filter_map(|((campaign, _), stripe)| {
            let target = &self.members.get(campaign)?.target;
            Some(target.mutations * stripe.ready() as u64)
        });
        of_each.sum()
    }

    fn of(&self, campaign: CampaignId) -> impl Iterator<Item = (Key, &Stripe)> {
        let range = (campaign, 0)..=(campaign, u32::MAX);
        self.stripes.range(range).map(|(key, stripe)| (*key, stripe))
    }
}

#[cfg(test)]
mod tests;
