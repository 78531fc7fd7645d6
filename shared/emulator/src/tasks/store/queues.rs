//! Queues as rows: their definitions, and the end of everything in them.

use gcloud_sdk::google::cloud::tasks::v2::Queue;
use prost::Message;
use rusqlite::{Connection, OptionalExtension, params};

use super::tasks::{NAME_MEMORY, decoded, sql_limit};

/// Inserts a queue; `None` where one of that name exists.
pub(in crate::tasks) fn insert_queue(
    connection: &Connection,
    queue: &Queue,
) -> rusqlite::Result<Option<i64>> {
    connection
        .query_row(
            "INSERT INTO queue (name, definition) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id",
            params![queue.name, queue.encode_to_vec()],
            |row| row.get(0),
        )
        .optional()
}

/// Replaces the definition of a queue.
pub(in crate::tasks) fn update_queue(
    connection: &Connection,
    id: i64,
    queue: &Queue,
) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE queue SET definition = ? WHERE id = ?",
        params![queue.encode_to_vec(), id],
    )?;
    Ok(())
}

/// Every queue with its id. Queues are few: they are all in memory while the server runs.
pub(in crate::tasks) fn list_queues(connection: &Connection) -> rusqlite::Result<Vec<(i64, Queue)>> {
    connection
        .prepare_cached("SELECT id, definition FROM queue ORDER BY name")?
        .query_map([], |row| Ok((row.get(0)?, decoded(row, 1)?)))?
        .collect()
}

/// Removes a queue, with its tasks and the memory of its names.
pub(in crate::tasks) fn delete_queue(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM queue WHERE id = ?", [id])?;
    Ok(())
}

/// Deletes up to `limit` tasks of the queue whose id is at most `last`, and says how many there
/// were. Their names stay in use for [`NAME_MEMORY`].
pub(in crate::tasks) fn delete_tasks_through(
    connection: &Connection,
    queue: i64,
    last: i64,
    now: i64,
    limit: usize,
) -> rusqlite::Result<usize> {
    let some = "SELECT id FROM task WHERE queue = ?1 AND id <= ?2 ORDER BY due_at, id LIMIT ?3";
    connection
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO used_name (queue, name, free_at)
             SELECT queue, name, ?4 FROM task WHERE id IN ({some})"
        ))?
        .execute(params![
            queue,
            last,
            sql_limit(limit),
            now.saturating_add(NAME_MEMORY)
        ])?;
    connection
        .prepare_cached(&format!("DELETE FROM task WHERE id IN ({some})"))?
        .execute(params![queue, last, sql_limit(limit)])
}
