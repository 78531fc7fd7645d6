//! Stamps each journey as a test for every set of stores.

use journeys::world::{Stores, World};

/// Goes through a journey in a world of its own, and then over its books.
pub(crate) async fn run(stores: Stores, journey: impl AsyncFnOnce(&World)) {
    if let Some(world) = World::start(stores).await {
        journey(&world).await;
        world.end().await;
    }
}

/// Stamps each journey for these stores, in a module of that name.
macro_rules! on {
    ($module:ident $stores:ident: $($journey:ident)+) => {
        mod $module {
            $(#[tokio::test]
            async fn $journey() {
                crate::stamp::run(::journeys::world::Stores::$stores, super::$journey).await;
            })+
        }
    };
}

/// Stamps each journey for all stores.
macro_rules! on_all_stores {
    ($($journey:ident)+) => {
        crate::stamp::on! { optimistic Optimistic: $($journey)+ }
        crate::stamp::on! { pessimistic Pessimistic: $($journey)+ }
        crate::stamp::on! { mysql MySql: $($journey)+ }
        crate::stamp::on! { google_on_mysql GoogleOnMySql: $($journey)+ }
    };
}

pub(crate) use {on, on_all_stores};
