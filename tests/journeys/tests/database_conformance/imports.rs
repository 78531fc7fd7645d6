//! The import's side of audiences.

use campaign::{AudienceId, LeaseToken};
use chrono::{DateTime, TimeDelta, Utc};
use database::audience::{self, AudienceState, Claim, Progress};
use database::{Change, audience_chunk};

use crate::chunks::chunk;
use crate::engine::{World, on_every_engine};
use crate::uploads::{uploaded, uploading};
use crate::write::{commit, noon, write};

const LEASE: TimeDelta = TimeDelta::seconds(30);

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

    let first = claimed(&world, noon()).await;
    let second = claimed(&world, noon()).await;

    let claim = first.unwrap();
    assert_eq!(
        (claim.audience.id, claim.audience.state),
        (id, AudienceState::Importing)
    );
    assert!(second.is_none());
}

async fn an_import_whose_lease_ran_out_is_claimed_again_and_its_writes_are_stale(world: World) {
    let id = uploaded(&world).await;
    let lost = claimed(&world, noon()).await.unwrap();
    let later = noon() + LEASE;

    let claim = claimed(&world, later).await.unwrap();

    let stale = advance(&world, id, lost.token, 1).await;
    let kept = advance(&world, id, claim.token, 2).await;
    assert_eq!((stale, kept), (Change::Stale, Change::Applied));
    assert_eq!(
        audience::find(&world.db, id).await.unwrap().unwrap().progress,
        progress(2)
    );
}

async fn an_import_goes_on_where_it_was(world: World) {
    let id = uploaded(&world).await;
    let claim = claimed(&world, noon()).await.unwrap();
    let mut tx = world.db.begin().await.unwrap();
    audience_chunk::insert(&mut tx, &chunk(id, 0, b"packed"))
        .await
        .unwrap();
    let kept = audience::advance(&mut tx, id, claim.token, &progress(1), noon(), noon())
        .await
        .unwrap();
    commit(tx).await;

    let again = claimed(&world, noon() + LEASE).await.unwrap();
    let ready = mark_ready(&world, id, again.token).await;

    assert_eq!((kept, ready), (Change::Applied, Change::Applied));
    assert_eq!(again.audience.progress, progress(1));
    let found = audience::find(&world.db, id).await.unwrap().unwrap();
    assert_eq!((found.state, found.digest), (AudienceState::Ready, Some([9; 32])));
    assert_eq!((found.progress.resume_from, found.ready_at), (None, Some(noon())));
}

async fn a_refused_audience_keeps_its_reason(world: World) {
    let id = uploaded(&world).await;
    let claim = claimed(&world, noon()).await.unwrap();

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
    assert!(claimed(&world, noon()).await.is_none());
}

async fn a_cancelled_audience_stops_its_import(world: World) {
    let id = uploaded(&world).await;
    let claim = claimed(&world, noon()).await.unwrap();

    let cancelled = write!(world.db, |tx| audience::cancel(tx, id, noon()));
    let advanced = advance(&world, id, claim.token, 1).await;
    let ready = mark_ready(&world, id, claim.token).await;

    assert_eq!(
        (cancelled, advanced, ready),
        (Change::Applied, Change::Stale, Change::Stale)
    );
}

/// Claims what waits, for half a minute.
async fn claimed(world: &World, now: DateTime<Utc>) -> Option<Claim> {
    write!(world.db, |tx| audience::claim_import(tx, now, now + LEASE))
}

async fn advance(world: &World, id: AudienceId, token: LeaseToken, chunk_count: u32) -> Change {
    let (progress, until) = (progress(chunk_count), noon() + LEASE);
    write!(world.db, |tx| audience::advance(
        tx,
        id,
        token,
        &progress,
        noon(),
        until
    ))
}

async fn mark_ready(world: &World, id: AudienceId, token: LeaseToken) -> Change {
    write!(world.db, |tx| audience::mark_ready(
        tx,
        id,
        token,
        &[9; 32],
        noon()
    ))
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
