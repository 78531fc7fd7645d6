//! Open intents: rolled forward, and shown to people for as long as they cannot be.

use std::time::Duration;

use campaign::{CampaignId, ChunkId, InconsistencyId, IntentId, Places, PushState};
use database::Insertion;
use database::inconsistency::{
    self, Filter, Inconsistency, InconsistencyKind, InconsistencyState, list_events,
};
use database::shard::intent;
use emulator::datastore;
use jobs::reconcile;
use push_store::{PushStore, Settings};
use runtime::Backends;

use crate::world::World;

/// A campaign whose three users have their pushes, and an intent of the first two that is due.
async fn campaign_with_intent(world: &World) -> (CampaignId, IntentId) {
    let audience = world.upload(b"user_id\nu1\nu2\nu3\n").await;
    jobs::import::run(&world.backends).await.unwrap();
    let campaign = world.expand_campaign(audience).await;
    let (id, now) = (IntentId::allocate(), world.backends.process.clock.now());
    let places: Places = [0, 1].into_iter().collect();
    world
        .write(async |tx| intent::insert(tx, id, campaign, 0, places.as_bytes(), now, now).await)
        .await;
    (campaign, id)
}

/// The same SQL, in a process that does not reach Datastore.
async fn without_datastore(world: &World) -> Backends {
    let server = datastore::Server::start(datastore::Config::default(), "127.0.0.1:0".parse().unwrap());
    let server = server.await.unwrap();
    let push_store = PushStore::connect(Settings {
        endpoint: format!("http://{}", server.address()),
        project: "gone".to_owned(),
        database: String::new(),
        namespace: String::new(),
        deadline: Duration::from_secs(5),
    });
    let push_store = push_store.await.unwrap();
    server.stop().await;
    Backends {
        push_store,
        ..world.backends.clone()
    }
}

async fn inconsistencies(world: &World) -> Vec<Inconsistency> {
    let filter = Filter {
        states: InconsistencyState::ALL,
        campaign: None,
    };
    inconsistency::list(&world.backends.db, filter, None, 10)
        .await
        .unwrap()
}

async fn granted(world: &World, campaign: CampaignId) -> usize {
    let pushes = world.pushes(campaign).await;
    let granted = pushes
        .iter()
        .filter(|push| push.standing.state() == PushState::Granted);
    granted.count()
}

#[tokio::test]
async fn an_intent_that_cannot_be_rolled_forward_is_shown_until_it_is() {
    let world = World::new().await;
    let (campaign, intent) = campaign_with_intent(&world).await;
    let cut_off = without_datastore(&world).await;

    // What follows the intents needs Datastore too, so the passes fail.
    let first = reconcile::run(&cut_off).await;
    let noticed = inconsistencies(&world).await;
    world.hand.advance(Duration::from_secs(60));
    let second = reconcile::run(&cut_off).await;
    let still = inconsistencies(&world).await;
    world.hand.advance(Duration::from_secs(60));
    reconcile::run(&world.backends).await.unwrap();

    assert!(first.is_err() && second.is_err());
    let [noticed] = noticed.as_slice() else {
        panic!("one intent, one inconsistency: {noticed:?}");
    };
    assert_eq!((noticed.intent_id, noticed.campaign_id), (intent, campaign));
    assert_eq!(
        (noticed.kind, noticed.state),
        (InconsistencyKind::Found, InconsistencyState::Open)
    );
    assert!(noticed.detail.contains("not reachable"), "{}", noticed.detail);
    assert_eq!(still, std::slice::from_ref(noticed));
    assert_eq!(granted(&world, campaign).await, 2);
    let repaired = &inconsistencies(&world).await[0];
    assert_eq!(repaired.state, InconsistencyState::Repaired);
    assert_eq!(
        repaired.resolution.as_deref(),
        Some("rolled forward by reconcile")
    );
}

#[tokio::test]
async fn what_is_not_repaired_and_how_long_repairs_took_is_measured() {
    let world = World::new().await;
    campaign_with_intent(&world).await;

    reconcile::run(&world.backends).await.unwrap();

    let shown = world.backends.process.metrics.render();
    for metric in [
        "noroshi_inconsistencies_open",
        "noroshi_inconsistencies_dead",
        "noroshi_inconsistency_oldest_seconds",
        "noroshi_inconsistencies_total",
        "noroshi_inconsistencies_repaired_total",
        "noroshi_inconsistency_repair_seconds_count",
    ] {
        let value = shown.lines().find_map(|line| line.strip_prefix(metric));
        assert!(value.is_some(), "{metric}: {shown}");
    }
}

#[tokio::test]
async fn an_inconsistency_that_datastore_had_followed_is_closed_and_says_so() {
    let world = World::new().await;
    let (campaign, intent) = campaign_with_intent(&world).await;
    let now = world.backends.process.clock.now();
    let lost_answer = Inconsistency {
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
    let inserted = world
        .write(async |tx| inconsistency::insert(tx, &lost_answer).await)
        .await;
    let (chunk, places) = (ChunkId::of(campaign, 0), [0, 1].into_iter().collect());
    let _ = world
        .backends
        .push_store
        .redo_grants(chunk, &places, now)
        .await
        .unwrap();

    reconcile::run(&world.backends).await.unwrap();

    assert_eq!(inserted, Insertion::New);
    let events = list_events(&world.backends.db, lost_answer.id).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].state, InconsistencyState::Repaired);
    assert_eq!(events[0].detail, "datastore had followed; closed by reconcile");
}

/// Another process has leased it and died.
#[tokio::test]
async fn a_pass_knows_when_an_intent_comes_due_that_somebody_took_up() {
    let world = World::new().await;
    campaign_with_intent(&world).await;
    let (now, lease) = (world.backends.process.clock.now(), Duration::from_secs(3));
    let (_, leased) = world
        .write(async |tx| intent::lease_open(tx, now, now + lease, 10).await)
        .await;

    let before = reconcile::run(&world.backends).await.unwrap();
    world.hand.advance(lease);
    let after = reconcile::run(&world.backends).await.unwrap();

    assert_eq!(leased.len(), 1);
    assert_eq!((before.closed_intents, before.next_in), (0, Some(lease)));
    assert_eq!((after.closed_intents, after.next_in), (1, None));
}
