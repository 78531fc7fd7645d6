//! Files that were made to harm: refused for a reason, in bounded memory, and nothing of them left;
//! with the files in a database of their own.

use std::io::{Cursor, Write};

use campaign::AudienceId;
use database::audience::AudienceState;
use database::upload_part;
use runtime::config::DatabaseUrl;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{file, pass, sorted, users};
use crate::world::World;

async fn world() -> World {
    World::with(|config| config.files.database = Some(DatabaseUrl::embedded())).await
}

/// A ZIP of these files, as another program writes it.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// What there is of uploads in the database of files, or was put into the main one.
async fn parts_anywhere(world: &World) -> Vec<AudienceId> {
    let mut all = upload_part::list_audiences(&world.backends.files, None, 100)
        .await
        .unwrap();
    all.extend(
        upload_part::list_audiences(&world.backends.db, None, 100)
            .await
            .unwrap(),
    );
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zip_is_imported_as_the_file_in_it() {
    let world = world().await;
    let content = file(20_000);
    let zip = zip(&[("users.csv", &content)]);
    assert!(zip.len() < content.len() / 3);
    let audience = world.upload(&zip).await;

    let report = pass(&world).await;

    assert_eq!((report.ready, report.rejected_rows), (1, 2_000));
    assert_eq!(sorted(world.recipients(audience).await), users(20_000));
    assert_eq!(
        world.audience(audience).await.progress.read_bytes,
        zip.len() as u64
    );
    assert_eq!(parts_anywhere(&world).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_file_is_refused_and_nothing_of_it_is_left() {
    let world = world().await;
    let csv = file(20_000);
    let zeros = vec![b'\n'; 64 << 20];
    let columns = (0..1_000_000)
        .map(|no| format!("c{no}"))
        .collect::<Vec<_>>()
        .join(",");
    let formulas = "=cmd|' /C calc'!A0\n".repeat(100_000);
    let quote = format!("user_id,name\nu1,\"{}\n", "a".repeat(2 << 20));

    for (file, reason) in [
        (
            zip(&[("users.csv", &csv), ("more.csv", &csv)]),
            "more than one file",
        ),
        (
            zip(&[("users.csv", &[&csv[..], &zeros].concat())]),
            "times as large",
        ),
        (zip(&[("users.csv", &csv)])[..4_000].to_vec(), "ends too early"),
        (vec![0; 3 << 20], "longer than"),
        (columns.into_bytes(), "longer than"),
        (quote.into_bytes(), "longer than"),
        (formulas.into_bytes(), "no column `user_id`"),
    ] {
        let audience = world.upload(&file).await;

        let report = pass(&world).await;

        let refused = world.audience(audience).await;
        assert_eq!(
            (report.refused, refused.state),
            (1, AudienceState::Refused),
            "{reason}"
        );
        let refusal = refused.refusal.unwrap();
        assert!(refusal.contains(reason), "{refusal}");
        assert_eq!(world.chunks(audience).await, [], "{reason}");
    }
    jobs::prune::run(&world.backends).await.unwrap();
    assert_eq!(parts_anywhere(&world).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_came_when_its_upload_was_over_is_pruned() {
    let world = world().await;
    let open = world.begin_upload(b"user_id\n").await;
    let nobody = AudienceId::allocate();
    for audience in [open, nobody] {
        let stored =
            world.write_file(async |tx| upload_part::insert(tx, audience, 7, &[0; 32], b"late").await);
        let _ = stored.await;
    }

    let report = jobs::prune::run(&world.backends).await.unwrap();

    assert_eq!(report.audiences, 1);
    assert_eq!(parts_anywhere(&world).await, [open]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_stands_still_for_a_day_is_given_up_with_its_parts() {
    let world = world().await;
    let audience = world.begin_upload(b"user_id\nu1\n").await;

    jobs::prune::run(&world.backends).await.unwrap();
    let kept = parts_anywhere(&world).await;
    world.hand.advance(std::time::Duration::from_secs(86_401));
    jobs::prune::run(&world.backends).await.unwrap();

    assert_eq!(kept, [audience]);
    assert_eq!(world.audience(audience).await.state, AudienceState::Cancelled);
    assert_eq!(parts_anywhere(&world).await, []);
}
