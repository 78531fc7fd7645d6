//! What a gateway says to a send, in terms of what follows from it.

use std::time::Duration;

/// The answer to one send to one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The gateway took the message over.
    Accepted,
    /// The address does not exist any more: remove it.
    AddressGone,
    /// The address is not one of this sender's, or not one at all: never again.
    AddressWrong,
    /// The gateway refuses the message whoever it is for: the campaign is at fault, never the
    /// address. Carries which field the gateway names, if it names one.
    PayloadWrong(String),
    /// Later.
    Throttled {
        /// Not earlier than this, if the gateway said so.
        after: Option<Duration>,
    },
    /// The gateway does not accept who we are.
    CredentialRefused,
    /// No answer, or one that tells nothing.
    Unreachable(Unreachable),
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
