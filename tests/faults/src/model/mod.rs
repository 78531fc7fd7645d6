//! The commit protocol as a model, checked in every order of events.
//!
//! Modelled: one chunk of two users with a coupon for one or for both; two senders, of which the
//! second works only while the first one's lease has run out under it; a reconciler; SQL with
//! the coupon, the reservation, the chunk's row, grants, intents, inconsistencies, row locks and
//! transactions in doubt, which keep their locks and land later or never; Datastore with the
//! chunk, its lease and its pushes, optimistic, with commits in doubt. Any process may crash
//! between any two steps, any COMMIT may stay without an answer, either side of a rendezvous may
//! break off, Datastore may abort, the campaign may expire or be cancelled at any moment: within
//! [`Bounds`], in every order.
//!
//! The product's own code decides where it is pure: `rendezvous::Meeting`, `ChunkRecord`,
//! `Standing`, `Places`. The rest is written here after the product, step for step.
//!
//! Abstracted away: the queue and the dispatcher (a chunk that may be leased is leased, at once
//! or never), times other than the order of events, gateways (whatever is handed over is
//! accepted), settling in parts, tallies, several chunks and SQL shards, pessimistic Datastore
//! (its behaviours are some of these), reads that fail. A transaction that holds no lock while
//! others move is one step.
//!
//! So this does not prove that the product does what is written here, nor that it is ever done
//! (every run that goes on comes to rest within the bounds, but a sender that is always too
//! late for a lock is let wait for ever), nor anything beyond the bounds. The simulator runs
//! whole campaigns, and the other layers the product itself.

mod datastore;
mod meeting;
mod properties;
mod protocol;
mod reconciler;
mod report;
mod sender;
mod sql;
mod state;
#[cfg(test)]
mod tests;
mod users;

use std::process::ExitCode;
use std::thread::available_parallelism;

use noroshi::output;

pub use report::Report;
pub use state::Bounds;

use crate::seeded::{Bug, Seeded};

/// How it is to be run.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Most crashes of a process. With none of these three, what the test suite checks is.
    #[arg(long)]
    crashes: Option<u8>,
    /// Most messages that are lost or late.
    #[arg(long)]
    losses: Option<u8>,
    /// Most leases that run out under a sender at work.
    #[arg(long)]
    freezes: Option<u8>,
    /// Put a bug in, which must be found then.
    #[arg(long)]
    bug: Option<Bug>,
}

/// Runs it; fails if anything is wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let reports = arguments
        .bounds()
        .into_iter()
        .map(|bounds| check(bounds, Seeded(arguments.bug)));
    let reports = reports.collect::<Vec<_>>();
    if arguments.json {
        output::line(serde_json::to_string_pretty(&reports)?);
    } else {
        for report in &reports {
            output::text(&report.to_string());
        }
    }
    Ok(if reports.iter().all(Report::holds) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Arguments {
    fn bounds(&self) -> Vec<Bounds> {
        let Self {
            crashes,
            losses,
            freezes,
            ..
        } = *self;
        if crashes.or(losses).or(freezes).is_none() {
            return Bounds::SUITE.into();
        }
        vec![Bounds {
            crashes: crashes.unwrap_or(0),
            losses: losses.unwrap_or(0),
            freezes: freezes.unwrap_or(0),
        }]
    }
}

/// Visits every state within the bounds, on all cores. With a seeded bug it stops at the first
/// promise that is broken.
pub fn check(bounds: Bounds, seeded: Seeded) -> Report {
    let threads = available_parallelism().map_or(1, usize::from);
    report::of(bounds, seeded, threads)
}
