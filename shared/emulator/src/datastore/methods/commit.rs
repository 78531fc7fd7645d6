//! Commit: mutations, all together or each on its own.
//!
//! A transactional commit is one batch. A non-transactional one is a batch a mutation: it
//! stops at the first that cannot be applied, and those before it stay.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use gcloud_sdk::google::datastore::v1 as wire;
use wire::commit_request::{Mode, TransactionSelector};

use super::prepare::prepare;
use crate::datastore::commit::{Batch, Committed, Outcome};
use crate::datastore::config::Concurrency;
use crate::datastore::database::Database;
use crate::datastore::encoding::value::timestamp;
use crate::datastore::error::Error;
use crate::datastore::key::{Key, Places, Scope};
use crate::datastore::limits;
use crate::datastore::messages::CommitRequest;
use crate::datastore::mutation::{Verb, Write};
use crate::datastore::transactions::{self, Access, TransactionId};

/// Applies the mutations of a request.
pub(crate) async fn commit(
    database: &Arc<Database>,
    request: CommitRequest,
) -> Result<wire::CommitResponse, Error> {
    let scope = Scope::new(request.project_id, request.database_id)?;
    limits::check_mutations(request.mutations.len())?;
    let kind = kind_of(request.mode, request.transaction_selector)?;

    let mut places = Places::new(&scope, &database.store.catalog);
    let mut writes = Vec::with_capacity(request.mutations.len());
    let mut allocated = Vec::with_capacity(request.mutations.len());
    for mutation in request.mutations {
        let (write, key) = prepare(database, &scope, &mut places, mutation)?;
        writes.push(write);
        allocated.push(key);
    }
    match kind {
        Kind::Each => {
            check_different(&writes)?;
            each(database, writes, allocated).await
        }
        Kind::Together(None) => {
            check_sequences(&writes)?;
            together(database, None, writes, allocated).await
        }
        Kind::Together(Some(id)) => {
            let now = database.config.clock.now();
            let access = database.transactions.start_commit(id, &scope, now)?;
            let ending = Ending { database, id };
            if access == Access::ReadOnly && !writes.is_empty() {
                return Err(Error::invalid(
                    "Cannot modify entities in a read-only transaction.",
                ));
            }
            check_sequences(&writes)?;
            let committed = together(database, Some(id), writes, allocated).await;
            drop(ending);
            committed
        }
    }
}

/// Ends a transaction whatever becomes of its commit, also when the client goes away.
struct Ending<'a> {
    database: &'a Database,
    id: TransactionId,
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.database.transactions.end(self.id);
    }
}

/// How the mutations of a commit belong together.
enum Kind {
    Each,
    Together(Option<TransactionId>),
}

fn kind_of(mode: i32, selector: Option<TransactionSelector>) -> Result<Kind, Error> {
    match (Mode::try_from(mode), selector) {
        (Ok(Mode::NonTransactional), None) => Ok(Kind::Each),
        (Ok(Mode::NonTransactional), Some(_)) => Err(Error::invalid(
            "non-transaction commit cannot specify a transaction",
        )),
        (Ok(Mode::Transactional | Mode::Unspecified), Some(TransactionSelector::Transaction(bytes))) => {
            Ok(Kind::Together(Some(transactions::from_bytes(&bytes)?)))
        }
        (Ok(Mode::Transactional | Mode::Unspecified), Some(TransactionSelector::SingleUseTransaction(_))) => {
            Ok(Kind::Together(None))
        }
        (Ok(Mode::Transactional | Mode::Unspecified), None) => {
            Err(Error::invalid("transactional commit requires a transaction"))
        }
        (Err(_), _) => Err(Error::invalid("The commit mode is unknown.")),
    }
}

async fn together(
    database: &Arc<Database>,
    transaction: Option<TransactionId>,
    writes: Vec<Write>,
    allocated: Vec<Option<wire::Key>>,
) -> Result<wire::CommitResponse, Error> {
    limits::check_transaction(writes.iter().map(Write::size).sum())?;
    wait_for_locks(database, transaction, &writes).await?;
    let reads = transaction
        .map(|id| database.transactions.take_reads(id))
        .transpose()?;
    // What was read from one snapshot is consistent by itself: without writes nothing is lost.
    let one_snapshot = database.config.concurrency == Concurrency::Optimistic;
    let reads = reads.filter(|_| !(one_snapshot && writes.is_empty()));
    let batch = Batch {
        writes,
        reads,
        now: database.now(),
    };
    Ok(response(database.commit(vec![batch]).await?, allocated))
}

async fn each(
    database: &Arc<Database>,
    writes: Vec<Write>,
    allocated: Vec<Option<wire::Key>>,
) -> Result<wire::CommitResponse, Error> {
    wait_for_locks(database, None, &writes).await?;
    let now = database.now();
    let batches = writes.into_iter().map(|write| Batch {
        writes: vec![write],
        reads: None,
        now,
    });
    Ok(response(database.commit(batches.collect()).await?, allocated))
}

/// Under pessimistic concurrency, waits until no other transaction has read what the writes
/// change.
async fn wait_for_locks(
    database: &Database,
    transaction: Option<TransactionId>,
    writes: &[Write],
) -> Result<(), Error> {
    let Concurrency::Pessimistic { wait } = database.config.concurrency else {
        return Ok(());
    };
    let clock = &database.config.clock;
    let deadline = clock.now() + wait;
    loop {
        let next_end = database.transactions.next_end();
        if !database.transactions.is_blocked(transaction, writes, clock.now()) {
            return Ok(());
        }
        if clock.now() >= deadline {
            return Err(Error::Contention);
        }
        tokio::select! {
            () = next_end => {}
            () = clock.sleep_until(deadline) => {}
        }
    }
}

fn check_different(writes: &[Write]) -> Result<(), Error> {
    let keys: HashSet<&Key> = writes.iter().map(|write| &write.key).collect();
    if keys.len() < writes.len() {
        return Err(Error::invalid(
            "A non-transactional commit may not contain multiple mutations affecting the same entity.",
        ));
    }
    Ok(())
}

/// In a transaction mutations of an entity follow each other, where the second can make sense
/// after the first.
fn check_sequences(writes: &[Write]) -> Result<(), Error> {
    let mut last: HashMap<&Key, Verb> = HashMap::with_capacity(writes.len());
    for write in writes {
        let verb = write.effect.verb();
        let Some(before) = last.insert(&write.key, verb) else {
            continue;
        };
        let senseless = match (before, verb) {
            (Verb::Delete, Verb::Update) | (Verb::Insert | Verb::Update | Verb::Upsert, Verb::Insert) => true,
            (_, Verb::Insert | Verb::Update | Verb::Upsert | Verb::Delete) => false,
        };
        if senseless {
            return Err(Error::invalid(format!(
                "Cannot {before} then {verb} an entity in the same request."
            )));
        }
    }
    Ok(())
}

fn response(committed: Vec<Committed>, allocated: Vec<Option<wire::Key>>) -> wire::CommitResponse {
    let mut response = wire::CommitResponse::default();
    let mut keys = allocated.into_iter();
    for batch in committed {
        response.commit_time = Some(timestamp(batch.version));
        response.index_updates += i32::try_from(batch.entries_changed).unwrap_or(i32::MAX);
        let results = batch
            .outcomes
            .into_iter()
            .map(|outcome| result(outcome, keys.next().flatten()));
        response.mutation_results.extend(results);
    }
    response
}

fn result(outcome: Outcome, key: Option<wire::Key>) -> wire::MutationResult {
    wire::MutationResult {
        key,
        version: outcome.version,
        create_time: outcome.created.map(timestamp),
        update_time: outcome.created.map(|_| timestamp(outcome.version)),
        conflict_detected: outcome.conflict,
        transform_results: Vec::new(),
    }
}
