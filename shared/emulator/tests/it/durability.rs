//! What a file keeps when its process is killed.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use emulator::datastore::{Config, OpenError, Server, StartError, Storage};

use crate::client::Tasks;

const COMMITTERS: usize = 8;
const ENTITIES_A_COMMIT: usize = 50;

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill_and_nothing_is_half_there() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let file = directory.path().join("datastore.db");
    let (process, tasks) = start(&file).await;
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
        while total() < 60 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        process.kill()
    };
    let (attempted, ()) = tokio::join!(futures::future::join_all(commits), killing);

    let (_process, tasks) = start(&file).await;
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
async fn versions_go_on_rising_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let storage = || Storage::File(directory.path().join("datastore.db"));
    let mut last = 0;

    for v in 0..3 {
        let config = Config {
            storage: storage(),
            ..Config::default()
        };
        let server = Server::start(config, ([127, 0, 0, 1], 0).into())
            .await
            .expect("it starts");
        let tasks = Tasks::at(server.address()).await.expect("it listens");
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

/// The example server in a process of its own, killed at the latest when this is dropped.
struct Process(Mutex<Child>);

impl Process {
    fn kill(&self) {
        let mut child = self.0.lock().expect("nobody panics with it");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn start(file: &Path) -> (Process, Tasks) {
    let address = free_address();
    let child = Command::new(example()).arg(address.to_string()).arg(file).spawn();
    let process = Process(Mutex::new(child.expect("the example was built with the tests")));
    for _ in 0..500 {
        if let Ok(tasks) = Tasks::at(address).await {
            return (process, tasks);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the server does not listen within five seconds");
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it is bound")
}

/// Tests lie in `deps`, beside `examples`.
fn example() -> PathBuf {
    let test = std::env::current_exe().expect("the test has a path");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("tests lie in a directory of the profile's");
    profile.join("examples").join("datastore")
}
