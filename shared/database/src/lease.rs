//! Leases by name: the right of one process to do something for a while.
//!
//! A lease that ran out can be claimed by anybody, under a new token; the former holder's
//! extension and release are stale from then on.

use ::campaign::LeaseToken;
use chrono::{DateTime, Utc};

use crate::{Change, Error, Insertion, Tx, sql};

/// Claims the lease `name` (at most 128 characters) until `until`: a token, or `None` while
/// somebody holds it.
pub async fn claim(
    tx: &mut Tx,
    name: &str,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<LeaseToken>, Error> {
    let token = LeaseToken::allocate();
    let taken_over = sql("UPDATE lease SET token = ?, leased_until = ? WHERE name = ? AND leased_until <= ?")
        .bind(token)
        .bind(until)
        .bind(name)
        .bind(now)
        .execute(tx)
        .await?;
    if taken_over == 1 {
        return Ok(Some(token));
    }
    let inserted = sql("INSERT INTO lease (name, token, leased_until) VALUES (?, ?, ?)")
        .bind(name)
        .bind(token)
        .bind(until)
        .execute(tx)
        .await;
    Ok(match Insertion::of(inserted)? {
        Insertion::New => Some(token),
        Insertion::Existing => None,
    })
}

/// Moves the end of a lease that is still `token`'s.
pub async fn extend(
    tx: &mut Tx,
    name: &str,
    token: LeaseToken,
    until: DateTime<Utc>,
) -> Result<Change, Error> {
    let matched = sql("UPDATE lease SET leased_until = ? WHERE name = ? AND token = ?")
        .bind(until)
        .bind(name)
        .bind(token)
        .execute(tx)
        .await?;
    Ok(Change::matched(matched))
}

/// Gives up a lease that is still `token`'s.
pub async fn release(tx: &mut Tx, name: &str, token: LeaseToken) -> Result<Change, Error> {
    let matched = sql("DELETE FROM lease WHERE name = ? AND token = ?")
        .bind(name)
        .bind(token)
        .execute(tx)
        .await?;
    Ok(Change::matched(matched))
}
