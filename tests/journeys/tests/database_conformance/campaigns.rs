//! Campaigns, from the draft to the end.

use campaign::{CampaignId, CampaignState, Lane, Transition};
use database::campaign::{self as campaigns, Kind, Plan, Transitioned};
use database::{Change, Error};

use crate::engine::{World, on_every_engine};
use crate::write::{draft, draft_of, noon, plan, seconds, write};

on_every_engine! {
    a_campaign_is_found_as_it_was_inserted
    an_id_is_taken_once
    a_draft_changes_only_from_the_version_that_was_read
    a_plan_is_fixed_once_the_campaign_is_scheduled
    a_transition_is_made_once
    a_transition_of_a_missing_campaign_says_so
    two_opposite_transitions_at_once_follow_one_another
    the_first_start_and_the_end_are_kept
    campaigns_are_listed_newest_first_by_pages
    running_campaigns_are_listed_by_lane
    scheduled_campaigns_are_listed_when_their_time_has_come
}

async fn a_campaign_is_found_as_it_was_inserted(world: World) {
    let id = CampaignId::allocate();

    write!(world.db, |tx| campaigns::insert(
        tx,
        id,
        Kind::Triggered,
        &plan_without_extras(),
        noon()
    ));

    let found = campaigns::find(&world.db, id).await.unwrap().unwrap();
    assert_eq!(found.plan, plan_without_extras());
    assert_eq!(
        (found.kind, found.state, found.version),
        (Kind::Triggered, CampaignState::Draft, 1)
    );
    assert_eq!((found.created_at, found.updated_at), (noon(), noon()));
    assert_eq!(
        (found.started_at, found.ended_at, found.pruned_at),
        (None, None, None)
    );
    assert_eq!(
        campaigns::find(&world.db, CampaignId::allocate()).await.unwrap(),
        None
    );
}

async fn an_id_is_taken_once(world: World) {
    let id = draft(&world.db).await;
    let mut tx = world.db.begin().await.unwrap();

    let again = campaigns::insert(&mut tx, id, Kind::Broadcast, &plan(), noon()).await;

    assert!(matches!(again, Err(Error::UniqueViolation(_))), "{again:?}");
    tx.rollback().await;
}

async fn a_draft_changes_only_from_the_version_that_was_read(world: World) {
    let id = draft(&world.db).await;
    let renamed = Plan {
        name: "renamed".to_owned(),
        ..plan()
    };

    let now = noon() + seconds(1);
    let first = write!(world.db, |tx| campaigns::update_draft(tx, id, 1, &renamed, now));
    let second = write!(world.db, |tx| campaigns::update_draft(tx, id, 1, &plan(), now));

    assert_eq!((first, second), (Change::Applied, Change::Stale));
    let found = campaigns::find(&world.db, id).await.unwrap().unwrap();
    assert_eq!((found.plan, found.version, found.updated_at), (renamed, 2, now));
}

async fn a_plan_is_fixed_once_the_campaign_is_scheduled(world: World) {
    let id = draft(&world.db).await;
    set_up(&world, id, Transition::Schedule).await;

    let change = write!(world.db, |tx| campaigns::update_draft(tx, id, 1, &plan(), noon()));

    assert_eq!(change, Change::Stale);
}

async fn a_transition_is_made_once(world: World) {
    let id = draft(&world.db).await;

    let first = moved(&world, id, Transition::Start).await;
    let second = moved(&world, id, Transition::Start).await;

    assert_eq!(first, Transitioned::To(CampaignState::Running));
    let Transitioned::Refused(refusal) = second else {
        panic!("{second:?}")
    };
    assert_eq!(refusal.from, CampaignState::Running);
}

async fn a_transition_of_a_missing_campaign_says_so(world: World) {
    assert_eq!(
        moved(&world, CampaignId::allocate(), Transition::Start).await,
        Transitioned::Missing
    );
}

async fn two_opposite_transitions_at_once_follow_one_another(world: World) {
    let id = draft(&world.db).await;
    set_up(&world, id, Transition::Start).await;

    let (cancelled, failed) = tokio::join!(
        moved(&world, id, Transition::Cancel),
        moved(&world, id, Transition::Fail)
    );

    assert!(
        matches!(
            (&cancelled, &failed),
            (Transitioned::To(_), Transitioned::Refused(_)) | (Transitioned::Refused(_), Transitioned::To(_))
        ),
        "{cancelled:?}, {failed:?}"
    );
}

async fn the_first_start_and_the_end_are_kept(world: World) {
    use Transition::{Fail, Pause, Resume, Schedule, Start};
    let id = draft(&world.db).await;
    for (second, transition) in [Schedule, Start, Pause, Resume, Fail].into_iter().enumerate() {
        let now = noon() + seconds(second as i64);
        let moved = write!(world.db, |tx| campaigns::transition(
            tx,
            id,
            transition,
            Some("why"),
            now
        ));
        assert!(matches!(moved, Transitioned::To(_)));
    }

    let found = campaigns::find(&world.db, id).await.unwrap().unwrap();

    assert_eq!(found.started_at, Some(noon() + seconds(1)));
    assert_eq!(found.ended_at, Some(noon() + seconds(4)));
    assert_eq!(found.reason.as_deref(), Some("why"));
}

async fn campaigns_are_listed_newest_first_by_pages(world: World) {
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(draft(&world.db).await);
    }
    ids.reverse();

    let first = campaigns::list(&world.db, None, 3).await.unwrap();
    let second = campaigns::list(&world.db, Some(first[2].id), 3).await.unwrap();

    let listed: Vec<_> = first.iter().chain(&second).map(|campaign| campaign.id).collect();
    assert_eq!(listed, ids);
}

async fn running_campaigns_are_listed_by_lane(world: World) {
    let mut fast = Vec::new();
    for lane in [Lane::Fast, Lane::Bulk, Lane::Fast] {
        let id = draft_of(&world.db, &Plan { lane, ..plan() }).await;
        set_up(&world, id, Transition::Start).await;
        if lane == Lane::Fast {
            fast.push(id);
        }
    }
    draft(&world.db).await;

    let first = campaigns::list_running(&world.db, Lane::Fast, None, 1)
        .await
        .unwrap();
    let second = campaigns::list_running(&world.db, Lane::Fast, Some(first[0].id), 10)
        .await
        .unwrap();

    let listed: Vec<_> = first.iter().chain(&second).map(|campaign| campaign.id).collect();
    assert_eq!(listed, fast);
}

async fn scheduled_campaigns_are_listed_when_their_time_has_come(world: World) {
    let plan = Plan {
        starts_at: Some(noon()),
        ..plan()
    };
    let id = draft_of(&world.db, &plan).await;
    set_up(&world, id, Transition::Schedule).await;

    let before = campaigns::list_to_start(&world.db, noon() - chrono::Duration::microseconds(1), 10)
        .await
        .unwrap();
    let then = campaigns::list_to_start(&world.db, noon(), 10).await.unwrap();

    assert!(before.is_empty());
    assert_eq!(then.iter().map(|campaign| campaign.id).collect::<Vec<_>>(), [id]);
}

/// A transition that must be allowed.
pub(crate) async fn set_up(world: &World, id: CampaignId, transition: Transition) {
    let outcome = moved(world, id, transition).await;
    assert!(matches!(outcome, Transitioned::To(_)), "{outcome:?}");
}

async fn moved(world: &World, id: CampaignId, transition: Transition) -> Transitioned {
    write!(world.db, |tx| campaigns::transition(
        tx,
        id,
        transition,
        None,
        noon()
    ))
}

fn plan_without_extras() -> Plan {
    Plan {
        audience_id: None,
        coupon_id: None,
        starts_at: None,
        expires_at: None,
        max_per_second: None,
        canary: None,
        ..plan()
    }
}
