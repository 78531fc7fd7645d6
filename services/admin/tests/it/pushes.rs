//! Pushes as they stand in Datastore: by campaign, and by user.

use campaign::{
    AudienceId, CampaignId, ChunkId, PushId, Reason, SendTime, Standing, TimerShards, Transition,
};
use push_store::{Expansion, NewChunk, NewPush};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::World;

/// Expands chunk `no` of the campaign with these users; `None` is for an erased one.
async fn expand(world: &World, campaign: &str, no: u32, users: &[Option<&str>]) {
    let campaign: CampaignId = campaign.parse().unwrap();
    let now = world.clock.clock().now();
    let new_push = |user: &str| NewPush {
        user: user.to_owned(),
        locale: None,
        variables: Vec::new(),
    };
    let chunk = NewChunk {
        campaign,
        no,
        audience: AudienceId::allocate(),
        digest: [0; 32],
        timer: TimerShards::for_audience(1).key(campaign, no),
        send_time: SendTime::At(now),
        expires_at: now + std::time::Duration::from_secs(3_600),
        recipients: users.iter().map(|user| user.map(new_push)).collect(),
    };
    let expanded = world.backends.push_store.expand(chunk, now).await.unwrap();
    assert!(matches!(expanded, Expansion::Expanded(_)), "{expanded:?}");
}

/// Settles the user's push in chunk `no`.
async fn settle(world: &World, campaign: &str, no: u32, user: &str, reason: Reason) {
    let campaign: CampaignId = campaign.parse().unwrap();
    let results = [(PushId::of(campaign, user), Standing::Settled(reason))];
    let now = world.clock.clock().now();
    let afterwards = push_store::Afterwards::GoOn;
    let chunk = ChunkId::of(campaign, no);
    world
        .backends
        .push_store
        .settle(chunk, &results, afterwards, now)
        .await
        .unwrap()
        .unwrap();
}

async fn started(world: &World) -> String {
    let id = world.draft().await;
    let started = world.post(&format!("/v1/campaigns/{id}/start"), json!({})).await;
    assert_eq!(started.status, StatusCode::OK);
    id
}

async fn cancel(world: &World, campaign: &str) {
    let mut tx = world.backends.db.begin().await.unwrap();
    let (id, now) = (campaign.parse().unwrap(), world.clock.clock().now());
    let _ = database::campaign::transition(&mut tx, id, Transition::Cancel, None, now)
        .await
        .unwrap();
    tx.commit().await.repeatable().unwrap();
}

#[tokio::test]
async fn recipients_are_listed_chunk_by_chunk_across_pages() {
    let world = World::new().await;
    let id = started(&world).await;
    expand(&world, &id, 0, &[Some("u1"), None, Some("u2")]).await;
    // Chunk 1 has no pushes yet.
    expand(&world, &id, 2, &[Some("u3"), Some("u4")]).await;
    settle(&world, &id, 0, "u1", Reason::Accepted).await;

    let mut listed = Vec::new();
    let mut path = format!("/v1/campaigns/{id}/recipients?limit=2");
    loop {
        let page = world.get(&path).await.json;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        listed.extend(items.iter().map(|item| {
            (
                item["user_id"].clone(),
                item["state"].clone(),
                item["chunk_no"].clone(),
            )
        }));
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/campaigns/{id}/recipients?limit=2&cursor={cursor}"),
            None => break,
        }
    }

    let expected = [
        (json!("u1"), "sent", 0),
        (Value::Null, "skipped", 0),
        (json!("u2"), "pending", 0),
        (json!("u3"), "pending", 2),
        (json!("u4"), "pending", 2),
    ];
    assert_eq!(
        listed,
        expected.map(|(user, state, chunk)| (user, json!(state), json!(chunk)))
    );
}

#[tokio::test]
async fn what_is_not_settled_in_a_cancelled_campaign_reads_as_cancelled() {
    let world = World::new().await;
    let id = started(&world).await;
    expand(&world, &id, 0, &[Some("u1"), Some("u2")]).await;
    settle(&world, &id, 0, "u1", Reason::Accepted).await;

    cancel(&world, &id).await;

    let recipients = world.get(&format!("/v1/campaigns/{id}/recipients")).await.json;
    assert_eq!(recipients["items"][0]["state"], "sent");
    assert_eq!(recipients["items"][1]["state"], "cancelled");
    assert_eq!(recipients["items"][1]["reason"], "campaign_cancelled");
    assert_eq!(recipients["items"][1]["settled_at"], Value::Null);
    let history = world.get("/v1/users/u2/pushes").await.json;
    assert_eq!(history["items"][0]["state"], "cancelled");
}

#[tokio::test]
async fn a_users_pushes_are_listed_newest_campaign_first() {
    let world = World::new().await;
    let (older, newer) = (started(&world).await, started(&world).await);
    expand(&world, &older, 0, &[Some("u1")]).await;
    expand(&world, &newer, 0, &[Some("u1"), Some("u2")]).await;
    settle(&world, &older, 0, "u1", Reason::NoDevice).await;

    let history = world.get("/v1/users/u1/pushes").await.json;

    let pushes = history["items"].as_array().unwrap();
    assert_eq!(pushes.len(), 2);
    assert_eq!(
        (&pushes[0]["campaign_id"], &pushes[0]["state"]),
        (&json!(newer), &json!("pending"))
    );
    assert_eq!(
        (&pushes[1]["campaign_id"], &pushes[1]["reason"]),
        (&json!(older), &json!("no_device"))
    );
    assert_eq!(history["truncated"], false);
}
