//! Compares the books: SQL, Datastore and what the gateways accepted, campaign by campaign.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use database::{Db, Error, sql};
use journeys::world::balance::{self, Facts};
use journeys::world::{Books, Doubles};

use super::campaigns::Ended;
use super::doubles::{Explained, Messages};
use super::ground::{ledger, whole_ledger};
use super::strikes::Strikes;
use crate::counts::Counts;

/// Complaints of one campaign that are told.
const ENOUGH: usize = 20;

/// What was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Audit {
    pub(super) campaigns: usize,
    pub(super) counts: Counts,
    pub(super) sent: u64,
    pub(super) grants: u64,
    pub(super) doubled_without_reason: usize,
    pub(super) after_cancel: usize,
    pub(super) repairs: Repairs,
    pub(super) complaints: Vec<String>,
}

/// How long repairs took, each in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Repairs {
    /// Those that were done when they were first tried.
    pub(super) at_once: Vec<Duration>,
    /// Those that were cut off themselves, and done by another.
    pub(super) again: Vec<Duration>,
}

/// Goes over the books of everything that has ended.
pub(super) async fn audit(
    books: &Books,
    ended: &[Ended],
    strikes: &Strikes,
    directory: &Path,
    processes: usize,
) -> anyhow::Result<Audit> {
    gather(directory, processes).context("the ledgers")?;
    let messages = Messages::read(directory, processes).context("the ledgers")?;
    let mut audit = Audit {
        repairs: repairs(&books.db).await.context("repaired intents")?,
        ..Audit::default()
    };
    for campaign in ended {
        // One at a time: this is all that is held of any.
        let facts = Facts::read(books, campaign.id).await;
        let explained = messages.explain(&facts, campaign, strikes);
        audit.add(&facts, explained);
    }
    Ok(audit)
}

impl Audit {
    fn add(&mut self, facts: &Facts, explained: Explained) {
        let Explained {
            open,
            without_reason,
            after_cancel,
        } = explained;
        self.campaigns += 1;
        self.counts = self.counts + Counts::of(facts, open);
        self.sent += facts.total.tally.count(campaign::PushState::Sent);
        self.grants += facts.grants.len() as u64;
        self.doubled_without_reason += without_reason;
        self.after_cancel += after_cancel;
        let mut complaints = balance::complaints(facts, Doubles::AtMost(open));
        if without_reason > 0 {
            complaints.push(format!("{without_reason} messages were sent twice for no reason"));
        }
        if after_cancel > 0 {
            complaints.push(format!(
                "{after_cancel} messages were handed over after the cancel was answered"
            ));
        }
        let more = complaints.len().saturating_sub(ENOUGH);
        complaints.truncate(ENOUGH);
        if more > 0 {
            complaints.push(format!("and {more} more"));
        }
        let name = &facts.campaign.plan.name;
        let id = facts.campaign.id;
        let named = complaints
            .into_iter()
            .map(|complaint| format!("{name} ({id}): {complaint}"));
        self.complaints.extend(named);
    }
}

/// Puts what the gateways accepted into one ledger, as if they were one.
fn gather(directory: &Path, processes: usize) -> std::io::Result<()> {
    let mut whole = File::create(whole_ledger(directory))?;
    for process in 0..processes {
        std::io::copy(&mut File::open(ledger(directory, process))?, &mut whole)?;
    }
    fs::File::sync_all(&whole)
}

/// From the commit of the grants to the end of their intent, of every intent that reconcile took
/// up because nobody had closed it.
async fn repairs(db: &Db) -> Result<Repairs, Error> {
    let closed =
        "SELECT attempts, created_at, closed_at FROM intent WHERE attempts > 0 AND closed_at IS NOT NULL";
    let mut repairs = Repairs::default();
    for row in sql(closed).fetch_all(db).await? {
        let created_at: DateTime<Utc> = row.get("created_at")?;
        let closed_at: DateTime<Utc> = row.get("closed_at")?;
        let took = (closed_at - created_at).to_std().unwrap_or_default();
        match row.get("attempts")? {
            1_u32 => repairs.at_once.push(took),
            _ => repairs.again.push(took),
        }
    }
    repairs.at_once.sort_unstable();
    repairs.again.sort_unstable();
    Ok(repairs)
}
