//! How far a campaign's fan-out is known to be.
//!
//! The mark saves a restarted fan-out from asking for every marker again. It may lag behind,
//! never run ahead, and only rises.

use ::campaign::CampaignId;

use crate::{Error, Executor, Tx, sql};

/// Every chunk below the mark is expanded; 0 where nothing is known.
pub async fn find(on: impl Executor, campaign: CampaignId) -> Result<u32, Error> {
    let mark = sql("SELECT low_water FROM fan_out_progress WHERE campaign_id = ?")
        .bind(campaign)
        .find(on, |row| row.get("low_water"))
        .await?;
    Ok(mark.unwrap_or(0))
}

/// Raises the mark to `low_water`; a lower one changes nothing.
pub async fn raise(tx: &mut Tx, campaign: CampaignId, low_water: u32) -> Result<(), Error> {
    sql(
        "INSERT INTO fan_out_progress (campaign_id, low_water) VALUES (?, ?) ON DUPLICATE KEY UPDATE \
         low_water = CASE WHEN VALUES(low_water) > fan_out_progress.low_water \
         THEN VALUES(low_water) ELSE fan_out_progress.low_water END",
    )
    .bind(campaign)
    .bind(low_water)
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets the mark of a pruned campaign.
pub async fn delete(tx: &mut Tx, campaign: CampaignId) -> Result<(), Error> {
    sql("DELETE FROM fan_out_progress WHERE campaign_id = ?")
        .bind(campaign)
        .execute(tx)
        .await?;
    Ok(())
}
