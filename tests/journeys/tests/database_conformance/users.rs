//! Devices, opt-outs and erasures.

use std::collections::BTreeSet;

use database::device::{self, DeviceKind, Registration};
use database::erasure::{self, ErasureState};
use database::{Change, opt_out};

use crate::engine::{World, on_every_engine};
use crate::write::{noon, seconds, write};

on_every_engine! {
    an_address_moves_to_the_user_who_registered_it_last
    a_repeat_refreshes_and_keeps_the_id
    one_address_under_two_kinds_is_two_devices
    an_address_twice_in_one_call_is_registered_once
    the_same_address_registered_by_many_at_once_belongs_to_one
    a_users_devices_are_replaced_and_keep_their_ids
    a_user_with_too_many_devices_is_found
    an_address_is_removed_from_its_user_only
    gone_devices_are_removed_unless_registered_since
    wrong_devices_are_quarantined_until_they_are_registered_again
    only_devices_that_can_be_sent_to_are_reachable
    addresses_are_expired_whosever_they_are
    devices_that_have_ended_are_removed_page_by_page
    devices_of_a_whole_chunk_are_listed
    an_opt_out_lasts_until_it_is_taken_back
    an_erasure_goes_on_where_it_was_until_it_is_done
    an_erasure_asked_for_again_is_not_done
    erased_users_are_found_among_a_chunk
}

async fn an_address_moves_to_the_user_who_registered_it_last(world: World) {
    register(&world, &[fcm("u1", "a"), fcm("u1", "b")]).await;

    register(&world, &[fcm("u2", "a")]).await;

    assert_eq!(addresses(&world, "u1").await, ["b"]);
    assert_eq!(addresses(&world, "u2").await, ["a"]);
}

async fn a_repeat_refreshes_and_keeps_the_id(world: World) {
    register(&world, &[fcm("u1", "a")]).await;
    let before = device::list_by_user(&world.db, "u1").await.unwrap();
    let refreshed = Registration {
        extra: Some(r#"{"auth": "k"}"#.to_owned()),
        ..fcm("u1", "a")
    };

    write!(world.db, |tx| device::register(
        tx,
        std::slice::from_ref(&refreshed),
        noon() + seconds(1)
    ));

    let after = device::list_by_user(&world.db, "u1").await.unwrap();
    assert_eq!(after.len(), 1);
    assert_eq!(after[0].id, before[0].id);
    assert_eq!(
        (&after[0].registration, after[0].registered_at),
        (&refreshed, noon() + seconds(1))
    );
}

async fn one_address_under_two_kinds_is_two_devices(world: World) {
    let fid = Registration {
        kind: DeviceKind::FcmFid,
        ..fcm("u1", "a")
    };

    register(&world, &[fcm("u1", "a"), fid]).await;

    assert_eq!(device::count(&world.db).await.unwrap(), 2);
}

async fn an_address_twice_in_one_call_is_registered_once(world: World) {
    register(&world, &[fcm("u1", "a"), fcm("u3", "b"), fcm("u2", "a")]).await;

    assert!(addresses(&world, "u1").await.is_empty());
    assert_eq!(addresses(&world, "u2").await, ["a"]);
}

async fn the_same_address_registered_by_many_at_once_belongs_to_one(world: World) {
    let mut users = tokio::task::JoinSet::new();
    for user in 0..8 {
        let db = world.db.clone();
        users.spawn(async move {
            let devices: Vec<_> = (0..20)
                .map(|number| fcm(&format!("u{user}"), &format!("a{number}")))
                .collect();
            write!(db, |tx| device::register(tx, &devices, noon()));
        });
    }

    users.join_all().await;

    assert_eq!(device::count(&world.db).await.unwrap(), 20);
}

async fn a_users_devices_are_replaced_and_keep_their_ids(world: World) {
    register(&world, &[fcm("u1", "a"), fcm("u1", "b"), fcm("u2", "c")]).await;
    let before = device::find(&world.db, DeviceKind::FcmToken, "b").await.unwrap();

    write!(world.db, |tx| device::replace(
        tx,
        "u1",
        &[fcm("u1", "b"), fcm("u1", "d")],
        noon()
    ));

    assert_eq!(addresses(&world, "u1").await, ["b", "d"]);
    assert_eq!(addresses(&world, "u2").await, ["c"]);
    let after = device::find(&world.db, DeviceKind::FcmToken, "b").await.unwrap();
    assert_eq!(after, before);

    write!(world.db, |tx| device::replace(tx, "u1", &[], noon()));

    assert!(addresses(&world, "u1").await.is_empty());
}

async fn a_user_with_too_many_devices_is_found(world: World) {
    let most: Vec<_> = (0..100).map(|number| fcm("u1", &format!("a{number}"))).collect();
    register(&world, &most).await;
    register(&world, &[fcm("u2", "b")]).await;
    let crowded = async || device::find_crowded(&world.db, &["u1", "u2"]).await.unwrap();
    let before = crowded().await;

    register(&world, &[fcm("u1", "b")]).await;

    assert_eq!((before, crowded().await), (None, Some("u1".to_owned())));
}

async fn an_address_is_removed_from_its_user_only(world: World) {
    register(&world, &[fcm("u1", "a"), fcm("u1", "b")]).await;

    let id = device::list_by_user(&world.db, "u1").await.unwrap()[0].id;

    let others = write!(world.db, |tx| device::remove(tx, "u2", id));
    let own = write!(world.db, |tx| device::remove(tx, "u1", id));
    let left = write!(world.db, |tx| device::remove_user(tx, "u1"));

    assert_eq!((others, own, left), (Change::Stale, Change::Applied, 1));
}

async fn gone_devices_are_removed_unless_registered_since(world: World) {
    register(&world, &[fcm("u1", "a"), fcm("u1", "b"), fcm("u1", "c")]).await;
    let devices = device::list_by_user(&world.db, "u1").await.unwrap();
    let gone: Vec<_> = devices
        .iter()
        .filter(|device| device.registration.address != "c")
        .map(|device| device.id)
        .collect();
    write!(world.db, |tx| device::register(
        tx,
        &[fcm("u1", "b")],
        noon() + seconds(2)
    ));

    let removed = write!(world.db, |tx| device::remove_gone(tx, &gone, noon() + seconds(1)));

    assert_eq!(removed, 1);
    assert_eq!(addresses(&world, "u1").await, ["b", "c"]);
}

async fn wrong_devices_are_quarantined_until_they_are_registered_again(world: World) {
    register(&world, &[fcm("u1", "a"), fcm("u1", "b")]).await;
    let devices = device::list_by_user(&world.db, "u1").await.unwrap();
    let ids: Vec<_> = devices.iter().map(|device| device.id).collect();
    write!(world.db, |tx| device::register(
        tx,
        &[fcm("u1", "b")],
        noon() + seconds(2)
    ));

    let quarantined = write!(world.db, |tx| device::quarantine(tx, &ids, noon() + seconds(1)));
    let again = write!(world.db, |tx| device::quarantine(tx, &ids, noon() + seconds(1)));
    let since = async |address| {
        let device = device::find(&world.db, DeviceKind::FcmToken, address)
            .await
            .unwrap();
        device.unwrap().quarantined_at
    };
    let shown = (since("a").await, since("b").await);
    register(&world, &[fcm("u2", "a")]).await;

    assert_eq!((quarantined, again), (1, 0));
    assert_eq!(shown, (Some(noon() + seconds(1)), None));
    assert_eq!(since("a").await, None);
}

async fn only_devices_that_can_be_sent_to_are_reachable(world: World) {
    let ends = |address, at| Registration {
        expires_at: Some(at),
        ..fcm("u1", address)
    };
    let devices = [
        fcm("u1", "a"),
        fcm("u1", "wrong"),
        ends("ended", noon() + seconds(1)),
        ends("ends", noon() + seconds(2)),
        fcm("u2", "b"),
    ];
    register(&world, &devices).await;
    let wrong = device::find(&world.db, DeviceKind::FcmToken, "wrong")
        .await
        .unwrap()
        .unwrap();
    write!(world.db, |tx| device::quarantine(
        tx,
        &[wrong.id],
        noon() + seconds(1)
    ));

    let reachable = device::list_reachable(&world.db, &["u1", "u3"], noon() + seconds(1))
        .await
        .unwrap();

    let reachable: BTreeSet<_> = reachable
        .iter()
        .map(|device| &*device.registration.address)
        .collect();
    assert_eq!(reachable, BTreeSet::from(["a", "ends"]));
}

async fn addresses_are_expired_whosever_they_are(world: World) {
    let fid = Registration {
        kind: DeviceKind::FcmFid,
        ..fcm("u1", "b")
    };
    register(&world, &[fcm("u1", "a"), fid, fcm("u2", "b"), fcm("u2", "c")]).await;
    let gone = [
        (DeviceKind::FcmToken, "a"),
        (DeviceKind::FcmFid, "b"),
        (DeviceKind::FcmFid, "c"),
        (DeviceKind::FcmToken, "unknown"),
    ];

    let removed = write!(world.db, |tx| device::expire(tx, &gone));

    assert_eq!(removed, 2);
    assert!(addresses(&world, "u1").await.is_empty());
    assert_eq!(addresses(&world, "u2").await, ["b", "c"]);
}

async fn devices_that_have_ended_are_removed_page_by_page(world: World) {
    let ends = |number: i64| Registration {
        expires_at: Some(noon() + seconds(number)),
        ..fcm("u1", &format!("a{number}"))
    };
    let devices: Vec<_> = (1..=5).map(ends).collect();
    register(&world, &devices).await;
    register(&world, &[fcm("u1", "stays")]).await;
    let remove = async || write!(world.db, |tx| device::remove_expired(tx, noon() + seconds(4), 3));

    let pages = [remove().await, remove().await, remove().await];

    assert_eq!(pages, [3, 1, 0]);
    assert_eq!(addresses(&world, "u1").await, ["a5", "stays"]);
}

async fn devices_of_a_whole_chunk_are_listed(world: World) {
    let devices: Vec<_> = (0..600)
        .map(|number| fcm(&format!("u{}", number / 2), &format!("a{number}")))
        .collect();
    register(&world, &devices).await;
    let users: Vec<_> = (100..599).map(|number| format!("u{number}")).collect();
    let users: Vec<_> = users.iter().map(String::as_str).collect();

    let listed = device::list_by_users(&world.db, &users).await.unwrap();

    let listed: BTreeSet<_> = listed
        .into_iter()
        .map(|device| device.registration.address)
        .collect();
    let expected: BTreeSet<_> = (200..600).map(|number| format!("a{number}")).collect();
    assert_eq!(listed, expected);
}

async fn an_opt_out_lasts_until_it_is_taken_back(world: World) {
    write!(world.db, |tx| opt_out::insert(tx, "u1", noon()));
    write!(world.db, |tx| opt_out::insert(tx, "u1", noon() + seconds(1)));
    let since = opt_out::find(&world.db, "u1").await.unwrap();

    write!(world.db, |tx| opt_out::delete(tx, "u1"));

    assert_eq!(since, Some(noon()));
    assert_eq!(opt_out::find(&world.db, "u1").await.unwrap(), None);
}

async fn an_erasure_goes_on_where_it_was_until_it_is_done(world: World) {
    write!(world.db, |tx| erasure::request(tx, "u1", noon()));
    write!(world.db, |tx| erasure::request(tx, "u2", noon()));

    let advanced = write!(world.db, |tx| erasure::advance(
        tx,
        "u1",
        noon(),
        r#"{"chunk": 9}"#
    ));
    let resumed = erasure::find(&world.db, "u1").await.unwrap().unwrap();
    let open = erasure::list_open(&world.db, "", 1).await.unwrap();
    let done = write!(world.db, |tx| erasure::mark_done(
        tx,
        "u1",
        noon(),
        noon() + seconds(5)
    ));
    let late = write!(world.db, |tx| erasure::advance(tx, "u1", noon(), "{}"));

    assert_eq!(
        (advanced, done, late),
        (Change::Applied, Change::Applied, Change::Stale)
    );
    assert_eq!(resumed.resume_from.as_deref(), Some(r#"{"chunk": 9}"#));
    assert_eq!(open, [resumed]);
    assert_eq!(open_users(&world).await, ["u2"]);
    let found = erasure::find(&world.db, "u1").await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.done_at),
        (ErasureState::Done, Some(noon() + seconds(5)))
    );
}

async fn an_erasure_asked_for_again_is_not_done(world: World) {
    write!(world.db, |tx| erasure::request(tx, "u1", noon()));
    write!(world.db, |tx| erasure::request(tx, "u1", noon() + seconds(1)));

    let advanced = write!(world.db, |tx| erasure::advance(tx, "u1", noon(), "{}"));
    let done = write!(world.db, |tx| erasure::mark_done(
        tx,
        "u1",
        noon(),
        noon() + seconds(5)
    ));

    assert_eq!((advanced, done), (Change::Stale, Change::Stale));
    assert_eq!(open_users(&world).await, ["u1"]);
}

async fn open_users(world: &World) -> Vec<String> {
    let open = erasure::list_open(&world.db, "", 10).await.unwrap();
    open.into_iter().map(|erasure| erasure.user_id).collect()
}

async fn erased_users_are_found_among_a_chunk(world: World) {
    write!(world.db, |tx| erasure::request(tx, "u1", noon()));
    let done = write!(world.db, |tx| erasure::mark_done(tx, "u1", noon(), noon()));
    write!(world.db, |tx| erasure::request(tx, "u2", noon()));

    let erased = erasure::list_erased_among(&world.db, &["u1", "u2", "u3"])
        .await
        .unwrap();

    assert_eq!(done, Change::Applied);
    let erased: BTreeSet<_> = erased.into_iter().collect();
    assert_eq!(erased.into_iter().collect::<Vec<_>>(), ["u1", "u2"]);
}

async fn register(world: &World, devices: &[Registration]) {
    write!(world.db, |tx| device::register(tx, devices, noon()));
}

async fn addresses(world: &World, user: &str) -> Vec<String> {
    let devices = device::list_by_user(&world.db, user).await.unwrap();
    let mut addresses: Vec<_> = devices
        .into_iter()
        .map(|device| device.registration.address)
        .collect();
    addresses.sort_unstable();
    addresses
}

fn fcm(user: &str, address: &str) -> Registration {
    Registration {
        user_id: user.to_owned(),
        kind: DeviceKind::FcmToken,
        address: address.to_owned(),
        extra: None,
        expires_at: None,
    }
}
