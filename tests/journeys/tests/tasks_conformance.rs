//! What a Cloud Tasks server must do, asked through the client that production uses.
//!
//! The suite runs on the embedded queue in memory and on a file. Time is a manual clock: nothing
//! here waits for a while, only for a state, at most until a deadline.

#[path = "tasks_conformance/dispatch.rs"]
mod dispatch;
#[path = "tasks_conformance/handler.rs"]
mod handler;
#[path = "tasks_conformance/world.rs"]
mod world;

/// Stamps each test for the embedded queue in memory and on a file.
#[macro_export]
macro_rules! on_every_engine {
    ($($test:ident),+ $(,)?) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::World::in_memory().await).await;
            })+
        }

        mod on_file {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::World::on_file().await).await;
            })+
        }
    };
}
