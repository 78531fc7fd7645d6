//! The transactions that are open.
//!
//! A transaction takes its snapshot at its first read, so one that only writes holds none. It
//! ends with its commit (whatever comes of that), its rollback, or a deadline; after that its
//! id is refused for ever. Under pessimistic concurrency its reads are shared locks until then.

pub(crate) mod reads;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;

use super::error::Error;
use super::key::Scope;
use super::mutation::Write;
use super::versions::{Snapshot, Versions};
use reads::Reads;

/// Longest life of a transaction, as in production.
const LIFETIME: TimeDelta = TimeDelta::seconds(270);
/// Longest pause between two requests of a transaction, as in production.
const IDLE: TimeDelta = TimeDelta::seconds(60);
/// How often abandoned transactions are looked for.
const SWEEP: TimeDelta = TimeDelta::seconds(1);
/// Marks the bytes of a transaction id as ours.
const TAG: u8 = 0x4E;

/// The number of a transaction, never given twice by a store.
pub(crate) type TransactionId = u64;

/// What a transaction may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    ReadWrite,
    ReadOnly,
}

/// The open transactions of a server.
#[derive(Debug)]
pub(crate) struct Transactions {
    open: Mutex<Registry>,
    ended: Notify,
}

#[derive(Debug)]
struct Registry {
    next: TransactionId,
    swept: DateTime<Utc>,
    transactions: HashMap<TransactionId, Transaction>,
}

#[derive(Debug)]
struct Transaction {
    access: Access,
    scope: Scope,
    begun: DateTime<Utc>,
    used: DateTime<Utc>,
    snapshot: Option<Arc<Snapshot>>,
    reads: Reads,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Active,
    Committing,
}

impl Transactions {
    /// No transactions; ids continue from the instant, so that those of a former process are
    /// not taken for ours.
    pub(crate) fn new(now: DateTime<Utc>) -> Self {
        let registry = Registry {
            next: now.timestamp_micros().unsigned_abs(),
            swept: now,
            transactions: HashMap::new(),
        };
        Self {
            open: Mutex::new(registry),
            ended: Notify::new(),
        }
    }

    /// Begins a transaction on a database.
    pub(crate) fn begin(&self, scope: Scope, access: Access, now: DateTime<Utc>) -> TransactionId {
        let mut registry = self.lock();
        let id = registry.next;
        registry.next += 1;
        let transaction = Transaction {
            access,
            scope,
            begun: now,
            used: now,
            snapshot: None,
            reads: Reads::default(),
            phase: Phase::Active,
        };
        registry.transactions.insert(id, transaction);
        id
    }

    /// Ends what was abandoned, so that its snapshots hold no history any longer. Cheap to call
    /// often: it looks once a second.
    pub(crate) fn sweep(&self, now: DateTime<Utc>) {
        let mut registry = self.lock();
        if now - registry.swept < SWEEP {
            return;
        }
        registry.swept = now;
        let expired = registry
            .transactions
            .extract_if(|_, transaction| transaction.is_expired(now));
        let ended: Vec<_> = expired.collect();
        drop(registry);
        drop(ended);
    }

    /// The snapshot at which the transaction reads next. Every later one is the same, or under
    /// `Newest` the latest, kept as long as the first.
    pub(crate) fn snapshot(
        &self,
        id: TransactionId,
        scope: &Scope,
        reading: Reading,
        versions: &Versions,
        now: DateTime<Utc>,
    ) -> Result<Arc<Snapshot>, Error> {
        self.with_active(id, scope, now, |transaction| {
            let first = transaction
                .snapshot
                .get_or_insert_with(|| Arc::new(versions.snapshot()));
            match (reading, transaction.access) {
                (Reading::Newest, Access::ReadWrite) => Arc::new(versions.snapshot()),
                (Reading::First, _) | (Reading::Newest, Access::ReadOnly) => first.clone(),
            }
        })
    }

    /// Adds to what a transaction has read. One that has ended meanwhile forgets it.
    pub(crate) fn record(&self, id: TransactionId, add: impl FnOnce(&mut Reads)) {
        if let Some(transaction) = self.lock().transactions.get_mut(&id)
            && transaction.access == Access::ReadWrite
        {
            add(&mut transaction.reads);
        }
    }

    /// Marks a transaction as committing and says what it may do. Nobody else can use it now.
    pub(crate) fn start_commit(
        &self,
        id: TransactionId,
        scope: &Scope,
        now: DateTime<Utc>,
    ) -> Result<Access, Error> {
        self.with_active(id, scope, now, |transaction| {
            transaction.phase = Phase::Committing;
            transaction.access
        })
    }

    /// Whether another transaction has read what one of the writes changes.
    pub(crate) fn is_blocked(
        &self,
        own: Option<TransactionId>,
        writes: &[Write],
        now: DateTime<Utc>,
    ) -> bool {
        let registry = self.lock();
        let mut others = registry.transactions.iter().filter(|(id, other)| {
            Some(**id) != own && other.access == Access::ReadWrite && !other.is_expired(now)
        });
        others.any(|(_, other)| writes.iter().any(|write| other.reads.meets(write)))
    }

    /// Completes at the next end of a transaction after this call.
    pub(crate) fn next_end(&self) -> tokio::sync::futures::Notified<'_> {
        self.ended.notified()
    }

    /// Takes what a committing transaction has read, and the snapshot that keeps it checkable.
    /// One that was rolled back while its commit waited for locks is closed.
    pub(crate) fn take_reads(&self, id: TransactionId) -> Result<(Reads, Option<Arc<Snapshot>>), Error> {
        let mut registry = self.lock();
        let transaction = registry.transactions.get_mut(&id).ok_or_else(closed)?;
        Ok((
            std::mem::take(&mut transaction.reads),
            transaction.snapshot.clone(),
        ))
    }

    /// Ends a transaction, if it is open.
    pub(crate) fn end(&self, id: TransactionId) {
        // What it held is dropped after the lock: a snapshot's end takes another one.
        let ended = self.lock().transactions.remove(&id);
        self.ended.notify_waiters();
        drop(ended);
    }

    /// Ends every transaction.
    pub(crate) fn clear(&self) {
        let ended = std::mem::take(&mut self.lock().transactions);
        self.ended.notify_waiters();
        drop(ended);
    }

    fn with_active<T>(
        &self,
        id: TransactionId,
        scope: &Scope,
        now: DateTime<Utc>,
        act: impl FnOnce(&mut Transaction) -> T,
    ) -> Result<T, Error> {
        let mut registry = self.lock();
        let found = registry.transactions.get_mut(&id);
        let usable = found.filter(|transaction| {
            transaction.phase == Phase::Active && transaction.scope == *scope && !transaction.is_expired(now)
        });
        let transaction = usable.ok_or_else(closed)?;
        transaction.used = now;
        Ok(act(transaction))
    }

    fn lock(&self) -> MutexGuard<'_, Registry> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transaction {
    fn is_expired(&self, now: DateTime<Utc>) -> bool {
        self.phase == Phase::Active && (now - self.begun > LIFETIME || now - self.used > IDLE)
    }
}

fn closed() -> Error {
    Error::invalid("Transaction is invalid or closed.")
}

/// Which version a read of a transaction sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// That of its first read: optimistic.
    First,
    /// The latest, since locks keep what was read before as it was: pessimistic.
    Newest,
}

/// The bytes by which a client names a transaction.
pub(crate) fn to_bytes(id: TransactionId) -> Vec<u8> {
    let mut bytes = vec![TAG];
    bytes.extend(id.to_be_bytes());
    bytes
}

/// The transaction that a client names.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<TransactionId, Error> {
    match bytes {
        [TAG, id @ ..] => id.try_into().map(u64::from_be_bytes).ok(),
        _ => None,
    }
    .ok_or_else(|| Error::invalid("Invalid transaction."))
}
