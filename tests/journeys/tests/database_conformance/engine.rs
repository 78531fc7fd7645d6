//! A database of its own for every case, on each engine.
//!
//! A case is a function of a [`World`]; [`on_every_engine!`] stamps it as one test for each
//! engine. MySQL's is skipped where no server is named. A case runs in a
//! task of its own: what it awaits is `Send`, and its database is dropped even if it fails.

use std::future::Future;

use database::{Db, Settings, create_database, drop_database, migrate};
use tempfile::TempDir;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Sqlite,
    MySql,
}

/// A migrated database and how to reach it.
pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) settings: Settings,
    pub(crate) db: Db,
    /// Keeps SQLite's file until the end.
    _directory: TempDir,
}

impl World {
    /// Another set of connections to the same database, as another process has.
    pub(crate) async fn another_process(&self) -> Db {
        Db::connect(&self.settings).await.unwrap()
    }
}

/// Runs a case on a new database, and drops that afterwards.
pub(crate) async fn run<F, C>(engine: Engine, case: C)
where
    C: FnOnce(World) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let directory = tempfile::tempdir().unwrap();
    let url = match engine {
        Engine::Sqlite => format!("sqlite:{}", directory.path().join("noroshi.db").display()),
        Engine::MySql => match journeys::engines::mysql_url() {
            Some(server) => format!("{server}/noroshi_test_{}", Uuid::now_v7().simple()),
            None => return,
        },
    };
    let settings = Settings::new(url);
    create_database(&settings).await.unwrap();
    let db = Db::connect(&settings).await.unwrap();
    migrate::run(&db).await.unwrap();
    let world = World {
        engine,
        settings: settings.clone(),
        db: db.clone(),
        _directory: directory,
    };

    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(case(world));
    let outcome = tasks.join_next().await.expect("one task was spawned");

    db.close().await;
    drop_database(&settings).await.unwrap();
    if let Err(failure) = outcome {
        std::panic::resume_unwind(failure.into_panic());
    }
}

/// Stamps each case as a test for every engine.
macro_rules! on_every_engine {
    ($($case:ident)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                crate::engine::run(crate::engine::Engine::Sqlite, super::$case).await;
            })+
        }

        mod mysql {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                crate::engine::run(crate::engine::Engine::MySql, super::$case).await;
            })+
        }
    };
}

/// Stamps each case as a test for MySQL alone.
macro_rules! on_mysql {
    ($($case:ident)+) => {
        mod mysql_only {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                crate::engine::run(crate::engine::Engine::MySql, super::$case).await;
            })+
        }
    };
}

/// Stamps each case as a test for SQLite alone.
macro_rules! on_sqlite {
    ($($case:ident)+) => {
        mod sqlite_only {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                crate::engine::run(crate::engine::Engine::Sqlite, super::$case).await;
            })+
        }
    };
}

pub(crate) use {on_every_engine, on_mysql, on_sqlite};
