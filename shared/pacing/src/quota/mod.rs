//! A quota of messages a minute that many processes keep together.
//!
//! Nothing is counted in common while messages are sent. Each process holds a *share* of the
//! quota, a rate, for five seconds, and asks for it again every second. [`divide`] says how large
//! it is: the shares that live at one moment are never more than what is [`usable`], whoever asks
//! when, dies, or hears its answer late. With its share a process fills a [`Share`]'s bucket, and
//! every message takes one token of it.
//!
//! Three rules make that so. A share ends for its holder five seconds after the *start* of the
//! question, on a clock that never jumps; for everybody else it ends later, by as much as clocks
//! may differ ([`lives_until`]). A share is made smaller by its holder alone: an answer names a
//! *target*, and the holder comes down to it before it asks again, so that no answer that is lost
//! leaves somebody with more than is written down. And whoever finds that a share has ended crosses
//! it out ([`Claim::written_down`]), so that a question of its holder that was long on its way does
//! not bring it back to life.
//!
//! A [`Brake`] makes the whole quota smaller while the gateway says that it is too much. Pure.

mod brake;
mod bucket;
mod division;

use std::time::Duration;

use chrono::{DateTime, Utc};

pub use brake::{Answers, Brake, Throttled};
pub use bucket::{Share, Wait};
pub use division::{Claim, Demand, Division, Turn, divide};

/// How long a share is its holder's.
pub const SHARE_LASTS: Duration = Duration::from_secs(5);

/// How often it is asked for again.
pub const ASK_EVERY: Duration = Duration::from_secs(1);

/// A process saves up what its share gives in this time, and one message at least.
const SAVES: Duration = Duration::from_millis(250);

const MINUTE: Duration = Duration::from_secs(60);

/// What may be shared out of a quota, so that in no minute more arrive than it has: a sixtieth is
/// kept back, at least 16 messages and never more than a quarter. It covers what processes have
/// saved up when a minute begins, a 240th or one each, and leaves the rest for messages that are
/// on their way longer than others.
pub fn usable(quota: u64) -> u64 {
    quota - (quota / 60).max((quota / 4).min(16))
}

/// Until when others take a share to be live that was asked for at `asked_at` by its holder's
/// clock, which may differ from theirs by `skew`.
pub fn lives_until(asked_at: DateTime<Utc>, skew: Duration) -> DateTime<Utc> {
    asked_at + SHARE_LASTS + skew
}

#[cfg(test)]
mod tests;
