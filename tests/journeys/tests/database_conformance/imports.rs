//! The import's side of audiences.

use database::audience::{self, AudienceState, Progress};
use database::{Change, audience_chunk};

use crate::chunks::chunk;
use crate::engine::{World, on_every_engine};
use crate::uploads::{uploaded, uploading};
use crate::write::{noon, seconds, write};

on_every_engine! {
    an_audience_is_claimed_by_one_import_at_a_time
    an_import_whose_lease_ran_out_is_claimed_again_and_its_writes_are_stale
    an_import_goes_on_where_it_was
    a_refused_audience_keeps_its_reason
    a_cancelled_audience_stops_its_import
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
