//! Messages that a gateway took twice, and why.
//!
//! A message may be sent again only if it was open, handed over and not settled, when something
//! struck its process or itself. All that were are counted: there may be as many doubles as these.
//! A double that nothing explains is a fault.

use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};
use emulator::sink::ledger::Reader;
use journeys::world::balance::Facts;

use super::campaigns::Ended;
use super::ground::ledger;
use super::settings::LEASE;
use super::strikes::Strikes;

/// A message that a gateway accepted: 40 bytes of it, for a million of them are held at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Message {
    push: u128,
    received_at: DateTime<Utc>,
    process: usize,
}

/// What the gateways accepted of all campaigns, by push and time.
#[derive(Debug)]
pub(super) struct Messages(Vec<Message>);

/// What is found of one campaign.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Explained {
    /// Messages that were handed over and not settled when something struck their process.
    pub(super) open: usize,
    /// Messages that were sent once more without such a reason.
    pub(super) without_reason: usize,
    /// Messages that a gateway got after the cancel was answered, and nothing had held up.
    pub(super) after_cancel: usize,
}

impl Messages {
    /// Reads the ledgers of so many processes.
    pub(super) fn read(directory: &Path, processes: usize) -> io::Result<Self> {
        let mut messages = Vec::new();
        for process in 0..processes {
            for entry in Reader::open(ledger(directory, process))? {
                let entry = entry?;
                let push = entry.push_id.parse::<uuid::Uuid>().map_err(io::Error::other)?;
                messages.push(Message {
                    push: push.as_u128(),
                    received_at: entry.received_at,
                    process,
                });
            }
        }
        messages.sort_unstable();
        Ok(Self(messages))
    }

    /// Explains those of one campaign.
    pub(super) fn explain(&self, facts: &Facts, ended: &Ended, strikes: &Strikes) -> Explained {
        let mut explained = Explained::default();
        for push in &facts.pushes {
            let copies = self.of(push.id.0.as_u128());
            for (no, message) in copies.iter().enumerate() {
                let next = copies.get(no + 1).map(|next| next.received_at);
                let settled = push.settled_at.filter(|at| *at >= message.received_at);
                let latest = message.received_at + LEASE;
                let until = [next, settled].into_iter().flatten().fold(latest, DateTime::min);
                if strikes.may_double(message.process, message.push, message.received_at, until) {
                    explained.open += 1;
                } else if next.is_some() {
                    explained.without_reason += 1;
                }
                explained.after_cancel += usize::from(is_late(message, ended, strikes));
            }
        }
        explained
    }

    fn of(&self, push: u128) -> &[Message] {
        let from = self.0.partition_point(|message| message.push < push);
        let to = self.0.partition_point(|message| message.push <= push);
        &self.0[from..to]
    }
}

/// Whether it came after the cancel was answered, and was not held up on its way from before.
fn is_late(message: &Message, ended: &Ended, strikes: &Strikes) -> bool {
    let Message {
        push,
        received_at,
        process,
    } = *message;
    ended.cancelled_at.is_some_and(|cancelled| {
        received_at > cancelled && !strikes.may_delay(process, push, cancelled, received_at)
    })
}
