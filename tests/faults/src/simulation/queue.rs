//! The task queue: at least once, late, early, twice, or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::scheduler::{Millis, ProcessId};
use super::sender::{self, Answer};
use super::world::{Fault, SENDERS, UnderWay, Wire, World};

/// A task: which chunk, under which generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Task {
    pub(super) chunk: u32,
    pub(super) generation: u32,
}

/// The tasks that are there, and the names that were.
#[derive(Debug, Default)]
pub(super) struct Queue {
    tasks: BTreeMap<Task, u32>,
    names: BTreeSet<Task>,
}

impl Queue {
    /// Loses everything, names included.
    pub(super) fn wipe(&mut self) {
        *self = Self::default();
    }
}

/// Creates a task that runs after that time. One of a known name is there already.
pub(super) async fn create(
    world: &Rc<World>,
    process: ProcessId,
    task: Task,
    after: Millis,
) -> Result<(), Fault> {
    world.point(process).await;
    let wire = world.wire();
    let rates = world.rates();
    if wire != Wire::LostRequest {
        let forgets = world.scheduler.chance(rates.forgotten_task);
        let mut queue = world.queue.borrow_mut();
        if queue.names.insert(task) && !forgets {
            queue.tasks.insert(task, 0);
            world.note(process, "creates a task for chunk", u64::from(task.chunk));
            let late = || world.scheduler.draw(1..=500);
            run_later(world, task, after + late());
            if world.scheduler.chance(rates.doubled_task) {
                // The copy may even come before its time.
                run_later(world, task, world.scheduler.draw(0..=after) + late());
            }
        } else if forgets {
            world.count_fault();
        }
    }
    world.scheduler.sleep(world.scheduler.draw(2..=10)).await;
    match wire {
        Wire::Fine | Wire::Late => Ok(()),
        Wire::LostRequest | Wire::LostReply => Err(Fault::Unreachable),
    }
}

/// Calls a sender after that time, and again until the task has been answered.
fn run_later(world: &World, task: Task, after: Millis) {
    world
        .scheduler
        .later(after, move |world: &Rc<World>| run(world, task));
}

fn run(world: &Rc<World>, task: Task) {
    let Some(runs) = world.queue.borrow_mut().tasks.get_mut(&task).map(|runs| {
        *runs += 1;
        *runs
    }) else {
        return;
    };
    // Nobody may answer: the deadline, or a reset connection, ends the wait.
    let patience = world
        .scheduler
        .draw(1_000..=120_000)
        .saturating_mul(u64::from(runs.min(4)));
    run_later(world, task, patience);
    let first = world.scheduler.draw(0..=SENDERS as u64 - 1) as usize;
    let alive = (first..SENDERS)
        .chain(0..first)
        .find(|sender| world.is_alive(*sender));
    if let Some(sender) = alive {
        let under_way = UnderWay::new(world);
        let world = world.clone();
        world.clone().scheduler.spawn(sender, async move {
            let answer = sender::deliver(&world, sender, task).await;
            answered(&world, task, answer);
            drop(under_way);
        });
    }
}

fn answered(world: &World, task: Task, answer: Answer) {
    match (answer, world.wire()) {
        (Answer::Done, Wire::Fine) => {
            world.queue.borrow_mut().tasks.remove(&task);
        }
        // The queue calls again.
        (Answer::Done, Wire::LostRequest | Wire::LostReply | Wire::Late) | (Answer::Unavailable, _) => {}
    }
}
