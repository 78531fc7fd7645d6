//! The switches that every sender watches.
//!
//! A sender polls [`state`] several times a second; the answer is its permit to send. So it is
//! one statement over one index, and reads nothing of final campaigns.

use ::campaign::{CampaignId, CampaignState};

use crate::{Error, Executor, Tx, sql};

/// Whether anything may be sent at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlobalStop {
    /// Campaigns decide by their own states.
    Off,
    /// Nothing is sent.
    On,
}

/// What may be sent at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlState {
    /// The switch over everything.
    pub stop: GlobalStop,
    /// Every campaign that is not final, with its state. One that is missing is final.
    pub campaigns: Vec<(CampaignId, CampaignState)>,
}

/// The control state, in one statement on the primary.
pub async fn state(on: impl Executor) -> Result<ControlState, Error> {
    // Index campaign_by_state, which holds both columns.
    let rows = sql(
        "SELECT id, state FROM campaign WHERE state IN ('draft', 'scheduled', 'running', 'paused') \
         UNION ALL SELECT NULL, value FROM control WHERE name = 'global_stop'",
    )
    .fetch_all(on)
    .await?;
    let mut control = ControlState {
        stop: GlobalStop::Off,
        campaigns: Vec::with_capacity(rows.len()),
    };
    for row in rows {
        match row.get("id")? {
            Some(id) => control.campaigns.push((id, row.get("state")?)),
            None if row.get::<String>("state")? == "on" => control.stop = GlobalStop::On,
            None => {}
        }
    }
    Ok(control)
}

/// Turns the switch over everything. A repeat does nothing.
pub async fn set_stop(tx: &mut Tx, stop: GlobalStop) -> Result<(), Error> {
    let value = match stop {
        GlobalStop::Off => "off",
        GlobalStop::On => "on",
    };
    sql("INSERT INTO control (name, value) VALUES ('global_stop', ?) \
         ON DUPLICATE KEY UPDATE value = VALUES(value)")
    .bind(value)
    .execute(tx)
    .await?;
    Ok(())
}
