//! How many of a campaign's stripes were begun.
//!
//! Stripes are begun in the order of their numbers. Those that are begun and not done have a row
//! in [`fan_out_stripe`](crate::fan_out_stripe), so what is expanded is known without asking for
//! every marker. The row is also the last that is deleted of a pruned campaign.

use ::campaign::CampaignId;

use crate::{Error, Executor, Tx, sql};

/// Stripes that were begun; `None` of a campaign without a row.
pub async fn find(on: impl Executor, campaign: CampaignId) -> Result<Option<u32>, Error> {
    sql("SELECT begun FROM fan_out_progress WHERE campaign_id = ?")
        .bind(campaign)
        .find(on, |row| row.get("begun"))
        .await
}

/// Makes the campaign's row, with nothing begun, and locks it; one that is there stays as it is.
pub async fn insert(tx: &mut Tx, campaign: CampaignId) -> Result<(), Error> {
    sql("INSERT INTO fan_out_progress (campaign_id, begun) VALUES (?, 0) \
         ON DUPLICATE KEY UPDATE begun = fan_out_progress.begun")
    .bind(campaign)
    .execute(tx)
    .await?;
    Ok(())
}

/// Begins the next stripe, under the lock of [`insert`].
pub(crate) async fn begin_next(tx: &mut Tx, campaign: CampaignId) -> Result<(), Error> {
    sql("UPDATE fan_out_progress SET begun = begun + 1 WHERE campaign_id = ?")
        .bind(campaign)
        .execute(tx)
        .await?;
    Ok(())
}

/// Forgets a pruned campaign.
pub async fn delete(tx: &mut Tx, campaign: CampaignId) -> Result<(), Error> {
    sql("DELETE FROM fan_out_progress WHERE campaign_id = ?")
        .bind(campaign)
        .execute(tx)
        .await?;
    Ok(())
}
