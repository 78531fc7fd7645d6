//! What a file becomes.

use std::fs;
use std::path::PathBuf;

use audience::MAX_CHUNK_RECIPIENTS;
use database::audience::AudienceState;
use database::erasure;
use jobs::import;
use runtime::job::{Outcome, Report as _};
use serde_json::{Value, json};

use super::{file, pass, sorted, user, users};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_becomes_an_audience_and_is_gone() {
    let world = World::new().await;
    let audience = world.upload(&file(50_000)).await;

    let report = pass(&world).await;

    let ready = world.audience(audience).await;
    assert_eq!(ready.state, AudienceState::Ready);
    assert_eq!(ready.progress.size, 45_000);
    assert_eq!(ready.progress.records, 50_000);
    assert_eq!(ready.progress.read_bytes, ready.uploaded_bytes);
    assert_eq!(ready.progress.rejected, r#"{"duplicate":5000}"#);
    assert_eq!(ready.progress.variables, r#"["name"]"#);
    assert!(ready.digest.is_some());
    assert_eq!(sorted(world.recipients(audience).await), users(50_000));
    assert_eq!(world.parts(audience).await, 0);
    assert_eq!(world.runs(audience).await, 0);
    assert_eq!(ready.phase, None);
    assert_eq!(
        report.to_string(),
        "1 audiences ready (45000 recipients, 5000 rows rejected), 0 refused, 0 given up"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_are_numbered_without_gaps_and_keep_to_one_zone() {
    let world = World::new().await;
    let audience = world.upload(&file(5_000)).await;

    pass(&world).await;

    let chunks = world.chunks(audience).await;
    assert_eq!(
        chunks.len(),
        world.audience(audience).await.progress.chunk_count as usize
    );
    for (no, chunk) in (0..).zip(&chunks) {
        let unpacked = audience::Unpacked::open(&chunk.recipients).unwrap();
        assert_eq!(chunk.header.no, no);
        assert!(chunk.header.size <= MAX_CHUNK_RECIPIENTS);
        assert_eq!(chunk.header.size as usize, unpacked.size());
        assert_eq!(
            unpacked.time_zone().map_or("", |zone| zone.name()),
            chunk.header.time_zone
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_file_gives_what_is_expected() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/audience/tests/data");
    let sample = fs::read(folder.join("audience-20k.csv")).unwrap();
    let expected = fs::read(folder.join("audience-20k.expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    let world = World::new().await;
    let audience = world.upload(&sample).await;

    pass(&world).await;

    let progress = world.audience(audience).await.progress;
    let rejected: Value = serde_json::from_str(&progress.rejected).unwrap();
    assert_eq!(rejected, expected["reasons"]);
    assert_eq!(json!(progress.records), expected["rows"]);
    assert_eq!(json!(progress.size), expected["accepted"]);
    assert_eq!(
        json!(world.recipients(audience).await.len()),
        expected["accepted"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_audience_that_waits_is_imported_in_one_pass() {
    let world = World::new().await;
    let audiences = [world.upload(&file(10)).await, world.upload(&file(20)).await];

    let (first, second) = (pass(&world).await, pass(&world).await);

    for audience in audiences {
        assert_eq!(world.audience(audience).await.state, AudienceState::Ready);
    }
    assert_eq!((first.ready, first.outcome()), (2, Outcome::Worked));
    assert_eq!((second.ready, second.outcome()), (0, Outcome::Idle));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_import_one_audience_once() {
    let world = World::new().await;
    let audience = world.upload(&file(30_000)).await;
    let other = world.process_with(|_| {});

    let (here, there) = tokio::join!(import::run(&world.backends), import::run(&other));

    assert_eq!(here.unwrap().ready + there.unwrap().ready, 1);
    assert_eq!(sorted(world.recipients(audience).await), users(30_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_was_erased_before_is_a_tombstone() {
    let world = World::new().await;
    let kept = world.upload(&file(1_000)).await;
    let now = world.backends.process.clock.now();
    pass(&world).await;
    world
        .write(async |tx| erasure::request(tx, &user(7), now).await)
        .await;
    let audience = world.upload(&file(1_000)).await;

    pass(&world).await;

    let recipients = world.recipients(audience).await;
    let (before, after) = (world.audience(kept).await, world.audience(audience).await);
    assert_eq!(
        recipients.iter().filter(|recipient| recipient.is_none()).count(),
        1
    );
    assert!(!recipients.contains(&Some(user(7))));
    assert_eq!(before.digest, after.digest, "it says what the file gave");
    assert_eq!(after.progress.size, 900);
}
