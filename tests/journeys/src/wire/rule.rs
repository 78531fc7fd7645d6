//! Which requests are struck, and by what.

use std::fmt;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::fault::{Fault, Fired};

/// A fault, and which of the requests `R` it strikes: the next one that it concerns, unless
/// another choice is made.
pub struct Rule<R> {
    fault: Fault,
    concerns: Box<dyn Fn(&R) -> bool + Send + Sync>,
    /// How many more it concerns and spares.
    spares: u64,
    /// How many more it strikes; `None` for no end.
    left: Option<u64>,
    share: f64,
}

impl<R> Rule<R> {
    /// `fault` for the next request that `concerns` accepts.
    pub fn new(fault: Fault, concerns: impl Fn(&R) -> bool + Send + Sync + 'static) -> Self {
        Self {
            fault,
            concerns: Box::new(concerns),
            spares: 0,
            left: Some(1),
            share: 1.0,
        }
    }

    /// Spares those before the `n`-th, counted from 1.
    #[must_use]
    pub fn nth(self, n: u64) -> Self {
        Self {
            spares: n.saturating_sub(1),
            ..self
        }
    }

    /// Strikes so many.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self {
            left: Some(times),
            ..self
        }
    }

    /// Strikes every one, without end.
    #[must_use]
    pub fn always(self) -> Self {
        Self { left: None, ..self }
    }

    /// Strikes each with the probability `share`, without end.
    ///
    /// # Panics
    /// When it is injected, if `share` is not in 0..=1.
    #[must_use]
    pub fn share(self, share: f64) -> Self {
        Self {
            share,
            ..self.always()
        }
    }

    pub(super) fn fault(&self) -> Fault {
        self.fault
    }
}

impl<R> fmt::Debug for Rule<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("fault", &self.fault)
            .field("spares", &self.spares)
            .field("left", &self.left)
            .field("share", &self.share)
            .finish_non_exhaustive()
    }
}

/// A rule in force. Dropped, it is withdrawn: it strikes no more, and what hangs by it is cut
/// off.
#[derive(Debug)]
#[must_use = "a rule is withdrawn when this is dropped"]
pub struct Injected {
    struck: watch::Receiver<u64>,
    _withdraw: DropGuard,
}

impl Injected {
    /// How often it has struck.
    pub fn count(&self) -> u64 {
        *self.struck.borrow()
    }

    /// Waits until it has struck. It has just decided to: what it does to the request may still
    /// be going on.
    pub async fn fired(&self) {
        self.fired_times(1).await;
    }

    /// Waits until it has struck that often.
    ///
    /// # Panics
    /// If the proxy is dropped before.
    pub async fn fired_times(&self, times: u64) {
        let mut struck = self.struck.clone();
        let enough = struck.wait_for(|struck| *struck >= times).await;
        enough.expect("the proxy outlives the wait for its rule");
    }
}

/// A decision to do something to a request.
#[derive(Debug)]
pub(super) struct Strike {
    pub(super) fault: Fault,
    withdrawn: CancellationToken,
}

impl Strike {
    /// Waits until the rule is withdrawn.
    pub(super) async fn withdrawn(&self) {
        self.withdrawn.cancelled().await;
    }
}

/// The rules of one proxy, and what they have done.
pub(super) struct Rules<R> {
    in_force: Vec<InForce<R>>,
    random: StdRng,
    pub(super) fired: Fired,
}

struct InForce<R> {
    rule: Rule<R>,
    struck: watch::Sender<u64>,
    withdrawn: CancellationToken,
}

impl<R> Rules<R> {
    /// No rules; shares are drawn from `seed`.
    pub(super) fn new(seed: u64) -> Self {
        Self {
            in_force: Vec::new(),
            random: StdRng::seed_from_u64(seed),
            fired: Fired::default(),
        }
    }

    pub(super) fn inject(&mut self, rule: Rule<R>) -> Injected {
        assert!(
            (0.0..=1.0).contains(&rule.share),
            "{} is no probability",
            rule.share
        );
        let withdrawn = CancellationToken::new();
        let (sender, struck) = watch::channel(0);
        self.in_force.push(InForce {
            rule,
            struck: sender,
            withdrawn: withdrawn.clone(),
        });
        Injected {
            struck,
            _withdraw: withdrawn.drop_guard(),
        }
    }

    /// What is to be done to `request`: by the rule that was injected first of those that want
    /// it. The others have not seen it.
    pub(super) fn strike(&mut self, request: &R) -> Option<Strike> {
        self.in_force.retain(|rule| !rule.withdrawn.is_cancelled());
        let random = &mut self.random;
        let mut in_force = self.in_force.iter_mut();
        let place = in_force.position(|in_force| in_force.rule.wants(request, random))?;
        let InForce {
            rule,
            struck,
            withdrawn,
        } = &self.in_force[place];
        struck.send_modify(|struck| *struck += 1);
        self.fired.count(rule.fault.name());
        Some(Strike {
            fault: rule.fault,
            withdrawn: withdrawn.clone(),
        })
    }
}

impl<R> Rule<R> {
    /// Whether it strikes this one. Counts it.
    fn wants(&mut self, request: &R, random: &mut StdRng) -> bool {
        if self.left == Some(0) || !(self.concerns)(request) {
            return false;
        }
        if self.spares > 0 {
            self.spares -= 1;
            return false;
        }
        let wants = random.random_bool(self.share);
        if wants {
            self.left = self.left.map(|left| left - 1);
        }
        wants
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the numbers 1 to 10 the rule strikes.
    fn struck(rule: Rule<u32>, seed: u64) -> Vec<u32> {
        let mut rules = Rules::new(seed);
        let _injected = rules.inject(rule);
        (1..=10)
            .filter(|request| rules.strike(request).is_some())
            .collect()
    }

    fn even(fault: Fault) -> Rule<u32> {
        Rule::new(fault, |request: &u32| request.is_multiple_of(2))
    }

    #[test]
    fn a_rule_strikes_the_next_one_that_it_concerns_exactly_once() {
        assert_eq!(struck(even(Fault::Reset), 1), [2]);
    }

    #[test]
    fn the_nth_so_many_and_all_can_be_chosen() {
        assert_eq!(struck(even(Fault::Reset).nth(3), 1), [6]);
        assert_eq!(struck(even(Fault::Reset).nth(2).times(2), 1), [4, 6]);
        assert_eq!(struck(even(Fault::Reset).always(), 1), [2, 4, 6, 8, 10]);
    }

    #[test]
    fn a_share_is_the_same_whenever_the_seed_is() {
        let shared = |seed| struck(Rule::new(Fault::Reset, |_| true).share(0.5), seed);

        assert_eq!(shared(1), shared(1));
        assert!((1..1_000).any(|seed| shared(seed) != shared(1)));
        assert!((1..1_000).all(|seed| shared(seed).len() <= 10));
    }

    #[test]
    fn the_rule_that_was_injected_first_goes_first() {
        let mut rules = Rules::new(1);
        let first = rules.inject(even(Fault::DropReply));
        let second = rules.inject(Rule::new(Fault::Reset, |_| true));

        let faults = [2, 4, 6].map(|request| rules.strike(&request).map(|strike| strike.fault));

        assert_eq!(faults, [Some(Fault::DropReply), Some(Fault::Reset), None]);
        assert_eq!((first.count(), second.count()), (1, 1));
        assert_eq!((rules.fired.of("drop_reply"), rules.fired.total()), (1, 2));
    }

    #[test]
    fn a_withdrawn_rule_strikes_no_more() {
        let mut rules = Rules::new(1);
        let injected = rules.inject(even(Fault::Reset).always());
        assert!(rules.strike(&2).is_some());

        drop(injected);

        assert!(rules.strike(&4).is_none());
    }
}
