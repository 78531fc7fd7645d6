//! Removes what is kept under one user's id: devices and feedback on them, opt-out, pushes, and the
//! id on grants.

use campaign::PushId;
use database::shard::coupon_grant;
use database::{Db, device, feedback, opt_out};
use futures::future;
use runtime::Backends;
use uuid::Uuid;

use crate::Error;

/// Pushes asked for at once.
const PAGE: u16 = 100;

/// Transactions under way at once. Each is on a chunk of its own.
const AT_ONCE: usize = 8;

/// What became of a user's traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Removed {
    /// Pushes that were erased.
    pub(super) pushes: u64,
    /// Whether that is all.
    pub(super) left: Left,
}

/// What is left of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing.
    None,
    /// Pushes that could not be erased now.
    Some,
}

/// Removes everything. A repeat finds nothing and does nothing.
pub(super) async fn remove(backends: &Backends, user: &str) -> Result<Removed, Error> {
    let removed = erase_pushes(backends, user).await?;
    forget(&backends.db, user).await?;
    rename_grants(&backends.db, user).await?;
    Ok(removed)
}

async fn forget(db: &Db, user: &str) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    device::remove_user(&mut tx, user).await?;
    opt_out::delete(&mut tx, user).await?;
    feedback::delete_user(&mut tx, user).await?;
    Ok(tx.commit().await.repeatable()?)
}

/// A coupon that was granted stays counted, under a name that says nothing.
async fn rename_grants(shard: &Db, user: &str) -> Result<(), Error> {
    let pseudonym = format!("erased:{}", Uuid::now_v7());
    let mut tx = shard.begin().await?;
    coupon_grant::replace_user(&mut tx, user, &pseudonym).await?;
    Ok(tx.commit().await.repeatable()?)
}

/// An erased push no longer shows in the next page. One that shows again is of a chunk that is
/// being deleted, and is left to the next pass.
async fn erase_pushes(backends: &Backends, user: &str) -> Result<Removed, Error> {
    let (store, clock) = (&backends.push_store, &backends.process.clock);
    let mut pushes = 0;
    let mut before: Vec<PushId> = Vec::new();
    loop {
        let page = store.list_by_user(user, PAGE).await?;
        if page.is_empty() {
            return Ok(Removed {
                pushes,
                left: Left::None,
            });
        }
        if page.iter().any(|push| before.contains(&push.id)) {
            return Ok(Removed {
                pushes,
                left: Left::Some,
            });
        }
        for batch in page.chunks(AT_ONCE) {
            let erased = batch
                .iter()
                .map(|push| store.erase(push.chunk, push.id, clock.now()));
            future::try_join_all(erased).await?;
        }
        pushes += page.len() as u64;
        before = page.iter().map(|push| push.id).collect();
    }
}
