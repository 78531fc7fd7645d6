//! What transactions may rely on.

use gcloud_sdk::google::datastore::v1 as wire;
use tonic::{Code, Status};
use wire::commit_request::{Mode, TransactionSelector};
use wire::property_filter::Operator;
use wire::read_options::ConsistencyType;
use wire::transaction_options;
use wire::value::ValueType;

use crate::words::{QueryWords, delete, insert, inside, int, names, properties, query, upsert, value};
use crate::world::World;

pub(crate) async fn a_committed_transaction_is_closed(world: &World) {
    let transaction = world.begin().await;
    let write = || vec![upsert(world.entity("Task/a", &[("v", int(1))]))];
    world.commit_in(&transaction, write()).await.expect("it commits");

    let again = world.commit_in(&transaction, write()).await.map(|_| ());
    let read = world.lookup(&["Task/a"], inside(&transaction)).await.map(|_| ());

    for refused in [again, read] {
        let status = refused.expect_err("it is closed");
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("invalid or closed"), "{status}");
    }
}

pub(crate) async fn a_rolled_back_transaction_is_closed_and_rolling_back_again_is_no_error(world: &World) {
    let transaction = world.begin().await;

    world.roll_back(&transaction).await.expect("it is rolled back");
    world.roll_back(&transaction).await.expect("it stays rolled back");

    let refused = world
        .commit_in(&transaction, vec![upsert(world.entity("Task/a", &[]))])
        .await;
    assert_eq!(refused.expect_err("it is closed").code(), Code::InvalidArgument);
    assert!(world.find("Task/a").await.is_none());
}

pub(crate) async fn a_transaction_that_is_none_is_refused(world: &World) {
    let refused = [
        world.commit_in(b"no transaction", vec![]).await.map(|_| ()),
        world
            .lookup(&["Task/a"], inside(b"no transaction"))
            .await
            .map(|_| ()),
        world.roll_back(b"no transaction").await,
    ];

    for refused in refused {
        assert_eq!(refused.expect_err("it is refused").code(), Code::InvalidArgument);
    }
}

pub(crate) async fn a_read_only_transaction_refuses_writes(world: &World) {
    world.put(vec![world.entity("Task/a", &[("v", int(1))])]).await;
    let read_only = transaction_options::Mode::ReadOnly(transaction_options::ReadOnly::default());
    let transaction = world
        .begin_with(Some(wire::TransactionOptions {
            mode: Some(read_only),
        }))
        .await;
    let read = world.lookup(&["Task/a"], inside(&transaction)).await;

    let refused = world
        .commit_in(&transaction, vec![delete(world.key("Task/a"))])
        .await;

    assert_eq!(read.expect("it reads").found.len(), 1);
    assert_eq!(
        refused.expect_err("it does not write").code(),
        Code::InvalidArgument
    );
    assert!(world.find("Task/a").await.is_some());
}

pub(crate) async fn a_mode_must_fit_its_transaction(world: &World) {
    let transaction = TransactionSelector::Transaction(world.begin().await);

    let refused = [
        world.send_commit(Mode::Transactional, None, vec![]).await,
        world.send_commit(Mode::Unspecified, None, vec![]).await,
        world
            .send_commit(Mode::NonTransactional, Some(transaction), vec![])
            .await,
    ];

    for refused in refused {
        assert_eq!(refused.expect_err("it is refused").code(), Code::InvalidArgument);
    }
}

pub(crate) async fn of_two_transactions_that_change_what_they_read_at_most_one_commits(world: &World) {
    world.put(vec![world.entity("Task/a", &[("v", int(0))])]).await;
    let (left, right) = (world.begin().await, world.begin().await);
    for transaction in [&left, &right] {
        world
            .lookup(&["Task/a"], inside(transaction))
            .await
            .expect("both read");
    }

    let write = |number| vec![upsert(world.entity("Task/a", &[("v", int(number))]))];
    let outcomes = tokio::join!(
        world.commit_in(&left, write(1)),
        world.commit_in(&right, write(2))
    );

    let winner = the_one_that_committed(outcomes);
    assert_eq!(world.number("Task/a", "v").await, winner.or(Some(0)));
}

pub(crate) async fn of_two_transactions_that_fill_the_same_gap_at_most_one_commits(world: &World) {
    let (left, right) = (world.begin().await, world.begin().await);
    for transaction in [&left, &right] {
        let answer = world
            .lookup(&["Task/a"], inside(transaction))
            .await
            .expect("both read");
        assert_eq!(answer.missing.len(), 1);
    }

    let write = |number| vec![upsert(world.entity("Task/a", &[("v", int(number))]))];
    let outcomes = tokio::join!(
        world.commit_in(&left, write(1)),
        world.commit_in(&right, write(2))
    );

    let winner = the_one_that_committed(outcomes);
    assert_eq!(world.number("Task/a", "v").await, winner);
}

pub(crate) async fn of_two_transactions_that_count_and_insert_at_most_one_commits(world: &World) {
    world.put(vec![world.entity("Chunk/c", &[])]).await;
    let ancestor = value(ValueType::KeyValue(world.key("Chunk/c")));
    let members = query("Task").filter("__key__", Operator::HasAncestor, ancestor);
    let (left, right) = (world.begin().await, world.begin().await);
    for transaction in [&left, &right] {
        let answer = world
            .run_with(members.clone(), inside(transaction))
            .await
            .expect("both count");
        assert!(
            answer
                .batch
                .expect("an answer has a batch")
                .entity_results
                .is_empty()
        );
    }

    let write = |number: i64| vec![insert(world.entity(&format!("Chunk/c/Task/{number}"), &[]))];
    let outcomes = tokio::join!(
        world.commit_in(&left, write(1)),
        world.commit_in(&right, write(2))
    );

    let winner = the_one_that_committed(outcomes);
    assert_eq!(
        world.names(members).await,
        winner.map(|id| id.to_string()).unwrap_or_default()
    );
}

pub(crate) async fn transactions_on_different_entities_both_commit(world: &World) {
    world
        .put(vec![
            world.entity("Task/a", &[("v", int(0))]),
            world.entity("Task/b", &[("v", int(0))]),
        ])
        .await;
    let (left, right) = (world.begin().await, world.begin().await);
    world.lookup(&["Task/a"], inside(&left)).await.expect("it reads");
    world.lookup(&["Task/b"], inside(&right)).await.expect("it reads");

    let outcomes = tokio::join!(
        world.commit_in(&left, vec![upsert(world.entity("Task/a", &[("v", int(1))]))]),
        world.commit_in(&right, vec![upsert(world.entity("Task/b", &[("v", int(1))]))]),
    );

    outcomes.0.expect("nobody is in its way");
    outcomes.1.expect("nobody is in its way");
}

pub(crate) async fn a_transaction_that_only_inserts_meets_nobody(world: &World) {
    let (left, right) = (world.begin().await, world.begin().await);

    world
        .commit_in(&right, vec![insert(world.entity("Task/b", &[]))])
        .await
        .expect("it commits");
    world
        .commit_in(&left, vec![insert(world.entity("Task/a", &[]))])
        .await
        .expect("it commits");

    assert!(world.find("Task/a").await.is_some());
}

pub(crate) async fn a_query_can_begin_a_transaction(world: &World) {
    world.put(vec![world.entity("Task/a", &[("v", int(1))])]).await;
    let new = ConsistencyType::NewTransaction(wire::TransactionOptions::default());

    let answer = world
        .run_with(query("Task"), Some(new))
        .await
        .expect("it is answered");

    assert!(!answer.transaction.is_empty());
    assert_eq!(names(&answer.batch.expect("an answer has a batch")), "a");
    world.roll_back(&answer.transaction).await.expect("it is open");
}

pub(crate) async fn money_is_neither_made_nor_lost(world: &World) {
    const ACCOUNTS: usize = 4;
    const TRANSFERS: usize = 12;
    let name = |account: usize| format!("Account/{}", account % ACCOUNTS + 1);
    world
        .put(
            (0..ACCOUNTS)
                .map(|account| world.entity(&name(account), &[("v", int(100))]))
                .collect(),
        )
        .await;

    let transfer = async |number: usize| {
        let (from, to) = (name(number), name(number + 1 + number % 3));
        let transaction = world.begin().await;
        let (from_has, to_has) = tokio::try_join!(
            balance(world, &transaction, &from),
            balance(world, &transaction, &to)
        )?;
        let moved = i64::try_from(number).expect("it is small");
        let writes = [(&from, from_has - moved), (&to, to_has + moved)];
        let writes = writes.map(|(name, has)| upsert(world.entity(name, &[("v", int(has))])));
        world.commit_in(&transaction, writes.to_vec()).await.map(|_| ())
    };
    let outcomes = futures::future::join_all((0..TRANSFERS).map(transfer)).await;

    for status in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(status.code(), Code::Aborted, "{status}");
    }
    let mut total = 0;
    for account in 0..ACCOUNTS {
        total += world
            .number(&name(account), "v")
            .await
            .expect("the account is there");
    }
    assert_eq!(total, 400);
}

async fn balance(world: &World, transaction: &[u8], name: &str) -> Result<i64, Status> {
    let found = world.lookup(&[name], inside(transaction)).await?.found;
    match properties(&found[0])["v"].value_type {
        Some(ValueType::IntegerValue(balance)) => Ok(balance),
        _ => panic!("an account has a balance"),
    }
}

/// Which of two commits went through, if one did: a Datastore that waits for locks may give up
/// both. Whatever did not must have been told to begin again.
fn the_one_that_committed(
    outcomes: (
        Result<wire::CommitResponse, Status>,
        Result<wire::CommitResponse, Status>,
    ),
) -> Option<i64> {
    let (left, right) = (outcomes.0.map(|_| 1), outcomes.1.map(|_| 2));
    for outcome in [&left, &right] {
        if let Err(status) = outcome {
            assert_eq!(status.code(), Code::Aborted, "{status}");
        }
    }
    assert!(
        left.is_err() || right.is_err(),
        "both committed what they had read before the other"
    );
    left.or(right).ok()
}
