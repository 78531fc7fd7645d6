//! Imports that are cut short, and those that go on in their place.

use std::time::Duration;

use campaign::AudienceId;
use database::audience::{AudienceState, Phase, claim_import};
use database::import_work;
use jobs::import;
use proptest::prelude::*;

use super::{file, pass, small_world, sorted, users};
use crate::world::World;

const ROWS: u32 = 120_000;

/// Longer than a lease.
const MINUTE: Duration = Duration::from_secs(60);

/// Runs an import until it is somewhere, and leaves it there.
async fn kill_at(world: &World, audience: AudienceId, phase: Phase, done: u64) {
    tokio::select! {
        ended = import::run(&world.backends) => panic!("ended before it was killed: {ended:?}"),
        () = until_at(world, audience, phase, done) => {}
    }
    world.hand.advance(MINUTE);
}

async fn until_at(world: &World, audience: AudienceId, phase: Phase, done: u64) {
    world
        .until(async || {
            let found = world.audience(audience).await;
            found.phase == Some(phase) && found.progress.phase_done >= done
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_is_killed_again_and_again_stores_every_row_once() {
    let world = small_world().await;
    let whole = world.upload(&file(ROWS)).await;
    pass(&world).await;
    let audience = world.upload(&file(ROWS)).await;

    for (phase, done) in [
        (Phase::Sort, 1),
        (Phase::Sort, 2_000_000),
        (Phase::Merge, 0),
        (Phase::Merge, 20),
        (Phase::Merge, 50),
        (Phase::Report, 0),
        (Phase::Report, 1),
        (Phase::Report, 2_000_000),
    ] {
        kill_at(&world, audience, phase, done).await;
    }
    pass(&world).await;

    let report = world.report(audience).await;
    assert_eq!(report, world.report(whole).await);
    assert!(report.is_some());
    let (whole, resumed) = (world.audience(whole).await, world.audience(audience).await);
    assert_eq!(resumed.state, AudienceState::Ready);
    assert_eq!(resumed.progress, whole.progress);
    assert_eq!(resumed.digest, whole.digest);
    assert_eq!(sorted(world.recipients(audience).await), users(ROWS));
    assert_eq!(world.runs(audience).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_is_left_alone_until_its_lease_ends() {
    let world = small_world().await;
    let audience = world.upload(&file(ROWS)).await;
    tokio::select! {
        ended = import::run(&world.backends) => panic!("ended before it was killed: {ended:?}"),
        () = until_at(&world, audience, Phase::Sort, 1) => {}
    }

    let early = pass(&world).await;
    world.hand.advance(MINUTE);
    let late = pass(&world).await;

    assert_eq!((early.ready, late.ready), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_lost_its_lease_writes_nothing_more() {
    for phase in [Phase::Sort, Phase::Merge] {
        let world = small_world().await;
        let audience = world.upload(&file(ROWS)).await;
        // Another process, whose clock is ahead.
        let later = world.backends.process.clock.now() + MINUTE;
        let robbery = async {
            until_at(&world, audience, phase, 1).await;
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
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_with_the_settings_it_began_with() {
    let world = small_world().await;
    let audience = world.upload(&file(ROWS)).await;
    kill_at(&world, audience, Phase::Sort, 1).await;
    let changed = world.process_with(|config| {
        config.fan_out.mutations = 101.try_into().unwrap();
        config.import.partition_bytes = 8_192.try_into().unwrap();
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
    for phase in Phase::ALL {
        let world = small_world().await;
        let audience = world.upload(&file(ROWS)).await;
        let stopped = world.process_with(|_| {});
        let mut importing = Box::pin(import::run(&stopped));
        tokio::select! {
            ended = &mut importing => panic!("ended before it was stopped: {ended:?}"),
            () = until_at(&world, audience, *phase, 1) => {}
        }

        stopped.process.stop.request();
        let report = importing.await.unwrap();

        assert_eq!((report.ready, report.given_up), (0, 1), "{phase:?}");
        assert_eq!(pass(&world).await.ready, 1);
        assert_eq!(sorted(world.recipients(audience).await), users(ROWS));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_not_what_was_stored_makes_no_audience() {
    let world = small_world().await;
    let audience = world.upload(&file(ROWS)).await;
    kill_at(&world, audience, Phase::Merge, 1).await;
    let spoil = "DELETE FROM import_run WHERE audience_id = ? AND kind = 'rows' AND place = 40";
    let spoilt = world
        .write(async |tx| database::sql(spoil).bind(audience).execute(tx).await)
        .await;

    let report = pass(&world).await;

    assert!(spoilt > 0, "there is such a partition");
    assert_eq!((report.ready, report.given_up), (0, 1));
    assert_eq!(world.audience(audience).await.state, AudienceState::Importing);
    assert!(
        import_work::find(&world.backends.files, audience)
            .await
            .unwrap()
            .is_some()
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Wherever somebody is cut off, even in the middle of a statement.
    #[test]
    fn an_import_may_be_cut_off_after_any_time(cuts in prop::collection::vec(0..40_000_u64, 1..12)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let world = small_world().await;
            let rows = 20_000;
            let whole = world.upload(&file(rows)).await;
            pass(&world).await;
            let audience = world.upload(&file(rows)).await;

            for micros in cuts {
                let cut = tokio::time::timeout(Duration::from_micros(micros), import::run(&world.backends));
                if let Ok(ended) = cut.await {
                    ended.unwrap();
                }
                world.hand.advance(MINUTE);
            }
            pass(&world).await;

            assert_eq!(world.report(audience).await, world.report(whole).await);
            assert_eq!(world.audience(audience).await.digest, world.audience(whole).await.digest);
            assert_eq!(sorted(world.recipients(audience).await), users(rows));
        });
    }
}
