//! RunQuery: one batch of results.
//!
//! A batch ends at the query's limit, or before an answer grows too big for a client's usual
//! message limit; the client then goes on from the end cursor. Behind the last result of a
//! limited query one more is looked for, so that the answer can say whether there is any; behind
//! a limit of nothing there always may be.

use std::sync::Arc;

use gcloud_sdk::google::datastore::v1 as wire;
use prost::Message;
use wire::entity_result::ResultType;
use wire::query_result_batch::MoreResultsType;
use wire::run_query_request::QueryType;

use crate::datastore::database::{Database, ReadAt};
use crate::datastore::encoding::value::{Direction, push_value, timestamp};
use crate::datastore::engine::Record;
use crate::datastore::error::Error;
use crate::datastore::indexing;
use crate::datastore::key::{self, Key, Scope};
use crate::datastore::messages::{Entity, EntityResult, Property, QueryResultBatch, RunQueryResponse};
use crate::datastore::query::normal::{Query, Shown};
use crate::datastore::query::position;
use crate::datastore::query::results::{Hit, Results};

/// Most bytes of the results of a batch, unless one alone has more; clients take 4 MiB unless told.
const MAX_BATCH_BYTES: usize = 3 << 20;
/// How many entities are fetched at once.
const FETCHED_AT_ONCE: usize = 256;
/// What a projected value says of itself: it comes from an index.
const MEANING_INDEX_VALUE: i32 = 18;

/// Answers a batch of a query's results.
pub(crate) async fn run_query(
    database: &Arc<Database>,
    request: wire::RunQueryRequest,
) -> Result<RunQueryResponse, Error> {
    if request.property_mask.is_some() {
        return Err(Error::Unimplemented("property masks on reads are not supported"));
    }
    if request.explain_options.is_some() {
        return Err(Error::Unimplemented("explaining queries is not supported"));
    }
    let scope = Scope::new(request.project_id, request.database_id)?;
    let query = match request.query_type {
        Some(QueryType::Query(query)) => query,
        Some(QueryType::GqlQuery(_)) => return Err(Error::Unimplemented("GQL queries are not supported")),
        None => return Err(Error::invalid("The request has no query.")),
    };
    let query = Query::new(&scope, request.partition_id.as_ref(), &query)?;
    let at = database.read_at(&scope, request.read_options)?;
    database
        .run(move |database| {
            let batch = batch(database, &query, &at)?;
            Ok(RunQueryResponse {
                batch: Some(batch),
                transaction: at.begun,
            })
        })
        .await
}

fn batch(database: &Database, query: &Query, at: &ReadAt) -> Result<QueryResultBatch, Error> {
    let mut results = Results::new(&database.store, &at.snapshot, query)?;
    let mut read = Vec::new();
    let mut batch = QueryResultBatch {
        entity_result_type: result_type(&query.shown).into(),
        read_time: Some(timestamp(at.snapshot.version())),
        end_cursor: query
            .start
            .as_deref()
            .map(position::to_cursor)
            .unwrap_or_default(),
        ..QueryResultBatch::default()
    };
    for _ in 0..query.offset {
        let Some(hit) = results.next()? else { break };
        batch.skipped_results += 1;
        batch.skipped_cursor = position::to_cursor(&hit.position);
        batch.end_cursor.clone_from(&batch.skipped_cursor);
        read.push(hit.key);
    }
    let more = fill(database, query, at, &mut results, &mut batch, &mut read)?;
    batch.more_results = more.into();
    if let Some(id) = at.transaction {
        let version = at.snapshot.version();
        database.transactions.record(id, |reads| {
            read.into_iter().for_each(|key| reads.add_key(key, version));
            results.read_so_far().for_each(|span| reads.add_span(span));
        });
    }
    Ok(batch)
}

/// Puts results into the batch, and says what may come behind it.
fn fill(
    database: &Database,
    query: &Query,
    at: &ReadAt,
    results: &mut Results<'_>,
    batch: &mut QueryResultBatch,
    read: &mut Vec<Key>,
) -> Result<MoreResultsType, Error> {
    if query.limit == Some(0) {
        return Ok(MoreResultsType::MoreResultsAfterLimit);
    }
    let mut wanted = query.limit.unwrap_or(usize::MAX);
    let mut bytes = 0;
    while wanted > 0 {
        let mut hits = Vec::new();
        while hits.len() < wanted.min(FETCHED_AT_ONCE) {
            let Some(hit) = results.next()? else { break };
            hits.push(hit);
        }
        if hits.is_empty() {
            return Ok(MoreResultsType::NoMoreResults);
        }
        wanted -= hits.len();
        let keys: Vec<Key> = hits.iter().map(|hit| hit.key.clone()).collect();
        let records = database.store.find_all(&keys, &at.snapshot)?;
        for (hit, record) in hits.into_iter().zip(records) {
            let Some(record) = record else { continue };
            let mut result = show(query, &hit, &record);
            result.cursor = position::to_cursor(&hit.position);
            bytes += result.encoded_len();
            if bytes > MAX_BATCH_BYTES && !batch.entity_results.is_empty() {
                return Ok(MoreResultsType::NotFinished);
            }
            read.push(hit.key);
            batch.end_cursor.clone_from(&result.cursor);
            batch.entity_results.push(result);
        }
    }
    Ok(match results.next()? {
        Some(_) => MoreResultsType::MoreResultsAfterLimit,
        None => MoreResultsType::NoMoreResults,
    })
}

fn result_type(shown: &Shown) -> ResultType {
    match shown {
        Shown::Everything => ResultType::Full,
        Shown::Key => ResultType::KeyOnly,
        Shown::Properties(_) => ResultType::Projection,
    }
}

fn show(query: &Query, hit: &Hit, record: &Record) -> EntityResult {
    let key = key::to_wire(&hit.table.partition, &hit.key.path);
    let properties = match &query.shown {
        Shown::Everything => return EntityResult::found(&key, record),
        Shown::Key => Vec::new(),
        Shown::Properties(names) => project(query, names, hit, record),
    };
    let key = Some(key);
    EntityResult::projected(&Entity { key, properties }, record)
}

/// The values by which the result stands in its place.
fn project(query: &Query, names: &[String], hit: &Hit, record: &Record) -> Vec<Property> {
    let properties = record.indexable_properties();
    let indexed = indexing::indexed(&properties);
    let Some(parts) = query.layout.split(&hit.position) else {
        return Vec::new();
    };
    let orders = query.layout.orders.iter().zip(parts.values);
    let projected = orders.filter(|((name, _), _)| names.contains(name));
    projected
        .filter_map(|((name, direction), place)| {
            let value = indexed
                .get(name)?
                .iter()
                .find(|value| is_encoded_as(value, *direction, place))?;
            let value = wire::Value {
                meaning: MEANING_INDEX_VALUE,
                exclude_from_indexes: false,
                value_type: Some((*value).clone()),
            };
            Some(Property {
                name: name.clone(),
                value,
            })
        })
        .collect()
}

fn is_encoded_as(value: &wire::value::ValueType, direction: Direction, encoded: &[u8]) -> bool {
    let mut own = Vec::with_capacity(encoded.len());
    push_value(&mut own, value, direction);
    own == encoded
}
