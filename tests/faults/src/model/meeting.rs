//! The rendezvous of one attempt, by the product's own [`Meeting`].

use rendezvous::{Event, Fate, Meeting};

use super::datastore::Chunk;
use super::sender;
use super::sql::{IntentNo, Row, Write};
use super::state::{Behind, Phase, RollForward, State, Wire, Work};
use super::users::Users;
use crate::decisions::choose;
use crate::seeded::{Bug, Seeded};

/// The sides in the order in which they are committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Side {
    Sql,
    Datastore,
}

/// A rendezvous that is under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Rendezvous {
    meeting: Meeting,
    /// What the Datastore side read.
    read: Chunk,
    /// Something was committed since.
    pub(super) conflicts: bool,
    /// What both sides will commit, once they are ready.
    ready: Option<Ready>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Ready {
    write: Write,
    after: Chunk,
}

impl Rendezvous {
    /// The Datastore side has read, and lets the SQL side begin.
    pub(super) fn open(read: Chunk) -> Self {
        Self {
            meeting: Meeting::new(2),
            read,
            conflicts: false,
            ready: None,
        }
    }

    /// The same with the senders' slots changed for each other.
    pub(super) fn swap(&mut self) {
        self.read = self.read.swapped();
        if let Some(ready) = &mut self.ready {
            ready.after = ready.after.swapped();
        }
    }

    /// What the SQL side holds locks for.
    pub(super) fn write(&self) -> Option<Write> {
        self.ready.map(|ready| ready.write)
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.is_some()
    }

    /// The row that it needs next, if it needs one.
    pub(super) fn needs(&self) -> Option<Row> {
        (!self.is_ready()).then_some(Row::ChunkGrants)
    }

    /// Whose commit is waited for.
    pub(super) fn committing(&self, seeded: Seeded) -> Option<Side> {
        let place = self.meeting.waited_for().filter(|_| self.is_ready())?;
        Some(side(place, seeded))
    }
}

fn side(place: usize, seeded: Seeded) -> Side {
    let order = if seeded.is(Bug::DatastoreFirst) {
        [Side::Datastore, Side::Sql]
    } else {
        [Side::Sql, Side::Datastore]
    };
    order[place]
}

/// The SQL side locks, reads and writes; the Datastore side learns whom to raise. Both are ready
/// then, or neither if the stock has been returned.
pub(super) fn prepare(
    state: &mut State,
    slot: usize,
    work: Work,
    mut rendezvous: Rendezvous,
    seeded: Seeded,
) -> Phase {
    let Some(chunk) = state.sql.chunk_grants.filter(|chunk| !chunk.closed) else {
        rendezvous.meeting.on(Event::Failed(0));
        return conclude(state, slot, work, rendezvous, seeded).unwrap_or(Phase::GivingBack);
    };
    let left = if seeded.is(Bug::GrantsFromMemory) {
        chunk.reserved
    } else {
        chunk.reserved.saturating_sub(chunk.used)
    };
    let candidates = work.candidates.iter().collect::<Vec<_>>();
    let chosen = choose(
        &candidates,
        |place| state.sql.grants[usize::from(place)] > 0,
        left,
    );
    let (new, granted) = (Users::of(&chosen.new), Users::of(&chosen.granted));
    let intent = state.new_intent();
    let mut after = rendezvous.read;
    after.raise_granted(granted);
    rendezvous.ready = Some(Ready {
        write: Write::Grant { intent, new, granted },
        after,
    });
    rendezvous.meeting.on(Event::Ready(0));
    rendezvous.meeting.on(Event::Ready(1));
    Phase::Meeting(work, rendezvous)
}

/// The side whose turn it is sends its commit.
pub(super) fn commit(
    state: &mut State,
    slot: usize,
    work: Work,
    rendezvous: Rendezvous,
    wire: Wire,
    seeded: Seeded,
) -> Phase {
    let (Some(ready), Some(place)) = (rendezvous.ready, rendezvous.meeting.waited_for()) else {
        return Phase::GivingBack;
    };
    let fate = match side(place, seeded) {
        Side::Sql if wire == Wire::Unanswered && seeded.is(Bug::RetriedCommit) => Fate::Committed,
        Side::Sql => state.sql.commit(ready.write, wire, seeded),
        Side::Datastore if ready.after == rendezvous.read => Fate::Committed,
        Side::Datastore if rendezvous.conflicts => Fate::NotCommitted,
        Side::Datastore => state.commit(ready.after, wire),
    };
    end(state, slot, work, rendezvous, Event::Ended(place, fate), seeded)
}

/// The Datastore side breaks off, or its commit is aborted.
pub(super) fn break_off(
    state: &mut State,
    slot: usize,
    work: Work,
    rendezvous: Rendezvous,
    seeded: Seeded,
) -> Phase {
    let event = match rendezvous.committing(seeded) {
        None => Event::Failed(1),
        Some(Side::Sql) => Event::Left(1),
        Some(Side::Datastore) => {
            let place = rendezvous.meeting.waited_for().unwrap_or_default();
            Event::Ended(place, Fate::NotCommitted)
        }
    };
    end(state, slot, work, rendezvous, event, seeded)
}

fn end(
    state: &mut State,
    slot: usize,
    work: Work,
    mut rendezvous: Rendezvous,
    event: Event,
    seeded: Seeded,
) -> Phase {
    rendezvous.meeting.on(event);
    conclude(state, slot, work, rendezvous.clone(), seeded).unwrap_or(Phase::Meeting(work, rendezvous))
}

/// What follows when all fates are known.
fn conclude(
    state: &mut State,
    slot: usize,
    work: Work,
    rendezvous: Rendezvous,
    seeded: Seeded,
) -> Option<Phase> {
    let fates = rendezvous.meeting.fates()?;
    let of = |wanted: Side| {
        let places = fates.iter().enumerate();
        let mut found = places.filter(|(place, _)| side(*place, seeded) == wanted);
        found.next().map(|(_, fate)| *fate)
    };
    let Some(Ready {
        write: Write::Grant { intent, granted, .. },
        ..
    }) = rendezvous.ready
    else {
        return Some(Phase::GivingBack);
    };
    Some(match (of(Side::Sql), of(Side::Datastore)) {
        (Some(Fate::Committed), Some(Fate::Committed)) => {
            let close = (!granted.is_empty()).then_some(intent);
            sender::send(state, slot, after_grants(work, granted, close))
        }
        (Some(Fate::Committed), _) => {
            let step = RollForward::Record;
            Phase::Behind(
                work,
                Behind {
                    intent,
                    granted,
                    step,
                },
            )
        }
        (Some(Fate::Unknown), _) if seeded.is(Bug::PlainReadVerdict) => {
            // The plain read sees no intent while the transaction is in doubt.
            sender::send(state, slot, after_grants(work, Users::NONE, None))
        }
        _ => Phase::GivingBack,
    })
}

/// Who is sent and who is not, now that `granted` have the coupon.
pub(super) fn after_grants(work: Work, granted: Users, close: Option<IntentNo>) -> Work {
    Work {
        candidates: Users::NONE,
        wanted: Users::those(|place| work.wanted.contains(place) || granted.contains(place)),
        refused: Users::those(|place| work.candidates.contains(place) && !granted.contains(place)),
        close,
    }
}
