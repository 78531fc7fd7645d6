//! Whether a gateway accepts who we are, and the pause while it does not.
//!
//! A refused credential is nobody's push's fault. Nothing more is sent to that gateway, so that
//! nothing is burned; every so often one message tries again, and the first that is not refused
//! ends the pause.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::now::Now;
use crate::outcome::{Outcome, Whose};

/// From the refusal to the first message that tries again; twice as long after each that is
/// refused as well.
const FIRST_PAUSE: Duration = Duration::from_secs(15);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How a gateway takes our credential.
#[derive(Debug)]
pub(crate) struct Standing {
    gateway: &'static str,
    /// Where it is, for people.
    place: String,
    now: Now,
    /// Looked at for each message; what belongs to it is only looked at while it is set.
    is_paused: AtomicBool,
    pause: Mutex<Pause>,
}

#[derive(Debug, Default)]
struct Pause {
    try_at: DateTime<Utc>,
    length: Duration,
    /// Whether one is under way that tries again.
    is_trying: bool,
}

impl Standing {
    /// A good one, until the gateway says otherwise.
    pub(crate) fn new(gateway: &'static str, place: impl ToString, now: Now) -> Self {
        // So that it is there before the first pause.
        metrics::gauge!("noroshi_gateways_paused", "gateway" => gateway).increment(0.0);
        Self {
            gateway,
            place: place.to_string(),
            now,
            is_paused: AtomicBool::new(false),
            pause: Mutex::default(),
        }
    }

    /// Whether a message may go. In a pause, to one caller at its end.
    pub(crate) fn may_send(&self) -> bool {
        if !self.is_paused.load(Ordering::Relaxed) {
            return true;
        }
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now.get();
        let tries = now >= pause.try_at;
        if tries {
            // If nothing is heard of this one, another tries after as long again.
            pause.try_at = now + pause.length;
            pause.is_trying = true;
        }
        tries
    }

    /// What comes of a message whose token was refused, when a new token is there. In a pause, in
    /// which one message tries at a time, it is one more refusal, and so costs nobody an attempt.
    pub(crate) fn token_renewed(&self, whose: Whose) -> Outcome {
        if self.is_paused.load(Ordering::Relaxed) {
            self.refused();
            return Outcome::CredentialRefused(whose);
        }
        Outcome::NOT_SENT
    }

    /// The gateway has refused our credential.
    pub(crate) fn refused(&self) {
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now.get();
        let was_paused = self.is_paused.swap(true, Ordering::Relaxed);
        if was_paused && !std::mem::take(&mut pause.is_trying) {
            // Of those that were under way when the pause began.
            return;
        }
        pause.length = if was_paused {
            (pause.length * 2).min(LONGEST_PAUSE)
        } else {
            FIRST_PAUSE
        };
        pause.try_at = now + pause.length;
        if !was_paused {
            metrics::gauge!("noroshi_gateways_paused", "gateway" => self.gateway).increment(1.0);
        }
        tracing::error!(
            gateway.kind = self.gateway,
            gateway.address = self.place,
            pause_ms = pause.length.as_millis(),
            "a gateway refuses our credential and is paused"
        );
    }

    /// The gateway has taken a message, or found another fault than our credential.
    pub(crate) fn accepted(&self) {
        if self.is_paused.load(Ordering::Relaxed) && self.is_paused.swap(false, Ordering::Relaxed) {
            metrics::gauge!("noroshi_gateways_paused", "gateway" => self.gateway).decrement(1.0);
            tracing::info!(
                gateway.kind = self.gateway,
                gateway.address = self.place,
                "a gateway takes our credential again and goes on"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicI64;

    use super::*;

    #[test]
    fn a_refused_credential_pauses_its_gateway_until_one_message_is_taken() {
        let seconds = Arc::new(AtomicI64::new(0));
        let shown = seconds.clone();
        let now = move || DateTime::from_timestamp(shown.load(Ordering::Relaxed), 0).unwrap();
        let standing = Standing::new("test", "https://host", Now::new(now));
        let at = |second| {
            seconds.store(second, Ordering::Relaxed);
            [standing.may_send(), standing.may_send()]
        };

        let before = at(0);
        standing.refused();
        standing.refused();
        let paused = at(14);
        let over = at(15);
        standing.refused();
        let paused_for_longer = at(44);
        let over_again = at(45);
        standing.accepted();

        assert_eq!(before, [true, true]);
        assert_eq!((paused, over), ([false, false], [true, false]));
        assert_eq!((paused_for_longer, over_again), ([false, false], [true, false]));
        assert_eq!(at(46), [true, true]);
    }
}
