//! Runs one seed, or many of them on all cores.

use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use serde::Serialize;

use super::passes;
use super::people;
use super::scheduler::{ProcessId, Tasks};
use super::verdict;
use super::world::{PROCESSES, SENDERS, World};
use crate::seeded::Seeded;

/// What became of one seed.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// The seed.
    pub seed: u64,
    /// What is wrong, if anything is.
    pub finding: Option<String>,
    /// The last events.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<String>,
    /// Faults that were injected.
    pub faults: u64,
    /// Events in all.
    pub events: u64,
    /// Messages that a gateway accepted twice.
    pub raw_doubles: u64,
}

/// What became of many.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Runs {
    /// How many.
    pub seeds: u64,
    /// Faults in all of them.
    pub faults: u64,
    /// Events in all of them.
    pub events: u64,
    /// Messages that a gateway accepted twice, all of them within what the faults allow.
    pub raw_doubles: u64,
    /// The seeds in which something is wrong.
    pub failed: Vec<Run>,
}

/// Runs one seed to its end.
pub fn one(seed: u64, seeded: Seeded) -> Run {
    let world = World::new(seed, seeded);
    let mut tasks = Tasks::default();
    for process in 0..PROCESSES {
        start(&world, process);
    }
    people::begin(&world);
    if let Some(at) = world.settings.faults.wipe_at {
        world.scheduler.later(at, |world: &Rc<World>| {
            world.count_fault();
            world.queue.borrow_mut().wipe();
        });
    }
    while !world.is_over() && tasks.step(&world, &world.scheduler) {}
    let finding = verdict::find(&world);
    let run = Run {
        seed,
        trace: finding.as_ref().map_or_else(Vec::new, |_| world.trace()),
        finding,
        faults: world.faults.get(),
        events: world.scheduler.events(),
        raw_doubles: world.ledger.borrow().raw_doubles(),
    };
    // They hold on to the world, and the agenda holds nothing but the world's own.
    drop(tasks);
    run
}

/// Starts a process, and again whenever it has crashed.
fn start(world: &Rc<World>, process: ProcessId) {
    world.started(process);
    if process >= SENDERS {
        world
            .scheduler
            .spawn(process, passes::run(world.clone(), process));
    }
    watch(world, process);
}

fn watch(world: &Rc<World>, process: ProcessId) {
    let after = world.scheduler.draw(100..=8_000);
    world.scheduler.later(after, move |world: &Rc<World>| {
        if world.is_alive(process) {
            watch(world, process);
        } else {
            start(world, process);
        }
    });
}

/// Runs `seeds` seeds from `first` on, on as many threads, until `enough` have failed.
pub fn many(first: u64, seeds: u64, threads: usize, enough: usize, seeded: Seeded) -> Runs {
    let next = AtomicU64::new(first);
    let runs = Mutex::new(Runs::default());
    let work = || {
        let mut own = Runs::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first.saturating_add(seeds) || own.failed.len() >= enough {
                break;
            }
            own.add(one(seed, seeded));
            if own.failed.len() >= enough {
                // The others need not go on.
                next.store(first.saturating_add(seeds), Ordering::Relaxed);
            }
        }
        runs.lock().expect("no holder of this lock panics").join(own);
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let mut runs = runs.into_inner().expect("no holder of this lock panics");
    runs.failed.sort_by_key(|run| run.seed);
    runs
}

impl Runs {
    fn add(&mut self, run: Run) {
        self.seeds += 1;
        self.faults += run.faults;
        self.events += run.events;
        self.raw_doubles += run.raw_doubles;
        self.failed.extend(run.finding.is_some().then_some(run));
    }

    fn join(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.faults += other.faults;
        self.events += other.events;
        self.raw_doubles += other.raw_doubles;
        self.failed.extend(other.failed);
    }
}
