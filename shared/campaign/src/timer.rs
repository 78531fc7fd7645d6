//! Timer keys and lanes: which index range a chunk's timer stands in, and who serves it.
//!
//! The index that finds due chunks is (timer key, due time). A due time only grows, so the
//! hashed key in front of it keeps writes spread over the key space; large campaigns spread
//! over several keys.

use uuid::Uuid;

use crate::word::words;
use crate::{CampaignId, PushId};

/// A campaign of up to this many recipients is served by the fast lane.
const FAST_LANE_RECIPIENTS: u64 = 100_000;

/// How many recipients share one timer shard, until the shards are at their most.
const RECIPIENTS_PER_SHARD: u64 = 100_000;
const MOST_SHARDS: u64 = 64;

/// The leading value of the due-chunk index: a hash of (campaign, shard).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimerKey(pub Uuid);

/// Over how many timer keys a campaign's chunks are spread: a power of two from 1 to 64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerShards(u32);

impl TimerShards {
    /// Those of a campaign of triggered pushes, whose number nobody knows.
    pub const TRIGGERED: Self = Self(8);

    /// One shard for each 100,000 recipients or part of them, rounded up to a power of two, at
    /// most 64. The audience is frozen, so the answer never changes for a campaign.
    pub fn for_audience(recipients: u64) -> Self {
        let shards = recipients
            .div_ceil(RECIPIENTS_PER_SHARD)
            .clamp(1, MOST_SHARDS)
            .next_power_of_two();
        Self(u32::try_from(shards).expect("at most 64"))
    }

    /// How many keys there are.
    pub fn count(self) -> u32 {
        self.0
    }

    /// The key of the campaign's chunk `no`.
    pub fn key(self, campaign: CampaignId, no: u32) -> TimerKey {
        timer_key(campaign, no % self.0)
    }

    /// The key of a triggered push, whose chunk has no number.
    pub fn key_of_triggered(self, campaign: CampaignId, push: PushId) -> TimerKey {
        // Any bits of a hash will do.
        self.key(campaign, push.0.as_fields().0)
    }

    /// Every key of the campaign, each exactly once.
    pub fn keys(self, campaign: CampaignId) -> impl Iterator<Item = TimerKey> {
        (0..self.0).map(move |shard| timer_key(campaign, shard))
    }
}

fn timer_key(campaign: CampaignId, shard: u32) -> TimerKey {
    TimerKey(Uuid::new_v5(&campaign.0, format!("timer/{shard}").as_bytes()))
}

words! {
    /// Which queue and dispatch loop serves a campaign.
    Lane {
        /// Triggered pushes, and campaigns of up to 100,000 recipients.
        Fast = "fast",
        /// Everything larger.
        Bulk = "bulk",
    }
}

impl Lane {
    /// The lane of a campaign to that many recipients. A triggered campaign is always fast.
    pub fn for_audience(recipients: u64) -> Self {
        if recipients <= FAST_LANE_RECIPIENTS {
            Self::Fast
        } else {
            Self::Bulk
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn shards_grow_with_the_audience_and_end_at_sixty_four() {
        let shards = |recipients| TimerShards::for_audience(recipients).count();

        assert_eq!(shards(0), 1);
        assert_eq!(shards(100_000), 1);
        assert_eq!(shards(100_001), 2);
        assert_eq!(shards(1_000_000), 16);
        assert_eq!(shards(10_000_000), 64);
        assert_eq!(shards(u64::MAX), 64);
    }

    #[test]
    fn every_chunk_stands_under_one_of_the_campaigns_own_keys() {
        let campaign = CampaignId(Uuid::from_u128(7));
        let other = CampaignId(Uuid::from_u128(8));
        let shards = TimerShards::for_audience(1_000_000);

        let keys: HashSet<TimerKey> = shards.keys(campaign).collect();
        let used: HashSet<TimerKey> = (0..2_005).map(|no| shards.key(campaign, no)).collect();

        assert_eq!(keys.len(), 16);
        assert_eq!(used, keys);
        assert!(shards.keys(other).all(|key| !keys.contains(&key)));
    }

    #[test]
    fn the_fast_lane_ends_at_a_hundred_thousand() {
        assert_eq!(Lane::for_audience(1), Lane::Fast);
        assert_eq!(Lane::for_audience(100_000), Lane::Fast);
        assert_eq!(Lane::for_audience(100_001), Lane::Bulk);
    }
}
