//! Leases by name, and answers by idempotency key.

use database::idempotency::{self, Answered};
use database::{Change, Insertion, lease};

use crate::engine::{World, on_every_engine};
use crate::write::{commit, noon, seconds, write};

on_every_engine! {
    a_lease_has_one_holder_until_it_runs_out
    a_lease_claimed_by_many_at_once_has_one_holder
    a_released_lease_is_free_at_once
    only_the_holder_extends_and_releases
    an_answer_is_kept_with_its_effect_or_not_at_all
    the_second_answer_under_a_key_is_not_kept
    a_key_is_one_in_its_scope_only
    old_answers_are_pruned_by_batches
}

async fn a_lease_has_one_holder_until_it_runs_out(world: World) {
    let until = noon() + seconds(10);

    let first = write!(world.db, |tx| lease::claim(tx, "import", noon(), until));
    let second = write!(world.db, |tx| lease::claim(
        tx,
        "import",
        noon() + seconds(9),
        until
    ));
    let other = write!(world.db, |tx| lease::claim(tx, "prune", noon(), until));
    let late = write!(world.db, |tx| lease::claim(
        tx,
        "import",
        until,
        until + seconds(10)
    ));

    assert!(first.is_some() && other.is_some() && late.is_some());
    assert_eq!(second, None);
    assert_ne!(first, late);
}

async fn a_lease_claimed_by_many_at_once_has_one_holder(world: World) {
    let mut claims = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let db = world.db.clone();
        claims
            .spawn(async move { write!(db, |tx| lease::claim(tx, "import", noon(), noon() + seconds(10))) });
    }

    let claims = claims.join_all().await;

    assert_eq!(claims.iter().flatten().count(), 1);
}

async fn a_released_lease_is_free_at_once(world: World) {
    let until = noon() + seconds(10);
    let token = write!(world.db, |tx| lease::claim(tx, "import", noon(), until)).unwrap();

    let released = write!(world.db, |tx| lease::release(tx, "import", token));

    assert_eq!(released, Change::Applied);
    assert!(write!(world.db, |tx| lease::claim(tx, "import", noon(), until)).is_some());
}

async fn only_the_holder_extends_and_releases(world: World) {
    let until = noon() + seconds(10);
    let former = write!(world.db, |tx| lease::claim(tx, "import", noon(), until)).unwrap();
    let holder = write!(world.db, |tx| lease::claim(tx, "import", until, until)).unwrap();

    let stale = write!(world.db, |tx| lease::extend(
        tx,
        "import",
        former,
        until + seconds(99)
    ));
    let released = write!(world.db, |tx| lease::release(tx, "import", former));
    let extended = write!(world.db, |tx| lease::extend(
        tx,
        "import",
        holder,
        until + seconds(10)
    ));

    assert_eq!(
        (stale, released, extended),
        (Change::Stale, Change::Stale, Change::Applied)
    );
    assert_eq!(
        write!(world.db, |tx| lease::claim(
            tx,
            "import",
            until + seconds(9),
            until
        )),
        None
    );
}

async fn an_answer_is_kept_with_its_effect_or_not_at_all(world: World) {
    let mut tx = world.db.begin().await.unwrap();
    let inserted = idempotency::insert(&mut tx, "s", &[1; 32], &answered(1), noon())
        .await
        .unwrap();

    tx.rollback().await;

    assert_eq!(inserted, Insertion::New);
    assert_eq!(idempotency::find(&world.db, "s", &[1; 32]).await.unwrap(), None);
}

async fn the_second_answer_under_a_key_is_not_kept(world: World) {
    let first = write!(world.db, |tx| idempotency::insert(
        tx,
        "s",
        &[1; 32],
        &answered(1),
        noon()
    ));
    let mut tx = world.db.begin().await.unwrap();

    let second = idempotency::insert(&mut tx, "s", &[1; 32], &answered(2), noon())
        .await
        .unwrap();
    let seen = idempotency::find(&mut tx, "s", &[1; 32]).await.unwrap();
    commit(tx).await;

    assert_eq!((first, second), (Insertion::New, Insertion::Existing));
    assert_eq!(seen, Some(answered(1)));
}

async fn a_key_is_one_in_its_scope_only(world: World) {
    let first = write!(world.db, |tx| idempotency::insert(
        tx,
        "s",
        &[1; 32],
        &answered(1),
        noon()
    ));
    let second = write!(world.db, |tx| idempotency::insert(
        tx,
        "t",
        &[1; 32],
        &answered(2),
        noon()
    ));

    assert_eq!((first, second), (Insertion::New, Insertion::New));
    assert_eq!(
        idempotency::find(&world.db, "t", &[1; 32]).await.unwrap(),
        Some(answered(2))
    );
}

async fn old_answers_are_pruned_by_batches(world: World) {
    for number in 0..5 {
        let at = noon() + seconds(number.into());
        let _ = write!(world.db, |tx| idempotency::insert(
            tx,
            "s",
            &[number; 32],
            &answered(number),
            at
        ));
    }
    let before = noon() + seconds(3);

    let first = write!(world.db, |tx| idempotency::prune(tx, before, 2));
    let second = write!(world.db, |tx| idempotency::prune(tx, before, 2));

    assert_eq!((first, second), (2, 1));
    assert!(
        idempotency::find(&world.db, "s", &[2; 32])
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        idempotency::find(&world.db, "s", &[3; 32])
            .await
            .unwrap()
            .is_some()
    );
}

fn answered(number: u8) -> Answered {
    Answered {
        request_hash: [number; 32],
        status: 201,
        response: format!(r#"{{"id": {number}}}"#),
    }
}
