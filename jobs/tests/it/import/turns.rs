//! Several imports at once, and imports that a person holds.

use database::Change;
use database::audience::{self as audiences, AudienceState, Phase};
use jobs::import;

use super::{file, pass, small_world, sorted, users};

/// As many rows that an import has several turns of batches.
const ROWS: u32 = 120_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_does_not_wait_for_a_large_one() {
    let world = small_world().await;
    let large = world.upload(&file(ROWS)).await;
    let importing = import::run(&world.backends);
    let arrival = async {
        world
            .until(async || world.audience(large).await.progress.records > 0)
            .await;
        let small = world.upload(&file(100)).await;
        world
            .until(async || world.audience(small).await.phase.is_none())
            .await;
        world.audience(large).await
    };

    let (report, meanwhile) = tokio::join!(importing, arrival);

    assert!(
        matches!(meanwhile.phase, Some(Phase::Sort | Phase::Merge)),
        "{meanwhile:?}"
    );
    assert_eq!(report.unwrap().ready, 2);
    assert_eq!(sorted(world.recipients(large).await), users(ROWS));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_import_stops_and_goes_on_where_it_was() {
    let world = small_world().await;
    let audience = world.upload(&file(ROWS)).await;
    let now = world.backends.process.clock.now();
    let pausing = async {
        world
            .until(async || world.audience(audience).await.phase == Some(Phase::Merge))
            .await;
        let paused = world
            .write(async |tx| audiences::pause(tx, audience, now).await)
            .await;
        (paused, world.audience(audience).await)
    };

    let (report, (paused, held)) = tokio::join!(import::run(&world.backends), pausing);
    let idle = pass(&world).await;
    let still = world.audience(audience).await;
    let resumed = world
        .write(async |tx| audiences::resume(tx, audience, now).await)
        .await;
    let rest = pass(&world).await;

    assert_eq!((paused, resumed), (Change::Applied, Change::Applied));
    assert_eq!((report.unwrap().given_up, idle.ready, rest.ready), (1, 0, 1));
    assert_eq!(still.progress, held.progress);
    assert_eq!(world.audience(audience).await.state, AudienceState::Ready);
    assert_eq!(sorted(world.recipients(audience).await), users(ROWS));
}
