//! One index read from a beginning to an end, a page at a time.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use crate::datastore::engine::{Sense, Span};
use crate::datastore::error::Error;
use crate::datastore::store::{Readable, Store};
use crate::datastore::transactions::reads::ReadSpan;
use crate::datastore::versions::Snapshot;

/// Sizes of the pages: small for a query that wants one result, growing while it wants more.
const FIRST_PAGE: usize = 32;
const LARGEST_PAGE: usize = 1_024;

/// What is to be read.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub(crate) readable: Readable,
    /// The beginning of every entry that is read; not part of what it gives.
    pub(crate) prefix: Vec<u8>,
    pub(crate) sense: Sense,
    /// The bounds of what stands behind the prefix.
    pub(crate) span: Span,
}

/// A scan under way.
#[derive(Debug)]
pub(crate) struct Scanner<'a> {
    store: &'a Store,
    snapshot: &'a Snapshot,
    readable: Readable,
    prefix: usize,
    sense: Sense,
    whole: Span,
    rest: Option<Span>,
    page: VecDeque<Arc<[u8]>>,
    page_size: usize,
}

impl Scan {
    /// Begins to read.
    pub(crate) fn start<'a>(self, store: &'a Store, snapshot: &'a Snapshot) -> Scanner<'a> {
        let mut whole = Span::of_prefix(&self.prefix);
        let placed = |bound: &Vec<u8>| [&self.prefix[..], bound].concat();
        whole.raise(self.span.low.as_ref().map(placed));
        whole.lower(self.span.high.as_ref().map(placed));
        Scanner {
            store,
            snapshot,
            readable: self.readable,
            prefix: self.prefix.len(),
            sense: self.sense,
            rest: Some(whole.clone()),
            whole,
            page: VecDeque::new(),
            page_size: FIRST_PAGE,
        }
    }
}

impl Scanner<'_> {
    /// What is next behind the prefix, without going on.
    pub(crate) fn peek(&mut self) -> Result<Option<&[u8]>, Error> {
        while self.page.is_empty() {
            let Some(rest) = self.rest.take() else {
                return Ok(None);
            };
            let page = self
                .store
                .page(&self.readable, &rest, self.sense, self.page_size, self.snapshot)?;
            self.page = page.entries.into();
            self.rest = page.rest;
            self.page_size = (self.page_size * 2).min(LARGEST_PAGE);
        }
        Ok(self.page.front().map(|entry| &entry[self.prefix..]))
    }

    /// Goes on by one.
    pub(crate) fn advance(&mut self) {
        self.page.pop_front();
    }

    /// Goes on to what is at or behind `target`.
    pub(crate) fn seek(&mut self, target: &[u8]) {
        let sense = self.sense;
        let prefix = self.prefix;
        let is_before = |entry: &[u8]| match sense {
            Sense::Forward => &entry[prefix..] < target,
            Sense::Backward => &entry[prefix..] > target,
        };
        while self.page.front().is_some_and(|entry| is_before(entry)) {
            self.page.pop_front();
        }
        if self.page.is_empty()
            && let Some(rest) = &mut self.rest
        {
            let mut placed = match (&self.whole.low, &self.whole.high) {
                (Bound::Included(low) | Bound::Excluded(low), _) => low[..prefix].to_vec(),
                (Bound::Unbounded, _) => Vec::new(),
            };
            placed.extend_from_slice(target);
            match sense {
                Sense::Forward => rest.raise(Bound::Included(placed)),
                Sense::Backward => rest.lower(Bound::Included(placed)),
            }
        }
    }

    /// The part of the index that the answer depends on so far.
    pub(crate) fn read_so_far(&self) -> ReadSpan {
        let mut span = self.whole.clone();
        if let Some(next) = self.page.front() {
            match self.sense {
                Sense::Forward => span.lower(Bound::Included(next.to_vec())),
                Sense::Backward => span.raise(Bound::Included(next.to_vec())),
            }
        }
        ReadSpan {
            table: self.readable.table.clone(),
            source: self.readable.source,
            span,
            version: self.snapshot.version(),
        }
    }
}
