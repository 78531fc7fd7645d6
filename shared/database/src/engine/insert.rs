//! Many rows in one INSERT.
//!
//! An INSERT is split by rows, by placeholders and by bytes, so that no call comes near
//! SQLite's 32,766 placeholders or MariaDB's packet of 16 MiB, over which the connection breaks
//! and a plain retry would loop. Only two row counts are kept prepared: one row, and a full
//! statement.

use std::borrow::Cow;

use super::error::Error;
use super::statement::Statement;
use super::tx::Tx;
use super::value::Value;

/// Rows of a full statement: as many as a full chunk has recipients, since inserting for a chunk
/// is what happens most.
const MAX_ROWS: usize = 499;
/// A quarter of MariaDB's default packet.
const MAX_BYTES: usize = 4 << 20;

/// Runs `head VALUES (?, …), … tail` for `rows`, in as few statements as the limits allow, and
/// answers the number of rows inserted. `tail` is empty or an upsert clause.
///
/// After [`Error::UniqueViolation`] the rows of earlier statements of the same call are in the
/// transaction: roll it back, unless there were at most 499 rows of at most 4 MiB.
pub async fn insert_rows<const N: usize>(
    tx: &mut Tx,
    head: &'static str,
    rows: Vec<[Value<'_>; N]>,
    tail: &'static str,
) -> Result<u64, Error> {
    let mut inserted = 0;
    let mut batch = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let size: usize = row.iter().map(Value::size).sum();
        if !batch.is_empty() && (batch.len() / N == MAX_ROWS || bytes + size > MAX_BYTES) {
            inserted += insert::<N>(tx, head, std::mem::take(&mut batch), tail).await?;
            bytes = 0;
        }
        bytes += size;
        batch.extend(row);
    }
    if !batch.is_empty() {
        inserted += insert::<N>(tx, head, batch, tail).await?;
    }
    Ok(inserted)
}

async fn insert<const N: usize>(
    tx: &mut Tx,
    head: &'static str,
    values: Vec<Value<'_>>,
    tail: &'static str,
) -> Result<u64, Error> {
    let rows = values.len() / N;
    let statement = Statement {
        text: Cow::Owned(text::<N>(head, rows, tail)),
        values,
        kept: rows == 1 || rows == MAX_ROWS,
    };
    tx.execute(statement).await
}

fn text<const N: usize>(head: &str, rows: usize, tail: &str) -> String {
    let row = format!("({}?)", "?, ".repeat(N - 1));
    let mut text = format!("{head} VALUES {row}");
    for _ in 1..rows {
        text.push_str(", ");
        text.push_str(&row);
    }
    if !tail.is_empty() {
        text.push(' ');
        text.push_str(tail);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_a_group_of_placeholders_for_each_row() {
        assert_eq!(
            text::<2>("INSERT INTO t (a, b)", 3, "ON DUPLICATE KEY UPDATE b = VALUES(b)"),
            "INSERT INTO t (a, b) VALUES (?, ?), (?, ?), (?, ?) ON DUPLICATE KEY UPDATE b = VALUES(b)"
        );
    }
}
