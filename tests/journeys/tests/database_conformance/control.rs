//! What is watched over campaigns, and what is left of them.

use campaign::{CampaignState, Transition};
use database::Change;
use database::campaign as campaigns;
use database::control::{self, GlobalStop};

use crate::campaigns::set_up;
use crate::engine::{World, on_every_engine};
use crate::write::{draft, noon, seconds, write};

on_every_engine! {
    the_control_state_holds_every_campaign_that_is_not_final
    the_global_stop_is_seen_and_lifted
    only_final_campaigns_are_pruned_and_only_once
}

async fn the_control_state_holds_every_campaign_that_is_not_final(world: World) {
    let (waiting, running, cancelled) = (
        draft(&world.db).await,
        draft(&world.db).await,
        draft(&world.db).await,
    );
    set_up(&world, running, Transition::Start).await;
    set_up(&world, cancelled, Transition::Cancel).await;

    let mut control = control::state(&world.db).await.unwrap();

    control.campaigns.sort_unstable_by_key(|(id, _)| *id);
    assert_eq!(control.stop, GlobalStop::Off);
    assert_eq!(
        control.campaigns,
        [(waiting, CampaignState::Draft), (running, CampaignState::Running)]
    );
}

async fn the_global_stop_is_seen_and_lifted(world: World) {
    for stop in [GlobalStop::On, GlobalStop::On, GlobalStop::Off, GlobalStop::Off] {
        write!(world.db, |tx| control::set_stop(tx, stop));

        assert_eq!(control::state(&world.db).await.unwrap().stop, stop);
    }
}

async fn only_final_campaigns_are_pruned_and_only_once(world: World) {
    let (running, cancelled) = (draft(&world.db).await, draft(&world.db).await);
    set_up(&world, running, Transition::Start).await;
    set_up(&world, cancelled, Transition::Cancel).await;
    let later = noon() + seconds(3600);

    let ended = campaigns::list_ended(&world.db, later, None, 10).await.unwrap();
    let refused = write!(world.db, |tx| campaigns::mark_pruned(tx, running, later));
    let first = write!(world.db, |tx| campaigns::mark_pruned(tx, cancelled, later));
    let second = write!(world.db, |tx| campaigns::mark_pruned(tx, cancelled, later));

    assert_eq!(
        ended.iter().map(|campaign| campaign.id).collect::<Vec<_>>(),
        [cancelled]
    );
    assert_eq!(
        (refused, first, second),
        (Change::Stale, Change::Applied, Change::Stale)
    );
    assert!(
        campaigns::list_ended(&world.db, later, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}
