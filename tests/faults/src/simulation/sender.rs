//! A sender: the way of one task, after `services/sender/src/deliver.rs`.

use std::rc::Rc;
use std::time::Duration;

use campaign::{LeaseTerms, LeaseToken, Leased};
use chrono::DateTime;
use uuid::Uuid;

use super::attempt::Attempt;
use super::datastore::Chunk;
use super::queue::Task;
use super::scheduler::ProcessId;
use super::settings::{BUDGET, LEASE, SKEW};
use super::transaction;
use super::world::{Fault, Permit, World};
use crate::seeded::Bug;

/// What the queue is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// 200: the task is over.
    Done,
    /// 503: again.
    Unavailable,
}

/// Delivers the chunk that a task names, as far as it can be delivered now.
pub(super) async fn deliver(world: &Rc<World>, process: ProcessId, task: Task) -> Answer {
    match try_deliver(world, process, task).await {
        Ok(()) => Answer::Done,
        Err(_) => Answer::Unavailable,
    }
}

async fn try_deliver(world: &Rc<World>, process: ProcessId, task: Task) -> Result<(), Fault> {
    let until = world.now() + BUDGET;
    match permit(world, process).await {
        Permit::Go => {}
        Permit::Hold | Permit::Unknown => return put_back(world, process, task).await,
        Permit::Ended => return Ok(()),
    }
    let token = LeaseToken(Uuid::from_u128(world.new_id().into()));
    let now = world.clock(process);
    let leased = transaction::change(world, process, task.chunk, |chunk| {
        if world.has(Bug::LeasedEarly) {
            chunk.record.not_before = DateTime::UNIX_EPOCH;
        }
        (
            chunk.record.lease(task.generation, token, now, terms()),
            chunk.clone(),
        )
    });
    match leased.await? {
        Some((Leased::Leased { until: lease_until }, chunk)) => {
            world.note(process, "leases chunk", task.chunk.into());
            let attempt = Attempt {
                world: world.clone(),
                process,
                chunk,
                token,
                until,
                lease_until,
            };
            attempt.run().await
        }
        Some((Leased::Early, _)) => put_back(world, process, task).await,
        Some((Leased::Busy | Leased::Stale | Leased::Closed, _)) | None => Ok(()),
    }
}

/// A campaign that the last answer does not know may have been started since.
async fn permit(world: &World, process: ProcessId) -> Permit {
    match world.permit(process) {
        permit @ (Permit::Go | Permit::Hold) => permit,
        Permit::Ended | Permit::Unknown => {
            world.scheduler.sleep(250).await;
            world.permit(process)
        }
    }
}

async fn put_back(world: &Rc<World>, process: ProcessId, task: Task) -> Result<(), Fault> {
    let now = world.clock(process);
    let put_back = |chunk: &mut Chunk| chunk.record.put_back(task.generation, now);
    transaction::change(world, process, task.chunk, put_back).await?;
    Ok(())
}

fn terms() -> LeaseTerms {
    LeaseTerms {
        duration: Duration::from_millis(LEASE),
        skew: Duration::from_millis(SKEW),
    }
}
