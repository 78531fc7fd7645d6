//! RunAggregationQuery: COUNT, SUM and AVG over a query's results.

use std::collections::HashMap;
use std::sync::Arc;

use gcloud_sdk::google::datastore::v1 as wire;
use wire::aggregation_query::QueryType as Nested;
use wire::query_result_batch::MoreResultsType;
use wire::run_aggregation_query_request::QueryType;

use super::accumulate::{Accumulator, accumulators};
use crate::datastore::database::{Database, ReadAt};
use crate::datastore::encoding::value::timestamp;
use crate::datastore::error::Error;
use crate::datastore::key::{Key, Scope};
use crate::datastore::query::normal::Query;
use crate::datastore::query::results::Results;
use crate::datastore::transactions::reads::ReadSpan;

/// How many entities are fetched at once.
const FETCHED_AT_ONCE: usize = 256;

/// Answers one value for each aggregation.
pub(crate) async fn run_aggregation_query(
    database: &Arc<Database>,
    request: wire::RunAggregationQueryRequest,
) -> Result<wire::RunAggregationQueryResponse, Error> {
    if request.explain_options.is_some() {
        return Err(Error::Unimplemented("explaining queries is not supported"));
    }
    let scope = Scope::new(request.project_id, request.database_id)?;
    let aggregation = match request.query_type {
        Some(QueryType::AggregationQuery(query)) => query,
        Some(QueryType::GqlQuery(_)) => return Err(Error::Unimplemented("GQL queries are not supported")),
        None => return Err(Error::invalid("The request has no query.")),
    };
    let Some(Nested::NestedQuery(nested)) = aggregation.query_type else {
        return Err(Error::invalid("The aggregation has no query."));
    };
    let accumulators = accumulators(aggregation.aggregations)?;
    let query = Query::new(&scope, request.partition_id.as_ref(), &nested)?;
    let at = database.read_at(&scope, request.read_options)?;
    database
        .run_aside(move |database| answer(database, &query, at, accumulators))
        .await
}

fn answer(
    database: &Database,
    query: &Query,
    at: ReadAt,
    mut accumulators: Vec<Accumulator>,
) -> Result<wire::RunAggregationQueryResponse, Error> {
    let read = accumulate(database, query, &at, &mut accumulators)?;
    if let Some(id) = at.transaction {
        let version = at.snapshot.version();
        database.transactions.record(id, |reads| {
            read.keys.into_iter().for_each(|key| reads.add_key(key, version));
            read.spans.into_iter().for_each(|span| reads.add_span(span));
        });
    }
    let values = accumulators
        .into_iter()
        .map(Accumulator::finish)
        .collect::<HashMap<_, _>>();
    let batch = wire::AggregationResultBatch {
        aggregation_results: vec![wire::AggregationResult {
            aggregate_properties: values,
        }],
        more_results: MoreResultsType::NoMoreResults.into(),
        read_time: Some(timestamp(at.snapshot.version())),
    };
    Ok(wire::RunAggregationQueryResponse {
        batch: Some(batch),
        transaction: at.begun,
        ..wire::RunAggregationQueryResponse::default()
    })
}

/// What an aggregation has read.
#[derive(Default)]
struct Read {
    keys: Vec<Key>,
    spans: Vec<ReadSpan>,
}

fn accumulate(
    database: &Database,
    query: &Query,
    at: &ReadAt,
    accumulators: &mut [Accumulator],
) -> Result<Read, Error> {
    let mut results = Results::new(&database.store, &at.snapshot, query)?;
    let mut read = Read::default();
    let mut left = query.limit.unwrap_or(usize::MAX);
    let keeps_keys = at.transaction.is_some();
    for _ in 0..query.offset {
        if results.next()?.is_none() {
            break;
        }
    }
    while left > 0 && accumulators.iter().any(Accumulator::is_hungry) {
        let mut keys = Vec::with_capacity(FETCHED_AT_ONCE);
        while keys.len() < left.min(FETCHED_AT_ONCE) {
            let Some(hit) = results.next()? else { break };
            keys.push(hit.key);
        }
        if keys.is_empty() {
            break;
        }
        left -= keys.len();
        let records = match accumulators.iter().any(Accumulator::needs_values) {
            true => database.store.find_all(&keys, &at.snapshot)?,
            false => vec![None; keys.len()],
        };
        for record in &records {
            accumulators
                .iter_mut()
                .for_each(|accumulator| accumulator.add(record.as_ref()));
        }
        if keeps_keys {
            read.keys.append(&mut keys);
        }
    }
    read.spans = results.read_so_far().collect();
    Ok(read)
}
