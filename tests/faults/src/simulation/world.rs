//! One world: its stores, queue, gateway, processes and people, and what was found wrong in it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::rc::Rc;

use campaign::{CampaignId, CampaignState};
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::datastore::Datastore;
use super::ledger::Ledger;
use super::queue::Queue;
use super::scheduler::{Millis, ProcessId, Scheduler};
use super::settings::{Faults, PERMIT, PERMIT_POLL, Settings, TOO_LONG};
use super::sql::Sql;
use crate::seeded::{Bug, Seeded};

/// Senders come first, then the processes that run the passes; people are no process that dies.
pub(super) const SENDERS: usize = 2;
pub(super) const PASSES: usize = 2;
pub(super) const PROCESSES: usize = SENDERS + PASSES;
pub(super) const PEOPLE: ProcessId = PROCESSES;

/// Events that are kept for the trace.
const TRACE: usize = 60;

/// Everything there is, but for the tasks.
pub(super) struct World {
    pub(super) scheduler: Scheduler<Self>,
    pub(super) settings: Settings,
    pub(super) seeded: Seeded,
    pub(super) campaign: CampaignId,
    pub(super) sql: RefCell<Sql>,
    pub(super) datastore: RefCell<Datastore>,
    pub(super) queue: RefCell<Queue>,
    pub(super) ledger: RefCell<Ledger>,
    pub(super) processes: RefCell<Vec<Process>>,
    /// Faults by kind.
    pub(super) faults: Cell<u64>,
    /// Deliveries and deeds of people that are not over.
    pub(super) under_way: Cell<u64>,
    finding: RefCell<Option<String>>,
    trace: RefCell<VecDeque<Entry>>,
    ids: Cell<u64>,
}

/// A process that may die and come back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    pub(super) is_alive: bool,
    started: Millis,
    /// How far its clock is ahead.
    skew: i64,
    poll_phase: Millis,
}

/// What a process knows of whether its campaign may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permit {
    Go,
    Hold,
    Ended,
    Unknown,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wire {
    Fine,
    LostRequest,
    LostReply,
    Late,
}

/// Why something could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No answer.
    Unreachable,
    /// A lock was not had in time.
    Busy,
    /// Another Datastore transaction was in the way.
    Conflict,
    /// The chunk's stock has been returned, or was never reserved.
    NoStock,
}

struct Entry {
    at: Millis,
    process: ProcessId,
    what: &'static str,
    of: u64,
}

impl World {
    pub(super) fn new(seed: u64, seeded: Seeded) -> Rc<Self> {
        let scheduler = Scheduler::new(seed);
        let settings = Settings::draw(&scheduler);
        let process = |_| Process {
            is_alive: false,
            started: 0,
            skew: scheduler.draw(0..=5_000) as i64 - 2_500,
            poll_phase: scheduler.draw(0..=PERMIT_POLL - 1),
        };
        let processes = (0..=PROCESSES).map(process).collect();
        Rc::new(Self {
            sql: RefCell::new(Sql::new(&settings)),
            datastore: RefCell::default(),
            queue: RefCell::default(),
            ledger: RefCell::default(),
            campaign: CampaignId(Uuid::from_u128(u128::from(seed) + 1)),
            processes: RefCell::new(processes),
            faults: Cell::new(0),
            under_way: Cell::new(0),
            finding: RefCell::default(),
            trace: RefCell::default(),
            ids: Cell::new(1),
            settings,
            seeded,
            scheduler,
        })
    }

    pub(super) fn now(&self) -> Millis {
        self.scheduler.now()
    }

    /// The time that a process's clock shows.
    pub(super) fn clock(&self, process: ProcessId) -> DateTime<Utc> {
        instant(self.now()) + TimeDelta::milliseconds(self.processes.borrow()[process].skew)
    }

    /// A number that nobody else has.
    pub(super) fn new_id(&self) -> u64 {
        let id = self.ids.get();
        self.ids.set(id + 1);
        id
    }

    /// The faults that are drawn now.
    pub(super) fn rates(&self) -> Faults {
        let faults = self.settings.faults;
        if self.now() < faults.until {
            faults
        } else {
            Faults::NONE
        }
    }

    pub(super) fn count_fault(&self) {
        self.faults.set(self.faults.get() + 1);
    }

    /// Draws what becomes of a message.
    pub(super) fn wire(&self) -> Wire {
        let rates = self.rates();
        let chance = |rate| self.scheduler.chance(rate);
        let wire = if chance(rates.lost_request) {
            Wire::LostRequest
        } else if chance(rates.lost_reply) {
            Wire::LostReply
        } else if chance(rates.late) {
            Wire::Late
        } else {
            return Wire::Fine;
        };
        self.count_fault();
        wire
    }

    /// A moment at which the process may die, or the task stand still.
    pub(super) async fn point(&self, process: ProcessId) {
        let rates = self.rates();
        if process != PEOPLE && self.scheduler.chance(rates.crash) {
            self.crash(process);
            return std::future::pending().await;
        }
        if self.scheduler.chance(rates.freeze) {
            self.count_fault();
            self.note(process, "stands still", 0);
            self.scheduler.sleep(self.scheduler.draw(100..=100_000)).await;
        }
    }

    /// Ends the process; it comes back by itself.
    pub(super) fn crash(&self, process: ProcessId) {
        if !std::mem::replace(&mut self.processes.borrow_mut()[process].is_alive, false) {
            return;
        }
        self.count_fault();
        self.note(process, "crashes", 0);
        self.scheduler.kill(process);
    }

    pub(super) fn started(&self, process: ProcessId) {
        let now = self.now();
        let process = &mut self.processes.borrow_mut()[process];
        process.is_alive = true;
        process.started = now;
    }

    pub(super) fn is_alive(&self, process: ProcessId) -> bool {
        self.processes.borrow()[process].is_alive
    }

    /// The permit by the latest answer that the process has. Its questions are not events: what
    /// an answer says is looked up in the campaign's history.
    pub(super) fn permit(&self, process: ProcessId) -> Permit {
        let Process {
            started, poll_phase, ..
        } = self.processes.borrow()[process];
        let now = self.now();
        let asked_now = now.saturating_sub(poll_phase) / PERMIT_POLL * PERMIT_POLL + poll_phase;
        // An answer takes a few milliseconds; one of several is late or lost.
        let answer = |asked_at: Millis| {
            let luck = (asked_at / PERMIT_POLL + process as u64 * 7) % 11;
            let takes = if luck == 0 { PERMIT } else { 2 + luck * 3 };
            (asked_at + takes <= now).then(|| self.sql.borrow().state_at(asked_at + takes / 2))
        };
        let asked = (0..=PERMIT / PERMIT_POLL).filter_map(|back| asked_now.checked_sub(back * PERMIT_POLL));
        let fresh = asked.filter(|at| *at >= started && *at <= now && now < at + PERMIT);
        match fresh.filter_map(answer).next() {
            None => Permit::Unknown,
            Some(CampaignState::Running) => Permit::Go,
            Some(CampaignState::Draft | CampaignState::Scheduled | CampaignState::Paused) => Permit::Hold,
            Some(CampaignState::Finished | CampaignState::Cancelled | CampaignState::Failed) => Permit::Ended,
        }
    }

    /// Keeps what happened for the trace.
    pub(super) fn note(&self, process: ProcessId, what: &'static str, of: u64) {
        let mut trace = self.trace.borrow_mut();
        if trace.len() == TRACE {
            trace.pop_front();
        }
        let at = self.now();
        trace.push_back(Entry {
            at,
            process,
            what,
            of,
        });
    }

    /// Something is wrong; the first counts.
    pub(super) fn found(&self, wrong: impl FnOnce() -> String) {
        self.finding.borrow_mut().get_or_insert_with(wrong);
    }

    pub(super) fn finding(&self) -> Option<String> {
        self.finding.borrow().clone()
    }

    pub(super) fn trace(&self) -> Vec<String> {
        self.trace.borrow().iter().map(ToString::to_string).collect()
    }

    /// Whether the run is over: everything has come to its end, or something is wrong.
    pub(super) fn is_over(&self) -> bool {
        self.finding.borrow().is_some() || self.now() > TOO_LONG || self.is_at_rest()
    }

    /// Whether nothing is left to be done by anybody.
    pub(super) fn is_at_rest(&self) -> bool {
        self.under_way.get() == 0 && self.sql.borrow().is_at_rest() && !self.datastore.borrow().is_in_doubt()
    }

    /// Whether that bug is in this world.
    pub(super) fn has(&self, bug: Bug) -> bool {
        self.seeded.is(bug)
    }
}

/// Counts something that is under way while it lives.
pub(super) struct UnderWay(Rc<World>);

impl UnderWay {
    pub(super) fn new(world: &Rc<World>) -> Self {
        world.under_way.set(world.under_way.get() + 1);
        Self(world.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.set(self.0.under_way.get() - 1);
    }
}

/// The instant at that time of the world.
pub(super) fn instant(at: Millis) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(i64::try_from(at).unwrap_or(i64::MAX))
}

/// The time of the world at that instant; 0 before its beginning.
pub(super) fn millis(at: DateTime<Utc>) -> Millis {
    u64::try_from(at.timestamp_millis()).unwrap_or(0)
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            at,
            process,
            what,
            of,
        } = self;
        let who = match *process {
            sender if sender < SENDERS => format!("sender {sender}"),
            PEOPLE => "people".to_owned(),
            passes => format!("passes {passes}"),
        };
        write!(f, "{:>9.3} s  {who:<9} {what} {of}", *at as f64 / 1_000.0)
    }
}
