//! The deadlines of transactions.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use emulator::clock::ManualClock;
use emulator::datastore::{Concurrency, Config, Server};
use tonic::Code;

use crate::client::{self, Tasks};
use crate::killable::until;

#[tokio::test]
async fn a_transaction_ends_after_sixty_idle_seconds() {
    let (server, tasks, clock) = start(Concurrency::Optimistic).await;
    let (used, idle) = (tasks.begin().await, tasks.begin().await);

    clock.advance(Duration::from_secs(40));
    tasks.find(Some(&used), &["a"]).await.expect("it is open");
    clock.advance(Duration::from_secs(40));

    tasks
        .find(Some(&used), &["a"])
        .await
        .expect("it was used in between");
    let refused = tasks.find(Some(&idle), &["a"]).await.expect_err("it was not");
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert_eq!(refused.message(), "Transaction is invalid or closed.");
    server.stop().await;
}

#[tokio::test]
async fn a_transaction_ends_after_270_seconds_however_busy() {
    let (server, tasks, clock) = start(Concurrency::Optimistic).await;
    let transaction = tasks.begin().await;

    for _ in 0..9 {
        clock.advance(Duration::from_secs(30));
        tasks.find(Some(&transaction), &["a"]).await.expect("it is open");
    }
    clock.advance(Duration::from_secs(1));

    let refused = tasks
        .commit(Some(&transaction), &[("a".to_owned(), Some(1))])
        .await;
    assert_eq!(
        refused.expect_err("its time is over").code(),
        Code::InvalidArgument
    );
    server.stop().await;
}

#[tokio::test]
async fn a_commit_that_waits_for_a_lock_is_aborted_at_its_deadline() {
    let (server, tasks, clock) = start(Concurrency::PESSIMISTIC).await;
    let reader = tasks.begin().await;
    tasks.find(Some(&reader), &["a"]).await.expect("it reads");

    let write = [("a".to_owned(), Some(1))];
    let advancing = async {
        // The commit takes its deadline when it arrives, which may be after some advances; the
        // reader, which is kept busy, stays open for 270 seconds.
        for _ in 0..130 {
            tasks.find(Some(&reader), &["a"]).await.expect("it is open");
            tokio::time::sleep(Duration::from_millis(20)).await;
            clock.advance(Duration::from_secs(2));
        }
        std::future::pending::<()>().await;
    };
    let outcome = tokio::select! {
        outcome = tasks.commit(None, &write) => outcome,
        () = advancing => unreachable!("it is pending"),
    };

    assert_eq!(outcome.expect_err("the lock is held").code(), Code::Aborted);
    server.stop().await;
}

#[tokio::test]
async fn a_commit_that_waits_for_a_lock_goes_on_when_it_is_free() {
    let (server, tasks, _clock) = start(Concurrency::PESSIMISTIC).await;
    let reader = tasks.begin().await;
    tasks.find(Some(&reader), &["a"]).await.expect("it reads");

    let (waiting, free) = ([("a".to_owned(), Some(1))], [("b".to_owned(), Some(2))]);
    let (written, read) = tokio::join!(tasks.commit(None, &waiting), tasks.commit(Some(&reader), &free));

    read.expect("nobody has read what it writes");
    written.expect("the lock is free");
    assert_eq!(
        tasks.find(None, &["a", "b"]).await.expect("they are found"),
        [1, 2]
    );
    server.stop().await;
}

#[tokio::test]
async fn a_transaction_that_is_rolled_back_while_its_commit_waits_does_not_commit() {
    let (server, tasks, _clock) = start(Concurrency::PESSIMISTIC).await;
    let (reader, writer) = (tasks.begin().await, tasks.begin().await);
    tasks.find(Some(&reader), &["b"]).await.expect("it reads");
    tasks.find(Some(&writer), &["a"]).await.expect("it reads");

    let write = [("b".to_owned(), Some(1))];
    let meanwhile = async {
        until("its commit waits", async || {
            tasks.find(Some(&writer), &["a"]).await.is_err()
        })
        .await;
        tasks.roll_back(&writer).await;
        tasks.put("a", Some(5)).await;
        tasks.roll_back(&reader).await;
    };
    let (refused, ()) = tokio::join!(tasks.commit(Some(&writer), &write), meanwhile);

    assert_eq!(
        refused.expect_err("what it read has changed").code(),
        Code::InvalidArgument
    );
    assert!(tasks.find(None, &["b"]).await.expect("it reads").is_empty());
    server.stop().await;
}

async fn start(concurrency: Concurrency) -> (Server, Tasks, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
    let config = Config {
        concurrency,
        clock: clock.clone(),
        ..Config::default()
    };
    let (server, tasks) = client::start(config).await;
    (server, tasks, clock)
}
