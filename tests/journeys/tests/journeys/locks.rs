//! Locks that somebody holds in SQL, by hand or for too long: what is behind one waits, and
//! nothing else does.

use std::time::Duration;

use campaign::{CampaignId, InconsistencyId, IntentId, Places};
use chrono::{DateTime, Utc};
use database::inconsistency::{self, Inconsistency, InconsistencyKind, InconsistencyState};
use database::shard::intent::{self, IntentState};
use database::{Change, Insertion, Tx, sql};
use journeys::world::{World, until, users};

use crate::stamp::on;

on! { mysql MySql:
    an_intent_behind_a_lock_keeps_no_other_from_its_end
    a_campaign_behind_a_lock_keeps_no_other_from_its_end
}

const HOUR: Duration = Duration::from_secs(3_600);

async fn an_intent_behind_a_lock_keeps_no_other_from_its_end(world: &World) {
    let campaign = waiting_campaign(world).await;
    let (first, second) = (IntentId::allocate(), IntentId::allocate());
    let due_at = world.clock().now() + HOUR / 2;
    let mut tx = world.db().begin().await.unwrap();
    promise_nothing(&mut tx, campaign, first, due_at).await;
    promise_nothing(&mut tx, campaign, second, due_at + Duration::from_millis(1)).await;
    note(&mut tx, campaign, first, due_at).await;
    tx.commit().await.repeatable().unwrap();
    let mut holder = world.db().begin().await.unwrap();
    let held = inconsistency::resolve(
        &mut holder,
        first,
        InconsistencyState::Repaired,
        "by hand",
        due_at,
    );
    assert_eq!(held.await.unwrap(), Change::Applied);

    world.clock().advance(HOUR / 2);
    until_closed(world, second).await;

    assert_eq!(state(world, first).await, IntentState::Open);
    holder.rollback().await;
    until_closed(world, first).await;
    world.clock().advance(HOUR);
    world.finished(campaign).await;
}

async fn a_campaign_behind_a_lock_keeps_no_other_from_its_end(world: &World) {
    let first = waiting_campaign(world).await;
    let mut holder = world.db().begin().await.unwrap();
    let held = sql("SELECT chunk_no FROM chunk_tally WHERE campaign_id = ? FOR UPDATE").bind(first);
    assert!(!held.fetch_all(&mut holder).await.unwrap().is_empty());

    let audience = world.audience_with_devices(&users(50)).await;
    let second = world.campaign(audience).start().await;

    world.finished(second).await;
    assert_eq!(world.api().progress(first).await.state, "running");
    holder.rollback().await;
    world.clock().advance(HOUR);
    world.finished(first).await;
}

/// A campaign whose pushes wait for its time, in an hour.
async fn waiting_campaign(world: &World) -> CampaignId {
    let audience = world.audience_with_devices(&users(50)).await;
    let at = world.clock().now() + HOUR;
    let campaign = world.campaign(audience).at(at).start().await;
    world
        .until(campaign, "it is expanded", |progress| progress.expanded == 50)
        .await;
    campaign
}

/// An intent that names nobody, so that there is nothing to do but to close it.
async fn promise_nothing(tx: &mut Tx, campaign: CampaignId, id: IntentId, due_at: DateTime<Utc>) {
    let nobody = Places::NONE;
    intent::insert(tx, id, campaign, 0, nobody.as_bytes(), due_at, due_at)
        .await
        .unwrap();
}

async fn note(tx: &mut Tx, campaign: CampaignId, intent: IntentId, now: DateTime<Utc>) {
    let noted = Inconsistency {
        id: InconsistencyId::allocate(),
        intent_id: intent,
        campaign_id: campaign,
        chunk_no: 0,
        kind: InconsistencyKind::Unknown,
        detail: "deadline exceeded".to_owned(),
        state: InconsistencyState::Open,
        resolution: None,
        detected_at: now,
        resolved_at: None,
    };
    assert_eq!(inconsistency::insert(tx, &noted).await.unwrap(), Insertion::New);
}

async fn state(world: &World, id: IntentId) -> IntentState {
    let found = intent::find(world.db(), id).await.unwrap();
    found.expect("nobody deletes an intent").state
}

async fn until_closed(world: &World, id: IntentId) {
    until("the intent is closed", async || {
        (state(world, id).await == IntentState::Closed).then_some(())
    })
    .await;
}
