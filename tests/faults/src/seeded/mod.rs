//! Seeded bugs: deliberate wrongs that the proof must find.
//!
//! A proof that finds nothing may be right, or blind. So the protocol and the decisions are also
//! run with one of these wrongs in them, and each must be found by the model or the simulator.
//! None of them is in the product; they live in what stands for it here. Those of the product
//! itself are [`fault_points::Bug`]s, and [`real`] has the cases that find them.

mod hunt;
pub mod real;
mod sweep;

use clap::ValueEnum;

pub use hunt::{Found, Hunt};
pub use sweep::{Arguments, run};

/// One deliberate wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Bug {
    /// The grants are committed without an intent.
    NoIntent,
    /// Datastore is committed before SQL.
    DatastoreFirst,
    /// A COMMIT whose answer was lost is sent again on a new connection, where it commits
    /// nothing and is answered with OK.
    RetriedCommit,
    /// After a COMMIT without an answer, a plain SELECT decides whether it happened.
    PlainReadVerdict,
    /// Reconcile closes an intent without doing the Datastore side again.
    IntentClosedUnseen,
    /// Whoever gives a chunk back ends the lease that it finds, also another's.
    LeaseWithoutToken,
    /// What is left of a chunk's stock is counted from what was reserved, not from what is used.
    GrantsFromMemory,
    /// The return of unused stock does not look whether it was done before.
    StockReturnedTwice,
    /// Grants whose Datastore side failed are taken back.
    GrantsUndone,
    /// An inconsistency is recorded without looking whether its intent was closed meanwhile.
    RecordedUnseen,
    /// A campaign is finished when no unreturned reservation is to be seen, though one may be in
    /// doubt, or not be made yet.
    FinishedBySight,
    /// The hand-over to the queue removes the chunk's timer.
    TimerCleared,
    /// The chunk is closed before its results are settled.
    AnswerBeforeSettle,
    /// A reservation does not lock the coupon.
    StockWithoutLock,
    /// A chunk that is found expanded is counted as it would be expanded now.
    ExpansionCountedUnread,
    /// Chunks whose tasks were lost count against those that may be in the queue.
    LostTasksFillTheQueue,
    /// A chunk whose pushes are all final, by its tally, is taken for closed.
    SettledTakenForClosed,
    /// The chunks of a cancelled campaign are counted once, and results that come later are not.
    LateResultsUncounted,
    /// A cancel is answered without waiting for the permits that are out.
    CancelWithoutWait,
    /// Tallies are added to those before instead of replacing them.
    TalliesAdded,
    /// A chunk may be leased before its time.
    LeasedEarly,
    /// A message's collapse id is new with each attempt.
    NewCollapseId,
    /// A later result overwrites a push's final state.
    StatesFall,
}

/// Which layer is expected to find a bug. The other one may as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The model of the commit protocol.
    Model,
    /// The simulator of the pipeline.
    Simulation,
}

impl Bug {
    /// Where it must be found.
    pub fn layer(self) -> Layer {
        match self {
            Self::NoIntent
            | Self::DatastoreFirst
            | Self::RetriedCommit
            | Self::PlainReadVerdict
            | Self::IntentClosedUnseen
            | Self::LeaseWithoutToken
            | Self::GrantsFromMemory
            | Self::StockReturnedTwice
            | Self::GrantsUndone
            | Self::RecordedUnseen
            | Self::FinishedBySight => Layer::Model,
            Self::TimerCleared
            | Self::AnswerBeforeSettle
            | Self::StockWithoutLock
            | Self::ExpansionCountedUnread
            | Self::LostTasksFillTheQueue
            | Self::SettledTakenForClosed
            | Self::LateResultsUncounted
            | Self::CancelWithoutWait
            | Self::TalliesAdded
            | Self::LeasedEarly
            | Self::NewCollapseId
            | Self::StatesFall => Layer::Simulation,
        }
    }

    /// Every bug that the layer must find.
    pub fn of(layer: Layer) -> impl Iterator<Item = Self> {
        Self::value_variants()
            .iter()
            .copied()
            .filter(move |bug| bug.layer() == layer)
    }

    /// The name by which the command knows it.
    pub fn name(self) -> String {
        self.to_possible_value()
            .map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// Which bug a run has in it, if any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seeded(pub Option<Bug>);

impl Seeded {
    /// Whether it is this one.
    pub fn is(self, bug: Bug) -> bool {
        self.0 == Some(bug)
    }
}
