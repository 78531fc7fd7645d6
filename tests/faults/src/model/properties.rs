//! What must hold in every state, what must hold at rest, and what must be reached at all.
//!
//! The last kind guards against a model in which the promises hold because nothing happens.

use campaign::{Reason, Standing};
use stateright::Property;

use super::protocol::Protocol;
use super::sql::{ELSEWHERE, Inconsistency};
use super::state::{Campaign, Phase, State};
use super::users::Users;

type Of = Property<Protocol>;

/// The promises.
pub(super) fn promises() -> Vec<Of> {
    vec![
        Of::always("a user is granted the coupon at most once", |_, state| {
            state.sql.grants.iter().all(|grants| *grants <= 1)
        }),
        Of::always(
            "datastore holds nothing that SQL did not commit first",
            |_, state| {
                Users::places().all(|place| match state.datastore.chunk.standing(place) {
                    Standing::Granted | Standing::Settled(Reason::Accepted) => has_grant(state, place),
                    Standing::Pending | Standing::Settled(_) => true,
                })
            },
        ),
        Of::always("nobody is sent a push without a grant", |_, state| {
            state.past.ungranted.is_empty()
        }),
        Of::always("a grant is never undone", |_, state| {
            state.past.granted.iter().all(|place| has_grant(state, place))
        }),
        Of::always("a push never falls back", |_, state| {
            let stands = |place| state.datastore.chunk.standing(place) != Standing::Pending;
            state.past.raised.iter().all(stands)
        }),
        Of::always("who is refused the coupon does not have it", |_, state| {
            let refused = Standing::Settled(Reason::CouponExhausted);
            let is_refused = |place: &u16| state.datastore.chunk.standing(*place) == refused;
            !Users::places()
                .filter(is_refused)
                .any(|place| has_grant(state, place))
        }),
        Of::always(
            "the stock that is used is the grants, and never more than is reserved",
            |_, state| stock_adds_up(state),
        ),
        Of::always(
            "an open intent names everybody whose push is behind",
            |_, state| {
                let is_named = |place| state.sql.intents.values().any(|granted| granted.contains(place));
                Protocol::behind(state).iter().all(is_named)
            },
        ),
        Of::always("a live lease is ended by its holder only", |_, state| {
            let is_cancelled = state.campaign == Campaign::Cancelled;
            let keeps = |(slot, sender): (usize, &super::state::Sender)| {
                !needs_lease(&sender.phase) || sender.is_late || state.datastore.chunk.is_held_by(slot)
            };
            is_cancelled || state.senders.iter().enumerate().all(keeps)
        }),
        Of::always(
            "at rest every grant shows and no intent is open",
            |protocol, state| {
                let is_done = Protocol::behind(state).is_empty() && state.sql.intents.is_empty();
                is_done || !protocol.is_at_rest(state)
            },
        ),
        Of::always("at rest no inconsistency is open", |protocol, state| {
            let is_open = |inconsistency: &Inconsistency| *inconsistency == Inconsistency::Open;
            !state.sql.inconsistencies.values().any(is_open) || !protocol.is_at_rest(state)
        }),
        Of::always(
            "at rest the chunk is closed and nobody holds it",
            |protocol, state| {
                let record = &state.datastore.chunk.record;
                let is_closed = record.state.is_closed() && record.lease.is_none();
                is_closed || !protocol.is_at_rest(state)
            },
        ),
        Of::always(
            "at rest the coupon has lost what was granted and no more",
            |protocol, state| {
                let granted = state
                    .sql
                    .grants
                    .iter()
                    .map(|grants| u32::from(*grants))
                    .sum::<u32>();
                state.sql.reserved == ELSEWHERE + granted || !protocol.is_at_rest(state)
            },
        ),
        Of::always(
            "at rest the campaign is finished, unless it was cancelled",
            |protocol, state| {
                let has_ended = matches!(state.campaign, Campaign::Finished | Campaign::Cancelled);
                has_ended || !protocol.is_at_rest(state)
            },
        ),
    ]
}

/// What a run that proves something must have met.
pub(super) fn reached() -> Vec<Of> {
    vec![
        Of::sometimes("everything comes to rest", |protocol, state| {
            protocol.is_at_rest(state)
        }),
        Of::sometimes("both users are sent theirs", |_, state| {
            let accepted = Standing::Settled(Reason::Accepted);
            state.datastore.chunk.pushes.iter().all(|push| *push == accepted)
        }),
        Of::sometimes("the last coupon is gone", |_, state| {
            let exhausted = Standing::Settled(Reason::CouponExhausted);
            state.datastore.chunk.pushes.contains(&exhausted)
        }),
        Of::sometimes(
            "grants are in doubt while the next attempt wants their lock",
            |_, state| {
                let waits = state
                    .senders
                    .iter()
                    .any(|sender| matches!(sender.phase, Phase::Reserved(..) | Phase::Meeting(..)));
                waits && state.sql.in_doubt.iter().any(super::sql::Write::is_grant)
            },
        ),
        Of::sometimes("an inconsistency is open", |_, state| {
            state
                .sql
                .inconsistencies
                .values()
                .any(|inconsistency| *inconsistency == Inconsistency::Open)
        }),
        Of::sometimes("stock that was reserved is returned", |_, state| {
            state
                .sql
                .reservation
                .is_some_and(|reservation| reservation.returned > Some(0))
        }),
        Of::sometimes("two senders work on the chunk", |_, state| {
            state.senders.iter().all(|sender| sender.phase != Phase::Idle)
        }),
        Of::sometimes("a cancelled campaign keeps a grant", |protocol, state| {
            let was_cancelled = state.campaign == Campaign::Cancelled;
            was_cancelled && !state.past.granted.is_empty() && protocol.is_at_rest(state)
        }),
    ]
}

fn has_grant(state: &State, place: u16) -> bool {
    state.sql.grants[usize::from(place)] > 0
}

fn stock_adds_up(state: &State) -> bool {
    let sql = &state.sql;
    let granted = sql.grants.iter().map(|grants| u32::from(*grants)).sum::<u32>();
    let counted = sql.chunk_grants.map_or(granted == 0, |chunk| {
        chunk.used == granted && chunk.used <= chunk.reserved
    });
    counted && ELSEWHERE + granted <= sql.reserved && sql.reserved <= sql.stock
}

/// Whether an attempt in that phase has not given its chunk back.
fn needs_lease(phase: &Phase) -> bool {
    match phase {
        Phase::Leased(_)
        | Phase::Reserved(..)
        | Phase::Stocked(_)
        | Phase::Meeting(..)
        | Phase::Behind(..) => true,
        // A commit of the end that is in doubt may have ended the lease.
        Phase::Settling(_) | Phase::GivingBack => false,
        Phase::Idle | Phase::Counting { .. } | Phase::ClosingStock | Phase::Returning { .. } => false,
    }
}
