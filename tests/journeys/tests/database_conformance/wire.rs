//! A wire that lies: what is known of a transaction when its answer is lost.

use std::time::Duration;

use database::{Commit, Db, Error, Settings, opt_out, sql};

use crate::deadlines::{drop_after_polls, eventually};
use crate::engine::{World, on_mysql};
use crate::proxy::{Lie, Proxy};
use crate::write::noon;

on_mysql! {
    a_commit_whose_answer_is_lost_is_unknown_and_was_done
    a_commit_that_never_arrives_is_unknown_and_was_not_done
    a_commit_without_an_answer_is_unknown_after_the_time_limit
    a_commit_cut_short_closes_its_connection
    a_connection_lost_before_the_commit_is_not_committed
    a_store_that_is_down_is_unreachable
}

async fn a_commit_whose_answer_is_lost_is_unknown_and_was_done(world: World) {
    let (proxy, db) = through_proxy(&world).await;
    let mut tx = db.begin().await.unwrap();
    opt_out::insert(&mut tx, "u1", noon()).await.unwrap();

    proxy.tell(Lie::LoseCommitAnswer);
    let outcome = tx.commit().await;

    assert!(
        matches!(outcome, Commit::Unknown(Error::Unreachable(_))),
        "{outcome:?}"
    );
    eventually("the commit is there", || async {
        opt_out::find(&world.db, "u1").await.unwrap() == Some(noon())
    })
    .await;
}

async fn a_commit_that_never_arrives_is_unknown_and_was_not_done(world: World) {
    let (proxy, db) = through_proxy(&world).await;
    let mut tx = db.begin().await.unwrap();
    opt_out::insert(&mut tx, "u1", noon()).await.unwrap();

    proxy.tell(Lie::LoseCommit);
    let outcome = tx.commit().await;

    assert!(
        matches!(outcome, Commit::Unknown(Error::Unreachable(_))),
        "{outcome:?}"
    );
    // The server rolls back when it notices; the row's lock tells when that is over.
    let mut tx = world.db.begin().await.unwrap();
    opt_out::insert(&mut tx, "u1", noon()).await.unwrap();
    tx.rollback().await;
    assert_eq!(opt_out::find(&world.db, "u1").await.unwrap(), None);
}

async fn a_commit_without_an_answer_is_unknown_after_the_time_limit(world: World) {
    let (proxy, db) = through_proxy(&world).await;
    let mut tx = db.begin().await.unwrap();
    opt_out::insert(&mut tx, "u1", noon()).await.unwrap();

    proxy.tell(Lie::Hang);
    let outcome = tx.commit().await;

    assert!(
        matches!(outcome, Commit::Unknown(Error::Unreachable(_))),
        "{outcome:?}"
    );
}

async fn a_commit_cut_short_closes_its_connection(world: World) {
    let (proxy, db) = through_proxy(&world).await;
    let mut tx = db.begin().await.unwrap();
    let before = connection_id(&mut tx).await;

    proxy.tell(Lie::Hang);
    drop_after_polls(async { tx.commit().await.repeatable() }, 1).await;
    proxy.tell(Lie::None);

    let mut tx = db.begin().await.unwrap();
    assert_ne!(connection_id(&mut tx).await, before);
    tx.rollback().await;
}

async fn a_connection_lost_before_the_commit_is_not_committed(world: World) {
    let (proxy, db) = through_proxy(&world).await;
    let mut tx = db.begin().await.unwrap();
    opt_out::insert(&mut tx, "u1", noon()).await.unwrap();

    proxy.tell(Lie::Hang);
    let lost = opt_out::insert(&mut tx, "u2", noon()).await;
    let outcome = tx.commit().await;

    assert!(matches!(lost, Err(Error::Unreachable(_))), "{lost:?}");
    assert!(
        matches!(outcome, Commit::NotCommitted(Error::Unreachable(_))),
        "{outcome:?}"
    );
}

async fn a_store_that_is_down_is_unreachable(world: World) {
    let (proxy, db) = through_proxy(&world).await;
    drop(proxy);

    let read = opt_out::find(&db, "u1").await;
    let begun = db.begin().await;

    assert!(matches!(read, Err(Error::Unreachable(_))), "{read:?}");
    assert!(matches!(begun, Err(Error::Unreachable(_))), "{begun:?}");
}

async fn through_proxy(world: &World) -> (Proxy, Db) {
    let (_, rest) = world.settings.url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let proxy = Proxy::start(server.to_owned()).await;
    let user = world.settings.url.strip_suffix(rest).unwrap();
    let db = Db::connect(&Settings {
        max_connections: 1,
        // The proxy reads frames, so they must be in clear.
        url: format!("{user}{}/{name}?ssl-mode=DISABLED", proxy.address),
        connect_within: Duration::from_secs(1),
        answer_within: Duration::from_secs(1),
    })
    .await
    .unwrap();
    (proxy, db)
}

async fn connection_id(tx: &mut database::Tx) -> i64 {
    sql("SELECT CONNECTION_ID() AS id")
        .fetch_one(tx)
        .await
        .unwrap()
        .get("id")
        .unwrap()
}
