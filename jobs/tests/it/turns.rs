//! Passes over several campaigns, one of which is in a bad way.

use campaign::{ChunkId, ChunkState, PushId, Reason, Standing, Tally};
use database::chunk_tally::{self, ChunkTally};
use jobs::{dispatch, fan_out, reconcile};
use push_store::Afterwards;

use crate::world::World;

async fn audience_of(world: &World, users: u32) -> campaign::AudienceId {
    let rows = (0..users).map(|user| format!("u{user}\n"));
    let file = format!("user_id\n{}", rows.collect::<String>());
    let audience = world.upload(file.as_bytes()).await;
    jobs::import::run(&world.backends).await.unwrap();
    audience
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_with_unusable_rows_does_not_keep_others_from_their_turn() {
    let world = World::new().await;
    let audience = audience_of(&world, 3).await;
    let unusable = world.start_campaign_at(audience, "{}").await;
    let other = world.start_campaign(audience).await;

    let expanded = fan_out::run(&world.backends).await.unwrap();
    let queued = dispatch::run(&world.backends).await.unwrap();
    reconcile::run(&world.backends).await.unwrap();

    assert!(unusable < other, "it has the first turn");
    assert_eq!((expanded.chunks, queued.queued), (1, 1));
    assert_eq!(world.pushes(other).await.len(), 3);
}

/// The queue was lost whole while it held as many tasks as a campaign may have there.
#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_whose_share_of_the_queue_is_lost_hands_it_over_again() {
    let world = World::with(|config| {
        config.fan_out.mutations = 2.try_into().unwrap();
        config.dispatch.in_queue = 3.try_into().unwrap();
    })
    .await;
    let audience = audience_of(&world, 5).await;
    world.expand_campaign(audience).await;
    let first = dispatch::run(&world.backends).await.unwrap();
    let meanwhile = dispatch::run(&world.backends).await.unwrap();

    world.hand.advance(world.backends.process.config.dispatch.pick_up);
    let again = dispatch::run(&world.backends).await.unwrap();

    assert_eq!((first.queued, meanwhile.queued, again.queued), (3, 0, 3));
}

/// One sender died between settling its chunk and writing the totals.
#[tokio::test(flavor = "multi_thread")]
async fn one_chunk_of_many_whose_totals_are_behind_is_found_at_once() {
    let world = World::with(|config| config.fan_out.mutations = 2.try_into().unwrap()).await;
    let audience = audience_of(&world, 250).await;
    let campaign = world.expand_campaign(audience).await;
    let accepted = Standing::Settled(Reason::Accepted);
    let tally = [accepted].into_iter().collect::<Tally>();
    world
        .write(async |tx| {
            for no in 1..250 {
                let _ = chunk_tally::replace(tx, &ChunkTally::of(campaign, no, 9, ChunkState::Done, &tally))
                    .await?;
            }
            Ok(())
        })
        .await;
    let now = world.backends.process.clock.now();
    let sent = [(PushId::of(campaign, "u0"), accepted)];
    let store = &world.backends.push_store;
    let settled = store.settle(ChunkId::of(campaign, 0), &sent, Afterwards::GoOn, now);
    assert!(settled.await.unwrap().unwrap().is_settled());

    let report = reconcile::run(&world.backends).await.unwrap();

    assert_eq!((report.tallies, report.finished), (1, 1));
}
