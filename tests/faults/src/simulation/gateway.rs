//! The gateway: takes, refuses, or takes and does not say so.

use super::attempt::Wanted;
use super::ledger;
use super::scheduler::{Millis, ProcessId};
use super::settings::GATEWAY_TIMEOUT;
use super::world::World;
use crate::seeded::Bug;

/// What the gateway says, or what is known without asking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Accepted,
    /// The address is gone.
    Gone,
    Throttled,
    /// No answer: it may have taken the message.
    Nothing,
    TooLate,
    NotTried,
}

/// A push that was handed over, and when its answer comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handed {
    pub(super) place: u16,
    pub(super) user: usize,
    pub(super) at: Millis,
    pub(super) said: Said,
}

/// Hands a push over, now.
pub(super) fn send(world: &World, process: ProcessId, wanted: Wanted, not_before: Millis) -> Handed {
    let (scheduler, rates) = (&world.scheduler, world.rates());
    let (is_accepted, said) = if scheduler.chance(rates.lost_answer) {
        world.count_fault();
        (scheduler.chance(700), Said::Nothing)
    } else if scheduler.chance(rates.refused_send) {
        world.count_fault();
        let said = if scheduler.chance(200) {
            Said::Gone
        } else {
            Said::Throttled
        };
        (false, said)
    } else {
        (true, Said::Accepted)
    };
    let takes = match said {
        Said::Nothing => scheduler.draw(50..=GATEWAY_TIMEOUT),
        _ if scheduler.chance(100) => scheduler.draw(50..=GATEWAY_TIMEOUT),
        _ => scheduler.draw(5..=60),
    };
    let collapse_id = if world.has(Bug::NewCollapseId) {
        world.new_id()
    } else {
        wanted.user as u64
    };
    world.note(process, "hands over user", wanted.user as u64);
    ledger::hand_over(world, wanted.user, collapse_id, not_before, is_accepted);
    Handed {
        place: wanted.place,
        user: wanted.user,
        at: world.now() + takes,
        said,
    }
}
