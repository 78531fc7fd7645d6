//! The first part of a campaign goes ahead, and the others follow if it is well.

use std::collections::HashSet;

use campaign::{AudienceId, CampaignId, ChunkId, ChunkState};
use journeys::world::{World, users};
use serde_json::{Value, json};

use crate::stamp::on_all_stores;

on_all_stores! {
    a_canary_that_is_well_is_followed_by_the_others
    a_canary_that_fails_pauses_its_campaign_until_a_person_decides
}

/// Chunks in full, and some; the canary is the first one.
const USERS: usize = 1_100;

/// So few tell how a canary is.
const MIN_SENT: u64 = 50;

fn plan(audience: AudienceId) -> Value {
    json!({
        "name": "a signal",
        "audience_id": audience,
        "canary": {"percent": 1, "max_failure_rate": 0.1, "min_sent": MIN_SENT},
        "message": {"default_locale": "en", "texts": {"en": {"title": "A signal", "body": "Lit."}}},
    })
}

async fn start(world: &World) -> CampaignId {
    let audience = world.audience_with_devices(&users(USERS)).await;
    let made: Value = world.api().post("/v1/campaigns", Some(&plan(audience))).await;
    let id: CampaignId = made["id"].as_str().unwrap().parse().unwrap();
    world.api().turn(id, "start").await;
    id
}

async fn canary_of(world: &World, campaign: CampaignId) -> Value {
    let progress: Value = world
        .api()
        .get(&format!("/v1/campaigns/{campaign}/progress"))
        .await;
    progress["canary"].clone()
}

async fn a_canary_that_is_well_is_followed_by_the_others(world: &World) {
    let campaign = start(world).await;

    let progress = world.finished(campaign).await;

    assert_eq!(progress.outcomes(), [("accepted", USERS as u64)]);
    let canary = world
        .push_store()
        .list_pushes(ChunkId::of(campaign, 0))
        .await
        .unwrap();
    let canary: HashSet<_> = canary.iter().map(|push| push.id.to_string()).collect();
    let sent = world.gateway().accepted();
    let (first, others) = sent.split_at(canary.len());
    assert!(!others.is_empty());
    assert!(
        first.iter().all(|entry| canary.contains(&entry.push_id)),
        "another chunk went ahead of the canary"
    );
    assert_eq!(canary_of(world, campaign).await["state"], "passed");
}

async fn a_canary_that_fails_pauses_its_campaign_until_a_person_decides(world: &World) {
    let fault = json!({"outcome": "bad_request", "share": 0.5});
    world.gateway().play(&json!({"faults": [fault]})).await;

    let campaign = start(world).await;
    let paused = world
        .until(campaign, "it is paused", |progress| progress.state == "paused")
        .await;
    let of_others = world.push_store().list_chunks(campaign, &[1, 2]).await.unwrap();
    let shown: Value = world.api().get(&format!("/v1/campaigns/{campaign}")).await;
    let failed = canary_of(world, campaign).await;
    world.gateway().behave().await;
    world.api().turn(campaign, "resume").await;
    let finished = world.finished(campaign).await;

    let tried = paused.count("sent") + paused.count("failed");
    assert!((MIN_SENT..USERS as u64 / 2).contains(&tried), "{paused:?}");
    assert!(
        of_others
            .iter()
            .all(|chunk| chunk.record.state == ChunkState::Waiting)
    );
    let reason = shown["reason"].as_str().unwrap();
    assert!(reason.starts_with("its canary failed: "), "{reason}");
    assert_eq!(failed["state"], "failed");
    assert_eq!(canary_of(world, campaign).await["state"], "waived");
    assert_eq!(finished.count("sent") + finished.count("failed"), USERS as u64);
    assert!(finished.count("failed") < USERS as u64 / 2, "{finished:?}");
}
