//! A sink that is killed: what it answered is in the ledger, and the ledger goes on.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use emulator::sink::ledger::{Entry, Reader, sorted_by_push};
use serde_json::json;
use tokio_util::task::TaskTracker;

use super::world::client;
use crate::killable::{Killable, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answered_message_survives_a_kill() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = directory.path().join("ledger");
    let answered = Arc::new(Mutex::new(BTreeSet::new()));

    for life in 0..3 {
        let mut sink = Killable::start("sink", &ledger);
        let senders = send_until_it_dies(&sink, life, &answered);
        until("messages are answered", async || {
            answered.lock().unwrap().len() > 300 * (life + 1)
        })
        .await;
        sink.kill();
        senders.wait().await;
    }

    let answered = answered.lock().unwrap();
    let written: BTreeSet<String> = push_ids(Reader::open(&ledger).unwrap());
    let sorted: Vec<String> = sorted_push_ids(&ledger);
    assert!(
        written.is_superset(&answered),
        "{:?}",
        answered.difference(&written).collect::<Vec<_>>()
    );
    assert_eq!(sorted, written.into_iter().collect::<Vec<_>>());
}

/// Eight senders, each one message after the other, until the sink is gone.
fn send_until_it_dies(sink: &Killable, life: usize, answered: &Arc<Mutex<BTreeSet<String>>>) -> TaskTracker {
    let senders = TaskTracker::new();
    let (client, url) = (client(), sink.url("/v1/projects/demo/messages:send"));
    for sender in 0..8 {
        let (client, url, answered) = (client.clone(), url.clone(), answered.clone());
        senders.spawn(async move {
            for n in 0.. {
                let push = format!("p-{life}-{sender}-{n}");
                let body = json!({ "message": { "token": "t", "data": { "push_id": &push } } });
                let request = client.post(&url).bearer_auth("b").body(body.to_string());
                match request.send().await {
                    Ok(answer) if answer.status() == 200 => answered.lock().unwrap().insert(push),
                    Ok(_) | Err(_) => return,
                };
            }
        });
    }
    senders.close();
    senders
}

fn push_ids<T: FromIterator<String>>(entries: impl Iterator<Item = io::Result<Entry>>) -> T {
    entries.map(|entry| entry.unwrap().push_id).collect()
}

fn sorted_push_ids(ledger: &Path) -> Vec<String> {
    push_ids(sorted_by_push(ledger, 0).unwrap())
}
