//! Campaigns, made and steered as a user makes and steers them.

use campaign::{AudienceId, CampaignId, CouponId};
use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Value, json};

use super::World;
use super::view::CampaignView;

/// A campaign in the making.
#[derive(Debug)]
pub struct CampaignBuilder<'w> {
    world: &'w World,
    plan: Value,
}

impl<'w> CampaignBuilder<'w> {
    pub(super) fn new(world: &'w World, audience: AudienceId) -> Self {
        let plan = json!({
            "name": "a campaign",
            "audience_id": audience,
            "message": {
                "default_locale": "en",
                "texts": {"en": {"title": "A signal", "body": "The beacon is lit."}},
            },
        });
        Self { world, plan }
    }

    /// With a coupon of its own: so many, or as many as are wanted.
    #[must_use]
    pub fn coupon(self, stock: impl Into<Option<u64>>) -> Self {
        let stock: Option<u64> = stock.into();
        self.with("coupon", json!({"name": "a coupon", "stock": stock}))
    }

    /// With a coupon that others may come with, too.
    #[must_use]
    pub fn sharing(self, coupon: CouponId) -> Self {
        self.with("coupon_id", json!(coupon))
    }

    /// Its coupon goes to those alone who have a device.
    #[must_use]
    pub fn coupon_for_reachable(self) -> Self {
        self.with("coupon_for", json!("reachable"))
    }

    /// With this title and body, which are templates.
    #[must_use]
    pub fn saying(self, title: &str, body: &str) -> Self {
        self.texts(json!({"title": title, "body": body}))
    }

    /// With these texts, each a template.
    #[must_use]
    pub fn texts(self, texts: Value) -> Self {
        self.with("message", json!({"default_locale": "en", "texts": {"en": texts}}))
    }

    /// Sent at that instant.
    #[must_use]
    pub fn at(self, instant: DateTime<Utc>) -> Self {
        self.with("schedule", json!({"at": {"instant": instant}}))
    }

    /// Sent when each recipient's clock shows `time`, or the clock of `time_zone` for those who
    /// name none; whose time is past is skipped.
    #[must_use]
    pub fn at_local(self, time: NaiveDateTime, time_zone: &str) -> Self {
        let local = json!({"time": time, "time_zone": time_zone, "if_past": "skip"});
        self.with("schedule", json!({"at": {"local": local}}))
    }

    /// Sent at once, and too late so many seconds after.
    #[must_use]
    pub fn expires_after(self, seconds: u64) -> Self {
        self.with(
            "schedule",
            json!({"at": "now", "expires": {"after_seconds": seconds}}),
        )
    }

    /// The plan as the API takes it.
    pub fn into_plan(self) -> Value {
        self.plan
    }

    /// Makes the draft.
    pub async fn draft(self) -> CampaignId {
        let draft: CampaignView = self.world.api().post("/v1/campaigns", Some(&self.plan)).await;
        draft.id
    }

    /// Makes the draft and starts it.
    pub async fn start(self) -> CampaignId {
        let api = self.world.api();
        let id = self.draft().await;
        api.turn(id, "start").await;
        id
    }

    /// Makes the draft and lets it start by itself.
    pub async fn schedule(self) -> CampaignId {
        let api = self.world.api();
        let id = self.draft().await;
        api.turn(id, "schedule").await;
        id
    }

    fn with(mut self, field: &str, value: Value) -> Self {
        self.plan[field] = value;
        self
    }
}
