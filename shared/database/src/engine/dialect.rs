//! Where the engines' SQL differs: statements are written in MySQL's and turned into SQLite's.
//!
//! Three things only. Lock clauses go, because a writing transaction of SQLite holds the one lock
//! there is since its BEGIN IMMEDIATE. `ON DUPLICATE KEY UPDATE … VALUES(column)` becomes
//! `ON CONFLICT DO UPDATE SET … excluded.column`. And the server's own time, `UTC_TIMESTAMP(6)`, is
//! put together as an instant's text. Whatever else differs is not used at all.

use std::borrow::Cow;

const LOCK_CLAUSES: [&str; 2] = [" FOR UPDATE SKIP LOCKED", " FOR UPDATE"];
const UPSERT: &str = " ON DUPLICATE KEY UPDATE ";
const SERVER_TIME: (&str, &str) = ("UTC_TIMESTAMP(6)", "strftime('%Y-%m-%d %H:%M:%f000', 'now')");

/// The statement as SQLite understands it.
pub(crate) fn for_sqlite(text: Cow<'static, str>) -> Cow<'static, str> {
    let text = with_server_time(without_lock_clause(text));
    match text.split_once(UPSERT) {
        None => text,
        Some((insert, updates)) => Cow::Owned(format!(
            "{insert} ON CONFLICT DO UPDATE SET {}",
            with_excluded(updates)
        )),
    }
}

fn without_lock_clause(text: Cow<'static, str>) -> Cow<'static, str> {
    for clause in LOCK_CLAUSES {
        if text.ends_with(clause) {
            let end = text.len() - clause.len();
            return match text {
                Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
                Cow::Owned(mut text) => {
                    text.truncate(end);
                    Cow::Owned(text)
                }
            };
        }
    }
    text
}

fn with_server_time(text: Cow<'static, str>) -> Cow<'static, str> {
    let (mysqls, sqlites) = SERVER_TIME;
    if text.contains(mysqls) {
        Cow::Owned(text.replace(mysqls, sqlites))
    } else {
        text
    }
}

/// `VALUES(column)`, the row that was to be inserted, is `excluded.column` in SQLite.
fn with_excluded(updates: &str) -> String {
    let mut pieces = updates.split("VALUES(");
    let mut turned = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        turned.push_str("excluded.");
        turned.push_str(&piece.replacen(')', "", 1));
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_clauses_are_stripped() {
        for clause in LOCK_CLAUSES {
            let text = format!("SELECT a FROM t WHERE b = ? LIMIT 1{clause}");

            assert_eq!(for_sqlite(text.into()), "SELECT a FROM t WHERE b = ? LIMIT 1");
        }
    }

    #[test]
    fn an_upsert_is_turned() {
        let text = "INSERT INTO t (a, b) VALUES (?, ?) ON DUPLICATE KEY UPDATE b = VALUES(b), c = VALUES(a)";

        assert_eq!(
            for_sqlite(text.into()),
            "INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT DO UPDATE SET b = excluded.b, c = excluded.a"
        );
    }

    #[test]
    fn the_servers_time_is_an_instants_text() {
        assert_eq!(
            for_sqlite("UPDATE t SET a = UTC_TIMESTAMP(6)".into()),
            "UPDATE t SET a = strftime('%Y-%m-%d %H:%M:%f000', 'now')"
        );
    }

    #[test]
    fn what_both_engines_understand_is_left_alone() {
        let text = "UPDATE t SET a = ? WHERE b = ?";

        assert!(matches!(for_sqlite(text.into()), Cow::Borrowed(same) if same == text));
    }
}
