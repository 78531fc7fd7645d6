//! Whatever is committed afterwards, a transaction sees the moment of its first read.

use std::collections::BTreeMap;

use emulator::datastore::{Config, Storage};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::client::{Tasks, start};

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

#[derive(Clone, Debug)]
enum Step {
    /// Writes some tasks in one commit; `None` deletes.
    Commit(BTreeMap<usize, Option<i64>>),
    /// Begins a transaction and has it read.
    Begin,
}

#[test]
fn a_transaction_sees_one_moment_in_memory() {
    run(48, |_| Storage::Memory);
}

#[test]
fn a_transaction_sees_one_moment_of_a_file() {
    run(12, |directory| Storage::File(directory.join("datastore.db")));
}

fn run(cases: u32, storage: impl Fn(&std::path::Path) -> Storage) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let settings = proptest::test_runner::Config {
        cases,
        failure_persistence: None,
        ..Default::default()
    };

    let outcome = TestRunner::new(settings).run(&prop::collection::vec(step(), 1..24), |steps| {
        let directory = tempfile::tempdir().expect("a directory can be made");
        runtime.block_on(check(storage(directory.path()), steps))
    });

    if let Err(difference) = outcome {
        panic!("{difference}");
    }
}

async fn check(storage: Storage, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let config = Config {
        storage,
        ..Config::default()
    };
    let (server, tasks) = start(config).await;
    let mut now = BTreeMap::new();
    let mut moments = Vec::new();

    for step in steps {
        match step {
            Step::Commit(changes) => {
                let named = changes.iter().map(|(place, v)| (NAMES[*place].to_owned(), *v));
                tasks
                    .commit(None, &named.collect::<Vec<_>>())
                    .await
                    .expect("it commits");
                for (place, v) in changes {
                    match v {
                        Some(v) => now.insert(NAMES[place], v),
                        None => now.remove(NAMES[place]),
                    };
                }
            }
            Step::Begin => {
                let transaction = tasks.begin().await;
                tasks.find(Some(&transaction), &["a"]).await.expect("it reads");
                moments.push((Some(transaction), now.clone()));
            }
        }
    }
    moments.push((None, now));
    for (transaction, then) in moments {
        compare(&tasks, transaction.as_deref(), &then).await?;
    }
    server.stop().await;
    Ok(())
}

async fn compare(
    tasks: &Tasks,
    transaction: Option<&[u8]>,
    then: &BTreeMap<&str, i64>,
) -> Result<(), TestCaseError> {
    let found = tasks.find(transaction, &NAMES).await.expect("it reads");
    prop_assert_eq!(found, then.values().copied().collect::<Vec<_>>());

    let by_name: Vec<_> = then.keys().copied().collect();
    let mut by_value: Vec<_> = then.iter().map(|(name, v)| (*v, *name)).collect();
    by_value.sort_unstable();
    let by_value: Vec<_> = by_value.into_iter().map(|(_, name)| name).collect();
    for (order, names) in [("__key__", by_name), ("v", by_value)] {
        let ascending = tasks.query(transaction, &[], order).await.expect("it reads");
        prop_assert_eq!(ascending, names.join(" "));
        let descending = tasks
            .query(transaction, &[], &format!("-{order}"))
            .await
            .expect("it reads");
        prop_assert_eq!(
            descending,
            names.iter().rev().copied().collect::<Vec<_>>().join(" ")
        );
    }

    let odd: Vec<_> = then
        .iter()
        .filter(|(_, v)| **v % 2 == 1)
        .map(|(name, _)| *name)
        .collect();
    let merged = tasks
        .query(transaction, &[("w", 1)], "__key__")
        .await
        .expect("it reads");
    prop_assert_eq!(merged, odd.join(" "));
    Ok(())
}

fn step() -> impl Strategy<Value = Step> {
    let changes = prop::collection::btree_map(0..NAMES.len(), prop::option::weighted(0.7, 0..4i64), 1..4);
    prop_oneof![
        3 => changes.prop_map(Step::Commit),
        1 => Just(Step::Begin),
    ]
}
