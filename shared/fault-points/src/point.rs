//! The points, in the order in which a campaign passes them.

use std::fmt;
use std::str::FromStr;

/// What can happen at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    /// The process is killed, or hangs.
    KillHang,
    /// The process is killed, hangs, or takes the way of a failure.
    KillHangError,
    /// It takes the way of a failure: an answer that is lost, a call that is not delivered.
    Error,
}

macro_rules! points {
    ($($(#[$doc:meta])* $point:ident = $code:literal, $ways:ident;)*) => {
        /// A place in the program. Its code is the name that `RELIABILITY.md` uses.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Point {
            $($(#[$doc])* $point,)*
        }

        impl Point {
            /// Every point, in order.
            pub const ALL: &[Self] = &[$(Self::$point,)*];

            /// Its short name, as in reports and in the environment.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$point => $code,)*
                }
            }

            /// What can happen there.
            pub const fn ways(self) -> Ways {
                match self {
                    $(Self::$point => Ways::$ways,)*
                }
            }
        }
    };
}

points! {
    /// Import: the file is stored, and nothing says yet that it is whole.
    UploadStored = "I1", KillHang;
    /// Import: a batch is read, and its transaction has not begun.
    BatchRead = "I2", KillHangError;
    /// Import: the answer to a batch's commit is lost.
    BatchCommitAnswer = "I3", Error;
    /// Import: a batch is stored.
    BatchStored = "I4", KillHang;
    /// Import: everything is stored, and the audience is not marked as ready.
    AudienceWhole = "I5", KillHangError;

    /// Fan-out: a chunk's recipients are read, and nothing is begun.
    RecipientsRead = "F1", KillHangError;
    /// Fan-out: the marker and the pushes are made, and not committed.
    PushesBuilt = "F2", KillHang;
    /// Fan-out: the commit reaches Datastore, and its answer is lost.
    ExpandCommitAnswer = "F3", Error;
    /// Fan-out: the commit does not reach Datastore.
    ExpandCommit = "F4", Error;
    /// Fan-out: chunks are expanded, and the stripe's mark is where it was.
    ChunksExpanded = "F5", KillHangError;
    /// Fan-out: a stripe is leased, and nothing of it is begun.
    StripeLeased = "F6", KillHang;
    /// Fan-out: between two stripes.
    BetweenStripes = "F7", KillHang;

    /// Dispatch: due chunks are read, and none is marked.
    DueRead = "D1", KillHangError;
    /// Dispatch: a chunk is marked as queued, and has no task.
    ChunkQueued = "D2", KillHang;
    /// Dispatch: the task is created, and the queue's answer is lost.
    TaskAnswer = "D3", Error;
    /// Reconcile: some chunks of a cancelled campaign are closed.
    ChunksCancelled = "D8", KillHangError;

    /// Sender: the chunk is leased, and its SQL transaction has not begun.
    BeforeSql = "S1", KillHangError;
    /// Sender: the SQL side has done its work.
    SqlReady = "S2", KillHangError;
    /// Sender: the Datastore side begins.
    DatastoreBegins = "S3", KillHangError;
    /// Sender: the Datastore side has done its work.
    DatastoreReady = "S4", KillHangError;
    /// Sender: all sides are ready, and none has committed.
    AllReady = "S5", KillHang;
    /// Sender: the SQL commit does not reach the database, and that is not known.
    SqlCommit = "S6", Error;
    /// Sender: the SQL commit holds, and its answer is lost.
    SqlCommitAnswer = "S7", Error;
    /// Sender: SQL has committed, and Datastore has not.
    BetweenCommits = "S9", KillHang;
    /// Sender: the Datastore commit does not reach it, and that is not known.
    DatastoreCommit = "S10", Error;
    /// Sender: the Datastore commit holds, and its answer is lost.
    DatastoreCommitAnswer = "S11", Error;
    /// Sender: coupons are granted, and nothing is handed over.
    BeforeSends = "S12", KillHang;
    /// Sender: a gateway has accepted a push, and that is not settled.
    Accepted = "S14", KillHang;
    /// Sender: everything is settled and counted, and the queue has no answer.
    BeforeAnswer = "S15", KillHangError;
    /// Rendezvous: a side breaks off when it is ready.
    SideBreaksOff = "S16", Error;
    /// Sender: the SQL transaction's begin is cut off by its caller.
    BeginCut = "S18", Error;
    /// Sender: stock is reserved, and nothing is granted.
    StockReserved = "S19", KillHangError;
    /// Sender: the chunk is done, and its stock is not returned.
    BeforeStockReturn = "S20", KillHangError;
    /// Sender: a part of the results is settled, and more are coming.
    PartSettled = "S21", KillHang;
    /// Sender: the chunk is settled, and its totals are not written.
    BeforeTotals = "S22", KillHangError;
    /// Sender: what is left is given back, and the queue has no answer.
    GivenBack = "S23", KillHang;

    /// Quota: a share is divided for one who has work, and not committed.
    ShareDivided = "G1", KillHangError;
    /// Quota: the share's commit holds, and its answer is lost.
    ShareCommitAnswer = "G2", Error;
    /// Quota: the share is committed, and nothing is sent by it.
    ShareCommitted = "G3", KillHang;

    /// Reconcile: a canary is judged, and nothing of it is written.
    CanaryJudged = "C1", KillHangError;
    /// Reconcile: how a canary went is written, with the pause if it failed, and not committed.
    CanaryDecided = "C2", KillHangError;
    /// Reconcile: that commit holds, and its answer is lost.
    CanaryCommitAnswer = "C3", Error;
    /// Reconcile: that is committed, and nobody is told.
    CanaryCommitted = "C4", KillHang;

    /// Sender: addresses are removed and reported in the outbox, and not committed.
    AddressesRemoved = "O1", KillHangError;
    /// Feedback: reports are leased, and none is posted.
    ReportsLeased = "O2", KillHangError;
    /// Feedback: the webhook has answered, and that is not written down.
    ReportPosted = "O3", KillHangError;
    /// Feedback: it is written down, and the commit's answer is lost.
    ReportSettleAnswer = "O4", Error;
    /// Feedback: a report is given up, and that is not committed.
    ReportGivenUp = "O5", KillHangError;

    /// Triggered pushes: a request is found good, and nothing is stored.
    PushResolved = "T1", KillHangError;
    /// Triggered pushes: the push is stored, and nobody is told.
    PushStored = "T2", KillHangError;

    /// Reconcile: intents are leased, and nothing is read.
    IntentsLeased = "R1", KillHangError;
    /// Reconcile: what is to be redone is read.
    RedoRead = "R2", KillHang;
    /// Reconcile: the answer to a redo is lost.
    RedoAnswer = "R3", Error;
    /// Reconcile: Datastore is right again, and the intent is open.
    Redone = "R4", KillHangError;
    /// Reconcile: the intent is closed, and that answer is lost.
    CloseAnswer = "R5", Error;
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A text that is the code of no point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPoint(String);

impl fmt::Display for UnknownPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no fault point `{}`", self.0)
    }
}

impl std::error::Error for UnknownPoint {}

impl FromStr for Point {
    type Err = UnknownPoint;

    fn from_str(code: &str) -> Result<Self, UnknownPoint> {
        let found = Self::ALL.iter().find(|point| point.code() == code);
        found.copied().ok_or_else(|| UnknownPoint(code.to_owned()))
    }
}
