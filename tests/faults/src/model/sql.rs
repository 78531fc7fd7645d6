//! The SQL store: the rows that the protocol touches, and transactions in doubt.
//!
//! A transaction is one [`Write`], decided under the locks of its rows. A COMMIT that is not
//! answered leaves it in doubt: it keeps its locks, and lands later or never.

use std::collections::BTreeMap;

use rendezvous::Fate;

use super::state::Wire;
use super::users::{USERS, Users};
use crate::decisions::available;
use crate::seeded::{Bug, Seeded};

/// Names one rendezvous, as an intent's id does.
pub(super) type IntentNo = u8;

/// Coupons that other chunks hold all the time.
pub(super) const ELSEWHERE: u32 = 1;

/// What SQL holds of one campaign with one chunk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sql {
    /// Of the coupon: how many there are.
    pub(super) stock: u32,
    /// Of the coupon: how many chunks hold.
    pub(super) reserved: u32,
    pub(super) reservation: Option<Reservation>,
    pub(super) chunk_grants: Option<ChunkGrants>,
    /// How many grants each user has.
    pub(super) grants: [u8; USERS],
    /// The open intents. A closed one is not kept: nothing asks for it again.
    pub(super) intents: BTreeMap<IntentNo, Users>,
    pub(super) inconsistencies: BTreeMap<IntentNo, Inconsistency>,
    pub(super) in_doubt: Vec<Write>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Reservation {
    pub(super) amount: u32,
    pub(super) returned: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ChunkGrants {
    pub(super) reserved: u32,
    pub(super) used: u32,
    pub(super) closed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Inconsistency {
    Open,
    Repaired,
}

/// What a transaction writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Write {
    /// Stock for the chunk, in the main database.
    Reserve { amount: u32 },
    /// The chunk's row in the shard.
    OpenStock { reserved: u32 },
    /// The grants, their count and the intent.
    Grant {
        intent: IntentNo,
        new: Users,
        granted: Users,
    },
    /// An inconsistency, unless its intent is closed.
    Record { intent: IntentNo },
    /// The end of an intent, and of its inconsistency if there is one.
    /// One that is only `found` now is recorded with it.
    Repair { intent: IntentNo, found: bool },
    /// The end of an intent whose Datastore side was done in its rendezvous.
    CloseIntent { intent: IntentNo },
    /// No grants any more, in the shard.
    CloseStock,
    /// What was not used goes back, in the main database.
    Return { used: u32 },
    /// The grants are taken back; no protocol of ours does so.
    Undo { intent: IntentNo, new: Users },
}

/// A row that transactions wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Coupon,
    ChunkGrants,
    Intent(IntentNo),
    Inconsistency(IntentNo),
}

impl Write {
    pub(super) fn is_grant(&self) -> bool {
        matches!(self, Self::Grant { .. })
    }

    /// The rendezvous that it names.
    pub(super) fn intent(self) -> Option<IntentNo> {
        match self {
            Self::Grant { intent, .. }
            | Self::Record { intent }
            | Self::Repair { intent, .. }
            | Self::CloseIntent { intent }
            | Self::Undo { intent, .. } => Some(intent),
            Self::Reserve { .. } | Self::OpenStock { .. } | Self::CloseStock | Self::Return { .. } => None,
        }
    }

    /// The rows that it locks until it ends.
    pub(super) fn rows(self, seeded: Seeded) -> Vec<Row> {
        match self {
            Self::Reserve { .. } | Self::Return { .. } => vec![Row::Coupon],
            Self::OpenStock { .. } | Self::CloseStock => vec![Row::ChunkGrants],
            Self::Grant { intent, .. } | Self::Undo { intent, .. } => {
                vec![Row::ChunkGrants, Row::Intent(intent)]
            }
            Self::Record { intent } if seeded.is(Bug::RecordedUnseen) => vec![Row::Inconsistency(intent)],
            Self::Record { intent } | Self::Repair { intent, .. } => {
                vec![Row::Intent(intent), Row::Inconsistency(intent)]
            }
            Self::CloseIntent { intent } => vec![Row::Intent(intent)],
        }
    }
}

impl Sql {
    pub(super) fn new(stock: u32) -> Self {
        Self {
            stock: stock + ELSEWHERE,
            reserved: ELSEWHERE,
            reservation: None,
            chunk_grants: None,
            grants: [0; USERS],
            intents: BTreeMap::new(),
            inconsistencies: BTreeMap::new(),
            in_doubt: Vec::new(),
        }
    }

    /// Whether a transaction in doubt holds the row.
    pub(super) fn is_in_doubt(&self, row: Row, seeded: Seeded) -> bool {
        self.in_doubt
            .iter()
            .any(|write| write.rows(seeded).contains(&row))
    }

    /// Sends COMMIT.
    pub(super) fn commit(&mut self, write: Write, wire: Wire, seeded: Seeded) -> Fate {
        match wire {
            Wire::Answered => {
                self.apply(write, seeded);
                Fate::Committed
            }
            Wire::Unanswered => {
                self.in_doubt.push(write);
                Fate::Unknown
            }
        }
    }

    /// What a chunk that wants `wanted` gets reserved: what it got the first time, if it was here
    /// before.
    pub(super) fn reservation_for(&self, wanted: u32) -> u32 {
        self.reservation.map_or_else(
            || available(self.stock, self.reserved, wanted),
            |reservation| reservation.amount,
        )
    }

    pub(super) fn apply(&mut self, write: Write, seeded: Seeded) {
        match write {
            Write::Reserve { amount } => {
                if self.reservation.is_none() {
                    self.reservation = Some(Reservation {
                        amount,
                        returned: None,
                    });
                    self.reserved += amount;
                }
            }
            Write::OpenStock { reserved } => {
                self.chunk_grants.get_or_insert(ChunkGrants {
                    reserved,
                    used: 0,
                    closed: false,
                });
            }
            Write::Grant { intent, new, granted } => {
                self.grant(new);
                if !granted.is_empty() && !seeded.is(Bug::NoIntent) {
                    self.intents.insert(intent, granted);
                }
            }
            Write::Record { intent } => {
                if self.intents.contains_key(&intent) || seeded.is(Bug::RecordedUnseen) {
                    self.inconsistencies.entry(intent).or_insert(Inconsistency::Open);
                }
            }
            Write::Repair { intent, found } => {
                self.intents.remove(&intent);
                if found {
                    self.inconsistencies.entry(intent).or_insert(Inconsistency::Open);
                }
                if let Some(inconsistency) = self.inconsistencies.get_mut(&intent) {
                    *inconsistency = Inconsistency::Repaired;
                }
            }
            Write::CloseIntent { intent } => {
                self.intents.remove(&intent);
            }
            Write::CloseStock => {
                let closed = ChunkGrants {
                    reserved: 0,
                    used: 0,
                    closed: true,
                };
                self.chunk_grants.get_or_insert(closed).closed = true;
            }
            Write::Return { used } => self.take_back(used, seeded),
            Write::Undo { intent, new } => {
                self.intents.remove(&intent);
                self.ungrant(new);
            }
        }
    }

    fn grant(&mut self, new: Users) {
        for place in new.iter() {
            self.grants[usize::from(place)] += 1;
        }
        if let Some(chunk) = &mut self.chunk_grants {
            chunk.used += new.count();
        }
    }

    fn ungrant(&mut self, new: Users) {
        for place in new.iter() {
            self.grants[usize::from(place)] -= 1;
        }
        if let Some(chunk) = &mut self.chunk_grants {
            chunk.used -= new.count();
        }
    }

    /// A chunk that never reserved is marked as one that returned everything, so that no
    /// reservation of it can come later.
    fn take_back(&mut self, used: u32, seeded: Seeded) {
        match &mut self.reservation {
            None if seeded.is(Bug::FinishedBySight) => {}
            None => {
                self.reservation = Some(Reservation {
                    amount: 0,
                    returned: Some(0),
                });
            }
            Some(reservation) if reservation.returned.is_none() || seeded.is(Bug::StockReturnedTwice) => {
                let unused = reservation.amount.saturating_sub(used);
                reservation.returned = Some(unused);
                self.reserved = self.reserved.saturating_sub(unused);
            }
            Some(_) => {}
        }
    }
}
