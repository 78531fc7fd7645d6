//! Answers by idempotency key.

use database::Insertion;
use database::idempotency::{self, Answered};

use crate::engine::{World, on_every_engine};
use crate::write::{commit, noon, seconds, write};

on_every_engine! {
    an_answer_is_kept_with_its_effect_or_not_at_all
    the_second_answer_under_a_key_is_not_kept
    a_key_is_one_in_its_scope_only
    old_answers_are_pruned_by_batches
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
