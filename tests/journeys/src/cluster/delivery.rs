//! How soon a campaign is delivered, and who was served meanwhile.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use campaign::{CampaignId, PushId};
use chrono::{DateTime, Utc};
use emulator::sink::ledger::{Entry, Reader};
use runtime::Clock;

use super::{Cluster, PATIENCE};
use crate::world::until_within;

/// What the gateway accepts, as it comes.
#[derive(Debug)]
pub struct Mail(Reader);

/// A campaign's delivery.
#[derive(Clone, Copy, Debug)]
pub struct Delivered {
    /// From the request to start it until the gateway accepted its last message.
    pub took: Duration,
    /// Messages of other campaigns that the gateway accepted meanwhile.
    pub others: usize,
}

impl Mail {
    pub(super) fn from_now_on(ledger: &Path) -> Self {
        let mut mail = Self(Reader::open(ledger).expect("the ledger is there while the gateway is"));
        let _: usize = mail.more().count();
        mail
    }

    /// What came since it was last asked.
    pub fn more(&mut self) -> impl Iterator<Item = Entry> {
        self.0
            .by_ref()
            .map(|entry| entry.expect("the ledger has no other lines"))
    }
}

impl Cluster {
    /// Starts a draft to these users, and waits until each of them has its message.
    ///
    /// # Panics
    /// If that takes too long.
    pub async fn deliver(&self, draft: CampaignId, users: &[String]) -> Delivered {
        let mut missing: HashSet<_> = users
            .iter()
            .map(|user| PushId::of(draft, user).to_string())
            .collect();
        let mut mail = self.mail();
        let started_at = Clock::system().now();
        self.api().turn(draft, "start").await;

        let mut others = 0;
        let mut last_at = started_at;
        until_within(PATIENCE, "the campaign is delivered", async || {
            for entry in mail.more() {
                if missing.remove(&entry.push_id) {
                    last_at = last_at.max(entry.received_at);
                } else {
                    others += 1;
                }
            }
            missing.is_empty().then_some(())
        })
        .await;
        Delivered {
            took: between(started_at, last_at),
            others,
        }
    }
}

fn between(earlier: DateTime<Utc>, later: DateTime<Utc>) -> Duration {
    (later - earlier).to_std().unwrap_or_default()
}
