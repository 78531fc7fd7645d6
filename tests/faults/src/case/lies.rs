//! What a wire does wrong: which call it is about, what becomes of it, and what happens then.
//!
//! The names are those of `RELIABILITY.md`: a commit that is not delivered and one whose answer
//! is lost are different points of it. Everything that the pipeline writes is here in both ways.

use std::time::Duration;

use journeys::wire::Fault;
use journeys::wire::grpc::Step;

use super::Scenario;

/// Longer than another try needs to come to the same rows, and than it waits for their lock.
const LATE: Duration = Duration::from_secs(3);

/// A lie of a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lie {
    /// What it is called.
    pub name: &'static str,
    /// The first such call of a life is struck.
    pub call: Call,
    /// By this.
    pub fault: Fault,
    /// And then this happens.
    pub then: Then,
    /// The scenario in which there is such a call.
    pub scenario: Scenario,
}

/// A call that a wire can tell from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The COMMIT of one kind of transaction.
    Sql(SqlCommit),
    /// The Commit of a step of the pipeline.
    Datastore(Step),
    /// A task is created.
    CreateTask,
    /// The queue calls the sender.
    Deliver,
    /// The queue calls the sender with the first task of the first chunk, however often.
    DeliverFirstTask,
}

/// A transaction, told by a statement that no other one runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlCommit {
    /// Import stores chunks.
    Import,
    /// Fan-out raises its low-water mark.
    Expanded,
    /// A sender reserves stock.
    Reserve,
    /// A sender grants, and leaves its intent.
    Grants,
    /// A sender records totals, and returns stock.
    Totals,
    /// Reconcile leases intents.
    LeaseIntents,
    /// Reconcile closes an intent, and records what it has repaired.
    CloseIntent,
}

/// What happens when the call was struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing more.
    Nothing,
    /// The process is killed.
    Kill,
    /// The process stands still for longer than any lease (SIGSTOP).
    Freeze,
    /// The whole server is down for longer than any lease.
    Down,
}

/// Every lie.
pub const LIES: &[Lie] = &[
    sql("I3:drop_request", SqlCommit::Import, Fault::DropRequest),
    sql("I3:drop_reply", SqlCommit::Import, Fault::DropReply),
    datastore("F3:drop_reply", Step::Expand, Fault::DropReply),
    datastore("F4:drop_request", Step::Expand, Fault::DropRequest),
    datastore("F4:reset", Step::Expand, Fault::Reset),
    sql("F5:drop_request", SqlCommit::Expanded, Fault::DropRequest),
    sql("F5:drop_reply", SqlCommit::Expanded, Fault::DropReply),
    datastore("D1:drop_request", Step::Queue, Fault::DropRequest),
    datastore("D1:drop_reply", Step::Queue, Fault::DropReply),
    lie("D2:drop_request", Call::CreateTask, Fault::DropRequest),
    lie("D3:drop_reply", Call::CreateTask, Fault::DropReply),
    lie("D3:twice", Call::CreateTask, Fault::Twice),
    // The queue has forgotten the name: a task that has run is run once more.
    lie("D6:late", Call::Deliver, Fault::Late(LATE)),
    Lie {
        scenario: Scenario::Cancel,
        ..datastore("D8:drop_request", Step::Cancel, Fault::DropRequest)
    },
    Lie {
        scenario: Scenario::Cancel,
        ..datastore("D8:drop_reply", Step::Cancel, Fault::DropReply)
    },
    datastore("S1:drop_request", Step::Lease, Fault::DropRequest),
    datastore("S1:drop_reply", Step::Lease, Fault::DropReply),
    sql("S19:drop_request", SqlCommit::Reserve, Fault::DropRequest),
    sql("S19:drop_reply", SqlCommit::Reserve, Fault::DropReply),
    sql("S6:drop_request", SqlCommit::Grants, Fault::DropRequest),
    sql("S6:reset", SqlCommit::Grants, Fault::Reset),
    sql("S7:drop_reply", SqlCommit::Grants, Fault::DropReply),
    Lie {
        then: Then::Kill,
        ..sql("S8:late", SqlCommit::Grants, Fault::Late(LATE))
    },
    sql("S24:late", SqlCommit::Grants, Fault::Late(LATE)),
    datastore("S10:drop_request", Step::Raise, Fault::DropRequest),
    // ABORTED: an optimistic store tells of a conflict only here.
    datastore("S10:refuse", Step::Raise, Fault::Refuse(10)),
    datastore("S11:drop_reply", Step::Raise, Fault::DropReply),
    datastore("S11:late", Step::Raise, Fault::Late(LATE)),
    Lie {
        scenario: Scenario::SlowGateway,
        ..datastore("S14:drop_request", Step::Settle, Fault::DropRequest)
    },
    Lie {
        scenario: Scenario::SlowGateway,
        ..datastore("S21:drop_reply", Step::Settle, Fault::DropReply)
    },
    datastore("S22:drop_request", Step::Close, Fault::DropRequest),
    datastore("S22:drop_reply", Step::Close, Fault::DropReply),
    datastore("S23:drop_request", Step::GiveBack, Fault::DropRequest),
    datastore("S23:drop_reply", Step::GiveBack, Fault::DropReply),
    sql("S20:drop_request", SqlCommit::Totals, Fault::DropRequest),
    sql("S20:drop_reply", SqlCommit::Totals, Fault::DropReply),
    lie("Q1:drop_reply", Call::Deliver, Fault::DropReply),
    // The queue gives up, and calls again while the first call is still at work.
    lie("Q2:late", Call::Deliver, Fault::Late(Duration::ZERO)),
    lie("Q3:twice", Call::Deliver, Fault::Twice),
    lie("Q4:refuse", Call::DeliverFirstTask, Fault::Refuse(500)),
    sql("R1:drop_request", SqlCommit::LeaseIntents, Fault::DropRequest),
    sql("R1:drop_reply", SqlCommit::LeaseIntents, Fault::DropReply),
    // With one chunk, the first to raise it in a second life is reconcile.
    few(datastore("R3:drop_request", Step::Raise, Fault::DropRequest)),
    few(datastore("R3:drop_reply", Step::Raise, Fault::DropReply)),
    few(sql("R5:drop_request", SqlCommit::CloseIntent, Fault::DropRequest)),
    few(sql("R5:drop_reply", SqlCommit::CloseIntent, Fault::DropReply)),
    few(Lie {
        then: Then::Down,
        ..datastore("R8:datastore_down", Step::Raise, Fault::DropRequest)
    }),
    few(Lie {
        then: Then::Down,
        ..sql("R8:sql_down", SqlCommit::CloseIntent, Fault::DropRequest)
    }),
];

/// A process stands still when its chunk's commit is under way; another one comes, and goes on.
pub(super) const FREEZE: Lie = Lie {
    then: Then::Freeze,
    ..datastore("F6:freeze", Step::Expand, Fault::Slow(LATE))
};

const fn lie(name: &'static str, call: Call, fault: Fault) -> Lie {
    Lie {
        name,
        call,
        fault,
        then: Then::Nothing,
        scenario: Scenario::Deliver,
    }
}

const fn sql(name: &'static str, commit: SqlCommit, fault: Fault) -> Lie {
    let scenario = match commit {
        SqlCommit::Import => Scenario::DeliverMany,
        _ => Scenario::Deliver,
    };
    Lie {
        scenario,
        ..lie(name, Call::Sql(commit), fault)
    }
}

const fn datastore(name: &'static str, step: Step, fault: Fault) -> Lie {
    lie(name, Call::Datastore(step), fault)
}

const fn few(lie: Lie) -> Lie {
    Lie {
        scenario: Scenario::DeliverFew,
        ..lie
    }
}

impl Lie {
    /// Whether it strikes every such call, and not only the first.
    pub fn is_lasting(&self) -> bool {
        self.call == Call::DeliverFirstTask
    }

    /// Whether what is handed over and not settled may be handed over again because of it: its
    /// settling is what is struck, or the process stands still, or cannot settle.
    pub(super) fn may_double(&self) -> bool {
        match self.then {
            Then::Freeze | Then::Down => true,
            Then::Nothing | Then::Kill => {
                matches!(
                    self.call,
                    Call::Datastore(Step::Settle | Step::GiveBack | Step::Close)
                )
            }
        }
    }
}
