//! Quotas, and the shares of them that processes hold.

use database::quota::{self as quotas, Brake, Share};
use uuid::Uuid;

use crate::engine::{World, on_every_engine};
use crate::write::{noon, seconds, write};

on_every_engine! {
    a_quota_is_made_once_and_keeps_its_brake
    a_holder_has_one_share_and_the_dead_are_not_listed
    two_questions_for_one_quota_are_answered_one_after_the_other
}

const NAME: &str = "fcm/project";

fn brake(allowed: u32) -> Brake {
    Brake {
        allowed,
        pressed_at: noon(),
        held_until: noon() + seconds(30),
    }
}

fn share(holder: u128, per_minute: u64, lives_for: i64) -> Share {
    Share {
        holder: Uuid::from_u128(holder),
        per_minute,
        fast_demand: 60,
        bulk_demand: 900_000,
        lives_until: noon() + seconds(lives_for),
    }
}

async fn a_quota_is_made_once_and_keeps_its_brake(world: World) {
    let first = write!(world.db, |tx| quotas::lock(tx, NAME, 1_000, brake(1_000)));
    write!(world.db, |tx| quotas::set_brake(tx, NAME, brake(500)));
    let second = write!(world.db, |tx| quotas::lock(tx, NAME, 2_000, brake(1_000)));
    write!(world.db, |tx| quotas::lock(tx, "fcm/another", 5, brake(1_000)));

    let first_page = quotas::list(&world.db, None, 1, noon()).await.unwrap();
    let second_page = quotas::list(&world.db, Some("fcm/another"), 9, noon())
        .await
        .unwrap();

    assert_eq!((first, second), (brake(1_000), brake(500)));
    assert_eq!(first_page[0].name, "fcm/another");
    assert_eq!(second_page.len(), 1);
    let quota = &second_page[0];
    assert_eq!(
        (quota.name.as_str(), quota.per_minute, quota.brake),
        (NAME, 2_000, brake(500))
    );
}

async fn a_holder_has_one_share_and_the_dead_are_not_listed(world: World) {
    let (one, other) = (share(1, 100, 10), share(2, 200, 5));
    write!(world.db, |tx| quotas::lock(tx, NAME, 1_000, brake(1_000)));
    write!(world.db, |tx| quotas::replace_share(tx, NAME, &share(1, 7, 3)));
    write!(world.db, |tx| quotas::replace_share(tx, NAME, &one));
    write!(world.db, |tx| quotas::replace_share(tx, NAME, &other));

    let both = quotas::list_shares(&world.db, NAME, noon()).await.unwrap();
    let later = quotas::list_shares(&world.db, NAME, noon() + seconds(5))
        .await
        .unwrap();
    write!(world.db, |tx| quotas::delete_ended(tx, NAME, noon() + seconds(6)));
    let swept = quotas::list_shares(&world.db, NAME, noon()).await.unwrap();
    write!(world.db, |tx| quotas::give_back(tx, NAME, one.holder));
    let given_back = quotas::list(&world.db, None, 9, noon()).await.unwrap();
    write!(world.db, |tx| quotas::delete(tx, NAME));
    let none = quotas::list(&world.db, None, 9, noon()).await.unwrap();

    assert_eq!(both, [one, other]);
    assert_eq!((later, swept), (vec![one], vec![one]));
    assert_eq!(given_back[0].shares, []);
    assert_eq!(none, []);
}

async fn two_questions_for_one_quota_are_answered_one_after_the_other(world: World) {
    let another = world.another_process().await;
    let mut first = world.db.begin().await.unwrap();
    quotas::lock(&mut first, NAME, 1_000, brake(1_000)).await.unwrap();

    let second = async {
        let mut second = another.begin().await.unwrap();
        quotas::lock(&mut second, NAME, 1_000, brake(1_000))
            .await
            .unwrap();
        let shares = quotas::list_shares(&mut second, NAME, noon()).await.unwrap();
        second.rollback().await;
        shares
    };
    let first = async {
        // The other one gets as far as it can: to the lock.
        tokio::task::yield_now().await;
        quotas::replace_share(&mut first, NAME, &share(1, 100, 5))
            .await
            .unwrap();
        crate::write::commit(first).await;
    };
    let (seen, ()) = tokio::join!(second, first);

    assert_eq!(seen, [share(1, 100, 5)]);
}
