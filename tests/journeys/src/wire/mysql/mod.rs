//! A wire to MySQL or MariaDB that follows what each session says.
//!
//! It reads frames, so it offers the server's sessions without TLS, and knows of each statement
//! what its transaction has run before: a rule can choose the COMMIT of one kind of transaction.
//! Statements are what a rule is about: COM_QUERY, COM_STMT_PREPARE and COM_STMT_EXECUTE with
//! its text, and the connection itself. Everything else passes.

mod connection;
mod frame;
mod session;

use std::fmt::Display;

pub use session::{Kind, Statement};

use super::fault::Fault;

/// A proxy in front of one server.
pub type Proxy = super::Proxy<Statement>;

impl Proxy {
    /// A transparent wire to `upstream`, a `host:port`. The shares of rules are drawn from `seed`.
    pub async fn start(upstream: impl Display, seed: u64) -> Self {
        Self::listen(upstream, seed, |fault| fault != Fault::Twice, connection::serve).await
    }
}

/// For a rule about the COMMIT of a transaction that has run a statement with `part` in its text.
/// [`Statement::is_commit`] is for any.
pub fn commits(part: &str) -> impl Fn(&Statement) -> bool + use<> {
    let part = part.to_owned();
    move |statement| statement.is_commit() && statement.has_run(&part)
}

/// For a rule about a statement with `part` in its text, when it is run.
pub fn runs(part: &str) -> impl Fn(&Statement) -> bool + use<> {
    let part = part.to_owned();
    move |statement| match statement.kind {
        Kind::Query | Kind::Execute => statement.sql.contains(&part),
        Kind::Connect | Kind::Prepare => false,
    }
}

/// For a rule about new connections. They can be held up, hung, reset and refused; anything else
/// closes them.
pub fn connects(statement: &Statement) -> bool {
    statement.kind == Kind::Connect
}
