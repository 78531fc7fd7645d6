//! Brings to its end what was left between the stores.
//!
//! It takes no input: what is open is found by looking. Intents whose Datastore side is not
//! known to be done are rolled forward; totals that a sender could not write are read from the
//! chunks; stock that a finished chunk did not use goes back; chunks of campaigns that ended
//! early are closed; and a campaign whose counts agree is finished. Every repair is one of the
//! ordinary steps, so it may race a live sender, another reconcile and its own repeat.

mod campaigns;
mod chunks;
mod intents;
mod measure;
mod pace;
mod stock;

use std::fmt;

use runtime::Backends;
use runtime::job::{self, Outcome};

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
        } = self;
        write!(
            f,
            "{closed_intents} intents closed ({repaired} repaired, {failed_intents} not), {tallies} tallies, \
             {cancelled_chunks} chunks cancelled, {returned} reservations returned, {finished} campaigns finished"
        )
    }
}

impl job::Report for Report {
    fn outcome(&self) -> Outcome {
        if *self == Self::default() {
            Outcome::Idle
        } else {
            Outcome::Worked
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
    intents::roll_forward(backends, &mut report).await?;
    measure::backlog(backends).await?;
    campaigns::visit(backends, &mut report).await?;
    Ok(report)
}
