//! What a gateway says to a send, in terms of what follows from it.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// The answer to one send to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The gateway took the message over.
    Accepted,
    /// The address does not exist any more: remove it.
    AddressGone {
        /// When it ended, if the gateway says so: one that was registered after that is there
        /// again.
        since: Option<DateTime<Utc>>,
    },
    /// The address is not one of this sender's, or not one at all: never again.
    AddressWrong,
    /// The gateway refuses the message whoever it is for: the campaign is at fault, never the
    /// address. Carries which field the gateway names, if it names one.
    PayloadWrong(String),
    /// Later.
    Throttled {
        /// Not earlier than this, if the gateway said so.
        after: Option<Duration>,
        /// For whom.
        scope: Scope,
    },
    /// The gateway does not accept who we are. Nothing is wrong with the push: it waits until a
    /// person has mended that.
    CredentialRefused(Whose),
    /// No answer, or one that tells nothing.
    Unreachable(Unreachable),
}

/// For whom a gateway has had enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The one address.
    Device,
    /// Everything that we send through this gateway.
    Project,
}

/// Whose credential a gateway refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The one that we show it: nothing at all can be sent there.
    Ours,
    /// One that it holds for the address's platform, or for the one origin: others go on.
    Platforms,
}

/// Whether a message without a usable answer may have been delivered all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// It never left this process, or the gateway said that it did not take it; not earlier
    /// than `after`, if the gateway said so.
    NotDelivered {
        /// How long the gateway asks to wait.
        after: Option<Duration>,
    },
    /// It was handed to the connection. Sending it again may double it, which the device hides
    /// by the push's collapse id.
    PossiblyDelivered,
}

impl Outcome {
    /// The message never left this process.
    pub(crate) const NOT_SENT: Self = Self::not_delivered(None);

    /// The gateway said that it did not take the message.
    pub(crate) const fn not_delivered(after: Option<Duration>) -> Self {
        Self::Unreachable(Unreachable::NotDelivered { after })
    }
}
