//! The tables, and how the database is opened.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension};

/// `task.id` rises and is never used again: a purge is "all up to this id", and a result that
/// comes late finds no stranger under its id.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS queue (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL UNIQUE,
    definition  BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS task (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    queue           INTEGER NOT NULL REFERENCES queue (id) ON DELETE CASCADE,
    name            TEXT NOT NULL,
    due_at          INTEGER NOT NULL,
    definition      BLOB NOT NULL,
    executions      INTEGER NOT NULL DEFAULT 0,
    last_response   INTEGER,
    retry_reason    TEXT,
    UNIQUE (queue, name)
);
CREATE INDEX IF NOT EXISTS task_due ON task (queue, due_at, id);
CREATE TABLE IF NOT EXISTS used_name (
    queue       INTEGER NOT NULL REFERENCES queue (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    free_at     INTEGER NOT NULL,
    PRIMARY KEY (queue, name)
);
CREATE INDEX IF NOT EXISTS used_name_free ON used_name (free_at);
CREATE TABLE IF NOT EXISTS signing_key (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    pkcs8   BLOB NOT NULL
);
";

/// Opens for one writer that survives a loss of power, and creates what is missing.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    // Another server on the same file is a mistake that waiting does not mend.
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 8_000, |_| Ok(()))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.execute_batch(TABLES)
}

/// The stored signing key (PKCS#8 DER), if there is one.
pub(in crate::tasks) fn find_signing_key(connection: &Connection) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .query_row("SELECT pkcs8 FROM signing_key WHERE id = 1", [], |row| row.get(0))
        .optional()
}

/// Stores the signing key of a store that has none.
pub(in crate::tasks) fn insert_signing_key(connection: &Connection, pkcs8: &[u8]) -> rusqlite::Result<()> {
    connection.execute("INSERT INTO signing_key (id, pkcs8) VALUES (1, ?)", [pkcs8])?;
    Ok(())
}
