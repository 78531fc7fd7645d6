//! Many processes at one quota, with clocks that differ, which die, and whose questions and answers
//! are late or lost: the shares that live are never more than the quota, and neither is what is
//! sent in any minute.

use std::collections::VecDeque;

use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const SKEW: Duration = Duration::from_secs(5);

/// What is written down of a process's share.
struct Row {
    holder: usize,
    claim: Claim,
    lives_until: DateTime<Utc>,
}

/// A question under way.
#[derive(Clone, Copy)]
struct Question {
    claim: Claim,
    asked_at: Duration,
    answer: Option<Division>,
}

/// A life of a process; one that died is followed by another, which knows nothing.
#[derive(Default)]
struct Process {
    holder: usize,
    share: Share,
    question: Option<Question>,
    /// By how much its clock is ahead, in milliseconds.
    ahead: i64,
    sent: u64,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask(Demand),
    /// The question comes to the database.
    Commit,
    /// The answer comes to the process.
    Hear,
    /// The process waits for it no longer, whether it was committed or not.
    GiveUp,
    Die,
}

struct World {
    quota: u64,
    now: Duration,
    rows: Vec<Row>,
    processes: Vec<Process>,
    holders: usize,
    sent: VecDeque<Duration>,
}

impl World {
    fn new(quota: u64, ahead: &[i64]) -> Self {
        let processes = ahead.iter().enumerate().map(|(holder, ahead)| Process {
            holder,
            ahead: *ahead,
            ..Process::default()
        });
        Self {
            quota,
            now: Duration::ZERO,
            rows: Vec::new(),
            processes: processes.collect(),
            holders: ahead.len(),
            sent: VecDeque::new(),
        }
    }

    fn wall(&self, at: Duration, process: usize) -> DateTime<Utc> {
        noon() + at + TimeDelta::milliseconds(self.processes[process].ahead)
    }

    fn take(&mut self, of: usize, step: Step) {
        let now = self.now;
        match step {
            Step::Ask(demand) => {
                let process = &mut self.processes[of];
                if process.question.is_none() {
                    let held = process.share.ask(now);
                    process.question = Some(Question {
                        claim: Claim { held, demand },
                        asked_at: now,
                        answer: None,
                    });
                }
            }
            Step::Commit => self.commit(of),
            Step::Hear => {
                let process = &mut self.processes[of];
                if let Some((question, answer)) = process.question.and_then(|it| Some((it, it.answer?))) {
                    process.share.answer(answer, question.asked_at, now);
                    process.question = None;
                }
            }
            Step::GiveUp => self.processes[of].question = None,
            Step::Die => {
                self.holders += 1;
                let ahead = self.processes[of].ahead;
                self.processes[of] = Process {
                    holder: self.holders,
                    ahead,
                    ..Process::default()
                };
            }
        }
    }

    fn commit(&mut self, of: usize) {
        let holder = self.processes[of].holder;
        let Some(mut question) = self.processes[of].question.filter(|it| it.answer.is_none()) else {
            return;
        };
        let wall = self.wall(question.asked_at, of);
        self.rows.retain(|row| wall < row.lives_until);
        self.rows.sort_unstable_by_key(|row| row.holder);
        let (own, others): (Vec<_>, Vec<_>) = self.rows.iter().partition(|row| row.holder == holder);
        let before = others.iter().filter(|row| row.holder < holder).count();
        let others: Vec<_> = others.iter().map(|row| row.claim).collect();
        let claim = question.claim.written_down(!own.is_empty());
        let division = crate::quota::divide(usable(self.quota), claim, &others, Turn::at(wall, before));
        self.rows.retain(|row| row.holder != holder);
        self.rows.push(Row {
            holder,
            claim: Claim {
                held: division.share,
                ..question.claim
            },
            lives_until: lives_until(wall, SKEW),
        });
        question.answer = Some(division);
        self.processes[of].question = Some(question);
    }

    /// Everybody sends as much as its share gives.
    fn send(&mut self) {
        for process in &mut self.processes {
            while process.share.take(self.now).is_ok() {
                self.sent.push_back(self.now);
                process.sent += 1;
            }
        }
        while self.sent.front().is_some_and(|first| *first + MINUTE <= self.now) {
            self.sent.pop_front();
        }
    }

    fn live(&self) -> u64 {
        let shares = self.processes.iter();
        shares.map(|process| process.share.per_minute(self.now)).sum()
    }
}

/// A finds at 4.9 s that it holds everything and asks again; B, whose clock is ahead by as much as
/// may be, finds at 5.1 s that A's share has ended and takes it; then A's question arrives.
#[test]
fn a_question_that_was_long_on_its_way_revives_no_share_that_others_found_ended() {
    let (a, b) = (0, 1);
    let mut world = World::new(6_000, &[-2_500, 2_500]);
    let ask = || Step::Ask(Demand { fast: 0, bulk: 9_000 });

    for step in [ask(), Step::Commit, Step::Hear] {
        world.take(a, step);
    }
    let alone = world.live();
    world.now = Duration::from_millis(4_900);
    world.take(a, ask());
    world.now = Duration::from_millis(5_100);
    for step in [ask(), Step::Commit, Step::Hear] {
        world.take(b, step);
    }
    world.now = Duration::from_millis(5_500);
    world.take(a, Step::Commit);
    world.take(a, Step::Hear);

    assert_eq!(alone, usable(6_000));
    assert_eq!(world.live(), usable(6_000));
}

fn any_step() -> impl Strategy<Value = Step> {
    let demand = prop_oneof![Just(0), 0..3_000_u64];
    let demand = (demand.clone(), demand).prop_map(|(fast, bulk)| Demand { fast, bulk });
    prop_oneof![
        8 => demand.prop_map(Step::Ask),
        8 => Just(Step::Commit),
        7 => Just(Step::Hear),
        1 => Just(Step::GiveUp),
        1 => Just(Step::Die),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn live_shares_never_exceed_the_quota_and_neither_does_any_minute(
        quota in 300..3_000_u64,
        ahead in vec(-2_500..2_500_i64, 1..8),
        steps in vec((0..8_usize, any_step(), 0..400_u64), 200..1_200),
    ) {
        let mut world = World::new(quota, &ahead);

        for (of, step, then) in steps {
            world.take(of % ahead.len(), step);
            let live = world.live();
            prop_assert!(live <= usable(quota), "{live} are live of {quota}");
            world.now += Duration::from_millis(then);
            world.send();
            let sent = world.sent.len() as u64;
            prop_assert!(sent <= quota, "{sent} were sent in a minute of {quota}");
        }
    }

    #[test]
    fn everybody_with_work_comes_to_the_same_share(
        processes in 2..12_usize,
        first in 0..12_usize,
    ) {
        let mut world = World::new(60_000, &vec![0; processes]);
        let demand = Demand { fast: 0, bulk: 90_000 };

        for round in 0..6 {
            for of in 0..processes {
                let of = (of + first) % processes;
                // One is there long before the others.
                if round > 0 || of == first % processes {
                    world.take(of, Step::Ask(demand));
                    world.take(of, Step::Commit);
                    world.take(of, Step::Hear);
                }
            }
            world.now += ASK_EVERY;
        }

        let shares = world.processes.iter();
        let shares: Vec<_> = shares.map(|process| process.share.per_minute(world.now)).collect();
        let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
        prop_assert!(most - least <= 1, "{shares:?}");
        prop_assert!(shares.iter().sum::<u64>() + (processes as u64) * 2 >= usable(60_000), "{shares:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    /// Of quotas so small, a minute's messages are fewer than the processes that want to send some.
    #[test]
    fn nobody_starves_behind_a_quota_that_is_smaller_than_the_number_of_processes(
        quota in 1..9_u64,
        more in 0..6_usize,
        ahead in vec(-2_500..2_500_i64, 14),
        demand in 1..900_u64,
    ) {
        let processes = usize::try_from(quota).unwrap() + more;
        let mut world = World::new(quota, &ahead[..processes]);
        let turns = u32::try_from(processes).unwrap() + 1;
        let end = crate::quota::division::TURN * turns;

        while world.now < end {
            for of in 0..processes {
                world.take(of, Step::Ask(Demand { fast: 0, bulk: demand }));
                world.take(of, Step::Commit);
                world.take(of, Step::Hear);
            }
            world.now += ASK_EVERY;
            world.send();
            prop_assert!(world.sent.len() as u64 <= quota.max(2), "{} of {quota}", world.sent.len());
        }

        let sent: Vec<_> = world.processes.iter().map(|process| process.sent).collect();
        prop_assert!(sent.iter().all(|sent| *sent > 0), "{sent:?} of {quota} a minute");
    }
}
