//! The heartbeat, and what a server says of itself.

use database::heartbeat;
use database::server::{self, Replication};

use crate::engine::{Engine, World, on_every_engine};
use crate::write::write;

on_every_engine! {
    a_beat_gives_the_one_before_and_is_found_by_whoever_looks
    a_server_says_what_runs_and_that_it_is_no_replica
}

async fn a_beat_gives_the_one_before_and_is_found_by_whoever_looks(world: World) {
    let at_first = heartbeat::last(&world.db).await.unwrap();
    let first = write!(world.db, |tx| heartbeat::beat(tx));
    let found = heartbeat::last(&world.another_process().await).await.unwrap();
    let second = write!(world.db, |tx| heartbeat::beat(tx));
    let last = heartbeat::last(&world.db).await.unwrap();

    assert_eq!((at_first, first), (None, None));
    assert!(found.is_some() && second == found);
    assert!(last >= found, "{last:?} after {found:?}");
}

async fn a_server_says_what_runs_and_that_it_is_no_replica(world: World) {
    let running = server::threads_running(&world.db).await.unwrap();
    let replication = server::replication(&world.db).await.unwrap();

    match world.engine {
        Engine::Sqlite => assert_eq!(running, None),
        Engine::MySql => assert!(running >= Some(1), "{running:?}"),
    }
    assert_eq!(replication, Replication::Unknown);
}
