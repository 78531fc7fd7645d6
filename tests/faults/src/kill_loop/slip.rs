//! What can go wrong on a wire, once: drawn from the seed.

use std::time::Duration;

use journeys::wire::Fault;
use journeys::wire::grpc::{Call, Step};
use journeys::wire::mysql::{Kind, Statement};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

/// The next request of a kind, and what is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slip {
    /// Between a process and SQL.
    Sql(Asked, Fault),
    /// Between a process and Datastore.
    Datastore(Called, Fault),
    /// Between a process and its gateway.
    Gateway(Fault),
    /// Between the queue and a process.
    Handler(Fault),
}

/// What is asked of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The commit of a transaction that has run a statement with this in its text.
    Commit(&'static str),
    /// Any statement.
    Any,
    /// A connection.
    Connection,
}

/// What is asked of Datastore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Called {
    /// A commit of that step.
    Commit(Step),
    /// A call of that method.
    Method(&'static str),
}

/// Commits of SQL, by what tells them.
const COMMITS: [&str; 6] = [
    "coupon_grant",
    "coupon_grant",
    "intent",
    "stock_reservation",
    "chunk_tally",
    "audience_chunk",
];

const STEPS: [Step; 9] = [
    Step::Expand,
    Step::Queue,
    Step::Lease,
    Step::Raise,
    Step::Raise,
    Step::Settle,
    Step::GiveBack,
    Step::Close,
    Step::Cancel,
];

const METHODS: [&str; 5] = ["BeginTransaction", "Lookup", "RunQuery", "Commit", "Rollback"];

/// MySQL's numbers: too many connections, lock wait timeout, deadlock.
const SQL_REFUSALS: [u16; 3] = [1040, 1205, 1213];

/// gRPC's codes: ABORTED, UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, INTERNAL.
const DATASTORE_REFUSALS: [u16; 5] = [10, 14, 4, 8, 13];

impl Slip {
    /// Any of those that can be on these wires.
    pub(super) fn draw(random: &mut StdRng, has_sql_wire: bool) -> Self {
        let wires = if has_sql_wire { 10 } else { 6 };
        match random.random_range(0..wires) {
            0..=3 => Self::Datastore(Called::draw(random), datastore_fault(random)),
            4 => Self::Gateway(http_fault(random, 500)),
            5 => Self::Handler(http_fault(random, 503)),
            _ => {
                let asked = Asked::draw(random);
                Self::Sql(asked, sql_fault(random, asked))
            }
        }
    }
}

impl Asked {
    fn draw(random: &mut StdRng) -> Self {
        match random.random_range(0..10) {
            0..=5 => Self::Commit(pick(random, &COMMITS)),
            6..=8 => Self::Any,
            _ => Self::Connection,
        }
    }

    pub(super) fn concerns(self, statement: &Statement) -> bool {
        match self {
            Self::Commit(part) => statement.is_commit() && statement.has_run(part),
            Self::Any => matches!(statement.kind, Kind::Query | Kind::Execute),
            Self::Connection => statement.kind == Kind::Connect,
        }
    }
}

impl Called {
    fn draw(random: &mut StdRng) -> Self {
        if random.random_ratio(7, 10) {
            Self::Commit(pick(random, &STEPS))
        } else {
            Self::Method(pick(random, &METHODS))
        }
    }

    pub(super) fn concerns(self, call: &Call) -> bool {
        match self {
            Self::Commit(step) => call.step() == Some(step),
            Self::Method(method) => call.method() == method,
        }
    }
}

fn sql_fault(random: &mut StdRng, asked: Asked) -> Fault {
    match random.random_range(0..9) {
        0 | 1 => Fault::DropRequest,
        2 | 3 => Fault::DropReply,
        4 => Fault::Late(moment(random)),
        5 => Fault::Reset,
        6 => Fault::Slow(moment(random)),
        7 => Fault::Hang,
        _ => Fault::Refuse(match asked {
            Asked::Connection => SQL_REFUSALS[0],
            Asked::Commit(_) | Asked::Any => pick(random, &SQL_REFUSALS[1..]),
        }),
    }
}

fn datastore_fault(random: &mut StdRng) -> Fault {
    match random.random_range(0..10) {
        0 | 1 => Fault::DropRequest,
        2 | 3 => Fault::DropReply,
        4 => Fault::Late(moment(random)),
        5 => Fault::Reset,
        6 => Fault::Slow(moment(random)),
        7 => Fault::Twice,
        8 => Fault::Hang,
        _ => Fault::Refuse(pick(random, &DATASTORE_REFUSALS)),
    }
}

fn http_fault(random: &mut StdRng, refusal: u16) -> Fault {
    match random.random_range(0..8) {
        0 => Fault::DropRequest,
        1 => Fault::DropReply,
        2 => Fault::Late(moment(random)),
        3 => Fault::Reset,
        4 => Fault::Slow(moment(random)),
        5 => Fault::Twice,
        6 => Fault::Hang,
        _ => Fault::Refuse(refusal),
    }
}

fn moment(random: &mut StdRng) -> Duration {
    Duration::from_millis(random.random_range(50..1_500))
}

fn pick<T: Copy>(random: &mut StdRng, from: &[T]) -> T {
    *from.choose(random).expect("no list here is empty")
}
