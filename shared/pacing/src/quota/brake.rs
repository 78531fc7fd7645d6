//! The brake: a quota is made smaller while its gateway says that it gets too much.
//!
//! A single answer says little, since gateways throttle a busy device with the same words. So a
//! process looks at its last [`Answers`] together, and presses the brake where one of ten was a
//! "later". That halves what is allowed, once a second at most; when the time is over that the
//! gateway asked for, it rises again, to all of it within a minute.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// All that may be allowed.
const ALL: u32 = 1_000;

/// What is always allowed, or it would never be seen that the trouble is over.
const LEAST: u32 = 4;

/// Between two times that it is pressed: answers to what was under way tell nothing new.
const APART: TimeDelta = TimeDelta::seconds(1);

/// It rises from nothing to all in this time.
const RISES_IN: TimeDelta = TimeDelta::seconds(60);

/// A gateway that asks for more is asked again after this.
const LONGEST: Duration = Duration::from_secs(600);

/// Fewer answers than this say nothing.
const FEW: u64 = 10;

/// One of so many that is a "later" is too many.
const ONE_OF: u64 = 10;

/// What is allowed of a quota. It begins with [`Brake::default`], which allows all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brake {
    /// Of a thousand, until `held_until`.
    pub allowed: u32,
    /// When it was pressed last.
    pub pressed_at: DateTime<Utc>,
    /// From then on more and more is allowed.
    pub held_until: DateTime<Utc>,
}

/// Too many answers were a "later".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// The longest time that the gateway asked for.
    pub after: Duration,
}

/// What a gateway answered since it was last judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    all: u64,
    later: u64,
    after: Duration,
}

impl Default for Brake {
    fn default() -> Self {
        Self {
            allowed: ALL,
            pressed_at: DateTime::UNIX_EPOCH,
            held_until: DateTime::UNIX_EPOCH,
        }
    }
}

impl Brake {
    /// What is allowed now, of a thousand.
    pub fn allows(&self, now: DateTime<Utc>) -> u32 {
        let risen = (now - self.held_until).clamp(TimeDelta::zero(), RISES_IN);
        let risen = risen.num_milliseconds() * i64::from(ALL) / RISES_IN.num_milliseconds();
        // At most a thousand.
        (self.allowed + risen as u32).min(ALL)
    }

    /// The part of `per_minute` that is allowed now.
    pub fn of(&self, per_minute: u64, now: DateTime<Utc>) -> u64 {
        per_minute.saturating_mul(u64::from(self.allows(now))) / u64::from(ALL)
    }

    /// Allows half as much, for as long as the gateway asks.
    pub fn press(&mut self, throttled: Throttled, now: DateTime<Utc>) {
        if now >= self.pressed_at + APART {
            self.allowed = (self.allows(now) / 2).max(LEAST);
            self.pressed_at = now;
        }
        self.held_until = self.held_until.max(now + throttled.after.min(LONGEST));
    }
}

impl Answers {
    /// Takes an answer that is no "later".
    pub fn note(&mut self) {
        self.all += 1;
    }

    /// Takes a "later", and for how long.
    pub fn note_later(&mut self, after: Duration) {
        self.all += 1;
        self.later += 1;
        self.after = self.after.max(after);
    }

    /// Whether the brake is to be pressed at once.
    pub fn are_bad(&self) -> bool {
        self.all >= FEW && self.later * ONE_OF >= self.all
    }

    /// Judges them, and begins anew; too few are kept until there are more.
    pub fn judge(&mut self) -> Option<Throttled> {
        if self.all < FEW {
            return None;
        }
        let judged = std::mem::take(self);
        judged.are_bad().then_some(Throttled { after: judged.after })
    }
}
