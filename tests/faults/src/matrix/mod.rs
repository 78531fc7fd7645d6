//! Every point, every way to fail there, one at a time, on the real program; and the pairs of a
//! sender's fault and a repair's.
//!
//! A case whose trouble did not happen proves nothing, and is said to be void.

mod absent;
mod arguments;
mod report;

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use tokio::runtime::Runtime;

use crate::case::{self, Case};
use crate::play::{Played, play};
use crate::stage::{Ground, Sql};
pub use arguments::{Arguments, PairArguments};
pub use report::Report;

/// Plays every single trouble; fails if a case is void or anything is wrong.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    arguments.play("matrix", case::single())
}

/// Plays pairs, or some of them; fails if a case is void or anything is wrong.
pub fn run_pairs(arguments: &PairArguments) -> anyhow::Result<ExitCode> {
    let pairs = sample(case::pairs(), arguments.cases, arguments.seed);
    arguments.common.play("pairs", pairs)
}

/// So many of the cases, drawn from `seed`, or all of them.
pub fn sample(mut cases: Vec<Case>, size: Option<usize>, seed: u64) -> Vec<Case> {
    if let Some(size) = size {
        cases.shuffle(&mut StdRng::seed_from_u64(seed));
        cases.truncate(size);
    }
    cases
}

/// The cases that `only` names, by the beginning of their names or of one half of a pair's; all
/// of them if it names none. Without those that cannot be played with this SQL.
pub fn choose(cases: Vec<Case>, only: &[String], sql: &Sql) -> Vec<Case> {
    let is_named = |case: &Case| {
        let begins = |name: &String| {
            let halves = case.name.split('+');
            case.name.starts_with(name.as_str())
                || halves.into_iter().any(|half| half.starts_with(name.as_str()))
        };
        only.is_empty() || only.iter().any(begins)
    };
    let can_be_played = |case: &Case| *sql != Sql::Sqlite || !case.needs_sql_server();
    let cases = cases.into_iter();
    cases
        .filter(|case| is_named(case) && can_be_played(case))
        .collect()
}

/// Plays cases, so many at once, and says of each how it went.
pub fn play_all(cases: Vec<Case>, ground: &Ground, at_once: usize, command: &'static str) -> Report {
    let report = Mutex::new(Report::new(ground, command));
    each(cases, ground, at_once, |case, played, _| {
        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
        report.add(case, played);
    });
    report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Plays cases, so many at once, and tells how each has ended and how long it took.
pub(crate) fn each(
    cases: Vec<Case>,
    ground: &Ground,
    at_once: usize,
    ended: impl Fn(Case, Played, Duration) + Send + Sync,
) {
    let cases = Mutex::new(cases.into_iter());
    let next = || cases.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        for _ in 0..at_once.max(1) {
            scope.spawn(|| {
                while let Some(case) = next() {
                    let began = now();
                    let played = play_alone(&case, ground);
                    ended(case, played, began.elapsed());
                }
            });
        }
    });
}

/// Plays a case on threads of its own: one whose stage breaks down is wrong, and no other is.
fn play_alone(case: &Case, ground: &Ground) -> Played {
    let playing = thread::scope(|scope| {
        let played = scope.spawn(|| Runtime::new()?.block_on(play(case, ground)));
        played.join()
    });
    match playing {
        Ok(Ok(played)) => played,
        Ok(Err(error)) => Played::stuck(case, format!("{error:#}")),
        Err(_) => Played::stuck(case, "it panicked, as is said above".to_owned()),
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a case takes, for people")]
fn now() -> Instant {
    Instant::now()
}
