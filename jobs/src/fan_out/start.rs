//! Starts the scheduled campaigns whose time comes.

use campaign::{START_LEAD, Transition};
use database::campaign::{self as campaigns, Transitioned};
use runtime::Backends;
use tracing::info;

use crate::error::Error;

/// Campaigns started in one pass.
const STARTED: u32 = 100;

/// Starts what is due, and says how many.
pub(super) async fn start_due(backends: &Backends) -> Result<u32, Error> {
    let now = backends.process.clock.now();
    let mut started = 0;
    for campaign in campaigns::list_to_start(&backends.db, now + START_LEAD, STARTED).await? {
        let mut tx = backends.db.begin().await?;
        let moved = campaigns::transition(&mut tx, campaign.id, Transition::Start, None, now).await?;
        tx.commit().await.repeatable()?;
        match moved {
            Transitioned::To(_) => {
                info!(campaign.id = %campaign.id, "a scheduled campaign was started");
                started += 1;
            }
            // Somebody was faster, or cancelled it.
            Transitioned::Refused(_) | Transitioned::Missing => {}
        }
    }
    Ok(started)
}
