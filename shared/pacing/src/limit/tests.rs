//! Limits on simulated stores: so many commits are worked on at once, the others queue.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::*;

/// The mutations of a whole chunk.
const WHOLE: u32 = 500;

struct Store {
    /// When each of its servers is free again, in microseconds.
    free_at: BinaryHeap<Reverse<u64>>,
    /// Microseconds that a server takes for a mutation.
    takes: f64,
    /// Microseconds that pass beside: the way to the store, and a disk that is waited for by all
    /// commits together.
    waits: u64,
    /// A commit takes up to so much more or less, as a part of what it should.
    noise: f64,
    dice: StdRng,
}

impl Store {
    fn of(servers: usize) -> Self {
        Self {
            free_at: (0..servers).map(|_| Reverse(0)).collect(),
            takes: 20.0,
            waits: 0,
            noise: 0.3,
            dice: StdRng::seed_from_u64(7),
        }
    }

    /// When a commit that comes at `now` is answered.
    fn commit(&mut self, now: u64, mutations: u32) -> u64 {
        let Reverse(free_at) = self.free_at.pop().unwrap();
        let noise = 1.0 + self.dice.random_range(-self.noise..=self.noise);
        let takes = f64::from(mutations + COMMIT_COSTS) * self.takes * noise;
        let done = free_at.max(now) + takes as u64;
        self.free_at.push(Reverse(done));
        done + self.waits
    }

    /// Whole commits in a second, if it is never idle.
    fn most(&self) -> f64 {
        self.free_at.len() as f64 / (f64::from(WHOLE + COMMIT_COSTS) * self.takes) * 1e6
    }

    /// Keeps as many commits under way as the limit allows, of sizes that `size` chooses; says
    /// how many are done in a second.
    fn run(&mut self, limit: &mut Limit, commits: usize, mut size: impl FnMut(&mut StdRng) -> u32) -> f64 {
        let mut under_way = BinaryHeap::new();
        let begun = self.free_at.iter().map(|Reverse(at)| *at).max().unwrap();
        let (mut now, mut left) = (begun, commits);
        loop {
            while under_way.len() < limit.get() && left > 0 {
                let mutations = size(&mut self.dice);
                under_way.push(Reverse((self.commit(now, mutations), now, mutations)));
                left -= 1;
            }
            let busy = under_way.len();
            let Some(Reverse((done, from, mutations))) = under_way.pop() else {
                return commits as f64 / (now - begun) as f64 * 1e6;
            };
            now = done;
            let after = Duration::from_micros(done - from);
            limit.learn(Outcome::Answered { after, mutations }, busy);
        }
    }
}

fn whole(_: &mut StdRng) -> u32 {
    WHOLE
}

#[test]
fn a_store_with_room_is_given_all_that_is_allowed() {
    let mut limit = Limit::new(4..=256);

    Store::of(1_000).run(&mut limit, 10_000, whole);

    assert_eq!(limit.get(), 256);
}

#[test]
fn a_store_that_queues_is_kept_busy_and_little_more() {
    for servers in [1, 2, 8, 40, 100] {
        let mut limit = Limit::new(1..=256);
        let mut store = Store::of(servers);
        store.run(&mut limit, 20_000, whole);

        let rate = store.run(&mut limit, 20_000, whole);

        let most = store.most();
        assert!(rate > most * 0.9, "{rate} of {most} with {servers} servers");
        assert!(limit.get() <= servers * 2 + 2, "{} on {servers}", limit.get());
    }
}

#[test]
fn one_server_behind_a_long_way_is_kept_busy_too() {
    for waits in [11_000, 50_000, 200_000] {
        let mut limit = Limit::new(1..=256);
        let mut store = Store {
            waits,
            ..Store::of(1)
        };
        store.run(&mut limit, 20_000, whole);

        let rate = store.run(&mut limit, 20_000, whole);

        let most = store.most();
        assert!(rate > most * 0.8, "{rate} of {most} at {waits} µs");
    }
}

#[test]
fn chunks_of_all_sizes_are_judged_alike() {
    let mut limit = Limit::new(1..=256);
    let mut store = Store::of(40);
    let any = |dice: &mut StdRng| if dice.random_bool(0.5) { WHOLE } else { 4 };

    store.run(&mut limit, 40_000, any);

    // Two hundred small ones, then whole ones again.
    store.run(&mut limit, 200, |_| 4);
    store.run(&mut limit, 200, whole);
    assert!((25..=120).contains(&limit.get()), "{}", limit.get());
}

#[test]
fn a_store_that_becomes_slower_is_not_starved() {
    let mut limit = Limit::new(1..=256);
    let mut store = Store::of(40);
    store.run(&mut limit, 20_000, whole);

    store.takes *= 5.0;
    store.run(&mut limit, 20_000, whole);

    assert!((25..=120).contains(&limit.get()), "{}", limit.get());
}

#[test]
fn a_store_that_shrinks_is_given_less_and_one_that_grows_is_given_more() {
    let mut limit = Limit::new(1..=256);
    Store::of(100).run(&mut limit, 20_000, whole);

    Store::of(10).run(&mut limit, 20_000, whole);
    let less = limit.get();
    let mut grown = Store::of(100);
    grown.run(&mut limit, 20_000, whole);
    let rate = grown.run(&mut limit, 20_000, whole);

    assert!(less <= 32, "{less}");
    assert!(rate > grown.most() * 0.85, "{rate} of {}", grown.most());
}

#[test]
fn an_overload_halves_it_at_once_and_its_companions_do_not() {
    let mut limit = Limit::new(1..=64);
    Store::of(1_000).run(&mut limit, 2_000, whole);

    let first = limit.learn(Outcome::Overloaded, 64);
    for under_way in (1..64).rev() {
        limit.learn(Outcome::Overloaded, under_way);
    }

    assert_eq!(first, Learnt::Overload);
    assert_eq!(limit.get(), 32);
    assert_eq!(limit.learn(Outcome::Overloaded, 1), Learnt::Overload);
}

#[test]
fn work_that_does_not_fill_it_does_not_raise_it() {
    let mut limit = Limit::new(4..=64);
    let answered = Outcome::Answered {
        after: Duration::from_millis(10),
        mutations: WHOLE,
    };

    for _ in 0..1_000 {
        limit.learn(answered, 1);
    }

    assert_eq!(limit.get(), 4);
}

fn outcomes() -> impl Strategy<Value = Vec<(Outcome, usize)>> {
    let answered = (0_u64..10_000_000, 0_u32..=500).prop_map(|(micros, mutations)| Outcome::Answered {
        after: Duration::from_micros(micros),
        mutations,
    });
    let outcome = prop_oneof![4 => answered, 1 => Just(Outcome::Overloaded)];
    proptest::collection::vec((outcome, 0_usize..300), 0..500)
}

proptest! {
    #[test]
    fn it_stays_in_its_bounds_whatever_comes(
        outcomes in outcomes(), least in 0_u32..20, more in 0_u32..300,
    ) {
        let mut limit = Limit::new(least..=least + more);

        for (outcome, under_way) in outcomes {
            limit.learn(outcome, under_way);

            let got = limit.get() as u32;
            prop_assert!(got >= least.max(1) && got <= (least + more).max(1));
        }
    }

    #[test]
    fn nothing_but_overloads_ends_at_the_lower_bound(least in 1_u32..20) {
        let mut limit = Limit::new(least..=256);
        Store::of(1_000).run(&mut limit, 4_000, whole);

        for _ in 0..20 {
            limit.learn(Outcome::Overloaded, 1);
        }

        prop_assert_eq!(limit.get() as u32, least);
    }

    #[test]
    fn it_never_grows_by_more_than_itself(outcomes in outcomes()) {
        let mut limit = Limit::new(1..=256);
        let mut before = limit.get();

        for (outcome, under_way) in outcomes {
            let learnt = limit.learn(outcome, under_way);

            let after = limit.get();
            prop_assert!(after <= 2 * before + 1, "{before} to {after}");
            if learnt == Learnt::Overload {
                prop_assert!(after <= before);
            }
            before = after;
        }
    }
}
