//! Deliberate wrongs, which a proof must find.

use std::fmt;
use std::str::FromStr;

macro_rules! bugs {
    ($(#[doc = $text:literal] $bug:ident;)*) => {
        /// A deliberate wrong. Each is one condition in the program.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Bug {
            $(#[doc = $text] $bug,)*
        }

        impl Bug {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$bug,)*];

            /// Its name, as in reports and in the environment.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$bug => stringify!($bug),)*
                }
            }

            /// What is wrong, in a sentence.
            pub fn description(self) -> &'static str {
                match self {
                    $(Self::$bug => $text.trim_ascii_start(),)*
                }
            }
        }
    };
}

bugs! {
    /// Grants are committed without an intent.
    NoIntent;
    /// The intent is closed before Datastore has committed.
    IntentClosedEarly;
    /// Datastore commits before SQL.
    DatastoreFirst;
    /// A SQL commit whose answer is lost is taken for done.
    UnknownTakenForCommitted;
    /// An inconsistency is neither recorded nor logged.
    InconsistencyForgotten;
    /// Grants are made without asking how many the chunk may still make.
    StockNotAsked;
    /// What a chunk did not use stays reserved.
    StockKept;
    /// A marker is committed before its pushes.
    MarkerFirst;
    /// A commit of an expansion whose answer is lost is taken for done.
    ExpansionAssumed;
    /// The low-water mark is raised over a chunk that was not expanded.
    MarkTooHigh;
    /// A chunk has no timer while the queue has it.
    TimerClearedAtHandOver;
    /// A sender works on a chunk that another has leased.
    LeaseIgnored;
    /// What a gateway accepted is not settled, where the chunk is given back.
    SettleForgotten;
    /// A late settle lowers a push that is further.
    StatesFall;
    /// Every attempt shows as a notification of its own.
    CollapsePerAttempt;
    /// A permit lasts for ever.
    PermitForever;
    /// Totals are not replaced by newer ones.
    TotalsKept;
    /// A campaign is finished without its balance being asked for.
    FinishedUnasked;
    /// Import counts a batch in a transaction of its own, after the one that stores it.
    CursorApart;
}

impl fmt::Display for Bug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that is the name of no bug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownBug(String);

impl fmt::Display for UnknownBug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no seeded bug `{}`", self.0)
    }
}

impl std::error::Error for UnknownBug {}

impl FromStr for Bug {
    type Err = UnknownBug;

    fn from_str(name: &str) -> Result<Self, UnknownBug> {
        let found = Self::ALL.iter().find(|bug| bug.name() == name);
        found.copied().ok_or_else(|| UnknownBug(name.to_owned()))
    }
}
