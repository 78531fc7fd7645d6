//! Counts, sums and averages while their results come in.

use gcloud_sdk::google::datastore::v1 as wire;
use wire::aggregation_query::Aggregation;
use wire::aggregation_query::aggregation::Operator;
use wire::value::ValueType;

use crate::datastore::engine::Record;
use crate::datastore::error::Error;
use crate::datastore::indexing;

/// Most aggregations of a query, as in production.
const MAX_AGGREGATIONS: usize = 5;

/// What the aggregations of a request begin with. Those without an alias are numbered.
pub(super) fn accumulators(aggregations: Vec<Aggregation>) -> Result<Vec<Accumulator>, Error> {
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
pub(super) struct Accumulator {
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
    /// Whether more results could change it.
    pub(super) fn is_hungry(&self) -> bool {
        match &self.over {
            Over::Count { up_to, counted } => counted < up_to,
            Over::Sum(_) | Over::Average(_) => true,
        }
    }

    /// Whether it looks at the entities, not only at how many there are.
    pub(super) fn needs_values(&self) -> bool {
        match &self.over {
            Over::Count { .. } => false,
            Over::Sum(_) | Over::Average(_) => true,
        }
    }

    /// Takes one more result.
    pub(super) fn add(&mut self, record: Option<&Record>) {
        match &mut self.over {
            Over::Count { up_to, counted } => *counted = (*counted + 1).min(*up_to),
            Over::Sum(total) | Over::Average(total) => {
                if let Some(record) = record {
                    total.add(record);
                }
            }
        }
    }

    /// The value, under its alias.
    pub(super) fn finish(self) -> (String, wire::Value) {
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
