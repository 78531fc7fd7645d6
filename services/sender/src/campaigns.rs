//! The campaigns being delivered, as far as they cannot change any more.
//!
//! Once a campaign runs, its message, coupon and audience are frozen, so they are read and
//! compiled once. What can change, its state, is asked for at the permits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use campaign::{CampaignId, CouponId, Lane, Message, Templates};
use database::Db;
use database::campaign::{CouponFor, Kind};

use crate::error::Error;

/// Campaigns kept compiled at once; a sender works on a handful.
const KEPT: usize = 64;

/// What a delivery needs to know of its campaign.
#[derive(Debug)]
pub(crate) struct Campaign {
    pub(crate) id: CampaignId,
    pub(crate) kind: Kind,
    pub(crate) lane: Lane,
    pub(crate) templates: Templates,
    pub(crate) coupon: Option<Coupon>,
    /// Messages a second at most, of all processes together.
    pub(crate) max_per_second: Option<u32>,
}

/// The coupon that comes with a campaign.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coupon {
    pub(crate) id: CouponId,
    pub(crate) given_to: CouponFor,
}

/// The campaigns that were asked for last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Campaigns(Arc<Mutex<HashMap<CampaignId, Arc<Campaign>>>>);

impl Campaigns {
    /// The campaign of that id, if there is one.
    pub(crate) async fn find(&self, db: &Db, id: CampaignId) -> Result<Option<Arc<Campaign>>, Error> {
        if let Some(kept) = self.kept().get(&id) {
            return Ok(Some(kept.clone()));
        }
        let Some(stored) = database::campaign::find(db, id).await? else {
            return Ok(None);
        };
        let campaign = Arc::new(compile(&stored)?);
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(id, campaign.clone());
        Ok(Some(campaign))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, HashMap<CampaignId, Arc<Campaign>>> {
        self.0.lock().expect("no holder of this lock panics")
    }
}

fn compile(stored: &database::campaign::Campaign) -> Result<Campaign, Error> {
    let plan = &stored.plan;
    let message =
        serde_json::from_str::<Message>(&plan.message).map_err(|error| Error::Message(error.into()))?;
    // Against no list of columns: they were checked when the campaign was made.
    let templates = Templates::compile(&message, None).map_err(|error| Error::Message(error.into()))?;
    let coupon = plan.coupon_id.map(|id| Coupon {
        id,
        given_to: plan.coupon_for,
    });
    Ok(Campaign {
        id: stored.id,
        kind: stored.kind,
        lane: plan.lane,
        templates,
        coupon,
        max_per_second: plan.max_per_second,
    })
}
