//! The tables of a file, and what is read from them at the start.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, params};

use super::statements;
use crate::datastore::catalog::{Catalog, IndexId, Name, Partition, Saved, Table};
use crate::datastore::config::CompositeIndex;
use crate::datastore::engine::{Sense, Source, Span};
use crate::datastore::error::Error;
use crate::datastore::indexing;
use crate::datastore::key::Key;

/// The format of the tables below.
pub(super) const FORMAT: i64 = 1;
/// What SQLite may keep of the file in memory, for the writer and for each reader. There are as
/// many readers as there were ever reads at once, and each forgets all it keeps when the next
/// commit comes: the system's own cache serves them as well, and serves them all.
pub(super) const WRITER_CACHE_KIB: i64 = 16 << 10;
pub(super) const READER_CACHE_KIB: i64 = 2 << 10;

/// Entities have a row number of their own, so that their wide rows stay in a table that only
/// grows at its end; only the narrow unique index is written in scattered places.
const TABLES: &str = "
    CREATE TABLE kind_table (
        id INTEGER PRIMARY KEY, project TEXT NOT NULL, database TEXT NOT NULL, namespace TEXT NOT NULL,
        kind TEXT NOT NULL
    );
    CREATE TABLE property_index (id INTEGER PRIMARY KEY, table_id INTEGER NOT NULL, property TEXT NOT NULL);
    CREATE TABLE composite_index (id INTEGER PRIMARY KEY, table_id INTEGER NOT NULL, definition TEXT NOT NULL);
    CREATE TABLE entity (
        row INTEGER PRIMARY KEY, table_id INTEGER NOT NULL, path BLOB NOT NULL, created INTEGER NOT NULL,
        version INTEGER NOT NULL, properties BLOB NOT NULL, UNIQUE (table_id, path)
    );
    CREATE TABLE entry (
        index_id INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (index_id, bytes)
    ) WITHOUT ROWID;
    CREATE TABLE last_commit (only INTEGER PRIMARY KEY CHECK (only = 0), version INTEGER NOT NULL);
    INSERT INTO last_commit (only, version) VALUES (0, 0);
";

/// A connection with our settings. What is committed through it is on the disk.
pub(super) fn connect(path: &Path, cache_kib: i64) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.set_prepared_statement_cache_capacity(32);
    Ok(connection)
}

/// Makes the tables of a new file; the format of the file. One that has other tables gets
/// none of ours, and is of the format that it claims.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<i64> {
    let format = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let has_tables = connection.prepare("SELECT 1 FROM sqlite_schema")?.exists([])?;
    if has_tables {
        return Ok(format);
    }
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()?;
    Ok(FORMAT)
}

/// Reads the names, builds declared indexes that are new and drops those that are not declared
/// any more; the catalog, and the last version that was committed.
pub(super) fn load(
    connection: &mut Connection,
    declared: Vec<CompositeIndex>,
) -> Result<(Catalog, i64), Error> {
    let transaction = connection.transaction()?;
    let (catalog, differences) = Catalog::restore(declared, saved(&transaction)?);
    for id in differences.dropped {
        transaction.execute("DELETE FROM entry WHERE index_id = ?1", [id.0])?;
        transaction.execute("DELETE FROM composite_index WHERE id = ?1", [id.0])?;
    }
    for (table, index) in differences.new {
        build(&transaction, &catalog, &table, index)?;
    }
    save_names(&transaction, &catalog.take_unsaved())?;
    let last = transaction.query_row("SELECT version FROM last_commit", [], |row| row.get(0))?;
    transaction.commit()?;
    Ok((catalog, last))
}

/// Stores new names.
pub(super) fn save_names(connection: &Connection, names: &[Name]) -> rusqlite::Result<()> {
    for name in names {
        match name {
            Name::Table { id, partition, kind } => connection.execute(
                "INSERT INTO kind_table (id, project, database, namespace, kind) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    id.0,
                    partition.project,
                    partition.database,
                    partition.namespace,
                    kind
                ],
            )?,
            Name::Property { id, table, property } => connection.execute(
                "INSERT INTO property_index (id, table_id, property) VALUES (?1, ?2, ?3)",
                params![id.0, table.0, property],
            )?,
            Name::Composite {
                id,
                table,
                definition,
            } => connection.execute(
                "INSERT INTO composite_index (id, table_id, definition) VALUES (?1, ?2, ?3)",
                params![id.0, table.0, definition],
            )?,
        };
    }
    Ok(())
}

fn saved(connection: &Connection) -> rusqlite::Result<Vec<Saved>> {
    let mut statement =
        connection.prepare("SELECT id, project, database, namespace, kind FROM kind_table ORDER BY id")?;
    let rows = statement.query_map([], |row| {
        let partition = Partition {
            project: row.get(1)?,
            database: row.get(2)?,
            namespace: row.get(3)?,
        };
        let table: u32 = row.get(0)?;
        Ok(Saved {
            partition,
            kind: row.get(4)?,
            properties: indexes(
                connection,
                "SELECT property, id FROM property_index WHERE table_id = ?1",
                table,
            )?,
            composites: indexes(
                connection,
                "SELECT definition, id FROM composite_index WHERE table_id = ?1",
                table,
            )?,
        })
    })?;
    rows.collect()
}

fn indexes(connection: &Connection, sql: &str, table: u32) -> rusqlite::Result<HashMap<String, IndexId>> {
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([table], |row| Ok((row.get(0)?, IndexId(row.get(1)?))))?;
    rows.collect()
}

/// Gives every entity of a table its entries in one declared index.
fn build(connection: &Connection, catalog: &Catalog, table: &Table, index: IndexId) -> Result<(), Error> {
    const PAGE: usize = 1_000;
    let mut rest = Span::EVERYTHING;
    loop {
        let paths = statements::scan(connection, Source::Table(table.id), &rest, Sense::Forward, PAGE)?;
        let Some(last) = paths.last().cloned() else {
            return Ok(());
        };
        for path in paths {
            let key = Key {
                table: table.id,
                path,
            };
            let Some(record) = statements::find(connection, &key)? else {
                continue;
            };
            let entries = indexing::entries(catalog, table, &record.indexable_properties(), &key.path)?;
            for entry in entries.iter().filter(|entry| entry.index == index) {
                connection
                    .prepare_cached("INSERT INTO entry (index_id, bytes) VALUES (?1, ?2)")?
                    .execute(params![entry.index.0, entry.bytes])?;
            }
        }
        rest.raise(std::ops::Bound::Excluded(last.to_vec()));
    }
}
