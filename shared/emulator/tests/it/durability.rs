//! What a file keeps when its process is killed.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use emulator::datastore::{Config, OpenError, Server, StartError, Storage};

use crate::client::{Tasks, start};
use crate::killable::{Killable, until};

const COMMITTERS: usize = 8;
const ENTITIES_A_COMMIT: usize = 50;

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_and_nothing_is_half_there() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let file = directory.path().join("datastore.db");
    let mut process = Killable::start("datastore", &file);
    let tasks = Tasks::at(&process.url("")).await;
    let acknowledged: [AtomicUsize; COMMITTERS] = Default::default();

    let commits = (0..COMMITTERS).map(|committer| {
        let (tasks, acknowledged) = (tasks.clone(), &acknowledged[committer]);
        async move {
            for number in 0.. {
                if tasks.commit(None, &batch(committer, number)).await.is_err() {
                    return number;
                }
                acknowledged.fetch_add(1, Ordering::SeqCst);
            }
            0
        }
    });
    let total = || {
        acknowledged
            .iter()
            .map(|count| count.load(Ordering::SeqCst))
            .sum::<usize>()
    };
    let killing = async {
        until("commits are acknowledged", async || total() >= 60).await;
        process.kill();
    };
    let (attempted, ()) = tokio::join!(futures::future::join_all(commits), killing);

    let process = Killable::start("datastore", &file);
    let tasks = Tasks::at(&process.url("")).await;
    for (committer, last) in attempted.into_iter().enumerate() {
        for number in 0..=last {
            let names = batch(committer, number)
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let found = tasks.find(None, &names).await.expect("it is answered").len();
            let was_acknowledged = number < acknowledged[committer].load(Ordering::SeqCst);
            assert!(
                found == ENTITIES_A_COMMIT || (found == 0 && !was_acknowledged),
                "{found} of {number}"
            );
        }
    }
}

#[tokio::test]
async fn a_second_server_on_a_file_is_told_that_it_is_in_use() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let config = || Config {
        storage: Storage::File(directory.path().join("datastore.db")),
        ..Config::default()
    };
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let first = Server::start(config(), listen).await.expect("it starts");

    let second = Server::start(config(), listen).await;

    assert!(
        matches!(second, Err(StartError::Storage(OpenError::InUse(_)))),
        "{second:?}"
    );
    first.stop().await;
    Server::start(config(), listen)
        .await
        .expect("it is free again")
        .stop()
        .await;
}

#[tokio::test]
async fn a_file_of_another_program_is_left_alone() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let path = directory.path().join("other.db");
    let other = rusqlite::Connection::open(&path).expect("it can be made");
    other
        .execute_batch("CREATE TABLE entity (mine TEXT)")
        .expect("it has a table");
    let config = Config {
        storage: Storage::File(path),
        ..Config::default()
    };

    let refused = Server::start(config, SocketAddr::from(([127, 0, 0, 1], 0))).await;

    assert!(
        matches!(refused, Err(StartError::Storage(OpenError::Format(_, 0)))),
        "{refused:?}"
    );
    let tables = other.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0));
    assert_eq!(tables, Ok(1));
}

#[tokio::test]
async fn versions_go_on_rising_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let storage = || Storage::File(directory.path().join("datastore.db"));
    let mut last = 0;

    for v in 0..3 {
        let (server, tasks) = start(Config {
            storage: storage(),
            ..Config::default()
        })
        .await;
        let answer = tasks
            .commit(None, &[("a".to_owned(), Some(v))])
            .await
            .expect("it commits");
        assert!(answer.mutation_results[0].version > last);
        last = answer.mutation_results[0].version;
        server.stop().await;
    }
}

fn batch(committer: usize, number: usize) -> Vec<(String, Option<i64>)> {
    let task = |entity| (format!("{committer}-{number}-{entity}"), Some(1));
    (0..ENTITIES_A_COMMIT).map(task).collect()
}
