//! Files that are refused, and audiences that nobody wants any more.

use database::Change;
use database::audience::{self as audiences, AudienceState};
use jobs::import;

use super::{file, pass};
use crate::world::World;

async fn refused(world: &World, file: &[u8]) -> String {
    let audience = world.upload(file).await;

    pass(world).await;

    let refused = world.audience(audience).await;
    assert_eq!(refused.state, AudienceState::Refused);
    assert_eq!((refused.progress.size, refused.progress.chunk_count), (0, 0));
    assert_eq!(world.chunks(audience).await, []);
    assert_eq!(world.parts(audience).await, 0);
    assert_eq!(world.runs(audience).await, 0);
    refused.refusal.expect("a refusal has its reason")
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_refused_file_nothing_is_left_but_the_reason() {
    let world = super::small_world().await;
    let mut undecodable = file(60_000);
    let offset = undecodable.len();
    undecodable.extend(b"\xFF\n");

    let reason = refused(&world, &undecodable).await;

    assert_eq!(reason, format!("byte {offset} of the file is not UTF-8"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_recipients_is_refused() {
    let world = World::new().await;

    let no_rows = refused(&world, b"user_id,name\n").await;
    let no_good_rows = refused(&world, b"user_id,name\n,a\nu1\n").await;

    assert_eq!(no_rows, "no row of the file can be accepted; 0 were rejected");
    assert_eq!(
        no_good_rows,
        "no row of the file can be accepted; 2 were rejected"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_without_user_ids_is_refused() {
    let world = World::new().await;

    let reason = refused(&world, b"id,name\n1,a\n").await;

    assert_eq!(reason, "the header has no column `user_id`; it has: id, name");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_reason_is_cut_to_what_is_kept_of_it() {
    let world = World::new().await;
    let columns = (0..10).map(|number| format!("{}{number}", "name".repeat(20)));
    let header = columns.collect::<Vec<_>>().join(",");

    let reason = refused(&world, format!("{header}\n").as_bytes()).await;

    assert_eq!(reason.chars().count(), 512);
    assert!(reason.starts_with("the header has no column `user_id`; it has: name"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_import_stops_and_clears_what_it_stored() {
    let world = super::small_world().await;
    let audience = world.upload(&file(200_000)).await;
    let cancellation = async {
        world.until_chunks(audience, 1).await;
        let now = world.backends.process.clock.now();
        world
            .write(async |tx| audiences::cancel(tx, audience, now).await)
            .await
    };

    let (report, cancelled) = tokio::join!(import::run(&world.backends), cancellation);

    let report = report.unwrap();
    assert_eq!(cancelled, Change::Applied);
    assert_eq!((report.ready, report.given_up), (0, 1));
    assert_eq!(world.audience(audience).await.state, AudienceState::Cancelled);
    assert_eq!(world.chunks(audience).await, []);
    assert_eq!(world.parts(audience).await, 0);
    assert_eq!(world.runs(audience).await, 0);
}
