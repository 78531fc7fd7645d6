//! Uploads that come in parts: what was said of the whole file when it was begun.
//!
//! An upload has the id of the audience that it becomes, and is made with it; whether it is over
//! is told by the audience's state.

use ::campaign::AudienceId;

use crate::{Error, Executor, Tx, sql};

/// What is to come, where that was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Bytes of the whole file.
    pub size: Option<u64>,
    /// Its parts.
    pub parts: Option<u32>,
}

/// Notes an upload in parts, in the transaction that inserts its audience.
pub async fn insert(tx: &mut Tx, id: AudienceId, expected: Expected) -> Result<(), Error> {
    sql("INSERT INTO upload (audience_id, size, parts) VALUES (?, ?, ?)")
        .bind(id)
        .bind(expected.size)
        .bind(expected.parts)
        .execute(tx)
        .await?;
    Ok(())
}

/// What is expected; `None` if the audience is not uploaded in parts, or is not there.
pub async fn find(on: impl Executor, id: AudienceId) -> Result<Option<Expected>, Error> {
    sql("SELECT size, parts FROM upload WHERE audience_id = ?")
        .bind(id)
        .find(on, |row| {
            Ok(Expected {
                size: row.get("size")?,
                parts: row.get("parts")?,
            })
        })
        .await
}
