//! The normal form of a query.

use std::collections::{BTreeMap, BTreeSet};

use gcloud_sdk::google::datastore::v1 as wire;
use wire::property_order::Direction as WireDirection;

use super::filter::{self, Condition, KEY};
use super::position::{self, Layout};
use crate::datastore::catalog::Partition;
use crate::datastore::encoding::value::Direction;
use crate::datastore::engine::Span;
use crate::datastore::error::Error;
use crate::datastore::key::Scope;

/// A query that makes sense.
#[derive(Debug)]
pub(crate) struct Query {
    pub(crate) partition: Partition,
    /// `None`: entities of every kind, in the order of their keys.
    pub(crate) kind: Option<String>,
    /// An entity is a result if it fulfils one of these.
    pub(crate) alternatives: Vec<Alternative>,
    pub(crate) layout: Layout,
    pub(crate) shown: Shown,
    /// The properties in whose values the results must differ.
    pub(crate) distinct_on: Vec<String>,
    /// The position behind which results begin.
    pub(crate) start: Option<Vec<u8>>,
    /// The position with which they end.
    pub(crate) end: Option<Vec<u8>>,
    pub(crate) offset: usize,
    pub(crate) limit: Option<usize>,
}

/// Conditions that must all hold.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alternative {
    pub(crate) ancestor: Option<Vec<u8>>,
    /// The values that a property must have, all of them.
    pub(crate) equal: BTreeMap<String, BTreeSet<Vec<u8>>>,
    /// The intervals in one of which a property must have a value.
    pub(crate) within: BTreeMap<String, Vec<Span>>,
    /// The paths among which the entity's must be.
    pub(crate) paths: Vec<Span>,
}

/// What a result shows of its entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    Everything,
    Key,
    Properties(Vec<String>),
}

impl Query {
    /// Brings a query into its normal form. An invalid one is refused with the reason.
    pub(crate) fn new(
        scope: &Scope,
        partition: Option<&wire::PartitionId>,
        query: &wire::Query,
    ) -> Result<Self, Error> {
        let partition = scope.partition(partition)?;
        let kind = match &query.kind[..] {
            [] => None,
            [kind] if kind.name.is_empty() => return Err(Error::invalid("The kind is the empty string.")),
            [kind] => Some(kind.name.clone()),
            _ => return Err(Error::invalid("multiple kinds not supported")),
        };
        if query.find_nearest.is_some() {
            return Err(Error::Unimplemented(
                "nearest-neighbour queries are not supported",
            ));
        }
        filter::check_operators(query.filter.as_ref())?;
        let conditions = filter::alternatives(scope, &partition.namespace, query.filter.as_ref())?;
        let alternatives = conditions.into_iter().map(Alternative::new).collect::<Vec<_>>();
        if alternatives.iter().any(Alternative::is_bound_twice) {
            return Err(Error::Unimplemented(
                "an equality and an inequality on one property are not supported",
            ));
        }
        let shown = shown(query)?;
        let distinct_on = names(query.distinct_on.iter().map(Some))?;
        let layout = layout(query, &alternatives, &shown, &distinct_on)?;
        if kind.is_none() {
            check_kindless(&alternatives, &layout)?;
        }
        if let Shown::Properties(shown) = &shown {
            check_projection(shown, &alternatives)?;
        }
        Ok(Self {
            start: position::from_cursor(&query.start_cursor, &layout)?,
            end: position::from_cursor(&query.end_cursor, &layout)?,
            offset: usize::try_from(query.offset)
                .map_err(|_| Error::invalid("Offset must be non-negative."))?,
            limit: match query.limit.map(usize::try_from) {
                Some(Err(_)) => return Err(Error::invalid("Limit must be non-negative.")),
                Some(Ok(limit)) => Some(limit),
                None => None,
            },
            partition,
            kind,
            alternatives,
            layout,
            shown,
            distinct_on,
        })
    }
}

impl Alternative {
    fn new(conditions: Vec<Condition>) -> Self {
        let everywhere = || vec![Span::EVERYTHING];
        let mut alternative = Self {
            paths: everywhere(),
            ..Self::default()
        };
        for condition in conditions {
            match condition {
                Condition::Ancestor(path) => {
                    let below = [Span::of_prefix(&path)];
                    alternative.paths = filter::intersect(&alternative.paths, &below);
                    alternative.ancestor = Some(path);
                }
                Condition::Equal(name, path) if name == KEY => {
                    let only = [Span::only(path)];
                    alternative.paths = filter::intersect(&alternative.paths, &only);
                }
                Condition::Within(name, spans) if name == KEY => {
                    alternative.paths = filter::intersect(&alternative.paths, &spans);
                }
                Condition::Equal(name, value) => {
                    alternative.equal.entry(name).or_default().insert(value);
                }
                Condition::Within(name, spans) => {
                    let within = alternative.within.entry(name).or_insert_with(everywhere);
                    *within = filter::intersect(within, &spans);
                }
            }
        }
        alternative
    }

    /// Whether a property has both an equality and an inequality, which different elements of an
    /// array may fulfil.
    fn is_bound_twice(&self) -> bool {
        self.equal.keys().any(|name| self.within.contains_key(name))
    }
}

fn shown(query: &wire::Query) -> Result<Shown, Error> {
    let names = names(
        query
            .projection
            .iter()
            .map(|projection| projection.property.as_ref()),
    )?;
    Ok(match &names[..] {
        [] => Shown::Everything,
        [only] if only == KEY => Shown::Key,
        _ => Shown::Properties(names.into_iter().filter(|name| name != KEY).collect()),
    })
}

fn names<'a>(
    properties: impl Iterator<Item = Option<&'a wire::PropertyReference>>,
) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = Vec::new();
    for property in properties {
        let name = property.map_or("", |property| &property.name);
        if name.is_empty() {
            return Err(Error::invalid("A property name is the empty string."));
        }
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// The orders as given, without those that cannot tell results apart, and with those that
/// filters, projection and distinctness imply.
fn layout(
    query: &wire::Query,
    alternatives: &[Alternative],
    shown: &Shown,
    distinct_on: &[String],
) -> Result<Layout, Error> {
    let mut orders: Vec<(String, Direction)> = Vec::new();
    let mut path = None;
    let mut last = Direction::Ascending;
    for order in &query.order {
        let name = order.property.as_ref().map_or("", |property| &property.name);
        let direction = match WireDirection::try_from(order.direction) {
            Ok(WireDirection::Ascending | WireDirection::Unspecified) => Direction::Ascending,
            Ok(WireDirection::Descending) => Direction::Descending,
            Err(_) => return Err(Error::invalid("An order's direction is unknown.")),
        };
        if name.is_empty() {
            return Err(Error::invalid("An order has no property."));
        }
        if name == KEY {
            // Keys differ, so nothing after them has a say.
            path = Some(direction);
            break;
        }
        // One that tells nothing apart still says how the keys run.
        last = direction;
        if !orders.iter().any(|(known, _)| known == name) && !is_constant(name, alternatives) {
            orders.push((name.to_owned(), direction));
        }
    }
    let unequal: BTreeSet<&String> = alternatives.iter().flat_map(|one| one.within.keys()).collect();
    let projected: &[String] = match shown {
        Shown::Properties(names) => names,
        Shown::Everything | Shown::Key => &[],
    };
    let given = orders.len();
    for name in unequal.into_iter().chain(distinct_on).chain(projected) {
        if !orders.iter().any(|(known, _)| known == name) && !is_constant(name, alternatives) {
            orders.push((name.clone(), last));
        }
    }
    if path.is_some() && orders.len() > given {
        return Err(Error::Unimplemented(
            "an order by __key__ before an inequality or a projection is not supported",
        ));
    }
    let path = path.unwrap_or(last);
    if orders.last().is_some_and(|(_, before)| *before != path) {
        return Err(Error::Unimplemented(
            "keys that run against the order before them are not supported",
        ));
    }
    Ok(Layout { orders, path })
}

/// Whether every alternative asks for the same value of a property.
fn is_constant(name: &str, alternatives: &[Alternative]) -> bool {
    let mut values = alternatives.iter().map(|alternative| alternative.equal.get(name));
    let first = values.next().flatten();
    first.is_some() && values.all(|other| other == first)
}

fn check_kindless(alternatives: &[Alternative], layout: &Layout) -> Result<(), Error> {
    let filtered = alternatives
        .iter()
        .flat_map(|one| one.equal.keys().chain(one.within.keys()))
        .next();
    if let Some(name) = filtered {
        return Err(Error::invalid(format!("kind is required for filter: {name}")));
    }
    if !layout.orders.is_empty() || layout.path == Direction::Descending {
        return Err(Error::invalid(
            "kind is required for all orders except __key__ ascending",
        ));
    }
    Ok(())
}

fn check_projection(shown: &[String], alternatives: &[Alternative]) -> Result<(), Error> {
    let is_equal = |name| {
        alternatives
            .iter()
            .any(|alternative| alternative.equal.contains_key(name))
    };
    if shown.iter().any(is_equal) {
        return Err(Error::invalid(
            "Cannot use projection on a property with an equality filter.",
        ));
    }
    Ok(())
}
