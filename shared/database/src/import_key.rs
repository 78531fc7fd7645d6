//! The secret under which imports hash user ids.

use crate::{Error, Executor, Tx, sql};

/// The installation's key: `candidate`, random, where there was none before.
pub async fn find_or_insert(tx: &mut Tx, candidate: [u8; 16]) -> Result<[u8; 16], Error> {
    if let Some(key) = find(&mut *tx).await? {
        return Ok(key);
    }
    let inserted = sql("INSERT INTO import_key (id, bytes) VALUES (1, ?)")
        .bind(candidate)
        .execute(&mut *tx)
        .await;
    match inserted {
        Ok(_) | Err(Error::UniqueViolation(_)) => {}
        Err(other) => return Err(other),
    }
    find(tx)
        .await?
        .ok_or_else(|| Error::fault("the key is not there"))
}

async fn find(on: impl Executor) -> Result<Option<[u8; 16]>, Error> {
    sql("SELECT bytes FROM import_key WHERE id = 1")
        .find(on, |row| row.get("bytes"))
        .await
}
