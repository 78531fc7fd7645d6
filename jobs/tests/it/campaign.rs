//! Campaigns in a test's world, from their making to their end.

use std::time::Duration;

use campaign::{AudienceId, CampaignId, ChunkId, CouponId, Lane, SendTime, TimerShards, Transition};
use database::Change;
use database::campaign::{self as campaigns, CouponFor, Kind, Plan, Transitioned};
use jobs::fan_out;
use push_store::{Expansion, NewChunk, NewPush, Push};

use crate::world::World;

impl World {
    /// A campaign to that audience, sent at once, which runs.
    pub(crate) async fn start_campaign(&self, audience: AudienceId) -> CampaignId {
        self.start_campaign_at(audience, r#"{"at":"now"}"#).await
    }

    /// The same with that schedule.
    pub(crate) async fn start_campaign_at(&self, audience: AudienceId, schedule: &str) -> CampaignId {
        self.start_planned(audience, |plan| plan.schedule = schedule.to_owned())
            .await
    }

    /// The same to be sent at once, with a coupon for everybody.
    pub(crate) async fn start_campaign_with(&self, audience: AudienceId, coupon: CouponId) -> CampaignId {
        self.start_planned(audience, |plan| plan.coupon_id = Some(coupon))
            .await
    }

    async fn start_planned(&self, audience: AudienceId, change: impl FnOnce(&mut Plan)) -> CampaignId {
        let (id, now) = (CampaignId::allocate(), self.backends.process.clock.now());
        let mut plan = Plan {
            name: "to everybody".to_owned(),
            lane: Lane::Fast,
            audience_id: Some(audience),
            coupon_id: None,
            coupon_for: CouponFor::All,
            message: "{}".to_owned(),
            schedule: r#"{"at":"now"}"#.to_owned(),
            starts_at: None,
            expires_at: None,
            max_per_second: None,
            canary: None,
        };
        change(&mut plan);
        let progress = self.audience(audience).await.progress;
        let sized = self.write(async |tx| {
            campaigns::insert(tx, id, Kind::Broadcast, &plan, now).await?;
            campaigns::set_audience_size(tx, id, progress.size, progress.chunk_count).await
        });
        assert_eq!(sized.await, Change::Applied);
        self.transition(id, Transition::Start).await;
        id
    }

    /// The same, and all of its chunks are expanded.
    pub(crate) async fn expand_campaign(&self, audience: AudienceId) -> CampaignId {
        let campaign = self.start_campaign(audience).await;
        fan_out::run(&self.backends).await.unwrap();
        campaign
    }

    /// The first chunk as a fan-out has it in hand, read from the audience as it is now.
    pub(crate) async fn chunk_in_hand(&self, campaign: CampaignId, audience: AudienceId) -> NewChunk {
        let chunk = &self.chunks(audience).await[0];
        let now = self.backends.process.clock.now();
        let push = |user| NewPush {
            user,
            locale: None,
            variables: Vec::new(),
        };
        let recipients = self.recipients(audience).await.into_iter();
        NewChunk {
            campaign,
            no: 0,
            audience,
            digest: chunk.header.digest,
            timer: TimerShards::for_audience(1).key(campaign, 0),
            send_time: SendTime::At(now),
            expires_at: now + Duration::from_secs(3_600),
            recipients: recipients
                .take(chunk.header.size as usize)
                .map(|user| user.map(push))
                .collect(),
        }
    }

    /// Expands the first chunk, whatever state the campaign is in.
    pub(crate) async fn expand_chunk(&self, campaign: CampaignId, audience: AudienceId) {
        let chunk = self.chunk_in_hand(campaign, audience).await;
        let now = self.backends.process.clock.now();
        let expanded = self.backends.push_store.expand(chunk, now).await;
        assert!(matches!(expanded, Ok(Expansion::Expanded(_))), "{expanded:?}");
    }

    pub(crate) async fn transition(&self, campaign: CampaignId, transition: Transition) {
        let now = self.backends.process.clock.now();
        let moved = self
            .write(async |tx| campaigns::transition(tx, campaign, transition, None, now).await)
            .await;
        assert!(matches!(moved, Transitioned::To(_)), "{moved:?}");
    }

    /// Every push of the campaign.
    pub(crate) async fn pushes(&self, campaign: CampaignId) -> Vec<Push> {
        let found = campaigns::find(&self.backends.db, campaign).await.unwrap();
        let mut pushes = Vec::new();
        for no in 0..found.expect("no test deletes a campaign").chunk_count {
            let chunk = self.backends.push_store.list_pushes(ChunkId::of(campaign, no));
            pushes.extend(chunk.await.unwrap());
        }
        pushes
    }
}
