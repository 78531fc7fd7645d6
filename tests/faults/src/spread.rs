//! Times of one kind, as they are told.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// Times in seconds: how many, and those that a share of all does not exceed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Spread {
    count: usize,
    p50: f64,
    p99: f64,
    max: f64,
}

impl Spread {
    /// Of times in their order.
    pub(crate) fn of(sorted: &[Duration]) -> Self {
        let at = |percent: usize| {
            let place = (sorted.len() * percent).div_ceil(100);
            sorted
                .get(place.saturating_sub(1))
                .map_or(0.0, Duration::as_secs_f64)
        };
        Self {
            count: sorted.len(),
            p50: at(50),
            p99: at(99),
            max: at(100),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, p50, p99, max } = self;
        write!(f, "{count}, p50 {p50:.2} s, p99 {p99:.2} s, max {max:.2} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_names_times_that_were_measured() {
        let hundred: Vec<_> = (1..=100).map(Duration::from_secs).collect();

        let (spread, none) = (Spread::of(&hundred), Spread::of(&[]));

        assert_eq!(
            (spread.count, spread.p50, spread.p99, spread.max),
            (100, 50.0, 99.0, 100.0)
        );
        assert_eq!(none, Spread::default());
    }
}
