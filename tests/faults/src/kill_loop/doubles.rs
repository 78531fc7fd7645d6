//! Messages that a gateway took twice, and why.
//!
//! A message may be sent again only if it was open, handed over and not settled, when something
//! struck its process or itself. All that were are counted: there may be as many doubles as these.
//! A double that nothing explains is a fault.

use std::io;
use std::iter::Sum;
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
        let explained = facts.pushes.iter().map(|push| {
            let copies = self.of(push.id.0.as_u128());
            explain(copies, push.settled_at, ended.cancelled_at, strikes)
        });
        explained.sum()
    }

    fn of(&self, push: u128) -> &[Message] {
        let from = self.0.partition_point(|message| message.push < push);
        let to = self.0.partition_point(|message| message.push <= push);
        &self.0[from..to]
    }
}

/// Explains the messages of one push, in the order of their coming.
fn explain(
    copies: &[Message],
    settled_at: Option<DateTime<Utc>>,
    cancelled_at: Option<DateTime<Utc>>,
    strikes: &Strikes,
) -> Explained {
    let mut explained = Explained::default();
    for (no, message) in copies.iter().enumerate() {
        let Message {
            push,
            received_at,
            process,
        } = *message;
        let next = copies.get(no + 1).map(|next| next.received_at);
        let settled = settled_at.filter(|at| *at >= received_at);
        // Whoever handed it over has no right to its chunk after this.
        let latest = received_at + LEASE;
        let until = [next, settled].into_iter().flatten().fold(latest, DateTime::min);
        if strikes.may_double(process, push, received_at, until) {
            explained.open += 1;
        } else if next.is_some() {
            explained.without_reason += 1;
        }
        let is_late = cancelled_at.is_some_and(|cancelled| {
            received_at > cancelled && !strikes.may_delay(process, push, cancelled, received_at)
        });
        explained.after_cancel += usize::from(is_late);
    }
    explained
}

impl Sum for Explained {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            open: sum.open + one.open,
            without_reason: sum.without_reason + one.without_reason,
            after_cancel: sum.after_cancel + one.after_cancel,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// A message of the push 7 for each pair of a process and a second.
    fn messages<const N: usize>(copies: [(usize, i64); N]) -> [Message; N] {
        copies.map(|(process, seconds)| Message {
            push: 7,
            received_at: at(seconds),
            process,
        })
    }

    fn struck(process: usize, seconds: i64) -> Strikes {
        let mut strikes = Strikes::default();
        strikes.process(process, at(seconds), at(seconds));
        strikes
    }

    #[test]
    fn a_second_message_needs_a_strike_at_the_first_ones_process() {
        let copies = messages([(0, 10), (1, 20)]);
        let explain = |strikes| explain(&copies, Some(at(21)), None, &strikes);

        let (own, others, earlier) = (struck(0, 11), struck(1, 11), struck(0, 9));

        assert_eq!((explain(own.clone()).open, explain(own).without_reason), (1, 0));
        assert_eq!(explain(others).without_reason, 1);
        assert_eq!(explain(earlier).without_reason, 1);
    }

    #[test]
    fn a_message_that_was_settled_before_a_strike_was_not_open() {
        let copies = messages([(0, 10)]);
        let open = |strikes| explain(&copies, Some(at(12)), None, &strikes).open;

        assert_eq!([open(struck(0, 11)), open(struck(0, 13))], [1, 0]);
    }

    #[test]
    fn nothing_comes_after_a_cancel_but_what_was_held_up() {
        let copies = messages([(0, 10)]);
        let late = |strikes| explain(&copies, None, Some(at(8)), &strikes).after_cancel;
        let mut held_up = Strikes::default();
        held_up.held_up(7);

        assert_eq!(
            [late(Strikes::default()), late(struck(0, 9)), late(held_up)],
            [1, 0, 0]
        );
    }
}
