//! Tasks as rows, and the names that may not be used again yet.

use std::sync::Arc;

use gcloud_sdk::google::cloud::tasks::v2::Task;
use prost::Message;
use rusqlite::types::Type;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Row, params};

/// A task's place in its queue: due instant (microseconds since the epoch), then id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::tasks) struct Key {
    pub(in crate::tasks) due_at: i64,
    pub(in crate::tasks) id: i64,
}

/// A stored task, with what its next attempt must tell the handler.
#[derive(Clone, Debug)]
pub(in crate::tasks) struct Entry {
    pub(in crate::tasks) key: Key,
    pub(in crate::tasks) task: Arc<Task>,
    /// Answers that the handler itself gave, that is without those of 5xx.
    pub(in crate::tasks) executions: i32,
    /// The status of the last answer, if there was one.
    pub(in crate::tasks) last_response: Option<u16>,
    /// Why the last attempt failed, if there was one.
    pub(in crate::tasks) retry_reason: Option<String>,
}

impl Entry {
    /// A task that was never attempted.
    pub(in crate::tasks) fn fresh(key: Key, task: Arc<Task>) -> Self {
        Self {
            key,
            task,
            executions: 0,
            last_response: None,
            retry_reason: None,
        }
    }
}

/// What became of an insert.
pub(in crate::tasks) enum Inserted {
    /// It is stored under this id.
    New(i64),
    /// A task of that name waits or runs.
    Exists,
    /// A task of that name ran or was deleted a short while ago.
    UsedRecently,
}

/// Some tasks in order of their due time, and whether there are more behind them.
#[derive(Debug)]
pub(in crate::tasks) struct Page {
    pub(in crate::tasks) entries: Vec<Entry>,
    pub(in crate::tasks) more: bool,
}

/// How long the name of a task that ran or was deleted cannot be used again, in microseconds:
/// about an hour, by Cloud Tasks' reference.
pub(super) const NAME_MEMORY: i64 = 3_600_000_000;

const COLUMNS: &str = "id, due_at, definition, executions, last_response, retry_reason";

/// Stores a task under `name` unless the name is taken.
pub(in crate::tasks) fn insert_task(
    connection: &Connection,
    queue: i64,
    name: &str,
    task: &Task,
    due_at: i64,
    now: i64,
) -> rusqlite::Result<Inserted> {
    let used = connection
        .prepare_cached("SELECT 1 FROM used_name WHERE queue = ? AND name = ? AND free_at > ?")?
        .exists(params![queue, name, now])?;
    if used {
        return Ok(Inserted::UsedRecently);
    }
    let id = connection
        .prepare_cached(
            "INSERT INTO task (queue, name, due_at, definition) VALUES (?, ?, ?, ?)
             ON CONFLICT DO NOTHING RETURNING id",
        )?
        .query_row(params![queue, name, due_at, task.encode_to_vec()], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(id.map_or(Inserted::Exists, Inserted::New))
}

/// The task of that name, if it is stored.
pub(in crate::tasks) fn find_task(
    connection: &Connection,
    queue: i64,
    name: &str,
) -> rusqlite::Result<Option<Entry>> {
    select(connection, "queue = ? AND name = ?")?
        .query_row(params![queue, name], entry)
        .optional()
}

/// The highest id of all stored tasks, 0 where there is none: whatever comes later is above it.
pub(in crate::tasks) fn last_task(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT COALESCE(MAX(id), 0) FROM task")?
        .query_row([], |row| row.get(0))
}

/// Up to `limit` tasks of a queue that follow the name `after`, in order of their names.
pub(in crate::tasks) fn list_tasks(
    connection: &Connection,
    queue: i64,
    after: &str,
    limit: usize,
) -> rusqlite::Result<Vec<Entry>> {
    select(connection, "queue = ? AND name > ? ORDER BY name LIMIT ?")?
        .query_map(params![queue, after, sql_limit(limit)], entry)?
        .collect()
}

/// The tasks that follow `after` in order of their due time, up to `limit` tasks and about
/// `bytes` bytes; at least one if there is one. Uses the index `task_due`.
pub(in crate::tasks) fn list_due(
    connection: &Connection,
    queue: i64,
    after: Key,
    limit: usize,
    bytes: usize,
) -> rusqlite::Result<Page> {
    let mut statement = select(
        connection,
        "queue = ? AND (due_at, id) > (?, ?) ORDER BY due_at, id LIMIT ?",
    )?;
    let mut rows = statement.query(params![queue, after.due_at, after.id, sql_limit(limit + 1)])?;
    let mut page = Page {
        entries: Vec::new(),
        more: false,
    };
    let mut size = 0;
    while let Some(row) = rows.next()? {
        if page.entries.len() == limit || size >= bytes {
            page.more = true;
            break;
        }
        let entry = entry(row)?;
        size += entry.task.encoded_len();
        page.entries.push(entry);
    }
    Ok(page)
}

/// Deletes the task of that name. Returns the key that it had, if it was there.
pub(in crate::tasks) fn delete_task(
    connection: &Connection,
    queue: i64,
    name: &str,
    now: i64,
) -> rusqlite::Result<Option<Key>> {
    let deleted = connection
        .prepare_cached("DELETE FROM task WHERE queue = ? AND name = ? RETURNING due_at, id")?
        .query_row(params![queue, name], |row| {
            Ok(Key {
                due_at: row.get(0)?,
                id: row.get(1)?,
            })
        })
        .optional()?;
    if deleted.is_some() {
        retire_name(connection, queue, name, now)?;
    }
    Ok(deleted)
}

/// Ends a task that ran or was given up. Stale (deleted or purged meanwhile) does nothing.
pub(in crate::tasks) fn settle(
    connection: &Connection,
    queue: i64,
    id: i64,
    now: i64,
) -> rusqlite::Result<()> {
    let name: Option<String> = connection
        .prepare_cached("DELETE FROM task WHERE id = ? RETURNING name")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    match name {
        Some(name) => retire_name(connection, queue, &name, now),
        None => Ok(()),
    }
}

/// Stores the entry as it is after a failed attempt; false where the task is gone meanwhile.
pub(in crate::tasks) fn reschedule(connection: &Connection, entry: &Entry) -> rusqlite::Result<bool> {
    let changed = connection
        .prepare_cached(
            "UPDATE task SET due_at = ?, definition = ?, executions = ?, last_response = ?, retry_reason = ?
             WHERE id = ?",
        )?
        .execute(params![
            entry.key.due_at,
            entry.task.encode_to_vec(),
            entry.executions,
            entry.last_response,
            entry.retry_reason,
            entry.key.id,
        ])?;
    Ok(changed > 0)
}

/// Keeps a name in use for [`NAME_MEMORY`]. Each retired name clears away two that are free again, so that they never pile up and no
/// single call pays for all.
fn retire_name(connection: &Connection, queue: i64, name: &str, now: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO used_name (queue, name, free_at) VALUES (?, ?, ?)")?
        .execute(params![queue, name, now.saturating_add(NAME_MEMORY)])?;
    connection
        .prepare_cached(
            "DELETE FROM used_name WHERE rowid IN
             (SELECT rowid FROM used_name WHERE free_at <= ? ORDER BY free_at LIMIT 2)",
        )?
        .execute([now])?;
    Ok(())
}

fn select<'a>(connection: &'a Connection, condition: &str) -> rusqlite::Result<CachedStatement<'a>> {
    connection.prepare_cached(&format!("SELECT {COLUMNS} FROM task WHERE {condition}"))
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        key: Key {
            id: row.get(0)?,
            due_at: row.get(1)?,
        },
        task: Arc::new(decoded(row, 2)?),
        executions: row.get(3)?,
        last_response: row.get(4)?,
        retry_reason: row.get(5)?,
    })
}

/// Decodes a column that holds a message.
pub(super) fn decoded<M: Message + Default>(row: &Row<'_>, column: usize) -> rusqlite::Result<M> {
    M::decode(row.get_ref(column)?.as_blob()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, error.into()))
}

/// A limit as SQLite takes it.
pub(super) fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
