//! What must hold of a world at rest; see `RELIABILITY.md`, what is counted.

use campaign::{Balance, CampaignState, Reason, Standing, Tally};

use super::datastore::Chunk;
use super::plan;
use super::settings::TOO_LONG;
use super::sql::{Inconsistency, Sql};
use super::world::World;

/// The first thing that is wrong, if anything is.
pub(super) fn find(world: &World) -> Option<String> {
    if let Some(finding) = world.finding() {
        return Some(finding);
    }
    if !world.is_at_rest() {
        return Some(stuck(world));
    }
    let rules = [lost, doubled, counted, granted, stock, left_open];
    rules.iter().find_map(|rule| rule(world))
}

fn stuck(world: &World) -> String {
    let sql = world.sql.borrow();
    let datastore = world.datastore.borrow();
    let open = datastore.chunks().filter(|chunk| !chunk.record.state.is_closed());
    let open = open
        .map(|chunk| (chunk.no, chunk.record.state))
        .collect::<Vec<_>>();
    format!(
        "it has not come to rest after {} hours: campaign {:?}, reconciled {}, {} expanded, open chunks {open:?}, \
         {} open intents, {} locks, {} under way, unreturned {:?}, tallies {:?}",
        TOO_LONG / 3_600_000,
        sql.state(),
        sql.is_reconciled,
        sql.low_water,
        sql.open_intents(),
        sql.locks(),
        world.under_way.get(),
        unreturned(&sql),
        sql.tallies,
    )
}

fn unreturned(sql: &Sql) -> Vec<u32> {
    let unreturned = sql
        .reservations
        .iter()
        .filter(|(_, reservation)| reservation.returned.is_none());
    unreturned.map(|(no, _)| *no).collect()
}

/// Everybody is expanded once and final, or reads as cancelled.
fn lost(world: &World) -> Option<String> {
    let sql = world.sql.borrow();
    let datastore = world.datastore.borrow();
    if sql.state() == CampaignState::Cancelled {
        return None;
    }
    let expanded = datastore.chunks().map(|chunk| chunk.pushes.len()).sum::<usize>();
    let users = plan::user_count(world);
    if expanded != users {
        return Some(format!("{expanded} of {users} users were expanded"));
    }
    pushes(&datastore.chunks().collect::<Vec<_>>())
        .find(|(_, standing)| !standing.state().is_final())
        .map(|(user, standing)| format!("user {user} is lost: {standing:?} in a finished campaign"))
}

fn pushes<'a>(chunks: &'a [&'a Chunk]) -> impl Iterator<Item = (usize, Standing)> {
    let pushes = chunks.iter().flat_map(|chunk| &chunk.pushes);
    pushes.map(|push| (push.user, push.standing))
}

fn doubled(world: &World) -> Option<String> {
    let ledger = world.ledger.borrow();
    let (raw, exposed, visible) = (ledger.raw_doubles(), ledger.exposed, ledger.visible_doubles());
    if visible > 0 {
        return Some(format!("{visible} messages are seen twice"));
    }
    (raw > exposed).then(|| format!("{raw} messages were accepted twice, though only {exposed} could be"))
}

/// SQL shows what Datastore holds, and the conservation law holds.
fn counted(world: &World) -> Option<String> {
    let sql = world.sql.borrow();
    let datastore = world.datastore.borrow();
    let state = sql.state();
    let audience = plan::user_count(world) as u64;
    let truth = datastore.chunks().map(|chunk| &chunk.tally).sum::<Tally>();
    let truth = truth.read_in(state, audience);
    let shown = sql.total().read_in(state, audience);
    if truth != shown {
        return Some(format!("SQL shows {shown:?}, Datastore holds {truth:?}"));
    }
    let expanded = truth.total();
    let is_open = |chunk: &&Chunk| !chunk.record.state.is_closed();
    let balance = Balance {
        audience,
        expanded,
        tally: truth,
        open_chunks: datastore.chunks().filter(is_open).count() as u64,
        open_intents: sql.open_intents(),
    };
    let missing = balance.missing();
    (state == CampaignState::Finished && !missing.is_empty())
        .then(|| format!("a finished campaign does not balance: {missing:?}"))
}

/// Whoever has the coupon is known to, and nobody is sent without it.
fn granted(world: &World) -> Option<String> {
    let stock = world.settings.stock?;
    let sql = world.sql.borrow();
    let datastore = world.datastore.borrow();
    let is_plenty = usize::try_from(stock).is_ok_and(|stock| stock >= plan::user_count(world));
    let chunks = datastore.chunks().collect::<Vec<_>>();
    for (user, standing) in pushes(&chunks) {
        let has_grant = sql.grants.contains(&user);
        let wrong = match standing {
            Standing::Pending if has_grant => "has a grant that its push does not show",
            Standing::Granted if !has_grant => "is granted without a grant",
            Standing::Settled(Reason::Accepted) if !has_grant => "was sent without a grant",
            Standing::Settled(Reason::CouponExhausted) if has_grant => "was refused what it has",
            Standing::Settled(Reason::CouponExhausted) if is_plenty => "was refused of plenty",
            Standing::Pending | Standing::Granted | Standing::Settled(_) => continue,
        };
        return Some(format!("user {user} {wrong}"));
    }
    None
}

fn stock(world: &World) -> Option<String> {
    let sql = world.sql.borrow();
    let granted = u32::try_from(sql.grants.len()).unwrap_or(u32::MAX);
    let used = sql.chunk_grants.values().map(|grants| grants.used).sum::<u32>();
    let over = sql
        .chunk_grants
        .values()
        .any(|grants| grants.used > grants.reserved);
    (sql.reserved != granted || used != granted || over || granted > sql.stock).then(|| {
        format!(
            "of a stock of {} the coupon has lost {}, the chunks have used {used}, and {granted} are granted",
            sql.stock, sql.reserved
        )
    })
}

/// No lease, no open chunk, no inconsistency is left, and what was accepted is known to be.
fn left_open(world: &World) -> Option<String> {
    let sql = world.sql.borrow();
    let datastore = world.datastore.borrow();
    if let Some(chunk) = datastore.chunks().find(|chunk| !chunk.record.state.is_closed()) {
        return Some(format!("chunk {} is left open: {:?}", chunk.no, chunk.record));
    }
    let is_open = |inconsistency: &&Inconsistency| **inconsistency == Inconsistency::Open;
    if sql.inconsistencies.values().find(is_open).is_some() {
        return Some("an inconsistency is left open".to_owned());
    }
    let unreturned = unreturned(&sql);
    (!unreturned.is_empty()).then(|| format!("the stock of chunks {unreturned:?} is not returned"))
}
