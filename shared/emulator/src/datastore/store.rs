//! What reads see.
//!
//! Reads are at a version. They look at the engine's present first and then at the history; a
//! commit leaves its images in the history before the engine shows what it did. So whatever a
//! read has met too early, the history takes back.

use std::ops::Bound;
use std::sync::Arc;

use super::catalog::{Catalog, Table};
use super::engine::{Engine, Record, Sense, Source, Span};
use super::error::Error;
use super::indexing;
use super::key::Key;
use super::versions::{Snapshot, Versions};

/// What all methods share: the names, the present and the past.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) versions: Versions,
    pub(crate) engine: Engine,
}

/// Some of what a span holds, in order.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Arc<[u8]>>,
    /// What is left of the span; `None`: nothing.
    pub(crate) rest: Option<Span>,
}

impl Store {
    /// The entities at the keys as of the snapshot, in the keys' order.
    pub(crate) fn find_all(&self, keys: &[Key], snapshot: &Snapshot) -> Result<Vec<Option<Record>>, Error> {
        let mut found = self.engine.find_all(keys)?;
        let state = self.versions.lock();
        if !state.history.is_empty() {
            for (key, record) in keys.iter().zip(&mut found) {
                if let Some(image) = state.history.find_image(key, snapshot.version()) {
                    record.clone_from(image);
                }
            }
        }
        Ok(found)
    }

    /// The beginning of a span as of the snapshot, about `limit` entries of it.
    pub(crate) fn page(
        &self,
        index: &Readable,
        span: &Span,
        sense: Sense,
        limit: usize,
        snapshot: &Snapshot,
    ) -> Result<Page, Error> {
        let mut entries = self.engine.scan(index.source, span, sense, limit)?;
        let (covered, rest) = match entries.last() {
            Some(last) if entries.len() >= limit => split_at(span, sense, last),
            _ => (span.clone(), None),
        };
        self.patch(&mut entries, index, &covered, sense, snapshot.version())?;
        Ok(Page { entries, rest })
    }

    /// Takes out of a page what is there since, and puts in what was there.
    fn patch(
        &self,
        entries: &mut Vec<Arc<[u8]>>,
        index: &Readable,
        covered: &Span,
        sense: Sense,
        version: i64,
    ) -> Result<(), Error> {
        let state = self.versions.lock();
        if state.history.is_empty() {
            return Ok(());
        }
        let table = &index.table;
        entries.retain(|entry| {
            let path = index.shape.path(entry).map(Arc::from);
            path.is_some_and(|path| {
                let key = Key {
                    table: table.id,
                    path,
                };
                state.history.find_image(&key, version).is_none()
            })
        });
        let everywhere = Span::EVERYTHING;
        let paths = match index.source {
            Source::Table(_) => covered,
            Source::Index(_) => &everywhere,
        };
        let (low, high) = paths.bounds();
        let before = entries.len();
        for key in state.history.changed(table.id, low, high, version) {
            let Some(Some(record)) = state.history.find_image(&key, version) else {
                continue;
            };
            match index.source {
                Source::Table(_) => entries.push(key.path.clone()),
                Source::Index(id) => {
                    let of_image =
                        indexing::entries(&self.catalog, table, &record.indexable_properties(), &key.path)?;
                    let here = of_image.into_iter().filter(|entry| entry.index == id);
                    let covered = here.filter(|entry| covered.contains(&entry.bytes));
                    entries.extend(covered.map(|entry| Arc::from(entry.bytes)));
                }
            }
        }
        if entries.len() > before {
            entries.sort_unstable();
            if sense == Sense::Backward {
                entries.reverse();
            }
        }
        Ok(())
    }
}

/// What [`Store::page`] can read: a table or one of its indexes.
#[derive(Clone, Debug)]
pub(crate) struct Readable {
    pub(crate) table: Arc<Table>,
    pub(crate) source: Source,
    pub(crate) shape: indexing::Shape,
}

/// The part of a span that was read when `last` came, and the part that was not.
fn split_at(span: &Span, sense: Sense, last: &[u8]) -> (Span, Option<Span>) {
    let (mut covered, mut rest) = (span.clone(), span.clone());
    match sense {
        Sense::Forward => {
            covered.high = Bound::Included(last.to_vec());
            rest.low = Bound::Excluded(last.to_vec());
        }
        Sense::Backward => {
            covered.low = Bound::Included(last.to_vec());
            rest.high = Bound::Excluded(last.to_vec());
        }
    }
    (covered, Some(rest))
}
