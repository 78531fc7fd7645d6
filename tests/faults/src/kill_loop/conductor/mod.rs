//! Strikes the installation while it works, keeps its processes alive, and remembers what struck
//! whom.

mod dealing;
mod witness;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use journeys::wire::Fired;
use runtime::Clock;
use runtime::clock::Moment;
use tokio::time::sleep;

use super::aim::Aim;
use super::blows::{Blow, Blows};
use super::campaigns::Campaigns;
use super::ground::Ground;
use super::member::Member;
use super::strikes::Strikes;

/// Between two looks at everything.
const TICK: Duration = Duration::from_millis(20);

/// When nothing has moved for so long, nothing will: many times the longest back-off.
const STALL: Duration = Duration::from_secs(150);

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
}
