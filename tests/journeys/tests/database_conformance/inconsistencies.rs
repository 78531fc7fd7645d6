//! Inconsistencies, from the note to the repair.

use campaign::{CampaignId, InconsistencyId, IntentId};
use database::inconsistency::{self, Inconsistency, InconsistencyKind, InconsistencyState};
use database::{Change, Insertion};

use crate::engine::{World, on_every_engine};
use crate::write::{noon, write};

on_every_engine! {
    an_intent_has_one_inconsistency
    an_inconsistency_is_repaired_once
    inconsistencies_are_listed_by_state
}

async fn an_intent_has_one_inconsistency(world: World) {
    let intent = IntentId::allocate();
    let (first, second) = (inconsistent(intent), inconsistent(intent));

    let inserted = write!(world.db, |tx| inconsistency::insert(tx, &first));
    let repeat = write!(world.db, |tx| inconsistency::insert(tx, &second));

    assert_eq!((inserted, repeat), (Insertion::New, Insertion::Existing));
    assert_eq!(
        inconsistency::find(&world.db, first.id).await.unwrap(),
        Some(first)
    );
    assert_eq!(inconsistency::find(&world.db, second.id).await.unwrap(), None);
}

async fn an_inconsistency_is_repaired_once(world: World) {
    let inconsistent = inconsistent(IntentId::allocate());
    let intent = inconsistent.intent_id;
    let _ = write!(world.db, |tx| inconsistency::insert(tx, &inconsistent));
    let resolve = async |state, how: &'static str| {
        write!(world.db, |tx| inconsistency::resolve(
            tx,
            intent,
            state,
            how,
            noon()
        ))
    };

    // Longer than its column: the note must not fail over it.
    let dead = resolve(InconsistencyState::Dead, LONG).await;
    let repaired = resolve(InconsistencyState::Repaired, "rolled forward").await;
    let again = resolve(InconsistencyState::Dead, "gave up").await;

    assert_eq!(
        (dead, repaired, again),
        (Change::Applied, Change::Applied, Change::Stale)
    );
    let found = inconsistency::find(&world.db, inconsistent.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.resolution.as_deref(), Some("rolled forward"));
    assert_eq!(inconsistency::count_open(&world.db).await.unwrap(), 0);
}

const LONG: &str = match std::str::from_utf8(&[b'x'; 1000]) {
    Ok(text) => text,
    Err(_) => unreachable!(),
};

async fn inconsistencies_are_listed_by_state(world: World) {
    let mut all = Vec::new();
    for _ in 0..3 {
        let inconsistent = inconsistent(IntentId::allocate());
        let _ = write!(world.db, |tx| inconsistency::insert(tx, &inconsistent));
        all.push(inconsistent);
    }
    let repaired = InconsistencyState::Repaired;
    let _ = write!(world.db, |tx| inconsistency::resolve(
        tx,
        all[1].intent_id,
        repaired,
        "done",
        noon()
    ));

    let open = inconsistency::list(&world.db, InconsistencyState::Open, None, 10)
        .await
        .unwrap();
    let rest = inconsistency::list(&world.db, InconsistencyState::Open, Some(all[0].id), 10)
        .await
        .unwrap();

    assert_eq!(open, [all[0].clone(), all[2].clone()]);
    assert_eq!(rest, [all[2].clone()]);
    assert_eq!(inconsistency::count_open(&world.db).await.unwrap(), 2);
}

fn inconsistent(intent_id: IntentId) -> Inconsistency {
    Inconsistency {
        id: InconsistencyId::allocate(),
        intent_id,
        campaign_id: CampaignId::allocate(),
        chunk_no: 5,
        kind: InconsistencyKind::Unknown,
        detail: "deadline exceeded".to_owned(),
        state: InconsistencyState::Open,
        resolution: None,
        detected_at: noon(),
        resolved_at: None,
    }
}
