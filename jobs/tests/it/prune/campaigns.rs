//! Campaigns that ended long ago, and others.

use std::time::Duration;

use campaign::{CouponId, IntentId, Transition};
use database::campaign_pace::{Fastest, Pace, Sample};
use database::shard::{chunk_grants, coupon_grant, intent};
use database::stock_reservation::{self, Holder};
use database::{Insertion, campaign_pace, chunk_tally, coupon, fan_out_progress};
use jobs::{prune, reconcile};
use runtime::job::{Outcome, Report as _};

use super::{MONTH, audience_of, chunks, ended_campaign, is_marked, pass};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn of_an_old_campaign_nothing_is_left_but_its_row() {
    let world = World::new().await;
    let audience = audience_of(&world, 1_200).await;
    let running = world.expand_campaign(audience).await;
    let ended = ended_campaign(&world, audience).await;
    let sample = Sample {
        at: world.backends.process.clock.now(),
        expanded: 1_200,
        settled: 0,
    };
    let pace = Pace {
        before: sample,
        taken: sample,
        fastest: Fastest::default(),
    };
    world
        .write(async |tx| campaign_pace::replace(tx, ended, &pace).await)
        .await;

    let report = pass(&world).await;

    let db = &world.backends.db;
    assert_eq!(campaign_pace::find(db, ended).await.unwrap(), None);
    assert!(is_marked(&world, ended).await);
    assert_eq!(chunks(&world, ended).await, 0);
    assert_eq!(world.pushes(ended).await, []);
    assert_eq!(
        chunk_tally::total(db, ended).await.unwrap(),
        chunk_tally::Total::default()
    );
    assert_eq!(fan_out_progress::find(db, ended).await.unwrap(), None);
    assert!(!is_marked(&world, running).await);
    assert_eq!(world.pushes(running).await.len(), 1_200);
    assert_eq!(chunk_tally::total(db, running).await.unwrap().chunks, 3);
    assert_eq!(world.recipients(audience).await.len(), 1_200);
    assert_eq!(
        report.to_string(),
        "1 campaigns pruned (3 chunks, 1200 pushes), 0 audiences cleared, 1 reports deleted, \
         0 idempotency keys forgotten, 0 addresses removed"
    );
    assert_eq!(pass(&world).await.outcome(), Outcome::Idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_kept_for_as_long_as_is_configured() {
    let world = World::with(|config| config.prune.keep = 2 * MONTH).await;
    let audience = audience_of(&world, 10).await;
    let campaign = ended_campaign(&world, audience).await;

    let early = pass(&world).await;
    world.hand.advance(MONTH);
    let late = pass(&world).await;

    assert_eq!((early.campaigns, late.campaigns), (0, 1));
    assert!(is_marked(&world, campaign).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_with_an_open_intent_is_not_touched() {
    let world = World::new().await;
    let audience = audience_of(&world, 10).await;
    let campaign = ended_campaign(&world, audience).await;
    let (id, now) = (IntentId::allocate(), world.backends.process.clock.now());
    world
        .write(async |tx| intent::insert(tx, id, campaign, 0, &[1; 64], now, now).await)
        .await;

    let open = pass(&world).await;
    world.write(async |tx| intent::close(tx, &[id], now).await).await;
    let closed = pass(&world).await;

    assert_eq!((open.campaigns, open.chunks), (0, 0));
    assert_eq!((closed.campaigns, closed.chunks), (1, 1));
    assert_eq!(intent::find(&world.backends.db, id).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_with_an_open_chunk_is_not_touched() {
    let world = World::new().await;
    let audience = audience_of(&world, 10).await;
    let campaign = world.start_campaign(audience).await;
    world.transition(campaign, Transition::Cancel).await;
    world.hand.advance(Duration::from_secs(3_600));
    reconcile::run(&world.backends).await.unwrap();
    // Later than any transaction can be, so that only a look at the stores tells.
    world.expand_chunk(campaign, audience).await;
    world.hand.advance(MONTH);

    let report = pass(&world).await;

    assert_eq!((report.campaigns, report.chunks), (0, 0));
    assert!(!is_marked(&world, campaign).await);
    assert_eq!(world.pushes(campaign).await.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_with_unreturned_stock_is_not_touched_and_its_grants_stay() {
    let world = World::new().await;
    let audience = audience_of(&world, 10).await;
    let campaign = ended_campaign(&world, audience).await;
    let (coupon_id, now) = (CouponId::allocate(), world.backends.process.clock.now());
    let occasion = coupon_grant::Occasion {
        campaign_id: campaign,
        coupon_id,
        chunk_no: 0,
        intent_id: IntentId::allocate(),
        granted_at: now,
    };
    let holder = Holder {
        campaign_id: campaign,
        chunk_no: 0,
        shard: 0,
    };
    let opened = world
        .write(async |tx| {
            coupon::insert(tx, coupon_id, "a ride", Some(100), (None, None), now).await?;
            stock_reservation::reserve(tx, holder, coupon_id, 10, now).await?;
            coupon_grant::insert(tx, occasion, &["u000001"]).await?;
            chunk_grants::open(tx, campaign, 0, coupon_id, 10).await
        })
        .await;

    let unreturned = pass(&world).await;
    world
        .write(async |tx| stock_reservation::return_unused(tx, holder, coupon_id, 1, now).await)
        .await;
    let returned = pass(&world).await;

    let db = &world.backends.db;
    assert_eq!(opened, Insertion::New);
    assert_eq!((unreturned.campaigns, returned.campaigns), (0, 1));
    assert_eq!(coupon_grant::count(db, campaign).await.unwrap(), 1);
    assert_eq!(coupon::find(db, coupon_id).await.unwrap().unwrap().reserved, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_that_is_killed_is_gone_on_with() {
    let world = World::new().await;
    let audience = audience_of(&world, 10_000).await;
    let campaign = ended_campaign(&world, audience).await;
    let expanded = chunks(&world, campaign).await;

    tokio::select! {
        ended = prune::run(&world.backends) => panic!("ended before it was killed: {ended:?}"),
        () = world.until(async || chunks(&world, campaign).await < expanded) => {}
    }
    let half = chunks(&world, campaign).await;
    let report = pass(&world).await;

    assert_eq!(expanded, 21);
    assert!(half > 0);
    assert_eq!((report.campaigns, chunks(&world, campaign).await), (1, 0));
    assert_eq!(world.pushes(campaign).await, []);
    assert_eq!(pass(&world).await.outcome(), Outcome::Idle);
}
