//! Brings to its end what was left between the stores.
//!
//! It takes no input: what is open is found by looking. Intents whose Datastore side is not
//! known to be done are rolled forward; totals that a sender could not write are read from the
//! chunks; stock that a finished chunk did not use goes back; chunks of campaigns that ended
//! early are closed; and a campaign whose counts agree is finished. Every repair is one of the
//! ordinary steps, so it may race a live sender, another reconcile and its own repeat.
//!
//! Whatever has a lock of somebody else's in its way is left for the next pass; the rest goes on.

mod campaigns;
mod canary;
mod chunks;
mod intents;
mod measure;
mod pace;
mod stock;
mod triggered;

use std::fmt;
use std::time::Duration;

use campaign::CampaignId;
use runtime::Backends;
use runtime::job::{self, Outcome};
use tracing::warn;

use crate::error::Error;

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Intents whose Datastore side is done now.
    pub closed_intents: u32,
    /// Those of them whose Datastore side was missing: inconsistencies that were repaired.
    pub repaired: u32,
    /// Intents that were put off or given up.
    pub failed_intents: u32,
    /// Chunks whose totals were brought up to date.
    pub tallies: u32,
    /// Chunks of ended campaigns that were closed.
    pub cancelled_chunks: u32,
    /// Reservations of stock that were returned.
    pub returned: u32,
    /// Campaigns that were finished.
    pub finished: u32,
    /// Intents and campaigns that had a lock in their way.
    pub left: u32,
    /// In how long an intent comes due that was taken up and is not closed.
    pub next_in: Option<Duration>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            closed_intents,
            repaired,
            failed_intents,
            tallies,
            cancelled_chunks,
            returned,
            finished,
            left,
            next_in: _,
        } = self;
        write!(
            f,
            "{closed_intents} intents closed ({repaired} repaired, {failed_intents} not), {tallies} tallies, \
             {cancelled_chunks} chunks cancelled, {returned} reservations returned, {finished} campaigns finished, \
             {left} left behind locks"
        )
    }
}

impl job::Report for Report {
    fn outcome(&self) -> Outcome {
        let idle = Self {
            next_in: self.next_in,
            ..Self::default()
        };
        if *self == idle {
            Outcome::Idle
        } else {
            Outcome::Worked
        }
    }

    fn next_in(&self) -> Option<Duration> {
        self.next_in
    }
}

impl Report {
    /// Leaves for the next pass what met a deadlock, or waited for a lock in vain: of others that
    /// says nothing. Every other error is the pass's.
    fn leave_if_busy(&mut self, campaign: Option<CampaignId>, ended: Result<(), Error>) -> Result<(), Error> {
        match ended {
            Err(error) if error.is_busy() => {
                self.left += 1;
                warn!(
                    campaign.id = campaign.map(tracing::field::display),
                    error = &error as &dyn std::error::Error,
                    "a lock was in the way; what is behind it is left for the next pass"
                );
                Ok(())
            }
            ended => ended,
        }
    }
}

/// How far a walk over a campaign's chunks came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walked {
    /// Over all of them.
    All,
    /// Over some, because the process is to stop.
    Some,
}

/// Repairs, counts, closes and finishes, in this order: a campaign is finished only when the
/// rest has nothing left to do for it.
pub async fn run(backends: &Backends) -> Result<Report, Error> {
    let mut report = Report::default();
    let rolled_forward = intents::roll_forward(backends, &mut report).await;
    report.leave_if_busy(None, rolled_forward)?;
    measure::backlog(backends).await?;
    campaigns::visit(backends, &mut report).await?;
    report.next_in = intents::next_in(backends).await?;
    Ok(report)
}
