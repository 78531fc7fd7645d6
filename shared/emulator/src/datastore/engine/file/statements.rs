//! The statements on entities and index entries, each prepared once a connection.

use std::ops::Bound;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::datastore::engine::{Change, Record, Sense, Source, Span};
use crate::datastore::key::Key;

/// Greater than every path and every entry: they begin with UTF-8, a type's tag, or a tag
/// turned round.
const BEHIND_ALL: [u8; 1] = [0xFF];

/// The entity at a key.
pub(super) fn find(connection: &Connection, key: &Key) -> rusqlite::Result<Option<Record>> {
    // By the unique index over (table_id, path).
    let mut statement = connection.prepare_cached(
        "SELECT created, version, properties FROM entity WHERE table_id = ?1 AND path = ?2",
    )?;
    statement
        .query_row(params![key.table.0, key.path], record)
        .optional()
}

/// At most `limit` byte strings of a span, in that sense.
pub(super) fn scan(
    connection: &Connection,
    source: Source,
    span: &Span,
    sense: Sense,
    limit: usize,
) -> rusqlite::Result<Vec<Arc<[u8]>>> {
    // Answered from the unique index over (table_id, path), or the primary key of entry.
    let (sql, number) = match (source, sense) {
        (Source::Table(id), Sense::Forward) => (
            "SELECT path FROM entity WHERE table_id = ?1 AND path >= ?2 AND path < ?3 ORDER BY path LIMIT ?4",
            id.0,
        ),
        (Source::Table(id), Sense::Backward) => (
            "SELECT path FROM entity WHERE table_id = ?1 AND path >= ?2 AND path < ?3 ORDER BY path DESC LIMIT ?4",
            id.0,
        ),
        (Source::Index(id), Sense::Forward) => (
            "SELECT bytes FROM entry WHERE index_id = ?1 AND bytes >= ?2 AND bytes < ?3 ORDER BY bytes LIMIT ?4",
            id.0,
        ),
        (Source::Index(id), Sense::Backward) => (
            "SELECT bytes FROM entry WHERE index_id = ?1 AND bytes >= ?2 AND bytes < ?3 ORDER BY bytes DESC LIMIT ?4",
            id.0,
        ),
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map(params![number, low(&span.low), high(&span.high), limit], |row| {
        Ok(Arc::from(row.get_ref(0)?.as_blob()?))
    })?;
    found.collect()
}

/// Makes a change to an entity and its entries.
pub(super) fn apply(connection: &Connection, change: &Change) -> rusqlite::Result<()> {
    let (table, path) = (change.key.table.0, &change.key.path);
    match &change.after {
        Some(record) if change.replaces => {
            connection
                .prepare_cached(
                    "UPDATE entity SET created = ?3, version = ?4, properties = ?5 WHERE table_id = ?1 AND path = ?2",
                )?
                .execute(params![table, path, record.created, record.version, record.properties])?;
        }
        Some(record) => {
            connection
                .prepare_cached(
                    "INSERT INTO entity (table_id, path, created, version, properties) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![table, path, record.created, record.version, record.properties])?;
        }
        None => {
            connection
                .prepare_cached("DELETE FROM entity WHERE table_id = ?1 AND path = ?2")?
                .execute(params![table, path])?;
        }
    }
    for entry in &change.entries_removed {
        connection
            .prepare_cached("DELETE FROM entry WHERE index_id = ?1 AND bytes = ?2")?
            .execute(params![entry.index.0, entry.bytes])?;
    }
    let mut insert = connection.prepare_cached("INSERT INTO entry (index_id, bytes) VALUES (?1, ?2)")?;
    for entry in &change.entries_added {
        insert.execute(params![entry.index.0, entry.bytes])?;
    }
    Ok(())
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        created: row.get(0)?,
        version: row.get(1)?,
        properties: row.get_ref(2)?.as_blob()?.into(),
    })
}

/// The least byte string in a span.
fn low(bound: &Bound<Vec<u8>>) -> Vec<u8> {
    match bound {
        Bound::Included(low) => low.clone(),
        Bound::Excluded(low) => next(low),
        Bound::Unbounded => Vec::new(),
    }
}

/// The least byte string behind a span.
fn high(bound: &Bound<Vec<u8>>) -> Vec<u8> {
    match bound {
        Bound::Included(high) => next(high),
        Bound::Excluded(high) => high.clone(),
        Bound::Unbounded => BEHIND_ALL.to_vec(),
    }
}

/// The least byte string that is greater.
fn next(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[0]].concat()
}
