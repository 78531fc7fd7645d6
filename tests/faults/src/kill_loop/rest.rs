//! Waiting until everything that was begun has come to its end.

use std::time::Duration;

use database::shard::intent;
use database::{campaign, inconsistency};
use journeys::world::Books;
use runtime::Clock;
use tokio::time::sleep;

use super::campaigns::Ended;

/// How long rest may take to come about: what was put off is put off for seconds.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_millis(200);

/// Waits until nothing is left to be done for these campaigns; or says what is.
pub(super) async fn wait(books: &Books, ended: &[Ended], clock: &Clock) -> Vec<String> {
    let begun = clock.monotonic();
    loop {
        let unrest = unrest(books, ended).await;
        if unrest.is_empty() || clock.monotonic().since(begun) > PATIENCE {
            return unrest;
        }
        sleep(POLL).await;
    }
}

async fn unrest(books: &Books, ended: &[Ended]) -> Vec<String> {
    let mut unrest = Vec::new();
    for Ended { id, .. } in ended {
        match campaign::find(&books.db, *id).await {
            Ok(Some(campaign)) if campaign.reconciled_at.is_some() => {}
            Ok(_) => unrest.push(format!("campaign {id} is not reconciled")),
            Err(error) => unrest.push(format!("campaign {id} cannot be read: {error}")),
        }
        match intent::count_open(&books.db, *id).await {
            Ok(0) => {}
            Ok(open) => unrest.push(format!("campaign {id} has {open} open intents")),
            Err(error) => unrest.push(format!("its intents cannot be read: {error}")),
        }
    }
    match inconsistency::count_open(&books.db).await {
        Ok(0) => {}
        Ok(open) => unrest.push(format!("{open} inconsistencies are open")),
        Err(error) => unrest.push(format!("inconsistencies cannot be read: {error}")),
    }
    unrest
}
