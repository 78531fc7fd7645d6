//! What a session has said: its prepared statements, and its transaction so far.

use std::collections::HashMap;
use std::sync::Arc;

const COM_QUERY: u8 = 0x03;
const COM_STMT_PREPARE: u8 = 0x16;
const COM_STMT_EXECUTE: u8 = 0x17;
const COM_STMT_CLOSE: u8 = 0x19;
const PREPARE_OK: u8 = 0x00;

/// The greeting's version of the protocol; an error in its place has another first byte.
const GREETING: u8 = 0x0a;
/// The second byte of the flags in a greeting has the one that says TLS is offered.
const OFFERS_TLS: u8 = 0x08;

/// What a client asks of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// How it asks.
    pub kind: Kind,
    /// The text, of a prepared one as well; empty for a connection.
    pub sql: Arc<str>,
    /// What ran before in the same transaction, in its order; empty outside of one.
    pub transaction: Vec<Arc<str>>,
}

/// How a statement comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The client asks for a connection.
    Connect,
    /// A text to be run.
    Query,
    /// A text to be run later.
    Prepare,
    /// A prepared text is run.
    Execute,
}

impl Statement {
    /// Whether it commits a transaction.
    pub fn is_commit(&self) -> bool {
        self.kind == Kind::Query && is_word(&self.sql, &["COMMIT"])
    }

    /// Whether the transaction has run a statement with `part` in its text.
    pub fn has_run(&self, part: &str) -> bool {
        self.transaction.iter().any(|sql| sql.contains(part))
    }
}

/// A session, as far as it has come.
#[derive(Debug)]
pub(super) struct Session {
    statement: Statement,
    in_transaction: bool,
    prepared: HashMap<u32, Arc<str>>,
    /// The server's number for it is in its next answer.
    preparing: Option<Arc<str>>,
}

impl Session {
    /// A session that is asked for.
    pub(super) fn new() -> Self {
        Self {
            statement: Statement {
                kind: Kind::Connect,
                sql: "".into(),
                transaction: Vec::new(),
            },
            in_transaction: false,
            prepared: HashMap::new(),
            preparing: None,
        }
    }

    /// What was asked last.
    pub(super) fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The statement that a command is, if it is one.
    pub(super) fn read(&mut self, command: &[u8]) -> Option<&Statement> {
        let (code, rest) = command.split_first()?;
        let (kind, sql) = match *code {
            COM_QUERY => (Kind::Query, text(rest)),
            COM_STMT_PREPARE => (Kind::Prepare, text(rest)),
            COM_STMT_EXECUTE => (Kind::Execute, self.prepared.get(&number(rest)?)?.clone()),
            COM_STMT_CLOSE => {
                self.prepared.remove(&number(rest)?);
                return None;
            }
            _ => return None,
        };
        self.statement.kind = kind;
        self.statement.sql = sql;
        Some(&self.statement)
    }

    /// Notes that the statement read last goes on to the server.
    pub(super) fn pass(&mut self) {
        let Statement {
            kind,
            sql,
            transaction,
        } = &mut self.statement;
        match kind {
            Kind::Connect => {}
            Kind::Prepare => self.preparing = Some(sql.clone()),
            Kind::Query | Kind::Execute if is_word(sql, &["BEGIN", "START TRANSACTION"]) => {
                self.in_transaction = true;
                transaction.clear();
            }
            Kind::Query | Kind::Execute if is_word(sql, &["COMMIT", "ROLLBACK"]) => {
                self.in_transaction = false;
                transaction.clear();
            }
            Kind::Query | Kind::Execute if self.in_transaction => transaction.push(sql.clone()),
            Kind::Query | Kind::Execute => {}
        }
    }

    /// Learns from the first frame of an answer what the server calls a prepared statement.
    pub(super) fn answer(&mut self, sequence: u8, payload: &[u8]) {
        if sequence != 1 {
            return;
        }
        let (Some(sql), Some((&PREPARE_OK, rest))) = (self.preparing.take(), payload.split_first()) else {
            return;
        };
        if let Some(id) = number(rest) {
            self.prepared.insert(id, sql);
        }
    }
}

/// Takes the offer of TLS out of a server's greeting.
pub(super) fn offer_no_tls(greeting: &mut [u8]) {
    if greeting.first() != Some(&GREETING) {
        return;
    }
    // After the server's version, which ends with a zero: the connection's number (4 bytes), half
    // of the salt (8) and a filler (1).
    let Some(version) = greeting.iter().position(|byte| *byte == 0) else {
        return;
    };
    if let Some(flags) = greeting.get_mut(version + 15) {
        *flags &= !OFFERS_TLS;
    }
}

fn text(bytes: &[u8]) -> Arc<str> {
    String::from_utf8_lossy(bytes).into()
}

fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().copied().map(u32::from_le_bytes)
}

fn is_word(sql: &str, words: &[&str]) -> bool {
    let sql = sql.trim().trim_end_matches(';');
    words.iter().any(|word| sql.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says it all, and returns the last statement as rules see it.
    fn say(session: &mut Session, commands: &[&[u8]]) -> Option<Statement> {
        let mut last = None;
        for command in commands {
            last = session.read(command).cloned();
            if last.is_some() {
                session.pass();
            }
        }
        last
    }

    #[test]
    fn a_commit_knows_what_its_transaction_has_run() {
        let mut session = Session::new();
        say(&mut session, &[b"\x16INSERT INTO intent VALUES (?)"]);
        session.answer(1, &[0, 5, 0, 0, 0, 0, 0]);

        let commit = say(
            &mut session,
            &[b"\x03SELECT 1", b"\x03BEGIN", b"\x17\x05\0\0\0\0", b"\x03commit;"],
        );

        let commit = commit.unwrap();
        assert!(commit.is_commit());
        assert!(commit.has_run("INSERT INTO intent"));
        assert!(!commit.has_run("SELECT 1"));
    }

    #[test]
    fn the_next_transaction_knows_nothing_of_the_last() {
        let mut session = Session::new();

        let commit = say(
            &mut session,
            &[
                b"\x03BEGIN",
                b"\x03DELETE FROM intent",
                b"\x03ROLLBACK",
                b"\x03BEGIN",
                b"\x03COMMIT",
            ],
        );

        assert_eq!(commit.unwrap().transaction, []);
    }

    #[test]
    fn a_statement_that_was_refused_or_closed_is_not_known() {
        let mut session = Session::new();
        say(&mut session, &[b"\x16SELECT nothing"]);
        session.answer(1, b"\xff\x1e\x04");
        say(&mut session, &[b"\x16SELECT 1"]);
        session.answer(1, &[0, 6, 0, 0, 0]);

        let closed = say(&mut session, &[b"\x19\x06\0\0\0", b"\x17\x06\0\0\0"]);

        assert_eq!(closed, None);
        assert_eq!(session.prepared.len(), 0);
    }

    #[test]
    fn the_offer_of_tls_is_taken_out_of_a_greeting_and_nothing_else() {
        let greeting = |flags: u8| [b"\x0a11.8\0NUMBsalt8byt\0\xff".as_slice(), &[flags, 0x2d]].concat();
        let mut greeted = greeting(0xff);

        offer_no_tls(&mut greeted);

        assert_eq!(greeted, greeting(0xf7));
    }
}
