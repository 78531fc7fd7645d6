//! How fast campaigns go: counts at two moments, from which anybody can tell a rate.
//!
//! One row a campaign, replaced whole by whoever looks at it next. Two who do so at once leave the
//! row of the later one; nothing depends on which.

use ::campaign::CampaignId;
use chrono::{DateTime, Utc};

use crate::{Error, Executor, Row, Tx, sql};

/// What was done at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Which moment.
    pub at: DateTime<Utc>,
    /// Pushes that were expanded.
    pub expanded: u64,
    /// Pushes that were final.
    pub settled: u64,
}

/// How fast a campaign goes, and went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The moment before the last.
    pub before: Sample,
    /// The last one; both are the same at first.
    pub taken: Sample,
    /// The most that was expanded between two moments; `None` before that was seen.
    pub fastest: Fastest,
}

/// The most pushes a second between two moments with work all along; `None` where that was not
/// seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fastest {
    /// Expanded.
    pub expansion: Option<u64>,
    /// Settled.
    pub delivery: Option<u64>,
}

/// The campaign's row.
pub async fn find(on: impl Executor, campaign: CampaignId) -> Result<Option<Pace>, Error> {
    sql(
        "SELECT before_at, before_expanded, before_settled, taken_at, taken_expanded, taken_settled, \
         fastest_expansion, fastest_delivery FROM campaign_pace WHERE campaign_id = ?",
    )
    .bind(campaign)
    .find(on, read)
    .await
}

/// The most of all campaigns that were looked at since `since`.
pub async fn find_fastest(on: impl Executor, since: DateTime<Utc>) -> Result<Fastest, Error> {
    // One row a campaign that is kept: a scan.
    let row = sql(
        "SELECT MAX(fastest_expansion) AS expansion, MAX(fastest_delivery) AS delivery \
         FROM campaign_pace WHERE taken_at >= ?",
    )
    .bind(since)
    .fetch_one(on)
    .await?;
    Ok(Fastest {
        expansion: row.get("expansion")?,
        delivery: row.get("delivery")?,
    })
}

/// Makes or replaces the campaign's row.
pub async fn replace(tx: &mut Tx, campaign: CampaignId, pace: &Pace) -> Result<(), Error> {
    sql(
        "INSERT INTO campaign_pace (campaign_id, before_at, before_expanded, before_settled, taken_at, \
         taken_expanded, taken_settled, fastest_expansion, fastest_delivery) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) \
         ON DUPLICATE KEY UPDATE before_at = VALUES(before_at), before_expanded = VALUES(before_expanded), \
         before_settled = VALUES(before_settled), taken_at = VALUES(taken_at), \
         taken_expanded = VALUES(taken_expanded), taken_settled = VALUES(taken_settled), \
         fastest_expansion = VALUES(fastest_expansion), fastest_delivery = VALUES(fastest_delivery)",
    )
    .bind(campaign)
    .bind(pace.before.at)
    .bind(pace.before.expanded)
    .bind(pace.before.settled)
    .bind(pace.taken.at)
    .bind(pace.taken.expanded)
    .bind(pace.taken.settled)
    .bind(pace.fastest.expansion)
    .bind(pace.fastest.delivery)
    .execute(tx)
    .await?;
    Ok(())
}

/// Forgets a pruned campaign.
pub async fn delete(tx: &mut Tx, campaign: CampaignId) -> Result<(), Error> {
    sql("DELETE FROM campaign_pace WHERE campaign_id = ?")
        .bind(campaign)
        .execute(tx)
        .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Pace, Error> {
    Ok(Pace {
        before: Sample {
            at: row.get("before_at")?,
            expanded: row.get("before_expanded")?,
            settled: row.get("before_settled")?,
        },
        taken: Sample {
            at: row.get("taken_at")?,
            expanded: row.get("taken_expanded")?,
            settled: row.get("taken_settled")?,
        },
        fastest: Fastest {
            expansion: row.get("fastest_expansion")?,
            delivery: row.get("fastest_delivery")?,
        },
    })
}
