//! How many connections a load needs: pure rules.

/// How many more connections are to be opened now for so many who wait, where `open` are full and
/// `opening` are being opened, of at most `most` with `streams` each.
///
/// Not more at once than there are: those may be enough by then, and a burst must not open what
/// the load never needs. So they double until nobody waits.
pub(super) fn further(waiting: usize, streams: usize, open: usize, opening: usize, most: usize) -> usize {
    let needed = waiting.div_ceil(streams).min(open.max(1));
    needed
        .saturating_sub(opening)
        .min(most.saturating_sub(open + opening))
}

/// How many streams were taken at once, at most, in the time in which every connection is looked
/// at once, and in the time before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peak {
    now: usize,
    before: usize,
    looks: usize,
}

impl Default for Peak {
    /// Nothing is known of the time before, so there is no surplus.
    fn default() -> Self {
        Self {
            now: 0,
            before: usize::MAX,
            looks: 0,
        }
    }
}

impl Peak {
    /// So many are taken.
    pub(super) fn reach(&mut self, taken: usize) {
        self.now = self.now.max(taken);
    }

    /// Looks at one of `open` connections with `streams` each, while so many are taken: whether
    /// what was wanted would have fitted easily on one connection less.
    pub(super) fn leaves_surplus(&mut self, open: usize, streams: usize, taken: usize) -> bool {
        let fewer = open.saturating_sub(1) * streams;
        let has_surplus = self.now.max(self.before) < fewer / 4 * 3;
        self.looks += 1;
        if self.looks >= open {
            *self = Self {
                now: taken,
                before: self.now,
                looks: 0,
            };
        }
        has_surplus
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_double_until_those_who_wait_have_a_stream() {
        let mut open = 0;
        let mut steps = Vec::new();
        loop {
            let waiting = 3_000_usize.saturating_sub(open * 100);
            let more = further(waiting, 100, open, 0, 64);
            if more == 0 {
                break;
            }
            open += more;
            steps.push(open);
        }

        assert_eq!(steps, [1, 2, 4, 8, 16, 30]);
    }

    #[test]
    fn no_connection_is_opened_twice_or_beyond_the_most() {
        let while_one_is_opened = further(1_000, 100, 4, 3, 64);
        let while_all_are_opened = further(1_000, 100, 4, 4, 64);
        let near_the_most = further(1_000, 100, 6, 0, 8);
        let at_the_most = further(1_000, 100, 8, 0, 8);

        assert_eq!((while_one_is_opened, while_all_are_opened), (1, 0));
        assert_eq!((near_the_most, at_the_most), (2, 0));
    }

    #[test]
    fn a_connection_is_surplus_once_a_whole_time_has_passed_in_which_fewer_would_have_done() {
        let mut peak = Peak::default();
        let mut open = 4;
        peak.reach(250);

        let mut look = |taken, looks: usize| {
            peak.reach(taken);
            let surplus = (0..looks)
                .filter(|_| peak.leaves_surplus(open, 100, taken))
                .count();
            open -= surplus.min(1);
            surplus
        };

        assert_eq!(look(20, 4), 0, "nothing is known of the time before");
        assert_eq!(look(20, 4), 0, "250 were wanted in the time before");
        assert_eq!(look(20, 1), 1);
    }
}
