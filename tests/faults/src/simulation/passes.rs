//! A process that runs the passes, one after the other, until the world is at rest.

use std::rc::Rc;

use super::dispatch;
use super::fan_out;
use super::reconcile;
use super::scheduler::{Millis, ProcessId};
use super::world::{Fault, World};

/// The longest wait between two passes that find nothing to do. The product waits a second; what
/// differs is only how soon something is found.
const LONGEST_WAIT: Millis = 20_000;

/// Whether a pass did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Idle,
    Worked,
}

impl Outcome {
    pub(super) fn of(worked: bool) -> Self {
        if worked { Self::Worked } else { Self::Idle }
    }
}

/// Pass after pass. A fault ends a pass, and the next one begins from the start.
pub(super) async fn run(world: Rc<World>, process: ProcessId) {
    let mut wait = 500;
    while !world.is_at_rest() {
        let outcome = pass(&world, process).await;
        wait = match outcome {
            Ok(Outcome::Worked) => 500,
            Ok(Outcome::Idle) | Err(_) => LONGEST_WAIT.min(wait * 2),
        };
        world.scheduler.sleep(world.scheduler.draw(wait / 2..=wait)).await;
    }
}

async fn pass(world: &Rc<World>, process: ProcessId) -> Result<Outcome, Fault> {
    let passes = [
        fan_out::pass(world, process).await,
        dispatch::pass(world, process).await,
        reconcile::pass(world, process).await,
    ];
    let worked = passes.contains(&Ok(Outcome::Worked));
    let fault = passes.into_iter().find(Result::is_err);
    fault.unwrap_or(Ok(Outcome::of(worked)))
}
