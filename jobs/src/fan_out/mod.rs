//! Expands the chunks of running campaigns into pushes.
//!
//! One Datastore transaction a chunk inserts its marker and its pushes, so a chunk is expanded
//! whole or not at all, and the marker tells. Several processes share a campaign in stripes of 64
//! chunks, leased in SQL: a process that dies or hangs loses its stripes to another, which asks
//! for the markers of those and no others. A stripe that is done twice changes nothing.
//!
//! How many chunks are under way is found out from the commits' latencies and errors
//! ([`pacing::Limit`]); cold stores are written to under Google's ramp ([`pacing::ramp`]). All of
//! that gates the start of a chunk, never its middle, and so do pause and cancel.
//!
//! It also starts the campaigns whose time comes, a little early: their chunks are there, and
//! wait for their timers, when it has come.

mod expand;
mod gate;
mod hand;
mod lease;
mod pace;
mod pass;
mod save;
mod start;
mod stripe;
mod target;
mod watch;

use std::fmt;

use runtime::Backends;
use runtime::job::{self, Outcome};

use crate::error::Error;

/// What a pass did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Campaigns that were started because their time comes.
    pub started: u32,
    /// Chunks that this pass expanded.
    pub chunks: u32,
    /// Pushes in them.
    pub pushes: u64,
    /// Whether the pass ended at its bound, with chunks that are not expanded.
    pub left: bool,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            started,
            chunks,
            pushes,
            left,
        } = self;
        write!(
            f,
            "{started} campaigns started, {chunks} chunks with {pushes} pushes expanded"
        )?;
        if *left {
            f.write_str(", more are left")
        } else {
            Ok(())
        }
    }
}

impl job::Report for Report {
    fn outcome(&self) -> Outcome {
        match self {
            Self { left: true, .. } => Outcome::WorkLeft,
            Self {
                started: 0,
                chunks: 0,
                ..
            } => Outcome::Idle,
            Self { .. } => Outcome::Worked,
        }
    }
}

/// Starts what is due, and expands what is to be had of every running campaign.
///
/// After half a minute it ends with work left. An error ends it as well, once what was under way
/// has come to its end and its stripes are given back.
pub async fn run(backends: &Backends) -> Result<Report, Error> {
    let started = start::start_due(backends).await?;
    let report = pass::run(backends).await?;
    Ok(Report { started, ..report })
}
