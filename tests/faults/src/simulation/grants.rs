//! Coupons for a chunk, after `services/sender/src/grants`.

use campaign::{Places, Reason, Standing};
use rendezvous::{Action, Event, Fate, Meeting};

use super::attempt::{Attempt, Wanted};
use super::settings::INTENT_AGE;
use super::sql::{Inconsistency, Intent, IntentNo, Row, Tx};
use super::stock;
use super::transaction::{self, Open};
use super::world::Fault;
use crate::decisions::choose;
use crate::seeded::Bug;

const SQL: usize = 0;
const DATASTORE: usize = 1;

type Refused = Vec<(u16, Standing)>;

/// Grants the coupon to those of `wanted` who are pending. Returns who gets none.
pub(super) async fn grant(
    attempt: &Attempt,
    wanted: &[Wanted],
    close: &mut Option<IntentNo>,
) -> Result<Refused, Fault> {
    let candidates = wanted
        .iter()
        .filter(|wanted| wanted.standing == Standing::Pending)
        .copied()
        .collect::<Vec<_>>();
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let wants = u32::try_from(candidates.len()).unwrap_or(u32::MAX);
    stock::reserve(&attempt.world, attempt.process, attempt.chunk.no, wants).await?;
    let granted = rendezvous(attempt, &candidates, close).await?;
    let refused = candidates
        .iter()
        .filter(|candidate| !granted.contains(candidate.place));
    Ok(refused
        .map(|candidate| (candidate.place, Standing::Settled(Reason::CouponExhausted)))
        .collect())
}

/// Grants in SQL and raises in Datastore, as the product's own [`Meeting`] says.
async fn rendezvous(
    attempt: &Attempt,
    candidates: &[Wanted],
    close: &mut Option<IntentNo>,
) -> Result<Places, Fault> {
    let Attempt {
        world,
        process,
        chunk,
        ..
    } = attempt;
    let mut meeting = Meeting::new(2);
    let Some(mut datastore) = Open::begin(world, *process, chunk.no).await? else {
        return Err(Fault::Unreachable);
    };
    let intent = world.new_id();
    let (sql, granted) = match prepare(attempt, candidates, intent).await {
        Ok(prepared) => prepared,
        Err(fault) => {
            let actions = meeting.on(Event::Failed(SQL));
            if actions.contains(&Action::RollBack(DATASTORE)) {
                datastore.roll_back();
            }
            return Err(fault);
        }
    };
    let raised = candidates
        .iter()
        .filter(|candidate| granted.contains(candidate.place));
    for candidate in raised {
        datastore.chunk.raise(candidate.place, Standing::Granted, world);
    }
    meeting.on(Event::Ready(SQL));
    let mut actions = meeting.on(Event::Ready(DATASTORE));
    let mut sides = (Some(sql), Some(datastore));
    while let Some(action) = actions.pop() {
        match action {
            Action::Commit(SQL) => {
                let fate = match sides.0.take() {
                    Some(tx) => tx.commit().await,
                    None => Fate::NotCommitted,
                };
                actions = meeting.on(Event::Ended(SQL, fate));
            }
            Action::Commit(place) => {
                let fate = match sides.1.take() {
                    Some(open) => open.commit().await,
                    None => Fate::NotCommitted,
                };
                actions = meeting.on(Event::Ended(place, fate));
            }
            Action::RollBack(SQL) => {
                if let Some(tx) = sides.0.take() {
                    tx.roll_back();
                }
            }
            Action::RollBack(_) => {
                if let Some(open) = sides.1.take() {
                    open.roll_back();
                }
            }
        }
    }
    match meeting.fates().as_deref() {
        Some([Fate::Committed, Fate::Committed]) => {
            *close = (!granted.is_empty()).then_some(intent);
            Ok(granted)
        }
        Some([Fate::Committed, _]) => {
            roll_forward(attempt, intent, granted).await?;
            Ok(granted)
        }
        _ => Err(Fault::Unreachable),
    }
}

/// The SQL side, short of its commit.
async fn prepare(attempt: &Attempt, candidates: &[Wanted], intent: IntentNo) -> Result<(Tx, Places), Fault> {
    let Attempt {
        world,
        process,
        chunk,
        ..
    } = attempt;
    let no = chunk.no;
    let mut tx = Tx::begin(world, *process).await?;
    tx.lock(Row::ChunkGrants(no)).await?;
    tx.lock(Row::Intent(intent)).await?;
    let Some(stock) = tx
        .see(|sql| sql.chunk_grants.get(&no).copied())
        .filter(|stock| !stock.is_closed)
    else {
        tx.roll_back();
        return Err(Fault::NoStock);
    };
    let used = if world.has(Bug::GrantsFromMemory) {
        0
    } else {
        stock.used
    };
    let places = candidates
        .iter()
        .map(|candidate| candidate.place)
        .collect::<Vec<_>>();
    let user_at = |place: u16| chunk.pushes[usize::from(place)].user;
    let has = |place: u16| tx.see(|sql| sql.grants.contains(&user_at(place)));
    let chosen = choose(&places, has, stock.reserved.saturating_sub(used));
    let new = places.iter().filter(|place| chosen.new.contains(**place));
    let new = new.map(|place| user_at(*place)).collect::<Vec<_>>();
    let granted = chosen.granted;
    let due_at = world.now() + INTENT_AGE;
    let has_intent = !granted.is_empty() && !world.has(Bug::NoIntent);
    tx.write(move |sql| {
        if let Some(stock) = sql.chunk_grants.get_mut(&no) {
            stock.used += u32::try_from(new.len()).unwrap_or(u32::MAX);
        }
        sql.grants.extend(new);
        if has_intent {
            let is_open = true;
            sql.intents.insert(
                intent,
                Intent {
                    chunk: no,
                    granted,
                    is_open,
                    due_at,
                },
            );
        }
    });
    Ok((tx, granted))
}

/// Records that Datastore is behind, and brings it up. Nothing is recorded of an intent that
/// somebody has closed meanwhile: its Datastore side is done.
async fn roll_forward(attempt: &Attempt, intent: IntentNo, granted: Places) -> Result<(), Fault> {
    let Attempt {
        world,
        process,
        chunk,
        ..
    } = attempt;
    world.note(*process, "finds datastore behind at chunk", chunk.no.into());
    let mut tx = Tx::begin(world, *process).await?;
    tx.lock(Row::Intent(intent)).await?;
    let is_open = tx.see(|sql| sql.intents.get(&intent).is_some_and(|intent| intent.is_open));
    if !is_open && !world.has(Bug::RecordedUnseen) {
        tx.roll_back();
        return Ok(());
    }
    tx.write(move |sql| {
        sql.inconsistencies.entry(intent).or_insert(Inconsistency::Open);
    });
    tx.commit_repeatable().await?;
    redo(attempt, granted).await?;
    let mut tx = Tx::begin(world, *process).await?;
    tx.lock(Row::Intent(intent)).await?;
    tx.write(move |sql| sql.close(intent));
    tx.commit_repeatable().await
}

async fn redo(attempt: &Attempt, granted: Places) -> Result<(), Fault> {
    let Attempt {
        world,
        process,
        chunk,
        ..
    } = attempt;
    let redone = transaction::change(world, *process, chunk.no, |chunk| {
        let places = 0..u16::try_from(chunk.pushes.len()).unwrap_or(u16::MAX);
        for place in places.filter(|place| granted.contains(*place)) {
            chunk.raise(place, Standing::Granted, world);
        }
    });
    redone.await?;
    Ok(())
}
