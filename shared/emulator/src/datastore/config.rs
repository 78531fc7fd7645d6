//! The settings of the Datastore emulator.

use std::sync::Arc;
use std::time::Duration;

pub use super::encoding::value::Direction;
use crate::clock::{Clock, SystemClock};
use crate::storage::Storage;

/// How a server stores and serialises.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where entities live. Default: in memory.
    pub storage: Storage,
    /// How conflicting transactions are told apart. Default: optimistic.
    pub concurrency: Concurrency,
    /// Composite indexes, for every partition. Changing them rebuilds them at the next start.
    pub indexes: Vec<CompositeIndex>,
    /// The time by which transactions expire and entities are stamped.
    pub clock: Arc<dyn Clock>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            storage: Storage::Memory,
            concurrency: Concurrency::Optimistic,
            indexes: Vec::new(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// What happens to transactions that touch the same entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// A commit is ABORTED at once if something that its transaction read has changed since.
    Optimistic,
    /// Reads lock: a commit waits for other transactions that have read what it writes, and is
    /// ABORTED when they do not end in time.
    Pessimistic {
        /// How long a commit waits. Google's emulator: 2 s.
        wait: Duration,
    },
}

impl Concurrency {
    /// Pessimistic with the waiting time of Google's emulator.
    pub const PESSIMISTIC: Self = Self::Pessimistic {
        wait: Duration::from_secs(2),
    };
}

/// A declared index over several properties, as in an `index.yaml`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CompositeIndex {
    /// The kind whose entities it holds.
    pub kind: String,
    /// Whether it serves ancestor queries (and only those).
    pub ancestor: bool,
    /// The properties in the order of the index.
    pub properties: Vec<(String, Direction)>,
}

impl std::fmt::Display for CompositeIndex {
    /// The entry of an `index.yaml`, in the form in which production recommends it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "- kind: {}", self.kind)?;
        if self.ancestor {
            writeln!(f, "  ancestor: yes")?;
        }
        writeln!(f, "  properties:")?;
        for (property, direction) in &self.properties {
            writeln!(f, "  - name: {property}")?;
            if *direction == Direction::Descending {
                writeln!(f, "    direction: desc")?;
            }
        }
        Ok(())
    }
}
