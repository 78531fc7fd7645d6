//! Traps of transactions: cut short, doomed, locked out, at rest.

use std::sync::Mutex;

use database::{Commit, Db, Error, Settings, Tx, opt_out, sql};
use tokio::task::JoinSet;

use crate::deadlines::{drop_after_polls, eventually};
use crate::engine::{World, on_every_engine, on_mysql, on_sqlite};
use crate::write::{commit, noon, seconds, write};

on_every_engine! {
    a_begin_dropped_before_its_answer_poisons_nobody
    a_transaction_dropped_unfinished_leaves_nothing
    a_commit_dropped_before_its_answer_is_all_or_nothing
    concurrent_writers_wait_instead_of_failing
    a_unique_violation_leaves_the_transaction_usable
    any_other_error_dooms_the_transaction
    a_statement_cut_short_dooms_the_transaction
    a_lock_that_is_not_to_be_had_is_busy
}

on_sqlite! {
    who_begins_ahead_waits_for_one_other_at_most
}

on_mysql! {
    a_deadlock_undoes_and_dooms_the_whole_transaction
    no_transaction_is_open_at_rest
}

async fn a_begin_dropped_before_its_answer_poisons_nobody(world: World) {
    let db = with_one_connection(&world).await;
    for polls in 1..=40 {
        let user = format!("u{polls}");
        drop_after_polls(db.begin(), polls).await;

        write!(db, |tx| opt_out::insert(tx, &user, noon()));

        let since = opt_out::find(&world.db, &user).await.unwrap();
        assert_eq!(since, Some(noon()), "lost after a begin dropped at poll {polls}");
    }
}

async fn a_transaction_dropped_unfinished_leaves_nothing(world: World) {
    let db = with_one_connection(&world).await;
    let mut tx = db.begin().await.unwrap();
    opt_out::insert(&mut tx, "u1", noon()).await.unwrap();

    drop(tx);

    write!(db, |tx| opt_out::insert(tx, "u2", noon()));
    assert_eq!(opt_out::find(&world.db, "u1").await.unwrap(), None);
    assert_eq!(opt_out::find(&world.db, "u2").await.unwrap(), Some(noon()));
}

async fn a_commit_dropped_before_its_answer_is_all_or_nothing(world: World) {
    let db = with_one_connection(&world).await;
    for polls in 1..=20 {
        let (left, right) = (format!("left{polls}"), format!("right{polls}"));
        let mut tx = db.begin().await.unwrap();
        opt_out::insert(&mut tx, &left, noon()).await.unwrap();
        opt_out::insert(&mut tx, &right, noon()).await.unwrap();

        drop_after_polls(async { tx.commit().await.repeatable() }, polls).await;

        // A lock on the row, as the contract of an unknown outcome asks for.
        let mut tx = db.begin().await.unwrap();
        let lock = "SELECT user_id FROM opt_out WHERE user_id IN (?..) FOR UPDATE";
        let rows = sql(lock)
            .bind_list([&left, &right])
            .fetch_all(&mut tx)
            .await
            .unwrap();
        tx.rollback().await;
        assert!(
            rows.is_empty() || rows.len() == 2,
            "half a transaction at poll {polls}"
        );
    }
}

async fn concurrent_writers_wait_instead_of_failing(world: World) {
    let databases = [world.db.clone(), world.another_process().await];
    write!(world.db, |tx| database::fan_out_progress::insert(
        tx,
        campaign::CampaignId::allocate()
    ));
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let db = databases[writer % 2].clone();
        writers.spawn(async move {
            for _ in 0..10 {
                // Read, then write: what a deferred transaction of SQLite fails at.
                let mut tx = db.begin().await?;
                let row = sql("SELECT begun FROM fan_out_progress FOR UPDATE")
                    .fetch_one(&mut tx)
                    .await?;
                let next = row.get::<u32>("begun")? + 1;
                sql("UPDATE fan_out_progress SET begun = ?")
                    .bind(next)
                    .execute(&mut tx)
                    .await?;
                tx.commit().await.repeatable()?;
            }
            Ok::<_, Error>(())
        });
    }

    let outcomes = writers.join_all().await;

    for outcome in outcomes {
        outcome.unwrap();
    }
    let row = sql("SELECT begun FROM fan_out_progress")
        .fetch_one(&world.db)
        .await
        .unwrap();
    assert_eq!(row.get::<u32>("begun").unwrap(), 80);
}

async fn who_begins_ahead_waits_for_one_other_at_most(world: World) {
    let writing = world.db.begin().await.unwrap();
    let begun = Mutex::new(Vec::new());
    let take_turn = async |name, tx: Result<Tx, Error>| {
        begun.lock().unwrap().push(name);
        tx.unwrap().rollback().await;
    };

    // They queue up in this order, before the writer ends.
    tokio::join!(
        biased;
        async { take_turn("first", world.db.begin().await).await },
        async { take_turn("second", world.db.begin().await).await },
        async { take_turn("third", world.db.begin().await).await },
        async { take_turn("ahead", world.db.begin_ahead().await).await },
        writing.rollback(),
    );

    assert_eq!(begun.into_inner().unwrap(), ["first", "ahead", "second", "third"]);
}

async fn a_unique_violation_leaves_the_transaction_usable(world: World) {
    let insert = "INSERT INTO opt_out (user_id, since) VALUES (?, ?)";
    let mut tx = world.db.begin().await.unwrap();
    sql(insert)
        .bind("u1")
        .bind(noon())
        .execute(&mut tx)
        .await
        .unwrap();

    let again = sql(insert).bind("u1").bind(noon()).execute(&mut tx).await;

    match again {
        Err(Error::UniqueViolation(cause)) => assert!(!format!("{cause} {cause:?}").contains("u1")),
        other => panic!("{other:?}"),
    }
    sql(insert)
        .bind("u2")
        .bind(noon())
        .execute(&mut tx)
        .await
        .unwrap();
    commit(tx).await;
    assert_eq!(
        opt_out::list_among(&world.db, &["u1", "u2"]).await.unwrap().len(),
        2
    );
}

async fn any_other_error_dooms_the_transaction(world: World) {
    let mut tx = world.db.begin().await.unwrap();
    opt_out::insert(&mut tx, "u1", noon()).await.unwrap();

    let failed = sql("SELECT nothing FROM opt_out").fetch_all(&mut tx).await;

    assert!(failed.is_err());
    assert!(opt_out::insert(&mut tx, "u2", noon()).await.is_err());
    assert!(matches!(tx.commit().await, Commit::NotCommitted(_)));
    assert!(
        opt_out::list_among(&world.db, &["u1", "u2"])
            .await
            .unwrap()
            .is_empty()
    );
}

async fn a_statement_cut_short_dooms_the_transaction(world: World) {
    let mut tx = world.db.begin().await.unwrap();

    // Long enough that no engine answers at the first poll.
    let slow = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) \
                SELECT COUNT(*) AS pairs FROM n AS a, n AS b";

    drop_after_polls(sql(slow).fetch_all(&mut tx), 1).await;

    assert!(matches!(
        opt_out::insert(&mut tx, "u2", noon()).await,
        Err(Error::Unreachable(_))
    ));
    assert!(matches!(tx.commit().await, Commit::NotCommitted(_)));
    // The former connection may still be closing; its lock goes with it.
    write!(world.db, |tx| opt_out::insert(tx, "u3", noon()));
    assert_eq!(
        opt_out::list_among(&world.db, &["u2", "u3"]).await.unwrap().len(),
        1
    );
}

async fn a_lock_that_is_not_to_be_had_is_busy(world: World) {
    let other = Db::connect(&Settings {
        connect_within: std::time::Duration::from_millis(200),
        ..world.settings.clone()
    })
    .await
    .unwrap();
    write!(world.db, |tx| opt_out::insert(tx, "u1", noon()));
    let mut holder = world.db.begin().await.unwrap();
    sql("UPDATE opt_out SET since = since")
        .execute(&mut holder)
        .await
        .unwrap();

    // SQLite has its one lock at the beginning, MySQL a row's at the statement.
    let refused = async {
        let mut tx = other.begin().await?;
        sql("SELECT since FROM opt_out WHERE user_id = 'u1' FOR UPDATE")
            .fetch_all(&mut tx)
            .await
    }
    .await;

    assert!(matches!(refused, Err(Error::Busy(_))), "{refused:?}");
    holder.rollback().await;
}

async fn a_deadlock_undoes_and_dooms_the_whole_transaction(world: World) {
    write!(world.db, |tx| opt_out::insert(tx, "a", noon()));
    write!(world.db, |tx| opt_out::insert(tx, "b", noon()));
    let (mut first, mut second) = (world.db.begin().await.unwrap(), world.db.begin().await.unwrap());
    touch(&mut first, "a").await.unwrap();
    touch(&mut second, "b").await.unwrap();

    let (outcome_first, outcome_second) = tokio::join!(touch(&mut first, "b"), touch(&mut second, "a"));

    let (mut victim, winner) = match (outcome_first, outcome_second) {
        (Err(Error::Busy(_)), Ok(())) => (first, second),
        (Ok(()), Err(Error::Busy(_))) => (second, first),
        other => panic!("no single victim: {other:?}"),
    };
    // In autocommit this would be kept.
    assert!(opt_out::insert(&mut victim, "c", noon()).await.is_err());
    assert!(matches!(
        victim.commit().await,
        Commit::NotCommitted(Error::Busy(_))
    ));
    commit(winner).await;
    assert_eq!(opt_out::find(&world.db, "c").await.unwrap(), None);
}

async fn no_transaction_is_open_at_rest(world: World) {
    let db = with_one_connection(&world).await;
    for polls in 1..=10 {
        drop_after_polls(db.begin(), polls).await;
        let mut tx = db.begin().await.unwrap();
        opt_out::insert(&mut tx, &format!("u{polls}"), noon())
            .await
            .unwrap();
        drop_after_polls(async { tx.commit().await.repeatable() }, polls).await;
    }
    let mut unfinished = db.begin().await.unwrap();
    opt_out::insert(&mut unfinished, "unfinished", noon())
        .await
        .unwrap();
    drop(unfinished);

    eventually("no transaction is open", || async {
        let open = "SELECT COUNT(*) AS open FROM information_schema.innodb_trx AS trx \
                    JOIN information_schema.processlist AS process ON process.id = trx.trx_mysql_thread_id \
                    WHERE process.db = DATABASE()";
        sql(open)
            .fetch_one(&world.db)
            .await
            .unwrap()
            .get::<i64>("open")
            .unwrap()
            == 0
    })
    .await;
}

async fn with_one_connection(world: &World) -> Db {
    let settings = Settings {
        max_connections: 1,
        ..world.settings.clone()
    };
    Db::connect(&settings).await.unwrap()
}

async fn touch(tx: &mut Tx, user: &str) -> Result<(), Error> {
    let matched = sql("UPDATE opt_out SET since = ? WHERE user_id = ?")
        .bind(noon() + seconds(1))
        .bind(user)
        .execute(tx)
        .await?;
    assert_eq!(matched, 1);
    Ok(())
}
