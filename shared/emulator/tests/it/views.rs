//! What a transaction sees while others commit.

use emulator::datastore::{CompositeIndex, Config, Direction, Server, Storage};
use tonic::Code;

use crate::client::{self, Tasks};

#[tokio::test]
async fn an_optimistic_transaction_sees_what_was_there_at_its_first_read() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    for storage in [
        Storage::Memory,
        Storage::File(directory.path().join("datastore.db")),
    ] {
        let (server, tasks) = start(storage, &[]).await;
        for (name, v) in [("a", 1), ("b", 2), ("c", 3)] {
            tasks.put(name, Some(v)).await;
        }
        let transaction = tasks.begin().await;
        tasks.find(Some(&transaction), &["a"]).await.expect("it reads");

        tasks.put("b", Some(9)).await;
        tasks.put("c", None).await;
        tasks.put("d", Some(0)).await;
        tasks.put("d", Some(5)).await;

        let inside = Some(&transaction[..]);
        assert_eq!(
            tasks.find(inside, &["b", "c", "d"]).await.expect("it reads"),
            [2, 3]
        );
        assert_eq!(tasks.query(inside, &[], "v").await.expect("it reads"), "a b c");
        assert_eq!(tasks.query(inside, &[], "-v").await.expect("it reads"), "c b a");
        assert_eq!(
            tasks.query(inside, &[], "__key__").await.expect("it reads"),
            "a b c"
        );
        assert_eq!(
            tasks
                .query(inside, &[("v", 2)], "__key__")
                .await
                .expect("it reads"),
            "b"
        );
        assert_eq!(tasks.query(None, &[], "v").await.expect("it reads"), "a d b");
        let refused = tasks.commit(inside, &[("x".to_owned(), Some(1))]).await;
        assert_eq!(
            refused.expect_err("what it read has changed").code(),
            Code::Aborted
        );
        server.stop().await;
    }
}

#[tokio::test]
async fn a_transaction_that_wrote_nothing_never_conflicts() {
    let (server, tasks) = start(Storage::Memory, &[]).await;
    let transaction = tasks.begin().await;
    tasks.find(Some(&transaction), &["a"]).await.expect("it reads");

    tasks.put("a", Some(1)).await;

    tasks
        .commit(Some(&transaction), &[])
        .await
        .expect("it saw one moment");
    server.stop().await;
}

#[tokio::test]
async fn a_change_outside_of_what_a_query_read_is_no_conflict() {
    let (server, tasks) = start(Storage::Memory, &[]).await;
    tasks.put("a", Some(1)).await;
    let (narrow, wide) = (tasks.begin().await, tasks.begin().await);
    tasks
        .query(Some(&narrow), &[("v", 1)], "__key__")
        .await
        .expect("it reads");
    tasks.query(Some(&wide), &[], "v").await.expect("it reads");

    tasks.put("b", Some(2)).await;

    tasks
        .commit(Some(&narrow), &[("x".to_owned(), Some(7))])
        .await
        .expect("no task with v = 1 has changed");
    let refused = tasks.commit(Some(&wide), &[("y".to_owned(), Some(7))]).await;
    assert_eq!(refused.expect_err("it has read every task").code(), Code::Aborted);
    server.stop().await;
}

#[tokio::test]
async fn indexes_that_are_declared_later_find_what_is_there() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let storage = || Storage::File(directory.path().join("datastore.db"));
    let query = async |tasks: &Tasks| tasks.query(None, &[("w", 1)], "-v").await;
    let (server, tasks) = start(storage(), &[]).await;
    for (name, v) in [("a", 1), ("b", 2), ("c", 3)] {
        tasks.put(name, Some(v)).await;
    }
    assert_eq!(
        query(&tasks).await.expect_err("there is no index").code(),
        Code::FailedPrecondition
    );
    server.stop().await;

    let index = CompositeIndex {
        kind: "Task".to_owned(),
        ancestor: false,
        properties: vec![
            ("w".to_owned(), Direction::Ascending),
            ("v".to_owned(), Direction::Descending),
        ],
    };
    let (server, tasks) = start(storage(), &[index]).await;
    assert_eq!(query(&tasks).await.expect("there is one now"), "c a");
    server.stop().await;

    let (server, tasks) = start(storage(), &[]).await;
    assert_eq!(
        query(&tasks).await.expect_err("it is gone").code(),
        Code::FailedPrecondition
    );
    server.stop().await;
}

async fn start(storage: Storage, indexes: &[CompositeIndex]) -> (Server, Tasks) {
    let config = Config {
        storage,
        indexes: indexes.to_vec(),
        ..Config::default()
    };
    client::start(config).await
}
