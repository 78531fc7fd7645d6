//! Strikes the installation while it works, keeps its processes alive, and remembers what struck
//! whom.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use fault_points::Point;
use journeys::wire::{Fault, Fired};
use noroshi::progress::Stage;
use runtime::Clock;
use runtime::clock::Moment;
use tokio::time::sleep;

use super::blows::{Blow, Blows, Wanted};
use super::campaigns::Campaigns;
use super::ground::Ground;
use super::member::{Member, Seen};
use super::slip::Slip;
use super::strikes::Strikes;
use super::wires::Struck;

/// Between two looks at everything.
const TICK: Duration = Duration::from_millis(20);

/// When nothing has moved for so long, nothing will: many times the longest back-off.
const STALL: Duration = Duration::from_secs(150);

/// Points at which a process holds results that are not settled.
const HOLDS_RESULTS: [&str; 2] = [Point::Accepted.code(), Point::PartSettled.code()];

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
    /// When everything was looked at last: what is new has happened since.
    looked_at: DateTime<Utc>,
    /// Pushes of which a gateway has accepted a message.
    delivered: u64,
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
            looked_at: clock.now(),
            delivered: 0,
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
            aim.pushes.set(self.delivered);
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
        let (now, began_at) = (self.clock.monotonic(), self.clock.now());
        self.revive_sql(now).await?;
        for no in 0..self.members.len() {
            self.look_at(no, now).await;
        }
        self.looked_at = began_at;
        self.delivered = self.ground.delivered()?;
        if self.mood == Mood::Striking {
            while let Some(blow) = self.blows.due(self.delivered) {
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
        let next_life = || match mood {
            Mood::Striking => blows.next_life(),
            Mood::Mending => Vec::new(),
        };
        for seen in self.members[no].tick(&self.program, now, next_life).await {
            match seen {
                Seen::Fault(fault) => self.came_to(no, &fault),
                Seen::Ended(status) => self.complaints.push(format!("process {no} ended: {status}")),
            }
        }
        for struck in self.ground.wires[no].look(now) {
            self.slipped(no, struck);
        }
    }

    /// Something has struck on a wire of a process since the last look.
    fn slipped(&mut self, no: usize, struck: Struck) {
        let (Slip::Gateway(fault), Some(push)) = (struck.slip, struck.push) else {
            return;
        };
        match fault {
            Fault::DropReply | Fault::Twice => self.strikes.unanswered(push),
            Fault::Late(_) => {
                self.strikes.unanswered(push);
                self.strikes.held_up(push);
            }
            Fault::Slow(_) => self.strikes.held_up(push),
            // Everything that is under way on the connection.
            Fault::Reset => self.strikes.process(no, self.looked_at, self.clock.now()),
            // The gateway never sees the message.
            Fault::DropRequest | Fault::Hang | Fault::Refuse(_) => {}
        }
    }

    /// A process has come to a fault at a point, `S9:kill`, since the last look.
    fn came_to(&mut self, no: usize, fault: &str) {
        let (point, action) = fault.split_once(':').unwrap_or((fault, ""));
        let now = self.clock.now();
        match action {
            "kill" => {
                self.struck.count("point_kill");
                self.strikes.process(no, self.looked_at, now);
            }
            "hang" => {
                self.struck.count("point_hang");
                if HOLDS_RESULTS.contains(&point) {
                    self.strikes.process(no, self.looked_at, now);
                }
            }
            _ => self.struck.count("point_error"),
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
                self.strikes.process(no, self.clock.now(), self.clock.now());
            }
            Blow::Freeze { process, time } => {
                let Some(no) = self.at_work(process, now) else {
                    return false;
                };
                self.members[no].freeze(now + time);
                self.struck.count("freeze");
                self.strikes
                    .process(no, self.clock.now(), self.clock.now() + time);
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
