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
    /// Import writes how far it is in a transaction before that of the chunks.
    CursorApart;
    /// Fan-out inserts the marker in a transaction before that of the pushes.
    MarkerApart;
    /// A marker that fan-out meets, also its own, is taken for one of other recipients.
    MarkerTakenForForeign;
    /// An expansion whose commit was not answered is taken for done.
    UnknownTakenForExpanded;
    /// A stripe's mark passes chunks that are under way.
    MarkPassesUnexpanded;
    /// The hand-over to the queue removes the chunk's timer.
    TimerCleared;
    /// A lease is taken without looking whether somebody has it.
    LeaseNotAsked;
    /// A lease that has run out keeps its chunk from being handed over again.
    LeaseForEver;
    /// Stock that was reserved before is taken from the coupon once more.
    StockReservedAgain;
    /// Grants are made without asking how many the chunk may still make.
    StockNotAsked;
    /// Grants are committed without an intent.
    NoIntent;
    /// Datastore is committed before SQL.
    DatastoreFirst;
    /// A SQL commit whose answer is lost is taken for done.
    UnknownTakenForCommitted;
    /// Where SQL has committed and Datastore has not, nothing is recorded before the redo.
    InconsistencyUnrecorded;
    /// Who gets no coupon is sent the push all the same.
    SentWithoutCoupon;
    /// Permit and budget are not asked for once more right before the hand-over.
    PermitAskedOnce;
    /// A message's collapse id is new with each attempt.
    NewCollapseId;
    /// A later result overwrites a push's state, whatever it is.
    StatesFall;
    /// A chunk is closed at the end of an attempt, whatever is left in it.
    ClosedUnsettled;
    /// A tally replaces any other, and not only older ones.
    OlderTallyReplaces;
    /// Stock that comes back is not given back to the coupon.
    StockReturnUncounted;
    /// Reconcile closes an intent without doing the Datastore side again.
    IntentClosedUnseen;
    /// Reconcile gives an intent up at the first failure.
    GivenUpAtOnce;
    /// A campaign is finished without looking at its balance.
    FinishedUnbalanced;
    /// A cancelled campaign is not looked at again, though a marker may come late.
    CancelledForGoodAtOnce;
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
