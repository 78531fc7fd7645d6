//! What reconcile brings to its end that nobody else did.

use std::time::Duration;

use campaign::{
    CampaignId, ChunkId, ChunkState, CouponId, LeaseTerms, LeaseToken, Leased, PushId, PushState, Reason,
    Standing, Transition,
};
use database::campaign as campaigns;
use database::stock_reservation::Holder;
use database::{chunk_tally, coupon, stock};
use jobs::reconcile::{self, Report};
use jobs::{dispatch, fan_out};
use push_store::{Afterwards, AttemptCount, Chunk};

use crate::world::World;

/// Longer than anybody can be at work on a campaign that has ended.
const QUIET: Duration = Duration::from_secs(600);

async fn pass(world: &World) -> Report {
    reconcile::run(&world.backends).await.unwrap()
}

/// A campaign of one chunk to ann and bob, expanded, with a coupon of which there are ten.
async fn campaign_with_coupon(world: &World) -> (CampaignId, CouponId) {
    let (coupon_id, now) = (CouponId::allocate(), world.backends.process.clock.now());
    world
        .write(async |tx| coupon::insert(tx, coupon_id, "a ride", Some(10), (None, None), now).await)
        .await;
    let audience = world.upload(b"user_id\nann\nbob\n").await;
    jobs::import::run(&world.backends).await.unwrap();
    let campaign = world.start_campaign_with(audience, coupon_id).await;
    fan_out::run(&world.backends).await.unwrap();
    (campaign, coupon_id)
}

/// Erases both users' pushes, as an erasure does whoever works on the chunk.
async fn erase_pushes(world: &World, campaign: CampaignId) {
    let now = world.backends.process.clock.now();
    for user in ["ann", "bob"] {
        let push = PushId::of(campaign, user);
        let erased = world
            .backends
            .push_store
            .erase(ChunkId::of(campaign, 0), push, now);
        erased.await.unwrap();
    }
}

async fn chunk(world: &World, campaign: CampaignId) -> Chunk {
    let found = world
        .backends
        .push_store
        .find_chunk(ChunkId::of(campaign, 0))
        .await;
    found.unwrap().expect("it is expanded")
}

async fn is_reconciled(world: &World, campaign: CampaignId) -> bool {
    let found = campaigns::find(&world.backends.db, campaign).await.unwrap();
    found.expect("no test deletes a campaign").reconciled_at.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reservation_that_lands_after_the_end_takes_no_stock() {
    let world = World::new().await;
    let (campaign, coupon_id) = campaign_with_coupon(&world).await;
    erase_pushes(&world, campaign).await;
    let ended = pass(&world).await;

    let (db, now) = (&world.backends.db, world.backends.process.clock.now());
    let late = stock::reserve(db, db, Holder::in_main(campaign, 0), coupon_id, 2, now).await;

    assert_eq!((ended.returned, ended.finished), (1, 1));
    assert_eq!(late.unwrap(), 0);
    let coupon = coupon::find(db, coupon_id).await.unwrap().unwrap();
    assert_eq!(coupon.reserved, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunk_that_an_erasure_settled_is_closed_before_the_campaign_is_finished() {
    let world = World::new().await;
    let (campaign, _) = campaign_with_coupon(&world).await;
    erase_pushes(&world, campaign).await;

    let report = pass(&world).await;

    assert_eq!(chunk(&world, campaign).await.record.state, ChunkState::Done);
    assert_eq!((report.tallies, report.finished), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_chunk_that_is_leased_is_left_to_its_holder() {
    let world = World::new().await;
    let (campaign, _) = campaign_with_coupon(&world).await;
    dispatch::run(&world.backends).await.unwrap();
    let (store, now) = (&world.backends.push_store, world.backends.process.clock.now());
    let token = LeaseToken::allocate();
    let terms = LeaseTerms {
        duration: Duration::from_secs(60),
        skew: Duration::from_secs(5),
    };
    let id = ChunkId::of(campaign, 0);
    let leased = store.lease(id, 0, token, now, terms).await.unwrap().unwrap();
    erase_pushes(&world, campaign).await;

    let meanwhile = pass(&world).await;
    let over = Afterwards::GiveBack {
        token,
        at: now,
        count: AttemptCount::NotCounted,
    };
    store.settle(id, &[], over, now).await.unwrap();
    let afterwards = pass(&world).await;

    assert!(matches!(leased.0, Leased::Leased { .. }));
    assert_eq!((meanwhile.finished, afterwards.finished), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_comes_after_a_cancel_is_counted() {
    let world = World::new().await;
    let (campaign, _) = campaign_with_coupon(&world).await;
    world.transition(campaign, Transition::Cancel).await;
    let closed = pass(&world).await;
    let (store, now) = (&world.backends.push_store, world.backends.process.clock.now());
    let late = [(PushId::of(campaign, "ann"), Standing::Settled(Reason::Accepted))];
    let settled = store.settle(ChunkId::of(campaign, 0), &late, Afterwards::GoOn, now);
    settled.await.unwrap();
    let too_early = pass(&world).await;

    world.hand.advance(QUIET);
    let counted = pass(&world).await;

    assert_eq!(
        [closed.cancelled_chunks, too_early.tallies, counted.tallies],
        [1, 0, 1]
    );
    let total = chunk_tally::total(&world.backends.db, campaign).await.unwrap();
    assert_eq!(total.tally.count(PushState::Sent), 1);
    assert!(is_reconciled(&world, campaign).await);
    assert_eq!(pass(&world).await, Report::default());
}
