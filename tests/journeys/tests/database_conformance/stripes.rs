//! Who has which stripe of a campaign's chunks, and how far the ramp is.

use std::time::Duration;

use campaign::{CampaignId, Transition};
use database::fan_out_stripe::{self as stripes, CHUNKS, History, Lease, Supply};
use database::ramp::{self, Position};
use database::{Change, Db, fan_out_progress};
use tokio::task::JoinSet;

use crate::campaigns::set_up;
use crate::engine::{World, on_every_engine};
use crate::write::{draft, noon, seconds, write};

on_every_engine! {
    stripes_are_begun_in_order_and_each_is_one_holders
    a_stripe_whose_lease_ran_out_is_leased_again_from_its_mark
    a_stripe_that_is_given_back_is_leased_before_a_new_one
    a_lost_stripe_cannot_be_changed
    a_done_stripe_is_gone
    many_at_once_get_every_stripe_once
    running_campaigns_are_listed_with_what_there_is_to_lease
    the_ramp_is_one_for_all_and_each_store_has_its_own
}

/// A campaign of two and a half stripes.
const COUNT: u32 = 2 * CHUNKS + CHUNKS / 2;

async fn lease(db: &Db, campaign: CampaignId, at: i64) -> Option<Lease> {
    let (now, until) = (noon() + seconds(at), noon() + seconds(at + 10));
    write!(db, |tx| stripes::lease(tx, campaign, COUNT, now, until))
}

async fn stripes_are_begun_in_order_and_each_is_one_holders(world: World) {
    let id = draft(&world.db).await;

    let mut leased = Vec::new();
    while let Some(lease) = lease(&world.db, id, 0).await {
        leased.push(lease);
    }

    let chunks = leased.iter().map(|lease| lease.chunks(COUNT)).collect::<Vec<_>>();
    assert_eq!(chunks, [0..64, 64..128, 128..160]);
    assert!(leased.iter().all(|lease| lease.history == History::New));
    let begun = fan_out_progress::find(&world.db, id).await.unwrap();
    assert_eq!(begun, Some(3));
}

async fn a_stripe_whose_lease_ran_out_is_leased_again_from_its_mark(world: World) {
    let id = draft(&world.db).await;
    let first = lease(&world.db, id, 0).await.unwrap();
    let kept = write!(world.db, |tx| stripes::keep(tx, &first, 20, noon() + seconds(15)));

    let other = lease(&world.db, id, 14).await.unwrap();
    let again = lease(&world.db, id, 15).await.unwrap();

    assert_eq!(kept, Change::Applied);
    assert_eq!((other.no, other.history), (1, History::New));
    assert_eq!((again.no, again.history), (0, History::TakenOver));
    assert_eq!(again.chunks(COUNT), 20..64);
    assert_ne!(again.token, first.token);
}

async fn a_stripe_that_is_given_back_is_leased_before_a_new_one(world: World) {
    let id = draft(&world.db).await;
    let first = lease(&world.db, id, 0).await.unwrap();

    let given_back = write!(world.db, |tx| stripes::give_back(tx, &first, 7));
    let again = lease(&world.db, id, 0).await.unwrap();

    assert_eq!(given_back, Change::Applied);
    assert_eq!(
        (again.no, again.low_water, again.history),
        (0, 7, History::TakenOver)
    );
}

async fn a_lost_stripe_cannot_be_changed(world: World) {
    let id = draft(&world.db).await;
    let lost = lease(&world.db, id, 0).await.unwrap();
    let held = lease(&world.db, id, 10).await.unwrap();

    let kept = write!(world.db, |tx| stripes::keep(tx, &lost, 64, noon() + seconds(99)));
    let given_back = write!(world.db, |tx| stripes::give_back(tx, &lost, 64));
    let finished = write!(world.db, |tx| stripes::finish(tx, &lost));
    let held = write!(world.db, |tx| stripes::finish(tx, &held));

    assert_eq!([kept, given_back, finished], [Change::Stale; 3]);
    assert_eq!(held, Change::Applied);
}

async fn a_done_stripe_is_gone(world: World) {
    let id = draft(&world.db).await;
    let first = lease(&world.db, id, 0).await.unwrap();
    let left = lease(&world.db, id, 0).await.unwrap();

    let finished = write!(world.db, |tx| stripes::finish(tx, &first));
    let repeated = write!(world.db, |tx| stripes::finish(tx, &first));
    let open = stripes::count_open(&world.db, id).await.unwrap();
    write!(world.db, |tx| stripes::delete_all(tx, id));
    let after = stripes::count_open(&world.db, id).await.unwrap();

    assert_eq!((finished, repeated), (Change::Applied, Change::Stale));
    assert_eq!((left.no, open, after), (1, 1, 0));
}

async fn many_at_once_get_every_stripe_once(world: World) {
    const STRIPES: u32 = 40;
    let id = draft(&world.db).await;
    let databases = [world.db.clone(), world.another_process().await];
    let mut holders = JoinSet::new();
    for holder in 0..8 {
        let db = databases[holder % 2].clone();
        holders.spawn(async move {
            let mut finished = Vec::new();
            loop {
                let (now, until) = (noon(), noon() + seconds(60));
                let mut tx = db.begin().await.unwrap();
                let leased = stripes::lease(&mut tx, id, STRIPES * CHUNKS, now, until);
                let Some(lease) = leased.await.unwrap() else {
                    return finished;
                };
                crate::write::commit(tx).await;
                let done = write!(db, |tx| stripes::finish(tx, &lease));
                assert_eq!(done, Change::Applied);
                finished.push(lease.no);
            }
        });
    }

    let mut finished = holders.join_all().await.concat();

    finished.sort_unstable();
    assert_eq!(finished, (0..STRIPES).collect::<Vec<_>>());
    assert_eq!(stripes::count_open(&world.db, id).await.unwrap(), 0);
}

async fn running_campaigns_are_listed_with_what_there_is_to_lease(world: World) {
    let (held, fresh, waiting) = (
        draft(&world.db).await,
        draft(&world.db).await,
        draft(&world.db).await,
    );
    for id in [held, fresh] {
        let sized = write!(world.db, |tx| database::campaign::set_audience_size(
            tx, id, 500, 2
        ));
        assert_eq!(sized, Change::Applied);
        set_up(&world, id, Transition::Start).await;
    }
    let lease = write!(world.db, |tx| stripes::lease(
        tx,
        held,
        2,
        noon(),
        noon() + seconds(10)
    ));

    let now = stripes::list_running(&world.db, noon()).await.unwrap();
    let later = stripes::list_running(&world.db, noon() + seconds(10))
        .await
        .unwrap();
    let finished = write!(world.db, |tx| stripes::finish(tx, &lease.unwrap()));
    let after = stripes::list_running(&world.db, noon() + seconds(10))
        .await
        .unwrap();

    assert_eq!(now, [(held, Supply::None), (fresh, Supply::Free)]);
    assert_eq!(later, [(held, Supply::Free), (fresh, Supply::Free)]);
    assert_eq!(finished, Change::Applied);
    assert_eq!(after, [(held, Supply::None), (fresh, Supply::Free)]);
    assert!(waiting > fresh);
}

async fn the_ramp_is_one_for_all_and_each_store_has_its_own(world: World) {
    let databases = [world.db.clone(), world.another_process().await];
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let db = databases[writer % 2].clone();
        writers.spawn(async move {
            for _ in 0..10 {
                let mut tx = db.begin().await.unwrap();
                let at = ramp::lock(&mut tx, "project//", noon()).await.unwrap();
                let to = Position {
                    elapsed: at.elapsed + Duration::from_micros(7),
                    free_at: at.free_at + seconds(1),
                };
                ramp::advance(&mut tx, "project//", to).await.unwrap();
                crate::write::commit(tx).await;
            }
        });
    }
    writers.join_all().await;

    let read = ramp::find(&world.db, "project//").await.unwrap();
    let unknown = ramp::find(&world.db, "project//other").await.unwrap();
    let ours = write!(world.db, |tx| ramp::lock(tx, "project//", noon()));
    let other = write!(world.db, |tx| ramp::lock(tx, "project//other", noon()));

    let elapsed = Duration::from_micros(560);
    let free_at = noon() + seconds(80);
    assert_eq!(ours, Position { elapsed, free_at });
    assert_eq!((read, unknown), (Some(ours), None));
    assert_eq!((other.elapsed, other.free_at), (Duration::ZERO, noon()));
}
