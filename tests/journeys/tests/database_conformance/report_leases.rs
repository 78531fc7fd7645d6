//! Reports from their making to their end, and uploads that come in parts.

use campaign::{AudienceId, ReportId};
use database::report::{self, ReportState, Subject};
use database::upload::{self, Expected};
use database::{Change, audience};
use uuid::Uuid;

use crate::engine::{World, on_every_engine};
use crate::write::{noon, seconds, write};

on_every_engine! {
    a_report_is_made_by_one_at_a_time_and_by_another_when_that_one_falls_silent
    a_report_grows_behind_its_last_byte_only
    a_report_that_was_kept_long_enough_is_expired_and_its_row_stays
    a_report_that_never_became_whole_is_deleted
    an_upload_in_parts_is_kept_alive_until_it_is_over
}

async fn begin(world: &World, subject: Subject) -> ReportId {
    let (id, about) = (ReportId::allocate(), Uuid::now_v7());
    let begun = write!(world.db, |tx| report::begin(tx, id, subject, about, noon()));
    assert_eq!(begun, Change::Applied);
    id
}

async fn state(world: &World, id: ReportId) -> Option<ReportState> {
    let found = report::get(&world.db, id).await.unwrap();
    found.map(|report| report.state)
}

async fn a_report_is_made_by_one_at_a_time_and_by_another_when_that_one_falls_silent(world: World) {
    begin(&world, Subject::Audience).await;
    let id = begin(&world, Subject::Campaign).await;
    let claim = async |now: i64| {
        let (now, until) = (noon() + seconds(now), noon() + seconds(now + 10));
        write!(world.db, |tx| report::claim(tx, Subject::Campaign, now, until))
    };

    let first = claim(0).await.unwrap();
    let beside = claim(5).await;
    let extended = write!(world.db, |tx| report::extend(tx, &first, noon() + seconds(15)));
    let early = claim(14).await;
    let second = claim(15).await.unwrap();
    let lost = write!(world.db, |tx| report::extend(tx, &first, noon() + seconds(99)));

    assert_eq!((first.report.id, second.report.id), (id, id));
    assert!(beside.is_none() && early.is_none());
    assert_eq!((extended, lost), (Change::Applied, Change::Stale));
}

async fn a_report_grows_behind_its_last_byte_only(world: World) {
    let id = begin(&world, Subject::Campaign).await;

    let first = write!(world.db, |tx| report::append(tx, id, 0, b"abc", "{}"));
    let again = write!(world.db, |tx| report::append(tx, id, 0, b"abc", "{}"));
    let next = write!(world.db, |tx| report::append(tx, id, 3, b"de", r#"{"chunk": 2}"#));

    assert_eq!(
        (first, again, next),
        (Change::Applied, Change::Stale, Change::Applied)
    );
    let found = report::get(&world.db, id).await.unwrap().unwrap();
    let place: serde_json::Value = serde_json::from_str(&found.resume_from.unwrap()).unwrap();
    assert_eq!((found.size, place), (5, serde_json::json!({"chunk": 2})));
    for (place, start, bytes) in [(0, 0, "abc"), (2, 0, "abc"), (3, 3, "de"), (4, 3, "de")] {
        let part = report::find(&world.db, id, place).await.unwrap().unwrap();
        assert_eq!(
            (part.start, part.bytes.as_slice()),
            (start, bytes.as_bytes()),
            "{place}"
        );
    }
}

async fn a_report_that_was_kept_long_enough_is_expired_and_its_row_stays(world: World) {
    let making = begin(&world, Subject::Campaign).await;
    let id = begin(&world, Subject::Campaign).await;
    let _ = write!(world.db, |tx| report::append(tx, id, 0, b"abc", "{}"));
    let _ = write!(world.db, |tx| report::mark_ready(
        tx,
        id,
        noon(),
        noon() + seconds(10)
    ));
    let expired = async |at: i64| {
        let found = report::list_expired(&world.db, noon() + seconds(at), None, 10)
            .await
            .unwrap();
        found.into_iter().map(|report| report.id).collect::<Vec<_>>()
    };

    let early = expired(9).await;
    let late = expired(10).await;
    let marked = write!(world.db, |tx| report::mark_expired(tx, id));
    let with_parts = expired(10).await;
    write!(world.db, |tx| report::delete_below(tx, id, 3));
    let without_parts = expired(10).await;
    let of_making = write!(world.db, |tx| report::mark_expired(tx, making));

    assert_eq!(
        (early, late, with_parts, without_parts),
        (vec![], vec![id], vec![id], vec![])
    );
    assert_eq!((marked, of_making), (Change::Applied, Change::Stale));
    assert_eq!(state(&world, id).await, Some(ReportState::Expired));
}

async fn a_report_that_never_became_whole_is_deleted(world: World) {
    let making = begin(&world, Subject::Audience).await;
    let ready = begin(&world, Subject::Audience).await;
    begin(&world, Subject::Campaign).await;
    let _ = write!(world.db, |tx| report::mark_ready(tx, ready, noon(), noon()));

    let unfinished = report::list_unfinished(&world.db, Subject::Audience, None, 10)
        .await
        .unwrap();
    let deleted = write!(world.db, |tx| report::delete(tx, making));
    let kept = write!(world.db, |tx| report::delete(tx, ready));

    assert_eq!(
        unfinished.into_iter().map(|report| report.id).collect::<Vec<_>>(),
        [making]
    );
    assert_eq!((deleted, kept), (Change::Applied, Change::Stale));
    assert_eq!(state(&world, making).await, None);
}

async fn an_upload_in_parts_is_kept_alive_until_it_is_over(world: World) {
    let (id, streamed) = (AudienceId::allocate(), AudienceId::allocate());
    let expected = Expected {
        size: Some(7 << 30),
        parts: None,
    };
    for id in [id, streamed] {
        write!(world.db, |tx| audience::insert(tx, id, "everybody", "{}", noon()));
    }
    write!(world.db, |tx| upload::insert(tx, id, expected));

    let touched = write!(world.db, |tx| audience::touch_upload(
        tx,
        id,
        noon() + seconds(60)
    ));
    let abandoned = audience::list_abandoned(&world.db, noon() + seconds(60), 10)
        .await
        .unwrap();
    let _ = write!(world.db, |tx| audience::complete_upload(
        tx,
        id,
        noon() + seconds(61)
    ));
    let late = write!(world.db, |tx| audience::touch_upload(
        tx,
        id,
        noon() + seconds(62)
    ));

    assert_eq!((touched, late), (Change::Applied, Change::Stale));
    assert_eq!(
        abandoned.into_iter().map(|found| found.id).collect::<Vec<_>>(),
        [streamed]
    );
    assert_eq!(upload::find(&world.db, id).await.unwrap(), Some(expected));
    assert_eq!(upload::find(&world.db, streamed).await.unwrap(), None);
}
