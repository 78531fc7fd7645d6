//! A wire that lies: what is known of a transaction when its answer is lost.

use std::time::Duration;

use database::{Commit, Db, Error, Settings, opt_out, sql};
use journeys::wire::mysql::{Proxy, Statement, runs};
use journeys::wire::{Fault, Rule};

use crate::deadlines::drop_after_polls;
use crate::engine::{World, on_mysql};
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
    let (wire, db) = over_a_wire(&world).await;
    let mut tx = db.begin().await.unwrap();
    opt_out::insert(&mut tx, "u1", noon()).await.unwrap();

    let _lost = wire.inject(Rule::new(Fault::DropReply, Statement::is_commit));
    let outcome = tx.commit().await;

    assert!(
        matches!(outcome, Commit::Unknown(Error::Unreachable(_))),
        "{outcome:?}"
    );
    assert_eq!(opt_out::find(&world.db, "u1").await.unwrap(), Some(noon()));
}

async fn a_commit_that_never_arrives_is_unknown_and_was_not_done(world: World) {
    let (wire, db) = over_a_wire(&world).await;
    let mut tx = db.begin().await.unwrap();
    opt_out::insert(&mut tx, "u1", noon()).await.unwrap();

    let _lost = wire.inject(Rule::new(Fault::DropRequest, Statement::is_commit));
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
    let (wire, db) = over_a_wire(&world).await;
    let mut tx = db.begin().await.unwrap();
    opt_out::insert(&mut tx, "u1", noon()).await.unwrap();

    let _hung = wire.inject(Rule::new(Fault::Hang, Statement::is_commit));
    let outcome = tx.commit().await;

    assert!(
        matches!(outcome, Commit::Unknown(Error::Unreachable(_))),
        "{outcome:?}"
    );
}

async fn a_commit_cut_short_closes_its_connection(world: World) {
    let (wire, db) = over_a_wire(&world).await;
    let mut tx = db.begin().await.unwrap();
    let before = connection_id(&mut tx).await;

    let hung = wire.inject(Rule::new(Fault::Hang, Statement::is_commit));
    drop_after_polls(async { tx.commit().await.repeatable() }, 1).await;
    drop(hung);

    let mut tx = db.begin().await.unwrap();
    assert_ne!(connection_id(&mut tx).await, before);
    tx.rollback().await;
}

async fn a_connection_lost_before_the_commit_is_not_committed(world: World) {
    let (wire, db) = over_a_wire(&world).await;
    let mut tx = db.begin().await.unwrap();
    opt_out::insert(&mut tx, "u1", noon()).await.unwrap();

    let _hung = wire.inject(Rule::new(Fault::Hang, runs("")));
    let lost = opt_out::insert(&mut tx, "u2", noon()).await;
    let outcome = tx.commit().await;

    assert!(matches!(lost, Err(Error::Unreachable(_))), "{lost:?}");
    assert!(
        matches!(outcome, Commit::NotCommitted(Error::Unreachable(_))),
        "{outcome:?}"
    );
}

async fn a_store_that_is_down_is_unreachable(world: World) {
    let (wire, db) = over_a_wire(&world).await;
    drop(wire);

    let read = opt_out::find(&db, "u1").await;
    let begun = db.begin().await;

    assert!(matches!(read, Err(Error::Unreachable(_))), "{read:?}");
    assert!(matches!(begun, Err(Error::Unreachable(_))), "{begun:?}");
}

async fn over_a_wire(world: &World) -> (Proxy, Db) {
    let (_, rest) = world.settings.url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let wire = Proxy::start(server, 0).await;
    let user = world.settings.url.strip_suffix(rest).unwrap();
    let db = Db::connect(&Settings {
        max_connections: 1,
        url: format!("{user}{}/{name}", wire.address()),
        connect_within: Duration::from_secs(1),
        answer_within: Duration::from_secs(1),
    })
    .await
    .unwrap();
    (wire, db)
}

async fn connection_id(tx: &mut database::Tx) -> i64 {
    sql("SELECT CONNECTION_ID() AS id")
        .fetch_one(tx)
        .await
        .unwrap()
        .get("id")
        .unwrap()
}
