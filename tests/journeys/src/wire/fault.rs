//! What can be done to a request, and how often it was.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use serde::Serialize;

/// What is done to a request. *Cut off* means that the client's connection is closed or, over
/// HTTP/2, its stream reset: it cannot tell from that how far its request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The client is cut off, and the server never sees the request.
    DropRequest,
    /// The server does as it is asked, and the client is cut off in place of the answer.
    DropReply,
    /// The client is cut off at once, and the server gets the request that much later, whatever
    /// has become of the client. After no time at all, a client that asks again meets its own
    /// first request at work.
    Late(Duration),
    /// The whole connection is reset (RST), and the server never sees the request.
    Reset,
    /// Nothing is passed on, and neither side is told, until the rule is withdrawn; then the client
    /// is cut off. A session of MySQL's keeps its locks meanwhile, even when the client has left.
    Hang,
    /// The request is passed on that much later.
    Slow(Duration),
    /// The server never sees the request, and it is answered in its name: with this MySQL error
    /// number, gRPC code or HTTP status.
    Refuse(u16),
    /// The server gets the request twice at once, and the client the answer to one of them. Not
    /// over MySQL, where a session has one order of statements.
    Twice,
}

impl Fault {
    /// The kind of fault, in one word for reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::DropRequest => "drop_request",
            Self::DropReply => "drop_reply",
            Self::Late(_) => "late",
            Self::Reset => "reset",
            Self::Hang => "hang",
            Self::Slow(_) => "slow",
            Self::Refuse(_) => "refuse",
            Self::Twice => "twice",
        }
    }
}

/// How often each kind of fault has struck. As JSON, an object of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Fired(BTreeMap<&'static str, u64>);

impl Fired {
    /// Counts one more of that kind; a [`Fault::name`], or another word for what was done.
    pub fn count(&mut self, name: &'static str) {
        *self.0.entry(name).or_default() += 1;
    }

    /// How often that kind has struck.
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// How many have struck, of all kinds.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// The kinds that have struck, and how often.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.0.iter().map(|(name, times)| (*name, *times))
    }
}

impl AddAssign<&Self> for Fired {
    fn add_assign(&mut self, other: &Self) {
        for (name, times) in other.iter() {
            *self.0.entry(name).or_default() += times;
        }
    }
}
