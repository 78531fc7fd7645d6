//! Which part of the last calls failed.

use std::collections::VecDeque;

/// Steps that are looked back on.
const STEPS: usize = 10;

/// Fewer calls than this say nothing: one that was aborted is no alarm.
const LEAST: u64 = 20;

/// Calls ever made, and those of them that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// All of them.
    pub made: u64,
    /// Those that failed.
    pub failed: u64,
}

/// The part that failed, over the last steps of time.
#[derive(Clone, Debug, Default)]
pub struct ErrorRatio {
    counted: VecDeque<Calls>,
}

impl ErrorRatio {
    /// Takes what was counted until now, and gives the part of the calls of the last ten steps
    /// that failed; `None` of too few.
    pub fn of(&mut self, until_now: Calls) -> Option<f64> {
        self.counted.push_back(until_now);
        if self.counted.len() > STEPS + 1 {
            self.counted.pop_front();
        }
        let before = self.counted.front()?;
        let made = until_now.made.saturating_sub(before.made);
        let failed = until_now.failed.saturating_sub(before.failed);
        // Both far below 2^52.
        (made >= LEAST).then(|| failed as f64 / made as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_failures_among_few_calls_say_nothing() {
        let mut ratio = ErrorRatio::default();
        ratio.of(Calls::default());

        let few = ratio.of(Calls { made: 19, failed: 19 });
        let enough = ratio.of(Calls { made: 40, failed: 30 });

        assert_eq!((few, enough), (None, Some(0.75)));
    }

    #[test]
    fn what_is_long_past_counts_no_more() {
        let mut ratio = ErrorRatio::default();
        ratio.of(Calls::default());
        let failing = Calls {
            made: 100,
            failed: 100,
        };

        let at_first = ratio.of(failing);
        let silent = [(); STEPS].map(|()| ratio.of(failing))[STEPS - 1];
        let again = ratio.of(Calls { made: 200, ..failing });

        assert_eq!((at_first, silent), (Some(1.0), None));
        assert_eq!(again, Some(0.0));
    }
}
