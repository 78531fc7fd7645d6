//! Imports that are cut short, and those that go on in their place.

use std::time::Duration;

use database::audience::{AudienceState, claim_import};
use jobs::import;

use super::{file, pass, sorted, users};
use crate::world::World;

const ROWS: u32 = 120_000;

/// Longer than a lease.
const MINUTE: Duration = Duration::from_secs(60);

/// Runs an import until so many chunks are stored, and leaves it there.
async fn kill_at(world: &World, audience: campaign::AudienceId, chunks: u32) {
    tokio::select! {
        ended = import::run(&world.backends) => panic!("ended before it was killed: {ended:?}"),
        () = world.until_chunks(audience, chunks) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_again_and_again_stores_every_row_once() {
    let world = World::new().await;
    let whole = world.upload(&file(ROWS)).await;
    pass(&world).await;
    let audience = world.upload(&file(ROWS)).await;

    for chunks in [1, 40, 80] {
        kill_at(&world, audience, chunks).await;
        world.hand.advance(MINUTE);
    }
    pass(&world).await;

    let (whole, resumed) = (world.audience(whole).await, world.audience(audience).await);
    assert_eq!(resumed.state, AudienceState::Ready);
    assert_eq!(resumed.progress, whole.progress);
    assert_eq!(resumed.digest, whole.digest);
    assert_eq!(sorted(world.recipients(audience).await), users(ROWS));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_left_alone_until_its_lease_ends() {
    let world = World::new().await;
    let audience = world.upload(&file(ROWS)).await;
    kill_at(&world, audience, 1).await;

    let early = pass(&world).await;
    world.hand.advance(MINUTE);
    let late = pass(&world).await;

    assert_eq!((early.ready, late.ready), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_lost_its_lease_writes_nothing_more() {
    let world = World::new().await;
    let audience = world.upload(&file(ROWS)).await;
    // Another process, whose clock is ahead.
    let later = world.backends.process.clock.now() + MINUTE;
    let robbery = async {
        world.until_chunks(audience, 1).await;
        let claim = world.write(async |tx| claim_import(tx, later, later).await).await;
        claim.expect("the lease is over by that clock").audience
    };

    let (robbed, found) = tokio::join!(import::run(&world.backends), robbery);

    let robbed = robbed.unwrap();
    let left = world.audience(audience).await;
    assert_eq!((robbed.ready, robbed.given_up), (0, 1));
    assert_eq!(left.progress, found.progress);
    assert_eq!(
        world.chunks(audience).await.len(),
        found.progress.chunk_count as usize
    );
    world.hand.advance(MINUTE);
    assert_eq!(pass(&world).await.ready, 1);
    assert_eq!(sorted(world.recipients(audience).await), users(ROWS));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_with_the_settings_it_began_with() {
    let world = World::new().await;
    let audience = world.upload(&file(ROWS)).await;
    kill_at(&world, audience, 1).await;
    world.hand.advance(MINUTE);
    let changed = world.process_with(|config| {
        config.fan_out.mutations = 101.try_into().unwrap();
    });

    import::run(&changed).await.unwrap();

    let sizes: Vec<_> = world
        .chunks(audience)
        .await
        .iter()
        .map(|chunk| chunk.header.size)
        .collect();
    assert_eq!(sizes.iter().max(), Some(&499));
    assert_eq!(sorted(world.recipients(audience).await), users(ROWS));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_stopped_lets_others_go_on_at_once() {
    let world = World::new().await;
    let audience = world.upload(&file(ROWS)).await;
    let stopped = world.process_with(|_| {});
    let mut importing = Box::pin(import::run(&stopped));
    tokio::select! {
        ended = &mut importing => panic!("ended before it was stopped: {ended:?}"),
        () = world.until_chunks(audience, 1) => {}
    }

    stopped.process.stop.request();
    let report = importing.await.unwrap();

    assert_eq!((report.ready, report.given_up), (0, 1));
    assert_eq!(pass(&world).await.ready, 1);
    assert_eq!(sorted(world.recipients(audience).await), users(ROWS));
}
