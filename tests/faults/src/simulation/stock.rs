//! Stock for a chunk's grants, after `database::stock` and `database::stock_reservation`.
//!
//! A chunk that returns stock without having reserved any is marked as one that has returned
//! everything. So a reservation in doubt, or one of a sender that wakes up late, finds the chunk
//! closed in the main database as well.

use std::rc::Rc;

use super::scheduler::ProcessId;
use super::sql::{ChunkGrants, Reservation, Row, Tx};
use super::world::{Fault, World};
use crate::decisions::available;
use crate::seeded::Bug;

/// Reserves `wanted` coupons for the chunk, or what is left of the stock, and opens the chunk for
/// as many grants. A repeat gets what it got the first time.
pub(super) async fn reserve(
    world: &Rc<World>,
    process: ProcessId,
    chunk: u32,
    wanted: u32,
) -> Result<(), Fault> {
    let mut tx = Tx::begin(world, process).await?;
    let is_locked = !world.has(Bug::StockWithoutLock);
    if is_locked {
        tx.lock(Row::Coupon).await?;
    }
    let (known, available) = tx.see(|sql| {
        let known = sql.reservations.get(&chunk).map(|reservation| reservation.amount);
        (known, available(sql.stock, sql.reserved, wanted))
    });
    let amount = known.unwrap_or(available);
    if known.is_none() {
        tx.write(move |sql| {
            let returned = None;
            sql.reservations.insert(chunk, Reservation { amount, returned });
            sql.reserved += amount;
        });
    }
    tx.commit_repeatable().await?;

    let mut tx = Tx::begin(world, process).await?;
    tx.lock(Row::ChunkGrants(chunk)).await?;
    tx.write(move |sql| {
        let (used, is_closed) = (0, false);
        let opened = ChunkGrants {
            reserved: amount,
            used,
            is_closed,
        };
        sql.chunk_grants.entry(chunk).or_insert(opened);
    });
    tx.commit_repeatable().await
}

/// Closes the chunk for good, then returns what it did not use. A repeat does nothing.
pub(super) async fn return_unused(world: &Rc<World>, process: ProcessId, chunk: u32) -> Result<(), Fault> {
    let mut tx = Tx::begin(world, process).await?;
    tx.lock(Row::ChunkGrants(chunk)).await?;
    let used = tx.see(|sql| sql.chunk_grants.get(&chunk).map_or(0, |grants| grants.used));
    tx.write(move |sql| {
        let (reserved, used, is_closed) = (0, 0, true);
        let closed = ChunkGrants {
            reserved,
            used,
            is_closed,
        };
        sql.chunk_grants.entry(chunk).or_insert(closed).is_closed = true;
    });
    tx.commit_repeatable().await?;

    let mut tx = Tx::begin(world, process).await?;
    tx.lock(Row::Coupon).await?;
    let known = tx.see(|sql| sql.reservations.get(&chunk).copied());
    let is_twice = world.has(Bug::StockReturnedTwice);
    let by_sight = world.has(Bug::FinishedBySight);
    let reservation = match known {
        None if !by_sight => Some(Reservation {
            amount: 0,
            returned: Some(0),
        }),
        Some(Reservation { amount, returned }) if returned.is_none() || is_twice => {
            let returned = Some(amount.saturating_sub(used));
            Some(Reservation { amount, returned })
        }
        None | Some(_) => None,
    };
    let Some(reservation) = reservation else {
        tx.roll_back();
        return Ok(());
    };
    tx.write(move |sql| {
        sql.reservations.insert(chunk, reservation);
        sql.reserved = sql.reserved.saturating_sub(reservation.returned.unwrap_or(0));
    });
    tx.commit_repeatable().await
}
