//! Rests: of every place where units of work run one after the other, the time in which it works
//! is the share.
//!
//! After a unit that took `t` its place rests for `t · (1 − s) / s`, as long as the share `s` stays
//! what it is; when the share changes, so does every rest under way. So no rate need be known, and
//! what is slow by itself is not slowed beyond its share. Pure.

use std::time::Duration;

use pacing::guard::rest;

use crate::clock::Moment;

/// Places that rest.
#[derive(Debug, Default)]
pub struct Rests(Vec<Rest>);

#[derive(Debug)]
struct Rest {
    since: Moment,
    took: Duration,
}

impl Rests {
    /// A unit of work that took so long has ended.
    pub fn begin(&mut self, took: Duration, now: Moment) {
        self.0.push(Rest { since: now, took });
    }

    /// How many places rest at that share, the others being forgotten.
    pub fn count(&mut self, share: f64, now: Moment) -> usize {
        self.0
            .retain(|place| place.left(share, now) != Some(Duration::ZERO));
        self.0.len()
    }

    /// How long until the next of them ends; `None` where none will.
    pub fn soonest(&self, share: f64, now: Moment) -> Option<Duration> {
        let left = self.0.iter().filter_map(|place| place.left(share, now));
        left.filter(|left| !left.is_zero()).min()
    }
}

impl Rest {
    /// How long it still lasts; `None`: as long as the share is nothing.
    fn left(&self, share: f64, now: Moment) -> Option<Duration> {
        let lasts = rest(self.took, share)?;
        Some(lasts.saturating_sub(now.since(self.since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Clock;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_rest_is_as_long_as_the_share_wants_it_now() {
        let noon = Clock::system().monotonic();
        let mut rests = Rests::default();
        rests.begin(SECOND, noon);

        let at_a_quarter = rests.soonest(0.25, noon);
        let later_at_a_half = rests.soonest(0.5, noon + SECOND / 2);
        let held = (rests.soonest(0.0, noon + 9 * SECOND), rests.count(0.0, noon));

        assert_eq!(at_a_quarter, Some(3 * SECOND));
        assert_eq!(later_at_a_half, Some(SECOND / 2));
        assert_eq!(held, (None, 1));
        assert_eq!(rests.count(0.5, noon + SECOND), 0);
    }

    #[test]
    fn at_the_full_share_nobody_rests() {
        let noon = Clock::system().monotonic();
        let mut rests = Rests::default();

        rests.begin(SECOND, noon);

        assert_eq!(rests.count(1.0, noon), 0);
    }
}
