//! One user's pushes: found over all campaigns, and erased.

use campaign::{Reason, Standing};
use push_store::Afterwards;

use crate::engine::{World, at, on_every_engine, push, user};

on_every_engine! {
    a_users_pushes_are_found_over_all_campaigns
    an_erased_push_names_nobody_and_is_skipped
    a_final_push_keeps_its_state_when_it_is_erased
}

async fn a_users_pushes_are_found_over_all_campaigns(world: &World) {
    let (first, second) = (world.chunk(3).await, world.chunk(2).await);

    let both = world.store.list_by_user(&user(1), 10).await.unwrap();
    let one = world.store.list_by_user(&user(2), 10).await.unwrap();
    let limited = world.store.list_by_user(&user(1), 1).await.unwrap();
    let nobody = world.store.list_by_user("nobody", 10).await.unwrap();

    let mut campaigns: Vec<_> = both.iter().map(|push| push.campaign).collect();
    campaigns.sort_unstable();
    let mut expected = [first.campaign, second.campaign];
    expected.sort_unstable();
    assert_eq!(campaigns, expected);
    assert_eq!((one.len(), limited.len(), nobody.len()), (1, 1, 0));
}

async fn an_erased_push_names_nobody_and_is_skipped(world: &World) {
    let chunk = world.chunk(2).await;

    world.store.erase(chunk.id, push(&chunk, 0), at(5)).await.unwrap();
    let once = world.find(chunk.id).await;
    world.store.erase(chunk.id, push(&chunk, 0), at(6)).await.unwrap();

    let pushes = world.store.list_pushes(chunk.id).await.unwrap();
    let erased = &pushes[0];
    assert_eq!((erased.user.as_deref(), erased.locale.as_deref()), (None, None));
    assert_eq!(erased.variables, []);
    assert_eq!(erased.standing, Standing::Settled(Reason::Erased));
    assert_eq!(erased.settled_at, Some(at(5)));
    assert_eq!(pushes[1].user, Some(user(1)));
    assert_eq!(world.find(chunk.id).await, once, "a repeat changes nothing");
    assert_eq!(world.store.list_by_user(&user(0), 10).await.unwrap(), []);
}

async fn a_final_push_keeps_its_state_when_it_is_erased(world: &World) {
    let (chunk, _) = world.leased_chunk(1).await;
    let sent = [(push(&chunk, 0), Standing::Settled(Reason::Accepted))];
    world.settle(chunk.id, &sent, Afterwards::GoOn, 2).await;

    world.store.erase(chunk.id, push(&chunk, 0), at(5)).await.unwrap();

    let pushes = world.store.list_pushes(chunk.id).await.unwrap();
    assert_eq!(
        (&pushes[0].user, pushes[0].standing.reason()),
        (&None, Some(Reason::Accepted))
    );
}
