//! From the filter tree of a request to alternatives of simple conditions.

use std::ops::Bound;

use gcloud_sdk::google::datastore::v1 as wire;
use wire::composite_filter::Operator as Composite;
use wire::filter::FilterType;
use wire::property_filter::Operator;
use wire::value::ValueType;

use crate::datastore::encoding::value::{Direction, push_value};
use crate::datastore::engine::Span;
use crate::datastore::error::Error;
use crate::datastore::key::{self, Completeness, Scope};
use crate::datastore::limits::MAX_ALTERNATIVES;

/// The name under which filters and orders address the key.
pub(crate) const KEY: &str = "__key__";
/// Most values of a NOT_IN filter, as in production.
const MAX_NOT_IN: usize = 10;

/// One condition on the index entries of an entity. Values are encoded ascending; those of the
/// key are paths.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// The entity is the one of that path, or below it.
    Ancestor(Vec<u8>),
    /// The property has that value.
    Equal(String, Vec<u8>),
    /// The property has a value in one of these intervals, which are in order and apart.
    Within(String, Vec<Span>),
}

/// The filter as alternatives, each a list of conditions that must all hold. No filter is one
/// alternative without conditions.
pub(crate) fn alternatives(
    scope: &Scope,
    namespace: &str,
    filter: Option<&wire::Filter>,
) -> Result<Vec<Vec<Condition>>, Error> {
    let Some(filter) = filter else {
        return Ok(vec![Vec::new()]);
    };
    match &filter.filter_type {
        None => Ok(vec![Vec::new()]),
        Some(FilterType::PropertyFilter(leaf)) => leaf_alternatives(scope, namespace, leaf),
        Some(FilterType::CompositeFilter(composite)) => {
            let parts = composite
                .filters
                .iter()
                .map(|part| alternatives(scope, namespace, Some(part)));
            match Composite::try_from(composite.op) {
                Ok(Composite::And | Composite::Unspecified) => parts
                    .into_iter()
                    .try_fold(vec![Vec::new()], |all, part| all_of(&all, &part?)),
                Ok(Composite::Or) => {
                    let any = parts.collect::<Result<Vec<_>, _>>()?.concat();
                    bounded(any)
                }
                Err(_) => Err(Error::invalid("The composite filter's operator is unknown.")),
            }
        }
    }
}

/// Refuses operators that Datastore does not take together.
pub(crate) fn check_operators(filter: Option<&wire::Filter>) -> Result<(), Error> {
    let mut used = Used::default();
    used.count(filter);
    if used.exclusions + used.differences > 1 {
        return Err(Error::invalid(
            "Only a single 'NOT_EQUAL' or 'NOT_IN' is allowed per query.",
        ));
    }
    if used.exclusions > 0 && used.unions > 0 {
        return Err(Error::invalid(
            "'NOT_IN' cannot be used in the same query with 'IN' or 'OR'.",
        ));
    }
    Ok(())
}

/// How often a filter uses the operators that limit each other.
#[derive(Debug, Default)]
struct Used {
    /// NOT_IN.
    exclusions: usize,
    /// NOT_EQUAL.
    differences: usize,
    /// IN and OR.
    unions: usize,
}

impl Used {
    fn count(&mut self, filter: Option<&wire::Filter>) {
        match filter.and_then(|filter| filter.filter_type.as_ref()) {
            None => {}
            Some(FilterType::PropertyFilter(leaf)) => match Operator::try_from(leaf.op) {
                Ok(Operator::NotIn) => self.exclusions += 1,
                Ok(Operator::NotEqual) => self.differences += 1,
                Ok(Operator::In) => self.unions += 1,
                Ok(_) | Err(_) => {}
            },
            Some(FilterType::CompositeFilter(composite)) => {
                self.unions += usize::from(composite.op == i32::from(Composite::Or));
                composite.filters.iter().for_each(|part| self.count(Some(part)));
            }
        }
    }
}

fn all_of(left: &[Vec<Condition>], right: &[Vec<Condition>]) -> Result<Vec<Vec<Condition>>, Error> {
    let pairs = left
        .iter()
        .flat_map(|left| right.iter().map(move |right| [&left[..], &right[..]].concat()));
    bounded(pairs.collect())
}

fn bounded(alternatives: Vec<Vec<Condition>>) -> Result<Vec<Vec<Condition>>, Error> {
    if alternatives.len() > MAX_ALTERNATIVES {
        return Err(Error::invalid(format!(
            "Too many disjunctions after normalization. Result had {} disjunctions which is more than the \
             maximum of {MAX_ALTERNATIVES}",
            alternatives.len()
        )));
    }
    Ok(alternatives)
}

fn leaf_alternatives(
    scope: &Scope,
    namespace: &str,
    leaf: &wire::PropertyFilter,
) -> Result<Vec<Vec<Condition>>, Error> {
    let name = leaf.property.as_ref().map_or("", |property| &property.name);
    if name.is_empty() {
        return Err(Error::invalid("A filter has no property."));
    }
    let value = leaf.value.as_ref().and_then(|value| value.value_type.as_ref());
    let value = value.ok_or_else(|| Error::invalid("A filter has no value."))?;
    let one = |value| encode(scope, namespace, name, value);
    let within = |spans| vec![vec![Condition::Within(name.to_owned(), spans)]];

    let operator = Operator::try_from(leaf.op).unwrap_or(Operator::Unspecified);
    Ok(match operator {
        Operator::HasAncestor if name == KEY => vec![vec![Condition::Ancestor(one(value)?)]],
        Operator::HasAncestor => return Err(Error::invalid("HAS_ANCESTOR is for __key__ only.")),
        Operator::Equal => vec![vec![Condition::Equal(name.to_owned(), one(value)?)]],
        Operator::LessThan => within(vec![span(Bound::Unbounded, Bound::Excluded(one(value)?))]),
        Operator::LessThanOrEqual => within(vec![span(Bound::Unbounded, Bound::Included(one(value)?))]),
        Operator::GreaterThan => within(vec![span(Bound::Excluded(one(value)?), Bound::Unbounded)]),
        Operator::GreaterThanOrEqual => within(vec![span(Bound::Included(one(value)?), Bound::Unbounded)]),
        Operator::NotEqual => within(gaps(vec![one(value)?])),
        Operator::In => {
            let values = list("IN", MAX_ALTERNATIVES, value)?;
            let each = values.map(|value| Ok(vec![Condition::Equal(name.to_owned(), one(value?)?)]));
            each.collect::<Result<_, Error>>()?
        }
        Operator::NotIn => {
            let values = list("NOT_IN", MAX_NOT_IN, value)?;
            within(gaps(values.map(|value| one(value?)).collect::<Result<_, _>>()?))
        }
        Operator::Unspecified => return Err(Error::invalid("A filter's operator is unknown.")),
    })
}

fn list<'a>(
    operator: &str,
    most: usize,
    value: &'a ValueType,
) -> Result<impl Iterator<Item = Result<&'a ValueType, Error>>, Error> {
    let ValueType::ArrayValue(array) = value else {
        return Err(Error::invalid(format!(
            "{operator} requires an non-empty ArrayValue."
        )));
    };
    let values = array.values.len();
    if values == 0 {
        return Err(Error::invalid(format!(
            "{operator} requires an non-empty ArrayValue."
        )));
    }
    if values > most {
        return Err(Error::invalid(format!(
            "{operator} supports up to {most} values. There are {values} values in the {operator} filter in your query."
        )));
    }
    let types = array.values.iter().map(|value| value.value_type.as_ref());
    Ok(types.map(|value| value.ok_or_else(|| Error::invalid("A filter's list has an empty value."))))
}

fn encode(scope: &Scope, namespace: &str, name: &str, value: &ValueType) -> Result<Vec<u8>, Error> {
    if name == KEY {
        let ValueType::KeyValue(key) = value else {
            return Err(Error::invalid("__key__ filter value must be a Key"));
        };
        key::check_path(&key.path, Completeness::Complete)?;
        if scope.partition(key.partition_id.as_ref())?.namespace != namespace {
            return Err(Error::invalid(
                "__key__ filter namespace must be that of the query",
            ));
        }
        return Ok(key::encode_path(&key.path));
    }
    let mut encoded = Vec::new();
    if !push_value(&mut encoded, value, Direction::Ascending) {
        return Err(Error::invalid(format!(
            "The filter on \"{name}\" has a value that is not indexed."
        )));
    }
    Ok(encoded)
}

fn span(low: Bound<Vec<u8>>, high: Bound<Vec<u8>>) -> Span {
    Span { low, high }
}

/// Everything but these values.
fn gaps(mut values: Vec<Vec<u8>>) -> Vec<Span> {
    values.sort_unstable();
    values.dedup();
    let mut gaps = Vec::with_capacity(values.len() + 1);
    let mut low = Bound::Unbounded;
    for value in values {
        gaps.push(span(low, Bound::Excluded(value.clone())));
        low = Bound::Excluded(value);
    }
    gaps.push(span(low, Bound::Unbounded));
    gaps
}

/// What is in both lists of intervals.
pub(crate) fn intersect(left: &[Span], right: &[Span]) -> Vec<Span> {
    let pairs = left
        .iter()
        .flat_map(|left| right.iter().map(move |right| (left, right)));
    let both = pairs.map(|(left, right)| {
        let mut both = left.clone();
        both.raise(right.low.clone());
        both.lower(right.high.clone());
        both
    });
    both.filter(|both| !both.is_empty()).collect()
}
