//! What the passes that erase and prune look for.

use campaign::{AudienceId, Transition};
use database::audience::{self, AudienceState, Phase};
use database::audience_chunk::{self, AudienceChunk, ChunkHeader};
use database::{Change, campaign as campaigns, erasure, fan_out_progress, upload_part};

use crate::engine::{World, on_every_engine};
use crate::write::{draft, noon, seconds, write};

on_every_engine! {
    an_upload_is_abandoned_when_it_stands_still
    chunks_are_left_over_of_audiences_that_never_become_ready
    parts_are_listed_by_whose_they_are_audience_or_not
    an_import_under_way_is_waited_for
    it_is_known_whether_anybody_was_ever_erased
    campaigns_are_active_until_they_have_ended_for_a_while
    a_half_pruned_campaign_is_listed_until_its_mark_is_deleted
}

/// An audience with a part and a chunk, in that state.
async fn audience_in(world: &World, state: AudienceState) -> AudienceId {
    let id = AudienceId::allocate();
    let chunk = AudienceChunk {
        header: ChunkHeader {
            audience_id: id,
            no: 0,
            size: 1,
            time_zone: String::new(),
            digest: [1; 32],
        },
        recipients: b"packed".to_vec(),
    };
    write!(world.db, |tx| audience::insert(tx, id, "everybody", "{}", noon()));
    let _ = write!(world.db, |tx| upload_part::insert(tx, id, 0, &[1; 32], b"part"));
    write!(world.db, |tx| audience_chunk::insert(tx, &chunk));
    if state == AudienceState::Uploading {
        return id;
    }
    let _ = write!(world.db, |tx| audience::complete_upload(tx, id, noon()));
    if state == AudienceState::Cancelled {
        let _ = write!(world.db, |tx| audience::cancel(tx, id, noon()));
    }
    if matches!(state, AudienceState::Uploaded | AudienceState::Cancelled) {
        return id;
    }
    let (now, until) = (noon(), noon() + seconds(9));
    let claim = write!(world.db, |tx| audience::claim_import(tx, now, until));
    let token = claim.unwrap().token;
    if state == AudienceState::Ready {
        let _ = write!(world.db, |tx| audience::mark_ready(tx, id, token, &[1; 32], now));
        let _ = write!(world.db, |tx| audience::finish_import(tx, id, token, now));
    }
    if state == AudienceState::Refused {
        let _ = write!(world.db, |tx| audience::mark_refused(tx, id, token, "empty", now));
    }
    id
}

async fn with_chunks_left(world: &World) -> Vec<AudienceId> {
    let found = audience::list_with_chunks_left(&world.db, None, 10)
        .await
        .unwrap();
    found.into_iter().map(|audience| audience.id).collect()
}

async fn an_upload_is_abandoned_when_it_stands_still(world: World) {
    let standing = audience_in(&world, AudienceState::Uploading).await;
    audience_in(&world, AudienceState::Uploaded).await;

    let early = audience::list_abandoned(&world.db, noon(), 10).await.unwrap();
    let late = audience::list_abandoned(&world.db, noon() + seconds(1), 10)
        .await
        .unwrap();

    assert!(early.is_empty());
    assert_eq!(
        late.into_iter().map(|found| found.id).collect::<Vec<_>>(),
        [standing]
    );
}

async fn chunks_are_left_over_of_audiences_that_never_become_ready(world: World) {
    let refused = audience_in(&world, AudienceState::Refused).await;
    let cancelled = audience_in(&world, AudienceState::Cancelled).await;
    for needed in [
        AudienceState::Ready,
        AudienceState::Importing,
        AudienceState::Uploaded,
        AudienceState::Uploading,
    ] {
        audience_in(&world, needed).await;
    }

    let before = with_chunks_left(&world).await;
    for id in [refused, cancelled] {
        write!(world.db, |tx| audience_chunk::delete_below(tx, id, 1));
    }

    assert_eq!(before, [refused, cancelled]);
    assert!(with_chunks_left(&world).await.is_empty());
}

async fn parts_are_listed_by_whose_they_are_audience_or_not(world: World) {
    let audience = audience_in(&world, AudienceState::Uploading).await;
    let nobody = AudienceId::allocate();
    for no in 0..3 {
        let _ = write!(world.db, |tx| upload_part::insert(
            tx, nobody, no, &[1; 32], b"part"
        ));
    }

    let all = upload_part::list_audiences(&world.db, None, 10).await.unwrap();
    let first = upload_part::list_audiences(&world.db, None, 1).await.unwrap();
    let rest = upload_part::list_audiences(&world.db, Some(audience), 10)
        .await
        .unwrap();
    let bytes = upload_part::sum(&world.db, nobody).await.unwrap();
    let none = upload_part::sum(&world.db, AudienceId::allocate()).await.unwrap();

    assert_eq!(
        (all, first, rest),
        (vec![audience, nobody], vec![audience], vec![nobody])
    );
    assert_eq!((bytes, none), (12, 0));
}

async fn an_import_under_way_is_waited_for(world: World) {
    let id = audience_in(&world, AudienceState::Importing).await;
    let (now, until) = (noon() + seconds(10), noon() + seconds(20));
    let claim = write!(world.db, |tx| audience::claim_import(tx, now, until)).unwrap();
    let mut import = world.db.begin().await.unwrap();
    let until = noon() + seconds(30);
    let advanced = audience::advance(
        &mut import,
        id,
        claim.token,
        Phase::Sort,
        &claim.audience.progress,
        noon(),
        until,
    );
    assert_eq!(advanced.await.unwrap(), Change::Applied);

    let waiting = async {
        let mut tx = world.db.begin().await.unwrap();
        audience::wait_for_imports(&mut tx).await.unwrap();
        tx.rollback().await;
    };
    let mut waiting = Box::pin(waiting);
    let waits = tokio::time::timeout(std::time::Duration::from_millis(200), &mut waiting).await;
    crate::write::commit(import).await;
    waiting.await;

    assert!(waits.is_err());
}

async fn it_is_known_whether_anybody_was_ever_erased(world: World) {
    let before = erasure::exists(&world.db).await.unwrap();
    write!(world.db, |tx| erasure::request(tx, "u1", noon()));

    assert!(!before);
    assert!(erasure::exists(&world.db).await.unwrap());
}

async fn campaigns_are_active_until_they_have_ended_for_a_while(world: World) {
    let id = draft(&world.db).await;
    let before = campaigns::is_any_active_since(&world.db, noon()).await.unwrap();
    let start = Transition::Start;
    let _ = write!(world.db, |tx| campaigns::transition(tx, id, start, None, noon()));
    let running = campaigns::is_any_active_since(&world.db, noon() + seconds(99))
        .await
        .unwrap();
    let cancel = Transition::Cancel;
    let _ = write!(world.db, |tx| campaigns::transition(tx, id, cancel, None, noon()));

    let ended = campaigns::is_any_active_since(&world.db, noon()).await.unwrap();
    let later = campaigns::is_any_active_since(&world.db, noon() + seconds(1))
        .await
        .unwrap();

    assert_eq!((before, running, ended, later), (false, true, true, false));
}

async fn a_half_pruned_campaign_is_listed_until_its_mark_is_deleted(world: World) {
    let (id, other) = (draft(&world.db).await, draft(&world.db).await);
    let cancel = Transition::Cancel;
    let _ = write!(world.db, |tx| campaigns::transition(tx, id, cancel, None, noon()));
    write!(world.db, |tx| fan_out_progress::insert(tx, id));
    write!(world.db, |tx| fan_out_progress::insert(tx, other));

    let before = campaigns::list_half_pruned(&world.db, 10).await.unwrap();
    let marked = write!(world.db, |tx| campaigns::mark_pruned(tx, id, noon()));
    let half = campaigns::list_half_pruned(&world.db, 10).await.unwrap();
    write!(world.db, |tx| fan_out_progress::delete(tx, id));
    let after = campaigns::list_half_pruned(&world.db, 10).await.unwrap();

    assert_eq!(marked, Change::Applied);
    assert_eq!(half.into_iter().map(|found| found.id).collect::<Vec<_>>(), [id]);
    assert!(before.is_empty() && after.is_empty());
}
