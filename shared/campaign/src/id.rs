//! Identities.
//!
//! A chunk's and a push's id are computed from what they stand for and never allocated, so
//! that a step done twice meets its own work. Everything else gets a UUIDv7.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares a newtype over [`Uuid`] that prints, parses and serialises as one.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// One campaign.
    CampaignId
    /// One frozen list of recipients.
    AudienceId
    /// One kind of coupon with its stock.
    CouponId
    /// One chunk of one campaign; see [`ChunkId::of`].
    ChunkId
    /// One campaign to one user; see [`PushId::of`].
    PushId
    /// One rendezvous of a SQL and a Datastore transaction.
    IntentId
    /// One case in which SQL committed and Datastore was not known to have.
    InconsistencyId
    /// One file that tells what became of an audience's rows or a campaign's recipients.
    ReportId
    /// The right to work on something until its expiry.
    LeaseToken
}

/// Gives types whose ids are allocated a constructor.
macro_rules! allocated {
    ($($name:ident)+) => {$(
        impl $name {
            /// A new UUIDv7, which sorts by the time of its making.
            pub fn allocate() -> Self {
                Self(Uuid::now_v7())
            }
        }
    )+};
}

allocated! { CampaignId AudienceId CouponId IntentId InconsistencyId ReportId LeaseToken }

impl ChunkId {
    /// The id of the campaign's chunk `no`: UUIDv5(campaign, "chunk/" + no).
    pub fn of(campaign: CampaignId, no: u32) -> Self {
        Self(Uuid::new_v5(&campaign.0, format!("chunk/{no}").as_bytes()))
    }
}

impl ChunkId {
    /// The id of the chunk that holds a triggered push alone: the push's own.
    pub fn of_triggered(push: PushId) -> Self {
        Self(push.0)
    }
}

impl PushId {
    /// The id of the triggered push that was asked for under `key`: UUIDv5(campaign,
    /// "triggered/" + key).
    pub fn of_triggered(campaign: CampaignId, key: &str) -> Self {
        Self(Uuid::new_v5(&campaign.0, format!("triggered/{key}").as_bytes()))
    }

    /// The id of the campaign's push to `user_id`: UUIDv5(campaign, "push/" + user).
    pub fn of(campaign: CampaignId, user_id: &str) -> Self {
        Self(Uuid::new_v5(&campaign.0, format!("push/{user_id}").as_bytes()))
    }

    /// The id of the push at `place` of chunk `chunk_no` whose user was erased before it was
    /// expanded, so that nobody knows for whom it would have been.
    pub fn of_erased(campaign: CampaignId, chunk_no: u32, place: u16) -> Self {
        Self(Uuid::new_v5(
            &campaign.0,
            format!("erased/{chunk_no}/{place}").as_bytes(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computed_ids_are_stable_and_differ_by_what_they_stand_for() {
        let campaign = CampaignId(Uuid::from_u128(7));

        assert_eq!(ChunkId::of(campaign, 12), ChunkId::of(campaign, 12));
        assert_ne!(ChunkId::of(campaign, 1), ChunkId::of(campaign, 12));
        assert_ne!(PushId::of(campaign, "u1").0, PushId::of(campaign, "u2").0);
        assert_ne!(PushId::of(campaign, "1").0, ChunkId::of(campaign, 1).0);
    }
}
