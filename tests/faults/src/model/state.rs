//! One state of the whole: both stores, the processes, and what may still go wrong.

use campaign::{Reason, Standing};
use rendezvous::Fate;
use serde::Serialize;

use super::datastore::{Chunk, Datastore};
use super::meeting::Rendezvous;
use super::sql::{Inconsistency, IntentNo, Row, Sql, Write};
use super::users::{USERS, Users};
use crate::seeded::Seeded;

/// Senders; the second works only when the first one's lease ran out under it.
pub(super) const SENDERS: usize = 2;

/// What becomes of a COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Wire {
    /// It is done and answered.
    Answered,
    /// No answer: request or reply is lost or late. It lands later, or never.
    Unanswered,
}

/// How much may go wrong, and how much stock there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Bounds {
    /// Processes that crash.
    pub crashes: u8,
    /// Messages that are lost or late, sides of a rendezvous that break off, and commits that
    /// Datastore aborts for no reason of ours.
    pub losses: u8,
    /// Senders whose lease runs out under them while they work on.
    pub freezes: u8,
}

impl Bounds {
    /// Those of the test suite: two crashes and two losses, and apart from that a sender whose
    /// lease runs out under it, with a loss.
    pub const SUITE: [Self; 2] = [
        Self {
            crashes: 2,
            losses: 2,
            freezes: 0,
        },
        Self {
            crashes: 0,
            losses: 1,
            freezes: 1,
        },
    ];
}

/// One state.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct State {
    pub(super) sql: Sql,
    pub(super) datastore: Datastore,
    pub(super) senders: [Sender; SENDERS],
    pub(super) reconciler: Reconciler,
    pub(super) campaign: Campaign,
    pub(super) left: Bounds,
    pub(super) past: Past,
}

/// Where the campaign is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Campaign {
    Running,
    /// Its pushes are too late to be sent.
    Expired,
    Cancelled,
    /// Reconcile found everything settled.
    Finished,
}

/// What was seen and must not be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Past {
    /// Who had a grant.
    pub(super) granted: Users,
    /// Whose push was granted or further.
    pub(super) raised: Users,
    /// Whose push was handed to a gateway without a grant.
    pub(super) ungranted: Users,
}

/// A process that delivers the chunk.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Sender {
    pub(super) phase: Phase,
    /// Its lease has run out.
    pub(super) is_late: bool,
}

/// Where an attempt is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    Idle,
    /// The chunk is leased and read.
    Leased(Work),
    /// Stock is reserved in the main database.
    Reserved(Work, u32),
    /// The chunk's stock is open in the shard.
    Stocked(Work),
    Meeting(Work, Rendezvous),
    /// SQL has committed and Datastore is not known to have.
    Behind(Work, Behind),
    Settling(Results),
    /// The attempt was cut short.
    GivingBack,
    /// Datastore is done; the intent and the stock are left.
    Counting {
        intent: IntentNo,
        is_closed: bool,
    },
    ClosingStock,
    Returning {
        used: u32,
    },
}

impl Phase {
    /// The rendezvous that it may still name to SQL.
    fn intent(&self) -> Option<IntentNo> {
        match self {
            Self::Meeting(_, rendezvous) => rendezvous.write().and_then(Write::intent),
            Self::Behind(_, behind) => Some(behind.intent),
            Self::Leased(work) | Self::Reserved(work, _) | Self::Stocked(work) => work.close,
            Self::Settling(results) => results.close,
            Self::Counting { intent, .. } => Some(*intent),
            Self::Idle | Self::GivingBack | Self::ClosingStock | Self::Returning { .. } => None,
        }
    }
}

/// What an attempt knows of its chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Work {
    /// Whose pushes were pending when it was read.
    pub(super) candidates: Users,
    /// Who is to be sent.
    pub(super) wanted: Users,
    /// Who gets no coupon.
    pub(super) refused: Users,
    /// An intent whose Datastore side is done.
    pub(super) close: Option<IntentNo>,
}

/// A rendezvous that must be rolled forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Behind {
    pub(super) intent: IntentNo,
    pub(super) granted: Users,
    pub(super) step: RollForward,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum RollForward {
    Record,
    Redo { silent: bool },
    Resolve,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Results {
    pub(super) reasons: [Option<Reason>; USERS],
    pub(super) close: Option<IntentNo>,
}

/// The process that repairs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Reconciler {
    Idle,
    Redoing {
        intent: IntentNo,
        granted: Users,
        silent: bool,
    },
    Closing {
        intent: IntentNo,
        raised: bool,
    },
    Returning {
        used: u32,
    },
}

impl State {
    pub(super) fn new(stock: u32, bounds: Bounds) -> Self {
        let idle = Sender {
            phase: Phase::Idle,
            is_late: false,
        };
        Self {
            sql: Sql::new(stock),
            datastore: Datastore {
                chunk: Chunk::new(),
                in_doubt: Vec::new(),
            },
            senders: [idle.clone(), idle],
            reconciler: Reconciler::Idle,
            campaign: Campaign::Running,
            left: bounds,
            past: Past {
                granted: Users::NONE,
                raised: Users::NONE,
                ungranted: Users::NONE,
            },
        }
    }

    /// Whether somebody other than `slot` holds the row: a live transaction, or one in doubt.
    pub(super) fn is_locked(&self, row: Row, slot: Option<usize>, seeded: Seeded) -> bool {
        let holds = |(other, sender): (usize, &Sender)| match &sender.phase {
            Phase::Meeting(_, rendezvous) => {
                Some(other) != slot
                    && rendezvous
                        .write()
                        .is_some_and(|write| write.rows(seeded).contains(&row))
            }
            _ => false,
        };
        self.sql.is_in_doubt(row, seeded) || self.senders.iter().enumerate().any(holds)
    }

    /// Commits a transaction that read nothing older than what is there now.
    pub(super) fn commit(&mut self, after: Chunk, wire: Wire) -> Fate {
        if after == self.datastore.chunk {
            return Fate::Committed;
        }
        match wire {
            Wire::Answered => {
                self.land(after);
                Fate::Committed
            }
            Wire::Unanswered => {
                self.datastore.in_doubt.push(after);
                Fate::Unknown
            }
        }
    }

    /// Datastore changes: whatever was read before conflicts from now on, so what was in doubt
    /// never lands.
    pub(super) fn land(&mut self, after: Chunk) {
        self.datastore.chunk = after;
        self.datastore.in_doubt.clear();
        for sender in &mut self.senders {
            if let Phase::Meeting(_, rendezvous) = &mut sender.phase {
                rendezvous.conflicts = true;
            }
        }
    }

    /// The least number of a rendezvous that nobody knows.
    pub(super) fn new_intent(&self) -> IntentNo {
        let is_known = |number: &IntentNo| {
            self.sql.intents.contains_key(number)
                || self.sql.inconsistencies.contains_key(number)
                || self.is_in_use(*number)
        };
        (0..).find(|number| !is_known(number)).unwrap_or_default()
    }

    /// Whether a process or a transaction in doubt may still name that rendezvous.
    fn is_in_use(&self, number: IntentNo) -> bool {
        let by_reconciler = match self.reconciler {
            Reconciler::Idle | Reconciler::Returning { .. } => false,
            Reconciler::Redoing { intent, .. } | Reconciler::Closing { intent, .. } => intent == number,
        };
        by_reconciler
            || self
                .sql
                .in_doubt
                .iter()
                .any(|write| write.intent() == Some(number))
            || self
                .senders
                .iter()
                .any(|sender| sender.phase.intent() == Some(number))
    }

    /// Brings states that differ in nothing that anybody could tell to one: repaired
    /// inconsistencies that nobody can name again are forgotten, and a lone sender is the first.
    pub(super) fn simplify(&mut self) {
        let mut inconsistencies = std::mem::take(&mut self.sql.inconsistencies);
        inconsistencies.retain(|number, state| {
            *state == Inconsistency::Open || self.sql.intents.contains_key(number) || self.is_in_use(*number)
        });
        self.sql.inconsistencies = inconsistencies;
        for sender in &mut self.senders {
            sender.is_late &= sender.phase != Phase::Idle;
        }
        let at_work = [0, 1].map(|slot| self.senders[slot].phase != Phase::Idle);
        self.datastore.chunk = self.datastore.chunk.simplified(|slot| at_work[slot]);
        if self.senders[0].phase == Phase::Idle && self.senders[1].phase != Phase::Idle {
            self.senders.swap(0, 1);
            self.datastore.chunk = self.datastore.chunk.swapped();
            for chunk in &mut self.datastore.in_doubt {
                *chunk = chunk.swapped();
            }
            if let Phase::Meeting(_, rendezvous) = &mut self.senders[0].phase {
                rendezvous.swap();
            }
        }
    }

    /// Remembers what must not be undone.
    pub(super) fn remember(&mut self) {
        let Self {
            sql, datastore, past, ..
        } = self;
        past.granted =
            Users::those(|place| past.granted.contains(place) || sql.grants[usize::from(place)] > 0);
        past.raised = Users::those(|place| {
            past.raised.contains(place) || datastore.chunk.standing(place) != Standing::Pending
        });
    }
}
