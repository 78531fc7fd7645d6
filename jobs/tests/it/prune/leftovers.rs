//! Uploads that nobody goes on with, what a killed process left, and old idempotency keys.

use std::time::Duration;

use database::audience::{self as audiences, AudienceState};
use database::idempotency::{self, Answered};
use database::{Change, Insertion};
use jobs::import;

use super::pass;
use crate::world::World;

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_stands_still_for_a_day_is_given_up() {
    let world = World::new().await;
    let file = vec![b'a'; 3 << 20];
    let abandoned = world.begin_upload(&file).await;
    world.hand.advance(DAY + Duration::from_secs(1));
    let fresh = world.begin_upload(&file).await;

    let report = pass(&world).await;

    assert_eq!(report.audiences, 1);
    assert_eq!(world.audience(abandoned).await.state, AudienceState::Cancelled);
    assert_eq!(world.parts(abandoned).await, 0);
    assert_eq!(world.audience(fresh).await.state, AudienceState::Uploading);
    assert_eq!(world.parts(fresh).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_import_left_of_a_cancelled_audience_is_cleared() {
    let world = World::with(|config| config.import.partition_bytes = 65_536.try_into().unwrap()).await;
    let ids: Vec<_> = (0..100_000).map(|user| format!("u{user:06}")).collect();
    let file = format!("user_id\n{}\n", ids.join("\n"));
    let audience = world.upload(file.as_bytes()).await;
    tokio::select! {
        ended = import::run(&world.backends) => panic!("ended before it was killed: {ended:?}"),
        () = world.until_chunks(audience, 1) => {}
    }
    let now = world.backends.process.clock.now();
    let cancelled = world
        .write(async |tx| audiences::cancel(tx, audience, now).await)
        .await;

    pass(&world).await;

    assert_eq!(cancelled, Change::Applied);
    assert_eq!(world.chunks(audience).await, []);
    assert_eq!(world.parts(audience).await, 0);
    assert_eq!(world.runs(audience).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audience_that_is_used_or_waits_keeps_what_it_has() {
    let world = World::new().await;
    let ready = super::audience_of(&world, 10).await;
    let waiting = world.upload(b"user_id\nu1\n").await;
    world.hand.advance(30 * DAY);

    let report = pass(&world).await;

    assert_eq!(report.audiences, 0);
    assert_eq!(world.recipients(ready).await.len(), 10);
    assert_eq!(world.parts(waiting).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn idempotency_keys_are_forgotten_after_a_day() {
    let world = World::new().await;
    let answered = Answered {
        request_hash: [1; 32],
        status: 201,
        response: "{}".to_owned(),
    };
    for key in [1, 2] {
        let now = world.backends.process.clock.now();
        let inserted = world
            .write(async |tx| idempotency::insert(tx, "POST /v1/campaigns", &[key; 32], &answered, now).await)
            .await;
        assert_eq!(inserted, Insertion::New);
        world.hand.advance(DAY / 2 + Duration::from_secs(1));
    }

    let report = pass(&world).await;

    let db = &world.backends.db;
    let old = idempotency::find(db, "POST /v1/campaigns", &[1; 32])
        .await
        .unwrap();
    let young = idempotency::find(db, "POST /v1/campaigns", &[2; 32])
        .await
        .unwrap();
    assert_eq!(report.keys, 1);
    assert_eq!((old, young), (None, Some(answered)));
}
