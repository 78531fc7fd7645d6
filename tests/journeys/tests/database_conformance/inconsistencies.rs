//! Inconsistencies, from the note to the repair.

use campaign::{CampaignId, InconsistencyId, IntentId};
use database::inconsistency::{
    self, Backlog, Counts, Filter, Inconsistency, InconsistencyKind, InconsistencyState, list_events,
};
use database::{Change, Insertion};

use crate::engine::{World, on_every_engine};
use crate::write::{noon, seconds, write};

on_every_engine! {
    an_intent_has_one_inconsistency
    an_inconsistency_is_repaired_once
    inconsistencies_are_listed_by_state
    inconsistencies_are_listed_and_counted_by_campaign
    what_is_not_repaired_is_counted_with_the_oldest
    a_dead_inconsistency_is_opened_again_and_keeps_why_it_died
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

    let open = list(&world, &[InconsistencyState::Open], None).await;
    let page = Filter {
        states: &[InconsistencyState::Open],
        campaign: None,
    };
    let rest = inconsistency::list(&world.db, page, Some(all[0].id), 10)
        .await
        .unwrap();
    let every = list(&world, InconsistencyState::ALL, None).await;

    assert_eq!(open, [all[0].clone(), all[2].clone()]);
    assert_eq!(rest, [all[2].clone()]);
    assert_eq!(every.len(), 3);
    assert_eq!(inconsistency::count_open(&world.db).await.unwrap(), 2);
}

async fn inconsistencies_are_listed_and_counted_by_campaign(world: World) {
    let mut all = Vec::new();
    for campaign in [CampaignId::allocate(), CampaignId::allocate()] {
        for _ in 0..3 {
            let of_campaign = Inconsistency {
                campaign_id: campaign,
                ..inconsistent(IntentId::allocate())
            };
            let _ = write!(world.db, |tx| inconsistency::insert(tx, &of_campaign));
            all.push(of_campaign);
        }
    }
    for (intent, state) in [
        (all[0].intent_id, InconsistencyState::Repaired),
        (all[2].intent_id, InconsistencyState::Dead),
    ] {
        let _ = write!(world.db, |tx| inconsistency::resolve(
            tx,
            intent,
            state,
            "so",
            noon()
        ));
    }
    let campaign = all[0].campaign_id;

    let unrepaired = [InconsistencyState::Open, InconsistencyState::Dead];
    let listed = list(&world, &unrepaired, Some(campaign)).await;
    let counts = inconsistency::count_of(&world.db, campaign).await.unwrap();
    let of_none = inconsistency::count_of(&world.db, CampaignId::allocate()).await;

    let ids: Vec<_> = listed.iter().map(|listed| listed.id).collect();
    assert_eq!(ids, [all[1].id, all[2].id]);
    assert_eq!(
        counts,
        Counts {
            open: 1,
            repaired: 1,
            dead: 1
        }
    );
    assert_eq!(of_none.unwrap(), Counts::default());
}

async fn what_is_not_repaired_is_counted_with_the_oldest(world: World) {
    let none = inconsistency::backlog(&world.db).await.unwrap();
    for age in [0, 7, 3, 9] {
        let noted = Inconsistency {
            detected_at: noon() - seconds(age),
            ..inconsistent(IntentId::allocate())
        };
        let intent = noted.intent_id;
        let _ = write!(world.db, |tx| inconsistency::insert(tx, &noted));
        let ends_as = match age {
            7 => InconsistencyState::Dead,
            9 => InconsistencyState::Repaired,
            _ => continue,
        };
        let _ = write!(world.db, |tx| inconsistency::resolve(
            tx,
            intent,
            ends_as,
            "so",
            noon()
        ));
    }

    let backlog = inconsistency::backlog(&world.db).await.unwrap();

    assert_eq!(none, Backlog::default());
    assert_eq!(
        backlog,
        Backlog {
            open: 2,
            dead: 1,
            oldest: Some(noon() - seconds(7))
        }
    );
}

async fn a_dead_inconsistency_is_opened_again_and_keeps_why_it_died(world: World) {
    let noted = inconsistent(IntentId::allocate());
    let intent = noted.intent_id;
    let _ = write!(world.db, |tx| inconsistency::insert(tx, &noted));
    let resolve = async |state, why: &'static str| {
        write!(world.db, |tx| inconsistency::resolve(
            tx,
            intent,
            state,
            why,
            noon()
        ))
    };
    let reopen = async || write!(world.db, |tx| inconsistency::reopen(tx, intent, "asked", noon()));

    let open = reopen().await;
    let dead = resolve(InconsistencyState::Dead, LONG).await;
    let reopened = reopen().await;
    let found = inconsistency::find(&world.db, noted.id).await.unwrap();
    let repaired = resolve(InconsistencyState::Repaired, "rolled forward").await;
    let over = reopen().await;

    assert_eq!(
        [open, dead, reopened, repaired, over],
        [
            Change::Stale,
            Change::Applied,
            Change::Applied,
            Change::Applied,
            Change::Stale
        ]
    );
    assert_eq!(found, Some(noted.clone()), "as it was noticed");
    let events = list_events(&world.db, noted.id).await.unwrap();
    let steps: Vec<_> = events
        .iter()
        .map(|event| (event.state, event.detail.as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            (InconsistencyState::Dead, &LONG[..512]),
            (InconsistencyState::Open, "asked"),
            (InconsistencyState::Repaired, "rolled forward"),
        ]
    );
}

async fn list(
    world: &World,
    states: &[InconsistencyState],
    campaign: Option<CampaignId>,
) -> Vec<Inconsistency> {
    let filter = Filter { states, campaign };
    inconsistency::list(&world.db, filter, None, 10).await.unwrap()
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
