//! Which indexes answer an alternative.
//!
//! The built-in ones do if it has equalities (and an ancestor) alone, or a single property in
//! its order and nothing else. All else takes declared indexes that end in the order's
//! properties and begin with equalities; several that cover them together are merged. That is
//! the rule of production, which refuses the rest, as [`plan`] does.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::normal::{Alternative, Query};
use super::position::{Layout, span_of_values};
use super::scan::Scan;
use crate::datastore::catalog::{Catalog, Composite, Table};
use crate::datastore::config::CompositeIndex;
use crate::datastore::encoding::value::Direction;
use crate::datastore::engine::{Sense, Source, Span};
use crate::datastore::error::Error;
use crate::datastore::indexing::{Shape, ancestor_prefix};
use crate::datastore::store::Readable;

/// Scans whose common positions are results, in order.
#[derive(Debug)]
pub(crate) struct Join {
    pub(crate) table: Arc<Table>,
    pub(crate) scans: Vec<Scan>,
    /// What a position must fulfil beyond being in every scan.
    pub(crate) rest: Alternative,
}

/// The joins whose union is the answer.
pub(crate) fn plan(catalog: &Catalog, query: &Query) -> Result<Vec<Join>, Error> {
    let tables = match &query.kind {
        Some(kind) => vec![catalog.table(&query.partition, kind)],
        None => catalog.list_tables(&query.partition),
    };
    let mut joins = Vec::new();
    for table in tables {
        for alternative in &query.alternatives {
            joins.extend(plan_alternative(catalog, &table, &query.layout, alternative)?);
        }
    }
    Ok(joins)
}

fn plan_alternative(
    catalog: &Catalog,
    table: &Arc<Table>,
    layout: &Layout,
    alternative: &Alternative,
) -> Result<Vec<Join>, Error> {
    let ordered = |name: &String| layout.orders.iter().any(|(order, _)| order == name);
    // An equality on a property of the order is an interval of one value.
    let mut rest = alternative.clone();
    for (name, values) in &alternative.equal {
        if ordered(name) {
            if values.len() > 1 {
                return Err(Error::Unimplemented(
                    "several equalities on a property of the order are not supported",
                ));
            }
            let only: Vec<Span> = values.iter().cloned().map(Span::only).collect();
            rest.within.insert(name.clone(), only);
        }
    }
    rest.equal.retain(|name, _| !ordered(name));

    let readers = match &layout.orders[..] {
        [] => built_in_by_path(catalog, table, layout, &rest),
        [(name, direction)]
            if rest.equal.is_empty() && rest.ancestor.is_none() && layout.path == *direction =>
        {
            vec![built_in_by_value(catalog, table, name, *direction)]
        }
        _ => declared(table, layout, &rest).ok_or_else(|| missing_index(table, layout, &rest))?,
    };
    let spans = spans(layout, &rest, &readers);
    Ok(spans
        .into_iter()
        .map(|span| Join {
            table: table.clone(),
            scans: readers.iter().map(|reader| reader.scan(span.clone())).collect(),
            rest: rest.clone(),
        })
        .collect())
}

/// An index, and the beginning of those of its entries that fulfil its equalities.
#[derive(Debug)]
struct Reader {
    readable: Readable,
    prefix: Vec<u8>,
    sense: Sense,
}

impl Reader {
    fn scan(&self, span: Span) -> Scan {
        Scan {
            readable: self.readable.clone(),
            prefix: self.prefix.clone(),
            sense: self.sense,
            span,
        }
    }
}

fn built_in_by_path(
    catalog: &Catalog,
    table: &Arc<Table>,
    layout: &Layout,
    alternative: &Alternative,
) -> Vec<Reader> {
    let sense = sense_of(layout.path);
    if alternative.equal.is_empty() {
        let readable = Readable {
            table: table.clone(),
            source: Source::Table(table.id),
            shape: Shape::Path,
        };
        return vec![Reader {
            readable,
            prefix: Vec::new(),
            sense,
        }];
    }
    let pairs = alternative
        .equal
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    pairs
        .map(|(name, value)| Reader {
            readable: property(catalog, table, name),
            prefix: value.clone(),
            sense,
        })
        .collect()
}

fn built_in_by_value(catalog: &Catalog, table: &Arc<Table>, name: &str, direction: Direction) -> Reader {
    Reader {
        readable: property(catalog, table, name),
        prefix: Vec::new(),
        sense: sense_of(direction),
    }
}

fn property(catalog: &Catalog, table: &Arc<Table>, name: &str) -> Readable {
    Readable {
        table: table.clone(),
        source: Source::Index(catalog.property_index(table, name)),
        shape: Shape::Values {
            ancestor: false,
            directions: vec![Direction::Ascending],
        },
    }
}

fn sense_of(direction: Direction) -> Sense {
    match direction {
        Direction::Ascending => Sense::Forward,
        Direction::Descending => Sense::Backward,
    }
}

/// Declared indexes that together cover the equalities and each end in the order; `None`: there
/// are none.
fn declared(table: &Arc<Table>, layout: &Layout, alternative: &Alternative) -> Option<Vec<Reader>> {
    let wanted: BTreeSet<&str> = alternative.equal.keys().map(String::as_str).collect();
    let mut fitting: Vec<(&Composite, &[(String, Direction)])> = table
        .composites
        .iter()
        .filter(|index| index.definition.ancestor == alternative.ancestor.is_some())
        .filter_map(|index| {
            Some((
                index,
                index.definition.properties.strip_suffix(&layout.orders[..])?,
            ))
        })
        .filter(|(_, leading)| leading.iter().all(|(name, _)| wanted.contains(name.as_str())))
        .collect();
    fitting.sort_by_key(|(_, leading)| std::cmp::Reverse(leading.len()));

    let mut chosen = Vec::new();
    let mut covered = BTreeSet::new();
    for (index, leading) in fitting {
        let adds = leading.iter().any(|(name, _)| !covered.contains(name.as_str()));
        if adds || (leading.is_empty() && chosen.is_empty()) {
            covered.extend(leading.iter().map(|(name, _)| name.as_str()));
            chosen.extend(composite_readers(table, index, leading, alternative));
        }
    }
    (covered == wanted && !chosen.is_empty()).then_some(chosen)
}

/// A reader for each value of a property that must have several.
fn composite_readers(
    table: &Arc<Table>,
    index: &Composite,
    leading: &[(String, Direction)],
    alternative: &Alternative,
) -> Vec<Reader> {
    let definition = &index.definition;
    let directions = definition
        .properties
        .iter()
        .map(|(_, direction)| *direction)
        .collect();
    let readable = Readable {
        table: table.clone(),
        source: Source::Index(index.id),
        shape: Shape::Values {
            ancestor: definition.ancestor,
            directions,
        },
    };
    let mut prefixes = vec![
        alternative
            .ancestor
            .as_deref()
            .map(ancestor_prefix)
            .unwrap_or_default(),
    ];
    for (name, direction) in leading {
        let values = alternative.equal.get(name).into_iter().flatten();
        let values: Vec<Vec<u8>> = values.map(|value| in_direction(value, *direction)).collect();
        prefixes = prefixes
            .iter()
            .flat_map(|prefix| values.iter().map(move |value| [&prefix[..], value].concat()))
            .collect();
    }
    let reader = |prefix| Reader {
        readable: readable.clone(),
        prefix,
        sense: Sense::Forward,
    };
    prefixes.into_iter().map(reader).collect()
}

fn in_direction(value: &[u8], direction: Direction) -> Vec<u8> {
    match direction {
        Direction::Ascending => value.to_vec(),
        Direction::Descending => value.iter().map(|byte| !byte).collect(),
    }
}

/// The parts of the readers, behind their prefixes, in which the first of a position's parts
/// fulfils its condition.
fn spans(layout: &Layout, alternative: &Alternative, readers: &[Reader]) -> Vec<Span> {
    let Some((name, direction)) = layout.orders.first() else {
        return alternative.paths.clone();
    };
    // Read backward, an index holds ascending values.
    let stored = match readers.first().map(|reader| reader.sense) {
        Some(Sense::Backward) => Direction::Ascending,
        Some(Sense::Forward) | None => *direction,
    };
    match alternative.within.get(name) {
        None => vec![Span::EVERYTHING],
        Some(intervals) => intervals
            .iter()
            .map(|interval| span_of_values(interval, stored))
            .collect(),
    }
}

fn missing_index(table: &Table, layout: &Layout, alternative: &Alternative) -> Error {
    let equal = alternative
        .equal
        .keys()
        .map(|name| (name.clone(), Direction::Ascending));
    let recommended = CompositeIndex {
        kind: table.kind.clone(),
        ancestor: alternative.ancestor.is_some(),
        properties: equal.chain(layout.orders.iter().cloned()).collect(),
    };
    Error::Precondition(format!(
        "no matching index found. recommended index is:\n{recommended}"
    ))
}
