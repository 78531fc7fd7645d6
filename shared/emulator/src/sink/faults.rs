//! A script being played: who is struck, how often already, and who has used up a quota.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::script::{Fault, Outcome, Script, Scripted};
use crate::token_bucket::Bucket;

/// A fault that strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Strike {
    pub(super) outcome: Outcome,
    pub(super) retry_after: Option<Duration>,
}

/// The script and what it has to remember. Only addresses under a fault with `first` are
/// remembered, and projects under a quota.
#[derive(Debug)]
pub(super) struct Faults {
    script: Script,
    /// How often each of the script's faults with `in_all` has struck.
    in_all: Mutex<HashMap<usize, u32>>,
    struck: Mutex<HashMap<u64, u32>>,
    quotas: Mutex<HashMap<String, Bucket>>,
}

impl Faults {
    /// Begins to play a script that was checked.
    pub(super) fn new(script: Script) -> Self {
        Self {
            script,
            in_all: Mutex::default(),
            struck: Mutex::default(),
            quotas: Mutex::default(),
        }
    }

    /// What is played.
    pub(super) fn script(&self) -> &Script {
        &self.script
    }

    /// What happens to a request for this address, if not the usual. Counts the request.
    pub(super) fn strike(&self, project: &str, address: &str, now: DateTime<Utc>) -> Option<Strike> {
        if !self.within_quota(project, now) {
            return Some(Strike {
                outcome: Outcome::QuotaExceeded,
                retry_after: None,
            });
        }
        if self
            .script
            .dead_prefixes
            .iter()
            .any(|prefix| address.starts_with(prefix))
        {
            return Some(Strike {
                outcome: Outcome::Unregistered,
                retry_after: None,
            });
        }
        if self.script.faults.is_empty() {
            return None;
        }
        let hash = xxh3_64_with_seed(address.as_bytes(), self.script.seed);
        let (place, fault) = fault_of(&self.script.faults, hash)?;
        let strikes = fault.first.is_none_or(|first| self.strikes_again(hash, first))
            && fault
                .in_all
                .is_none_or(|in_all| self.strikes_anybody(place, in_all));
        strikes.then_some(Strike {
            outcome: fault.outcome,
            retry_after: fault.retry_after,
        })
    }

    /// The answer that is written out for this address, if there is one. Counts the request.
    pub(super) fn scripted(&self, address: &str) -> Option<&Scripted> {
        let name = match address.rsplit_once('/') {
            Some((_, name)) => name,
            None => address,
        };
        let fits = |answer: &&Scripted| name.starts_with(&answer.prefix);
        let answer = self.script.answers.iter().find(fits)?;
        let hash = xxh3_64_with_seed(address.as_bytes(), self.script.seed);
        let strikes = answer.first.is_none_or(|first| self.strikes_again(hash, first));
        strikes.then_some(answer)
    }

    /// How long the answer to this request takes.
    pub(super) fn delay(&self) -> Duration {
        let delay = self.script.delay;
        if delay.jitter.is_zero() {
            return delay.fixed;
        }
        delay.fixed + delay.jitter.mul_f64(rand::random())
    }

    fn strikes_anybody(&self, place: usize, in_all: u32) -> bool {
        let mut struck = self.in_all.lock().unwrap_or_else(PoisonError::into_inner);
        let times = struck.entry(place).or_default();
        let strikes = *times < in_all;
        *times += u32::from(strikes);
        strikes
    }

    fn strikes_again(&self, hash: u64, first: u32) -> bool {
        let mut struck = self.struck.lock().unwrap_or_else(PoisonError::into_inner);
        let times = struck.entry(hash).or_default();
        let strikes = *times < first;
        *times += u32::from(strikes);
        strikes
    }

    fn within_quota(&self, project: &str, now: DateTime<Utc>) -> bool {
        let Some(quota) = self.script.quota_per_minute.map(f64::from) else {
            return true;
        };
        let mut quotas = self.quotas.lock().unwrap_or_else(PoisonError::into_inner);
        if !quotas.contains_key(project) {
            quotas.insert(project.to_owned(), Bucket::new(quota / 60.0, quota, now));
        }
        quotas
            .get_mut(project)
            .is_some_and(|bucket| bucket.take(now).is_ok())
    }
}

/// Lays the shares end to end on [0, 1) and finds the one on which the hash falls, and its place.
fn fault_of(faults: &[Fault], hash: u64) -> Option<(usize, &Fault)> {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    let point = (hash >> 11) as f64 / (1_u64 << 53) as f64;
    let mut end = 0.0;
    faults.iter().enumerate().find(|(_, fault)| {
        end += fault.share;
        point < end
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn fault(outcome: Outcome, share: f64, first: Option<u32>) -> Fault {
        Fault {
            outcome,
            share,
            first,
            in_all: None,
            retry_after: None,
        }
    }

    fn struck(script: &Script) -> Vec<Option<Outcome>> {
        let faults = Faults::new(script.clone());
        (0..10_000)
            .map(|n| {
                faults
                    .strike("demo", &format!("address-{n}"), NOW)
                    .map(|strike| strike.outcome)
            })
            .collect()
    }

    #[test]
    fn shares_are_kept_and_the_same_addresses_are_struck_every_time() {
        let faults = vec![
            fault(Outcome::Unregistered, 0.10, None),
            fault(Outcome::Unavailable, 0.05, None),
        ];
        let script = Script {
            seed: 1,
            faults,
            ..Script::default()
        };

        let first = struck(&script);
        let other_seed = struck(&Script {
            seed: 2,
            ..script.clone()
        });
        let count = |outcome| first.iter().filter(|struck| **struck == Some(outcome)).count();

        assert_eq!(first, struck(&script));
        assert_ne!(first, other_seed);
        assert!((900..1_100).contains(&count(Outcome::Unregistered)));
        assert!((420..580).contains(&count(Outcome::Unavailable)));
    }

    #[test]
    fn a_fault_of_the_first_requests_passes() {
        let faults = vec![fault(Outcome::Unavailable, 1.0, Some(2))];
        let faults = Faults::new(Script {
            faults,
            ..Script::default()
        });

        let strikes: Vec<bool> = (0..4)
            .map(|_| faults.strike("demo", "a", NOW).is_some())
            .collect();

        assert_eq!(strikes, [true, true, false, false]);
    }

    #[test]
    fn a_fault_of_some_requests_in_all_passes() {
        let faults = vec![Fault {
            in_all: Some(2),
            ..fault(Outcome::Unauthenticated, 1.0, None)
        }];
        let faults = Faults::new(Script {
            faults,
            ..Script::default()
        });

        let strikes: Vec<bool> = ["a", "b", "a", "c"]
            .iter()
            .map(|address| faults.strike("demo", address, NOW).is_some())
            .collect();

        assert_eq!(strikes, [true, true, false, false]);
    }

    #[test]
    fn each_project_has_a_quota_of_its_own() {
        let faults = Faults::new(Script {
            quota_per_minute: Some(2),
            ..Script::default()
        });

        let demo: Vec<bool> = (0..3)
            .map(|_| faults.strike("demo", "a", NOW).is_some())
            .collect();

        assert_eq!(demo, [false, false, true]);
        assert_eq!(faults.strike("other", "a", NOW), None);
    }
}
