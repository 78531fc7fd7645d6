//! Erasures: what is gone, what stays, and what cannot bring a user back.

mod late;

use std::time::Duration;

use campaign::{PushState, Transition};
use database::device::{self, DeviceKind, Registration};
use database::erasure::{self, ErasureState};
use database::shard::coupon_grant::{self, Occasion};
use database::{Change, opt_out};
use jobs::erase::{self, Report};
use runtime::job::{Outcome, Report as _};

use crate::world::World;

async fn pass(world: &World) -> Report {
    erase::run(&world.backends).await.unwrap()
}

async fn request(world: &World, user: &str) {
    let now = world.backends.process.clock.now();
    world
        .write(async |tx| erasure::request(tx, user, now).await)
        .await;
}

async fn state(world: &World, user: &str) -> ErasureState {
    let erasure = erasure::find(&world.backends.db, user).await.unwrap();
    erasure.expect("it was asked for").state
}

/// An audience of `users` that is ready.
async fn audience_of(world: &World, users: &[&str]) -> campaign::AudienceId {
    let audience = world
        .upload(format!("user_id\n{}\n", users.join("\n")).as_bytes())
        .await;
    jobs::import::run(&world.backends).await.unwrap();
    audience
}

fn names(users: &[Option<&str>]) -> Vec<Option<String>> {
    users.iter().map(|user| user.map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_user_leaves_an_empty_place_in_every_audience() {
    let world = World::new().await;
    let first = audience_of(&world, &["ann", "bob", "cy"]).await;
    let second = audience_of(&world, &["bob", "dan"]).await;
    let before = world.audience(first).await;
    let headers: Vec<_> = world
        .chunks(first)
        .await
        .into_iter()
        .map(|chunk| chunk.header)
        .collect();
    request(&world, "bob").await;

    let report = pass(&world).await;

    assert_eq!(
        world.recipients(first).await,
        names(&[Some("ann"), None, Some("cy")])
    );
    assert_eq!(world.recipients(second).await, names(&[None, Some("dan")]));
    assert_eq!(world.audience(first).await, before);
    let after: Vec<_> = world
        .chunks(first)
        .await
        .into_iter()
        .map(|chunk| chunk.header)
        .collect();
    assert_eq!(after, headers);
    assert_eq!(state(&world, "bob").await, ErasureState::Done);
    assert_eq!(
        report.to_string(),
        "1 users erased, 0 still open; 2 tombstones in 2 chunks, 0 pushes"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_users_pushes_name_nobody_and_are_not_sent() {
    let world = World::new().await;
    let audience = audience_of(&world, &["ann", "bob"]).await;
    let campaigns = [
        world.expand_campaign(audience).await,
        world.expand_campaign(audience).await,
    ];
    request(&world, "bob").await;

    pass(&world).await;

    assert_eq!(
        world.backends.push_store.list_by_user("bob", 10).await.unwrap(),
        []
    );
    for campaign in campaigns {
        let pushes = world.pushes(campaign).await;
        let found: Vec<_> = pushes
            .iter()
            .map(|push| (push.user.as_deref(), push.standing.state()))
            .collect();
        assert_eq!(
            found,
            [(Some("ann"), PushState::Pending), (None, PushState::Skipped)]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_and_opt_out_go_and_a_grant_stays_under_another_name() {
    let world = World::new().await;
    let now = world.backends.process.clock.now();
    let device = |user: &str| Registration {
        user_id: user.to_owned(),
        kind: DeviceKind::FcmToken,
        address: format!("token of {user}"),
        extra: None,
        expires_at: None,
    };
    let occasion = Occasion {
        campaign_id: campaign::CampaignId::allocate(),
        coupon_id: campaign::CouponId::allocate(),
        chunk_no: 0,
        intent_id: campaign::IntentId::allocate(),
        granted_at: now,
    };
    world
        .write(async |tx| {
            device::register(tx, &[device("ann"), device("bob")], now).await?;
            opt_out::insert(tx, "bob", now).await?;
            coupon_grant::insert(tx, occasion, &["ann", "bob"]).await
        })
        .await;
    request(&world, "bob").await;

    pass(&world).await;

    let db = &world.backends.db;
    let granted = coupon_grant::list_users(db, occasion.campaign_id, "", 10)
        .await
        .unwrap();
    assert_eq!(device::list_by_users(db, &["ann", "bob"]).await.unwrap().len(), 1);
    assert_eq!(opt_out::find(db, "bob").await.unwrap(), None);
    assert_eq!(granted.len(), 2);
    assert!(granted.iter().any(|(user, _)| user == "ann"));
    assert!(granted.iter().any(|(user, _)| user.starts_with("erased:")));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_users_share_one_scan_and_those_who_come_meanwhile_the_next() {
    let world = World::new().await;
    let audience = audience_of(&world, &["ann", "bob", "cy", "dan"]).await;
    request(&world, "ann").await;
    request(&world, "bob").await;
    // As a pass leaves it that came to the end of the chunks and was killed.
    let found = erasure::find(&world.backends.db, "bob").await.unwrap().unwrap();
    let at = format!(r#"{{"stage":"chunks","after":["{audience}",0]}}"#);
    let advanced = world
        .write(async |tx| erasure::advance(tx, "bob", found.requested_at, &at).await)
        .await;

    let (first, second, third) = (pass(&world).await, pass(&world).await, pass(&world).await);

    assert_eq!(advanced, Change::Applied);
    assert_eq!((first.done, first.open, first.tombstones), (1, 1, 0));
    assert_eq!((second.done, second.open, second.tombstones), (1, 0, 1));
    assert_eq!(third.outcome(), Outcome::Idle);
    assert_eq!(
        world.recipients(audience).await,
        names(&[None, Some("bob"), Some("cy"), Some("dan")])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_asked_for_again_begins_anew() {
    let world = World::new().await;
    request(&world, "ann").await;
    pass(&world).await;
    world.hand.advance(Duration::from_secs(1));
    let audience = audience_of(&world, &["bob"]).await;

    request(&world, "ann").await;
    let report = pass(&world).await;

    assert_eq!((report.done, report.chunks), (1, 1));
    assert_eq!(world.recipients(audience).await, names(&[Some("bob")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_erase_one_user() {
    let world = World::new().await;
    let audience = audience_of(&world, &["ann", "bob"]).await;
    let campaign = world.expand_campaign(audience).await;
    world.transition(campaign, Transition::Cancel).await;
    world.hand.advance(Duration::from_secs(3_600));
    request(&world, "bob").await;
    let other = world.process_with(|_| {});

    let (here, there) = tokio::join!(erase::run(&world.backends), erase::run(&other));

    here.unwrap();
    there.unwrap();
    assert_eq!(state(&world, "bob").await, ErasureState::Done);
    assert_eq!(world.recipients(audience).await, names(&[Some("ann"), None]));
}
