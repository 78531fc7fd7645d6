//! Intents, from the promise to its end.

use campaign::{CampaignId, IntentId};
use chrono::{DateTime, Utc};
use database::Change;
use database::shard::intent::{self, IntentState};

use crate::engine::{World, on_every_engine, on_mysql};
use crate::write::{commit, noon, seconds, write};

on_every_engine! {
    an_intent_is_found_as_it_was_inserted
    an_intent_is_leased_when_it_is_due_and_not_before
    an_intent_is_leased_by_one_at_a_time
    a_lease_that_ran_out_is_taken_over_and_its_holder_is_stale
    a_closed_intent_is_leased_no_more
    closing_none_closes_none_and_hinders_no_later_close
    a_postponed_intent_comes_back
    a_dead_intent_is_not_leased
    an_intent_is_reopened_until_it_is_closed
    open_and_dead_intents_hold_their_campaign
    closed_intents_are_pruned_by_batches
}

on_mysql! {
    pruning_waits_for_no_other_campaigns_transaction
}

async fn an_intent_is_found_as_it_was_inserted(world: World) {
    let campaign = CampaignId::allocate();
    let id = IntentId::allocate();
    let mut users = [0; 64];
    users[0] = 0b101;
    users[62] = 0b100;

    write!(world.db, |tx| intent::insert(
        tx,
        id,
        campaign,
        3,
        &users,
        noon(),
        noon() + seconds(2)
    ));

    let found = intent::find(&world.db, id).await.unwrap().unwrap();
    assert_eq!(
        (found.campaign_id, found.chunk_no, found.users),
        (campaign, 3, users)
    );
    assert_eq!((found.state, found.attempts), (IntentState::Open, 0));
}

async fn an_intent_is_leased_when_it_is_due_and_not_before(world: World) {
    let id = open(&world, CampaignId::allocate()).await;

    let early = lease(&world, noon() + seconds(1)).await;
    let due = lease(&world, noon() + seconds(2)).await;

    assert!(early.is_empty());
    assert_eq!(due, [id]);
    assert_eq!(intent::find(&world.db, id).await.unwrap().unwrap().attempts, 1);
}

async fn an_intent_is_leased_by_one_at_a_time(world: World) {
    let campaign = CampaignId::allocate();
    let mut ids = Vec::new();
    for _ in 0..10 {
        ids.push(open(&world, campaign).await);
    }
    let now = noon() + seconds(2);

    let (first, second) = tokio::join!(lease(&world, now), lease(&world, now));
    // SKIP LOCKED may leave some to the next pass, but none to two.
    let rest = lease(&world, now).await;

    let mut leased = [first, second, rest].concat();
    leased.sort_unstable();
    assert_eq!(leased, ids);
}

async fn a_lease_that_ran_out_is_taken_over_and_its_holder_is_stale(world: World) {
    let id = open(&world, CampaignId::allocate()).await;
    let now = noon() + seconds(2);
    let (former, _) = write!(world.db, |tx| intent::lease_open(tx, now, now + seconds(3), 10));

    let (token, taken) = write!(world.db, |tx| intent::lease_open(
        tx,
        now + seconds(3),
        now + seconds(6),
        10
    ));
    let stale = write!(world.db, |tx| intent::postpone(tx, id, former, now, "late"));
    let kept = write!(world.db, |tx| intent::postpone(tx, id, token, now, "not yet"));

    assert_eq!(taken.len(), 1);
    assert_eq!((stale, kept), (Change::Stale, Change::Applied));
}

async fn a_closed_intent_is_leased_no_more(world: World) {
    let campaign = CampaignId::allocate();
    let (closed, left) = (open(&world, campaign).await, open(&world, campaign).await);

    let first = write!(world.db, |tx| intent::close(tx, &[closed], noon()));
    let repeat = write!(world.db, |tx| intent::close(tx, &[closed], noon()));

    assert_eq!((first, repeat), (1, 0));
    assert_eq!(lease(&world, noon() + seconds(2)).await, [left]);
}

async fn closing_none_closes_none_and_hinders_no_later_close(world: World) {
    let id = open(&world, CampaignId::allocate()).await;
    let mut tx = world.db.begin().await.unwrap();

    let none = intent::close(&mut tx, &[], noon()).await.unwrap();
    let one = intent::close(&mut tx, &[id], noon()).await.unwrap();
    commit(tx).await;

    assert_eq!((none, one), (0, 1));
}

async fn a_postponed_intent_comes_back(world: World) {
    let id = open(&world, CampaignId::allocate()).await;
    let now = noon() + seconds(2);
    let (token, _) = write!(world.db, |tx| intent::lease_open(tx, now, now + seconds(3), 10));

    let postponed = write!(world.db, |tx| intent::postpone(
        tx,
        id,
        token,
        now + seconds(9),
        "down"
    ));

    assert_eq!(postponed, Change::Applied);
    assert!(lease(&world, now + seconds(8)).await.is_empty());
    assert_eq!(lease(&world, now + seconds(9)).await, [id]);
    let found = intent::find(&world.db, id).await.unwrap().unwrap();
    assert_eq!((found.last_error.as_deref(), found.attempts), (Some("down"), 2));
}

async fn a_dead_intent_is_not_leased(world: World) {
    let id = open(&world, CampaignId::allocate()).await;
    let now = noon() + seconds(2);
    let (token, _) = write!(world.db, |tx| intent::lease_open(tx, now, now, 10));

    let dead = write!(world.db, |tx| intent::mark_dead(tx, id, token, "no marker", now));

    assert_eq!(dead, Change::Applied);
    assert!(lease(&world, now + seconds(60)).await.is_empty());
}

async fn an_intent_is_reopened_until_it_is_closed(world: World) {
    let id = open(&world, CampaignId::allocate()).await;
    let now = noon() + seconds(2);
    let later = now + seconds(600);
    let (token, _) = write!(world.db, |tx| intent::lease_open(tx, now, later, 10));
    let reopen = async || write!(world.db, |tx| intent::reopen(tx, id, now));

    let leased = reopen().await;
    let stale = write!(world.db, |tx| intent::postpone(tx, id, token, later, "down"));
    let (token, due) = write!(world.db, |tx| intent::lease_open(tx, now, later, 10));
    let dead = write!(world.db, |tx| intent::mark_dead(tx, id, token, "no marker", now));
    let opened = reopen().await;
    let found = intent::find(&world.db, id).await.unwrap().unwrap();
    write!(world.db, |tx| intent::close(tx, &[id], now));
    let closed = reopen().await;

    assert_eq!((leased, stale), (Change::Applied, Change::Stale));
    assert_eq!((due.len(), dead, opened), (1, Change::Applied, Change::Applied));
    assert_eq!(
        (found.state, found.attempts, found.due_at),
        (IntentState::Open, 0, now)
    );
    assert_eq!(
        (found.last_error.as_deref(), found.closed_at),
        (Some("no marker"), None)
    );
    assert_eq!(closed, Change::Stale);
}

async fn open_and_dead_intents_hold_their_campaign(world: World) {
    let campaign = CampaignId::allocate();
    let ids = [
        open(&world, campaign).await,
        open(&world, campaign).await,
        open(&world, campaign).await,
    ];
    open(&world, CampaignId::allocate()).await;
    let now = noon() + seconds(2);
    let (token, _) = write!(world.db, |tx| intent::lease_open(tx, now, now, 10));

    let dead = write!(world.db, |tx| intent::mark_dead(
        tx,
        ids[0],
        token,
        "no marker",
        now
    ));
    write!(world.db, |tx| intent::close(tx, &[ids[1]], now));

    assert_eq!(dead, Change::Applied);
    assert_eq!(intent::count_open(&world.db, campaign).await.unwrap(), 2);
}

async fn closed_intents_are_pruned_by_batches(world: World) {
    let campaign = CampaignId::allocate();
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(open(&world, campaign).await);
    }
    write!(world.db, |tx| intent::close(tx, &ids[1..], noon()));

    let first = write!(world.db, |tx| intent::prune(tx, campaign, 3));
    let second = write!(world.db, |tx| intent::prune(tx, campaign, 3));

    assert_eq!((first, second), (3, 1));
    assert_eq!(intent::count_open(&world.db, campaign).await.unwrap(), 1);
}

async fn pruning_waits_for_no_other_campaigns_transaction(world: World) {
    let campaign = CampaignId::allocate();
    let closed = open(&world, campaign).await;
    write!(world.db, |tx| intent::close(tx, &[closed], noon()));
    let other = open(&world, CampaignId::allocate()).await;
    let mut writing = world.db.begin().await.unwrap();
    intent::close(&mut writing, &[other], noon()).await.unwrap();

    let pruned = write!(world.db, |tx| intent::prune(tx, campaign, 10));

    assert_eq!(pruned, 1);
    writing.rollback().await;
}

/// Inserts an intent that comes due two seconds after noon.
async fn open(world: &World, campaign: CampaignId) -> IntentId {
    let id = IntentId::allocate();
    write!(world.db, |tx| intent::insert(
        tx,
        id,
        campaign,
        0,
        &[1; 64],
        noon(),
        noon() + seconds(2)
    ));
    id
}

/// Leases what is due, for three seconds.
async fn lease(world: &World, now: DateTime<Utc>) -> Vec<IntentId> {
    let (_, intents) = write!(world.db, |tx| intent::lease_open(tx, now, now + seconds(3), 100));
    intents.into_iter().map(|intent| intent.id).collect()
}
