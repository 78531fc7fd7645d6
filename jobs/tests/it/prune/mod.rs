//! Pruning: what goes, what stays, and when.

mod campaigns;
mod leftovers;

use std::time::Duration;

use campaign::{AudienceId, CampaignId, Transition};
use database::campaign as campaign_rows;
use jobs::prune::{self, Report};
use jobs::reconcile;

use crate::world::World;

const MONTH: Duration = Duration::from_secs(31 * 86_400);

async fn pass(world: &World) -> Report {
    prune::run(&world.backends).await.unwrap()
}

async fn audience_of(world: &World, users: u32) -> AudienceId {
    let ids: Vec<_> = (0..users).map(|user| format!("u{user:06}")).collect();
    let audience = world
        .upload(format!("user_id\n{}\n", ids.join("\n")).as_bytes())
        .await;
    jobs::import::run(&world.backends).await.unwrap();
    audience
}

/// A campaign that was expanded, cancelled and reconciled, a month ago.
async fn ended_campaign(world: &World, audience: AudienceId) -> CampaignId {
    let campaign = world.expand_campaign(audience).await;
    world.transition(campaign, Transition::Cancel).await;
    world.hand.advance(Duration::from_secs(3_600));
    reconcile::run(&world.backends).await.unwrap();
    world.hand.advance(MONTH);
    campaign
}

async fn is_marked(world: &World, campaign: CampaignId) -> bool {
    let found = campaign_rows::find(&world.backends.db, campaign).await.unwrap();
    found.expect("no campaign's row is deleted").pruned_at.is_some()
}

/// Chunks of the campaign that are in Datastore.
async fn chunks(world: &World, campaign: CampaignId) -> usize {
    let numbers: Vec<_> = (0..100).collect();
    let found = world.backends.push_store.list_chunks(campaign, &numbers).await;
    found.unwrap().len()
}
