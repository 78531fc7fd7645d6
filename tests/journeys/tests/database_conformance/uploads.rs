//! Audiences, until their whole file is there.

use campaign::AudienceId;
use database::audience::{self, AudienceState};
use database::upload_part::{self, Stored};
use database::{Change, Error};

use crate::engine::{World, on_every_engine};
use crate::write::{noon, write};

on_every_engine! {
    an_audience_is_found_as_it_was_inserted
    a_part_is_stored_once_and_another_under_its_number_is_noticed
    a_part_over_a_mebibyte_is_refused
    the_largest_part_round_trips
    parts_are_listed_without_their_bytes_and_deleted
    an_upload_is_completed_once
}

async fn an_audience_is_found_as_it_was_inserted(world: World) {
    let id = uploading(&world).await;

    let found = audience::find(&world.db, id).await.unwrap().unwrap();

    assert_eq!(found.state, AudienceState::Uploading);
    assert_eq!(found.settings, r#"{"delimiter": "comma"}"#);
    assert_eq!(
        (
            found.progress.rejected.as_str(),
            found.progress.variables.as_str()
        ),
        ("{}", "[]")
    );
    assert_eq!((found.digest, found.ready_at, found.refusal), (None, None, None));
    let listed = audience::list(&world.db, None, 10).await.unwrap();
    assert_eq!(
        listed.iter().map(|audience| audience.id).collect::<Vec<_>>(),
        [id]
    );
    assert!(audience::list(&world.db, Some(id), 10).await.unwrap().is_empty());
}

async fn a_part_is_stored_once_and_another_under_its_number_is_noticed(world: World) {
    let id = uploading(&world).await;

    let first = write!(world.db, |tx| upload_part::insert(tx, id, 0, &[1; 32], b"part"));
    let repeat = write!(world.db, |tx| upload_part::insert(tx, id, 0, &[1; 32], b"part"));
    let other = write!(world.db, |tx| upload_part::insert(tx, id, 0, &[2; 32], b"trap"));

    assert_eq!(
        (first, repeat, other),
        (Stored::New, Stored::Existing, Stored::Differs)
    );
    assert_eq!(
        upload_part::find(&world.db, id, 0).await.unwrap().as_deref(),
        Some(&b"part"[..])
    );
}

async fn a_part_over_a_mebibyte_is_refused(world: World) {
    let id = uploading(&world).await;
    let mut tx = world.db.begin().await.unwrap();

    let stored = upload_part::insert(
        &mut tx,
        id,
        0,
        &[1; 32],
        &vec![0; upload_part::MAX_PART_BYTES + 1],
    )
    .await;

    assert!(matches!(stored, Err(Error::Fault(_))));
    tx.rollback().await;
}

async fn the_largest_part_round_trips(world: World) {
    let id = uploading(&world).await;
    let bytes: Vec<u8> = (0..upload_part::MAX_PART_BYTES)
        .map(|at| (at % 251) as u8)
        .collect();

    let stored = write!(world.db, |tx| upload_part::insert(tx, id, 7, &[1; 32], &bytes));

    assert_eq!(stored, Stored::New);
    assert_eq!(upload_part::find(&world.db, id, 7).await.unwrap(), Some(bytes));
}

async fn parts_are_listed_without_their_bytes_and_deleted(world: World) {
    let id = uploading(&world).await;
    for no in [0, 1, 2] {
        let _ = write!(world.db, |tx| upload_part::insert(
            tx,
            id,
            no,
            &[no as u8; 32],
            b"12345"
        ));
    }

    let listed = upload_part::list(&world.db, id, 1, 10).await.unwrap();
    let deleted = write!(world.db, |tx| upload_part::delete_below(tx, id, 2));

    assert_eq!(
        listed.iter().map(|part| (part.no, part.size)).collect::<Vec<_>>(),
        [(1, 5), (2, 5)]
    );
    assert_eq!(listed[1].sha256, [2; 32]);
    assert_eq!(deleted, 2);
    assert_eq!(upload_part::find(&world.db, id, 1).await.unwrap(), None);
}

async fn an_upload_is_completed_once(world: World) {
    let id = uploading(&world).await;

    let counted = write!(world.db, |tx| audience::add_uploaded(tx, id, 5, noon()));
    let first = write!(world.db, |tx| audience::complete_upload(tx, id, noon()));
    let second = write!(world.db, |tx| audience::complete_upload(tx, id, noon()));
    let late = write!(world.db, |tx| audience::add_uploaded(tx, id, 5, noon()));

    assert_eq!((counted, first), (Change::Applied, Change::Applied));
    assert_eq!((second, late), (Change::Stale, Change::Stale));
    assert_eq!(
        audience::find(&world.db, id)
            .await
            .unwrap()
            .unwrap()
            .uploaded_bytes,
        5
    );
}

pub(crate) async fn uploading(world: &World) -> AudienceId {
    let id = AudienceId::allocate();
    write!(world.db, |tx| audience::insert(
        tx,
        id,
        "everybody",
        r#"{"delimiter": "comma"}"#,
        noon()
    ));
    id
}

pub(crate) async fn uploaded(world: &World) -> AudienceId {
    let id = uploading(world).await;
    let completed = write!(world.db, |tx| audience::complete_upload(tx, id, noon()));
    assert_eq!(completed, Change::Applied);
    id
}
