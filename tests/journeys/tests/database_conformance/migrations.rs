//! The schema's history.

use database::migrate::{self, State};
use database::{Db, Error, Settings, create_database, drop_database, opt_out, sql};
use tokio::task::JoinSet;

use crate::engine::{Engine, World, on_every_engine};
use crate::write::write;

on_every_engine! {
    migrations_run_by_two_at_once_run_once
    a_repeat_of_the_migrations_does_nothing
    a_database_that_was_never_migrated_has_all_of_them_pending
    a_statement_on_a_database_that_was_never_migrated_says_so
    a_migration_of_another_version_is_foreign_and_stops_the_runner
}

async fn migrations_run_by_two_at_once_run_once(world: World) {
    let (settings, _directory) = empty(&world).await;
    let mut runners = JoinSet::new();
    for _ in 0..4 {
        let db = Db::connect(&settings).await.unwrap();
        runners.spawn(async move { migrate::run(&db).await });
    }

    let outcomes = runners.join_all().await;

    for outcome in outcomes {
        outcome.unwrap();
    }
    let db = Db::connect(&settings).await.unwrap();
    let status = migrate::status(&db).await.unwrap();
    assert!(
        status.iter().all(|status| status.state == State::Applied),
        "{status:?}"
    );
    db.close().await;
    drop_database(&settings).await.unwrap();
}

async fn a_repeat_of_the_migrations_does_nothing(world: World) {
    let before = migrate::status(&world.db).await.unwrap();

    migrate::run(&world.db).await.unwrap();

    assert_eq!(migrate::status(&world.db).await.unwrap(), before);
}

async fn a_database_that_was_never_migrated_has_all_of_them_pending(world: World) {
    let (settings, _directory) = empty(&world).await;
    let db = Db::connect(&settings).await.unwrap();

    let status = migrate::status(&db).await.unwrap();

    assert!(!status.is_empty());
    assert!(
        status.iter().all(|status| status.state == State::Pending),
        "{status:?}"
    );
    db.close().await;
    drop_database(&settings).await.unwrap();
}

async fn a_statement_on_a_database_that_was_never_migrated_says_so(world: World) {
    let (settings, _directory) = empty(&world).await;
    let db = Db::connect(&settings).await.unwrap();

    let found = opt_out::find(&db, "u1").await;

    assert!(matches!(found, Err(Error::Unsuitable(_))), "{found:?}");
    db.close().await;
    drop_database(&settings).await.unwrap();
}

async fn a_migration_of_another_version_is_foreign_and_stops_the_runner(world: World) {
    let insert = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                  VALUES (999, 'later', ?, ?, 0)";
    write!(world.db, |tx| sql(insert).bind(true).bind([0; 48]).execute(tx));

    let status = migrate::status(&world.db).await.unwrap();
    let run = migrate::run(&world.db).await;

    assert_eq!(status.last().unwrap().state, State::Foreign);
    assert!(matches!(run, Err(Error::Unsuitable(_))), "{run:?}");
}

/// A database beside the world's, without a schema.
async fn empty(world: &World) -> (Settings, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let url = match world.engine {
        Engine::Sqlite => format!("sqlite:{}", directory.path().join("empty.db").display()),
        Engine::MySql => format!("{}_empty", world.settings.url),
    };
    let settings = Settings::new(url);
    create_database(&settings).await.unwrap();
    (settings, directory)
}
