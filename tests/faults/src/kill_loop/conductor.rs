//! Strikes the installation while it works, keeps its processes alive, and remembers what struck
//! whom.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use fault_points::Fault;
use journeys::wire::Fired;
use noroshi::progress::Stage;
use runtime::Clock;
use runtime::clock::Moment;
use tokio::time::sleep;

use super::blows::{Blow, Blows, Wanted};
use super::campaigns::Campaigns;
use super::ground::Ground;
use super::member::{Member, Seen};
use super::settings::HANG;
use super::strikes::{Delay, Strikes};
use super::wires::Struck;

/// Between two looks at everything.
const TICK: Duration = Duration::from_millis(20);

/// When nothing has moved for so long, nothing will: many times the longest back-off.
const STALL: Duration = Duration::from_secs(150);

/// Slips in force on the wires of one process, at most: more would meet the same request.
const IN_FORCE: usize = 12;

/// Whether anything is still done to the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    Striking,
    Mending,
}

/// Everything of one loop that is not the campaigns.
#[derive(Debug)]
pub(super) struct Conductor {
    pub(super) ground: Ground,
    pub(super) members: Vec<Member>,
    pub(super) strikes: Strikes,
    /// What is wrong already.
    pub(super) complaints: Vec<String>,
    program: PathBuf,
    clock: Clock,
    blows: Blows,
    /// Blows that are due, and whose time has not come.
    due: VecDeque<Blow>,
    /// Beside what the wires count.
    struck: Fired,
    sql_back_at: Option<Moment>,
    mood: Mood,
}

/// How a loop is to go on, and where it shows how far it is.
#[derive(Debug)]
pub(super) struct Aim<'a> {
    pub(super) wanted: Wanted,
    pub(super) faults: u64,
    pub(super) until: Moment,
    pub(super) pushes: Stage<'a>,
    pub(super) kills: Stage<'a>,
    pub(super) all: Stage<'a>,
}

impl Conductor {
    /// Of processes that have yet to be started.
    pub(super) fn new(
        ground: Ground,
        members: Vec<Member>,
        program: PathBuf,
        clock: Clock,
        blows: Blows,
    ) -> Self {
        Self {
            ground,
            members,
            strikes: Strikes::default(),
            complaints: Vec::new(),
            program,
            clock,
            blows,
            due: VecDeque::new(),
            struck: Fired::default(),
            sql_back_at: None,
            mood: Mood::Striking,
        }
    }

    /// Strikes until it is dropped; an error if nothing moves any more.
    pub(super) async fn strike(&mut self, campaigns: &Campaigns, aim: &Aim<'_>) -> anyhow::Error {
        let mut life = (0, 0);
        let mut moved = self.clock.monotonic();
        loop {
            if let Err(error) = self.tick().await {
                return error;
            }
            let now = self.clock.monotonic();
            let seen = (self.ground.accepted(), campaigns.ended().len());
            if seen != life {
                (life, moved) = (seen, now);
            } else if now.since(moved) > STALL {
                return anyhow::anyhow!("nothing has moved for {STALL:?}");
            }
            let fired = self.fired();
            aim.pushes.set(seen.0);
            aim.kills.set(fired.of("kill"));
            aim.all.set(fired.total());
            if aim.is_reached(&fired, now) {
                campaigns.enough();
            }
            sleep(TICK).await;
        }
    }

    /// Strikes no more, and lets what is late on the wires arrive.
    pub(super) async fn heal(&mut self) {
        self.mood = Mood::Mending;
        self.due.clear();
        for wires in &mut self.ground.wires {
            wires.heal().await;
        }
    }

    /// Keeps everything alive, until it is dropped.
    pub(super) async fn mend(&mut self) -> anyhow::Error {
        loop {
            if let Err(error) = self.tick().await {
                return error;
            }
            sleep(TICK).await;
        }
    }

    /// Ends every process by a drain.
    pub(super) async fn drain(&mut self) {
        let now = self.clock.monotonic();
        for (no, member) in self.members.iter_mut().enumerate() {
            if let Err(error) = member.drain(now).await {
                self.complaints.push(format!("process {no}: {error}"));
            }
        }
    }

    /// Everything that has happened, by kind.
    pub(super) fn fired(&self) -> Fired {
        let mut fired = self.struck.clone();
        for wires in &self.ground.wires {
            fired += &wires.fired();
        }
        fired
    }

    async fn tick(&mut self) -> anyhow::Result<()> {
        let now = self.clock.monotonic();
        self.revive_sql(now).await?;
        for no in 0..self.members.len() {
            self.look_at(no, now).await;
        }
        if self.mood == Mood::Striking {
            let accepted = self.ground.accepted();
            while let Some(blow) = self.blows.due(accepted) {
                self.due.push_back(blow);
            }
            for _ in 0..self.due.len() {
                if let Some(blow) = self.due.pop_front()
                    && !self.deal(&blow, now)
                {
                    self.due.push_back(blow);
                }
            }
        }
        Ok(())
    }

    async fn revive_sql(&mut self, now: Moment) -> anyhow::Result<()> {
        if self.sql_back_at.is_some_and(|back_at| now >= back_at)
            && let Some(server) = self.ground.sql.own()
        {
            server.start_again().await?;
            self.sql_back_at = None;
        }
        Ok(())
    }

    async fn look_at(&mut self, no: usize, now: Moment) {
        let (blows, mood) = (&mut self.blows, self.mood);
        let next_life = || -> Vec<Fault> {
            match mood {
                Mood::Striking => blows.next_life(),
                Mood::Mending => Vec::new(),
            }
        };
        for seen in self.members[no].tick(&self.program, now, next_life).await {
            match seen {
                Seen::Fault(fault) => self.came_to(no, &fault),
                Seen::Ended(status) => self.complaints.push(format!("process {no} ended: {status}")),
            }
        }
        for Struck { slip, lasts } in self.ground.wires[no].look(now) {
            if slip.may_double() {
                let delay = if slip.delays() {
                    Delay::Possible
                } else {
                    Delay::None
                };
                self.strikes.add(no, self.clock.now(), lasts, delay);
            }
        }
    }

    /// A process has come to a fault at a point, `S9:kill`.
    fn came_to(&mut self, no: usize, fault: &str) {
        let now = self.clock.now();
        match fault.rsplit(':').next() {
            Some("kill") => {
                self.struck.count("point_kill");
                self.strikes.add(no, now, Duration::ZERO, Delay::None);
            }
            Some("hang") => {
                self.struck.count("point_hang");
                self.strikes.add(no, now, HANG, Delay::None);
            }
            // Says that an answer was lost, none of which is a gateway's or a settling's.
            Some(_) | None => self.struck.count("point_error"),
        }
    }

    /// Deals a blow, if this is its time.
    fn deal(&mut self, blow: &Blow, now: Moment) -> bool {
        match *blow {
            Blow::Kill { process, down } => {
                let Some(no) = self.at_work(process, now) else {
                    return false;
                };
                self.members[no].kill(now + down);
                self.struck.count("kill");
                self.strikes
                    .add(no, self.clock.now(), Duration::ZERO, Delay::None);
            }
            Blow::Freeze { process, time } => {
                let Some(no) = self.at_work(process, now) else {
                    return false;
                };
                self.members[no].freeze(now + time);
                self.struck.count("freeze");
                self.strikes.add(no, self.clock.now(), time, Delay::Possible);
            }
            Blow::KillSql { down } => {
                let Some(server) = self.ground.sql.own() else {
                    return true;
                };
                if self.sql_back_at.is_some() {
                    return false;
                }
                server.kill();
                self.sql_back_at = Some(now + down);
                self.struck.count("sql_kill");
            }
            Blow::Slip { process, slip } => {
                let wires = &mut self.ground.wires[process];
                if wires.in_force() >= IN_FORCE {
                    return false;
                }
                wires.inject(slip, now);
            }
        }
        true
    }

    /// That process, or else the next that has been at work for a while: a blow is to hurt.
    fn at_work(&self, process: usize, now: Moment) -> Option<usize> {
        let count = self.members.len();
        (process..process + count)
            .map(|no| no % count)
            .find(|no| self.members[*no].is_at_work(now))
    }
}

impl Aim<'_> {
    fn is_reached(&self, fired: &Fired, now: Moment) -> bool {
        let Wanted {
            kills,
            freezes,
            sql_kills,
            slips: _,
        } = self.wanted;
        now >= self.until
            && fired.of("kill") >= kills
            && fired.of("freeze") >= freezes
            && fired.of("sql_kill") >= sql_kills
            && fired.total() >= self.faults
    }
}
