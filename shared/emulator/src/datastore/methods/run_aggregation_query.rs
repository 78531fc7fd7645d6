//! RunAggregationQuery: COUNT, SUM and AVG over a query's results.

use std::collections::HashMap;
use std::sync::Arc;

use gcloud_sdk::google::datastore::v1 as wire;
use wire::aggregation_query::aggregation::Operator;
use wire::aggregation_query::{Aggregation, QueryType as Nested};
use wire::query_result_batch::MoreResultsType;
use wire::run_aggregation_query_request::QueryType;
use wire::value::ValueType;

use crate::datastore::database::{Database, ReadAt};
use crate::datastore::encoding::value::timestamp;
use crate::datastore::engine::Record;
use crate::datastore::error::Error;
use crate::datastore::indexing;
use crate::datastore::key::{Key, Scope};
use crate::datastore::query::normal::Query;
use crate::datastore::query::results::Results;

/// Most aggregations of a query, as in production.
const MAX_AGGREGATIONS: usize = 5;
/// How many entities are fetched at once.
const FETCHED_AT_ONCE: usize = 256;

/// Answers one value for each aggregation.
pub(crate) async fn run_aggregation_query(
    database: Arc<Database>,
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
        .run(move |database| answer(database, &query, at, accumulators))
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
    spans: Vec<crate::datastore::transactions::reads::ReadSpan>,
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
            keys.push(hit.into_key());
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

fn accumulators(aggregations: Vec<Aggregation>) -> Result<Vec<Accumulator>, Error> {
    if aggregations.is_empty() {
        return Err(Error::invalid("Aggregations can not be empty."));
    }
    if aggregations.len() > MAX_AGGREGATIONS {
        return Err(Error::invalid(
            "The maximum number of aggregations allowed in an aggregation query is 5.",
        ));
    }
    let mut unnamed = 0;
    let named = aggregations.into_iter().map(|aggregation| {
        let alias = if aggregation.alias.is_empty() {
            unnamed += 1;
            format!("property_{unnamed}")
        } else {
            aggregation.alias
        };
        let over = match aggregation.operator {
            Some(Operator::Count(count)) => Over::Count {
                up_to: up_to(count.up_to)?,
                counted: 0,
            },
            Some(Operator::Sum(sum)) => Over::Sum(Total::of(sum.property)?),
            Some(Operator::Avg(average)) => Over::Average(Total::of(average.property)?),
            None => return Err(Error::invalid("An aggregation has no operator.")),
        };
        Ok(Accumulator { alias, over })
    });
    let accumulators = named.collect::<Result<Vec<_>, _>>()?;
    let mut aliases: Vec<&String> = accumulators.iter().map(|one| &one.alias).collect();
    aliases.sort_unstable();
    if aliases.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Error::invalid("Aggregation aliases must be unique."));
    }
    Ok(accumulators)
}

fn up_to(limit: Option<i64>) -> Result<i64, Error> {
    match limit {
        Some(limit) if limit < 0 => Err(Error::invalid("up_to must be non-negative.")),
        Some(limit) => Ok(limit),
        None => Ok(i64::MAX),
    }
}

/// One aggregation under way.
#[derive(Debug)]
struct Accumulator {
    alias: String,
    over: Over,
}

#[derive(Debug)]
enum Over {
    Count { up_to: i64, counted: i64 },
    Sum(Total),
    Average(Total),
}

/// The sum of a property's numbers: exact while they are integers and it fits.
#[derive(Debug)]
struct Total {
    property: String,
    integer: Option<i64>,
    floating: f64,
    numbers: i64,
}

impl Accumulator {
    fn is_hungry(&self) -> bool {
        match &self.over {
            Over::Count { up_to, counted } => counted < up_to,
            Over::Sum(_) | Over::Average(_) => true,
        }
    }

    fn needs_values(&self) -> bool {
        match &self.over {
            Over::Count { .. } => false,
            Over::Sum(_) | Over::Average(_) => true,
        }
    }

    fn add(&mut self, record: Option<&Record>) {
        match &mut self.over {
            Over::Count { up_to, counted } => *counted = (*counted + 1).min(*up_to),
            Over::Sum(total) | Over::Average(total) => {
                if let Some(record) = record {
                    total.add(record);
                }
            }
        }
    }

    fn finish(self) -> (String, wire::Value) {
        let value = match self.over {
            Over::Count { counted, .. } => ValueType::IntegerValue(counted),
            Over::Sum(Total {
                integer: Some(sum), ..
            }) => ValueType::IntegerValue(sum),
            Over::Sum(total) => ValueType::DoubleValue(total.floating),
            Over::Average(total) if total.numbers == 0 => ValueType::NullValue(0),
            #[expect(clippy::cast_precision_loss, reason = "an average is a floating-point number")]
            Over::Average(total) => ValueType::DoubleValue(total.floating / total.numbers as f64),
        };
        (
            self.alias,
            wire::Value {
                value_type: Some(value),
                ..wire::Value::default()
            },
        )
    }
}

impl Total {
    fn of(property: Option<wire::PropertyReference>) -> Result<Self, Error> {
        let property = property
            .map(|property| property.name)
            .filter(|name| !name.is_empty());
        let property = property.ok_or_else(|| Error::invalid("An aggregation has no property."))?;
        Ok(Self {
            property,
            integer: Some(0),
            floating: 0.0,
            numbers: 0,
        })
    }

    fn add(&mut self, record: &Record) {
        let properties = record.indexable_properties();
        let indexed = indexing::indexed(&properties);
        for value in indexed.get(&self.property).into_iter().flatten() {
            match value {
                ValueType::IntegerValue(number) => {
                    self.numbers += 1;
                    self.integer = self.integer.and_then(|sum| sum.checked_add(*number));
                    #[expect(clippy::cast_precision_loss, reason = "beyond 2^53 a sum is approximate")]
                    let number = *number as f64;
                    self.floating += number;
                }
                ValueType::DoubleValue(number) => {
                    self.numbers += 1;
                    self.integer = None;
                    self.floating += number;
                }
                _ => {}
            }
        }
    }
}
