//! What a transaction has read, and whether a write gets in its way.
//!
//! A query is remembered as the keys of its results and the spans it went through. It would
//! answer differently only if one of the results changed or something new came into a span; a
//! write that does either is in the way. With several spans this is stricter than need be.

use std::collections::HashMap;
use std::sync::Arc;

use crate::datastore::catalog::{Catalog, Table};
use crate::datastore::engine::{Source, Span};
use crate::datastore::error::Error;
use crate::datastore::history::History;
use crate::datastore::indexing::{self, Entry};
use crate::datastore::key::Key;
use crate::datastore::mutation::{Effect, Write};

/// The keys and spans that a transaction has read, each with the version it read at.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    keys: HashMap<Key, i64>,
    spans: Vec<ReadSpan>,
}

/// A part of a table or of one of its indexes.
#[derive(Clone, Debug)]
pub(crate) struct ReadSpan {
    pub(crate) table: Arc<Table>,
    pub(crate) source: Source,
    pub(crate) span: Span,
    pub(crate) version: i64,
}

impl Reads {
    /// Remembers a key. The version of its first reading counts.
    pub(crate) fn add_key(&mut self, key: Key, version: i64) {
        self.keys.entry(key).or_insert(version);
    }

    /// Remembers a span.
    pub(crate) fn add_span(&mut self, span: ReadSpan) {
        self.spans.push(span);
    }

    /// Whether the write would change what was read.
    pub(crate) fn meets(&self, write: &Write) -> bool {
        self.keys.contains_key(&write.key) || self.spans.iter().any(|read| read.would_gain(write))
    }

    /// Whether a commit has changed anything since it was read.
    pub(crate) fn is_stale(&self, catalog: &Catalog, history: &History) -> Result<bool, Error> {
        if history.is_empty() {
            return Ok(false);
        }
        if self
            .keys
            .iter()
            .any(|(key, version)| history.find_image(key, *version).is_some())
        {
            return Ok(true);
        }
        for read in &self.spans {
            if read.has_gained(catalog, history)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl ReadSpan {
    fn would_gain(&self, write: &Write) -> bool {
        if write.table.id != self.table.id {
            return false;
        }
        match (self.source, &write.effect) {
            (_, Effect::Delete) => false,
            (Source::Table(_), Effect::Put(..) | Effect::Merge(..)) => self.span.contains(&write.key.path),
            (Source::Index(_), Effect::Put(_, content)) => self.holds_any(&content.entries),
            // What a merge comes to is known at its commit only, where it is looked at again.
            (Source::Index(_), Effect::Merge(..)) => false,
        }
    }

    fn has_gained(&self, catalog: &Catalog, history: &History) -> Result<bool, Error> {
        let everything = Span::EVERYTHING;
        let (low, high) = match self.source {
            Source::Table(_) => self.span.bounds(),
            Source::Index(_) => everything.bounds(),
        };
        for key in history.changed(self.table.id, low, high, self.version) {
            match self.source {
                Source::Table(_) => return Ok(true),
                Source::Index(_) => {
                    for after in history.results(&key, self.version) {
                        let Some(record) = after else { continue };
                        let properties = record.indexable_properties();
                        let entries = indexing::entries(catalog, &self.table, &properties, &key.path)?;
                        if self.holds_any(&entries) {
                            return Ok(true);
                        }
                    }
                }
            }
        }
        Ok(false)
    }

    fn holds_any(&self, entries: &[Entry]) -> bool {
        let in_span =
            |entry: &Entry| Source::Index(entry.index) == self.source && self.span.contains(&entry.bytes);
        entries.iter().any(in_span)
    }
}
