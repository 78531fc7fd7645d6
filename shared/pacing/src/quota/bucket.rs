//! A process's share, and the tokens that it gives.

use std::time::Duration;

use super::{Division, MINUTE, SAVES, SHARE_LASTS};

/// A share as its holder has it. Times are those of a clock that never jumps.
///
/// A new one is none: it gives nothing until an answer comes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// Messages a minute.
    per_minute: u64,
    /// What it comes down to with the next question.
    target: u64,
    ends_at: Duration,
    /// Tokens, and when they were counted.
    saved: f64,
    counted_at: Duration,
}

/// Why there is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// There will be one after so long, if the share lasts.
    For(Duration),
    /// There is no share.
    Share,
}

impl Share {
    /// Begins a question: comes down to the target, and says what is held from now on.
    pub fn ask(&mut self, now: Duration) -> u64 {
        self.count(now);
        if self.target < self.per_minute {
            self.per_minute = self.target;
            self.saved = self.saved.min(self.depth());
        }
        self.per_minute
    }

    /// Takes the answer to a question that began at `asked_at`. It may be late: then it is as if
    /// it had not come.
    pub fn answer(&mut self, division: Division, asked_at: Duration, now: Duration) {
        self.count(now);
        if now >= asked_at + SHARE_LASTS {
            return;
        }
        self.per_minute = division.share;
        self.target = division.target;
        self.ends_at = asked_at + SHARE_LASTS;
        self.saved = self.saved.min(self.depth());
    }

    /// Takes a token, for one message.
    pub fn take(&mut self, now: Duration) -> Result<(), Wait> {
        self.count(now);
        if self.per_minute == 0 {
            return Err(Wait::Share);
        }
        if self.saved >= 1.0 {
            self.saved -= 1.0;
            return Ok(());
        }
        let takes = (1.0 - self.saved) / self.per_second();
        // The next nanosecond, so that rounding does not make it too early.
        Err(Wait::For(
            Duration::from_secs_f64(takes) + Duration::from_nanos(1),
        ))
    }

    /// Messages a minute, now.
    pub fn per_minute(&self, now: Duration) -> u64 {
        if now < self.ends_at { self.per_minute } else { 0 }
    }

    /// Counts what came in until now, or until the share's end.
    fn count(&mut self, now: Duration) {
        let until = now.min(self.ends_at);
        let passed = until.saturating_sub(self.counted_at);
        self.saved = (self.saved + passed.as_secs_f64() * self.per_second()).min(self.depth());
        self.counted_at = now.max(self.counted_at);
        if now >= self.ends_at {
            self.per_minute = 0;
            self.saved = 0.0;
        }
    }

    fn per_second(&self) -> f64 {
        self.per_minute as f64 / MINUTE.as_secs_f64()
    }

    fn depth(&self) -> f64 {
        if self.per_minute == 0 {
            return 0.0;
        }
        (self.per_second() * SAVES.as_secs_f64()).max(1.0)
    }
}
