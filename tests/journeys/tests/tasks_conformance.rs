//! What a Cloud Tasks server must do, asked through the client that production uses.
//!
//! The suite runs on the embedded queue in memory and on a file. Time is a manual clock: nothing
//! here waits for a while, only for a state, at most until a deadline.

#![expect(
    clippy::unwrap_used,
    reason = "a test whose world cannot be set up has failed"
)]

#[path = "tasks_conformance/dispatch.rs"]
mod dispatch;
#[path = "tasks_conformance/handler.rs"]
mod handler;
#[path = "tasks_conformance/limits.rs"]
mod limits;
#[path = "tasks_conformance/names.rs"]
mod names;
#[path = "tasks_conformance/oidc.rs"]
mod oidc;
#[path = "tasks_conformance/queue_life.rs"]
mod queue_life;
#[path = "tasks_conformance/queues.rs"]
mod queues;
#[path = "tasks_conformance/retries.rs"]
mod retries;
#[path = "tasks_conformance/tasks.rs"]
mod tasks;
#[path = "tasks_conformance/world.rs"]
mod world;

/// Stamps each test for the embedded queue in memory and on a file.
#[macro_export]
macro_rules! on_every_engine {
    ($($test:ident),+ $(,)?) => {
        mod in_memory { $crate::on_engine!(in_memory: $($test,)+); }
        mod on_file { $crate::on_engine!(on_file: $($test,)+); }
    };
}

/// Stamps each test for the embedded queue on a file: what memory forgets.
#[macro_export]
macro_rules! on_a_file {
    ($($test:ident),+ $(,)?) => {
        mod on_a_file { $crate::on_engine!(on_file: $($test,)+); }
    };
}

/// Stamps each test for one of the engines.
#[macro_export]
macro_rules! on_engine {
    ($engine:ident: $($test:ident,)+) => {
        $(#[tokio::test]
        async fn $test() {
            super::$test(super::World::$engine().await).await;
        })+
    };
}
