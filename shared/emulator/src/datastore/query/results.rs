//! The results of a query, one after the other.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

use super::normal::{Alternative, Query, Shown};
use super::plan::{self, Join};
use super::position::{Layout, Parts};
use super::scan::Scanner;
use crate::datastore::catalog::Table;
use crate::datastore::encoding::value::Direction;
use crate::datastore::engine::Sense;
use crate::datastore::error::Error;
use crate::datastore::key::Key;
use crate::datastore::store::Store;
use crate::datastore::transactions::reads::ReadSpan;
use crate::datastore::versions::Snapshot;

/// An entity that fulfils the query.
#[derive(Debug)]
pub(crate) struct Hit {
    pub(crate) table: Arc<Table>,
    pub(crate) key: Key,
    pub(crate) position: Vec<u8>,
}

/// The results of a query in order, from its start cursor to its end cursor. Offset and limit
/// are left to whoever takes them.
#[derive(Debug)]
pub(crate) struct Results<'a> {
    query: &'a Query,
    joins: Vec<Joined<'a>>,
    last: Option<Vec<u8>>,
    seen: HashSet<Vec<u8>>,
    distinct: HashSet<Vec<u8>>,
}

#[derive(Debug)]
struct Joined<'a> {
    table: Arc<Table>,
    rest: Alternative,
    sense: Sense,
    scanners: Vec<Scanner<'a>>,
    next: Option<Vec<u8>>,
}

impl<'a> Results<'a> {
    /// Finds the indexes for a query and begins to read them.
    pub(crate) fn new(store: &'a Store, snapshot: &'a Snapshot, query: &'a Query) -> Result<Self, Error> {
        let joins = plan::plan(&store.catalog, query)?;
        let mut joins: Vec<_> = joins
            .into_iter()
            .map(|join| Joined::new(store, snapshot, query, join))
            .collect();
        for join in &mut joins {
            join.find(&query.layout)?;
        }
        Ok(Self {
            query,
            joins,
            last: None,
            seen: HashSet::new(),
            distinct: HashSet::new(),
        })
    }

    /// The next result.
    pub(crate) fn next(&mut self) -> Result<Option<Hit>, Error> {
        loop {
            let waiting = self.joins.iter_mut().filter(|join| join.next.is_some());
            let Some(least) = waiting.min_by(|a, b| a.next.cmp(&b.next)) else {
                return Ok(None);
            };
            let Some(position) = least.next.clone() else {
                return Ok(None);
            };
            if self.query.end.as_ref().is_some_and(|end| position > *end) {
                return Ok(None);
            }
            let table = least.table.clone();
            least.advance();
            least.find(&self.query.layout)?;
            if let Some(path) = self.take(&position) {
                let key = Key {
                    table: table.id,
                    path: path.into(),
                };
                return Ok(Some(Hit { table, key, position }));
            }
        }
    }

    /// What the answer depends on so far.
    pub(crate) fn read_so_far(&self) -> impl Iterator<Item = ReadSpan> {
        self.joins
            .iter()
            .flat_map(|join| join.scanners.iter().map(Scanner::read_so_far))
    }

    /// The path of a position that is a new result; `None`: it was one before.
    fn take(&mut self, position: &[u8]) -> Option<Vec<u8>> {
        if self.last.as_deref() == Some(position) {
            return None;
        }
        self.last = Some(position.to_vec());
        let Parts { values, path } = self.query.layout.split(position)?;
        if !self.query.distinct_on.is_empty() {
            let orders = self.query.layout.orders.iter().zip(values);
            let told = orders.filter(|((name, _), _)| self.query.distinct_on.contains(name));
            let told: Vec<u8> = told.flat_map(|(_, value)| value.iter().copied()).collect();
            return self.distinct.insert(told).then_some(path);
        }
        // An array has several places in an order by its property; its entity comes at the first.
        let may_repeat = !self.query.layout.orders.is_empty();
        let whole = !matches!(self.query.shown, Shown::Properties(_));
        if may_repeat && whole && !self.seen.insert(path.clone()) {
            return None;
        }
        Some(path)
    }
}

impl<'a> Joined<'a> {
    fn new(store: &'a Store, snapshot: &'a Snapshot, query: &Query, join: Join) -> Self {
        let sense = join.scans.first().map_or(Sense::Forward, |scan| scan.sense);
        let start = query
            .start
            .as_ref()
            .and_then(|start| query.layout.stored_form(start, sense));
        let scanners = join.scans.into_iter().map(|mut scan| {
            match (&start, sense) {
                (None, _) => {}
                (Some(start), Sense::Forward) => scan.span.raise(Bound::Excluded(start.clone())),
                (Some(start), Sense::Backward) => scan.span.lower(Bound::Excluded(start.clone())),
            }
            scan.start(store, snapshot)
        });
        Self {
            table: join.table,
            rest: join.rest,
            sense,
            scanners: scanners.collect(),
            next: None,
        }
    }

    fn advance(&mut self) {
        self.next = None;
        if let Some(first) = self.scanners.first_mut() {
            first.advance();
        }
    }

    /// Finds the next position that is in every scan and fulfils the rest.
    fn find(&mut self, layout: &Layout) -> Result<(), Error> {
        while let Some(place) = self.meet()? {
            let position = layout.position_of(&place, self.sense);
            self.next = position.filter(|position| self.fulfils(layout, position));
            if self.next.is_some() {
                break;
            }
            self.advance();
        }
        Ok(())
    }

    /// Goes on to the next place that every scan holds: each leaps to the furthest of the others
    /// until all are at one.
    fn meet(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let Some(first) = self.scanners.first_mut() else {
            return Ok(None);
        };
        let Some(mut target) = first.peek()?.map(<[u8]>::to_vec) else {
            return Ok(None);
        };
        let mut agreeing = 1;
        for turn in (0..self.scanners.len()).cycle().skip(1) {
            if agreeing == self.scanners.len() {
                break;
            }
            let scanner = &mut self.scanners[turn];
            scanner.seek(&target);
            match scanner.peek()? {
                None => return Ok(None),
                Some(place) if place == target => agreeing += 1,
                Some(place) => {
                    target = place.to_vec();
                    agreeing = 1;
                }
            }
        }
        Ok(Some(target))
    }

    fn fulfils(&self, layout: &Layout, position: &[u8]) -> bool {
        let Some(parts) = layout.split(position) else {
            return false;
        };
        let in_place = self.rest.paths.iter().any(|span| span.contains(&parts.path));
        in_place
            && layout
                .orders
                .iter()
                .zip(parts.values)
                .all(|((name, direction), value)| {
                    let Some(intervals) = self.rest.within.get(name) else {
                        return true;
                    };
                    let ascending: Vec<u8> = match direction {
                        Direction::Ascending => value.to_vec(),
                        Direction::Descending => value.iter().map(|byte| !byte).collect(),
                    };
                    intervals.iter().any(|interval| interval.contains(&ascending))
                })
    }
}
