//! What is done next, and when: drawn from the seed, and paced by progress.
//!
//! A blow of each kind falls every so many deliveries, so that a faster machine gets as many of
//! them on the same way. Which process is meant is drawn, too; a process that is down when its
//! turn comes gives it to the next.

use std::time::Duration;

use fault_points::{Fault, Point};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use super::settings::HANG;
use super::slip::Slip;

/// Things that chance is drawn for.
const KINDS: u64 = 5;

/// How many blows of each kind are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// SIGKILL of a process.
    pub(super) kills: u64,
    /// SIGSTOP of a process past its leases.
    pub(super) freezes: u64,
    /// SIGKILL of the SQL server.
    pub(super) sql_kills: u64,
    /// Slips on the wires.
    pub(super) slips: u64,
}

/// One blow.
#[derive(Clone, Debug)]
pub(super) enum Blow {
    /// SIGKILL; it stays down for so long.
    Kill { process: usize, down: Duration },
    /// SIGSTOP for so long.
    Freeze { process: usize, time: Duration },
    /// SIGKILL of the SQL server, which stays down for so long.
    KillSql { down: Duration },
    /// Something on a wire of a process.
    Slip { process: usize, slip: Slip },
}

/// All blows of a loop.
#[derive(Debug)]
pub(super) struct Blows {
    processes: usize,
    has_sql_wire: bool,
    kills: Cadence,
    freezes: Cadence,
    sql_kills: Cadence,
    slips: Cadence,
    /// What the faults of the processes' lives are drawn from.
    lives: StdRng,
}

impl Blows {
    /// So many, spread over so many deliveries; and on at that pace if they do not suffice.
    pub(super) fn new(
        wanted: Wanted,
        deliveries: u64,
        processes: usize,
        has_sql_wire: bool,
        seed: u64,
    ) -> Self {
        // Each kind has chance of its own: the tenth kill is the same one, however many slips
        // there were before it.
        let chance = |kind: u64| StdRng::seed_from_u64(seed.wrapping_mul(KINDS).wrapping_add(kind));
        let cadence = |kind, times| Cadence::new(deliveries, times, chance(kind));
        Self {
            processes,
            has_sql_wire,
            kills: cadence(0, wanted.kills),
            freezes: cadence(1, wanted.freezes),
            sql_kills: cadence(2, wanted.sql_kills),
            slips: cadence(3, wanted.slips),
            lives: chance(4),
        }
    }

    /// The next blow that is due after so many deliveries, if there is one.
    pub(super) fn due(&mut self, delivered: u64) -> Option<Blow> {
        let processes = 0..self.processes;
        if let Some(random) = self.sql_kills.due(delivered) {
            let down = time(random, 0, 2_000);
            return Some(Blow::KillSql { down });
        }
        if let Some(random) = self.kills.due(delivered) {
            let process = random.random_range(processes);
            // Half of them are back at once.
            let longest = if random.random() { 50 } else { 2_000 };
            let down = time(random, 0, longest);
            return Some(Blow::Kill { process, down });
        }
        if let Some(random) = self.freezes.due(delivered) {
            let process = random.random_range(processes);
            let time = HANG + time(random, 0, 1_000);
            return Some(Blow::Freeze { process, time });
        }
        if let Some(random) = self.slips.due(delivered) {
            let process = random.random_range(processes);
            let slip = Slip::draw(random, self.has_sql_wire);
            return Some(Blow::Slip { process, slip });
        }
        None
    }

    /// The faults of a process's next life: none, or some at points that it may come to.
    pub(super) fn next_life(&mut self) -> Vec<Fault> {
        let random = &mut self.lives;
        let count = random.random_range(0..=3);
        (0..count).filter_map(|_| fault(random)).collect()
    }
}

fn fault(random: &mut StdRng) -> Option<Fault> {
    let point = *Point::ALL.choose(random)?;
    let ways: Vec<_> = Fault::all_at(point).collect();
    let fault = *ways.choose(random)?;
    let at = random.random_range(1..=12);
    Some(Fault { at, ..fault })
}

fn time(random: &mut StdRng, from: u64, to: u64) -> Duration {
    Duration::from_millis(random.random_range(from..to))
}

/// Something that is done every so many deliveries.
#[derive(Debug)]
struct Cadence {
    deliveries: u64,
    times: u64,
    done: u64,
    random: StdRng,
}

impl Cadence {
    fn new(deliveries: u64, times: u64, random: StdRng) -> Self {
        Self {
            deliveries,
            times,
            done: 0,
            random,
        }
    }

    /// What it is drawn from, if it is to be done once more. Counts it.
    fn due(&mut self, delivered: u64) -> Option<&mut StdRng> {
        if self.times == 0 || (self.done + 1) * self.deliveries > delivered * self.times {
            return None;
        }
        self.done += 1;
        Some(&mut self.random)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted {
        kills: 10,
        freezes: 2,
        sql_kills: 1,
        slips: 100,
    };

    fn all(blows: &mut Blows, delivered: u64) -> Vec<Blow> {
        std::iter::from_fn(|| blows.due(delivered)).collect()
    }

    #[test]
    fn a_seed_is_always_the_same_blows() {
        let draw = |seed| {
            let mut blows = Blows::new(WANTED, 1_000, 3, true, seed);
            let all = all(&mut blows, 1_000);
            format!("{all:?} {:?}", blows.next_life())
        };

        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn how_often_it_is_looked_changes_nothing() {
        let mut blows = [(); 2].map(|()| Blows::new(WANTED, 1_000, 3, true, 1));

        let at_once = all(&mut blows[0], 1_000);
        let bit_by_bit = (0..=1_000).flat_map(|delivered| all(&mut blows[1], delivered));

        let kills = |blows: &mut dyn Iterator<Item = Blow>| {
            blows
                .filter(|blow| matches!(blow, Blow::Kill { .. }))
                .map(|kill| format!("{kill:?}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            kills(&mut at_once.into_iter()),
            kills(&mut bit_by_bit.into_iter())
        );
    }

    #[test]
    fn blows_are_spread_over_the_deliveries_and_go_on_after_them() {
        let mut blows = Blows::new(WANTED, 1_000, 3, true, 1);
        let kills = |blows: &[Blow]| {
            let kill = |blow: &&Blow| matches!(blow, Blow::Kill { .. });
            blows.iter().filter(kill).count()
        };

        let [none, half, whole, more] = [0, 500, 1_000, 2_000].map(|delivered| all(&mut blows, delivered));

        assert_eq!(
            (none.len(), half.len(), whole.len(), more.len()),
            (0, 56, 57, 113)
        );
        assert_eq!([&half, &whole, &more].map(|blows| kills(blows)), [5, 5, 10]);
    }

    #[test]
    fn without_a_wire_to_sql_nothing_is_done_on_it() {
        let mut blows = Blows::new(WANTED, 1_000, 3, false, 1);

        let sql = |blow: &Blow| {
            matches!(
                blow,
                Blow::Slip {
                    slip: Slip::Sql(..),
                    ..
                }
            )
        };
        assert!(!all(&mut blows, 10_000).iter().any(sql));
    }
}
