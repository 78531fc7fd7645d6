//! An attempt of a sender, step by step, as `services/sender` makes it.
//!
//! A step is what happens between two moments at which a crash, or somebody else's step, makes a
//! difference: a transaction that holds no lock while anybody else moves is one step.

use campaign::{Reason, Standing};
use rendezvous::Fate;

use super::meeting::{self, Rendezvous, Side, after_grants};
use super::sql::{IntentNo, Row, Write};
use super::state::{Behind, Campaign, Phase, Results, RollForward, State, Wire, Work};
use super::users::{USERS, Users};
use crate::seeded::{Bug, Seeded};

/// The rows that the next step of the sender in `slot` must lock.
pub(super) fn needs(state: &State, slot: usize, seeded: Seeded) -> Vec<Row> {
    match &state.senders[slot].phase {
        Phase::Leased(work) if work.candidates.is_empty() => Vec::new(),
        Phase::Leased(_) | Phase::Returning { .. } => vec![Row::Coupon],
        Phase::Reserved(..) | Phase::ClosingStock => vec![Row::ChunkGrants],
        Phase::Meeting(_, rendezvous) => rendezvous.needs().into_iter().collect(),
        Phase::Behind(_, behind) => match behind.step {
            RollForward::Redo { .. } => Vec::new(),
            RollForward::Record => Write::Record {
                intent: behind.intent,
            }
            .rows(seeded),
            RollForward::Resolve => repair(behind.intent).rows(seeded),
        },
        Phase::Counting { intent, .. } => vec![Row::Intent(*intent)],
        Phase::Idle | Phase::Stocked(_) | Phase::Settling(_) | Phase::GivingBack => Vec::new(),
    }
}

/// Whether the next step sends a COMMIT that may stay without an answer.
pub(super) fn commits(state: &State, slot: usize, seeded: Seeded) -> bool {
    match &state.senders[slot].phase {
        Phase::Idle | Phase::Stocked(_) => false,
        Phase::Leased(work) => !work.candidates.is_empty(),
        Phase::Meeting(_, rendezvous) => rendezvous.committing(seeded).is_some(),
        Phase::Reserved(..)
        | Phase::Behind(..)
        | Phase::Settling(_)
        | Phase::GivingBack
        | Phase::Counting { .. }
        | Phase::ClosingStock
        | Phase::Returning { .. } => true,
    }
}

/// Leases the chunk and reads its pushes.
pub(super) fn lease(state: &mut State, slot: usize) {
    let mut chunk = state.datastore.chunk;
    chunk.lease(slot);
    state.land(chunk);
    let expired = state.campaign == Campaign::Expired;
    state.senders[slot].phase = if expired {
        let reason = |push: Standing| (!push.state().is_final()).then_some(Reason::PastExpiry);
        Phase::Settling(Results {
            reasons: chunk.pushes.map(reason),
            close: None,
        })
    } else {
        Phase::Leased(Work {
            candidates: Users::those(|place| chunk.standing(place) == Standing::Pending),
            wanted: Users::those(|place| chunk.standing(place) == Standing::Granted),
            refused: Users::NONE,
            close: None,
        })
    };
}

/// A lock was not had in time: the attempt is cut short, or its totals are left to reconcile.
pub(super) fn give_up(state: &mut State, slot: usize) {
    let sender = &mut state.senders[slot];
    sender.phase = match sender.phase {
        Phase::Counting { .. } | Phase::ClosingStock | Phase::Returning { .. } => Phase::Idle,
        _ => Phase::GivingBack,
    };
}

/// The next step of the sender in `slot`.
pub(super) fn step(state: &mut State, slot: usize, wire: Wire, seeded: Seeded) {
    let phase = std::mem::replace(&mut state.senders[slot].phase, Phase::Idle);
    let next = match phase {
        Phase::Idle => Phase::Idle,
        Phase::Leased(work) if work.candidates.is_empty() => send(state, slot, work),
        Phase::Leased(work) => {
            let amount = state.sql.reservation_for(work.candidates.count());
            match state.sql.commit(Write::Reserve { amount }, wire, seeded) {
                Fate::Committed => Phase::Reserved(work, amount),
                Fate::NotCommitted | Fate::Unknown => Phase::GivingBack,
            }
        }
        Phase::Reserved(work, reserved) => {
            match state.sql.commit(Write::OpenStock { reserved }, wire, seeded) {
                Fate::Committed => Phase::Stocked(work),
                Fate::NotCommitted | Fate::Unknown => Phase::GivingBack,
            }
        }
        Phase::Stocked(work) => Phase::Meeting(work, Rendezvous::open(state.datastore.chunk)),
        Phase::Meeting(work, rendezvous) if rendezvous.is_ready() => {
            meeting::commit(state, slot, work, rendezvous, wire, seeded)
        }
        Phase::Meeting(work, rendezvous) => meeting::prepare(state, slot, work, rendezvous, seeded),
        Phase::Behind(work, behind) => roll_forward(state, slot, work, behind, wire, seeded),
        Phase::Settling(results) => settle(state, slot, results, wire, seeded),
        Phase::GivingBack => give_back(state, slot, wire, seeded),
        Phase::Counting { intent, is_closed } => count(state, intent, is_closed, wire, seeded),
        Phase::ClosingStock => {
            let used = state.sql.chunk_grants.map_or(0, |chunk| chunk.used);
            match state.sql.commit(Write::CloseStock, wire, seeded) {
                Fate::Committed => Phase::Returning { used },
                Fate::NotCommitted | Fate::Unknown => Phase::Idle,
            }
        }
        Phase::Returning { used } => {
            state.sql.commit(Write::Return { used }, wire, seeded);
            Phase::Idle
        }
    };
    state.senders[slot].phase = next;
}

/// The Datastore side of a rendezvous breaks off, or Datastore aborts its commit.
pub(super) fn break_off(state: &mut State, slot: usize, seeded: Seeded) {
    let phase = std::mem::replace(&mut state.senders[slot].phase, Phase::Idle);
    state.senders[slot].phase = match phase {
        Phase::Meeting(work, rendezvous) => meeting::break_off(state, slot, work, rendezvous, seeded),
        other => other,
    };
}

/// Whether the rendezvous can break off now: not while SQL's commit comes second, which no
/// protocol of ours does.
pub(super) fn may_break_off(state: &State, slot: usize, seeded: Seeded) -> bool {
    match &state.senders[slot].phase {
        Phase::Meeting(_, rendezvous) => {
            !seeded.is(Bug::DatastoreFirst) || rendezvous.committing(seeded) != Some(Side::Sql)
        }
        _ => false,
    }
}

fn repair(intent: IntentNo) -> Write {
    Write::Repair { intent, found: false }
}

fn roll_forward(
    state: &mut State,
    slot: usize,
    work: Work,
    mut behind: Behind,
    wire: Wire,
    seeded: Seeded,
) -> Phase {
    let Behind {
        intent,
        granted,
        step,
    } = behind;
    if seeded.is(Bug::GrantsUndone) {
        let new = granted;
        state.sql.apply(Write::Undo { intent, new }, seeded);
        return Phase::GivingBack;
    }
    let (fate, next) = match step {
        RollForward::Record => {
            let fate = state.sql.commit(Write::Record { intent }, wire, seeded);
            // Closed meanwhile: somebody else has done it.
            let is_closed = !state.sql.intents.contains_key(&intent) && !seeded.is(Bug::RecordedUnseen);
            if fate == Fate::Committed && is_closed {
                return send(state, slot, after_grants(work, granted, None));
            }
            (fate, RollForward::Redo { silent: false })
        }
        RollForward::Redo { silent } => {
            let mut after = state.datastore.chunk;
            after.raise_granted(granted);
            match state.commit(after, wire) {
                // The first silence is followed by another try.
                Fate::Unknown if !silent => (Fate::Committed, RollForward::Redo { silent: true }),
                fate => (fate, RollForward::Resolve),
            }
        }
        RollForward::Resolve => {
            if state.sql.commit(repair(intent), wire, seeded) == Fate::Committed {
                return send(state, slot, after_grants(work, granted, None));
            }
            return Phase::GivingBack;
        }
    };
    if fate == Fate::Committed {
        behind.step = next;
        Phase::Behind(work, behind)
    } else {
        Phase::GivingBack
    }
}

/// Hands over whom it may, and knows the results. A late sender starts no send.
pub(super) fn send(state: &mut State, slot: usize, work: Work) -> Phase {
    let mut reasons = [None; USERS];
    for place in work.refused.iter() {
        reasons[usize::from(place)] = Some(Reason::CouponExhausted);
    }
    for place in work.wanted.iter() {
        reasons[usize::from(place)] = match state.campaign {
            Campaign::Expired => Some(Reason::PastExpiry),
            Campaign::Running if !state.senders[slot].is_late => Some(Reason::Accepted),
            Campaign::Running | Campaign::Cancelled | Campaign::Finished => None,
        };
    }
    let is_handed = |place: u16| reasons[usize::from(place)] == Some(Reason::Accepted);
    let has_none = |place: u16| state.sql.grants[usize::from(place)] == 0;
    let before = state.past.ungranted;
    state.past.ungranted =
        Users::those(|place| before.contains(place) || (is_handed(place) && has_none(place)));
    let close = work.close;
    Phase::Settling(Results { reasons, close })
}

/// Settles and gives back, again and again while Datastore is silent and the lease lasts.
fn settle(state: &mut State, slot: usize, results: Results, wire: Wire, seeded: Seeded) -> Phase {
    let mut after = state.datastore.chunk;
    after.settle(&results.reasons, slot, seeded);
    let is_closed = after.record.state.is_closed();
    match state.commit(after, wire) {
        Fate::Committed => match results.close {
            Some(intent) => Phase::Counting { intent, is_closed },
            None => return_stock(is_closed),
        },
        Fate::NotCommitted | Fate::Unknown if state.senders[slot].is_late => Phase::Idle,
        Fate::NotCommitted | Fate::Unknown => Phase::Settling(results),
    }
}

fn give_back(state: &mut State, slot: usize, wire: Wire, seeded: Seeded) -> Phase {
    let mut after = state.datastore.chunk;
    after.settle(&[None; USERS], slot, seeded);
    match state.commit(after, wire) {
        Fate::Committed => Phase::Idle,
        Fate::NotCommitted | Fate::Unknown if state.senders[slot].is_late => Phase::Idle,
        Fate::NotCommitted | Fate::Unknown => Phase::GivingBack,
    }
}

fn count(state: &mut State, intent: IntentNo, is_closed: bool, wire: Wire, seeded: Seeded) -> Phase {
    match state.sql.commit(Write::CloseIntent { intent }, wire, seeded) {
        Fate::Committed => return_stock(is_closed),
        Fate::NotCommitted | Fate::Unknown => Phase::Idle,
    }
}

fn return_stock(is_closed: bool) -> Phase {
    if is_closed {
        Phase::ClosingStock
    } else {
        Phase::Idle
    }
}
