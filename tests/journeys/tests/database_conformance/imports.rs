//! The import's side of audiences.

use campaign::{AudienceId, LeaseToken};
use chrono::{DateTime, TimeDelta, Utc};
use database::audience::{self, AudienceState, Claim, Phase, Progress};
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
    whoever_waited_longest_is_claimed_next
    whether_others_wait_is_known
    a_paused_import_is_stale_and_claimed_by_nobody_until_it_is_resumed
    a_ready_audience_is_claimed_for_its_report_until_the_import_is_finished
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
    let progress_kept = progress(1);
    let kept = audience::advance(
        &mut tx,
        id,
        claim.token,
        Phase::Merge,
        &progress_kept,
        noon(),
        noon(),
    )
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
    assert_eq!((found.phase, found.progress.phase_done), (Some(Phase::Report), 0));
}

async fn whoever_waited_longest_is_claimed_next(world: World) {
    let (first, second) = (uploaded(&world).await, uploaded(&world).await);
    let next = async |at: i64| {
        let now = noon() + TimeDelta::seconds(at);
        let claim = write!(world.db, |tx| audience::claim_import(tx, now, now));
        claim.unwrap().audience.id
    };

    let claimed = [next(1).await, next(2).await, next(3).await, next(4).await];

    assert_eq!(claimed, [first, second, first, second]);
}

async fn whether_others_wait_is_known(world: World) {
    let id = uploaded(&world).await;
    let alone = audience::is_import_waiting(&world.db, id, noon()).await.unwrap();
    let other = uploaded(&world).await;

    let waiting = audience::is_import_waiting(&world.db, id, noon()).await.unwrap();
    let paused = write!(world.db, |tx| audience::pause(tx, other, noon()));
    let held = audience::is_import_waiting(&world.db, id, noon()).await.unwrap();

    assert_eq!((alone, waiting, held), (false, true, false));
    assert_eq!(paused, Change::Applied);
}

async fn a_paused_import_is_stale_and_claimed_by_nobody_until_it_is_resumed(world: World) {
    let id = uploaded(&world).await;
    let claim = claimed(&world, noon()).await.unwrap();

    let paused = write!(world.db, |tx| audience::pause(tx, id, noon()));
    let again = write!(world.db, |tx| audience::pause(tx, id, noon()));
    let advanced = advance(&world, id, claim.token, 1).await;
    let while_held = claimed(&world, noon() + LEASE).await;
    let resumed = write!(world.db, |tx| audience::resume(tx, id, noon()));
    let after = claimed(&world, noon()).await;

    assert_eq!(
        (paused, again, resumed),
        (Change::Applied, Change::Stale, Change::Applied)
    );
    assert_eq!(advanced, Change::Stale);
    assert!(while_held.is_none());
    assert_eq!(after.unwrap().audience.id, id);
}

async fn a_ready_audience_is_claimed_for_its_report_until_the_import_is_finished(world: World) {
    let id = uploaded(&world).await;
    let claim = claimed(&world, noon()).await.unwrap();
    let ready = mark_ready(&world, id, claim.token).await;

    let report = claimed(&world, noon() + LEASE).await.unwrap();
    let advanced = advance(&world, id, report.token, 1).await;
    let stale = write!(world.db, |tx| audience::finish_import(
        tx,
        id,
        claim.token,
        noon()
    ));
    let finished = write!(world.db, |tx| audience::finish_import(
        tx,
        id,
        report.token,
        noon()
    ));
    let after = claimed(&world, noon() + LEASE * 2).await;

    assert_eq!((ready, advanced), (Change::Applied, Change::Applied));
    assert_eq!(report.audience.state, AudienceState::Ready);
    assert_eq!((stale, finished), (Change::Stale, Change::Applied));
    assert!(after.is_none());
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
        Phase::Merge,
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
        phase_done: 3,
        phase_end: 7,
    }
}
