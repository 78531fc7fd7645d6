//! Audiences, from the first part of the upload to the frozen chunks.

use campaign::AudienceId;
use database::audience::{self, AudienceState, Progress};
use database::audience_chunk::{self, AudienceChunk, ChunkHeader};
use database::upload_part::{self, Stored};
use database::{Change, Error};

use crate::engine::{World, on_every_engine};
use crate::write::{noon, seconds, write};

on_every_engine! {
    an_audience_is_found_as_it_was_inserted
    a_part_is_stored_once_and_another_under_its_number_is_noticed
    a_part_over_a_mebibyte_is_refused
    the_largest_part_round_trips
    parts_are_listed_without_their_bytes_and_deleted
    an_upload_is_completed_once
    an_audience_is_claimed_by_one_import_at_a_time
    an_import_whose_lease_ran_out_is_claimed_again_and_its_writes_are_stale
    an_import_goes_on_where_it_was
    a_refused_audience_keeps_its_reason
    a_cancelled_audience_stops_its_import
    chunks_are_listed_without_their_recipients
    chunks_of_all_audiences_are_listed_in_order
    an_erasure_replaces_recipients_and_keeps_the_digest
    the_largest_chunk_round_trips
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

async fn an_audience_is_claimed_by_one_import_at_a_time(world: World) {
    uploading(&world).await;
    let id = uploaded(&world).await;

    let first = write!(world.db, |tx| audience::claim_import(
        tx,
        noon(),
        noon() + seconds(30)
    ));
    let second = write!(world.db, |tx| audience::claim_import(
        tx,
        noon(),
        noon() + seconds(30)
    ));

    let claim = first.unwrap();
    assert_eq!(
        (claim.audience.id, claim.audience.state),
        (id, AudienceState::Importing)
    );
    assert!(second.is_none());
}

async fn an_import_whose_lease_ran_out_is_claimed_again_and_its_writes_are_stale(world: World) {
    let id = uploaded(&world).await;
    let lost = write!(world.db, |tx| audience::claim_import(
        tx,
        noon(),
        noon() + seconds(30)
    ))
    .unwrap();
    let later = noon() + seconds(30);

    let claim = write!(world.db, |tx| audience::claim_import(
        tx,
        later,
        later + seconds(30)
    ))
    .unwrap();

    let stale = write!(world.db, |tx| audience::advance(
        tx,
        id,
        lost.token,
        &progress(1),
        later,
        later
    ));
    let kept = write!(world.db, |tx| audience::advance(
        tx,
        id,
        claim.token,
        &progress(2),
        later,
        later
    ));
    assert_eq!((stale, kept), (Change::Stale, Change::Applied));
    assert_eq!(
        audience::find(&world.db, id).await.unwrap().unwrap().progress,
        progress(2)
    );
}

async fn an_import_goes_on_where_it_was(world: World) {
    let id = uploaded(&world).await;
    let claim = write!(world.db, |tx| audience::claim_import(tx, noon(), noon())).unwrap();
    let mut tx = world.db.begin().await.unwrap();
    audience_chunk::insert(&mut tx, &chunk(id, 0, b"packed"))
        .await
        .unwrap();
    let kept = audience::advance(&mut tx, id, claim.token, &progress(1), noon(), noon())
        .await
        .unwrap();
    crate::write::commit(tx).await;

    let again = write!(world.db, |tx| audience::claim_import(tx, noon(), noon())).unwrap();
    let ready = write!(world.db, |tx| audience::mark_ready(
        tx,
        id,
        again.token,
        &[9; 32],
        noon()
    ));

    assert_eq!((kept, ready), (Change::Applied, Change::Applied));
    assert_eq!(again.audience.progress, progress(1));
    let found = audience::find(&world.db, id).await.unwrap().unwrap();
    assert_eq!((found.state, found.digest), (AudienceState::Ready, Some([9; 32])));
    assert_eq!((found.progress.resume_from, found.ready_at), (None, Some(noon())));
}

async fn a_refused_audience_keeps_its_reason(world: World) {
    let id = uploaded(&world).await;
    let claim = write!(world.db, |tx| audience::claim_import(tx, noon(), noon())).unwrap();

    let refused = write!(world.db, |tx| audience::mark_refused(
        tx,
        id,
        claim.token,
        "no user_id",
        noon()
    ));

    let found = audience::find(&world.db, id).await.unwrap().unwrap();
    assert_eq!(refused, Change::Applied);
    assert_eq!(
        (found.state, found.refusal.as_deref()),
        (AudienceState::Refused, Some("no user_id"))
    );
    assert!(write!(world.db, |tx| audience::claim_import(tx, noon(), noon())).is_none());
}

async fn a_cancelled_audience_stops_its_import(world: World) {
    let id = uploaded(&world).await;
    let claim = write!(world.db, |tx| audience::claim_import(tx, noon(), noon())).unwrap();

    let cancelled = write!(world.db, |tx| audience::cancel(tx, id, noon()));
    let advanced = write!(world.db, |tx| audience::advance(
        tx,
        id,
        claim.token,
        &progress(1),
        noon(),
        noon()
    ));
    let ready = write!(world.db, |tx| audience::mark_ready(
        tx,
        id,
        claim.token,
        &[9; 32],
        noon()
    ));

    assert_eq!(
        (cancelled, advanced, ready),
        (Change::Applied, Change::Stale, Change::Stale)
    );
}

async fn chunks_are_listed_without_their_recipients(world: World) {
    let id = AudienceId::allocate();
    for no in 0..5 {
        write!(world.db, |tx| audience_chunk::insert(
            tx,
            &chunk(id, no, b"packed")
        ));
    }
    write!(world.db, |tx| audience_chunk::insert(
        tx,
        &chunk(AudienceId::allocate(), 3, b"other")
    ));

    let listed = audience_chunk::list(&world.db, id, 2, 2).await.unwrap();

    assert_eq!(listed, [chunk(id, 2, b"").header, chunk(id, 3, b"").header]);
}

async fn chunks_of_all_audiences_are_listed_in_order(world: World) {
    let mut expected = Vec::new();
    for _ in 0..3 {
        let id = AudienceId::allocate();
        for no in 0..3 {
            write!(world.db, |tx| audience_chunk::insert(
                tx,
                &chunk(id, no, b"packed")
            ));
            expected.push((id, no));
        }
    }

    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let page = audience_chunk::list_all(&world.db, after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some((last.audience_id, last.no));
        listed.extend(page.iter().map(|chunk| (chunk.audience_id, chunk.no)));
    }

    assert_eq!(listed, expected);
}

async fn an_erasure_replaces_recipients_and_keeps_the_digest(world: World) {
    let id = AudienceId::allocate();
    write!(world.db, |tx| audience_chunk::insert(
        tx,
        &chunk(id, 0, b"packed")
    ));
    let mut tx = world.db.begin().await.unwrap();

    let locked = audience_chunk::lock(&mut tx, id, 0).await.unwrap().unwrap();
    audience_chunk::replace_recipients(&mut tx, id, 0, b"grave")
        .await
        .unwrap();
    crate::write::commit(tx).await;

    let found = audience_chunk::find(&world.db, id, 0).await.unwrap().unwrap();
    assert_eq!(found.header, locked.header);
    assert_eq!(found.recipients, b"grave");
}

async fn the_largest_chunk_round_trips(world: World) {
    let id = AudienceId::allocate();
    let bytes = vec![7; 3_670_016];
    write!(world.db, |tx| audience_chunk::insert(tx, &chunk(id, 0, &bytes)));

    let found = audience_chunk::find(&world.db, id, 0).await.unwrap().unwrap();

    assert!(found.recipients == bytes);
}

async fn uploading(world: &World) -> AudienceId {
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

async fn uploaded(world: &World) -> AudienceId {
    let id = uploading(world).await;
    let completed = write!(world.db, |tx| audience::complete_upload(tx, id, noon()));
    assert_eq!(completed, Change::Applied);
    id
}

fn progress(chunk_count: u32) -> Progress {
    Progress {
        read_bytes: 1000,
        records: 500,
        size: 499,
        chunk_count,
        rejected: r#"{"duplicate": 1}"#.to_owned(),
        variables: r#"["name"]"#.to_owned(),
        resume_from: Some(r#"{"line": 501}"#.to_owned()),
    }
}

fn chunk(audience_id: AudienceId, no: u32, recipients: &[u8]) -> AudienceChunk {
    AudienceChunk {
        header: ChunkHeader {
            audience_id,
            no,
            size: 499,
            time_zone: "Asia/Tokyo".to_owned(),
            digest: [3; 32],
        },
        recipients: recipients.to_vec(),
    }
}
