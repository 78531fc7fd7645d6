//! What others were at work on when a user was erased.

use std::time::Duration;

use campaign::{ChunkId, PushId, Standing};
use database::erasure::ErasureState;
use push_store::Expansion;

use super::{audience_of, names, pass, request, state};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_fan_out_under_way_does_not_bring_a_user_back() {
    let world = World::new().await;
    let audience = audience_of(&world, &["ann", "bob"]).await;
    let campaign = world.start_campaign(audience).await;
    let in_hand = world.chunk_in_hand(campaign, audience).await;
    request(&world, "bob").await;
    let early = pass(&world).await;

    let now = world.backends.process.clock.now();
    let expanded = world.backends.push_store.expand(in_hand, now).await.unwrap();
    let too_early = pass(&world).await;
    world.hand.advance(Duration::from_secs(600));
    let late = pass(&world).await;

    assert!(matches!(expanded, Expansion::Expanded(_)), "{expanded:?}");
    assert_eq!((early.done, early.tombstones), (0, 1));
    assert_eq!((too_early.done, too_early.pushes), (0, 0));
    assert_eq!((late.done, late.pushes), (1, 1));
    assert_eq!(state(&world, "bob").await, ErasureState::Done);
    let pushes = world.pushes(campaign).await;
    let users: Vec<_> = pushes.iter().map(|push| push.user.clone()).collect();
    assert_eq!(users, names(&[Some("ann"), None]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fan_out_after_the_tombstone_knows_nothing_of_the_user() {
    let world = World::new().await;
    let audience = audience_of(&world, &["ann", "bob"]).await;
    request(&world, "bob").await;
    pass(&world).await;

    let campaign = world.expand_campaign(audience).await;

    let chunk = ChunkId::of(campaign, 0);
    let pushes = world.pushes(campaign).await;
    assert_eq!(pushes.len(), 2);
    assert_eq!(pushes[1].user, None);
    assert_eq!(pushes[1].chunk, chunk);
    assert_ne!(pushes[1].id, PushId::of(campaign, "bob"));
    assert!(matches!(pushes[1].standing, Standing::Settled(_)));
}
