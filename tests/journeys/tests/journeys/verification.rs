//! A recount finds what other hands have done, and nothing else.
//!
//! Each difference is made, found by `noroshi campaigns verify`, and taken back, so that the books
//! balance again at the end.

use std::time::Duration;

use campaign::{CampaignId, ChunkId, PushId};
use chrono::{DateTime, Utc};
use database::shard::coupon_grant::{self, Occasion};
use database::sql;
use journeys::world::{World, users};
use push_store::Push;
use serde_json::Value;

use crate::shell::{Shell, stdout};
use crate::stamp::on_all_stores;

on_all_stores! {
    a_campaign_that_ended_well_agrees_with_its_audience
    a_push_that_is_gone_or_somebody_elses_is_named
    a_marker_that_is_gone_is_named
    totals_that_are_not_the_chunks_are_named
    grants_that_are_gone_or_nobodys_are_named
    what_is_not_there_yet_is_told_from_what_is_wrong
}

/// Recipients, in two chunks.
const RECIPIENTS: usize = 150;

async fn a_campaign_that_ended_well_agrees_with_its_audience(world: &World) {
    let (shell, campaign) = finished(world).await;

    let recounted = shell.done(&["verify", &campaign]).await;
    let pages = shell
        .done(&["verify", &campaign, "--chunks", "1", "--json"])
        .await;

    assert_eq!(
        recounted,
        "It is finished: 2 chunks with 150 pushes and 150 grants were recounted. \
         Everything agrees with the audience.\n"
    );
    let pages: Vec<Value> = pages
        .lines()
        .map(|page| serde_json::from_str(page).unwrap())
        .collect();
    let pushes: Vec<_> = pages
        .iter()
        .map(|page| page["pushes"].as_u64().unwrap())
        .collect();
    assert_eq!(pushes, [100, 50]);
}

async fn a_push_that_is_gone_or_somebody_elses_is_named(world: &World) {
    let (shell, campaign) = finished(world).await;
    let entities = world.entities().await;
    let push = push_of(world, &campaign, 1).await;
    let key = entities.push(push.chunk, push.id);

    let taken = entities.take(&key).await;
    let gone = Faults::of(&shell, &campaign).await;
    let nobody = PushId::of(push.campaign, "nobody");
    let foreign = entities.push(push.chunk, nobody);
    let mut copy = taken.clone();
    copy.key = Some(foreign.clone());
    entities.put(copy).await;
    let replaced = Faults::of(&shell, &campaign).await;
    entities.take(&foreign).await;
    entities.put(taken).await;
    shell.done(&["verify", &campaign]).await;

    assert_eq!(gone.kinds, ["push_missing 1", "counts_differ 1"]);
    assert!(
        gone.text
            .contains(&format!("chunk 1: 1 recipients have no push: {}", push.id)),
        "{gone:?}"
    );
    assert_eq!(replaced.kinds, ["push_missing 1", "push_foreign 1"]);
    let words = format!("chunk 1: 1 pushes are nobody's of the chunk: {nobody}");
    assert!(replaced.text.contains(&words), "{replaced:?}");
    assert!(
        replaced.text.ends_with("2 differences are faults.\n"),
        "{replaced:?}"
    );
}

async fn a_marker_that_is_gone_is_named(world: &World) {
    let (shell, campaign) = finished(world).await;
    let entities = world.entities().await;
    let id: CampaignId = campaign.parse().unwrap();

    let taken = entities.take(&entities.marker(ChunkId::of(id, 1))).await;
    let gone = Faults::of(&shell, &campaign).await;
    // One of a chunk that the audience does not have.
    let mut beyond = taken.clone();
    entities.put(taken).await;
    beyond.key = Some(entities.marker(ChunkId::of(id, 2)));
    entities.put(beyond).await;
    let one_more = Faults::of(&shell, &campaign).await;
    entities.take(&entities.marker(ChunkId::of(id, 2))).await;
    shell.done(&["verify", &campaign]).await;

    assert_eq!(gone.kinds, ["marker_missing 1", "pushes_without_marker 1"]);
    assert!(gone.text.contains("chunk 1: it is not expanded"), "{gone:?}");
    assert_eq!(one_more.kinds, ["marker_beyond 1"]);
}

async fn totals_that_are_not_the_chunks_are_named(world: &World) {
    let (shell, campaign) = finished(world).await;
    let id: CampaignId = campaign.parse().unwrap();
    let set = async |pushes: u32| {
        let mut tx = world.db().begin().await.unwrap();
        sql("UPDATE chunk_reason SET pushes = ? WHERE campaign_id = ? AND chunk_no = 0")
            .bind(pushes)
            .bind(id)
            .execute(&mut tx)
            .await
            .unwrap();
        tx.commit().await.repeatable().unwrap();
    };

    set(99).await;
    let wrong = Faults::of(&shell, &campaign).await;
    set(100).await;
    shell.done(&["verify", &campaign]).await;

    assert_eq!(wrong.kinds, ["totals_differ 0"]);
    assert!(
        wrong.text.contains("SQL counts 99 accepted at version"),
        "{wrong:?}"
    );
}

async fn grants_that_are_gone_or_nobodys_are_named(world: &World) {
    let (shell, campaign) = finished(world).await;
    let id: CampaignId = campaign.parse().unwrap();
    let push = push_of(world, &campaign, 0).await;
    let user = push.user.as_deref().unwrap();

    let occasion = take_grant(world, id, user).await;
    let gone = Faults::of(&shell, &campaign).await;
    give(world, occasion, user).await;
    give(world, occasion, "nobody").await;
    let foreign = Faults::of(&shell, &campaign).await;
    take_grant(world, id, "nobody").await;
    shell.done(&["verify", &campaign]).await;

    assert_eq!(gone.kinds, ["grant_missing 0", "grant_count_differs 0"]);
    let words = format!(
        "chunk 0: 1 pushes have a coupon that SQL has not granted: {}",
        push.id
    );
    assert!(gone.text.contains(&words), "{gone:?}");
    assert_eq!(foreign.kinds, ["grant_foreign null"]);
    assert!(
        foreign
            .text
            .contains("SQL has 151 grants of it, 150 of them to its recipients"),
        "{foreign:?}"
    );
}

async fn what_is_not_there_yet_is_told_from_what_is_wrong(world: &World) {
    let audience = world.audience_with_devices(&users(RECIPIENTS)).await;
    let at = world.clock().now() + Duration::from_secs(300);
    let id = world.campaign(audience).coupon(200).at(at).start().await;
    world
        .until(id, "it is expanded", |progress| {
            progress.expanded == RECIPIENTS as u64
        })
        .await;
    let (shell, campaign) = (Shell::of(world, "campaigns"), id.to_string());

    let waiting = shell.run(&["verify", &campaign]).await;
    let entities = world.entities().await;
    let push = push_of(world, &campaign, 0).await;
    let taken = entities.take(&entities.push(push.chunk, push.id)).await;
    let gone = shell.run(&["verify", &campaign]).await;
    entities.put(taken).await;
    world.clock().advance(Duration::from_secs(600));
    world.finished(id).await;
    let finished = shell.run(&["verify", &campaign]).await;

    assert_eq!(waiting.status.code(), Some(75), "{waiting:?}");
    let words = stdout(&waiting);
    assert!(words.contains("not yet: unsettled in 2 chunks"), "{words}");
    assert!(
        words.ends_with("Nothing is wrong, but it is not all there yet.\n"),
        "{words}"
    );
    assert_eq!(gone.status.code(), Some(70), "{gone:?}");
    assert_eq!(finished.status.code(), Some(0), "{finished:?}");
}

/// A finished campaign with coupons.
async fn finished(world: &World) -> (Shell, String) {
    let audience = world.audience_with_devices(&users(RECIPIENTS)).await;
    let campaign = world.campaign(audience).coupon(200).start().await;
    world.finished(campaign).await;
    (Shell::of(world, "campaigns"), campaign.to_string())
}

async fn push_of(world: &World, campaign: &str, chunk_no: u32) -> Push {
    let chunk = ChunkId::of(campaign.parse().unwrap(), chunk_no);
    world
        .push_store()
        .list_pushes(chunk)
        .await
        .unwrap()
        .swap_remove(7)
}

/// Deletes a user's grant, and says what it was.
async fn take_grant(world: &World, campaign: CampaignId, user: &str) -> Occasion {
    let found = sql(
        "SELECT coupon_id, chunk_no, intent_id, granted_at FROM coupon_grant \
         WHERE campaign_id = ? AND user_id = ?",
    )
    .bind(campaign)
    .bind(user)
    .fetch_one(world.db())
    .await
    .unwrap();
    let mut tx = world.db().begin().await.unwrap();
    let deleted = sql("DELETE FROM coupon_grant WHERE campaign_id = ? AND user_id = ?")
        .bind(campaign)
        .bind(user)
        .execute(&mut tx)
        .await
        .unwrap();
    tx.commit().await.repeatable().unwrap();
    assert_eq!(deleted, 1);
    let granted_at: DateTime<Utc> = found.get("granted_at").unwrap();
    Occasion {
        campaign_id: campaign,
        coupon_id: found.get("coupon_id").unwrap(),
        chunk_no: found.get("chunk_no").unwrap(),
        intent_id: found.get("intent_id").unwrap(),
        granted_at,
    }
}

async fn give(world: &World, occasion: Occasion, user: &str) {
    let mut tx = world.db().begin().await.unwrap();
    coupon_grant::insert(&mut tx, occasion, &[user]).await.unwrap();
    tx.commit().await.repeatable().unwrap();
}

/// What a recount found that must have found faults.
#[derive(Debug)]
struct Faults {
    /// Each difference's kind and chunk.
    kinds: Vec<String>,
    /// What people are told.
    text: String,
}

impl Faults {
    async fn of(shell: &Shell, campaign: &str) -> Self {
        let told = shell.run(&["verify", campaign]).await;
        let documents = shell.run(&["verify", campaign, "--json"]).await;
        assert_eq!(
            (told.status.code(), documents.status.code()),
            (Some(70), Some(70)),
            "{told:?}"
        );
        let page: Value = serde_json::from_str(&stdout(&documents)).unwrap();
        let differences = page["differences"].as_array().unwrap().iter();
        let kinds = differences.map(|difference| {
            assert_eq!(difference["verdict"], "fault", "{difference}");
            format!(
                "{} {}",
                difference["kind"].as_str().unwrap(),
                difference["chunk_no"]
            )
        });
        Self {
            kinds: kinds.collect(),
            text: stdout(&told),
        }
    }
}
